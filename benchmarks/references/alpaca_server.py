"""python-alpaca-server with the safety monitor of its own example, whose port alone is fixed there."""

from __future__ import annotations

import sys

import uvicorn
from python_alpaca_server.__main__ import MySafetyMonitor, get_server_description
from python_alpaca_server.app import AlpacaServer

server = AlpacaServer(get_server_description, [MySafetyMonitor("other")])
uvicorn.run(server.create_app(int(sys.argv[1])), host="127.0.0.1", port=int(sys.argv[1]))
