#!/usr/bin/env python3
"""The test fixture on the official Python SDK, over stdio or (--port N) Streamable HTTP, both eras.

A reference to try the clients' checks against, and a peer for our own client. Questions to the
client go through `Resolve`, the one style of that SDK which works in both eras.
"""

import argparse
import base64
import json
import os
import sys
import warnings
from typing import Annotated, Literal

import anyio
import mcp_types as types
from mcp import MCPDeprecationWarning
from mcp.server.mcpserver import (
    AcceptedElicitation,
    Context,
    Elicit,
    ElicitationResult,
    ListRoots,
    MCPServer,
    Resolve,
    Sample,
)
from mcp.server.mcpserver.exceptions import ToolError
from pydantic import BaseModel

warnings.simplefilter("ignore", MCPDeprecationWarning)

PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
WAV = base64.b64decode("UklGRiQAAABXQVZFZm10IBAAAAABAAEARKwAAIhYAQACABAAZGF0YQAAAAA=")
WATCHED = "test://watched-resource"

server = MCPServer("py-mcp-server", version="1.0.0", instructions="The test fixture.", log_level="WARNING")
low = server._lowlevel_server
subscribed: set[str] = set()
sessions: set = set()


def image():
    return types.ImageContent(type="image", data=base64.b64encode(PNG).decode(), mime_type="image/png")


def embedded(uri, mime_type, text):
    contents = types.TextResourceContents(uri=uri, mime_type=mime_type, text=text)
    return types.EmbeddedResource(type="resource", resource=contents)


# --- Tools -----------------------------------------------------------------------------------


@server.tool(description="Answer with the same text")
def echo(message: str) -> str:
    return message


@server.tool(description="Add two numbers")
def add(a: float, b: float) -> float:
    return a + b


@server.tool(description="Wait")
async def sleep(ms: int) -> str:
    await anyio.sleep(ms / 1000)
    return f"slept {ms} ms"


@server.tool(description="Fail without an answer of its own")
def panic() -> str:
    raise RuntimeError("this handler panics")


@server.tool(description="End the process in the middle of the call")
def die() -> str:
    os._exit(3)


@server.tool(description="Text")
def test_simple_text() -> str:
    return "This is a simple text response for testing."


@server.tool(description="An image", structured_output=False)
def test_image_content() -> list[types.ContentBlock]:
    return [image()]


@server.tool(description="A sound", structured_output=False)
def test_audio_content() -> list[types.ContentBlock]:
    return [types.AudioContent(type="audio", data=base64.b64encode(WAV).decode(), mime_type="audio/wav")]


@server.tool(description="A resource", structured_output=False)
def test_embedded_resource() -> list[types.ContentBlock]:
    return [embedded("test://embedded-resource", "text/plain", "This is an embedded resource content.")]


@server.tool(description="Several kinds", structured_output=False)
def test_multiple_content_types() -> list[types.ContentBlock]:
    text = types.TextContent(type="text", text="Multiple content types test:")
    mixed = json.dumps({"test": "data", "value": 123})
    return [text, image(), embedded("test://mixed-content-resource", "application/json", mixed)]


@server.tool(description="An error the model may read")
def test_error_handling() -> str:
    raise ToolError("This tool intentionally returns an error for testing")


@server.tool(description="Progress in three steps")
async def test_tool_with_progress(ctx: Context) -> str:
    for step in (0, 50, 100):
        await ctx.report_progress(step, 100)
        await anyio.sleep(0.05)
    return "done"


@server.tool(description="Three log messages")
async def test_tool_with_logging(ctx: Context) -> str:
    for message in ("Tool execution started", "Tool processing data", "Tool execution completed"):
        await ctx.info(message)
        await anyio.sleep(0.05)
    return "logged"


@server.tool(description="Announce a change of the tools")
async def test_trigger_tool_change(ctx: Context) -> str:
    await ctx.notify_tools_changed()
    await ctx.session.send_tool_list_changed()
    return "ok"


@server.tool(description="Announce a change of the prompts")
async def test_trigger_prompt_change(ctx: Context) -> str:
    await ctx.notify_prompts_changed()
    await ctx.session.send_prompt_list_changed()
    return "ok"


@server.tool(description="Announce a change of the watched resource")
async def test_trigger_resource_update(ctx: Context) -> str:
    await ctx.notify_resource_updated(WATCHED)
    if WATCHED in subscribed:
        await ctx.session.send_resource_updated(WATCHED)
    return "ok"


# --- Questions to the client -----------------------------------------------------------------


class Person(BaseModel):
    username: str
    email: str


class UserName(BaseModel):
    name: str


class Confirm(BaseModel):
    ok: bool


class Defaults(BaseModel):
    name: str = "John Doe"
    age: int = 30
    score: float = 95.5
    status: Literal["active", "inactive", "pending"] = "active"
    verified: bool = True


def asking(message, schema):
    async def resolver() -> Elicit[schema]:
        return Elicit(message, schema)

    return resolver


async def ask_person(message: str) -> Elicit[Person]:
    return Elicit(message, Person)


async def sample_prompt(prompt: str) -> Sample:
    return Sample([types.SamplingMessage(role="user", content=types.TextContent(type="text", text=prompt))], max_tokens=100)


async def sample_capital() -> Sample:
    question = types.TextContent(type="text", text="What is the capital of France?")
    return Sample([types.SamplingMessage(role="user", content=question)], max_tokens=100)


async def roots() -> ListRoots:
    return ListRoots()


ask_name = asking("What is your name?", UserName)
ask_confirm = asking("Sure?", Confirm)
ask_defaults = asking("Please fill in", Defaults)


@server.tool(description="Ask for a user")
async def test_elicitation(message: str, person: Annotated[ElicitationResult[Person], Resolve(ask_person)]) -> str:
    content = person.data.model_dump_json() if isinstance(person, AcceptedElicitation) else None
    return f"User response: action={person.action}, content={content}"


@server.tool(description="Ask with defaults")
async def test_elicitation_sep1034_defaults(
    found: Annotated[ElicitationResult[Defaults], Resolve(ask_defaults)],
) -> str:
    content = found.data.model_dump_json() if isinstance(found, AcceptedElicitation) else None
    return f"Elicitation completed: action={found.action}, content={content}"


@server.tool(description="Ask the model")
async def test_sampling(prompt: str, answer: Annotated[types.CreateMessageResult, Resolve(sample_prompt)]) -> str:
    return f"LLM response: {answer.content.text}"


@server.tool(description="Ask for a name")
async def test_input_required_result_elicitation(user: Annotated[UserName, Resolve(ask_name)]) -> str:
    return f"Hello, {user.name}!"


@server.tool(description="Ask the model for a capital")
async def test_input_required_result_sampling(
    answer: Annotated[types.CreateMessageResult, Resolve(sample_capital)],
) -> str:
    return answer.content.text


@server.tool(description="Ask for the roots")
async def test_input_required_result_list_roots(found: Annotated[types.ListRootsResult, Resolve(roots)]) -> str:
    return f"{len(found.roots)} root(s)"


@server.tool(description="Ask for a confirmation")
async def test_input_required_result_request_state(sure: Annotated[Confirm, Resolve(ask_confirm)]) -> str:
    return f"state-ok {sure.ok}"


@server.tool(description="Ask three things at once")
async def test_input_required_result_multiple_inputs(
    user: Annotated[UserName, Resolve(ask_name)],
    answer: Annotated[types.CreateMessageResult, Resolve(sample_capital)],
    found: Annotated[types.ListRootsResult, Resolve(roots)],
) -> str:
    return f"{user.name}, {answer.content.text}, {len(found.roots)} root(s)"


# --- Resources, prompts, completion ----------------------------------------------------------


@server.resource("test://static-text", mime_type="text/plain")
def static_text() -> str:
    return "This is the content of the static text resource."


@server.resource("test://static-binary", mime_type="image/png")
def static_binary() -> bytes:
    return PNG


@server.resource(WATCHED, mime_type="text/plain")
def watched() -> str:
    return "watched"


@server.resource("test://template/{id}/data", mime_type="application/json")
def template(id: str) -> str:
    return json.dumps({"id": id, "templateTest": True, "data": f"Data for ID: {id}"}, ensure_ascii=False)


@server.prompt(description="Plain")
def test_simple_prompt() -> str:
    return "This is a simple prompt for testing."


@server.prompt(description="With arguments")
def test_prompt_with_arguments(arg1: str, arg2: str) -> str:
    return f"Prompt with arguments: arg1='{arg1}', arg2='{arg2}'"


@server.prompt(description="With a resource")
def test_prompt_with_embedded_resource(resourceUri: str) -> list:  # noqa: N803 - the wire's name
    resource = embedded(resourceUri, "text/plain", "Embedded resource content for testing.")
    return [{"role": "user", "content": resource}, "Please process the embedded resource above."]


@server.prompt(description="With an image")
def test_prompt_with_image() -> list:
    return [{"role": "user", "content": image()}, "Please analyze the image above."]


@server.completion()
async def complete(_ref, argument, _context):
    values = [value for value in ("test-one", "test-two", "other") if value.startswith(argument.value)]
    return types.Completion(values=values, total=len(values), has_more=False)


# --- The parts the high-level server leaves out ----------------------------------------------


async def set_level(_ctx, _params):
    return types.EmptyResult()


async def subscribe(_ctx, params):
    subscribed.add(str(params.uri))
    return types.EmptyResult()


async def unsubscribe(_ctx, params):
    subscribed.discard(str(params.uri))
    return types.EmptyResult()


low.add_request_handler("logging/setLevel", types.SetLevelRequestParams, set_level)
low.add_request_handler("resources/subscribe", types.SubscribeRequestParams, subscribe)
low.add_request_handler("resources/unsubscribe", types.UnsubscribeRequestParams, unsubscribe)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int)
    options = parser.parse_args()
    if options.port is None:
        server.run("stdio")
    else:
        print(f"http://127.0.0.1:{options.port}/mcp", file=sys.stderr, flush=True)
        server.run("streamable-http", host="127.0.0.1", port=options.port)
