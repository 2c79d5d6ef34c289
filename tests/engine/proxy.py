"""A small HTTP proxy that wants a password, for tests: ADDRESS USER:PASSWORD LOG.

What is asked of it goes into the log, a URL a line. It answers for hosts of `.invalid`, which no
name server knows, by itself, and fetches the rest.
"""

from __future__ import annotations

import base64
import http.server
import sys
import urllib.request
from pathlib import Path
from typing import Any


class Handler(http.server.BaseHTTPRequestHandler):
    """One request of a client."""

    wanted = ""
    log = Path()

    def do_GET(self) -> None:
        """Answer, once the password is right."""
        if self.headers["Proxy-Authorization"] != self.wanted:
            self._say(407, b"who are you?", {"Proxy-Authenticate": 'Basic realm="lab"'})
            return
        with self.log.open("a") as log:
            log.write(f"{self.path}\n")
        if ".invalid/" in self.path:
            self._say(200, b"from the proxy\n", {})
            return
        with urllib.request.urlopen(self.path, timeout=30) as answer:
            self._say(answer.status, answer.read(), {})

    def _say(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


def main(address: str, password: str, log: str) -> None:
    """Serve on a free port of that address, and print the port."""
    Handler.wanted = f"Basic {base64.b64encode(password.encode()).decode()}"
    Handler.log = Path(log)
    server = http.server.ThreadingHTTPServer((address, 0), Handler)
    sys.stdout.write(f"{server.server_address[1]}\n")
    sys.stdout.flush()
    server.serve_forever()


if __name__ == "__main__":
    main(*sys.argv[1:])
