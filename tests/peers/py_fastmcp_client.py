#!/usr/bin/env python3
"""FastMCP's client against a server that offers the test fixture."""

import contextlib

import mcp_types as types
from fastmcp import Client
from fastmcp.client.transports import StdioTransport, StreamableHttpTransport

import suite
from sdk_peer import SdkPeer, plain, reference, rpc_errors


class FastPeer(SdkPeer):
    @rpc_errors
    async def page(self, kind, cursor=None):
        name, items = self.LISTS[kind]
        result = await getattr(self.client, f"{name}_mcp")(cursor=cursor)
        return plain(getattr(result, items)), result.next_cursor

    @rpc_errors
    async def call(self, name, arguments=None, *, progress=None, meta=None, timeout=None):
        """Through `call_tool`, which also reads the result with the tool's output schema."""
        result = await self.client.call_tool(
            name,
            arguments,
            progress_handler=progress,
            meta=meta,
            timeout=timeout,
            raise_on_error=False,
        )
        if result.structured_content is not None:
            suite.expect(result.data is not None, "the structured content does not fit its schema")
        return {
            "content": plain(result.content),
            "structuredContent": result.structured_content,
            "isError": result.is_error,
        }

    @rpc_errors
    async def read(self, uri):
        return {"contents": plain(await self.client.read_resource(uri))}

    @rpc_errors
    async def prompt(self, name, arguments=None):
        return plain(await self.client.get_prompt(name, arguments))

    @rpc_errors
    async def complete(self, ref, argument, context=None):
        completion = await self.client.complete(reference(ref), argument, context)
        return {"completion": plain(completion)}

    async def ping(self):
        suite.expect(await self.client.ping(), "no pong")

    async def set_level(self, level):
        await self.client.set_logging_level(level)

    # --- Answers to what the server asks ---

    async def on_elicitation(self, _message, _response_type, params, _context):
        self.asked.append(suite.ELICIT)
        return suite.elicited(params.requested_schema)

    async def on_sampling(self, messages, params, _context):
        self.asked.append(suite.SAMPLE)
        suite.expect(messages and params.max_tokens > 0, params)
        return "Paris"

    async def on_roots(self, _context):
        self.asked.append(suite.ROOTS)
        return [types.Root(uri="file:///tmp", name="tmp")]


@contextlib.asynccontextmanager
async def connect(options):
    peer = FastPeer(options.mode)
    if options.url:
        transport = StreamableHttpTransport(options.url)
    else:
        command, *arguments = options.command
        transport = StdioTransport(command, arguments, keep_alive=False)
    answers = {
        "elicitation_handler": peer.on_elicitation,
        "sampling_handler": peer.on_sampling,
        "roots": peer.on_roots,
    }
    async with Client(
        transport,
        mode=suite.MODERN_VERSION if options.mode == "modern" else options.mode,
        log_handler=peer.on_log,
        message_handler=peer.on_message,
        **(answers if options.asks else {}),
    ) as peer.client:
        yield peer


if __name__ == "__main__":
    suite.main(__doc__, connect)
