"""A gate without sockets: a request goes to the run's own judge, then to the engine in memory."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, cast

import h11

from lifecycle.engine.daemon import EngineError
from lifecycle.gate.gate import Answer, Call, Gate, GateError, Heard, Judge
from lifecycle.gate.request import Request, read
from lifecycle.machine.subject import Subject
from lifecycle.run.ownership.ledger import Entry
from lifecycle.run.session.gates import Gates

Does = Callable[[], Any]
Entries = Callable[[], Iterable[Entry]]


def stream(*said: Mapping[str, Any], whole: bool = True, status: str = "200 OK") -> bytes:
    """An answer of these messages, as an engine sends it."""
    lines = [json.dumps(one).encode() + b"\r\n" for one in said]
    chunks = b"".join(b"%x\r\n%b\r\n" % (len(line), line) for line in lines)
    head = f"HTTP/1.1 {status}\r\nTransfer-Encoding: chunked\r\n\r\n".encode()
    return head + chunks + (b"0\r\n\r\n" if whole else b"")


def request(line: str, headers: Mapping[str, str] | None = None) -> Request:
    """A request by its first line, ``POST /containers/create?name=x``."""
    method, _, target = line.partition(" ")
    sent = [("Host", "docker"), *((k.replace("_", "-"), v) for k, v in (headers or {}).items())]
    return read(h11.Request(method=method, target=f"/v1.41{target}", headers=sent))


class Asked:
    """One request: what was decided, and the ledger at the moment when it was relayed."""

    def __init__(
        self, entries: Entries, asked: Request, body: bytes, archive: Mapping[str, Any]
    ) -> None:
        self._entries = entries
        self.unreadable = ""
        self.request, self.body, self.archive = asked, body, archive
        self.does: Does = lambda: Answer(204, "")
        self.heard: list[Heard | Does] = []
        self.replies: list[str] = []
        self.pieces = 1 << 16
        self.refusal = ""
        self.status = 0
        self.relayed = ""
        self.sent: bytes = b""
        self.intended: set[tuple[str, str]] = set()
        self.waits = self.released = self.held = False
        self.instead = b""

    def refuse(self, message: str, status: int = 403) -> None:
        assert self.heard or not self.relayed, "a request that was relayed can't be refused"
        self.refusal, self.status = message, status
        self.replies.append(message)

    def relay(self, target: str = "", body: bytes | None = None) -> None:
        self._let(target, body)

    def relay_and_wait(self, target: str = "", body: bytes | None = None) -> Answer:
        self.waits = True
        done = self._let(target, body)
        return done if isinstance(done, Answer) else Answer(204, "")

    def relay_and_follow(
        self, target: str = "", body: bytes | None = None, *, hold: bool = False
    ) -> Iterator[bytes]:
        self.waits, self.held = True, hold
        done = self._let(target, body)
        answer = done if isinstance(done, bytes) else stream()
        for at in range(0, len(answer), self.pieces):
            yield answer[at : at + self.pieces]

    def relay_and_hear(self) -> Iterator[Heard]:
        """What is said on a connection to BuildKit; between, the engine does something."""
        self._let("", None)
        for one in self.heard:
            if isinstance(one, Heard):
                yield one
            else:
                one()

    def reply(self, *, build: str = "") -> None:
        self.replies.append(build)
        self.intended |= {(e.kind, e.name) for e in self._entries()}

    def _let(self, target: str, body: bytes | None) -> Any:
        assert not self.relayed, "a request is relayed once"
        assert not self.refusal, "what was refused is not relayed"
        self.relayed = target or self.request.target
        self.sent = self.body if body is None else body
        self.intended = {(e.kind, e.name) for e in self._entries()}
        return self.does()

    def release(self, instead: bytes = b"") -> None:
        self.released, self.instead = True, instead

    @property
    def is_settled(self) -> bool:
        """Whether the client got its answer: refused, passed on, or let go when it waited."""
        return bool(self.refusal) or (bool(self.relayed) and self.released == self.waits)

    @property
    def json(self) -> Any:
        """The body that was sent on."""
        return json.loads(self.sent)


class FakeGateProcess:
    """A process that there is none of: these gates are asked within the test's own."""

    is_running = True

    def close(self) -> None:
        pass


class FakeGates(Gates):
    """The gates of a run; what its CLI asks through them is judged, then done to the engine.

    ``leads_to`` is where the commands of the run find the docker that is none.
    """

    def __init__(self, engine: str, leads_to: str) -> None:
        super().__init__(engine)
        self._leads_to = leads_to
        self.broken = ""
        """Why they are not as they were opened."""
        self.entries: Entries = list

    def start(self, subject: Subject, work: Path, env: Mapping[str, str]) -> Gate:
        del subject, work, env
        if self._closed:
            raise GateError("the run's gate is closed")
        return cast("Gate", None)

    def environ(self, subject: Subject, work: Path, env: Mapping[str, str]) -> dict[str, str]:
        self.start(subject, work, env)
        return {**env, "DOCKER_HOST": self._leads_to}

    def check(self) -> None:
        if self.broken:
            raise GateError(self.broken)

    def shown(self, text: str) -> str:
        return text.replace(self._leads_to, self._engine)

    @property
    def closed(self) -> bool:
        """Whether nobody reaches the engine through them any more."""
        return self._closed

    @property
    def judge(self) -> Judge | None:
        """Who was told to decide."""
        return self._judge

    def close(self) -> None:
        self._closed = True

    def ask(self, line: str, does: Callable[[Asked], Any], body: Any = None) -> Any:
        """Have a request judged and done; what the engine came to. Raises EngineError."""
        if self._closed:
            raise EngineError("the gate is closed")
        sent = b"" if body is None else json.dumps(body).encode()
        call = Asked(self.entries, request(line), sent, {})
        came: list[Any] = []

        def do() -> Any:
            try:
                came.append(does(call))
            except EngineError as error:
                came.append(error)
                return Answer(409, json.dumps({"message": str(error)}))
            return came[0]

        call.does = do
        self._decide(cast("Call", call))
        assert call.is_settled, f"nobody answered {line}"
        if call.refusal:
            raise EngineError(call.refusal)
        if isinstance(came[0], EngineError):
            raise came[0]
        return came[0]
