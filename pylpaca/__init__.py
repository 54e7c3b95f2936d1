"""pylpaca: an ASCOM Alpaca server for your own astronomical hardware, as a Twisted service."""

__version__ = "0.1.0"
