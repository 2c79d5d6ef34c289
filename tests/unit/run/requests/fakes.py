"""An engine that holds things, requests as the gate brings them, and a run that is asked."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

from lifecycle.gate.gate import Answer, Call
from lifecycle.run.ownership.inventory import identity_of, take
from lifecycle.run.ownership.ledger import Entry, Ledger
from lifecycle.run.ownership.ownership import Ownership
from lifecycle.run.requests.judge_request import Judge
from tests.fakes.daemon import FakeDaemon
from tests.fakes.gate import Asked, request

Does = Callable[[], Any]
RUN = "r1f2e3d4c"
SOCKET = "/run/docker.sock"


def full(digit: str) -> str:
    """A full id of one digit."""
    return digit * 64


OURS, THEIRS = full("a"), full("b")


def image_id(digit: str) -> str:
    return f"sha256:{full(digit)}"


class Docker(FakeDaemon):
    """The engine in memory, whose ids are of one digit each."""

    def __init__(self) -> None:
        super().__init__(address=f"unix://{SOCKET}", networks=())

    def add(self, kind: str, name: str, identity: str = "", **more: Any) -> str:
        """A container, network, volume or exec of this digit; returns its id."""
        return super().add(kind, name, full(identity), **more)

    def tag(self, digit: str, *tags: str, **more: Any) -> str:
        """An image of these tags, which no other has any more; returns its id."""
        return self.make_image(*tags, identity=image_id(digit), **more)

    def remove(self, kind: str, identity: str) -> None:
        """It is gone."""
        del self.things[kind][identity]


class Run:
    """A run whose judge is asked; what the engine has at the first question was there before."""

    def __init__(self, folder: Path) -> None:
        self.engine = Docker()
        self.allowed: tuple[str, ...] = ()
        self.own: tuple[str, ...] = (SOCKET,)
        self.as_written = self.remove_pulled = False
        self._folder = folder
        self._ownership: Ownership | None = None

    @property
    def ownership(self) -> Ownership:
        if self._ownership is None:
            ledger = Ledger(self._folder / "ledgers", RUN, "ENGINE", self.engine.address)
            self._ownership = Ownership(
                self.engine,
                ledger,
                take(self.engine),
                allowed=self.allowed,
                remove_pulled=self.remove_pulled,
            )
        return self._ownership

    def call(self, line: str, body: Any = b"", **headers: str) -> Asked:
        """A request by its first line, ``POST /containers/create?name=x``."""
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        return Asked(self.entries_now, request(line, headers), raw, {})

    def ask(self, line: str, body: Any = b"", does: Does | None = None, **more: Any) -> Asked:
        """Have a request judged; ``does`` is what the engine does and answers when it gets it."""
        call = self.call(line, body, **more.get("headers", {}))
        call.heard = more.get("heard", [])
        call.archive = more.get("archive", {})
        call.does = does or call.does
        call.pieces = more.get("pieces", call.pieces)
        self.judge(call)
        assert call.is_settled or call.unreadable, f"nobody answered {line}"
        return call

    def judge(self, call: Asked) -> None:
        judge = Judge(self.ownership, self.engine, own=self.own, as_written=self.as_written)
        judge(cast("Call", call))

    def make(self, kind: Any, name: str, digit: str = "", **more: Any) -> str:
        """A thing that this run made."""
        before = self.ownership  # so that it was not there before
        key = self.engine.add(kind, name, digit, **more)
        before.made(kind, name, identity_of(self.engine.things[kind][key]))
        return key

    def make_image(self, digit: str, *tags: str, **more: Any) -> str:
        before = self.ownership
        identity = self.engine.tag(digit, *tags, **more)
        for tag in tags or (identity,):
            before.made("image", tag, identity)
        return identity

    def entries_now(self) -> list[Entry]:
        """What stands on the ledger now."""
        return self.ownership.entries()

    @property
    def entries(self) -> set[tuple[str, str, str]]:
        return {(e.kind, e.name, e.id) for e in self.ownership.entries()}

    @property
    def tags(self) -> set[tuple[str, str]]:
        """The images on the ledger: name and id."""
        return {(name, identity) for kind, name, identity in self.entries if kind == "image"}

    @property
    def refusals(self) -> list[str]:
        return [r.sentence for r in self.ownership.settle()[0]]


def created(run: Run, kind: str, name: str, digit: str, **more: Any) -> Does:
    """What the engine does when it makes a container or a network."""

    def do() -> Answer:
        identity = run.engine.add(kind, name, digit, **more)
        return Answer(201, json.dumps({"Id": identity}))

    return do


def is_refused(call: Asked, kind: str, name: str = "theirs") -> bool:
    told = f"{kind} {name}"
    lifts = f"--allow-foreign {name} lifts this"
    return call.status == 403 and told in call.refusal and lifts in call.refusal
