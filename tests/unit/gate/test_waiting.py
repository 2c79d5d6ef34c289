"""An answer waits until what it tells is written down, and one that broke off is none."""

from __future__ import annotations

import threading

import pytest

from lifecycle.gate.gate import Call
from tests.unit.gate.fakes import ATTACH, LIMIT, Engine, Heard, Opened, request, wait_until


def test_what_was_made_is_known_before_the_client_knows(gate: Opened, engine: Engine) -> None:
    seen: list[tuple[int, str]] = []
    may = threading.Event()

    def judge(call: Call) -> None:
        answer = call.relay_and_wait()
        seen.append((answer.status, answer.body))
        assert may.wait(LIMIT)
        call.release()

    gate.judge = judge
    engine.handler = lambda heard: heard.send(
        b'HTTP/1.1 201 Created\r\nTransfer-Encoding: chunked\r\n\r\nc\r\n{"Id": "ab"}\r\n0\r\n\r\n'
    )
    with gate.connect() as client:
        client.send(request("POST /v1.41/networks/create", body=b"{}"))
        wait_until(lambda: bool(seen), "the answer came to the judge")
        client.channel.settimeout(0.2)
        with pytest.raises(TimeoutError):
            client.channel.recv(1)
        may.set()
        client.channel.settimeout(LIMIT)
        assert client.read_all().startswith(b"HTTP/1.1 201 Created")
    assert seen == [(201, '{"Id": "ab"}')]


@pytest.mark.parametrize(
    ("answer", "status"),
    [
        (b"", 0),
        (b"HTTP/1.1 201 Cr", 0),
        (b'HTTP/1.1 201 Created\r\nContent-Length: 20\r\n\r\n{"Id": "a', 0),
        (b"HTTP/1.1 201 Created\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{}", 0),
        (b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 201 Created\r\nContent-Length: 2\r\n\r\n{}", 201),
        (b"HTTP/1.1 204 No Content\r\n\r\n", 204),
        (b"HTTP/1.1 201 Created\r\n\r\n{}", 201),
        (b"HTTP/1.1 409 Conflict\r\nContent-Length: 2\r\n\r\n{}", 409),
        (b"no http at all\r\n\r\n", 0),
    ],
)
def test_an_answer_that_broke_off_is_not_taken_for_one(
    gate: Opened, engine: Engine, answer: bytes, status: int
) -> None:
    seen: list[int] = []

    def judge(call: Call) -> None:
        seen.append(call.relay_and_wait().status)
        call.release()

    gate.judge = judge
    engine.handler = lambda heard: heard.send(answer)
    assert gate.ask(request("POST /v1.41/networks/create", body=b"{}")) == answer
    assert seen == [status]


@pytest.mark.parametrize("asked", [request("POST /v1.41/networks/create", body=b"{}"), ATTACH])
def test_an_answer_without_an_end_is_one_sentence(
    gate: Opened, engine: Engine, asked: bytes
) -> None:
    seen: list[int] = []

    def judge(call: Call) -> None:
        seen.append(call.relay_and_wait().status)
        call.release()

    gate.judge = judge if asked != ATTACH else gate.judge

    def endless(heard: Heard) -> None:
        heard.send(b"HTTP/1.1 201 Created\r\nX: ")
        while True:
            heard.send(b"x" * (1 << 16))

    engine.handler = endless
    answer = gate.ask(asked)
    assert answer.startswith(b"HTTP/1.1 502 ")
    assert b"longer than" in answer
    wait_until(lambda: seen == ([] if asked == ATTACH else [0]), "the judge heard of it")
    assert engine.heard[0].ended.wait(LIMIT)
    gate.gate.check()
