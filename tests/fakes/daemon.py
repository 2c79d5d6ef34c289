"""An engine in memory: it holds things, does what it is told to, and answers as Daemon does.

What it tells of a thing has been through the reader that Daemon's answers go through, so that a
fake thing is made of what a real one is. ``tests/engine/test_fake_daemon.py`` holds it against a
real engine.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from lifecycle.engine import answers
from lifecycle.engine.answers import read
from lifecycle.engine.daemon import Daemon, EngineAway, EngineError, ExecOutcome
from lifecycle.engine.events import Event
from lifecycle.engine.stream import ExecStream
from lifecycle.text.json_object import Json
from tests.fakes import documents
from tests.fakes.documents import whole
from tests.fakes.things import Stream, Things, now, stamp

Inside = Callable[[str, Sequence[str], str], ExecOutcome]
"""What an exec of ours in a container comes to: of its id, the words, and as whom."""
NO_SHELL = ExecOutcome(
    127, 'OCI runtime exec failed: exec: "/bin/sh": stat /bin/sh: no such file or directory'
)


class FakeShell(ExecStream):
    """A shell that stays: it is asked a script after the other, and prints what a look would."""

    def __init__(self, run: Callable[[str], ExecOutcome]) -> None:
        self._run = run
        self.asked: list[str] = []
        self.closed = self.ended = False
        self._printed = bytearray()

    def expect_within(self, limit: float) -> None:
        assert limit > 0

    def send(self, data: bytes) -> None:
        if self.closed or self.ended:
            raise BrokenPipeError(32, "Broken pipe")
        script, _, rest = data.decode().removeprefix("{\n").partition("\n} </dev/null")
        self.asked.append(script)
        mark = rest.partition("printf '")[2].partition("'")[0]
        text = (self._run(script).output + mark).encode()
        self._printed += b"\1\0\0\0" + len(text).to_bytes(4, "big") + text

    def read(self) -> bytes:
        """Piece by piece, as it may come."""
        piece = bytes(self._printed[:100])
        del self._printed[:100]
        return piece

    def close(self) -> None:
        self.closed = True


class FakeDaemon(Things, Daemon):
    """See the module. Whoever tests may change all that it holds; ``here`` says it answers."""

    def __init__(
        self,
        identity: str = "ENGINE",
        address: str = "unix:///run/docker.sock",
        *,
        networks: Sequence[str] = ("bridge", "host", "none"),
    ) -> None:
        Daemon.__init__(self, address, {})
        Things.__init__(self, networks)
        self.info = {**documents.INFO, "ID": identity}
        self.version = {"Version": "28.0.0", "ApiVersion": "1.48", "Os": "linux", "Arch": "amd64"}
        self.here = True
        self.histories: dict[str, tuple[str, ...]] = {}
        self.registry: dict[str, str] = {}
        """The digests that a registry has, by tag."""
        self.inside: Inside = lambda *_: NO_SHELL
        self.shells: list[FakeShell] | None = None
        """The shells that stay, with what they were asked; None where no shell can stay."""
        self.asked: list[tuple[str, ...]] = []
        """What was asked to be run inside: container, user and words."""
        self.questions: list[str] = []
        """The names of what it was asked for."""
        self.refuses: dict[str, str] = {}
        """What the engine says when it is to remove these: ids, or names of images and volumes."""
        self.alone: dict[str, bool] = {}

    def go(self) -> None:
        """The engine is away: it answers nobody, and its event streams break."""
        self.here = False
        for stream in self._streams:
            stream.close()
        self._streams.clear()

    # -- what it tells ----------------------------------------------------------------------

    def away(self) -> EngineError | None:
        return None if self.here else EngineAway("Connection refused")

    def _must_be_here(self) -> None:
        def ask() -> None:
            if not self.here:
                raise EngineAway("Connection refused")

        self.patience.ask(ask)

    def _asked_of(self, kind: str, name: str, shape: Json) -> Json | None:
        self._must_be_here()
        self.questions.append(name)
        if name.startswith("/"):
            raise EngineError(f"the engine answered with a redirection to {name}")
        seen = self.find(kind, name)
        return None if seen is None else read(copy.deepcopy(seen), shape, kind)

    def container(self, name: str) -> Json | None:
        return self._asked_of("container", name, answers.CONTAINER)

    def image(self, name: str) -> Json | None:
        return self._asked_of("image", name, answers.IMAGE)

    def tag_image(self, image: str, name: str) -> None:
        self._must_be_here()
        self.make_image(name, identity=str(self.there("image", image)["Id"]))

    def tags_given(self, since: float) -> list[Event]:
        self._must_be_here()
        events = [Event.read(one) for one in self.told]
        return [e for e in events if (e.kind, e.action) == ("image", "tag") and e.at >= since]

    def volume(self, name: str) -> Json | None:
        return self._asked_of("volume", name, answers.VOLUME)

    def network(self, name: str) -> Json | None:
        return self._asked_of("network", name, answers.NETWORK)

    def exec(self, exec_id: str) -> Json | None:
        return self._asked_of("exec", exec_id, answers.EXEC)

    def containers(self) -> list[Json]:
        return self._all("container", answers.LISTED_CONTAINER, documents.listed)

    def images(self) -> list[Json]:
        known = self.things["image"].values()
        parents = {seen.get("Parent") for seen in known}
        between = {s["Id"] for s in known if s["Id"] in parents and not s["RepoTags"]}
        listed = self._all("image", answers.LISTED_IMAGE)
        return [one for one in listed if one["Id"] not in between]

    def volumes(self) -> list[Json]:
        return self._all("volume", answers.VOLUME)

    def networks(self) -> list[Json]:
        return self._all("network", answers.LISTED_NETWORK)

    def _all(
        self, kind: str, shape: Json, form: Callable[[Json], Json] = lambda one: one
    ) -> list[Json]:
        self._must_be_here()
        return [read(form(copy.deepcopy(s)), shape, kind) for s in self.things[kind].values()]

    def registry_digest(self, name: str, auth: str | None = None) -> str:
        self._must_be_here()
        del auth
        return self.registry.get(name, "")

    def history(self, name: str) -> tuple[str, ...]:
        self._must_be_here()
        return self.histories.get(str(self.there("image", name)["Id"]), ())

    def log(self, container: str, *, lines: int, until: float | None) -> str:
        self._must_be_here()
        said = self.logs.get(self.there("container", container)["Id"], [])
        kept = [(at, text) for at, text in said if until is None or at < until]
        return "".join(f"{stamp(at)} {text}\n" for at, text in kept[-lines:])

    # -- inside -----------------------------------------------------------------------------

    def _enter(self, container: str) -> str:
        self._must_be_here()
        objection = self.objection_to_entering(container)
        if objection:
            raise EngineError(objection)
        return str(self.there("container", container)["Id"])

    def run_inside(
        self,
        container: str,
        argv: Sequence[str],
        *,
        user: str = "",
        env: Mapping[str, str] | None = None,
        workdir: str | None = None,
    ) -> ExecOutcome:
        del env, workdir
        identity = self._enter(container)
        self._own_exec(identity, argv, user)
        return self.inside(identity, argv, user)

    def _own_exec(self, identity: str, argv: Sequence[str], user: str) -> str:
        seen = self.things["container"][identity]
        if seen["State"]["Paused"]:
            raise EngineError(f"container {identity} is paused, unpause the container before exec")
        made = self.make_exec(identity, argv, user=user)
        self.own_execs.add(made)
        self.asked.append((identity, user, *argv))
        return made

    def is_own_exec(self, exec_id: str) -> bool:
        return exec_id in self.own_execs

    def start_inside(self, container: str, argv: Sequence[str], *, user: str = "") -> str:
        made = self._own_exec(self._enter(container), argv, user)
        self.start_exec(made)
        return made

    def open_inside(self, container: str, argv: Sequence[str], *, user: str = "") -> ExecStream:
        identity = self._enter(container)
        made = self._own_exec(identity, argv, user)
        if self.shells is None:
            raise EngineError(NO_SHELL.output)
        self.start_exec(made)
        shell = FakeShell(lambda script: self.inside(identity, ["/bin/sh", "-c", script], user))
        self.shells.append(shell)
        return shell

    def talk_inside(  # noqa: PLR0913 - as it is
        self,
        container: str,
        argv: Sequence[str],
        *,
        user: str,
        prompt: bytes,
        answer: bytes,
        enough: bytes,
        env: Mapping[str, str],
    ) -> ExecOutcome:
        del prompt, answer, enough, env
        return self.run_inside(container, argv, user=user)

    def stat(self, container: str, path: str) -> Json | None:
        found = self._file(container, path)
        if found is _NOTHING:
            return None
        mode = 1 << 31 | 0o755 if found is None else 0o644
        size = len(found) if isinstance(found, bytes) else 4096
        told = {"name": path.rpartition("/")[2], "size": size, "mode": mode, "linkTarget": ""}
        return read({**told, "mtime": now()}, answers.STAT, "archive")

    def read_file(self, container: str, path: str) -> bytes | None:
        found = self._file(container, path)
        return found if isinstance(found, bytes) else None

    def owner(self, container: str, path: str) -> tuple[int, int, int] | None:
        found = self._file(container, path)
        if found is _NOTHING:
            return None
        return 0, 0, 0o755 if found is None else 0o644

    def _file(self, container: str, path: str) -> object:
        files = self.files[self._enter(container)]
        is_folder = any(name.startswith(f"{path.rstrip('/')}/") for name in files)
        return files.get(path, None if is_folder else _NOTHING)

    def create_volume(
        self, name: str, *, driver: str, options: Mapping[str, str], labels: Mapping[str, str]
    ) -> None:
        self._must_be_here()
        made = {"Driver": driver or "local", "Options": dict(options), "Labels": dict(labels)}
        self.make_volume(name, **made)

    # -- what happens, and goes ---------------------------------------------------------------

    def events(self, since: float) -> Any:
        self._must_be_here()
        stream = Stream([e for e in self.told if e["time"] >= int(since)])
        self._streams.append(stream)
        return stream

    def remove_container(self, container: str) -> None:
        seen = self._gone("container", container)
        if seen is not None:
            self.drop_container(seen)

    def remove_image(self, name: str, *, alone: bool = False) -> None:
        self.alone[name] = alone
        seen = self._gone("image", name)
        if seen is None:
            return
        by_id = whole(name) not in seen["RepoTags"] and name not in seen["RepoDigests"]
        users = [c for c in self.things["container"].values() if c["Image"] == seen["Id"]]
        rest = [] if by_id else [t for t in seen["RepoTags"] if t != whole(name)]
        if not rest and any(c["State"]["Running"] for c in users):
            short = users[0]["Id"][:12]
            raise EngineError(
                f"conflict: unable to remove repository reference - container {short} is using it"
            )
        self.removed.append(name)
        if not by_id:
            self.event("image", "untag", seen["Id"], name=seen["Id"])
        seen["RepoTags"] = rest
        if not rest:
            del self.things["image"][seen["Id"]]
            self.event("image", "delete", seen["Id"], name=seen["Id"])

    def remove_volume(self, name: str) -> None:
        if self._gone("volume", name):
            del self.things["volume"][name]
            self.removed.append(name)
            self.event("volume", "destroy", name)

    def remove_network(self, name: str) -> None:
        seen = self._gone("network", name)
        if seen is not None:
            del self.things["network"][seen["Id"]]
            self.removed.append(seen["Name"])
            self.event("network", "destroy", seen["Id"], name=seen["Name"])

    def _gone(self, kind: str, name: str) -> Json | None:
        """What is to be removed now. Raises EngineError where the engine keeps it."""
        self._must_be_here()
        seen = self.find(kind, name)
        names = {name, str((seen or {}).get("Name", "")).lstrip("/"), str((seen or {}).get("Id"))}
        for refused in names & self.refuses.keys():
            raise EngineError(self.refuses[refused])
        return seen

    def close(self) -> None:
        for stream in self._streams:
            stream.close()


_NOTHING = object()
