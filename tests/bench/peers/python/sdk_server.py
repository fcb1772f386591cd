#!/usr/bin/env python3
"""A server on the official Python SDK, as its README has it, over stdio or HTTP."""

import sys

from mcp.server.mcpserver import MCPServer

server = MCPServer("peer", version="1.0.0", log_level="WARNING")


@server.tool()
def echo(message: str) -> str:
    """Returns the message."""
    return message


@server.tool()
def add(a: float, b: float) -> float:
    """Adds two numbers."""
    return a + b


if sys.argv[1] == "stdio":
    server.run("stdio")
else:
    server.run("streamable-http", host="127.0.0.1", port=int(sys.argv[3]))
