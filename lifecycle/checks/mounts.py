"""Promises about mounts: declared, present inside, usable, and the same files on both sides."""

from __future__ import annotations

import os
from typing import Any

from lifecycle.checks.check import Check, compare, unverified
from lifecycle.checks.rules import Rule
from lifecycle.command.promise import Promise
from lifecycle.command.values.mounts import BindEnds, Mount, MountAccess, clean
from lifecycle.facts.inside import MOUNTS, WRITES, Probe
from lifecycle.facts.model import ContainerFacts, Facts
from lifecycle.machine.procfs import MountLine


def mount(promise: Promise, c: ContainerFacts, facts: Facts) -> Check:
    """``-v A:B``: in the inspect as written, and in the mount table inside."""
    wanted = promise.expected_as(Mount)
    target = wanted.target.rstrip("/") or "/"
    if promise.where == "inside":
        return _inside(promise, c, MountAccess(target, wanted.readonly))
    mounts = [m for m in (c.inspect or {}).get("Mounts") or [] if m["Destination"] == target]
    if not mounts and wanted.type == "tmpfs" and target in _tmpfs(c):
        return compare((f"{target} is a tmpfs"), wanted, wanted, "inspect Tmpfs")
    if not mounts:
        return compare((f"{target} is mounted"), wanted, None, "inspect .Mounts")
    actual = Mount(
        source=_source(mounts[-1], wanted.source, facts),
        target=wanted.target,
        type=mounts[-1]["Type"],
        readonly=not mounts[-1]["RW"],
    )
    return compare((f"{target} is mounted"), wanted, actual, "inspect .Mounts")


def _tmpfs(c: ContainerFacts) -> dict[str, str]:
    """What ``--tmpfs`` made, which the engine keeps apart; it means the same."""
    made = (c.inspect or {})["HostConfig"].get("Tmpfs") or {}
    return {clean(path): options for path, options in made.items()}


def _source(mounted: dict[str, Any], written: str, facts: Facts) -> str:
    """What to compare with the written source: an anonymous volume has no written one."""
    if mounted["Type"] == "volume":
        name = str(mounted.get("Name", ""))
        return facts.written("volume", name) if written else ""
    source = str(mounted.get("Source", ""))
    return written if written and source == os.path.normpath(written) else source


def _inside(promise: Promise, c: ContainerFacts, wanted: MountAccess) -> Check:
    label = f"{wanted.target} is mounted"
    hidden, source = c.inside.hides(MOUNTS), c.inside.place(MOUNTS)
    if hidden:
        return unverified(label, promise.expected, hidden)
    line = c.inside.mount(wanted.target)
    if line is None:
        return compare(label, {"target": wanted.target}, None, source)
    return compare(label, wanted, MountAccess(wanted.target, "ro" in line.options), source)


def access(promise: Promise, c: ContainerFacts, _: Facts) -> Check:
    """The container's own user can write there; into a read-only one nobody can."""
    asked = promise.expected_as(MountAccess)
    target, wanted = asked.target, "refuses writes" if asked.readonly else "writable"
    label = f"{target} {wanted}"
    hidden = c.inside.hides(WRITES)
    if hidden:
        return unverified(label, wanted, hidden)
    if target not in c.inside.writes:
        return unverified(label, wanted, "no write was tried there")
    error = c.inside.writes[target]
    if "directory" in error.lower():
        return unverified(label, wanted, f"it is no folder, so no file was written in it ({error})")
    who = f"uid {c.inside.uid} wrote a file"
    if asked.readonly:
        return compare(label, wanted, wanted if error else "writable", who)
    return compare(label, wanted, f"refuses writes: {error}" if error else wanted, who)


def round_trip(promise: Promise, c: ContainerFacts, facts: Facts) -> Check:
    """What is written on one side belongs to the same uid on the other."""
    ends = promise.expected_as(BindEnds)
    label = f"{ends.target} and {ends.source} hold the same files with the same owners"
    if facts.world.no_host_side:
        return unverified(label, "same owners", facts.world.no_host_side)
    hidden = c.inside.hides(WRITES)
    if hidden:
        return unverified(label, "same owners", hidden)
    trip = c.round_trips.get(ends.target)
    if trip is None or trip.untested:
        reason = trip.untested if trip else "no file was sent through it"
        return unverified(label, "same owners", reason)
    if trip.error:
        return compare(label, "same owners", trip.error, "a file written on each side")
    outside = facts.world.subject.uid
    wanted = {"written inside": trip.writer_uid, "written outside": outside}
    actual = {"written inside": trip.inside_file_uid, "written outside": trip.outside_file_uid}
    return compare(label, wanted, actual, "owner uids of a file written on each side")


def mount_source(label: str, wanted: str, line: MountLine, source: str) -> Check:
    """The kernel tells the place within a file system, and what that file system is of."""
    if line.root == "/" and wanted != line.source:
        return unverified(label, wanted, f"it is all of {line.source}, wherever that is mounted")
    ends = wanted in {line.root, line.source} or wanted.endswith(line.root)
    return compare(label, wanted, wanted if ends else line.root, source)


def _written(promise: Promise) -> Probe:
    """A write is tried where a mount is to be used."""
    return Probe(write_in=(promise.expected_as(MountAccess).target,))


def _kept(promise: Promise) -> Probe:
    """What is written in it stays for the other side to see."""
    return Probe(keep_in=(promise.expected_as(BindEnds).target,))


RULES: dict[str, Rule] = {
    "container.mount": Rule(mount),
    "container.mount.access": Rule(access, reads=_written),
    "container.mount.round_trip": Rule(round_trip, reads=_kept),
}
