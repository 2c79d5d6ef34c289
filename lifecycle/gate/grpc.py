"""What a client asks of BuildKit: each gRPC call on the connection that ``POST /grpc`` became.

A call passes when its method reads, when it is part of a build that went through here, or when
the harness says so of its message. What is held is the piece in which the header, or the message,
comes to its end: without it the engine has nothing to begin with.
"""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from typing import Any, Protocol

from hpack import Decoder
from hpack.exceptions import HPACKError

from lifecycle.gate import frames, relay
from lifecycle.gate.http2 import (
    CONTINUATION,
    DATA,
    END_HEADERS,
    HEADERS,
    PREFACE,
    Frame,
    Frames,
    Messages,
    UnreadableError,
    refusal,
)
from lifecycle.gate.methods import BUILD_HEADER, METHODS, UNKNOWN, Does
from lifecycle.gate.running import is_running

MOST_HEADERS = 1 << 16
"""Bytes of one header block, before and after it is decoded."""
MOST_ASKED = 64
"""Messages that are judged, or waited for an answer to, at a time on one connection."""
Header = tuple[bytes, bytes]


class Asking:
    """What the client asks: calls are told as they begin, and messages of those that are judged."""

    def __init__(
        self,
        begun: Callable[[int, str, str], bool],
        asked: Callable[[int, str, bytes], None],
    ) -> None:
        """``begun`` gets a call's stream, method and build, and says whether to read its messages.

        ``asked`` gets such a message.
        """
        self._begun, self._asked = begun, asked
        self._frames = Frames(self._wanted, preface=PREFACE)
        self._table = Decoder(MOST_HEADERS)
        self._block = bytearray()
        self._latest = 0
        self._read: dict[int, tuple[str, Messages]] = {}

    def _wanted(self, kind: int, stream: int) -> bool:
        return kind in {HEADERS, CONTINUATION} or (kind == DATA and stream in self._read)

    def feed(self, piece: bytes | memoryview) -> None:
        """Take the next piece, before it is passed on. Raises UnreadableError."""
        for frame in self._frames.feed(piece):
            if frame.kind in {HEADERS, CONTINUATION}:
                self._block += frame.body()
                if len(self._block) > MOST_HEADERS:
                    raise UnreadableError("a header that is too long")
                if frame.flags & END_HEADERS:
                    self._header(frame.stream)
            elif frame.kind == DATA and frame.stream in self._read:
                method, messages = self._read[frame.stream]
                for message in messages.feed(frame.body()):
                    self._asked(frame.stream, method, message)
            # A header that ends its stream may go on in frames that do not say so: it stays.
            if frame.ends:
                self._read.pop(frame.stream, None)

    def _header(self, stream: int) -> None:
        block, self._block = bytes(self._block), bytearray()
        try:
            fields = self._table.decode(block, raw=True)
        except HPACKError as error:
            raise UnreadableError(f"a header: {error}") from None
        if stream <= self._latest:
            return  # what comes after a call's messages
        self._latest = stream
        method, build = _one(fields, b":path"), _one(fields, BUILD_HEADER)
        if self._begun(stream, method, build):
            if len(self._read) >= MOST_ASKED:
                raise UnreadableError("too many calls at a time")
            self._read[stream] = method, Messages()


def _one(fields: Iterable[Header], name: bytes) -> str:
    """The value of a field; empty unless it stands exactly once."""
    values = [bytes(v) for k, v in fields if bytes(k) == name]
    return values[0].decode("latin-1") if len(values) == 1 else ""


class Answering:
    """What the engine answers to the calls whose messages were judged."""

    def __init__(self, answered: Callable[[int, bytes], None]) -> None:
        """``answered`` gets a call's stream and its last message, empty where there was none."""
        self._answered = answered
        self._frames = Frames(lambda kind, stream: kind == DATA and stream in self._waiting)
        self._waiting: dict[int, tuple[Messages, bytes]] = {}

    @property
    def between(self) -> bool:
        """Whether something of our own could be said here."""
        return self._frames.between

    def wait_for(self, stream: int) -> None:
        """A message of this call goes to the engine."""
        self._waiting.setdefault(stream, (Messages(), b""))

    def feed(self, piece: bytes | memoryview) -> None:
        """Take the next piece, before the client gets it. Raises UnreadableError."""
        for frame in self._frames.feed(piece):
            if frame.stream in self._waiting:
                self._take(frame)

    def _take(self, frame: Frame) -> None:
        messages, last = self._waiting[frame.stream]
        if frame.kind == DATA:
            for message in messages.feed(frame.body()):
                last = message
            self._waiting[frame.stream] = messages, last
        if frame.ends:
            del self._waiting[frame.stream]
            self._answered(frame.stream, last)


class RefusedError(Exception):
    """A call is not let through; the message is the harness's."""

    def __init__(self, stream: int, message: str) -> None:
        """``stream`` is the call's."""
        super().__init__(message)
        self.stream = stream


class Judging(Protocol):
    """Those who judge, as one connection asks them."""

    def ask(self, method: str, stream: int, message: bytes) -> str:
        """Why a call, or its message, is not let through; empty when it is."""

    def tell(self, stream: int, message: bytes) -> None:
        """Tell the harness the engine's answer to a call; returns when the ledger has it."""

    def given_up(self, why: str) -> None:
        """Tell the harness why the gate gives the connection up."""

    def began(self, build: str) -> bool:
        """Whether a build of this id went through here."""


class Conversation:
    """The harness, asked over a conversation's channel, one question at a time."""

    def __init__(
        self, call: socket.socket, builds: set[str], connect: Callable[[], socket.socket]
    ) -> None:
        """``builds`` are the ids of those that went through this gate; ``connect`` is a way on."""
        self._call, self._builds, self._connect = call, builds, connect
        self._asking = threading.Lock()

    def ask(self, method: str, stream: int, message: bytes) -> str:
        """Why a call, or its message, is not let through; empty when it is."""
        reply = self._exchange({"asks": method, "stream": stream}, message)
        build, why = str(reply.get("build") or ""), str(reply.get("refuse") or "")
        if build and build not in self._builds:
            with self._connect() as engine:
                if is_running(engine, build):
                    why = f"build {build} runs already, and is somebody's"
                    self.given_up(why)
                    return why
            self._builds.add(build)
        return why

    def tell(self, stream: int, message: bytes) -> None:
        """Tell the harness the engine's answer to a call; returns when the ledger has it."""
        self._exchange({"answers": stream}, message)

    def given_up(self, why: str) -> None:
        """Tell the harness why the gate gives the connection up."""
        self._exchange({"given_up": why}, b"")

    def began(self, build: str) -> bool:
        """Whether a build of this id went through here."""
        return build in self._builds

    def _exchange(self, what: Mapping[str, Any], message: bytes) -> dict[str, Any]:
        with self._asking:
            frames.send_json(self._call, what)
            frames.send(self._call, message)
            return dict(frames.receive_json(self._call))


class Watched:
    """One connection to BuildKit, relayed both ways and read on its way."""

    def __init__(self, client: socket.socket, engine: socket.socket, judging: Judging) -> None:
        """Nothing has passed yet."""
        self._client, self._engine, self._judging = client, engine, judging
        self._asking = Asking(self._begun, self._asked)
        self._answering = Answering(judging.tell)
        self._down = threading.Lock()
        """Held while something is read of what the engine says, or sent to the client."""

    def run(self, early: bytes, answered: bytes) -> None:
        """Relay until both have ended; ``early`` and ``answered`` came with the heads."""
        up = threading.Thread(target=self._up, args=(early,), daemon=True)
        up.start()
        self._read(self._answers, answered)
        relay.end(self._client)
        up.join()

    def _read(self, relayed: Callable[[bytes], None], first: bytes) -> None:
        """Relay in one direction. What can't be read, or judged, ends both."""
        # Where one of the two has gone, or the harness, there is nothing more to relay.
        with suppress(OSError, frames.ClosedError):
            try:
                relayed(first)
            except RefusedError as refused:
                self._refuse(refused)
            except UnreadableError as error:
                self._judging.given_up(str(error))
            else:
                return
        with suppress(OSError):
            self._engine.shutdown(socket.SHUT_RDWR)

    # -- what is asked ------------------------------------------------------------------------

    def _up(self, early: bytes) -> None:
        self._read(self._asks, early)

    def _asks(self, early: bytes) -> None:
        for piece in _pieces(self._client, early):
            self._asking.feed(piece)
            self._engine.sendall(piece)
        relay.end(self._engine)

    def _begun(self, stream: int, method: str, build: str) -> bool:
        does = METHODS.get(method, UNKNOWN).does
        if does is Does.ASKS:
            return True
        in_a_build = does in {Does.IN_A_BUILD, Does.ASKS_IN_A_BUILD}
        if does is Does.REFUSED or (in_a_build and not self._judging.began(build)):
            self._judge(stream, method, b"")
        return does is Does.ASKS_IN_A_BUILD

    def _asked(self, stream: int, method: str, message: bytes) -> None:
        self._judge(stream, method, message)
        if METHODS.get(method, UNKNOWN).does is Does.ASKS:
            with self._down:
                self._answering.wait_for(stream)

    def _judge(self, stream: int, method: str, message: bytes) -> None:
        why = self._judging.ask(method, stream, message)
        if why:
            raise RefusedError(stream, why)

    def _refuse(self, refused: RefusedError) -> None:
        """Say so in the engine's place where it has nothing half said; else just end."""
        with self._down:
            if self._answering.between:
                self._client.sendall(refusal(refused.stream, str(refused)))

    # -- what is answered ---------------------------------------------------------------------

    def _answers(self, answered: bytes) -> None:
        here = True
        for piece in _pieces(self._engine, answered):
            with self._down:
                self._answering.feed(piece)
                here = here and self._sent(piece)

    def _sent(self, piece: bytes | memoryview) -> bool:
        """Pass it on; when the client has gone, what the engine still says is only read."""
        try:
            self._client.sendall(piece)
        except OSError:
            return False
        return True


def _pieces(source: socket.socket, first: bytes) -> Iterator[bytes | memoryview]:
    """What has come already, and what comes."""
    if first:
        yield first
    buffer = memoryview(bytearray(relay.PIECE))
    while count := source.recv_into(buffer):
        yield buffer[:count]
