"""Both directions of an exec's connection, with nothing lost between the answer's head and it.

The SDK gives the bare socket. What the HTTP reader had read beyond the head, as happens when the
program prints at once, is lost with it: about one exec in 250. Here that reader is read on.
"""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from lifecycle.engine.bounded import lift

MOST_BYTES = 1 << 24
"""What is read of one exec: a hostile program inside may print for ever."""
_HEAD = 8
"""Bytes before each piece of output of an exec without a terminal: which stream, and its length."""


class ExecStream:
    """What the SDK's ``exec_start(socket=True)`` returned."""

    def __init__(self, raw: Any) -> None:
        """Find the answer behind it, and the buffered reader that read its head."""
        self._raw = raw
        self._socket: Any = getattr(raw, "_sock", raw)
        self._reader: Any = raw._response.raw._fp.fp  # noqa: SLF001 - the SDK has no public way

    def expect_within(self, limit: float) -> None:
        """Let a read or a write that takes longer, in seconds, raise TimeoutError."""
        self._socket.settimeout(limit)

    def lift(self) -> None:
        """No limit over all of it from here on: who talks has one for each word."""
        lift(self._raw._response)  # noqa: SLF001 - as above

    def read(self) -> bytes:
        """What comes next; empty when the exec has ended."""
        return bytes(self._reader.read1(1 << 16))

    def rest(self) -> bytes:
        """All that is still to come, as far as anything of ours needs it."""
        pieces = bytearray()
        while len(pieces) < MOST_BYTES and (piece := self.read()):
            pieces += piece
        return bytes(pieces)

    def send(self, data: bytes) -> None:
        """Type into the exec."""
        self._socket.sendall(data)

    def close(self) -> None:
        """Hang up."""
        self._socket.close()
        release(self._raw)


def release(stream: Any) -> None:
    """Close the HTTP answer behind a stream of the SDK, which by itself only drops it."""
    response = getattr(stream, "_response", None)
    if response is not None:
        # A socket that was closed under it can't be read to its end any more.
        with suppress(ValueError, OSError):
            response.close()


def unframed(data: bytes) -> bytes:
    """What an exec without a terminal printed, standard output and error as they came."""
    left = bytearray(data)
    return taken(left) + bytes(left[_HEAD:])


def taken(data: bytearray) -> bytes:
    """The same, of the whole pieces; removes them from the data."""
    printed, at = [], 0
    while at + _HEAD <= len(data):
        end = at + _HEAD + int.from_bytes(data[at + 4 : at + _HEAD], "big")
        if end > len(data):
            break
        printed.append(data[at + _HEAD : end])
        at = end
    del data[:at]
    return b"".join(printed)
