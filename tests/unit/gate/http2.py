"""A client and an engine that speak HTTP/2, as far as calls of gRPC need it."""

from __future__ import annotations

from collections.abc import Sequence

from hpack import Decoder, Encoder

from lifecycle.gate.http2 import (
    CONTINUATION,
    DATA,
    END_HEADERS,
    END_STREAM,
    HEADERS,
    PADDED,
    PREFACE,
    PRIORITY,
    RESET,
)
from lifecycle.gate.methods import BUILD_HEADER

SETTINGS = 4


def frame(kind: int, flags: int, stream: int, payload: bytes = b"") -> bytes:
    return (
        len(payload).to_bytes(3, "big") + bytes((kind, flags)) + stream.to_bytes(4, "big") + payload
    )


def message(data: bytes, *, compressed: bool = False) -> bytes:
    return bytes((compressed,)) + len(data).to_bytes(4, "big") + data


def data(stream: int, payload: bytes, *, ends: bool = True) -> bytes:
    return frame(DATA, END_STREAM if ends else 0, stream, payload)


class Peer:
    """One side of a connection, with the table of headers that it shares with the other."""

    def __init__(self) -> None:
        self.encoder = Encoder()

    def headers(self, stream: int, fields: Sequence[tuple[str, str]], how: str = "whole") -> bytes:
        block = self.encoder.encode(fields)
        if how == "padded":
            payload = b"\x03" + b"\x00\x00\x00\x00\x10" + block + b"\x00" * 3
            return frame(HEADERS, END_HEADERS | PADDED | PRIORITY, stream, payload)
        if how == "split":
            half = len(block) // 2
            first = frame(HEADERS, 0, stream, block[:half])
            return first + frame(CONTINUATION, END_HEADERS, stream, block[half:])
        ends = END_STREAM if how == "ends" else 0
        return frame(HEADERS, END_HEADERS | ends, stream, block)

    def call(
        self, stream: int, method: str, body: bytes = b"", how: str = "whole", build: str = ""
    ) -> bytes:
        """A call with one message."""
        fields = [(":method", "POST"), (":scheme", "http"), (":path", method), (":authority", "x")]
        fields += [("content-type", "application/grpc"), ("te", "trailers")]
        fields += [(BUILD_HEADER.decode(), build)] if build else []
        return self.headers(stream, fields, how) + data(stream, message(body))

    def answer(self, stream: int, body: bytes) -> bytes:
        """The answer to a call."""
        head = self.headers(stream, [(":status", "200"), ("content-type", "application/grpc")])
        tail = self.encoder.encode([("grpc-status", "0")])
        end = frame(HEADERS, END_HEADERS | END_STREAM, stream, tail)
        return head + data(stream, message(body), ends=False) + end


def begin() -> bytes:
    """What a client says first."""
    return PREFACE + frame(SETTINGS, 0, 0)


def reset(stream: int) -> bytes:
    return frame(RESET, 0, stream, b"\x00\x00\x00\x08")


def read_refusal(raw: bytes) -> tuple[int, dict[str, str]]:
    """The stream and the fields of a single header."""
    length = int.from_bytes(raw[:3], "big")
    assert raw[3:5] == bytes((HEADERS, END_STREAM | END_HEADERS))
    assert len(raw) == 9 + length
    fields = Decoder().decode(raw[9:])
    return int.from_bytes(raw[5:9], "big"), {str(k): str(v) for k, v in fields}
