"""Mounts: ``-v``, ``--volume``, ``--mount``, ``--tmpfs`` and ``--volumes-from``."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from lifecycle.command.values.basic import ImpossibleError, boolean, is_thing_name, size
from lifecycle.command.values.csv_fields import Field, fields
from lifecycle.command.values.promised import Promised
from lifecycle.command.values.structured import Structured


@dataclass(frozen=True)
class Mount(Structured):
    """What is mounted where.

    ``source`` is a folder of the host or the name of a volume, empty where it has none.
    """

    source: str
    target: str
    type: str
    readonly: bool


Option = tuple[str, str | int | bool]
"""A further option of a mount, and its value: a size in bytes, True for a lone word."""


@dataclass(frozen=True)
class MountOption(Structured):
    """One option of the mount at ``target``, with the values of an ``Option``."""

    target: str
    option: str
    value: str | int | bool


@dataclass(frozen=True)
class MountAccess(Structured):
    """Whether the mount at ``target`` takes no writes."""

    target: str
    readonly: bool


@dataclass(frozen=True)
class BindEnds(Structured):
    """The two ends of a bind that takes writes: a folder of the host, and where it is inside."""

    source: str
    target: str


@dataclass(frozen=True)
class AskedMount:
    """What a flag says of one mount."""

    mount: Mount
    options: tuple[MountOption, ...]


@dataclass(frozen=True)
class VolumesFrom(Structured):
    """The container whose mounts are mounted too, and whether they take no writes then."""

    container: str
    readonly: bool


_PROPAGATION = {"shared", "rshared", "slave", "rslave", "private", "rprivate"}
_MODES = _PROPAGATION | {"ro", "rw", "z", "Z", "nocopy", "consistent", "cached", "delegated"}
_BIND = {"bind-create-src", "bind-nonrecursive", "bind-propagation", "bind-recursive"}
_VOLUME = {"volume-driver", "volume-label", "volume-nocopy", "volume-opt", "volume-subpath"}
_KEYS = (
    {"type", "source", "src", "target", "dst", "destination", "readonly", "ro", "consistency"}
    | {"image-subpath", "tmpfs-mode", "tmpfs-size"}
    | _BIND
    | _VOLUME
)
_LONE = frozenset({"readonly", "ro", "volume-nocopy", "bind-nonrecursive", "bind-create-src"})
_SWITCHES = _LONE - {"bind-create-src"}
_OTHER_TYPES = frozenset({"npipe", "cluster", "image"})
_MOST_PARTS = 3
_OPTIONS = {
    "bind-propagation": "propagation",
    "bind-recursive": "recursive",
    "bind-create-src": "create-src",
    "volume-driver": "driver",
    "volume-label": "label",
    "volume-nocopy": "nocopy",
    "volume-opt": "opt",
    "volume-subpath": "subpath",
}
"""Keys of ``--mount`` that say how, and what each is called here."""
_SHOWN_INSIDE = {"propagation", "subpath", "size", "mode", "uid", "gid", "nr_inodes"}
_FLAGS = {"noexec", "nosuid", "nodev", "ro", "rw", "noatime", "nodiratime"}


def volume(text: str) -> AskedMount:
    """``[SOURCE:]TARGET[:MODE,...]``."""
    parts = text.split(":")
    if not all(parts):
        raise ImpossibleError("an empty part between colons" if text else "the value is empty")
    if len(parts) > _MOST_PARTS:
        raise ImpossibleError("more than SOURCE:TARGET:MODE")
    if len(parts) == 1:
        return _mount("volume", "", parts[0])
    source, target, *rest = parts
    modes = rest[0].split(",") if rest else []
    unknown = [m for m in modes if m not in _MODES]
    if unknown:
        raise ImpossibleError(
            f"unknown mode {unknown[0]}", f"{', '.join(sorted(_MODES))} are known"
        )
    kind = "bind" if is_path(source) else "volume"
    if kind == "volume":
        _volume_name(source)
    options = [o for m in modes for o in _mode_option(m, kind)]
    return _mount(kind, source, target, readonly="ro" in modes, options=options)


def _mode_option(mode: str, kind: str) -> Iterator[Option]:
    if mode in _PROPAGATION and kind == "bind":
        yield "propagation", mode
    elif mode == "nocopy":
        yield "nocopy", True
    elif mode in {"z", "Z"}:
        yield "relabel", mode


def tmpfs(text: str) -> AskedMount:
    """``TARGET[:OPTION,...]`` of --tmpfs."""
    target, _, options = text.partition(":")
    asked = tmpfs_options(options)
    return _mount("tmpfs", "", target, readonly=("ro", True) in asked, options=asked)


def tmpfs_options(text: str) -> list[Option]:
    """The options of a tmpfs, as the kernel's mount takes them."""
    pairs: list[Option] = []
    for part in text.split(",") if text else ():
        key, equals, value = part.partition("=")
        if not equals:
            pairs.append((key, True))
        elif key == "size" and not value.endswith("%"):
            pairs.append((key, size(value)))
        else:
            pairs.append((key, value.lstrip("0") or "0" if key == "mode" else value))
    return pairs


def is_path(source: str) -> bool:
    """Whether the source of ``-v`` is a folder of the host; otherwise it names a volume."""
    return source.startswith(("/", "."))


def mount(text: str) -> AskedMount:
    """``type=bind,source=...,target=...``."""
    values: dict[str, str] = {"type": "volume"}
    options: list[Option] = []
    for field in fields(text):
        key = _known_key(field)
        values[key] = _value(key, field)
        options += _mount_option(key, values[key])
    kind = values["type"].lower()
    if not values.get("target"):
        raise ImpossibleError("target is required", "write target=/PATH")
    if kind not in {"bind", "volume", "tmpfs"} | _OTHER_TYPES:
        raise ImpossibleError(f"unknown type {kind}", "bind, volume, tmpfs and image are known")
    source = values.get("source", "")
    if kind == "volume" and source:
        _volume_name(source)
    if kind == "bind" and not is_path(source):
        raise ImpossibleError(
            "a bind needs source=/PATH", "the source must be absolute, or start with ./"
        )
    if kind == "tmpfs" and source:
        raise ImpossibleError("a tmpfs has no source")
    readonly = values.get("readonly") == "true"
    return _mount(kind, source, values["target"], readonly=readonly, options=options)


def _mount_option(key: str, value: str) -> Iterator[Option]:
    """What one key of ``--mount`` says beyond source, target and type."""
    name = _OPTIONS.get(key)
    if name in {"label", "opt"}:
        inner, _, inner_value = value.partition("=")
        yield f"{name} {inner}", inner_value
    elif key in {"volume-nocopy", "bind-create-src"}:
        if value == "true":
            yield str(name), True
    elif key == "bind-nonrecursive":
        yield "recursive", "disabled" if value == "true" else "enabled"
    elif key == "tmpfs-size":
        yield "size", size(value)
    elif key == "tmpfs-mode":
        yield "mode", value.lstrip("0") or "0"
    elif name:
        yield name, value


def source_at(text: str) -> int:
    """Where the source of a ``--mount`` stands in its text; -1 without one."""
    places = [f.at for f in fields(text) if f.key.lower() in ("source", "src")]
    return places[-1] if places else -1


def each_mount(asked: AskedMount) -> Iterator[Promised[Mount]]:
    """The mount as declared."""
    unseen = f"mounts of type {asked.mount.type} are not observed yet"
    yield "", asked.mount, unseen if asked.mount.type in _OTHER_TYPES else ""


def declared(asked: AskedMount) -> Iterator[Promised[MountOption]]:
    """Each option as the engine was told it."""
    for option in asked.options:
        if asked.mount.type not in _OTHER_TYPES:
            yield "", option, ""


def effective(asked: AskedMount) -> Iterator[Promised[MountOption]]:
    """Each option that the mount table inside shows."""
    shown = _SHOWN_INSIDE | (_FLAGS if asked.mount.type == "tmpfs" else set())
    for option in asked.options:
        if option.option in shown and asked.mount.type not in _OTHER_TYPES:
            yield "", option, ""


def access(asked: AskedMount) -> Iterator[Promised[MountAccess]]:
    """Whether the mount takes writes, as the container's user sees it."""
    if asked.mount.type in ("bind", "volume"):
        yield "", MountAccess(asked.mount.target, asked.mount.readonly), ""


def round_trip(asked: AskedMount) -> Iterator[Promised[BindEnds]]:
    """What is written at one end of a bind is there at the other."""
    if asked.mount.type == "bind" and not asked.mount.readonly:
        yield "", BindEnds(asked.mount.source, asked.mount.target), ""


def volumes_from(text: str) -> VolumesFrom:
    """``CONTAINER[:ro]`` of --volumes-from."""
    name, colon, mode = text.partition(":")
    modes = mode.split(",") if colon else []
    unknown = [m for m in modes if m not in {"ro", "rw", "z", "Z", "nocopy"}]
    if not name or unknown:
        raise ImpossibleError("not CONTAINER[:ro|rw]")
    return VolumesFrom(name, "ro" in modes)


def _mount(
    kind: str,
    source: str,
    target: str,
    *,
    readonly: bool = False,
    options: Sequence[Option] = (),
) -> AskedMount:
    if not target.startswith("/"):
        raise ImpossibleError(
            f"invalid mount path {target}", "the path in the container must be absolute"
        )
    place = clean(target)
    made = Mount(clean(source) if source.startswith("/") else source, place, kind, readonly)
    return AskedMount(made, tuple(MountOption(place, name, value) for name, value in options))


def clean(path: str) -> str:
    """A path without doubled and trailing slashes and without dots."""
    return re.sub("^/+", "/", posixpath.normpath(path))


def _volume_name(source: str) -> None:
    if not is_thing_name(source):
        hint = "use an absolute path, or ./ for a folder here, or a name of [a-zA-Z0-9_.-]"
        if source.startswith("~"):
            hint = "~ stands for your home only at the start of a word; write the path"
        raise ImpossibleError(f"{source} is neither a path nor the name of a volume", hint)


def _known_key(field: Field) -> str:
    key = field.key.lower()
    if field.value is None and key not in _LONE:
        raise ImpossibleError(f"{field.key} must be a key=value pair")
    if key not in _KEYS:
        raise ImpossibleError(f"unexpected key {field.key}")
    names = {"src": "source", "dst": "target", "destination": "target", "ro": "readonly"}
    return names.get(key, key)


def _value(key: str, field: Field) -> str:
    text = "true" if field.value is None else field.value
    if key in _SWITCHES:
        return str(boolean(text)).lower()
    if key == "tmpfs-size":
        size(text)
    return text
