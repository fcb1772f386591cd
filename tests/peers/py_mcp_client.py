#!/usr/bin/env python3
"""The official Python SDK's client against a server that offers the test fixture."""

import contextlib

import mcp_types as types
from mcp import Client, StdioServerParameters

import suite
from sdk_peer import SdkPeer, plain, reference, rpc_errors


class OfficialPeer(SdkPeer):
    @rpc_errors
    async def page(self, kind, cursor=None):
        name, items = self.LISTS[kind]
        result = await getattr(self.client, name)(cursor=cursor, cache_mode="bypass")
        return plain(getattr(result, items)), result.next_cursor

    @rpc_errors
    async def call(self, name, arguments=None, *, progress=None, meta=None, timeout=None):
        return plain(
            await self.client.call_tool(
                name, arguments, progress_callback=progress, meta=meta, read_timeout_seconds=timeout
            )
        )

    @rpc_errors
    async def read(self, uri):
        return plain(await self.client.read_resource(uri, cache_mode="bypass"))

    @rpc_errors
    async def prompt(self, name, arguments=None):
        return plain(await self.client.get_prompt(name, arguments))

    @rpc_errors
    async def complete(self, ref, argument, context=None):
        return plain(await self.client.complete(reference(ref), argument, context))

    async def ping(self):
        await self.client.send_ping()

    async def set_level(self, level):
        await self.client.set_logging_level(level)

    # --- Answers to what the server asks ---

    async def on_elicitation(self, _context, params):
        self.asked.append(suite.ELICIT)
        return types.ElicitResult(action="accept", content=suite.elicited(params.requested_schema))

    async def on_sampling(self, _context, params):
        self.asked.append(suite.SAMPLE)
        suite.expect(params.messages and params.max_tokens > 0, params)
        return types.CreateMessageResult(
            role="assistant", model="test-model", content=types.TextContent(type="text", text="Paris")
        )

    async def on_roots(self, _context):
        self.asked.append(suite.ROOTS)
        return types.ListRootsResult(roots=[types.Root(uri="file:///tmp", name="tmp")])


@contextlib.asynccontextmanager
async def connect(options):
    peer = OfficialPeer(options.mode)
    if options.url:
        server = options.url
    else:
        server = StdioServerParameters(command=options.command[0], args=options.command[1:])
    answers = {
        "elicitation_callback": peer.on_elicitation,
        "sampling_callback": peer.on_sampling,
        "list_roots_callback": peer.on_roots,
    }
    async with Client(
        server,
        mode=suite.MODERN_VERSION if options.mode == "modern" else options.mode,
        client_info=types.Implementation(name="py_mcp_client", version="1"),
        logging_callback=peer.on_log,
        message_handler=peer.on_message,
        **(answers if options.asks else {}),
    ) as peer.client:
        yield peer


if __name__ == "__main__":
    suite.main(__doc__, connect)
