"""Promises about namespaces: declared, and whether they are the machine's or its own."""

from __future__ import annotations

from pathlib import Path

from lifecycle.checks.check import Check, compare, unverified
from lifecycle.checks.inspect_fields import from_inspect, host_config, not_seen
from lifecycle.checks.rules import PHRASE, Rule, kernel
from lifecycle.command.promise import Promise
from lifecycle.facts.inside import Probe
from lifecycle.facts.model import ContainerFacts, Facts

_KEYS = {
    "cgroupns": "CgroupnsMode",
    "ipc": "IpcMode",
    "pid": "PidMode",
    "userns": "UsernsMode",
    "uts": "UTSMode",
}
KERNEL_NAMES = {"cgroupns": "cgroup", "ipc": "ipc", "pid": "pid", "userns": "user", "uts": "uts"}
"""The flag's word for a namespace, and the kernel's."""
_FIRST = {
    "cgroup": 0xEFFFFFFB,
    "ipc": 0xEFFFFFFF,
    "pid": 0xEFFFFFFC,
    "user": 0xEFFFFFFD,
    "uts": 0xEFFFFFFE,
}
"""The inodes of the namespaces that a machine starts with: fixed in the kernel (proc_ns.h)."""
CGROUP_FILE = "/proc/self/cgroup"


def mode(promise: Promise, c: ContainerFacts, facts: Facts) -> Check:
    """``--ipc``, ``--pid``, ``--uts``, ``--userns`` and ``--cgroupns``: as declared."""
    key = _KEYS[_kind(promise)]
    actual = str(host_config(c).get(key) or "")
    wanted = promise.expected_as(str)
    kind, colon, other = wanted.partition(":")
    if kind == "container" and colon:
        beside = facts.containers.get(other)
        if beside is None or beside.inspect is None:
            reason = "that container was not looked at"
            return unverified(PHRASE, promise.expected, reason)
        if actual == f"container:{beside.inspect['Id']}":
            actual = wanted
    return from_inspect(promise, actual, f"HostConfig.{key}")


def shared(promise: Promise, c: ContainerFacts, facts: Facts) -> Check:
    """Whether a process inside is in the machine's own namespace, or in one of the container's."""
    name = KERNEL_NAMES[_kind(promise)]
    path = f"/proc/self/ns/{name}"
    inode = c.inside.namespaces.get(name)
    if inode is None:
        return not_seen(promise, c, path)
    if inode == _FIRST[name]:
        actual = "host"
    elif promise.expected == "host" and _is_apart(facts):
        reason = "it is not the machine's first, and which one the engine is in can't be told"
        return unverified(PHRASE, promise.expected, reason)
    else:
        actual = "host" if inode == _ours(name) and facts.world.shares_machine else "private"
    return compare(PHRASE, promise.expected, actual, c.inside.place(path))


def _is_apart(facts: Facts) -> bool:
    """Whether the engine may itself be in other namespaces than we are."""
    return not facts.world.shares_machine or facts.world.remaps_users == "rootless"


def _ours(name: str) -> int:
    """Our own namespace: the engine's too, where both run in one container."""
    try:
        return Path(f"/proc/self/ns/{name}").stat().st_ino
    except OSError:
        return 0


def cgroup_parent(promise: Promise, c: ContainerFacts, _: Facts) -> Check:
    """``--cgroup-parent``: declared, and a part of the path of the container's cgroup."""
    if promise.where == "inspect":
        actual = host_config(c).get("CgroupParent") or ""
        return from_inspect(promise, actual, "HostConfig.CgroupParent")
    rows = (row.split(":", 2) for row in c.inside.proc.get(CGROUP_FILE, "").splitlines())
    paths = {row[2] for row in rows if len(row) == 3}  # noqa: PLR2004 - cgroups(7)
    if not paths - {"/"}:
        reason = c.inside.hides(CGROUP_FILE) or "its cgroup namespace hides the path"
        return unverified(PHRASE, promise.expected, reason)
    wanted = promise.expected_as(str)
    part = f"/{wanted.strip('/')}/"
    actual = wanted if any(part in f"{p}/" for p in paths) else max(paths)
    return compare(PHRASE, wanted, actual, c.inside.place(CGROUP_FILE))


def _kind(promise: Promise) -> str:
    return promise.field.split(".")[1]


def _namespace(promise: Promise) -> Probe:
    names = (KERNEL_NAMES[_kind(promise)],) if promise.where == "inside" else ()
    return Probe(namespaces=names)


RULES: dict[str, Rule] = {
    **{f"container.{kind}": Rule(mode) for kind in _KEYS},
    **{f"container.{kind}.namespace": Rule(shared, reads=_namespace) for kind in _KEYS},
    "container.cgroup_parent": Rule(cgroup_parent, reads=kernel(CGROUP_FILE)),
}
