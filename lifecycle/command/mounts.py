"""Mounts: ``-v``, ``--volume`` and ``--mount``."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from typing import Any

from lifecycle.command.fields import Field, fields
from lifecycle.command.values import ImpossibleError, boolean, is_thing_name, size

Mount = dict[str, Any]

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


def volume(text: str) -> Mount:
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
    return _mount(kind, source, target, readonly="ro" in modes)


def is_path(source: str) -> bool:
    """Whether the source of ``-v`` is a folder of the host; otherwise it names a volume."""
    return source.startswith(("/", "."))


def mount(text: str) -> Mount:
    """``type=bind,source=...,target=...``."""
    held: dict[str, str] = {"type": "volume"}
    for field in fields(text):
        key = _known_key(field)
        held[key] = _held(key, field)
    kind = held["type"].lower()
    if not held.get("target"):
        raise ImpossibleError("target is required", "write target=/PATH")
    if kind not in {"bind", "volume", "tmpfs"} | _OTHER_TYPES:
        raise ImpossibleError(f"unknown type {kind}", "bind, volume, tmpfs and image are known")
    source = held.get("source", "")
    if kind == "volume" and source:
        _volume_name(source)
    if kind == "bind" and not is_path(source):
        raise ImpossibleError(
            "a bind needs source=/PATH", "the source must be absolute, or start with ./"
        )
    if kind == "tmpfs" and source:
        raise ImpossibleError("a tmpfs has no source")
    return _mount(kind, source, held["target"], readonly=held.get("readonly") == "true")


def source_at(text: str) -> int:
    """Where the source of a ``--mount`` stands in its text; -1 without one."""
    found = [f.at for f in fields(text) if f.key.lower() in ("source", "src")]
    return found[-1] if found else -1


def each_mount(held: Mount) -> Iterator[tuple[str, Any, str]]:
    """The mount as declared."""
    unseen = f"mounts of type {held['type']} are not observed yet"
    yield "", held, unseen if held["type"] in _OTHER_TYPES else ""


def access(held: Mount) -> Iterator[tuple[str, Any, str]]:
    """Whether the mount takes writes, as the container's user sees it."""
    if held["type"] in ("bind", "volume"):
        yield "", {"target": held["target"], "readonly": held["readonly"]}, ""


def round_trip(held: Mount) -> Iterator[tuple[str, Any, str]]:
    """What is written at one end of a bind is there at the other."""
    if held["type"] == "bind" and not held["readonly"]:
        yield "", {"source": held["source"], "target": held["target"]}, ""


def _mount(kind: str, source: str, target: str, *, readonly: bool = False) -> Mount:
    if not target.startswith("/"):
        raise ImpossibleError(
            f"invalid mount path {target}", "the path in the container must be absolute"
        )
    return {
        "source": clean(source) if source.startswith("/") else source,
        "target": clean(target),
        "type": kind,
        "readonly": readonly,
    }


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


def _held(key: str, field: Field) -> str:
    text = "true" if field.value is None else field.value
    if key in _SWITCHES:
        return str(boolean(text)).lower()
    if key == "tmpfs-size":
        size(text)
    return text
