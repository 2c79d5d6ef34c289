"""Promises about how a mount is made: propagation, size, mode, subpath, driver."""

from __future__ import annotations

import posixpath
from typing import Any

from lifecycle.checks.check import Check, compare, unverified
from lifecycle.checks.rules import PHRASE, Rule
from lifecycle.command.promise import Promise
from lifecycle.command.values.basic import ImpossibleError, size
from lifecycle.command.values.mounts import MountOption, VolumesFrom, clean, tmpfs_options
from lifecycle.facts.inside import MOUNTS
from lifecycle.facts.model import ContainerFacts, Facts
from lifecycle.machine.procfs import MountLine
from lifecycle.text.json_object import Json

_NESTED = {
    "nocopy": ("VolumeOptions", "NoCopy"),
    "subpath": ("VolumeOptions", "Subpath"),
    "create-src": ("BindOptions", "CreateMountpoint"),
    "size": ("TmpfsOptions", "SizeBytes"),
}
"""Where the engine keeps what was asked with ``--mount``."""
_STICKY = "1777"
"""The mode of a tmpfs that says none."""
_PAGE = 4096


def option(promise: Promise, c: ContainerFacts, _: Facts) -> Check:
    """An option of a mount: as the engine was told, and as the mount table inside shows it."""
    wanted = promise.expected_as(MountOption)
    target, name, value = wanted.target, wanted.option, wanted.value
    shown = name if value is True else f"{name} {value}"
    label = f"{target} is mounted with {shown}"
    if promise.where == "inspect":
        actual = _declared(c, target, name)
        return compare(label, value, actual, "inspect .HostConfig")
    hidden, source = c.inside.hides(MOUNTS), c.inside.place(MOUNTS)
    if hidden:
        return unverified(label, value, hidden)
    line = c.inside.mount(target)
    if line is None:
        return compare(label, value, None, source)
    if isinstance(value, str) and value.endswith("%"):
        return unverified(label, value, "how much that share comes to is this machine's matter")
    return compare(label, value, _effective(line, name, value), source)


def _declared(c: ContainerFacts, target: str, name: str) -> Any:
    """What the engine holds of one option: in Mounts, HostConfig.Mounts, Tmpfs or Binds."""
    host = (c.inspect or {})["HostConfig"]
    tmpfs = {clean(path): options for path, options in (host.get("Tmpfs") or {}).items()}
    if target in tmpfs:
        return dict(tmpfs_options(tmpfs[target])).get(name)
    made: Json = next((m for m in (c.inspect or {})["Mounts"] if m["Destination"] == target), {})
    if name in {"propagation", "driver"}:
        return made.get(name.capitalize())
    modes: list[str] = next(
        (b.split(":")[2].split(",") for b in host.get("Binds") or [] if _aims(b, target)), []
    )
    asked: Json = next((m for m in host.get("Mounts") or [] if clean(m["Target"]) == target), {})
    if name == "relabel":
        return next((m for m in modes if m in {"z", "Z"}), None)
    if name == "nocopy" and "nocopy" in modes:
        return True
    return _asked(asked, name)


def _aims(bind: str, target: str) -> bool:
    parts = bind.split(":")
    return len(parts) > 2 and clean(parts[1]) == target  # noqa: PLR2004 - SOURCE:TARGET:MODES


def _asked(asked: Json, name: str) -> Any:
    kind, _, key = name.partition(" ")
    volume = asked.get("VolumeOptions") or {}
    if kind == "label":
        return (volume.get("Labels") or {}).get(key)
    if kind == "opt":
        return ((volume.get("DriverConfig") or {}).get("Options") or {}).get(key)
    if name == "mode":
        mode = (asked.get("TmpfsOptions") or {}).get("Mode")
        return None if mode is None else format(mode, "o")
    if name == "recursive":
        return _recursive(asked.get("BindOptions") or {})
    section, inner = _NESTED.get(name, ("", ""))
    return (asked.get(section) or {}).get(inner)


def _recursive(bind: Json) -> str:
    named = {
        "NonRecursive": "disabled",
        "ReadOnlyNonRecursive": "writable",
        "ReadOnlyForceRecursive": "readonly",
    }
    return next((word for key, word in named.items() if bind.get(key)), "enabled")


def _effective(line: MountLine, name: str, value: Any) -> Any:
    if name == "propagation":
        return value if value.removeprefix("r") == _propagation(line) else _propagation(line)
    if name == "subpath":
        path = posixpath.normpath(value)
        return value if line.root.endswith(f"/{path}") else line.root
    super_options = dict(o.partition("=")[::2] for o in line.super_options)
    if name == "size":
        return _size(super_options.get("size", ""), value)
    if name == "mode":
        return super_options.get("mode", _STICKY).lstrip("0")
    if name in super_options and value is not True:
        return super_options[name]
    return value is True and name in line.options


def _propagation(line: MountLine) -> str:
    kinds = [tag.partition(":")[0] for tag in line.tags]
    return "shared" if "shared" in kinds else "slave" if "master" in kinds else "private"


def _size(text: str, wanted: int) -> int | None:
    """The kernel rounds a tmpfs up to whole pages."""
    try:
        actual = size(text)
    except ImpossibleError:
        return None
    return wanted if 0 <= actual - wanted < _PAGE else actual


def volume_driver(promise: Promise, c: ContainerFacts, _: Facts) -> Check:
    """``--volume-driver``: the driver of the volumes that it makes."""
    actual = (c.inspect or {})["HostConfig"].get("VolumeDriver")
    return compare(PHRASE, promise.expected, actual, "inspect .HostConfig.VolumeDriver")


def volumes_from(promise: Promise, c: ContainerFacts, facts: Facts) -> Check:
    """``--volumes-from``: each mount of the other container, in both mount tables."""
    wanted = promise.expected_as(VolumesFrom)
    name, readonly = wanted.container, wanted.readonly
    label = f"has the mounts of {name}{' to read' if readonly else ''}"
    other = facts.containers.get(name)
    if other is None or other.inspect is None:
        return unverified(label, promise.expected, "that container was not looked at")
    theirs = {
        m["Destination"]: not readonly and m["RW"]
        for m in other.inspect["Mounts"]
        if m["Type"] in {"bind", "volume"}
    }
    if promise.where == "inspect":
        sources = {m["Destination"]: m["Source"] for m in other.inspect["Mounts"]}
        mine = {
            m["Destination"]: m["RW"]
            for m in (c.inspect or {})["Mounts"]
            if sources.get(m["Destination"]) == m["Source"]
        }
        ours = {t: mine[t] for t in theirs if t in mine}
        return compare(label, theirs, ours, "inspect .Mounts of both")
    hidden = c.inside.hides(MOUNTS)
    if hidden:
        return unverified(label, promise.expected, hidden)
    lines = {t: c.inside.mount(t) for t in theirs}
    writable = {t: "rw" in m.options for t, m in lines.items() if m}
    return compare(label, theirs, writable, c.inside.place(MOUNTS))


RULES: dict[str, Rule] = {
    "container.mount.option": Rule(option),
    "container.volume_driver": Rule(volume_driver, "makes volumes with"),
    "container.volumes_from": Rule(volumes_from),
}
