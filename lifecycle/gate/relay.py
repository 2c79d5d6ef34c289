"""Passing bytes on without looking at them, in bounded memory, each direction's end as it comes."""

from __future__ import annotations

import select
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Protocol

PIECE = 1 << 18
"""Bytes that are passed on at a time: what a Unix socket holds."""
_MUCH, _FULL = 1 << 14, 1 << 17
"""Bytes: a piece after which more is expected at once, and one that is worth waking somebody."""
_MOMENT = struct.pack("ll", 0, 1000)
"""A ``timeval``: how long a full piece is waited for."""
_MOST_HEAD = 1 << 20
_LAST_CHUNK = b"0\r\n\r\n"
Tee = Callable[[memoryview], None]


class TooLongError(Exception):
    """The engine answers at a length at which it can't be what it should be."""


class _Pieces:
    """What comes from a socket, piece by piece.

    Each piece that is passed on wakes a process and costs it its turn on a core: an engine that
    writes a gibibyte in 32 KiB took twice as long as without us. So while much comes, a full piece
    is waited for, a moment at most; what comes by itself, as a key's echo does, is never held back.
    """

    def __init__(self, source: socket.socket) -> None:
        self._source = source
        self._space = memoryview(bytearray(PIECE))
        self._much = False
        self._poller = select.poll()
        self._poller.register(source, select.POLLIN)
        source.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, _MOMENT)

    def next(self) -> memoryview:
        """The next piece, valid until the one after it; empty at the end. Raises OSError."""
        count = self._filled() if self._much else None
        while count is None:
            self._poller.poll()
            count = self._read()
        self._much = count >= _MUCH
        return self._space[:count]

    def _filled(self) -> int | None:
        # A TCP socket that waits for that many is not readable before: so not beyond this read.
        self._source.setsockopt(socket.SOL_SOCKET, socket.SO_RCVLOWAT, _FULL)
        try:
            return self._read()
        finally:
            self._source.setsockopt(socket.SOL_SOCKET, socket.SO_RCVLOWAT, 1)

    def _read(self) -> int | None:
        """How many bytes came; None when nothing did within a moment."""
        try:
            return self._source.recv_into(self._space)
        except BlockingIOError:
            return None


class Sink(Protocol):
    """Where bytes go."""

    def sendall(self, piece: bytes | memoryview, /) -> None:
        """Send all of them. Raises OSError."""


class Endless:
    """A client that does not get the end of an answer in chunks before :meth:`finish`.

    A message of the engine's ends in a brace and a line's end: none is held for looking like it.
    """

    def __init__(self, client: Sink) -> None:
        """Nothing is held yet."""
        self._client, self._held = client, b""

    def sendall(self, piece: bytes | memoryview, /) -> None:
        """Send it but for what may be the end. Raises OSError."""
        tail = self._held + bytes(piece[-len(_LAST_CHUNK) :])
        most = range(min(len(_LAST_CHUNK), len(tail)), 0, -1)
        held = next((tail[-n:] for n in most if _LAST_CHUNK.startswith(tail[-n:])), b"")
        beyond = max(0, len(held) - len(piece))  # of what was held already
        self._client.sendall(self._held[: len(self._held) - beyond])
        self._client.sendall(piece[: len(piece) - (len(held) - beyond)])
        self._held = held

    def finish(self, more: bytes) -> None:
        """Send a last chunk or none, where this answer has such, and the end. Raises OSError."""
        chunk = b"%x\r\n%b\r\n" % (len(more), more) if more else b""
        self._client.sendall(chunk + self._held if self._held == _LAST_CHUNK else self._held)
        self._held = b""


def pump(source: socket.socket, sink: socket.socket, tee: Tee | None = None) -> None:
    """Pass on all that comes, and its end; what can't be passed on any more is dropped."""
    with suppress(OSError):
        pass_on(source, sink, tee)
    end(sink)


def pass_on(source: socket.socket, sink: Sink, tee: Tee | None = None) -> None:
    """The same without saying that no more comes. Raises OSError."""
    pieces = _Pieces(source)
    while _one(pieces, sink, tee):
        pass


def _one(pieces: _Pieces, sink: Sink, tee: Tee | None) -> bool:
    """Pass one piece on; False at the end."""
    piece = pieces.next()
    if piece:
        if tee is not None:
            tee(piece)
        sink.sendall(piece)
    return bool(piece)


def end(sink: socket.socket) -> None:
    """Say that no more comes."""
    with suppress(OSError):
        sink.shutdown(socket.SHUT_WR)


def both_ways(client: socket.socket, engine: socket.socket) -> None:
    """Pass everything on in both directions, until both have ended."""
    up = threading.Thread(target=pump, args=(client, engine), daemon=True)
    up.start()
    pump(engine, client)
    up.join()


def answer(
    client: socket.socket,
    engine: socket.socket,
    tee: Tee | None = None,
    sink: Sink | None = None,
) -> bool:
    """Pass an answer on to its end, by the client's ``sink``; False when it hung up before.

    What the client still sends is dropped: it asked one thing. When it hangs up, the engine is
    told, so that what it does for it ends.
    """
    pieces = _Pieces(engine)
    poller = select.poll()
    poller.register(client, select.POLLIN)
    poller.register(engine, select.POLLIN)
    here = client.fileno()
    whole = True
    while True:
        ready = {fd for fd, _ in poller.poll()}
        if here in ready and not _drop(client):
            poller.unregister(client)
            here, whole = -1, False
            end(engine)
        if engine.fileno() in ready and not _one(pieces, sink or client, tee):
            return whole


def while_there(client: socket.socket, engine: socket.socket) -> Iterator[bytes]:
    """An answer as it comes, as long as the client has not hung up."""
    poller = select.poll()
    poller.register(client, 0)  # a hang-up is always told
    poller.register(engine, select.POLLIN)
    while client.fileno() not in dict(poller.poll()) and (piece := engine.recv(PIECE)):
        yield piece


def _drop(client: socket.socket) -> bool:
    """Read and forget; False at the end."""
    try:
        return bool(client.recv(1 << 16))
    except OSError:
        return False


def whole_answer(engine: socket.socket, most: int) -> bytes:
    """The whole of a short answer; raises TooLongError for a long one."""
    pieces = bytearray()
    while piece := engine.recv(1 << 16):
        pieces += piece
        if len(pieces) > most:
            raise TooLongError(f"the engine's answer is longer than {most} bytes")
    return bytes(pieces)


def head_of_answer(engine: socket.socket) -> bytes:
    """The bytes of an answer up to the end of its head, and what came with it.

    Raises TooLongError.
    """
    pieces = bytearray()
    while b"\r\n\r\n" not in pieces and (piece := engine.recv(1 << 16)):
        pieces += piece
        if len(pieces) > _MOST_HEAD:
            raise TooLongError(f"the head of the engine's answer is longer than {_MOST_HEAD} bytes")
    return bytes(pieces)
