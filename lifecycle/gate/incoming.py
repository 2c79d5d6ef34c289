"""What a client of the gate sends on one connection: one request, and its body as it comes."""

from __future__ import annotations

import json
import re
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http import HTTPStatus

import h11

from lifecycle.gate import relay
from lifecycle.gate.request import MOST_HEAD, BadRequestError, Request, read

ARRIVAL_LIMIT = 60.0
"""Seconds that a head may take to come, and so may a body that is judged."""
DRAIN_LIMIT = 10.0
"""Seconds that a client which was refused gets to read why."""
_INSTANT = 0.001
"""Seconds: a socket with a limit of 0 would not wait at all, which is another error."""
_BYTES = re.compile(r"bytearray\(b(.*)\)", re.DOTALL)
_MOST_SHOWN = 200
_CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


class Incoming:
    """The client's side of one connection."""

    def __init__(self, client: socket.socket) -> None:
        """Take the connection; reads nothing yet."""
        self.client = client
        self._parser = h11.Connection(h11.SERVER, max_incomplete_event_size=MOST_HEAD)
        self._method = ""
        self._ended = False
        self._until: float | None = None
        self.chunked = False
        self.length = 0

    def head(self, limit: float | None = None) -> Request | None:
        """The request's head; None when none came. Raises BadRequestError."""
        with self._within(ARRIVAL_LIMIT if limit is None else limit):
            try:
                event = self._next()
            except TimeoutError:
                return None
        if not isinstance(event, h11.Request):
            return None
        self._method = event.method.decode("ascii")
        for name, value in event.headers:
            self.chunked |= name == b"transfer-encoding"
            self.length = int(value) if name == b"content-length" else self.length
        return read(event)

    @property
    def framing(self) -> str:
        """The header that marks the end of a body that we pass on as it comes."""
        if self.chunked:
            return "Transfer-Encoding: chunked"
        return f"Content-Length: {self.length}" if self.length else ""

    def pieces(self) -> Iterator[bytes]:
        """The body, as it comes. Raises BadRequestError, and OSError when it breaks off."""
        if self._parser.they_are_waiting_for_100_continue:
            self.client.sendall(_CONTINUE)
        while True:
            event = self._next()
            if isinstance(event, h11.Data):
                yield bytes(event.data)
            elif isinstance(event, h11.EndOfMessage):
                return
            else:
                raise ConnectionResetError("the body broke off")

    def body(self, most: int) -> bytes:
        """The whole of a short body; raises BadRequestError for one that is long, or slow."""
        whole = bytearray()
        with self._within(ARRIVAL_LIMIT):
            try:
                for piece in self.pieces():
                    whole += piece
                    if len(whole) > most:
                        raise BadRequestError(
                            f"a body of more than {most} bytes, where a short one is due"
                        )
            except TimeoutError:
                raise BadRequestError(
                    f"its body did not come to an end within {ARRIVAL_LIMIT:g} s"
                ) from None
        return bytes(whole)

    def pass_on(self, engine: socket.socket) -> None:
        """Send the body on as it comes, in a framing of our own; then watch for the hang-up.

        What an engine does for a client ends when that hangs up: a build that was cancelled.
        """
        try:
            for piece in self.pieces():
                engine.sendall(b"%x\r\n%b\r\n" % (len(piece), piece) if self.chunked else piece)
            if self.chunked:
                engine.sendall(b"0\r\n\r\n")
        except BadRequestError:
            relay.end(engine)
        except OSError:
            pass  # one of them is gone; an engine that has answered reads no more of it
        with suppress(OSError):
            while self.client.recv(1 << 16):
                pass
        relay.end(engine)

    @property
    def early(self) -> bytes:
        """What came after the request: a connection that changes its protocol may send at once."""
        return bytes(self._parser.trailing_data[0])

    def refuse(self, status: int, message: str) -> None:
        """Answer as the engine would, so that the CLI prints the message as the engine's."""
        body = b"" if self._method == "HEAD" else json.dumps({"message": message}).encode()
        head = (
            f"HTTP/1.1 {status} {HTTPStatus(status).phrase}\r\n"
            "Content-Type: application/json\r\nConnection: close\r\n"
            f"Content-Length: {len(body)}\r\n\r\n"
        )
        self.client.sendall(head.encode() + body)
        self.drain()

    def drain(self) -> None:
        """Let the client read: closing a socket with unread bytes loses the answer."""
        relay.end(self.client)
        self.client.settimeout(DRAIN_LIMIT)
        while self.client.recv(1 << 16):
            pass

    def _next(self) -> object:
        while True:
            try:
                event = self._parser.next_event()
            except h11.RemoteProtocolError as error:
                if self._ended:
                    raise ConnectionResetError("it hung up in the middle") from None
                raise BadRequestError(_plain(str(error))) from None
            if event is not h11.NEED_DATA:
                return event
            piece = self._received()
            self._ended = not piece
            self._parser.receive_data(piece)

    @contextmanager
    def _within(self, seconds: float) -> Iterator[None]:
        """All that is read meanwhile comes within so many seconds, else a TimeoutError."""
        self._until = time.monotonic() + seconds
        try:
            yield
        finally:
            self._until = None
            self.client.settimeout(None)

    def _received(self) -> bytes:
        if self._until is not None:
            self.client.settimeout(max(_INSTANT, self._until - time.monotonic()))
        return self.client.recv(1 << 16)


def _plain(problem: str) -> str:
    """What h11 says, with what it found as it was written, and not as Python shows it."""
    return _BYTES.sub(lambda found: found[1][:_MOST_SHOWN], problem)
