"""Whether a build runs already: asked of BuildKit itself, by a call of our own.

Whoever names a build in a call takes part in it, and the names of those that run are there for
everybody to read. So a build that begins here must not bear the name of one that runs.
"""

from __future__ import annotations

import socket
from contextlib import suppress

from lifecycle.gate import relay
from lifecycle.gate.http2 import (
    DATA,
    END_HEADERS,
    END_STREAM,
    GOAWAY,
    HEADERS,
    PREFACE,
    Frames,
    Messages,
    UnreadableError,
    framed,
    literal,
)
from lifecycle.gate.methods import CONTROL

_LIMIT = 10.0
"""Seconds that an answer of BuildKit's may take: it has it in memory."""
_SETTINGS, _STREAM = 4, 1
_UPGRADE = (
    b"POST /grpc HTTP/1.1\r\nHost: docker\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n"
    b"Content-Length: 0\r\n\r\n"
)
_FIELDS = (
    *((":method", "POST"), (":scheme", "http"), (":path", f"{CONTROL}/ListenBuildHistory")),
    *((":authority", "localhost"), ("content-type", "application/grpc"), ("te", "trailers")),
)


def is_running(engine: socket.socket, build: str) -> bool:
    """Ask on a connection of its own. Raises OSError where no answer comes."""
    engine.settimeout(_LIMIT)
    engine.sendall(_UPGRADE)
    raw = relay.head_of_answer(engine)
    head, _, piece = raw.partition(b"\r\n\r\n")
    if not head:
        raise OSError(0, "BuildKit does not answer")
    if head.split(b" ", 2)[1:2] != [b"101"]:
        return False  # an engine without BuildKit begins no build either
    engine.sendall(_asked(build))
    return _answered(engine, piece)


def _asked(build: str) -> bytes:
    # Only those that run, of this name, and no waiting for more.
    named = build.encode()
    message = b"\x08\x01\x12" + _number(len(named)) + named + b"\x18\x01"
    body = b"\x00" + len(message).to_bytes(4, "big") + message
    block = b"".join(b"\x00" + literal(name) + literal(value) for name, value in _FIELDS)
    return b"".join(
        (
            PREFACE,
            framed(_SETTINGS, 0, 0, b""),
            framed(HEADERS, END_HEADERS, _STREAM, block),
            framed(DATA, END_STREAM, _STREAM, body),
        )
    )


def _answered(engine: socket.socket, piece: bytes) -> bool:
    frames = Frames(lambda kind, stream: (kind, stream) == (DATA, _STREAM))
    messages = Messages()
    with suppress(UnreadableError):
        while True:
            for frame in frames.feed(piece):
                if frame.kind == DATA and list(messages.feed(frame.body())):
                    return True
                if frame.kind == GOAWAY or (frame.stream == _STREAM and frame.ends):
                    return False
            piece = engine.recv(1 << 16)
            if not piece:
                break
    raise OSError(0, "BuildKit does not tell which builds run")


def _number(value: int) -> bytes:
    digits = bytearray()
    while value > 0x7F:  # noqa: PLR2004 - seven bits a byte
        digits.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes((*digits, value))
