"""HTTP/2 as it passes by: which frames come, and what those hold that somebody asked for.

Nothing is answered and nothing changed. What can't be followed raises UnreadableError: a stream
that is not understood is not passed on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
DATA, HEADERS, RESET, PUSH, GOAWAY, CONTINUATION = 0, 1, 3, 5, 7, 9
END_STREAM, END_HEADERS, PADDED, PRIORITY = 1, 4, 8, 32
MOST_FRAME = 1 << 20
"""Bytes of a frame that is kept: what Go's server takes at most."""
MOST_MESSAGE = 8 << 20
"""Bytes of a message that is judged; a build's is a few KiB."""
_HEAD = 9
_OF_A_BLOCK = frozenset({HEADERS, PUSH, CONTINUATION})


class UnreadableError(Exception):
    """What passes is not what it should be; the message says why."""


@dataclass(frozen=True)
class Frame:
    """One frame that has passed whole; ``payload`` is empty where nobody asked for it."""

    kind: int
    flags: int
    stream: int
    payload: bytes = b""

    @property
    def ends(self) -> bool:
        """Whether its side of the stream ends with it."""
        can = self.kind in {DATA, HEADERS}
        return self.kind == RESET or (can and bool(self.flags & END_STREAM))

    def body(self) -> bytes:
        """The payload without its padding, and a header's without its priority."""
        begin, pad = 0, 0
        if self.kind in {DATA, HEADERS} and self.flags & PADDED:
            begin, pad = 1, self.payload[0] if self.payload else 0
        if self.kind == HEADERS and self.flags & PRIORITY:
            begin += 5
        if begin + pad > len(self.payload):
            raise UnreadableError("a frame is shorter than its padding")
        return self.payload[begin : len(self.payload) - pad]


Wanted = Callable[[int, int], bool]
"""Whether the payload of a frame of a kind and a stream is to be kept."""


class Frames:
    """One direction of a connection, cut into its frames."""

    def __init__(self, wanted: Wanted, *, preface: bytes = b"") -> None:
        """``preface`` is what must come before the first frame."""
        self._wanted, self._preface = wanted, preface
        self._head = bytearray()
        self._frame: Frame | None = None
        self._left = 0
        self._kept: bytearray | None = None
        self._block = 0
        """The stream whose header block goes on in the next frame."""

    @property
    def between(self) -> bool:
        """Whether a frame of another stream could come here."""
        return not (self._preface or self._head or self._frame or self._block)

    def feed(self, data: bytes | memoryview) -> Iterator[Frame]:
        """Take the next piece; gives the frames that are whole with it. Raises UnreadableError."""
        piece = memoryview(data)
        while piece:
            if self._preface:
                piece = self._begin(piece)
            elif self._frame is None:
                piece = self._take_head(piece)
            else:
                piece = self._take_payload(piece)
            if self._frame is not None and not self._left:
                yield self._whole()

    def _begin(self, piece: memoryview) -> memoryview:
        count = min(len(piece), len(self._preface))
        if bytes(piece[:count]) != self._preface[:count]:
            raise UnreadableError("it is not HTTP/2")
        self._preface = self._preface[count:]
        return piece[count:]

    def _take_head(self, piece: memoryview) -> memoryview:
        count = min(len(piece), _HEAD - len(self._head))
        self._head += piece[:count]
        if len(self._head) == _HEAD:
            head, self._head = bytes(self._head), bytearray()
            stream = int.from_bytes(head[5:], "big") & 0x7FFFFFFF
            frame = Frame(head[3], head[4], stream)
            self._follows(frame)
            self._frame, self._left = frame, int.from_bytes(head[:3], "big")
            wanted = self._wanted(frame.kind, stream)
            if wanted and self._left > MOST_FRAME:
                raise UnreadableError(f"a frame of {self._left} bytes")
            self._kept = bytearray() if wanted else None
        return piece[count:]

    def _follows(self, frame: Frame) -> None:
        """Nothing comes between the frames of one header block."""
        goes_on = frame.kind == CONTINUATION
        if goes_on != bool(self._block) or (goes_on and frame.stream != self._block):
            raise UnreadableError("a header that is broken off, or goes on without a beginning")
        if frame.kind in _OF_A_BLOCK:
            self._block = 0 if frame.flags & END_HEADERS else frame.stream

    def _take_payload(self, piece: memoryview) -> memoryview:
        count = min(len(piece), self._left)
        if self._kept is not None:
            self._kept += piece[:count]
        self._left -= count
        return piece[count:]

    def _whole(self) -> Frame:
        assert self._frame is not None  # noqa: S101 - only asked when there is one
        frame, kept = self._frame, self._kept
        self._frame = self._kept = None
        return Frame(frame.kind, frame.flags, frame.stream, bytes(kept or b""))


class Messages:
    """The messages of one gRPC stream, each with its length before it."""

    def __init__(self) -> None:
        """Nothing has come yet."""
        self._rest = bytearray()

    def feed(self, payload: bytes) -> Iterator[bytes]:
        """Take what a frame of data holds. Raises UnreadableError."""
        self._rest += payload
        while len(self._rest) >= 5:  # noqa: PLR2004 - a flag and a length
            length = int.from_bytes(self._rest[1:5], "big")
            if self._rest[0]:
                raise UnreadableError("a message that is compressed")
            if length > MOST_MESSAGE:
                raise UnreadableError(f"a message of {length} bytes")
            if len(self._rest) < 5 + length:
                return
            message = bytes(self._rest[5 : 5 + length])
            del self._rest[: 5 + length]
            yield message


def refusal(stream: int, message: str) -> bytes:
    """A frame that ends a stream with gRPC's "permission denied", and disturbs no other.

    Its header is written without the table that the two sides share.
    """
    text = "".join(
        c
        if " " <= c <= "~" and c != "%"
        else "".join(f"%{b:02X}" for b in c.encode("utf-8", "replace"))
        for c in message
    )
    headers = (
        (":status", "200"),
        ("content-type", "application/grpc"),
        ("grpc-status", "7"),
        ("grpc-message", text[:4000]),
    )
    block = b"".join(b"\x00" + literal(name) + literal(value) for name, value in headers)
    return framed(HEADERS, END_STREAM | END_HEADERS, stream, block)


def framed(kind: int, flags: int, stream: int, payload: bytes) -> bytes:
    """A frame."""
    head = len(payload).to_bytes(3, "big") + bytes((kind, flags)) + stream.to_bytes(4, "big")
    return head + payload


def literal(text: str) -> bytes:
    """A text in a header: its length in seven bits and more, and its bytes as they are."""
    data = text.encode("ascii")
    if len(data) < 127:  # noqa: PLR2004 - seven bits, of which all set say that more follows
        return bytes((len(data),)) + data
    rest, more = len(data) - 127, bytearray((127,))
    while rest >= 128:  # noqa: PLR2004
        more.append(rest % 128 + 128)
        rest //= 128
    return bytes(more) + bytes((rest,)) + data
