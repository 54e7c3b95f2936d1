"""Settings that are changed while the server runs: as a form, in the configuration file, tried, and put into effect."""
