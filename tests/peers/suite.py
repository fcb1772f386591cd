"""The checks that every Python client runs against a server that offers the test fixture.

A script makes a `Peer` for its own client library and hands it to `main`. One JSON line a check goes
to standard output: {"check": "...", "ok": true, "detail": ...}. The exit code is 0 when all are ok.
"""

import argparse
import base64
import json
import logging as python_logging
import re
import sys
import time

import anyio

CHECK_SECONDS = 30
LEGACY_VERSION = "2025-11-25"
MODERN_VERSION = "2026-07-28"
INVALID_PARAMS = -32602
INTERNAL_ERROR = -32603
RESOURCE_NOT_FOUND = -32002  # up to 2025-11-25; INVALID_PARAMS since
LOG_LEVEL_KEY = "io.modelcontextprotocol/logLevel"

TOOLS = {
    "echo", "add", "sleep", "panic", "test_simple_text", "test_image_content", "test_audio_content",
    "test_embedded_resource", "test_multiple_content_types", "test_error_handling",
    "test_tool_with_progress", "test_tool_with_logging", "test_trigger_tool_change",
    "test_trigger_prompt_change", "test_trigger_resource_update",
}  # fmt: skip
PROMPTS = {
    "test_simple_prompt", "test_prompt_with_arguments", "test_prompt_with_embedded_resource",
    "test_prompt_with_image",
}  # fmt: skip
RESOURCES = {"test://static-text", "test://static-binary"}
TEMPLATE = "test://template/{id}/data"
WATCHED = "test://watched-resource"


class RpcError(Exception):
    """A JSON-RPC error that the server answered, whatever the client library calls it."""

    def __init__(self, code, message, data):
        super().__init__(f"{code} {message} {data if data is not None else ''}".strip())
        self.code, self.message, self.data = code, message, data


class Skip(Exception):
    """The check does not exist in this era or for this client."""


class Peer:
    """One connected client. Results are plain JSON values with the names of the wire."""

    modern = False
    pinned = False  # the era was adopted unasked: nothing is known of the server
    notifications: list  # of (method, params), as they arrive outside a subscription
    logs: list  # of notifications/message params
    asked: list  # of the methods that the server asked of this client

    async def facts(self): ...  # version, name, server_version, capabilities, instructions
    async def page(self, kind, cursor=None): ...  # (items, next cursor)
    async def call(self, name, arguments=None, *, progress=None, meta=None, timeout=None): ...
    async def read(self, uri): ...
    async def prompt(self, name, arguments=None): ...
    async def complete(self, ref, argument, context=None): ...
    async def ping(self): ...
    async def set_level(self, level): ...
    async def subscribe(self, uri): ...
    async def unsubscribe(self, uri): ...
    def listen(self, **wanted): ...  # async context manager giving an awaitable `next_event()`


def text_of(result):
    return "".join(block.get("text", "") for block in result["content"] if block["type"] == "text")


def expect(condition, *detail):
    if not condition:
        raise AssertionError(" ".join(map(str, detail)) or "unexpected")


async def wait_until(condition, what, seconds=10):
    with anyio.move_on_after(seconds):
        while not condition():
            await anyio.sleep(0.01)
        return
    raise AssertionError(f"no {what} within {seconds} s")


async def fails_with(codes, call):
    try:
        result = await call
    except RpcError as error:
        expect(error.code in codes, f"error {error}, expected a code in {codes}")
        return error
    raise AssertionError(f"no error but {result}")


async def everything(peer, kind):
    """All pages, with the cursor followed by hand."""
    items, cursor, cursors = [], None, set()
    while True:
        page, cursor = await peer.page(kind, cursor)
        items += page
        if cursor is None:
            return items, len(cursors) + 1
        expect(cursor not in cursors, "the cursor repeats:", cursor)
        cursors.add(cursor)


# --- Facts and lists -------------------------------------------------------------------------


async def connect(peer):
    if peer.pinned:
        raise Skip("no handshake to look at")
    facts = await peer.facts()
    expect(facts["version"] == (MODERN_VERSION if peer.modern else LEGACY_VERSION), facts["version"])
    expect(facts["name"], "the server has no name")
    expect(facts["server_version"], "the server has no version")
    expect(facts["instructions"] is None or facts["instructions"], "empty instructions")
    return facts["name"], facts["server_version"], facts["version"]


async def capabilities(peer):
    if peer.pinned:
        raise Skip("no handshake to look at")
    found = (await peer.facts())["capabilities"]
    for wanted in ("tools", "resources", "prompts", "completions"):
        expect(wanted in found, f"no {wanted} in", found)
    for kind in ("tools", "prompts"):
        expect(found[kind].get("listChanged") is True, f"{kind}.listChanged is not declared:", found)
    expect(found["resources"].get("subscribe") is True, "resources.subscribe is not declared:", found)
    return found


def listing(kind, key, wanted):
    async def check(peer):
        items, pages = await everything(peer, kind)
        names = [item[key] for item in items]
        expect(len(names) == len(set(names)), "listed twice:", names)
        expect(wanted <= set(names), "not listed:", sorted(wanted - set(names)))
        for item in items:
            expect(item["name"], item)
            expect(kind != "tools" or item["inputSchema"]["type"] == "object", item)
            expect(kind not in ("tools", "prompts") or item.get("description"), "undescribed:", item)
        return f"{len(names)} on {pages} page(s)"

    return check


async def tool_schemas(peer):
    tools = {tool["name"]: tool for tool in (await everything(peer, "tools"))[0]}
    add = tools["add"]["inputSchema"]
    expect(set(add["properties"]) == {"a", "b"}, add)
    expect(set(add["required"]) == {"a", "b"}, add)
    expect(tools["echo"]["inputSchema"]["properties"]["message"]["type"] == "string", tools["echo"])


async def bad_cursor(peer):
    return str(await fails_with([INVALID_PARAMS], peer.page("tools", "no such cursor \u2603")))


# --- Tools -----------------------------------------------------------------------------------


async def call_echo(peer):
    for message in ("hello", "", 'qu"ote \\ \u2028 \U0001f600 \x00 line\nbreak', "x" * 65536):
        result = await peer.call("echo", {"message": message})
        expect(not result.get("isError"), result)
        expect(text_of(result) == message, repr(text_of(result))[:80])


async def call_add(peer):
    result = await peer.call("add", {"a": 40, "b": 2})
    expect(float(text_of(result)) == 42, result)
    result = await peer.call("add", {"a": -0.5, "b": 1e3})
    expect(float(text_of(result)) == 999.5, result)
    structured = result.get("structuredContent")
    expect(structured in (None, 999.5, {"result": 999.5}), structured)
    return structured


async def call_text(peer):
    result = await peer.call("test_simple_text")
    expect(text_of(result) == "This is a simple text response for testing.", result)


async def call_image(peer):
    (block,) = (await peer.call("test_image_content"))["content"]
    expect(block["type"] == "image" and block["mimeType"] == "image/png", block)
    expect(base64.b64decode(block["data"], validate=True).startswith(b"\x89PNG"), "not a PNG")


async def call_audio(peer):
    (block,) = (await peer.call("test_audio_content"))["content"]
    expect(block["type"] == "audio" and block["mimeType"] == "audio/wav", block)
    expect(base64.b64decode(block["data"], validate=True).startswith(b"RIFF"), "not a WAV")


async def call_embedded(peer):
    (block,) = (await peer.call("test_embedded_resource"))["content"]
    expect(block["type"] == "resource", block)
    resource = block["resource"]
    expect(resource["uri"] == "test://embedded-resource", resource)
    expect(resource["mimeType"] == "text/plain", resource)
    expect(resource["text"] == "This is an embedded resource content.", resource)


async def call_multiple(peer):
    blocks = (await peer.call("test_multiple_content_types"))["content"]
    expect([block["type"] for block in blocks] == ["text", "image", "resource"], blocks)
    expect(blocks[0]["text"] == "Multiple content types test:", blocks[0])
    expect(json.loads(blocks[2]["resource"]["text"]) == {"test": "data", "value": 123}, blocks[2])


async def call_error(peer):
    result = await peer.call("test_error_handling")
    expect(result.get("isError") is True, result)
    expect("This tool intentionally returns an error for testing" in text_of(result), result)


async def unknown_tool(peer):
    return str(await fails_with([INVALID_PARAMS], peer.call("no_such_tool", {})))


async def bad_arguments(peer):
    # 2025-11-25 and later want a result the model can act on; -32602 remains allowed before.
    for arguments, name in (({"a": "x", "b": 1}, "a"), ({"a": 1}, "b"), ({}, "a")):
        result = await peer.call("add", arguments)
        expect(result.get("isError") is True, result)
        expect(re.search(rf"\b{name}\b", text_of(result)), "the field is not named:", text_of(result))
    return text_of(result)


async def panic_tool(peer):
    try:
        result = await peer.call("panic")
        expect(result.get("isError") is True, result)
        outcome = text_of(result)
    except RpcError as error:
        expect(error.code == INTERNAL_ERROR, error)
        outcome = str(error)
    expect(text_of(await peer.call("echo", {"message": "alive"})) == "alive", "no life after a panic")
    return outcome


async def progress(peer):
    seen = []

    async def on_progress(done, total, _message=None):
        seen.append((done, total))

    result = await peer.call("test_tool_with_progress", progress=on_progress)
    expect(not result.get("isError") and text_of(result), result)
    await wait_until(lambda: len(seen) >= 3, f"third progress notification, only {seen}", 2)
    expect(seen == sorted(seen) and seen[-1] == (100, 100), seen)
    return seen


async def logging(peer):
    """Three messages where the level lets them pass, none where it does not."""

    async def logged(level):
        meta = {LOG_LEVEL_KEY: level} if peer.modern else None
        if not peer.modern:
            await peer.set_level(level)
        before = len(peer.logs)
        await peer.call("test_tool_with_logging", meta=meta)
        await anyio.sleep(0.2)
        return peer.logs[before:]

    messages = await logged("debug")
    expect(len(messages) >= 3, messages)
    expect(all(message["level"] == "info" for message in messages), messages)
    expect("Tool execution started" in json.dumps(messages[0]["data"]), messages[0])
    expect(not await logged("error"), "a message below the level came through")


async def cancel(peer):
    """A cancelled call ends at once here, and the connection serves others meanwhile and after."""
    async with anyio.create_task_group() as tasks:
        started = time.monotonic()
        tasks.start_soon(peer.call, "sleep", {"ms": 60000})
        await anyio.sleep(0.3)
        expect(text_of(await peer.call("echo", {"message": "beside"})) == "beside", "not served beside")
        tasks.cancel_scope.cancel()
    elapsed = time.monotonic() - started
    expect(elapsed < 20, f"took {elapsed:.1f} s")
    expect(text_of(await peer.call("echo", {"message": "after"})) == "after", "not served after")


async def timeout(peer):
    started = time.monotonic()
    try:
        await peer.call("sleep", {"ms": 60000}, timeout=0.5)
        raise AssertionError("the call did not time out")
    except AssertionError:
        raise
    except Exception as error:  # noqa: BLE001 - each library has its own
        outcome = type(error).__name__
    expect(time.monotonic() - started < 20, "late")
    expect(text_of(await peer.call("echo", {"message": "after"})) == "after", "not served after")
    return outcome


async def fifty_at_once(peer):
    answers = {}

    async def one(number):
        if number % 5 == 0:
            await peer.call("sleep", {"ms": number})
        answers[number] = text_of(await peer.call("echo", {"message": f"message {number}"}))

    async with anyio.create_task_group() as tasks:
        for number in range(50):
            tasks.start_soon(one, number)
    expect(answers == {number: f"message {number}" for number in range(50)}, answers)


# --- Resources -------------------------------------------------------------------------------


async def read_text(peer):
    (contents,) = (await peer.read("test://static-text"))["contents"]
    expect(contents["uri"] == "test://static-text", contents)
    expect(contents["mimeType"] == "text/plain", contents)
    expect(contents["text"] == "This is the content of the static text resource.", contents)


async def read_binary(peer):
    (contents,) = (await peer.read("test://static-binary"))["contents"]
    expect(contents["uri"] == "test://static-binary", contents)
    expect(contents["mimeType"] == "image/png" and "text" not in contents, contents)
    expect(base64.b64decode(contents["blob"], validate=True).startswith(b"\x89PNG"), "not a PNG")


async def read_template(peer):
    for identifier, spelled in (("123", "123"), ("a b", "a%20b"), ("\u00e9", "%C3%A9")):
        (contents,) = (await peer.read(f"test://template/{spelled}/data"))["contents"]
        expect(identifier in contents["text"], contents)
        expect(contents["uri"] == f"test://template/{spelled}/data", contents)


async def read_missing(peer):
    code = INVALID_PARAMS if peer.modern else RESOURCE_NOT_FOUND
    uri = "test://no-such-resource"
    error = await fails_with([code], peer.read(uri))
    expect(error.data == {"uri": uri}, "data:", error.data)
    return str(error)


# --- Prompts and completion ------------------------------------------------------------------


async def prompt_simple(peer):
    (message,) = (await peer.prompt("test_simple_prompt"))["messages"]
    expect(message["role"] == "user", message)
    expect(message["content"]["text"] == "This is a simple prompt for testing.", message)


async def prompt_arguments(peer):
    given = {"arg1": "caf\u00e9", "arg2": 'sec"ond'}
    result = await peer.prompt("test_prompt_with_arguments", given)
    text = result["messages"][0]["content"]["text"]
    expect(given["arg1"] in text and given["arg2"] in text, text)


async def prompt_embedded(peer):
    given = {"resourceUri": "test://embedded-resource"}
    messages = (await peer.prompt("test_prompt_with_embedded_resource", given))["messages"]
    expect([message["content"]["type"] for message in messages] == ["resource", "text"], messages)
    expect(messages[0]["content"]["resource"]["uri"] == given["resourceUri"], messages)


async def prompt_image(peer):
    messages = (await peer.prompt("test_prompt_with_image"))["messages"]
    expect([message["content"]["type"] for message in messages] == ["image", "text"], messages)


async def prompt_missing_argument(peer):
    return str(await fails_with([INVALID_PARAMS], peer.prompt("test_prompt_with_arguments", {"arg1": "x"})))


async def unknown_prompt(peer):
    return str(await fails_with([INVALID_PARAMS], peer.prompt("no_such_prompt")))


async def completion(peer):
    ref = {"type": "ref/prompt", "name": "test_prompt_with_arguments"}
    found = (await peer.complete(ref, {"name": "arg1", "value": "test"}))["completion"]
    expect(isinstance(found["values"], list) and len(found["values"]) <= 100, found)
    expect(all(isinstance(value, str) for value in found["values"]), found)
    return found


# --- Changes ---------------------------------------------------------------------------------


async def changes_legacy(peer):
    """2025-11-25 and before: list changes come unasked, resource updates to who subscribed."""
    if peer.modern:
        raise Skip("changes come on a listen stream in this era")
    for kind in ("tool", "prompt"):
        before = len(peer.notifications)
        await peer.call(f"test_trigger_{kind}_change")
        wanted = f"notifications/{kind}s/list_changed"
        await wait_until(lambda: wanted in [name for name, _ in peer.notifications[before:]], wanted)
    updates = lambda: [p for name, p in peer.notifications if name == "notifications/resources/updated"]  # noqa: E731
    await peer.call("test_trigger_resource_update")
    await anyio.sleep(0.3)
    expect(not updates(), "an update nobody subscribed to:", updates())
    await peer.subscribe(WATCHED)
    await peer.call("test_trigger_resource_update")
    await wait_until(updates, "notifications/resources/updated")
    expect(updates()[0]["uri"] == WATCHED, updates())
    await peer.unsubscribe(WATCHED)
    count = len(updates())
    await peer.call("test_trigger_resource_update")
    await anyio.sleep(0.3)
    expect(len(updates()) == count, "an update after unsubscribing")


async def changes_modern(peer):
    """2026-07-28: nothing unasked; a listen stream carries exactly what it asked for."""
    if not peer.modern:
        raise Skip("no listen streams in this era")
    before = len(peer.notifications)
    await peer.call("test_trigger_tool_change")
    await anyio.sleep(0.3)
    expect(len(peer.notifications) == before, "unasked:", peer.notifications[before:])
    async with peer.listen(tools=True) as next_event:
        await peer.call("test_trigger_prompt_change")
        await peer.call("test_trigger_tool_change")
        event = await next_event()
        expect(event == ("tools", None), event)
    async with peer.listen(prompts=True, resources=[WATCHED]) as next_event:
        await peer.call("test_trigger_resource_update")
        event = await next_event()
        expect(event == ("resource", WATCHED), event)
        await peer.call("test_trigger_prompt_change")
        event = await next_event()
        expect(event == ("prompts", None), event)
    expect(text_of(await peer.call("echo", {"message": "after"})) == "after", "not served after")


async def ping(peer):
    if peer.modern:
        raise Skip("no ping in this era")
    await peer.ping()


# --- Questions to the client -----------------------------------------------------------------

ANSWERS = {
    "username": "alice", "email": "alice@example.com", "name": "Alice", "age": 41, "score": 12.5,
    "status": "pending", "verified": False, "ok": True,
}  # fmt: skip


def elicited(schema):
    """An answer to any flat schema: what ANSWERS has, else the default, else something valid."""
    content = {}
    for name, field in schema["properties"].items():
        options = field.get("enum") or [choice["const"] for choice in field.get("oneOf", ())]
        if options:
            value = ANSWERS[name] if ANSWERS.get(name) in options else options[0]
        elif field["type"] == "array":
            items = field["items"]
            value = (items.get("enum") or [choice["const"] for choice in items["anyOf"]])[:1]
        else:
            fallback = {"string": "text", "integer": 7, "number": 1.5, "boolean": True}[field["type"]]
            value = ANSWERS.get(name, field.get("default", fallback))
        content[name] = value
    return content


def ask(tool, arguments, methods, *fragments):
    async def check(peer):
        before = len(peer.asked)
        result = await peer.call(tool, arguments)
        expect(not result.get("isError"), result)
        asked = peer.asked[before:]
        expect(sorted(set(asked)) == sorted(methods), f"asked {asked}, expected {methods}")
        for fragment in fragments:
            expect(fragment in text_of(result), f"{fragment!r} is not in {text_of(result)!r}")
        return text_of(result)

    return check


async def ask_prompt(peer):
    before = len(peer.asked)
    result = await peer.prompt("test_input_required_result_prompt")
    expect(result["messages"], result)
    expect(peer.asked[before:] == ["elicitation/create"], peer.asked[before:])


ELICIT, SAMPLE, ROOTS = "elicitation/create", "sampling/createMessage", "roots/list"
PLAIN = [
    ("connect", connect), ("capabilities", capabilities),
    ("list_tools", listing("tools", "name", TOOLS)), ("tool_schemas", tool_schemas),
    ("list_resources", listing("resources", "uri", RESOURCES)),
    ("list_templates", listing("templates", "uriTemplate", {TEMPLATE})),
    ("list_prompts", listing("prompts", "name", PROMPTS)), ("bad_cursor", bad_cursor),
    ("call_echo", call_echo), ("call_add", call_add), ("call_text", call_text),
    ("call_image", call_image), ("call_audio", call_audio), ("call_embedded", call_embedded),
    ("call_multiple", call_multiple), ("call_error", call_error), ("unknown_tool", unknown_tool),
    ("bad_arguments", bad_arguments), ("panic_tool", panic_tool), ("progress", progress),
    ("logging", logging), ("cancel", cancel), ("timeout", timeout), ("fifty_at_once", fifty_at_once),
    ("read_text", read_text), ("read_binary", read_binary), ("read_template", read_template),
    ("read_missing", read_missing), ("prompt_simple", prompt_simple),
    ("prompt_arguments", prompt_arguments), ("prompt_embedded", prompt_embedded),
    ("prompt_image", prompt_image), ("prompt_missing_argument", prompt_missing_argument),
    ("unknown_prompt", unknown_prompt), ("completion", completion),
    ("changes_legacy", changes_legacy), ("changes_modern", changes_modern), ("ping", ping),
]  # fmt: skip
ASKS = [
    ("ask_elicitation", ask("test_elicitation", {"message": "who?"}, [ELICIT], "User response:", "alice")),
    ("ask_sampling", ask("test_sampling", {"prompt": "capital?"}, [SAMPLE], "LLM response:", "Paris")),
    ("ask_defaults", ask("test_elicitation_sep1034_defaults", {}, [ELICIT], "accept", "Alice", "12.5")),
    ("ask_enums", ask("test_elicitation_sep1330_enums", {}, [ELICIT])),
    ("ask_input_elicitation", ask("test_input_required_result_elicitation", {}, [ELICIT], "Alice")),
    ("ask_input_sampling", ask("test_input_required_result_sampling", {}, [SAMPLE])),
    ("ask_input_roots", ask("test_input_required_result_list_roots", {}, [ROOTS])),
    ("ask_input_state", ask("test_input_required_result_request_state", {}, [ELICIT])),
    ("ask_input_multiple", ask("test_input_required_result_multiple_inputs", {}, [ELICIT, SAMPLE, ROOTS])),
    ("ask_input_rounds", ask("test_input_required_result_multi_round", {}, [ELICIT])),
    ("ask_input_prompt", ask_prompt),
]  # fmt: skip


# --- Running ---------------------------------------------------------------------------------


class Report:
    def __init__(self):
        self.failed = 0

    def line(self, check, ok, detail=None):
        self.failed += not ok
        print(json.dumps({"check": check, "ok": ok, "detail": detail}, default=str), flush=True)


async def run_checks(report, peer, checks):
    for name, check in checks:
        try:
            with anyio.fail_after(CHECK_SECONDS):
                report.line(name, True, await check(peer))
        except Skip:
            continue
        except Exception as error:  # noqa: BLE001 - whatever went wrong is this check's result
            while isinstance(error, BaseExceptionGroup) and len(error.exceptions) == 1:
                error = error.exceptions[0]
            report.line(name, False, f"{type(error).__name__}: {error}")


def parse(description):
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--mode", choices=("legacy", "auto", "modern"), default="auto",
                        help="auto probes and must end up modern; modern adopts the era unasked")
    parser.add_argument("--url", help="a Streamable HTTP endpoint instead of a command")
    parser.add_argument("--asks", action="store_true", help="also the tools that ask the client")
    parser.add_argument("--only", action="append", help="run this check only (repeatable)")
    parser.add_argument("command", nargs="*", help="after --: the stdio server and its arguments")
    options = parser.parse_args()
    if bool(options.url) == bool(options.command):
        parser.error("give either --url or a command")
    return options


def main(description, connect_peer, own=None):
    """`connect_peer(options)` is an async context manager giving a connected `Peer`; `own` are checks
    instead of those for all."""
    options = parse(description)
    report = Report()
    checks = [pair for pair in own or PLAIN + (ASKS if options.asks else [])
              if not options.only or pair[0] in options.only]  # fmt: skip

    async def run():
        python_logging.basicConfig(stream=sys.stderr, level=python_logging.WARNING)
        entered = False
        try:
            async with connect_peer(options) as peer:
                entered = True
                await run_checks(report, peer, checks)
            report.line("close", True)
        except Exception as error:  # noqa: BLE001
            report.line("close" if entered else "connect", False, f"{type(error).__name__}: {error}")

    anyio.run(run)
    sys.exit(1 if report.failed else 0)
