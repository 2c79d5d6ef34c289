"""An engine in memory: it holds things, does what it is told to, and answers as Daemon does.

What it tells of a thing has been through the reader that Daemon's answers go through, so that a
fake thing is made of what a real one is. ``tests/engine/test_fake_daemon.py`` holds it against a
real engine.
"""

from __future__ import annotations

import copy
import itertools
import queue
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from lifecycle.engine import answers
from lifecycle.engine.answers import read
from lifecycle.engine.daemon import Daemon, EngineAway, EngineError, ExecOutcome
from lifecycle.engine.stream import ExecStream
from tests.fakes import documents
from tests.fakes.documents import whole

Json = dict[str, Any]
Inside = Callable[[str, Sequence[str], str], ExecOutcome]
"""What an exec of ours in a container comes to: of its id, the words, and as whom."""
NO_SHELL = ExecOutcome(
    127, 'OCI runtime exec failed: exec: "/bin/sh": stat /bin/sh: no such file or directory'
)
_NO_PROCESS = 1 << 22
"""Above all numbers that Linux gives to processes: what looks for one of these finds none."""


class Stream:
    """An event stream: what happened, then what happens, until it ends."""

    def __init__(self, told: Sequence[Json]) -> None:
        self._items: queue.Queue[Json | None] = queue.Queue()
        for event in told:
            self._items.put(event)

    def __iter__(self) -> Iterator[Json]:
        yield from iter(self._items.get, None)

    def tell(self, event: Json) -> None:
        self._items.put(event)

    def close(self) -> None:
        self._items.put(None)


class FakeDaemon(Daemon):
    """See the module. Whoever tests may change all that it holds; ``here`` says it answers."""

    def __init__(self, identity: str = "ENGINE", address: str = "unix:///run/docker.sock") -> None:
        super().__init__(address, {})
        self.info = {**documents.INFO, "ID": identity}
        self.version = {"Version": "28.0.0", "ApiVersion": "1.48", "Os": "linux", "Arch": "amd64"}
        self.here = True
        self.things: dict[str, dict[str, Json]] = {
            kind: {} for kind in ("container", "image", "volume", "network", "exec")
        }
        """By kind and id, which is a volume's name."""
        self.files: dict[str, dict[str, bytes | None]] = {}
        """By the id of a container or an image: what is at a path; of a folder None."""
        self.logs: dict[str, list[tuple[float, str]]] = {}
        self.histories: dict[str, tuple[str, ...]] = {}
        self.registry: dict[str, str] = {}
        """The digests that a registry has, by tag."""
        self.inside: Inside = lambda *_: NO_SHELL
        self.asked: list[tuple[str, ...]] = []
        """What was asked to be run inside: container, user and words."""
        self.refuses: dict[str, str] = {}
        """What the engine says when it is to remove these: ids, or names of images and volumes."""
        self.removed: list[str] = []
        self.alone: dict[str, bool] = {}
        self.told: list[Json] = []
        self._streams: list[Stream] = []
        self._number = itertools.count(1)
        for name in ("bridge", "host", "none"):
            self.make_network(name)
        self.told.clear()

    # -- what it does ---------------------------------------------------------------------

    def _new(self, kind: str) -> str:
        return f"{next(self._number):x}".rjust(64, {"container": "c", "image": "d"}.get(kind, "e"))

    def event(self, kind: str, action: str, identity: str, **attributes: str) -> None:
        """Tell whoever listens."""
        actor = {"ID": identity, "Attributes": attributes}
        at = time.time_ns()
        told = {"Type": kind, "Action": action, "Actor": actor, "time": at // 10**9, "timeNano": at}
        self.told.append(told)
        for stream in self._streams:
            stream.tell(told)

    def _of(self, identity: str, action: str, **attributes: str) -> None:
        seen = self.things["container"][identity]
        name, image = seen["Name"].lstrip("/"), seen["Config"].get("Image", "")
        self.event("container", action, identity, name=name, image=image, **attributes)

    def make_image(self, *tags: str, identity: str = "", **more: Any) -> str:
        """An image, or more tags of one; returns its id. No other has these tags any more."""
        identity = identity or f"sha256:{self._new('image')}"
        names = [whole(tag) for tag in tags]
        for seen in self.things["image"].values():
            seen["RepoTags"] = [t for t in seen["RepoTags"] if t not in names]
        image = self.things["image"].setdefault(identity, documents.image(identity, _now()))
        image["RepoTags"] += names
        _merge(image, more)
        for name in names:
            self.event("image", "tag", identity, name=name)
        return identity

    def create(self, image: str, name: str = "", *, identity: str = "", **body: Any) -> str:
        """``POST /containers/create``; returns its id. Raises EngineError."""
        base = self.image(image)
        if base is None:
            raise EngineError(f"No such image: {whole(image)}")
        identity = identity or self._new("container")
        name = name or f"hungry_{identity[-4:]}"
        if self.container(name):
            raise EngineError(f'Conflict. The container name "/{name}" is already in use')
        seen = documents.container(identity, name, base, {"Image": image, **body}, _now())
        self.things["container"][identity] = seen
        self.files[identity] = dict(self.files.get(str(base["Id"]), {}))
        for mount in seen["Mounts"]:
            if mount["Type"] == "volume" and not self.volume(mount["Name"]):
                self.make_volume(mount["Name"])
        self._of(identity, "create")
        return identity

    def start(self, container: str) -> None:
        """Start it; what runs already goes on."""
        seen = self._there("container", container)
        if seen["State"]["Running"]:
            return
        pid = _NO_PROCESS + next(self._number)
        up = {"Status": "running", "Running": True, "Pid": pid, "StartedAt": _now(), "ExitCode": 0}
        seen["State"].update(up)
        ports = documents.published(seen["HostConfig"].get("PortBindings") or {})
        seen["NetworkSettings"]["Ports"] = ports
        self._of(seen["Id"], "start")

    def end(self, container: str, code: int = 0, *, signal: int | None = None) -> None:
        """Its first process ends, of itself or of a signal; with ``--rm`` it is gone then."""
        seen = self._there("container", container)
        if signal is not None:
            self._of(seen["Id"], "kill", signal=str(signal))
        over = {"Status": "exited", "Running": False, "Paused": False, "Pid": 0, "ExitCode": code}
        seen["State"].update(over, FinishedAt=_now())
        seen["NetworkSettings"]["Ports"] = {}
        for one in self.things["exec"].values():
            if one["ContainerID"] == seen["Id"] and one["Running"]:
                one.update(Running=False, ExitCode=137)
        self._of(seen["Id"], "die", exitCode=str(code))
        if seen["HostConfig"]["AutoRemove"]:
            self._drop_container(seen)

    def pause(self, container: str, *, on: bool = True) -> None:
        """Pause it, or let it go on."""
        seen = self._there("container", container)
        seen["State"].update(Status="paused" if on else "running", Paused=on)
        self._of(seen["Id"], "pause" if on else "unpause")

    def rename(self, container: str, name: str) -> None:
        """Give it another name."""
        seen = self._there("container", container)
        old, seen["Name"] = seen["Name"], f"/{name}"
        self._of(seen["Id"], "rename", oldName=old)

    def say(self, container: str, text: str) -> None:
        """A line of its log."""
        identity = self._there("container", container)["Id"]
        self.logs.setdefault(identity, []).append((time.time(), text))

    def make_exec(
        self, container: str, words: Sequence[str], *, user: str = "", tty: bool = False
    ) -> str:
        """``POST /containers/NAME/exec``; returns its id. Raises EngineError."""
        seen = self._there("container", container)
        if not seen["State"]["Running"]:
            raise EngineError(f"container {seen['Id']} is not running")
        identity = self._new("exec")
        made = documents.process(seen["Id"], identity, list(words), user, tty)
        self.things["exec"][identity] = made
        self._of(seen["Id"], "exec_create: " + " ".join(words), execID=identity)
        return identity

    def start_exec(self, identity: str) -> None:
        """It runs from now on."""
        one = self.things["exec"][identity]
        one.update(Running=True, Pid=_NO_PROCESS + next(self._number))
        words = [one["ProcessConfig"]["entrypoint"], *one["ProcessConfig"]["arguments"]]
        self._of(one["ContainerID"], "exec_start: " + " ".join(words), execID=identity)

    def end_exec(self, identity: str, code: int = 0) -> None:
        """It has ended."""
        one = self.things["exec"][identity]
        one.update(Running=False, ExitCode=code)
        self._of(one["ContainerID"], "exec_die", execID=identity, exitCode=str(code))

    def make_volume(self, name: str, **more: Any) -> str:
        """A volume; returns its name."""
        self.things["volume"][name] = _merge(documents.volume(name, _now()), more)
        self.event("volume", "create", name)
        return name

    def make_network(self, name: str, *, identity: str = "", **more: Any) -> str:
        """A network; returns its id."""
        identity = identity or self._new("network")
        made = _merge(documents.network(identity, name, _now()), more)
        self.things["network"][identity] = made
        self.event("network", "create", identity, name=name)
        return identity

    def change(self, kind: str, name: str, **parts: Any) -> None:
        """Change what it tells of a thing; a part that is a mapping is merged."""
        _merge(self._there(kind, name), parts)

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

    def _find(self, kind: str, name: str) -> Json | None:
        known = self.things[kind]
        plain = name.removeprefix("/")
        if kind == "image":
            return self._image(name)
        if kind in {"exec", "volume"}:
            return known.get(name)
        by_name = (s for s in known.values() if s["Name"].lstrip("/") == plain)
        by_id = (s for i, s in known.items() if plain and i.startswith(plain))
        return next(itertools.chain((s for i, s in known.items() if i == name), by_name, by_id), None)

    def _image(self, name: str) -> Json | None:
        for seen in self.things["image"].values():
            if name == seen["Id"] or {whole(name), name} & {*seen["RepoTags"], *seen["RepoDigests"]}:
                return seen
        bare = name.removeprefix("sha256:")
        known = self.things["image"].items()
        return next((s for i, s in known if bare and i.startswith(f"sha256:{bare}")), None)

    def _there(self, kind: str, name: str) -> Json:
        seen = self._find(kind, name)
        if seen is None:
            raise EngineError(f"No such {kind}: {name}")
        return seen

    def _asked_of(self, kind: str, name: str, shape: Json) -> Json | None:
        self._must_be_here()
        seen = self._find(kind, name)
        return None if seen is None else read(copy.deepcopy(seen), shape, kind)

    def container(self, name: str) -> Json | None:
        return self._asked_of("container", name, answers.CONTAINER)

    def image(self, name: str) -> Json | None:
        return self._asked_of("image", name, answers.IMAGE)

    def volume(self, name: str) -> Json | None:
        return self._asked_of("volume", name, answers.VOLUME)

    def network(self, name: str) -> Json | None:
        return self._asked_of("network", name, answers.NETWORK)

    def exec(self, exec_id: str) -> Json | None:
        return self._asked_of("exec", exec_id, answers.EXEC)

    def containers(self) -> list[Json]:
        return self._all("container", answers.LISTED_CONTAINER, documents.listed)

    def images(self) -> list[Json]:
        return self._all("image", answers.LISTED_IMAGE)

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
        return self.histories.get(str(self._there("image", name)["Id"]), ())

    def log(self, container: str, *, lines: int, until: float | None) -> str:
        self._must_be_here()
        said = self.logs.get(self._there("container", container)["Id"], [])
        kept = [(at, text) for at, text in said if until is None or at < until]
        return "".join(f"{_at(at)} {text}\n" for at, text in kept[-lines:])

    # -- inside -----------------------------------------------------------------------------

    def _enter(self, container: str) -> str:
        self._must_be_here()
        objection = self.may_enter(container)
        if objection:
            raise EngineError(objection)
        return str(self._there("container", container)["Id"])

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

    def start_inside(self, container: str, argv: Sequence[str], *, user: str = "") -> str:
        made = self._own_exec(self._enter(container), argv, user)
        self.start_exec(made)
        return made

    def open_inside(self, container: str, argv: Sequence[str], *, user: str = "") -> ExecStream:
        self._own_exec(self._enter(container), argv, user)
        raise EngineError(NO_SHELL.output)

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
        return read({**told, "mtime": _now()}, answers.STAT, "archive")

    def read_file(self, container: str, path: str) -> bytes | None:
        found = self._file(container, path)
        return found if isinstance(found, bytes) else None

    def owner(self, container: str, path: str) -> tuple[int, int, int] | None:
        found = self._file(container, path)
        if found is _NOTHING:
            return None
        return 0, 0, 0o755 if found is None else 0o644

    def _file(self, container: str, path: str) -> object:
        return self.files[self._enter(container)].get(path, _NOTHING)

    # -- what happens, and goes ---------------------------------------------------------------

    def events(self, since: float) -> Any:
        self._must_be_here()
        stream = Stream([e for e in self.told if e["time"] >= int(since)])
        self._streams.append(stream)
        return stream

    def remove_container(self, container: str) -> None:
        seen = self._gone("container", container)
        if seen is not None:
            self._drop_container(seen)

    def _drop_container(self, seen: Json) -> None:
        if seen["State"]["Running"]:
            seen["State"].update(Running=False, Status="exited", ExitCode=137)
            self._of(seen["Id"], "kill", signal="9")
            self._of(seen["Id"], "die", exitCode="137")
        self._of(seen["Id"], "destroy")
        del self.things["container"][seen["Id"]]
        self.removed.append(seen["Name"].lstrip("/"))

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
        seen = self._find(kind, name)
        names = {name, str((seen or {}).get("Name", "")).lstrip("/"), str((seen or {}).get("Id"))}
        for refused in names & self.refuses.keys():
            raise EngineError(self.refuses[refused])
        return seen

    def close(self) -> None:
        for stream in self._streams:
            stream.close()


_NOTHING = object()


def _merge(into: Json, parts: Mapping[str, Any]) -> Json:
    for key, value in parts.items():
        merged = isinstance(value, dict) and isinstance(into.get(key), dict)
        into[key] = {**into[key], **value} if merged else value
    return into


def _now() -> str:
    return _at(time.time())


def _at(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S.%f") + "000Z"
