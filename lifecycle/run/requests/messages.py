"""The messages of an answer that comes as a stream: one JSON object a line."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import suppress

import h11

from lifecycle.gate.gate import Call
from lifecycle.text.json_object import Json

_MOST = 1 << 16
"""Bytes of a line; what is longer is dropped whole, so that no part of it is read as another."""


class Messages:
    """Reads the answer to a POST as the client gets it, in whatever pieces."""

    def __init__(self) -> None:
        """Nothing has come yet."""
        self._http = h11.Connection(h11.CLIENT)
        self._http.send(h11.Request(method="POST", target="/", headers=[("Host", "docker")]))
        self._http.send(h11.EndOfMessage())
        self._rest = b""
        self._too_long = False
        self._status = 0
        self.ended = False
        """Whether the answer came to its end: else the engine may have done more than it told."""
        self._failed = False

    def feed(self, data: bytes) -> Iterator[Json]:
        """The messages that a piece of the answer completes; nothing of one that is no HTTP."""
        with suppress(h11.RemoteProtocolError, h11.LocalProtocolError):
            if data:  # h11 takes nothing for the end
                self._http.receive_data(data)
            while isinstance(event := self._http.next_event(), h11.Response | h11.Data):
                if isinstance(event, h11.Data):
                    yield from self._lines(bytes(event.data))
                else:
                    self._status = event.status_code
            self.ended |= isinstance(event, h11.EndOfMessage)

    @property
    def failed(self) -> bool:
        """Whether the engine told of an error."""
        return self._failed or self._status // 100 != 2  # noqa: PLR2004

    @property
    def succeeded(self) -> bool:
        """Whether the engine did all of it: it answered to the end, and told of no error."""
        return self.ended and not self.failed

    def _lines(self, data: bytes) -> Iterator[Json]:
        *lines, rest = (self._rest + data).split(b"\n")
        for line in lines:
            whole, self._too_long = not self._too_long, False
            with suppress(ValueError, RecursionError):
                message = json.loads(line) if whole else None
                if isinstance(message, dict):
                    self._failed |= bool(message.get("error") or message.get("errorDetail"))
                    yield message
        self._too_long |= len(rest) > _MOST
        self._rest = b"" if self._too_long else rest


def followed(
    call: Call,
    where: str = "",
    hear: Callable[[Json], None] = lambda _: None,
    *,
    hold: bool = False,
) -> Messages:
    """Let a request through, and hand each message of the engine to ``hear``, to the end."""
    messages = Messages()
    for piece in call.relay_and_follow(where, hold=hold):
        for message in messages.feed(piece):
            hear(message)
    return messages
