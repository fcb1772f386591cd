#!/usr/bin/env python3
"""A FastMCP server with every kind of component, over stdio or (--port N) Streamable HTTP.

A peer for our own client, which lists and uses all of it.
"""

import argparse
import asyncio
import base64
import datetime
import sys
from dataclasses import dataclass
from typing import Annotated, Literal

from fastmcp import Context, FastMCP
from fastmcp.exceptions import ToolError
from fastmcp.prompts import Message
from fastmcp.tools import ToolResult
from fastmcp.utilities.types import Audio, File, Image
from mcp.types import ResourceLink
from pydantic import BaseModel, Field

PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
WAV = base64.b64decode("UklGRiQAAABXQVZFZm10IBAAAAABAAEARKwAAIhYAQACABAAZGF0YQAAAAA=")

server = FastMCP("py-fastmcp-server", version="1.0.0", instructions="Every kind of component.")


# --- Tools: one for each way of answering ----------------------------------------------------


class Point(BaseModel):
    x: float
    y: float
    label: str | None = None


@dataclass
class Summary:
    count: int
    kinds: list[str]


@server.tool(tags={"text"}, annotations={"readOnlyHint": True, "title": "Greeter"})
def greet(name: Annotated[str, Field(description="who to greet")], excited: bool = False) -> str:
    """Greet someone."""
    return f"Hello, {name}{'!' if excited else '.'}"


@server.tool
def add(a: int, b: int) -> int:
    """Add two integers."""
    return a + b


@server.tool
def midpoint(points: list[Point]) -> Point:
    """The point in the middle of several."""
    count = len(points)
    return Point(x=sum(p.x for p in points) / count, y=sum(p.y for p in points) / count)


@server.tool
def summarize(kind: Literal["a", "b", "c"], times: Annotated[int, Field(ge=0, le=10)] = 1) -> Summary:
    """A dataclass as structured content."""
    return Summary(count=times, kinds=[kind] * times)


@server.tool
def nothing() -> None:
    """Answer with no content at all."""


@server.tool
def numbers() -> list[int]:
    """A list, wrapped by its output schema."""
    return [1, 2, 3]


@server.tool
def tomorrow(day: datetime.date) -> datetime.date:
    """The day after."""
    return day + datetime.timedelta(days=1)


@server.tool
def picture() -> Image:
    """A PNG."""
    return Image(data=PNG, format="png")


@server.tool
def sound() -> Audio:
    """A WAV."""
    return Audio(data=WAV, format="wav")


@server.tool
def document() -> File:
    """An embedded resource."""
    return File(data=b"file contents", format="plain", name="document")


@server.tool
def link() -> ResourceLink:
    """A link to a resource."""
    return ResourceLink(type="resource_link", uri="data://config", name="config", mime_type="application/json")


@server.tool
def mixed() -> list:
    """Text, an image and an object, in this order."""
    return ["text", Image(data=PNG, format="png"), {"key": "value"}]


@server.tool
def explicit() -> ToolResult:
    """Content, structured content and meta, all set by hand."""
    return ToolResult(content="shown", structured_content={"hidden": [1, 2]}, meta={"source": "test"})


@server.tool
def refuse(reason: str) -> str:
    """Fail with a text for the model."""
    raise ToolError(f"refused: {reason}")


@server.tool
def crash() -> str:
    """Fail without one."""
    raise RuntimeError("unexpected")


@server.tool
async def slow(steps: int, ctx: Context) -> str:
    """Report progress and log on the way."""
    for step in range(steps):
        await ctx.report_progress(step + 1, steps, f"step {step + 1}")
        await ctx.info(f"step {step + 1} of {steps}")
        await asyncio.sleep(0.01)
    return f"{steps} steps"


@server.tool
async def wait(seconds: float) -> str:
    """Wait, to be cancelled."""
    await asyncio.sleep(seconds)
    return "waited"


@server.tool
async def grow(ctx: Context) -> str:
    """Add a tool at run time, which changes the list."""

    def grown() -> str:
        """Was not there before."""
        return "grown"

    server.tool(grown)
    return "added"


# --- Resources and templates -----------------------------------------------------------------


@server.resource("data://config", mime_type="application/json", tags={"config"})
def config() -> str:
    """Some settings."""
    return '{"debug": false, "level": 3}'


@server.resource("data://motto")
def motto() -> str:
    """Plain text."""
    return "carpe diem \u2603"


@server.resource("data://logo", mime_type="image/png")
def logo() -> bytes:
    """Bytes."""
    return PNG


@server.resource("data://broken")
def broken() -> str:
    """Cannot be read."""
    raise RuntimeError("out of order")


@server.resource("users://{user}/profile", mime_type="application/json")
def profile(user: str) -> str:
    """One parameter."""
    return f'{{"user": "{user}"}}'


@server.resource("files://{path*}")
def file(path: str) -> str:
    """A parameter that takes slashes."""
    return f"contents of {path}"


@server.resource("search://items{?query,limit}")
def search(query: str = "all", limit: int = 10) -> str:
    """Query parameters with defaults."""
    return f"{limit} of {query}"


# --- Prompts ---------------------------------------------------------------------------------


@server.prompt
def ask(topic: str) -> str:
    """A question."""
    return f"What about {topic}?"


@server.prompt(tags={"review"})
def review(code: str, language: str = "rust") -> list[Message]:
    """Several messages with roles."""
    return [
        Message(f"Review this {language}: {code}"),
        Message("I shall look at it.", role="assistant"),
    ]


@server.prompt
def total(numbers: list[int]) -> str:
    """A typed argument, given as JSON in a string."""
    return f"The sum is {sum(numbers)}"


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int)
    options = parser.parse_args()
    if options.port is None:
        server.run("stdio", show_banner=False)
    else:
        print(f"http://127.0.0.1:{options.port}/mcp", file=sys.stderr, flush=True)
        server.run("http", host="127.0.0.1", port=options.port, show_banner=False)
