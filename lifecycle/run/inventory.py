"""What the engine holds, before and after: the measure of "nothing left, nobody touched"."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from lifecycle.engine.daemon import Daemon


@dataclass(frozen=True)
class Thing:
    """One thing of the engine: names are for people, ``state`` is what must not change."""

    kind: str
    id: str
    name: str
    state: str = ""

    def __str__(self) -> str:
        return f"{self.kind} {self.name or self.id[:12]}"


Inventory = Mapping[tuple[str, str], Thing]


def take(daemon: Daemon) -> Inventory:
    """Everything on the engine; four requests."""
    things = [
        Thing("container", c["Id"], (c.get("Names") or ["/"])[0].lstrip("/"), c.get("State", ""))
        for c in daemon.containers()
    ]
    things += [
        Thing("image", i["Id"], ", ".join(sorted(tags)), " ".join(sorted(tags)))
        for i in daemon.images()
        for tags in [[t for t in i.get("RepoTags") or [] if t != "<none>:<none>"]]
    ]
    things += [Thing("volume", v["Name"], v["Name"]) for v in daemon.volumes()]
    things += [Thing("network", n["Id"], n["Name"]) for n in daemon.networks()]
    return {(t.kind, t.id): t for t in things}


def foreign_touched(before: Inventory, after: Inventory, targets: Collection[str]) -> list[str]:
    """What was there before, was a target of a command or removal of ours, and has changed.

    ``targets`` are the full ids that our lines and our clean-up resolved to. On a shared engine
    other people change their own things meanwhile: that is not ours to report.
    """
    changed = []
    for key, was in before.items():
        now = after.get(key)
        if key[1] in targets and (now is None or now.state != was.state):
            how = "is gone" if now is None else f"was {was.state!r}, is {now.state!r}"
            changed.append(f"{was} {how}")
    return changed


def left_behind(before: Inventory, after: Inventory, run: str, ids: Collection[str]) -> list[str]:
    """What is there now, was not before, and is ours by its unguessable name or by its id."""
    return [
        str(thing)
        for key, thing in after.items()
        if key not in before and (run in thing.name or thing.id in ids)
    ]
