#!/usr/bin/env python3
"""Run a stdio server and record every line that passes, without changing a byte.

    tee.py LOG -- COMMAND [ARGUMENT ...]

LOG is appended to, one JSON object a line, so several runs may share it ("run" tells them apart):

    {"run": 71, "at": 0.012, "from": "client", "text": "<the line, without its newline>"}
    {"run": 71, "at": 0.300, "from": "end", "code": 0, "seconds": 0.004}

The last record's "seconds" is how long the server took to exit after its input had ended, and its
"code" is the server's exit status (negative for a signal); "seconds" is null when the server went
first. Bytes after the last newline are recorded as a line with "partial": true.
"""

import json
import os
import signal
import subprocess
import sys
import threading
import time


class Log:
    def __init__(self, path):
        # O_APPEND and one write a record: two runs never mix within a line.
        self.fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        self.start = time.monotonic()

    def write(self, **fields):
        record = {"run": os.getpid(), "at": round(time.monotonic() - self.start, 6), **fields}
        os.write(self.fd, (json.dumps(record) + "\n").encode())


def pump(source, sink, log, origin):
    """Copy until the end of `source`; every complete line is logged before it is passed on."""
    pending = b""
    while chunk := os.read(source, 65536):
        *lines, pending = (pending + chunk).split(b"\n")
        for line in lines:
            log.write(**{"from": origin, "text": line.decode("utf-8", "backslashreplace")})
        try:
            while chunk:
                chunk = chunk[os.write(sink, chunk) :]
        except BrokenPipeError:
            break
    if pending:
        text = pending.decode("utf-8", "backslashreplace")
        log.write(**{"from": origin, "text": text, "partial": True})


def main(arguments):
    path, separator, *command = arguments
    if separator != "--" or not command:
        sys.exit(__doc__)
    log = Log(path)
    server = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, lambda received, _frame: server.send_signal(received))
    input_ended = []

    def feed():
        pump(0, server.stdin.fileno(), log, "client")
        input_ended.append(time.monotonic())
        server.stdin.close()

    threading.Thread(target=feed, daemon=True).start()
    pump(server.stdout.fileno(), 1, log, "server")
    server.stdout.close()  # with the client gone, a server that still writes must learn of it
    code = server.wait()
    seconds = round(time.monotonic() - input_ended[0], 6) if input_ended else None
    log.write(**{"from": "end", "code": code, "seconds": seconds})
    os._exit(code if code >= 0 else 128 - code)


if __name__ == "__main__":
    main(sys.argv[1:])
