"""An engine that holds things, requests as the gate brings them, and a run that is asked."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, cast

import h11

from lifecycle.engine.daemon import Daemon
from lifecycle.gate.gate import Answer, Call, Heard
from lifecycle.gate.request import read
from lifecycle.run.ownership.inventory import take
from lifecycle.run.ownership.ledger import Ledger
from lifecycle.run.ownership.ownership import Ownership
from lifecycle.run.requests.judge_request import Judge

Json = dict[str, Any]
Does = Callable[[], Any]
RUN = "r1f2e3d4c"
SOCKET = "/run/docker.sock"


def full(digit: str) -> str:
    """A full id of one digit."""
    return digit * 64


OURS, THEIRS = full("a"), full("b")


def image_id(digit: str) -> str:
    return f"sha256:{full(digit)}"


def stream(*said: Json, whole: bool = True, status: str = "200 OK") -> bytes:
    """An answer of these messages, as an engine sends it."""
    lines = [json.dumps(one).encode() + b"\r\n" for one in said]
    chunks = b"".join(b"%x\r\n%b\r\n" % (len(line), line) for line in lines)
    head = f"HTTP/1.1 {status}\r\nTransfer-Encoding: chunked\r\n\r\n".encode()
    return head + chunks + (b"0\r\n\r\n" if whole else b"")


class Docker:
    """What an engine has, by id; it answers as :class:`Daemon` does."""

    def __init__(self) -> None:
        self.address = f"unix://{SOCKET}"
        self.info: Json = {"ID": "ENGINE"}
        self.shares_machine = False
        self.kinds: dict[str, dict[str, Json]] = {
            kind: {} for kind in ("container", "image", "volume", "network", "exec")
        }
        self.registry: dict[str, str] = {}
        self.asked: list[str] = []

    def add(self, kind: str, name: str, digit: str = "", **more: Any) -> str:
        """A container, network or volume; returns its id."""
        known = {"volume": {"Name": name}}.get(kind, {"Id": full(digit), "Name": name})
        identity = name if kind == "volume" else full(digit)
        self.kinds[kind][identity] = {**known, **more}
        return identity

    def tag(self, digit: str, *tags: str, **more: Any) -> str:
        """An image of these tags, which no other has any more; returns its id."""
        for seen in self.kinds["image"].values():
            seen["RepoTags"] = [t for t in seen["RepoTags"] if t not in tags]
        seen = self.kinds["image"].setdefault(
            image_id(digit), {"Id": image_id(digit), "RepoTags": [], "RepoDigests": []}
        )
        seen["RepoTags"] += tags
        seen.update(more)
        return str(seen["Id"])

    def remove(self, kind: str, identity: str) -> None:
        del self.kinds[kind][identity]

    def image(self, name: str) -> Json | None:
        for seen in self.kinds["image"].values():
            names = {*seen["RepoTags"], *seen["RepoDigests"], seen["Id"], f"{name}:latest"}
            if name in names or f"{name}:latest" in seen["RepoTags"]:
                return seen
        bare = name.removeprefix("sha256:")
        known = self.kinds["image"].values()
        ids = (s for s in known if bare and s["Id"].startswith(f"sha256:{bare}"))
        return next(ids, None)

    def _ask(self, kind: str, name: str) -> Json | None:
        self.asked.append(name)
        found = self.kinds[kind]
        by_name = (s for s in found.values() if s.get("Name", "").lstrip("/") == name.lstrip("/"))
        by_id = (s for i, s in found.items() if kind != "volume" and name and i.startswith(name))
        return next(itertools.chain(by_name, by_id), None)

    def container(self, name: str) -> Json | None:
        return self._ask("container", name)

    def network(self, name: str) -> Json | None:
        return self._ask("network", name)

    def volume(self, name: str) -> Json | None:
        return self._ask("volume", name)

    def exec(self, name: str) -> Json | None:
        return self._ask("exec", name)

    def containers(self) -> list[Json]:
        return [{**c, "Names": [c["Name"]]} for c in self.kinds["container"].values()]

    def remove_container(self, container: str) -> None:
        self.remove("container", container)

    def images(self) -> list[Json]:
        return list(self.kinds["image"].values())

    def networks(self) -> list[Json]:
        return list(self.kinds["network"].values())

    def volumes(self) -> list[Json]:
        return list(self.kinds["volume"].values())

    def history(self, name: str) -> tuple[str, ...]:
        return tuple((self.image(name) or {}).get("History", ()))

    def registry_digest(self, name: str, _auth: str | None = None) -> str:
        return self.registry.get(name, "")


class Asked:
    """One request: what was decided, and the ledger at the moment when it was relayed."""

    def __init__(self, run: Run, request: Any, body: bytes, archive: Mapping[str, Any]) -> None:
        self._run = run
        self.unreadable = ""
        self.request, self.body, self.archive = request, body, archive
        self.does: Does = lambda: Answer(204, "")
        self.heard: list[Heard | Does] = []
        self.replies: list[str] = []
        self.pieces = 1 << 16
        self.refusal = ""
        self.status = 0
        self.relayed = ""
        self.sent: bytes = b""
        self.intended: set[tuple[str, str]] = set()
        self.released = self.held = False
        self.instead = b""

    def refuse(self, message: str, status: int = 403) -> None:
        assert self.heard or not self.relayed, "a request that was relayed can't be refused"
        self.refusal, self.status = message, status
        self.replies.append(message)

    def relay(self, target: str = "", body: bytes | None = None) -> None:
        self._let(target, body)

    def relay_and_wait(self, target: str = "", body: bytes | None = None) -> Answer:
        done = self._let(target, body)
        return done if isinstance(done, Answer) else Answer(204, "")

    def relay_and_follow(
        self, target: str = "", body: bytes | None = None, *, hold: bool = False
    ) -> Iterator[bytes]:
        self.held = hold
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
        self.intended |= {(e.kind, e.name) for e in self._run.ownership.entries()}

    def _let(self, target: str, body: bytes | None) -> Any:
        assert not self.relayed, "a request is relayed once"
        assert not self.refusal, "what was refused is not relayed"
        self.relayed = target or self.request.target
        self.sent = self.body if body is None else body
        self.intended = {(e.kind, e.name) for e in self._run.ownership.entries()}
        return self.does()

    def release(self, instead: bytes = b"") -> None:
        self.released, self.instead = True, instead

    @property
    def json(self) -> Any:
        """The body that was sent on."""
        return json.loads(self.sent)


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
            daemon = cast("Daemon", self.engine)
            ledger = Ledger(self._folder / "ledgers", RUN, "ENGINE", self.engine.address)
            self._ownership = Ownership(
                daemon,
                ledger,
                take(daemon),
                allowed=self.allowed,
                remove_pulled=self.remove_pulled,
            )
        return self._ownership

    def call(self, line: str, body: Any = b"", **headers: str) -> Asked:
        """A request by its first line, ``POST /containers/create?name=x``."""
        method, _, target = line.partition(" ")
        sent = [("Host", "docker"), *((k.replace("_", "-"), v) for k, v in headers.items())]
        request = read(h11.Request(method=method, target=f"/v1.41{target}", headers=sent))
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        return Asked(self, request, raw, {})

    def ask(self, line: str, body: Any = b"", does: Does | None = None, **more: Any) -> Asked:
        """Have a request judged; ``does`` is what the engine does and answers when it gets it."""
        call = self.call(line, body, **more.get("headers", {}))
        call.heard = more.get("heard", [])
        call.archive = more.get("archive", {})
        call.does = does or call.does
        call.pieces = more.get("pieces", call.pieces)
        self.judge(call)
        return call

    def judge(self, call: Asked) -> None:
        daemon = cast("Daemon", self.engine)
        judge = Judge(self.ownership, daemon, own=self.own, as_written=self.as_written)
        judge(cast("Call", call))

    def make(self, kind: Any, name: str, digit: str = "", **more: Any) -> str:
        """A thing that this run made."""
        before = self.ownership  # so that it was not there before
        identity = self.engine.add(kind, name, digit, **more)
        before.made(kind, name, identity)
        return identity

    def make_image(self, digit: str, *tags: str, **more: Any) -> str:
        before = self.ownership
        identity = self.engine.tag(digit, *tags, **more)
        for tag in tags or (identity,):
            before.made("image", tag, identity)
        return identity

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
