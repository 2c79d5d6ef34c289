"""What an engine in memory holds, and what it does: each act tells whoever listens."""

from __future__ import annotations

import itertools
import queue
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from lifecycle.engine.daemon import EngineError
from lifecycle.text.json_object import Json
from tests.fakes import documents
from tests.fakes.documents import whole

_NO_IMAGE: Json = {"Id": "", "Config": {}}
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


class Things:
    """Things by kind and id. What is done to them raises EngineError as the engine would."""

    def __init__(self, networks: Sequence[str]) -> None:
        self.things: dict[str, dict[str, Json]] = {
            kind: {} for kind in ("container", "image", "volume", "network", "exec")
        }
        """By kind and id, which is a volume's name."""
        self.files: dict[str, dict[str, bytes | None]] = {}
        """By the id of a container or an image: what is at a path; of a folder None."""
        self.logs: dict[str, list[tuple[float, str]]] = {}
        self.told: list[Json] = []
        self.removed: list[str] = []
        self._streams: list[Stream] = []
        self._number = itertools.count(1)
        for name in networks:
            self.make_network(name)
        self.told.clear()

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
        seen = self.there("container", identity)
        name, image = seen["Name"].lstrip("/"), seen["Config"].get("Image", "")
        self.event("container", action, identity, name=name, image=image, **attributes)

    def make_image(self, *tags: str, identity: str = "", **more: Any) -> str:
        """An image, or more tags of one; returns its id. No other has these tags any more."""
        identity = identity or f"sha256:{self._new('image')}"
        names = [whole(tag) for tag in tags]
        for seen in self.things["image"].values():
            seen["RepoTags"] = [t for t in seen["RepoTags"] if t not in names]
        image = self.things["image"].setdefault(identity, documents.image(identity, now()))
        image["RepoTags"] += names
        merged(image, more)
        for name in names:
            self.event("image", "tag", identity, name=name)
        return identity

    def add(self, kind: str, name: str, identity: str = "", **more: Any) -> str:
        """A thing that is there, whatever it is made of and without a word; returns its id."""
        identity = name if kind == "volume" else identity or self._new(kind)
        at = now()
        made: dict[str, Callable[[], Json]] = {
            "container": lambda: documents.container(identity, name, _NO_IMAGE, {}, at),
            "image": lambda: {**documents.image(identity, at), "RepoTags": [name]},
            "volume": lambda: documents.volume(name, at),
            "network": lambda: documents.network(identity, name, at),
            "exec": lambda: documents.process("", identity, ["sh"], "", False),
        }
        self.things[kind][identity] = merged(made[kind](), more)
        if kind == "container":
            self.files.setdefault(identity, {})
        return identity

    def create(self, image: str, name: str = "", *, identity: str = "", **body: Any) -> str:
        """``POST /containers/create``; returns its id. Raises EngineError."""
        base = self.find("image", image)
        if base is None:
            raise EngineError(f"No such image: {whole(image)}")
        identity = identity or self._new("container")
        name = name or f"hungry_{identity[-4:]}"
        if self.find("container", name):
            raise EngineError(f'Conflict. The container name "/{name}" is already in use')
        seen = documents.container(identity, name, base, {"Image": image, **body}, now())
        self.things["container"][identity] = seen
        self.files[identity] = dict(self.files.get(str(base["Id"]), {}))
        for mount in seen["Mounts"]:
            if mount["Type"] == "volume" and not self.find("volume", mount["Name"]):
                self.make_volume(mount["Name"])
        self._of(identity, "create")
        return identity

    def start(self, container: str) -> None:
        """Start it; what runs already goes on."""
        seen = self.there("container", container)
        if seen["State"]["Running"]:
            return
        pid = _NO_PROCESS + next(self._number)
        up = {"Status": "running", "Running": True, "Pid": pid, "StartedAt": now(), "ExitCode": 0}
        seen["State"].update(up)
        ports = documents.published(seen["HostConfig"].get("PortBindings") or {})
        seen["NetworkSettings"]["Ports"] = ports
        self._of(seen["Id"], "start")

    def end(self, container: str, code: int = 0, *, signal: int | None = None) -> None:
        """Its first process ends, of itself or of a signal; with ``--rm`` it is gone then."""
        seen = self.there("container", container)
        if signal is not None:
            self._of(seen["Id"], "kill", signal=str(signal))
        over = {"Status": "exited", "Running": False, "Paused": False, "Pid": 0, "ExitCode": code}
        seen["State"].update(over, FinishedAt=now())
        seen["NetworkSettings"]["Ports"] = {}
        for one in self.things["exec"].values():
            if one["ContainerID"] == seen["Id"] and one["Running"]:
                one.update(Running=False, ExitCode=137)
        self._of(seen["Id"], "die", exitCode=str(code))
        if seen["HostConfig"]["AutoRemove"]:
            self.drop_container(seen)

    def pause(self, container: str, *, on: bool = True) -> None:
        """Pause it, or let it go on."""
        seen = self.there("container", container)
        seen["State"].update(Status="paused" if on else "running", Paused=on)
        self._of(seen["Id"], "pause" if on else "unpause")

    def rename(self, container: str, name: str) -> None:
        """Give it another name."""
        seen = self.there("container", container)
        old, seen["Name"] = seen["Name"], f"/{name}"
        self._of(seen["Id"], "rename", oldName=old)

    def say(self, container: str, text: str) -> None:
        """A line of its log."""
        identity = self.there("container", container)["Id"]
        self.logs.setdefault(identity, []).append((time.time(), text))

    def make_exec(
        self,
        container: str,
        words: Sequence[str],
        *,
        user: str = "",
        tty: bool = False,
        **more: Any,
    ) -> str:
        """``POST /containers/NAME/exec``; returns its id. Raises EngineError."""
        seen = self.there("container", container)
        if not seen["State"]["Running"]:
            raise EngineError(f"container {seen['Id']} is not running")
        identity = self._new("exec")
        made = documents.process(seen["Id"], identity, list(words), user, tty)
        self.things["exec"][identity] = merged(made, more)
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
        """A volume, unless one of this name is there; returns its name."""
        if name in self.things["volume"]:
            return name
        self.things["volume"][name] = merged(documents.volume(name, now()), more)
        self.event("volume", "create", name)
        return name

    def make_network(self, name: str, *, identity: str = "", **more: Any) -> str:
        """A network; returns its id."""
        identity = identity or self._new("network")
        made = merged(documents.network(identity, name, now()), more)
        self.things["network"][identity] = made
        self.event("network", "create", identity, name=name)
        return identity

    def change(self, kind: str, name: str, **parts: Any) -> None:
        """Change what it tells of a thing; a part that is a mapping is merged."""
        merged(self.there(kind, name), parts)

    def find(self, kind: str, name: str) -> Json | None:
        known = self.things[kind]
        plain = name.removeprefix("/")
        if kind == "image":
            return self._image(name)
        if kind in {"exec", "volume"}:
            return known.get(name)
        by_name = (s for s in known.values() if s["Name"].lstrip("/") == plain)
        by_id = (s for i, s in known.items() if plain and i.startswith(plain))
        return next(
            itertools.chain((s for i, s in known.items() if i == name), by_name, by_id), None
        )

    def _image(self, name: str) -> Json | None:
        for seen in self.things["image"].values():
            if name == seen["Id"] or {whole(name), name} & {
                *seen["RepoTags"],
                *seen["RepoDigests"],
            }:
                return seen
        bare = name.removeprefix("sha256:")
        known = self.things["image"].items()
        return next((s for i, s in known if bare and i.startswith(f"sha256:{bare}")), None)

    def there(self, kind: str, name: str) -> Json:
        seen = self.find(kind, name)
        if seen is None:
            raise EngineError(f"No such {kind}: {name}")
        return seen

    def drop_container(self, seen: Json) -> None:
        if seen["State"]["Running"]:
            seen["State"].update(Running=False, Status="exited", ExitCode=137)
            self._of(seen["Id"], "kill", signal="9")
            self._of(seen["Id"], "die", exitCode="137")
        self._of(seen["Id"], "destroy")
        del self.things["container"][seen["Id"]]
        self.removed.append(seen["Name"].lstrip("/"))


def merged(into: Json, parts: Mapping[str, Any]) -> Json:
    for key, value in parts.items():
        merged = isinstance(value, dict) and isinstance(into.get(key), dict)
        into[key] = {**into[key], **value} if merged else value
    return into


def now() -> str:
    return stamp(time.time())


def stamp(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S.%f") + "000Z"
