"""Rules that find the things a word names, in which role, and where in the word."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Literal

from lifecycle.command.flag_row import Named, NameRule, no_names
from lifecycle.command.line import Ref, RefKind, Role
from lifecycle.command.references import familiar, is_image_id
from lifecycle.command.values.basic import ImpossibleError, filled, thing_name
from lifecycle.command.values.mounts import is_path, source_at
from lifecycle.command.values.mounts import mount as read_mount
from lifecycle.command.values.networks import is_user_network, network_at

_FILTERED: dict[str, RefKind] = {"ancestor": "image", "volume": "volume", "network": "network"}
IMAGE_SIGNS = re.compile("[/:@]")


def image(role: Role) -> NameRule:
    """A whole word that names an image."""

    def find(text: str) -> Iterator[Named]:
        yield Ref("image", familiar(text)), role, 0, len(text)

    return find


def new_image(text: str) -> Iterator[Named]:
    """A whole word that names an image to be made: a name, no id or digest."""
    if is_image_id(text) or "@" in text:
        raise ImpossibleError(f"{text} can't be the name of a new image", "write NAME[:TAG]")
    yield Ref("image", familiar(text)), "creates", 0, len(text)


def pushed_image(text: str) -> Iterator[Named]:
    """A name to push; a registry gives digests, it doesn't take them."""
    if is_image_id(text) or "@" in text:
        raise ImpossibleError(f"{text} can't be pushed", "write NAME[:TAG]")
    yield Ref("image", familiar(text)), "uses", 0, len(text)


def image_pattern(text: str) -> Iterator[Named]:
    """A word that lists images; it may be a pattern, which names nothing."""
    try:
        name = familiar(text)
    except ImpossibleError:
        return
    yield Ref("image", name), "uses", 0, len(text)


def thing(kind: Literal["container", "volume", "network"], role: Role) -> NameRule:
    """A whole word that names a container, a volume or a network."""

    def find(text: str) -> Iterator[Named]:
        name = filled(text.removeprefix("/") if kind == "container" else text)
        if kind != "network" or is_user_network(name):
            yield Ref(kind, name), role, len(text) - len(name), len(text)

    return find


def new_container(text: str) -> Iterator[Named]:
    """The name of a container to be made; docker drops a leading slash."""
    name = thing_name(text.removeprefix("/"))
    yield Ref("container", name), "creates", len(text) - len(name), len(text)


def new_volume(text: str) -> Iterator[Named]:
    """The name of a volume to be made."""
    yield Ref("volume", thing_name(text)), "creates", 0, len(text)


def old_container_name(text: str) -> Iterator[Named]:
    """The name that a rename takes away."""
    yield Ref("container", filled(text)), "destroys", 0, len(text)


def network_value(text: str) -> Iterator[Named]:
    """``--network NAME``, ``name=NAME,...`` or ``container:NAME``."""
    name, at = network_at(text)
    if is_user_network(name):
        yield from _whole("network", name, at, text)
    else:
        yield from other_container(text)


def other_container(text: str) -> Iterator[Named]:
    """``container:NAME``, of the flags that join another container's namespace."""
    if text.startswith("container:"):
        start = len("container:")
        yield Ref("container", text[start:]), "uses", start, len(text)


def before_colon(text: str) -> Iterator[Named]:
    """``CONTAINER[:...]``, of --link and --volumes-from."""
    name = text.partition(":")[0]
    if name:
        yield Ref("container", name), "uses", 0, len(name)


def volume_value(text: str) -> Iterator[Named]:
    """``-v NAME:/PATH`` makes the volume when it isn't there."""
    source, colon, _ = text.partition(":")
    if colon and not is_path(source):
        yield Ref("volume", source), "creates", 0, len(source)


def mount_value(text: str) -> Iterator[Named]:
    """The volume or the image of a ``--mount``."""
    asked = read_mount(text).mount
    source, at = asked.source, source_at(text)
    if asked.type == "volume" and source:
        yield Ref("volume", source), "creates", at, at + len(source)
    elif asked.type == "image" and source:
        yield Ref("image", familiar(source)), "uses", at, at + len(source)


def filter_value(text: str) -> Iterator[Named]:
    """``ancestor=IMAGE``, ``volume=NAME`` and ``network=NAME`` of ``docker ps --filter``."""
    key, equals, value = text.partition("=")
    kind = _FILTERED.get(key)
    if equals and value and kind:
        name = familiar(value) if kind == "image" else value
        yield Ref(kind, name), "uses", len(key) + 1, len(text)


def anything(text: str) -> Iterator[Named]:
    """A word that may name a thing of any kind: an image when it looks like one."""
    filled(text)
    rule = image("uses") if IMAGE_SIGNS.search(text) else thing("container", "uses")
    yield from rule(text)


def of_type(kind: str) -> NameRule:
    """The rule for ``docker inspect --type KIND``; we name nothing of a swarm."""
    rules = {
        "image": image("uses"),
        "container": thing("container", "uses"),
        "volume": thing("volume", "uses"),
        "network": thing("network", "uses"),
    }
    return rules.get(kind, no_names)


def copied(text: str) -> Iterator[Named]:
    """``CONTAINER:PATH`` of docker cp; a path of the host names nothing."""
    name = container_of(text)
    if name:
        yield Ref("container", name), "uses", 0, len(name)


def container_of(text: str) -> str:
    """The container of one side of docker cp; empty for the host's side."""
    name, colon, _ = text.partition(":")
    return name if colon and not name.startswith((".", "/")) else ""


def _whole(kind: RefKind, name: str, at: int, text: str) -> Iterator[Named]:
    """A name of a CSV value, where it stands as it is read."""
    if text[at : at + len(name)] == name:
        yield Ref(kind, name), "uses", at, at + len(name)
