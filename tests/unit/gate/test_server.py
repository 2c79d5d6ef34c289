"""The gate's process between raw sockets and an engine: nothing passes that was not judged."""

from __future__ import annotations

import pytest

from tests.unit.gate.fakes import OK, Engine, Heard, Opened, request

STOP = "POST /v1.41/containers/x/stop"
CREATE = "POST /v1.41/containers/create?name=x"
SMUGGLED = request("DELETE /v1.41/containers/victim?force=1")


def status(answer: bytes) -> int:
    return int(answer.split(b" ", 2)[1])


def test_what_only_reads_passes_without_a_question(gate: Opened, engine: Engine) -> None:
    assert gate.ask(request("GET /v1.41/info")) == OK
    assert engine.lines == ["GET /v1.41/info HTTP/1.1"]
    assert gate.calls == []


def test_all_else_is_asked_and_passes_as_the_judge_says(gate: Opened, engine: Engine) -> None:
    gate.judge = lambda call: call.relay("/v1.41/containers/abc/stop")
    assert gate.ask(request(STOP)) == OK
    assert gate.asked == ["POST /containers/x/stop"]
    assert engine.lines == ["POST /v1.41/containers/abc/stop HTTP/1.1"]


def test_what_is_refused_never_reaches_the_engine(gate: Opened, engine: Engine) -> None:
    gate.judge = lambda call: call.refuse('it is "theirs"')
    answer = gate.ask(request(STOP))
    assert status(answer) == 403
    assert answer.endswith(b'{"message": "it is \\"theirs\\""}')
    assert b"Content-Type: application/json" in answer
    assert engine.heard == []


def test_a_refusal_of_a_head_has_no_body(gate: Opened) -> None:
    gate.judge = lambda call: call.refuse("no", 404)
    answer = gate.ask(request("HEAD /v1.41/containers/x/archive?path=/"))
    assert (status(answer), answer.partition(b"\r\n\r\n")[2]) == (404, b"")


@pytest.mark.parametrize(
    "first", ["GET /v1.41/info", "GET /v1.41/events", STOP, "POST /v1.41/made"]
)
def test_a_second_request_on_a_connection_is_never_relayed(
    gate: Opened, engine: Engine, first: str
) -> None:
    gate.ask(request(first) + SMUGGLED)
    with gate.connect() as client:
        client.send(request(first))
        client.read_until(b"\r\n\r\n")
        client.send(SMUGGLED).end().read_all()
    assert len(engine.heard) == 2
    assert not any("victim" in line for line in [*engine.lines, *gate.asked])
    assert all(heard.header("connection") == ["close"] for heard in engine.heard)


INSIDE = [
    request(STOP, "Content-Length: 0", "Transfer-Encoding: chunked", body=b"0\r\n\r\n" + SMUGGLED),
    request(STOP, "Transfer-Encoding: chunked", "Content-Length: 4", body=b"0\r\n\r\n" + SMUGGLED),
    request(STOP, "Transfer-Encoding: chunked", body=b"1;a=b\r\nx\r\n0\r\n\r\n" + SMUGGLED),
    request(STOP, "Transfer-Encoding: chunked", body=b"0\r\nX: y\r\n\r\n" + SMUGGLED),
    request(STOP, f"Content-Length: {len(SMUGGLED)}", body=SMUGGLED),
    request(STOP, "Content-Length: 5", body=SMUGGLED),
    request("GET /v1.41/info", f"Content-Length: {len(SMUGGLED)}", body=SMUGGLED),
    request("GET /v1.41/info", "Transfer-Encoding: chunked", body=b"0\r\n\r\n" + SMUGGLED),
    request(STOP, "X: y\r\n z: w", body=SMUGGLED),
    request(STOP, "Upgrade: tcp", "Connection: Upgrade", body=SMUGGLED),
    request("GET /v1.41/info", "Upgrade: tcp", "Connection: Upgrade", body=SMUGGLED),
    request("GET /v1.41/info", "Upgrade: h2c", "Connection: Upgrade", body=SMUGGLED),
    request("GET /v1.41/info", "Expect: 100-continue", body=SMUGGLED),
    request(STOP).replace(b"\r\n", b"\n") + SMUGGLED,
    request("GET /v1.41/info").replace(b"HTTP/1.1", b"HTTP/1.0") + SMUGGLED,
]


@pytest.mark.parametrize("sent", INSIDE, ids=range(len(INSIDE)))
def test_a_request_that_is_hidden_in_another_is_never_relayed(
    gate: Opened, engine: Engine, sent: bytes
) -> None:
    answer = gate.ask(sent, end=True)
    assert status(answer) in {200, 400}
    assert len(engine.heard) <= 1
    for heard in engine.heard:
        heard.ended.wait(30)
        assert b"victim" not in heard.head
        assert heard.header("upgrade") == heard.header("transfer-encoding") == []
        assert heard.rest == b""
    assert not any("victim" in asked for asked in gate.asked)


READ_AS_ONE = [
    b"POST /v1.41/containers/x/stop HTTP/1.1\r\nHost: docker\r\nX: a\r\n b: c\r\n\r\n",
    b"POST /v1.41/containers/x/stop HTTP/1.1\nHost: docker\n\n",
    b"POST /v1.41/containers/x/stop HTTP/1.0\r\n\r\n",
    b"\r\nPOST /v1.41/containers/x/stop HTTP/1.1\r\nHost: docker\r\n\r\n",
]


@pytest.mark.parametrize("sent", READ_AS_ONE)
def test_a_head_that_is_oddly_written_is_sent_on_as_it_was_read(
    gate: Opened, engine: Engine, sent: bytes
) -> None:
    assert status(gate.ask(sent)) in {200, 400}
    for heard in engine.heard:
        assert heard.line == "POST /v1.41/containers/x/stop HTTP/1.1"
        assert b"\n" not in heard.head.replace(b"\r\n", b"")
        assert b"\r\n " not in heard.head


NO_REQUEST = [
    b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    b"GET /v1.41/info HTTP/2.0\r\nHost: docker\r\n\r\n",
    b"GET /v1.41/info HTTP/3\r\nHost: docker\r\n\r\n",
    b"GET  /v1.41/info HTTP/1.1\r\nHost: docker\r\n\r\n",
    b"GET /v1.41/info\r\n\r\n",
    b"GET\t/v1.41/info\tHTTP/1.1\r\nHost: docker\r\n\r\n",
    b"GET /v1.41/in\0fo HTTP/1.1\r\nHost: docker\r\n\r\n",
    b"GET /v1.41/info HTTP/1.1\r\nHost: docker\r\nX: a\0b\r\n\r\n",
    b"GET /v1.41/info HTTP/1.1\r\nHost: docker\r\nX : a\r\n\r\n",
    b"GET /v1.41/info HTTP/1.1\r\nHost: docker\r\nX\r\n\r\n",
    b"GET /v1.41/info HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
    b"GET /v1.41/info HTTP/1.1\r\n\r\n",
    request(STOP, "Content-Length: 5", "Content-Length: 6"),
    request(STOP, "Content-Length: -5"),
    request(STOP, "Content-Length: +5"),
    request(STOP, "Content-Length: 0x5"),
    request(STOP, "Content-Length: 5, 6"),
    request(STOP, "Transfer-Encoding: gzip, chunked"),
    request(STOP, "Transfer-Encoding: identity"),
    request(STOP, "Transfer-Encoding: chunked", "Transfer-Encoding: chunked"),
    request(STOP, "Transfer-Encoding: xchunked"),
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    b"\x00" * 100 + b"\r\n\r\n",
    *(
        request(f"POST {path}/containers/x/stop")
        for path in ("/v1.41/..", "/%2e%2e", "/", "//v1.41", "http://docker", "/v1.41%00", "*")
    ),
    request("POST /v1.41/containers/%2e%2e/stop"),
    request("POST /v1.41/containers/x%2F%2e%2e%2Fy/stop"),
    request("POST /v1.41/containers//x/stop"),
    request("POST /v1.41/containers/%2Fx/stop"),
    request("POST /v1.41/containers/x%00/stop"),
    request("POST /v1.41/containers/%ff/stop"),
    request("POST *"),
    request("CONNECT docker:80"),
    request("OPTIONS *"),
    request(STOP, "Content-Type: application/x-www-form-urlencoded", body=b"t=1"),
]


@pytest.mark.parametrize("sent", NO_REQUEST, ids=range(len(NO_REQUEST)))
def test_what_is_no_request_of_the_engine_s_is_told_and_never_relayed(
    gate: Opened, engine: Engine, sent: bytes
) -> None:
    answer = gate.ask(sent, end=True)
    assert status(answer) == 400
    assert b"can't be read" in answer
    assert len(gate.unreadable) == 1
    assert engine.heard == []


@pytest.mark.parametrize(
    ("sent", "shown"),
    [
        (b"GET  HTTP/1.1\r\nHost: docker\r\n\r\n", "illegal request line: 'GET  HTTP/1.1'"),
        (b"GET /\xff HTTP/1.1\r\nHost: x\r\n\r\n", "line: 'GET /\\xff HTTP/1.1'"),
        (b"GET /info HTTP/1.1\r\nHost: x\r\nX : a\r\n\r\n", "illegal header line: 'X : a'"),
        (request(CREATE, "Transfer-Encoding: chunked", body=b"z)\r\n"), "header: 'z)\\r\\n'"),
        (request(CREATE, "Content-Length: " + "9" * 5000), "bad Content-Length"),
        (b"GET " + b"x" * 5000 + b" y HTTP/1.1\r\n\r\n", "line: 'GET xxx"),
    ],
)
def test_what_can_t_be_read_is_shown_as_it_was_sent(gate: Opened, sent: bytes, shown: str) -> None:
    gate.ask(sent, end=True)
    (told,) = gate.unreadable
    assert shown in told
    assert len(told) < 300
    assert "bytearray" not in told


@pytest.mark.parametrize(
    "line",
    ["post /v1.41/containers/x/stop", "Get /v1.41/info", "POST /v1.41/INFO", "TRACE /v1.41/info"],
)
def test_what_is_a_request_but_none_that_is_known_is_asked(
    gate: Opened, engine: Engine, line: str
) -> None:
    gate.judge = lambda call: call.refuse(f"{call.request.endpoint}")
    assert status(gate.ask(request(line))) == 403
    assert engine.heard == []


@pytest.mark.parametrize("size", [1 << 17, 1 << 20])
@pytest.mark.parametrize("ends", [True, False])
def test_a_head_that_is_too_long_or_never_ends_is_refused(
    gate: Opened, engine: Engine, size: int, *, ends: bool
) -> None:
    sent = request("GET /v1.41/info", "X: " + "y" * size)
    answer = gate.ask(sent if ends else sent[:-4])
    assert status(answer) == 400
    assert engine.heard == []


@pytest.mark.parametrize("cut", [1, 20, 40])
def test_a_head_that_breaks_off_is_nobody_s_request(gate: Opened, engine: Engine, cut: int) -> None:
    for line in ("GET /v1.41/info", STOP):
        gate.ask(request(line)[:cut], end=True)
    assert engine.heard == []
    assert gate.asked == []


# -- bodies ------------------------------------------------------------

BUILD = "POST /v1.41/build?t=x"


def got_body(engine: Engine) -> list[bytes]:
    """Has the engine keep the bodies that it gets by length."""
    got: list[bytes] = []

    def handle(heard: Heard) -> None:
        got.append(heard.read(int((heard.header("content-length") or ["0"])[0])))
        heard.send(OK)

    engine.handler = handle
    return got


@pytest.mark.parametrize(
    "sent",
    [
        request(CREATE, body=b'{"Image": "x"}'),
        request(
            CREATE,
            "Transfer-Encoding: chunked",
            body=b'5\r\n{"Ima\r\n9;x=y\r\nge": "x"}\r\n0\r\n\r\n',
        ),
        request(CREATE, "Expect: 100-continue", body=b'{"Image": "x"}'),
    ],
)
def test_a_body_that_is_judged_is_sent_on_as_the_judge_wrote_it(
    gate: Opened, engine: Engine, sent: bytes
) -> None:
    got = got_body(engine)
    gate.judge = lambda call: call.relay(body=call.body.replace(b"x", b"\xffyz"))
    assert gate.ask(sent).endswith(OK)
    assert got == [b'{"Image": "\xffyz"}']
    assert engine.heard[0].header("expect") == []


def test_a_client_that_waits_for_the_word_to_go_on_gets_it(gate: Opened, engine: Engine) -> None:
    got = got_body(engine)
    with gate.connect() as client:
        client.send(request(CREATE, "Expect: 100-continue", "Content-Length: 2"))
        assert client.read_until(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
        assert client.send(b"{}").read_all() == OK
    assert got == [b"{}"]


@pytest.mark.parametrize("chunked", [True, False])
def test_a_body_that_is_passed_on_comes_as_it_was(
    gate: Opened, engine: Engine, *, chunked: bool
) -> None:
    def handle(heard: Heard) -> None:
        heard.rest = heard.read_all()  # to the hang-up that is passed on, too
        heard.send(OK)

    engine.handler = handle
    body = b"context" * 100_000
    framing = "Transfer-Encoding: chunked" if chunked else f"Content-Length: {len(body)}"
    pieces = b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body)
    assert gate.ask(request(BUILD, framing, body=pieces if chunked else body), end=True) == OK
    (heard,) = engine.heard
    assert heard.header("transfer-encoding") == (["chunked"] if chunked else [])
    if chunked:
        assert heard.rest.endswith(b"\r\n0\r\n\r\n")
        assert heard.rest.count(b"context") > 99_000, "but for those that chunks divide"
    else:
        assert heard.rest == body


@pytest.mark.parametrize("chunked", [True, False])
@pytest.mark.parametrize("line", [BUILD, "PUT /v1.41/containers/x/archive?path=/"])
def test_what_follows_a_body_that_is_passed_on_is_dropped(
    gate: Opened, engine: Engine, line: str, *, chunked: bool
) -> None:
    def handle(heard: Heard) -> None:
        heard.rest = heard.read_all()
        heard.send(OK)

    engine.handler = handle
    framing = "Transfer-Encoding: chunked" if chunked else "Content-Length: 2"
    body = b"2\r\nab\r\n0\r\n\r\n" if chunked else b"ab"
    gate.ask(request(line, framing, body=body + SMUGGLED), end=True)
    assert engine.heard[0].rest == body
    assert len(engine.heard) == 1


@pytest.mark.parametrize("line", [CREATE, BUILD, "POST /v1.41/images/load", "POST /v1.41/auth"])
@pytest.mark.parametrize(
    ("framing", "body"),
    [("Content-Length: 100", b"{}"), ("Transfer-Encoding: chunked", b"5\r\n{}")],
)
def test_a_body_that_breaks_off_is_no_request_that_succeeds(
    gate: Opened, engine: Engine, line: str, framing: str, body: bytes
) -> None:
    def handle(heard: Heard) -> None:
        heard.rest = heard.read_all()

    engine.handler = handle
    assert gate.ask(request(line, framing, body=body), end=True) == b""
    assert gate.unreadable == [], "it is a hang-up"
    for heard in engine.heard:  # of what is passed on, the engine sees it break off as well
        assert line == BUILD
        assert heard.ended.wait(30)
        assert b"\r\n0\r\n\r\n" not in heard.rest
        assert len(heard.rest) < 100


@pytest.mark.parametrize("line", [BUILD, "POST /v1.41/images/load"])
def test_a_body_that_is_badly_written_ends(gate: Opened, engine: Engine, line: str) -> None:
    engine.handler = lambda heard: setattr(heard, "rest", heard.read_all())
    gate.ask(request(line, "Transfer-Encoding: chunked", body=b"2\r\nab\r\nzz\r\n"), end=True)
    for heard in engine.heard:
        assert heard.ended.wait(30)
        assert b"zz" not in heard.rest


def test_a_body_that_is_longer_than_one_that_is_judged_is_refused(
    gate: Opened, engine: Engine
) -> None:
    answer = gate.ask(request(CREATE, body=b'"' + b"\xff" * (3 << 20) + b'"'))
    assert status(answer) == 400
    assert b"a body of more than" in answer
    assert engine.heard == []


@pytest.mark.parametrize("byte", [b"\x01", b"\xff", b"\\", b"x"])
def test_a_body_as_long_as_may_be_is_judged_whatever_is_in_it(
    gate: Opened, engine: Engine, byte: bytes
) -> None:
    body = byte * (2 << 20)
    got = got_body(engine)
    assert gate.ask(request(CREATE, body=body)) == OK
    assert gate.calls[0].body == body
    assert got == [body]
