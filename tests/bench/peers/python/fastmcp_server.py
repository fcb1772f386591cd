#!/usr/bin/env python3
"""A server on FastMCP, as its README has it, over stdio or HTTP."""

import sys

from fastmcp import FastMCP

server = FastMCP("peer", version="1.0.0")


@server.tool
def echo(message: str) -> str:
    """Returns the message."""
    return message


@server.tool
def add(a: float, b: float) -> float:
    """Adds two numbers."""
    return a + b


if sys.argv[1] == "stdio":
    server.run("stdio", show_banner=False)
else:
    quiet = {"log_level": "warning"}
    server.run("http", host="127.0.0.1", port=int(sys.argv[3]), show_banner=False, uvicorn_config=quiet)
