#!/usr/bin/env python3
"""FastMCP's client of tasks (the extension of 2026-07-28), on the official SDK's session, against a
server that offers the test fixture."""

import contextlib
import pathlib
import sys
import types

# The package's front door also opens its server, whose dependencies are not there: its client is taken
# from within.
PACKAGE = pathlib.Path(__file__).resolve().parent.parent / ".peers/fastmcp-tasks/fastmcp_tasks"
front = types.ModuleType("fastmcp_tasks")
front.__path__ = [str(PACKAGE)]
sys.modules["fastmcp_tasks"] = front

from fastmcp import Client  # noqa: E402
from fastmcp.client.extension_hooks import register_internal_client_extension_factory  # noqa: E402
from fastmcp.client.transports import StdioTransport, StreamableHttpTransport  # noqa: E402
from fastmcp.exceptions import ToolError  # noqa: E402
from fastmcp_tasks.client import _build_tasks_client_extension, call_tool_task  # noqa: E402
from mcp import MCPError  # noqa: E402

import suite  # noqa: E402
from sdk_peer import SdkPeer  # noqa: E402
from suite import expect  # noqa: E402

register_internal_client_extension_factory(_build_tasks_client_extension)


class TasksPeer(SdkPeer):
    async def on_elicitation(self, _message, _response_type, params, _context):
        self.asked.append(suite.ELICIT)
        return {name: True if field["type"] == "boolean" else "Ada"
                for name, field in params.requested_schema["properties"].items()}  # fmt: skip

    async def text(self, tool, arguments=None):
        return (await self.client.call_tool(tool, arguments or {})).content[0].text

    async def begin(self, tool, arguments=None, **named):
        return await call_tool_task(self.client, tool, arguments or {}, **named)


async def fails(awaitable, error, words):
    try:
        await awaitable
    except error as found:
        expect(words in str(found), found)
        return str(found)
    raise AssertionError(f"no {error.__name__}")


async def declared(peer):
    extensions = suite_extensions(peer)
    expect("io.modelcontextprotocol/tasks" in extensions, extensions)


def suite_extensions(peer):
    return (peer.client.server_capabilities.extensions or {}).keys()


async def resolved_unseen(peer):
    return await expected(peer.text("slow_compute", {"seconds": 0.3, "label": "x"}), "x took 0.3 s")


async def expected(awaitable, wanted):
    found = await awaitable
    expect(found == wanted, found)
    return found


async def driven_by_hand(peer):
    task = await peer.begin("slow_compute", {"seconds": 0.5, "label": "x"})
    created = task.create_result
    expect(created.status == "working" and created.ttl_ms > 0 and created.poll_interval_ms > 0, created)
    expect((await task.status()).status == "working", "at once")
    expect((await task.wait(timeout=20)).status == "completed", "in the end")
    return await expected(text_of(task), "x took 0.5 s")


async def text_of(task):
    return (await task.result()).content[0].text


async def asks_while_it_runs(peer):
    peer.asked.clear()
    task = await peer.begin("confirm_delete", {"filename": "a.txt"})
    waiting = await task.wait(state="input_required", timeout=20)
    expect(len(waiting.input_requests) == 1, waiting)
    await expected(text_of(task), "Deleted a.txt")
    expect(peer.asked == [suite.ELICIT], peer.asked)


async def asks_twice_at_once(peer):
    return await expected(peer.text("multi_input"), "Hello, Ada!")


async def asks_before_it_is_a_task(peer):
    return await expected(peer.text("test_tool_with_task"), "Hello, Ada!")


async def fails_with_words(peer):
    task = await peer.begin("failing_job", raise_on_error=False)
    expect((await task.wait(timeout=20)).status == "completed", "a result that says it failed")
    result = await task.result()
    expect(result.is_error and result.content[0].text == "the job has failed", result)


async def fails_with_an_error(peer):
    task = await peer.begin("protocol_error_job")
    ended = await task.wait(timeout=20)
    expect(ended.status == "failed", ended)
    return await fails(task.result(), ToolError, "the job broke off")


async def cancelled(peer):
    task = await peer.begin("slow_compute", {"seconds": 3600, "label": "x"})
    await task.cancel()
    expect((await task.wait(timeout=20)).status == "cancelled", "it is given up")
    return await fails(task.result(), ToolError, "cancelled")


async def never_a_task(peer):
    await expected(peer.text("greet", {"name": "Ada"}), "Hello, Ada!")
    return await fails(peer.begin("greet", {"name": "Ada"}), ToolError, "")


async def unknown(peer):
    task = await peer.begin("slow_compute", {"seconds": 0, "label": "x"})
    await task.wait(timeout=20)
    task.create_result.task_id = "0123456789abcdef0123456789abcdef"
    return await fails(task.status(), MCPError, "there is no such task")


CHECKS = [(check.__name__, check) for check in (
    declared, resolved_unseen, driven_by_hand, asks_while_it_runs, asks_twice_at_once,
    asks_before_it_is_a_task, fails_with_words, fails_with_an_error, cancelled, never_a_task, unknown,
)]  # fmt: skip


@contextlib.asynccontextmanager
async def connect(options):
    peer = TasksPeer(options.mode)
    if options.url:
        transport = StreamableHttpTransport(options.url)
    else:
        command, *arguments = options.command
        transport = StdioTransport(command, arguments, keep_alive=False)
    mode = suite.MODERN_VERSION if options.mode == "modern" else options.mode
    async with Client(transport, mode=mode, elicitation_handler=peer.on_elicitation) as peer.client:
        yield peer


if __name__ == "__main__":
    suite.main(__doc__, connect, CHECKS)
