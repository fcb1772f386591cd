#!/usr/bin/env python3
"""Stand between an HTTP client and an MCP endpoint and record every message, without changing a byte.

    http_tee.py LOG UPSTREAM_URL

Prints the URL to use instead of UPSTREAM_URL on standard output, and serves until its standard input
ends. LOG has the records of tee.py: one for each JSON body and for each event of an event stream, and

    {"run": 71, "at": 0.2, "from": "client", "http": {"method": "POST", ..}}      a head, either way
    {"run": 71, "at": 0.9, "from": "gone", "id": 7}       the client hung up before that answer came

Good for HTTP/1.1 on loopback: no TLS, no upgrades.
"""

import asyncio
import contextlib
import json
import sys
import urllib.parse

from tee import Log


class Messages:
    """One direction of one connection: heads and bodies, cut out of the bytes as they pass."""

    def __init__(self, log, origin, on_message, on_head):
        self.log, self.origin = log, origin
        self.on_message, self.on_head = on_message, on_head
        self.pending = b""
        self.parser = self.parse()
        next(self.parser)

    def feed(self, chunk):
        self.pending += chunk
        self.parser.send(None)

    def line(self):
        while b"\n" not in self.pending:
            yield
        line, self.pending = self.pending.split(b"\n", 1)
        return line.rstrip(b"\r")

    def take(self, count):
        while len(self.pending) < count:
            yield
        taken, self.pending = self.pending[:count], self.pending[count:]
        return taken

    def parse(self):
        yield
        while True:
            first = (yield from self.line()).decode("latin-1")
            headers = {}
            while line := (yield from self.line()):
                name, _, value = line.decode("latin-1").partition(":")
                headers[name.strip().lower()] = value.strip()
            self.on_head(first, headers)
            self.log.write(**{"from": self.origin, "http": {"first": first, "headers": headers}})
            body = Body(headers, self.on_message)
            if "chunked" in headers.get("transfer-encoding", ""):
                while size := int((yield from self.line()).split(b";")[0], 16):
                    body.feed((yield from self.take(size)))
                    yield from self.line()
                yield from self.line()
            elif length := int(headers.get("content-length", 0)):
                body.feed((yield from self.take(length)))
            elif first.startswith("HTTP/") and "content-length" not in headers and body.is_stream:
                while True:  # until the connection closes
                    body.feed(self.pending)
                    self.pending = b""
                    yield
            body.end()


class Body:
    """One body: a JSON text, or the events of a stream."""

    def __init__(self, headers, on_message):
        kind = headers.get("content-type", "").split(";")[0].strip().lower()
        self.is_stream = kind == "text/event-stream"
        self.is_json = kind == "application/json"
        self.on_message = on_message
        self.pending = b""

    def feed(self, data):
        self.pending = (self.pending + data).replace(b"\r\n", b"\n")
        while self.is_stream and b"\n\n" in self.pending:
            event, self.pending = self.pending.split(b"\n\n", 1)
            lines = event.split(b"\n")
            data = b"\n".join(line[5:].lstrip(b" ") for line in lines if line.startswith(b"data:"))
            if data:
                self.on_message(data.decode("utf-8", "backslashreplace"))

    def end(self):
        if self.is_json and self.pending:
            self.on_message(self.pending.decode("utf-8", "backslashreplace"))


class Connection:
    """The two directions of one client connection, and which of its requests are open."""

    def __init__(self, log):
        self.log = log
        self.open = []  # ids asked on this connection whose answer has not passed yet
        self.up = Messages(log, "client", self.from_client, lambda first, headers: None)
        self.down = Messages(log, "server", self.from_server, lambda first, headers: None)

    def from_client(self, text):
        self.log.write(**{"from": "client", "text": text})
        for message in self.members(text):
            if "method" in message and "id" in message:
                self.open.append(message["id"])

    def from_server(self, text):
        self.log.write(**{"from": "server", "text": text})
        for message in self.members(text):
            if "method" not in message and message.get("id") in self.open:
                self.open.remove(message["id"])

    @staticmethod
    def members(text):
        try:
            value = json.loads(text)
        except ValueError:
            return []
        return [member for member in (value if isinstance(value, list) else [value]) if isinstance(member, dict)]

    async def pump(self, reader, writer, messages):
        with contextlib.suppress(ConnectionError):
            while chunk := await reader.read(65536):
                messages.feed(chunk)
                writer.write(chunk)
                await writer.drain()

    async def run(self, client, upstream):
        up = asyncio.create_task(self.pump(client[0], upstream[1], self.up))
        down = asyncio.create_task(self.pump(upstream[0], client[1], self.down))
        await asyncio.wait({up, down}, return_when=asyncio.FIRST_COMPLETED)
        for identifier in self.open if not down.done() else ():
            self.log.write(**{"from": "gone", "id": identifier})
        upstream[1].close()
        client[1].close()
        await asyncio.gather(up, down, return_exceptions=True)


async def main(path, url):
    log = Log(path)
    upstream = urllib.parse.urlsplit(url)

    async def accept(reader, writer):
        try:
            there = await asyncio.open_connection(upstream.hostname, upstream.port)
        except OSError:
            writer.close()
            return
        # Connections that are open when the recorder ends are cut.
        with contextlib.suppress(asyncio.CancelledError):
            await Connection(log).run((reader, writer), there)

    server = await asyncio.start_server(accept, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    print(urllib.parse.urlunsplit(upstream._replace(netloc=f"127.0.0.1:{port}")), flush=True)
    await asyncio.to_thread(sys.stdin.read)
    log.write(**{"from": "end", "code": 0, "seconds": None})


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
