"""Calls of BuildKit's methods: each is known before the engine has it."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lifecycle.gate.grpc import Answering, Asking, Watched
from lifecycle.gate.http2 import CONTINUATION, HEADERS, PREFACE, UnreadableError, refusal
from lifecycle.gate.methods import BRIDGE, CONTROL, HISTORY, METHODS, SOLVE, Does
from lifecycle.gate.running import is_running
from tests.unit.gate.http2 import Peer, begin, data, frame, message, read_refusal, reset

PRUNE = f"{CONTROL}/Prune"
NO = "it is not yours"


@dataclass
class Judging:
    """Those who judge: what they were asked and told, and what they refuse."""

    refuses: tuple[str, ...] = ()
    builds: tuple[str, ...] = ()
    asked: list[tuple[int, str, bytes]] = field(default_factory=list)
    told: list[tuple[int, bytes]] = field(default_factory=list)
    given: list[str] = field(default_factory=list)
    hold: threading.Event | None = None

    def ask(self, method: str, stream: int, said: bytes) -> str:
        self.asked.append((stream, method, said))
        if self.hold:
            self.hold.wait(10)
        return NO if method in self.refuses else ""

    def tell(self, stream: int, said: bytes) -> None:
        self.told.append((stream, said))

    def given_up(self, why: str) -> None:
        self.given.append(why)

    def began(self, build: str) -> bool:
        return build in self.builds


def heard(raw: bytes, pieces: int = 1 << 20) -> list[tuple[int, str, bytes]]:
    """What is read of a client's bytes, when they come in pieces of this many."""
    found: list[tuple[int, str, bytes]] = []

    def begun(stream: int, method: str, build: str) -> bool:
        found.append((stream, method, build.encode()))
        return METHODS[method].does is Does.ASKS if method in METHODS else False

    asking = Asking(begun, lambda stream, method, said: found.append((stream, method, said)))
    for at in range(0, len(raw), pieces):
        asking.feed(raw[at : at + pieces])
    return found


@pytest.mark.parametrize("how", ["whole", "padded", "split"])
@pytest.mark.parametrize("pieces", [1, 2, 7, 1 << 20])
def test_a_call_is_read_however_it_is_cut(how: str, pieces: int) -> None:
    peer = Peer()
    raw = begin() + peer.call(1, SOLVE, b"what", how) + peer.call(3, PRUNE, b"all", how)
    # The second build's path is only a number of the table that both sides keep.
    raw += peer.call(5, SOLVE, b"again", how)
    assert heard(raw, pieces) == [
        *((1, SOLVE, b""), (1, SOLVE, b"what"), (3, PRUNE, b"")),
        *((5, SOLVE, b""), (5, SOLVE, b"again")),
    ]


@given(st.lists(st.binary(max_size=60), max_size=4), st.integers(1, 40))
def test_messages_are_read_however_they_are_cut(bodies: list[bytes], pieces: int) -> None:
    peer = Peer()
    whole = b"".join(map(message, bodies))
    raw = begin() + peer.call(1, SOLVE).partition(data(1, message(b"")))[0]
    raw += b"".join(
        data(1, whole[at : at + pieces], ends=False) for at in range(0, len(whole), pieces)
    )
    assert heard(raw, pieces)[1:] == [(1, SOLVE, body) for body in bodies]


@pytest.mark.parametrize(
    ("raw", "why"),
    [
        (b"GET / HTTP/1.1\r\n\r\n", "not HTTP/2"),
        (PREFACE[:-1] + b"x", "not HTTP/2"),
        (begin() + frame(CONTINUATION, 4, 1, b"\x82"), "without a beginning"),
        (begin() + frame(HEADERS, 0, 1, b"\x82") + data(1, b""), "broken off"),
        (begin() + frame(HEADERS, 0, 1, b"") + frame(CONTINUATION, 4, 3), "broken off"),
        (begin() + frame(HEADERS, 0, 1, b"") + frame(HEADERS, 4, 3), "broken off"),
        (begin() + frame(HEADERS, 4, 1, b"\xff\xff\xff\xff\xff\xff"), "a header"),
        (begin() + frame(HEADERS, 4 | 8, 1, b"\x09"), "padding"),
        (begin() + frame(HEADERS, 4 | 8, 1, b""), "padding"),
        (
            begin() + frame(HEADERS, 0, 1, bytes(60_000)) + frame(CONTINUATION, 0, 1, bytes(9999)),
            "too long",
        ),
        (begin() + b"\xff\xff\xff\x01\x04\x00\x00\x00\x01", "a frame of 16777215"),
    ],
)
def test_what_can_t_be_followed_is_given_up(raw: bytes, why: str) -> None:
    with pytest.raises(UnreadableError, match=why):
        heard(raw)


@pytest.mark.parametrize(
    ("said", "why"),
    [(message(b"x", compressed=True), "compressed"), (b"\x00\xff\xff\xff\xff", "bytes")],
)
def test_a_build_s_message_that_can_t_be_read_is_given_up(said: bytes, why: str) -> None:
    peer = Peer()
    head = peer.call(1, SOLVE).partition(data(1, message(b"")))[0]
    with pytest.raises(UnreadableError, match=why):
        heard(begin() + head + data(1, said))


def test_calls_that_wait_for_their_messages_are_not_without_number() -> None:
    peer = Peer()
    heads = (peer.call(n, SOLVE).partition(data(n, message(b"")))[0] for n in range(1, 200, 2))
    with pytest.raises(UnreadableError, match="too many"):
        heard(begin() + b"".join(heads))


def test_an_answer_is_told_when_its_stream_ends() -> None:
    engine, told = Peer(), list[tuple[int, bytes]]()
    answering = Answering(lambda stream, said: told.append((stream, said)))
    answering.wait_for(1)
    raw = engine.answer(3, b"other") + engine.answer(1, b"made")
    answering.feed(raw[:-1])
    assert (told, answering.between) == ([], False)
    answering.feed(raw[-1:])
    assert (told, answering.between) == ([(1, b"made")], True)
    answering.wait_for(5)
    answering.feed(reset(5))
    assert told[1:] == [(5, b"")]


@given(st.text(max_size=300))
def test_a_refusal_is_a_whole_answer_of_grpc(text: str) -> None:
    stream, fields = read_refusal(refusal(7, text))
    assert (stream, fields[":status"], fields["grpc-status"]) == (7, "200", "7")
    assert text.startswith(unquote(fields["grpc-message"]).rstrip("\ufffd"))


# -- both ways -------------------------------------------------------------------------------------


@dataclass
class Between:
    """A client and an engine with what is watched between them."""

    client: socket.socket
    engine: socket.socket
    judging: Judging
    thread: threading.Thread

    def at_engine(self, count: int) -> bytes:
        found = b""
        while len(found) < count and (piece := self.engine.recv(count - len(found))):
            found += piece
        return found

    def rest(self, side: socket.socket) -> bytes:
        """All that a side gets until the other has ended."""
        found = b""
        while piece := side.recv(1 << 16):
            found += piece
        return found


@pytest.fixture
def judging() -> Judging:
    return Judging()


@pytest.fixture
def between(judging: Judging) -> Iterator[Between]:
    client, outer = socket.socketpair()
    inner, engine = socket.socketpair()
    for side in (client, engine):
        side.settimeout(20)

    def watch() -> None:
        Watched(outer, inner, judging).run(b"", b"")
        outer.close()
        inner.close()

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    yield Between(client, engine, judging, thread)
    client.close()
    engine.close()
    thread.join(20)
    assert not thread.is_alive()


OTHERWISE = [
    PRUNE,
    f"{CONTROL}/%50rune",
    f"{CONTROL}/prune",
    f"/{CONTROL}/Status",
    f"{CONTROL}/Status/",
    f"{CONTROL}/Status?x=1",
    PRUNE.removeprefix("/"),
    f"http://x{CONTROL}/Status",
    "/containerd.services.content.v1.Content/Delete",
    "/moby.buildkit.v1.Control/New",
    "",
]


@pytest.mark.parametrize("method", OTHERWISE)
def test_what_is_not_let_through_never_reaches_the_engine(between: Between, method: str) -> None:
    between.judging.refuses = (method,)
    peer = Peer()
    first = begin() + peer.call(1, f"{CONTROL}/Info")
    between.client.sendall(first)
    assert between.at_engine(len(first)) == first
    between.client.sendall(peer.call(3, method, b"all"))
    assert between.rest(between.engine) == b""
    stream, fields = read_refusal(between.rest(between.client))
    assert (stream, fields["grpc-message"]) == (3, NO)
    assert between.judging.asked == [(3, method, b"")]


def test_two_paths_are_none(between: Between) -> None:
    between.judging.refuses = ("",)
    fields = [(":method", "POST"), (":path", f"{CONTROL}/Info"), (":path", PRUNE)]
    between.client.sendall(begin() + Peer().headers(1, fields))
    assert between.rest(between.engine) == b""
    assert between.judging.asked == [(1, "", b"")]


def test_a_build_goes_on_only_when_its_message_was_judged(between: Between) -> None:
    hold = between.judging.hold = threading.Event()
    raw = begin() + Peer().call(1, SOLVE, b"what")
    between.client.sendall(raw[:-1])
    assert between.at_engine(len(raw) - 1) == raw[:-1]
    between.client.sendall(raw[-1:])
    between.engine.settimeout(0.2)
    with pytest.raises(TimeoutError):
        between.engine.recv(1)
    hold.set()
    between.engine.settimeout(20)
    assert between.at_engine(1) == raw[-1:]
    assert between.judging.asked == [(1, SOLVE, b"what")]
    answer = Peer().answer(1, b"made")
    between.engine.sendall(answer)
    assert between.client.recv(len(answer), socket.MSG_WAITALL) == answer
    assert between.judging.told == [(1, b"made")]


def test_what_came_of_a_build_is_told_though_its_client_has_gone(between: Between) -> None:
    raw = begin() + Peer().call(1, SOLVE, b"what")
    between.client.sendall(raw)
    between.at_engine(len(raw))
    between.client.close()
    assert between.rest(between.engine) == b""
    between.engine.sendall(Peer().answer(1, b"made"))
    between.engine.close()
    between.thread.join(20)
    assert between.judging.told == [(1, b"made")]


def test_a_frontend_of_a_build_is_judged_by_what_it_asks(between: Between) -> None:
    method = f"{BRIDGE}/Solve"
    between.judging.builds = ("ours",)
    peer = Peer()
    ours = begin() + peer.call(1, method, b"x", build="ours")
    between.client.sendall(ours)
    assert between.at_engine(len(ours)) == ours
    assert between.judging.asked == [(1, method, b"x")]
    between.judging.refuses = (method,)
    between.client.sendall(peer.call(3, method, b"y", build="ours"))
    assert between.rest(between.engine) == b"", "it is not passed on"


@pytest.mark.parametrize("name", ["Return", "NewContainer", "ReadFile"])
def test_a_call_of_a_build_passes_where_that_build_went_through(
    between: Between, name: str
) -> None:
    method = f"{BRIDGE}/{name}"
    between.judging.builds = ("ours",)
    between.judging.refuses = (method,)
    peer = Peer()
    ours = begin() + peer.call(1, method, b"x", build="ours")
    between.client.sendall(ours)
    assert between.at_engine(len(ours)) == ours
    between.client.sendall(peer.call(3, method, b"x", build="theirs"))
    assert between.rest(between.engine) == b""
    assert between.judging.asked == [(3, method, b"")]


def test_what_can_t_be_read_ends_and_is_told(between: Between) -> None:
    between.client.sendall(b"GET / HTTP/1.1\r\n\r\n")
    assert between.rest(between.engine) == b""
    assert between.rest(between.client) == b""
    assert between.judging.given == ["it is not HTTP/2"]


def test_an_answer_that_can_t_be_read_ends_and_is_told(between: Between) -> None:
    between.engine.sendall(frame(CONTINUATION, 4, 1, b"\x82"))
    assert between.rest(between.client) == b""
    assert "without a beginning" in between.judging.given[0]


def test_much_that_is_not_judged_passes_as_it_came(between: Between) -> None:
    method = "/opentelemetry.proto.collector.trace.v1.TraceService/Export"
    head = begin() + Peer().call(1, method).partition(data(1, message(b"")))[0]
    raw = head + data(1, bytes(range(256)) * 4096, ends=False) * 8
    sender = threading.Thread(target=between.client.sendall, args=(raw,), daemon=True)
    sender.start()
    assert between.at_engine(len(raw)) == raw
    sender.join(20)
    assert between.judging.asked == []


# -- a build that runs -----------------------------------------------------------------------------

SWITCHED = b"HTTP/1.1 101 UPGRADED\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n"
SETTINGS = frame(4, 0, 0)


def asked_of(*pieces: bytes, build: str = "abc") -> tuple[object, bytes]:
    """What an engine that says this is understood to answer, and what it was asked."""
    ours, engine = socket.socketpair()
    engine.settimeout(20)
    for piece in pieces:
        engine.sendall(piece)
    engine.shutdown(socket.SHUT_WR)
    with ours, engine:
        try:
            found: object = is_running(ours, build)
        except OSError as error:
            found = error
        ours.shutdown(socket.SHUT_WR)
        said = b""
        while piece := engine.recv(1 << 16):
            said += piece
    return found, said


def test_a_build_runs_when_its_name_is_told_of() -> None:
    answer = Peer().answer(1, b"\x08\x00")
    assert asked_of(SWITCHED + SETTINGS + answer)[0] is True
    assert asked_of(SWITCHED + SETTINGS[:4], SETTINGS[4:] + answer)[0] is True


@pytest.mark.parametrize(
    "answer",
    [
        SWITCHED
        + SETTINGS
        + Peer().headers(1, [(":status", "200"), ("grpc-status", "12")], "ends"),
        SWITCHED + reset(1),
        SWITCHED + frame(7, 0, 0, bytes(8)),
        b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n",
    ],
)
def test_a_build_does_not_run_that_nobody_tells_of(answer: bytes) -> None:
    assert asked_of(answer)[0] is False


@pytest.mark.parametrize("answer", [b"", SWITCHED, SWITCHED + SETTINGS, SWITCHED + frame(9, 4, 1)])
def test_where_nothing_is_told_nothing_is_known(answer: bytes) -> None:
    assert isinstance(asked_of(answer)[0], OSError)


def test_it_is_asked_as_a_client_of_grpc_would() -> None:
    _, said = asked_of(SWITCHED, build="x" * 200)
    head, _, rest = said.partition(b"\r\n\r\n")
    assert head.startswith(b"POST /grpc HTTP/1.1\r\n")
    method = f"{CONTROL}/ListenBuildHistory"
    assert heard(rest) == [(1, method, b"")]
    message = rest[-(5 + 2 + 3 + 200 + 2) :]
    assert message == b"\x00\x00\x00\x00\xcf\x08\x01\x12\xc8\x01" + b"x" * 200 + b"\x18\x01"


def test_every_method_that_may_change_something_is_judged_or_refused() -> None:
    reads = {m for m, of in METHODS.items() if of.does is Does.PASSES}
    names = {m.rpartition("/")[2] for m in reads}
    assert names == {
        *("DiskUsage", "Info", "ListWorkers", "ListenBuildHistory", "Session", "Status", "Ping"),
        *("List", "ListStatuses", "Read", "Export", "Check", "Watch"),
    }
    assert {m for m, of in METHODS.items() if of.does is Does.ASKS} == {SOLVE, HISTORY}
    assert all(of.why for of in METHODS.values() if of.does is Does.REFUSED)
