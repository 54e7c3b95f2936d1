"""Tells twistd about pylpaca."""

from twisted.application.service import ServiceMaker

pylpaca = ServiceMaker("pylpaca", "pylpaca.loading", "ASCOM Alpaca server for astronomical hardware", "pylpaca")
