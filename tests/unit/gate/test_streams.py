"""Streams pass the gate both ways, to each end as it comes, in bounded memory."""

from __future__ import annotations

import hashlib
import os
import threading
from collections.abc import Iterator

import pytest

from lifecycle.gate.gate import Call
from tests.unit.gate.fakes import (
    ATTACH,
    LIMIT,
    LONG,
    OK,
    Client,
    Engine,
    Heard,
    Opened,
    request,
    silent_after_first,
    wait_until,
)

EXEC = request(
    "POST /v1.41/exec/x/start", "Upgrade: tcp", "Connection: Upgrade", body=b'{"Tty": true}'
)
PLAIN = request("POST /v1.41/containers/x/attach?stream=1")
SWITCHED = (
    b"HTTP/1.1 101 UPGRADED\r\nContent-Type: application/vnd.docker.raw-stream\r\n"
    b"Connection: Upgrade\r\nUpgrade: tcp\r\n\r\n"
)
HIJACKED = b"HTTP/1.1 200 OK\r\nContent-Type: application/vnd.docker.raw-stream\r\n\r\n"
FRAMED = b"HTTP/1.1 200 OK\r\nContent-Type: application/vnd.docker.multiplexed-stream\r\n\r\n"
OPENINGS = [(ATTACH, SWITCHED), (EXEC, SWITCHED), (PLAIN, HIJACKED), (EXEC, FRAMED)]
MUCH = 64 << 20


def noise(size: int) -> Iterator[bytes]:
    piece = os.urandom(1 << 16)
    for _ in range(size // len(piece)):
        yield piece


def opened(gate: Opened, asked: bytes, answer: bytes) -> Client:
    """A client whose connection has become a stream."""
    client = gate.connect().send(asked)
    assert client.read(len(answer)) == answer  # what follows may come with it
    return client


@pytest.mark.parametrize(("asked", "answer"), OPENINGS)
def test_a_hijacked_connection_passes_both_ways_as_it_comes(
    gate: Opened, engine: Engine, asked: bytes, answer: bytes
) -> None:
    def echo(heard: Heard) -> None:
        heard.read(int((heard.header("content-length") or ["0"])[0]))
        heard.send(answer)
        while data := heard.channel.recv(100):
            heard.send(data.upper())
        heard.send(b"bye")

    engine.handler = echo
    with opened(gate, asked, answer) as client:
        for word in (b"one", b"two"):
            client.send(word)
            assert client.channel.recv(100) == word.upper()
        assert client.end().read_all() == b"bye", "the engine may say more after our end"
    (heard,) = engine.heard
    upgrades = ["tcp"] if b"Upgrade" in asked else []
    assert heard.header("upgrade") == upgrades
    assert heard.header("connection") == (["Upgrade"] if upgrades else ["close"])


@pytest.mark.parametrize(("asked", "answer"), OPENINGS)
def test_an_engine_that_has_ended_still_gets_what_is_sent(
    gate: Opened, engine: Engine, asked: bytes, answer: bytes
) -> None:
    got: list[bytes] = []

    def first(heard: Heard) -> None:
        heard.read(int((heard.header("content-length") or ["0"])[0]))
        heard.send(answer + b"bye")
        heard.channel.shutdown(1)
        got.append(heard.read_all())

    engine.handler = first
    with gate.connect() as client:
        assert client.send(asked).read_all() == answer + b"bye"
        client.send(b"late").end()
        wait_until(lambda: got == [b"late"], "what came late")


def test_bytes_that_come_with_the_request_are_the_stream_s_beginning(
    gate: Opened, engine: Engine
) -> None:
    got: list[bytes] = []

    def take(heard: Heard) -> None:
        heard.send(SWITCHED + b"early too")
        got.append(heard.read_all())

    engine.handler = take
    answer = gate.ask(ATTACH + b"early", end=True)
    assert answer == SWITCHED + b"early too"
    assert got == [b"early"]


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}",
        b"HTTP/1.1 409 Conflict\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\n\r\n{}",
        b"HTTP/1.1 101 ",
        b"",
    ],
)
def test_what_follows_an_upgrade_that_the_engine_refuses_is_never_relayed(
    gate: Opened, engine: Engine, answer: bytes
) -> None:
    smuggled = request("DELETE /v1.41/containers/victim")

    def refuse(heard: Heard) -> None:
        heard.send(answer)
        heard.channel.shutdown(1)
        heard.rest = heard.read_all()

    engine.handler = refuse
    with gate.connect() as client:
        assert client.send(ATTACH + smuggled).read_all() == answer
        client.send(smuggled).end()
    (heard,) = engine.heard
    assert heard.ended.wait(LIMIT)
    assert heard.rest == b""
    assert len(gate.calls) == 1


@pytest.mark.parametrize("line", ["GET /v1.41/info", "POST /v1.41/containers/x/stop"])
@pytest.mark.parametrize("kind", ["tcp", "h2c", "websocket"])
def test_an_upgrade_where_there_is_none_is_not_passed_on_and_opens_nothing(
    gate: Opened, engine: Engine, line: str, kind: str
) -> None:
    def open_anyway(heard: Heard) -> None:
        heard.send(SWITCHED)
        heard.channel.shutdown(1)
        heard.rest = heard.read_all()

    engine.handler = open_anyway
    with gate.connect() as client:
        client.send(request(line, f"Upgrade: {kind}", "Connection: Upgrade"))
        client.read_all()
        client.send(request("DELETE /v1.41/containers/victim")).end()
    (heard,) = engine.heard
    assert heard.ended.wait(LIMIT)
    assert (heard.header("upgrade"), heard.rest) == ([], b"")


@pytest.mark.parametrize("kind", ["h2c", "websocket", "tcp2", "tcp, h2c"])
def test_an_upgrade_to_something_else_is_not_passed_on(
    gate: Opened, engine: Engine, kind: str
) -> None:
    asked = request("POST /v1.41/containers/x/attach", f"Upgrade: {kind}", "Connection: Upgrade")
    gate.ask(asked, end=True)
    assert engine.heard[0].header("upgrade") == []


@pytest.mark.parametrize(("asked", "answer"), OPENINGS[:1])
def test_much_passes_both_ways_at_once(
    gate: Opened, engine: Engine, asked: bytes, answer: bytes
) -> None:
    sums: dict[str, str] = {}

    def both(name: str, channel: Client | Heard) -> None:
        made = hashlib.sha256()

        def write() -> None:
            for piece in noise(MUCH):
                made.update(piece)
                channel.channel.sendall(piece)
            channel.channel.shutdown(1)
            sums[f"{name} sent"] = made.hexdigest()

        writing = threading.Thread(target=write)
        writing.start()
        got = hashlib.sha256()
        while piece := channel.channel.recv(1 << 16):
            got.update(piece)
        writing.join(LIMIT)
        sums[f"{name} got"] = got.hexdigest()

    def handle(heard: Heard) -> None:
        heard.send(answer)
        both("engine", heard)

    engine.handler = handle
    with opened(gate, asked, answer) as client:
        both("client", client)
    assert engine.heard[0].ended.wait(LIMIT)
    assert sums["client sent"] == sums["engine got"]
    assert sums["engine sent"] == sums["client got"]
    assert gate.memory() < 40_000


# -- hanging up ------------------------------------------------------------------------------------


READS = [
    request("GET /v1.41/events"),
    request("GET /v1.41/containers/x/logs?follow=1"),
    request("POST /v1.41/images/create?fromImage=x"),
    request("POST /v1.41/build?t=x", "Content-Length: 2", body=b"ab"),
    request("POST /v1.41/build?t=x", "Transfer-Encoding: chunked", body=b"0\r\n\r\n"),
    request("POST /v1.41/containers/x/wait"),
]


@pytest.mark.parametrize("asked", READS, ids=range(len(READS)))
@pytest.mark.parametrize("follows", [True, False])
def test_a_client_that_hangs_up_in_the_middle_ends_what_the_engine_does_for_it(
    gate: Opened, engine: Engine, asked: bytes, *, follows: bool
) -> None:
    def follow(call: Call) -> None:
        for _ in call.relay_and_follow():
            pass
        call.release()

    gate.judge = follow if follows else gate.judge

    engine.handler = silent_after_first
    with gate.connect() as client:
        client.send(asked)
        assert b"first" in client.read_until(b"first")
        assert not engine.heard[0].ended.is_set()
    assert engine.heard[0].ended.wait(LIMIT)


def test_a_client_that_reads_no_more_of_an_endless_answer_ends_it(
    gate: Opened, engine: Engine
) -> None:
    def endless(heard: Heard) -> None:
        heard.send(LONG)
        while True:
            heard.send(b"400\r\n" + b"x" * 1024 + b"\r\n")

    engine.handler = endless
    with gate.connect() as client:
        client.send(READS[0]).read_until(b"xxx")
    assert engine.heard[0].ended.wait(LIMIT)


@pytest.mark.parametrize("asked", [*READS, ATTACH], ids=range(len(READS) + 1))
@pytest.mark.parametrize("answer", [b"", b"HTTP/1.1 20", LONG + b"5\r\nfi"])
def test_an_engine_that_hangs_up_in_the_middle_ends_the_answer_there(
    gate: Opened, engine: Engine, asked: bytes, answer: bytes
) -> None:
    engine.handler = lambda heard: heard.send(answer)
    assert gate.ask(asked) == answer
    gate.gate.check()


def test_an_answer_that_comes_before_the_body_is_read_is_passed_on(
    gate: Opened, engine: Engine
) -> None:
    refusal = b"HTTP/1.1 400 Bad Request\r\nContent-Length: 2\r\nConnection: close\r\n\r\nno"
    engine.handler = lambda heard: heard.send(refusal)
    length = 50 << 20
    with gate.connect() as client:
        client.send(request("POST /v1.41/build", f"Content-Length: {length}"))
        sending = threading.Thread(target=client.send, args=(b"x" * length,))
        sending.start()
        assert client.read_all() == refusal
        sending.join(LIMIT)
    assert not sending.is_alive()


# -- memory ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("way", ["down", "followed", "up", "hijacked"])
def test_a_gibibyte_passes_in_30_mb(gate: Opened, engine: Engine, way: str) -> None:
    piece = b"\0" * (1 << 20)
    count = 1 << 10
    got = 0

    def send_all(channel: Client | Heard) -> None:
        for _ in range(count):
            channel.channel.sendall(piece)

    def handle(heard: Heard) -> None:
        nonlocal got
        if way == "up":
            data, got = bytearray(1 << 20), len(heard.rest)
            while got < len(piece) * count and (size := heard.channel.recv_into(data)):
                got += size
            heard.send(OK)
            return
        heard.send(SWITCHED if way == "hijacked" else OK.replace(b"2", b"%d" % (1 << 30), 1)[:-2])
        send_all(heard)

    def follow(call: Call) -> None:
        for _ in call.relay_and_follow():
            pass
        call.release()

    engine.handler = handle
    gate.judge = follow if way == "followed" else gate.judge
    asked = {
        "down": request("GET /v1.41/images/get?names=x"),
        "followed": request("POST /v1.41/images/create?fromImage=x"),
        "up": request("PUT /v1.41/containers/x/archive?path=/", f"Content-Length: {1 << 30}"),
        "hijacked": ATTACH,
    }[way]
    with gate.connect() as client:
        client.send(asked)
        if way == "up":
            send_all(client)
            assert client.read_all() == OK
        else:
            data = bytearray(1 << 20)
            while size := client.channel.recv_into(data):
                got += size
    assert got >= 1 << 30
    assert gate.memory() < 30 * 1024
