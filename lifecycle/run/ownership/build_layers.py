"""What a build left without a name, found by what the engine keeps of it.

The classic builder makes a container and an image of each instruction, and removes neither when
it fails or is cut short, nor the image of a stage. What the gate read of its stream is on the
ledger; what came after is known by the container that an image was made from, and its parent.
Of the first layer of all there is no such trace; it is known by the base and the instructions that
have led to it, and by when it was made.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable
from datetime import datetime

from lifecycle.engine.daemon import Daemon
from lifecycle.run.ownership.ledger import Begun, Entry
from lifecycle.text.json_object import Json

AT_ONCE = 3.0
"""Seconds after a layer of ours in which the build that made it made the next one.

Only a build of the very same instructions could come in between, to find that layer in its cache.
"""
WRITING = re.compile(r"[\s\"'\\=]+")
"""What a builder writes in one way or another between the words of an instruction."""


def unnamed(entries: Iterable[Entry]) -> list[Entry]:
    """What a build made, by the ledger: containers and images that go by their ids."""
    return [e for e in entries if e.kind in {"container", "image"} and e.name == e.id]


def left_over(
    daemon: Daemon,
    entries: Collection[Entry],
    builds: Collection[Begun] = (),
    until: float = 0.0,
) -> list[Entry]:
    """Images without a name that are ours, the oldest first, and then containers.

    Containers of ours became them, or our ``builds`` made them, where nobody lived to read which:
    the last ``until`` then (epoch seconds).
    """
    containers = {e.id[:12] for e in entries if e.kind == "container" and e.id}
    images = {_short(e.id) for e in unnamed(entries) if e.kind == "image"}
    if not (containers or images or builds):
        return []

    def is_known(image: Json) -> bool:
        return (
            _short(str(image["Id"])) in images
            or str(image.get("Container") or "")[:12] in containers
            or any(_made_by(daemon, image, build, until) for build in builds)
        )

    layers: dict[str, Entry] = {}
    for end in [str(i["Id"]) for i in daemon.images() if not tags_of(i)]:
        for identity in reversed(_ours(daemon, end, is_known)):
            layers.setdefault(identity, Entry("image", identity, identity))
    return [*layers.values(), *_containers(daemon, builds, until)]


def _containers(daemon: Daemon, builds: Collection[Begun], until: float) -> list[Entry]:
    """Stopped containers of the step at which a build of ours was cut short."""
    entries = []
    for one in daemon.containers() if builds else []:
        container = daemon.container(str(one["Id"]))
        if (
            container
            and not container["State"]["Running"]
            and _is_step_of(daemon, container, builds, until)
        ):
            entries.append(Entry("container", str(container["Id"]), str(container["Id"])))
    return entries


def _is_step_of(daemon: Daemon, container: Json, builds: Collection[Begun], until: float) -> bool:
    """Whether a container was made for a step of such a build: on its layers, with its command."""
    image = daemon.image(str(container.get("Image") or ""))
    command = (container.get("Config") or {}).get("Cmd") or []
    if image is None or not command:
        return False
    steps, tags = _history(daemon, image)
    steps.append(_bare(str(command[-1])))
    at = made_at(container)
    return any(_leads(build, tags, steps) for build in builds if build.at <= at <= until)


def _made_by(daemon: Daemon, image: Json, build: Begun, until: float) -> bool:
    """Whether an image is what a build comes to after some of its steps.

    Somebody else's build of the very same steps on the same base in the same moments can't be
    told apart: the engine removes no image that another, or a container, stands on.
    """
    if not build.at <= made_at(image) <= until:
        return False
    steps, tags = _history(daemon, image)
    return _leads(build, tags, steps)


def _leads(build: Begun, tags: Collection[str], steps: list[str]) -> bool:
    """Whether a stage of the build begins with these steps, on a base of one of these tags."""
    return any(
        base in tags and list(map(_bare, instructions[: len(steps)])) == steps
        for base, *instructions in build.stages
    )


def _history(daemon: Daemon, image: Json) -> tuple[list[str], list[str]]:
    """The steps from the nearest named image below up to this one, and that image's tags."""
    steps: list[str] = []
    at: Json | None = image
    while at and not tags_of(at):
        steps.insert(0, _bare(((at.get("ContainerConfig") or {}).get("Cmd") or [""])[-1]))
        at = daemon.image(str(at["Parent"])) if at.get("Parent") else None
    return steps, tags_of(at) if at else []


def _bare(step: str) -> str:
    """An instruction without what the builder writes in a way of its own."""
    return WRITING.sub("", step)


def above_others(
    daemon: Daemon, name: str, is_theirs: Callable[[Json], bool]
) -> list[Entry] | None:
    """The image's own layers above the first layer of others, the oldest first.

    Docker removes with an image all that it stands on and nobody has named: a layer of a build of
    somebody's that failed, as well. None where there is none such.
    """
    own: list[Entry] = []
    identity = (daemon.image(name) or {}).get("Parent")
    while identity and (image := daemon.image(str(identity))) and not tags_of(image):
        if is_theirs(image):
            return own[::-1]
        own.append(Entry("image", str(image["Id"]), str(image["Id"])))
        identity = image.get("Parent")
    return None


def tags_of(image: Json) -> list[str]:
    """An image's tags; an old engine writes ``<none>:<none>`` for none."""
    return [t for t in image.get("RepoTags") or [] if t != "<none>:<none>"]


def _ours(daemon: Daemon, end: str, is_known: Callable[[Json], bool]) -> list[str]:
    """An image and those that it stands on, as far as they are ours.

    It is known to be, or it was made at once on such a one: by the same build, whose next line
    we did not live to read.
    """
    chain: list[str] = []
    ours, identity, later = 0, end, None
    while identity and (image := daemon.image(identity)) and not tags_of(image):
        made = made_at(image)
        if not ours and later is not None and not 0 <= later - made <= AT_ONCE:
            break
        chain.append(str(image["Id"]))
        if is_known(image):
            ours = len(chain)
        elif ours:
            break
        identity, later = str(image.get("Parent") or ""), made
    return chain[:ours]


def _short(identity: str) -> str:
    return identity.removeprefix("sha256:")[:12]


def made_at(image: Json) -> float:
    """When an image was made, in epoch seconds; the engine writes nanoseconds."""
    whole, _, rest = str(image.get("Created") or "").rstrip("Z").partition(".")
    try:
        return datetime.fromisoformat(f"{whole}+00:00").timestamp() + float(f"0.{rest or 0}")
    except ValueError:
        return 0.0
