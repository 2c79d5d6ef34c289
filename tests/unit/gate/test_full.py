"""A gate that is filled says so, and what fills it without ever asking anything ends."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, suppress
from pathlib import Path
from typing import Any

import pytest

from lifecycle.gate import frames, incoming, server
from lifecycle.gate.incoming import Incoming
from lifecycle.gate.request import BadRequestError
from lifecycle.gate.server import Server
from lifecycle.gate.upstream import Upstream
from tests.unit.gate.fakes import LIMIT, OK, Client, Engine, request, wait_until

INFO = request("GET /v1.41/info")
CREATE = "POST /v1.41/containers/create"
Opener = Callable[[], Client]


@pytest.fixture
def connect(tmp_path: Path, engine: Engine, monkeypatch: pytest.MonkeyPatch) -> Iterator[Opener]:
    """Connect to a server with two places, in this process, whose harness refuses all."""
    monkeypatch.setattr(server, "_places", lambda: 2)
    ours, theirs = socket.socketpair()
    with ExitStack() as stack:
        listener = stack.enter_context(socket.socket(socket.AF_UNIX))
        listener.bind(str(tmp_path / "s"))
        listener.listen()
        accepts: Any = Accepts(listener)
        made = Server(accepts, theirs, Upstream(engine.address, {}))

        def serve() -> None:
            with suppress(EndedError):
                made.serve()

        threading.Thread(target=serve, daemon=True).start()
        threading.Thread(target=judged, args=(ours,), daemon=True).start()
        yield lambda: stack.enter_context(Client(tmp_path / "s"))
        accepts.over = True
        stack.enter_context(Client(tmp_path / "s"))  # wakes it
    ours.close()
    theirs.close()


class EndedError(Exception):
    """The test is over."""


class Accepts:
    """A listener that ends who serves it, which no server of a process of its own does."""

    def __init__(self, listener: socket.socket) -> None:
        self._listener, self.over = listener, False

    def accept(self) -> tuple[socket.socket, object]:
        taken = self._listener.accept()
        if self.over:
            taken[0].close()
            raise EndedError
        return taken


def judged(calls: socket.socket) -> None:
    while channel := frames.take_over(calls):
        with closing(channel), suppress(frames.ClosedError):
            if "unreadable" not in frames.receive_json(channel):
                frames.send_json(channel, {"refuse": "no", "status": 403})


def test_where_all_places_are_taken_for_long_the_next_is_told(
    connect: Opener, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "FULL_LIMIT", 0.2)
    held = [connect(), connect()]
    for _ in range(3):
        answer = connect().send(INFO).read_all()
        assert answer.startswith(b"HTTP/1.1 503 ")
        assert b"the gate serves 2 connections of this run already" in answer
    held[0].channel.close()
    wait_until(lambda: connect().send(INFO).read_all() == OK, "there is a place")


def test_one_that_waits_for_a_place_gets_it(connect: Opener, engine: Engine) -> None:
    held = [connect(), connect()]
    waiting = connect().send(INFO)
    waiting.channel.settimeout(0.2)
    with pytest.raises(TimeoutError):
        waiting.channel.recv(1)
    waiting.channel.settimeout(LIMIT)
    assert engine.heard == []
    held[1].channel.close()
    assert waiting.read_all() == OK


def test_those_that_are_told_are_few_at_a_time(
    connect: Opener, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "FULL_LIMIT", 0.2)
    held = [connect(), connect()]
    silent = [connect() for _ in range(server._TURNED_AWAY_AT_ONCE)]
    assert connect().send(INFO).read_all() == b"", "it is hung up on"
    for client in silent:
        client.channel.close()
    wait_until(lambda: b"503" in connect().send(INFO).read_all(), "the next is told again")
    assert held[0].channel.fileno() > 0


@pytest.mark.parametrize(
    "asked",
    [
        request(CREATE, "Content-Length: 10"),
        request(CREATE, "Content-Length: 10", body=b"{"),
        request(CREATE, "Transfer-Encoding: chunked", body=b"1\r\n{\r\n"),
        request("POST /v1.41/auth", "Content-Length: 10"),
    ],
)
def test_a_short_body_that_never_comes_ends_with_a_sentence(
    connect: Opener, monkeypatch: pytest.MonkeyPatch, asked: bytes
) -> None:
    monkeypatch.setattr(incoming, "ARRIVAL_LIMIT", 0.3)
    held = [connect().send(asked) for _ in range(6)]
    for client in held:
        assert b"its body did not come to an end within 0.3 s" in client.read_all()
        client.channel.close()
    assert connect().send(INFO).read_all() == OK


@pytest.mark.parametrize("what", ["head", "body"])
def test_what_comes_drop_by_drop_has_no_longer_time(
    monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    monkeypatch.setattr(incoming, "ARRIVAL_LIMIT", 0.5)
    near, far = socket.socketpair()
    over = threading.Event()

    def drop() -> None:
        while not over.wait(0.05):
            near.sendall(b"x")

    with near, far:
        came = Incoming(far)
        if what == "body":
            near.sendall(request(CREATE, "Content-Length: 10000"))
            assert came.head() is not None
        threading.Thread(target=drop, daemon=True).start()
        begun = time.monotonic()
        if what == "head":
            assert came.head() is None
        else:
            with pytest.raises(BadRequestError, match="did not come to an end"):
                came.body(1 << 20)
        over.set()
        assert 0.4 < time.monotonic() - begun < LIMIT
        assert far.gettimeout() is None


def test_a_body_that_is_passed_on_has_all_the_time_it_takes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(incoming, "ARRIVAL_LIMIT", 0.1)
    near, far = socket.socketpair()
    with near, far:
        near.sendall(request("POST /v1.41/build", "Content-Length: 2"))
        came = Incoming(far)
        assert came.head() is not None
        late = threading.Timer(0.4, near.sendall, (b"ab",))
        late.start()
        assert b"".join(came.pieces()) == b"ab"
        late.join()
