"""An answer has a limit in seconds and bytes as a whole, and what is none is told in a sentence."""

from __future__ import annotations

import gzip
import re
import resource
import socket
import time
import zlib
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from lifecycle.cli import main
from lifecycle.engine import client
from lifecycle.engine.bounded import MOST_ANSWER
from lifecycle.engine.client import MOST_LINE, lines
from lifecycle.engine.daemon import Daemon, EngineError, EngineSilent
from lifecycle.engine.events import Event
from tests.fake_engine import GOOD, FakeEngine, fake_engine, told

LIMIT = 1.0
SOON = 20.0
"""Seconds for a limit of one, on a machine that is busy."""
ROOM = 400 << 20
"""Bytes that this process may grow by meanwhile: an answer's limit, decoded, and the tests' own."""
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"
Serve = Callable[[socket.socket], None]


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[FakeEngine]:
    with fake_engine(tmp_path) as made:
        yield made


def drip(link: socket.socket, data: bytes, *, every: float = 0.1) -> None:
    """A byte each time, until the other end hangs up: no single read ever waits for long."""
    with suppress(OSError):
        link.settimeout(every)
        for at in range(10**9):
            link.sendall(data[at % len(data) : at % len(data) + 1])
            with suppress(TimeoutError):
                if not link.recv(1):
                    return


def pour(link: socket.socket, piece: bytes) -> None:
    with suppress(OSError):
        while True:
            link.sendall(piece)


def sends(*data: bytes) -> Serve:
    def serve(link: socket.socket) -> None:
        for piece in data:
            link.sendall(piece)

    return serve


def after(head: bytes, then: Callable[[socket.socket, bytes], None], piece: bytes) -> Serve:
    def serve(link: socket.socket) -> None:
        link.sendall(head)
        then(link, piece)

    return serve


def _bomb() -> bytes:
    packed = gzip.compress(b'"' + b"a" * (200 << 20) + b'"')
    return HEAD + b"Content-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(packed) + packed


def _deflated() -> bytes:
    packed = zlib.compress(b"[" * (50 << 20))
    return HEAD + b"Content-Encoding: deflate\r\nContent-Length: %d\r\n\r\n" % len(packed) + packed


MIB = b" " * (1 << 20)
OVER = "answered with more than 32 MiB|gave no answer within 1 s"
"""Whichever limit is met first, on a machine that is slow."""
FAULTS: dict[str, tuple[Serve, str]] = {
    "a byte at a time in the head": (
        after(b"", drip, b"HTTP/1.1 200 OK\r\n" + b"X-A: b\r\n" * 50),
        "gave no answer within 1 s",
    ),
    "a byte at a time in the body": (
        after(HEAD + b"Content-Length: 9999\r\n\r\n", drip, b" "),
        "gave no answer within 1 s",
    ),
    "a byte at a time in chunks": (after(CHUNKED, drip, b"1\r\n \r\n"), "no answer within 1 s"),
    "nothing at all": (after(b"", lambda link, _: drip_nothing(link), b""), "within 1 s"),
    "a body without an end": (after(HEAD + b"\r\n", pour, MIB), OVER),
    "chunks without an end": (
        after(CHUNKED, pour, b"100000\r\n" + MIB + b"\r\n"),
        OVER,
    ),
    "a chunk of a terabyte": (after(CHUNKED + b"10000000000\r\n", pour, MIB), OVER),
    "a length of a terabyte": (
        after(HEAD + b"Content-Length: 1099511627776\r\n\r\n", pour, MIB),
        OVER,
    ),
    "headers without an end": (after(HEAD, pour, b"X-A: b\r\n" * 999), "what is no HTTP"),
    "a header of a gigabyte": (after(HEAD + b"X-A: ", pour, b"a" * 65536), "what is no HTTP"),
    "trailers without an end": (
        after(CHUNKED + b"2\r\n{}\r\n0\r\n", pour, b"X-A: b\r\n" * 9999),
        OVER,
    ),
    "only 100 Continue": (
        after(b"", pour, b"HTTP/1.1 100 Continue\r\n\r\n" * 999),
        OVER,
    ),
    "no HTTP": (sends(b"SSH-2.0-OpenSSH_9.2\r\n"), r"what is no HTTP \(SSH-2.0-OpenSSH_9.2"),
    "binary": (sends(bytes(range(256)) * 300), "what is no HTTP"),
    "no JSON": (sends(HEAD + b"Content-Length: 5\r\n\r\nhello"), "what is no JSON"),
    "no UTF-8": (sends(HEAD + b"Content-Length: 3\r\n\r\n\xff\xfe\x80"), "what is no JSON"),
    "depth": (
        sends(HEAD + b"Content-Length: 200000\r\n\r\n" + b"[" * 200_000),
        "what can't be read",
    ),
    "cut": (sends(HEAD + b'Content-Length: 100\r\n\r\n{"a":'), "IncompleteRead"),
    "a page of a proxy": (
        sends(
            b"HTTP/1.1 500 Oops\r\nContent-Length: 64\r\n\r\n"
            b"<html><head><title>Squid</title></head><body>denied</body></html>"
        ),
        "Squid denied",
    ),
    "a redirection": (
        sends(b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n"),
        "a redirection to http://127.0.0.1:1/",
    ),
    "a bomb": (sends(_bomb()), r"an answer that is packed \(gzip\), unasked"),
    "another bomb": (sends(_deflated()), r"packed \(deflate\)"),
}


def drip_nothing(link: socket.socket) -> None:
    with suppress(OSError):
        link.recv(1)


def grown(begun: int) -> int:
    return (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - begun) << 10


@pytest.mark.parametrize("fault", FAULTS)
def test_it_ends_in_time_and_memory_with_a_sentence(engine: FakeEngine, fault: str) -> None:
    serve, sentence = FAULTS[fault]
    engine.serve = lambda link, _: serve(link)
    before, begun = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.monotonic()
    daemon = Daemon(engine.address, {}, limit=LIMIT)
    with pytest.raises(EngineError) as caught:
        _ = daemon.info
    daemon.close()
    assert re.search(sentence, str(caught.value))
    assert len(str(caught.value)) < 2000
    assert time.monotonic() - begun < SOON
    assert grown(before) < ROOM


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("command", [["doctor"], ["hold", "web"]], ids=["doctor", "hold"])
def test_a_command_says_it_and_ends_as_documented(
    engine: FakeEngine,
    fault: str,
    command: list[str],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    serve, sentence = FAULTS[fault]
    engine.serve = lambda link, _: serve(link)
    monkeypatch.setenv("DOCKER_HOST", engine.address)
    assert Daemon.__init__.__kwdefaults__ is not None
    monkeypatch.setitem(Daemon.__init__.__kwdefaults__, "limit", LIMIT)
    begun = time.monotonic()
    assert main(command) == (1 if command == ["doctor"] else 4)
    assert re.search(sentence, "".join(capsys.readouterr()))
    assert time.monotonic() - begun < SOON


def test_an_engine_that_is_asked_whether_it_is_there_may_not_drip_either(
    engine: FakeEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client, "PING_LIMIT", LIMIT)
    engine.serve = lambda link, _: drip(link, b"HTTP/1.1 200 OK\r\n" + b"X-A: b\r\n" * 50)
    begun = time.monotonic()
    assert isinstance(Daemon(engine.address, {}).away(), EngineSilent)
    assert time.monotonic() - begun < SOON


def test_an_exec_that_never_ends_is_given_up(engine: FakeEngine) -> None:
    upgraded = b"HTTP/1.1 101 UPGRADED\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n"

    def serve(link: socket.socket, path: str) -> None:
        if path.endswith("/start"):
            link.sendall(upgraded)
            drip(link, b"\1\0\0\0\0\0\0\1a")
        else:
            engine.reply(link, path)

    engine.serve = serve
    begun = time.monotonic()
    with pytest.raises(EngineSilent):
        Daemon(engine.address, {}, limit=LIMIT).run_inside("web", ["sh", "-c", "trap '' TERM"])
    assert time.monotonic() - begun < SOON


def test_events_go_on_for_longer_than_an_answer_may(engine: FakeEngine) -> None:
    def serve(link: socket.socket, path: str) -> None:
        if path != "events":
            engine.reply(link, path)
            return
        link.sendall(CHUNKED)
        line = b'{"Type":"container","Action":"start"}\n'
        for _ in range(4):
            link.settimeout(LIMIT / 2)
            with suppress(TimeoutError):
                link.recv(1)
            link.sendall(b"%x\r\n%b\r\n" % (len(line), line))
        link.sendall(b"0\r\n\r\n")

    engine.serve = serve
    daemon = Daemon(engine.address, {}, limit=LIMIT)
    assert len(list(daemon.events(0))) == 4


def test_an_event_that_is_too_long_or_none_is_passed_over() -> None:
    pieces = iter([b"one\nt", b"wo\n", b"x" * MOST_LINE, b"x" * 9, b"x\nthree\n", b"four", b""])
    assert list(lines(lambda _: next(pieces))) == [b"one", b"two", b"three", b"four"]


def test_events_of_any_kind_are_no_fault_of_ours(engine: FakeEngine) -> None:
    bodies = [b"[]", b"null", b"7", b"no json", b"[" * 100_000, b'{"a": 1}']

    def serve(link: socket.socket, path: str) -> None:
        if path != "events":
            engine.reply(link, path)
            return
        link.sendall(HEAD + b"Connection: close\r\n\r\n" + b"\n".join(bodies) + b"\n")

    engine.serve = serve
    assert list(Daemon(engine.address, {}).events(0)) == [{"a": 1}]


@pytest.mark.parametrize(
    "raw",
    [
        {"Actor": None, "timeNano": None},
        {"Actor": [], "Type": 5, "Action": None, "timeNano": 10**400},
        {"Actor": {"ID": 5, "Attributes": {"name": 7, "a": None}}, "timeNano": "x"},
        {"Actor": {"ID": None, "Attributes": [1]}, "Type": "network", "timeNano": [1]},
    ],
)
def test_an_event_of_other_kinds_is_read_as_far_as_it_goes(raw: dict[str, object]) -> None:
    event = Event.read(raw)
    assert isinstance(event.kind, str)
    assert isinstance(event.at, float)
    assert all(isinstance(v, str) for v in event.attributes.values())


def test_a_connection_is_used_again(engine: FakeEngine) -> None:
    """What bounds an answer leaves the connection behind it as it was."""
    daemon = Daemon(engine.address, {})
    for _ in range(3):
        assert daemon.container("web")
    assert daemon.image("none") is None
    assert engine.asked.count("version") == 1
    assert told(GOOD["info"]).startswith(b"HTTP/1.1 200")
    assert len(told(GOOD["containers/web/json"])) < MOST_ANSWER
