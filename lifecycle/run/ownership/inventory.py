"""What the engine holds, before and after: the measure of "nothing left, nobody touched"."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from lifecycle.command.references import is_image_id, is_whole_id
from lifecycle.engine.daemon import Daemon
from lifecycle.text.json_object import Json


@dataclass(frozen=True)
class Thing:
    """One thing of the engine: ``name`` is for people, ``state`` is what must not change.

    An image counts once a tag, with the tag as its ``id`` and the image's id as its ``state``:
    two people who build the same share an image, but each tag is somebody's own. Without a tag
    the image's id stands for it.
    """

    kind: str
    id: str
    name: str
    state: str = ""

    def __str__(self) -> str:
        return f"{self.kind} {self.name or self.id[:12]}"


MARK = "docker-lifecycle.run"
"""The label of a volume that a run made by a literal name: a word that no other volume has."""

Inventory = Mapping[tuple[str, str], Thing]


def take(daemon: Daemon) -> Inventory:
    """Everything on the engine; four requests."""
    things = [
        Thing("container", c["Id"], (c.get("Names") or ["/"])[0].lstrip("/"), c.get("State", ""))
        for c in daemon.containers()
    ]
    for image in daemon.images():
        tags = [t for t in image.get("RepoTags") or [] if t != "<none>:<none>"]
        things += [Thing("image", t, t, image["Id"]) for t in tags]
        things += [] if tags else [Thing("image", image["Id"], "", image["Id"])]
    things += [Thing("volume", v["Name"], v["Name"], identity_of(v)) for v in daemon.volumes()]
    things += [Thing("network", n["Id"], n["Name"]) for n in daemon.networks()]
    return {(t.kind, t.id): t for t in things}


def key_of(kind: str, name: str, identity: str) -> tuple[str, str]:
    """The key of a thing in an inventory: an image's tag, a volume's name, else the id."""
    by_name = kind == "volume" or (kind == "image" and not is_image_id(name))
    return kind, name if by_name else identity


def identity_of(inspect: Json) -> str:
    """What tells a thing from every other, one of the same name included.

    The engine gives volumes no id. There it is the mark that a run made it with; the name, where
    the engine chose it and nobody else can have it; else the name and when it was made, to the
    second, which old engines (20.10) change whenever something is written into its folder.
    """
    if "Mountpoint" not in inspect:
        return str(inspect.get("Id") or inspect.get("Name"))
    name = str(inspect["Name"])
    if is_whole_id(name):
        return name
    mark = (inspect.get("Labels") or {}).get(MARK) or inspect.get("CreatedAt")
    return " ".join(filter(None, (name, mark)))


def had_image(inventory: Inventory, identity: str) -> bool:
    """Whether an image of this id was there, under whatever tag."""
    return any(t.kind == "image" and t.state == identity for t in inventory.values())


def claimed(before: Inventory, after: Inventory, made: Collection[tuple[str, str]]) -> list[str]:
    """What was there before, was taken for our own, and has changed: a fault of ours."""
    changed = []
    for key, was in before.items():
        now = after.get(key)
        if key in made and (now is None or now.state != was.state):
            how = "is gone" if now is None else f"was {was.state!r}, is {now.state!r}"
            changed.append(f"{was} {how}")
    return changed


def left_behind(
    before: Inventory, after: Inventory, made: Mapping[tuple[str, str], str]
) -> list[str]:
    """What is there now, was not before, and was made by this run: by its id."""
    return [
        str(thing)
        for key, thing in after.items()
        if key not in before and key in made and made[key] in {thing.id, thing.state}
    ]
