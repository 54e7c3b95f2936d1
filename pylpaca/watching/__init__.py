"""How the server is doing: what is counted, logged and measured of it, and who is told."""
