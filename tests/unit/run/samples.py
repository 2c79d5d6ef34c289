"""An engine in memory, and what a run needs around it."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

from lifecycle.engine.daemon import Daemon, EngineError

Json = dict[str, Any]


class Engine:
    """Holds things by name and answers as the engine does; ``refuses`` are names it keeps."""

    def __init__(self, identity: str = "ENGINE", address: str = "unix:///run/docker.sock") -> None:
        self.info: Json = {"ID": identity}
        self.address = address
        self.things: dict[str, dict[str, Json]] = {
            kind: {} for kind in ("container", "image", "volume", "network")
        }
        self.refuses: set[str] = set()
        self.removed: list[str] = []
        self.alone: dict[str, bool] = {}

    def add(self, kind: str, name: str, identity: str = "", **more: Any) -> str:
        """Make a thing; returns its id, which is a volume's name."""
        identity = identity or f"{len(self.things[kind]) + 1:x}".rjust(64, kind[0])
        identity = name if kind == "volume" else identity
        key = {"Name": name} if kind == "volume" else {"Id": identity, "Name": name}
        self.things[kind][name] = {**key, **more}
        return identity

    def _find(self, kind: str, name: str) -> str | None:
        things = self.things[kind]
        if name in things:
            return name
        known = ((n, str(t.get("Id", ""))) for n, t in things.items())
        return next((n for n, i in known if len(name) > 3 and i.startswith(name)), None)

    def _ask(self, kind: str, name: str) -> Json | None:
        found = self._find(kind, name)
        return self.things[kind][found] if found else None

    def _remove(self, kind: str, name: str) -> None:
        found = self._find(kind, name)
        if found in self.refuses:
            raise EngineError(f"conflict: unable to remove {name}")
        if found:
            del self.things[kind][found]
            self.removed.append(found)

    def container(self, name: str) -> Json | None:
        return self._ask("container", name)

    def image(self, name: str) -> Json | None:
        return self._ask("image", name)

    def volume(self, name: str) -> Json | None:
        return self._ask("volume", name)

    def network(self, name: str) -> Json | None:
        return self._ask("network", name)

    def containers(self) -> list[Json]:
        return [
            {**t, "Names": [f"/{n}"], "State": t.get("State", "running")}
            for n, t in self.things["container"].items()
        ]

    def images(self) -> list[Json]:
        return [
            {"Id": t["Id"], "RepoTags": t.get("RepoTags", [n])}
            for n, t in self.things["image"].items()
        ]

    def volumes(self) -> list[Json]:
        return list(self.things["volume"].values())

    def networks(self) -> list[Json]:
        return list(self.things["network"].values())

    def remove_container(self, name: str) -> None:
        self._remove("container", name)

    def remove_image(self, name: str, *, alone: bool = False) -> None:
        self.alone[name] = alone
        self._remove("image", name)

    def remove_volume(self, name: str) -> None:
        self._remove("volume", name)

    def remove_network(self, name: str) -> None:
        self._remove("network", name)

    @property
    def daemon(self) -> Daemon:
        """The engine, as the code that asks it sees it."""
        return cast("Daemon", self)


def lines(path: Path) -> list[str]:
    """The lines of a file, as they are on the disk now."""
    return path.read_text("utf-8").splitlines()
