"""Passing bytes on without looking at them, in bounded memory, each direction's end as it comes."""

from __future__ import annotations

import select
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress

PIECE = 1 << 18
"""Bytes that are passed on at a time: what a Unix socket holds."""
_MOST_HEAD = 1 << 20
Tee = Callable[[memoryview], None]


class TooLongError(Exception):
    """The engine answers at a length at which it can't be what it should be."""


def pump(source: socket.socket, sink: socket.socket, tee: Tee | None = None) -> None:
    """Pass on all that comes, and its end; what can't be passed on any more is dropped."""
    with suppress(OSError):
        pass_on(source, sink, tee)
    end(sink)


def pass_on(source: socket.socket, sink: socket.socket, tee: Tee | None = None) -> None:
    """The same without saying that no more comes. Raises OSError."""
    piece = memoryview(bytearray(PIECE))
    while _one(source, sink, piece, tee):
        pass


def _one(source: socket.socket, sink: socket.socket, piece: memoryview, tee: Tee | None) -> bool:
    """Pass on what is there; False at the end."""
    count = source.recv_into(piece)
    if count:
        if tee is not None:
            tee(piece[:count])
        sink.sendall(piece[:count])
    return bool(count)


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


def answer(client: socket.socket, engine: socket.socket, tee: Tee | None = None) -> bool:
    """Pass an answer on to its end; False when the client hung up before.

    What the client still sends is dropped: it asked one thing. When it hangs up, the engine is
    told, so that what it does for it ends.
    """
    piece = memoryview(bytearray(PIECE))
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
        if engine.fileno() in ready and not _one(engine, client, piece, tee):
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
    """An answer that is short, all of it; raises TooLongError for one that is not."""
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
