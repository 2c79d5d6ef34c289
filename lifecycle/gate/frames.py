"""How the gate's process and the harness talk: frames on a socket, and new sockets over one.

Each request that must be judged has a socket pair of its own, whose one end the process hands to
the harness: what is said on it is one conversation, in order.
"""

from __future__ import annotations

import json
import socket
import struct
from contextlib import suppress
from typing import Any

_LENGTH = struct.Struct("!I")
MOST_FRAME = 1 << 24
"""Bytes of a frame: a judged body and an answer are far smaller."""


class ClosedError(Exception):
    """The other side has gone."""


def send(channel: socket.socket, data: bytes) -> None:
    """Send one frame; raises ClosedError."""
    try:
        channel.sendall(_LENGTH.pack(len(data)) + data)
    except OSError as error:
        raise ClosedError from error


def receive(channel: socket.socket) -> bytes:
    """The next frame; raises ClosedError at the end."""
    (length,) = _LENGTH.unpack(_exactly(channel, _LENGTH.size))
    if length > MOST_FRAME:
        raise ClosedError
    return _exactly(channel, length)


def send_json(channel: socket.socket, value: Any) -> None:
    """Send one frame of JSON."""
    send(channel, json.dumps(value).encode())


def receive_json(channel: socket.socket) -> Any:
    """The next frame's JSON; raises ClosedError where it holds none."""
    try:
        return json.loads(receive(channel))
    except (ValueError, RecursionError) as error:
        raise ClosedError from error


def hand_over(channel: socket.socket) -> socket.socket:
    """Open a conversation with the other end of a channel."""
    ours, theirs = socket.socketpair()
    try:
        socket.send_fds(channel, [b"."], [theirs.fileno()])
    except OSError as error:
        ours.close()
        raise ClosedError from error
    finally:
        theirs.close()
    return ours


def take_over(channel: socket.socket) -> socket.socket | None:
    """The next conversation that the other end opens; None when it has gone."""
    with suppress(OSError):
        while (taken := socket.recv_fds(channel, 1, 1))[0]:
            if taken[1]:
                return socket.socket(fileno=taken[1][0])
            # No descriptor was free for it: that conversation has ended, and the next may come.
    return None


def _exactly(channel: socket.socket, count: int) -> bytes:
    pieces = bytearray()
    while len(pieces) < count:
        try:
            piece = channel.recv(min(count - len(pieces), 1 << 16))
        except OSError as error:
            raise ClosedError from error
        if not piece:
            raise ClosedError
        pieces += piece
    return bytes(pieces)
