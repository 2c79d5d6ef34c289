"""A build that is to be quiet: the engine tells all, so that what it makes is known; we keep it.

A quiet engine says the image's id alone, and nothing of what else a build makes or pulls.
"""

from __future__ import annotations

import json
from typing import Any

Json = dict[str, Any]
_MOST = 1 << 20
"""Bytes of what is kept, for a build that fails: the end tells why."""
_OK = range(200, 300)


class Quiet:
    """Keeps what the engine answers, and makes of it what a quiet one would have answered."""

    def __init__(self) -> None:
        """Nothing has come yet."""
        self._raw = bytearray()
        self._told = ""
        self._error: Json = {}

    def feed(self, piece: bytes) -> None:
        """Keep a piece of the answer, for the case that it is no stream."""
        self._raw += piece[: _MOST - len(self._raw)]

    def hear(self, said: Json) -> None:
        """Keep a message."""
        self._told = (self._told + str(said.get("stream") or ""))[-_MOST:]
        if said.get("error") or said.get("errorDetail"):
            self._error = said

    def answer(self, status: int, built: str) -> bytes:
        """What the client gets: the image's id, or all that was told of a build that failed."""
        if status not in _OK:
            return bytes(self._raw)
        told = [{"stream": f"{built}\n"}] if built else [{"stream": self._told}, self._error]
        body = b"".join(json.dumps(one).encode() + b"\r\n" for one in told if one)
        head = (
            "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\n"
            f"Content-Length: {len(body)}\r\n\r\n"
        )
        return head.encode() + body
