"""Control groups: how every process of a sandbox is found, whoever its parent is by now."""

from __future__ import annotations

import os
import select
import signal
import sys
import time
from contextlib import ExitStack, suppress
from functools import partial
from pathlib import Path

from lifecycle.machine.procfs import mount_lines
from lifecycle.sandbox.record import NAME, Record
from lifecycle.sandbox.shell import SandboxError, wait_until

_SUBREAPERS = "subreapers"


def hierarchies() -> list[tuple[Path, frozenset[str]]]:
    """The mount point of each hierarchy, with its controllers; none for cgroup v2."""
    mounts = []
    for line in mount_lines("\n".join(_lines(Path("/proc/self/mountinfo")))):
        if line.fstype in {"cgroup", "cgroup2"}:
            controllers = line.super_options if line.fstype == "cgroup" else frozenset[str]()
            mounts.append((Path(line.target), controllers))
    return mounts


def _home(record: Record) -> Path | None:
    """The one hierarchy that both our programs and all containers are members of.

    Under v1, runc refuses a machine without the devices controller; under v2 there is one.
    """
    mounts = hierarchies()
    for mount, controllers in mounts:
        if "devices" in controllers:
            return mount / record.name
    return next((mount / record.name for mount, has in mounts if not has), None)


def kept(record: Record, *words: str) -> tuple[str, ...]:
    """The words of a daemon, made to run in the cgroup with a subreaper as its parent."""
    subreaper = (sys.executable, "-IS", str(Path(__file__).with_name("subreaper.py")))
    return joined(record, *subreaper, *joined(record, *words), group=_SUBREAPERS)


def joined(record: Record, *words: str, group: str = "engine") -> tuple[str, ...]:
    """The words of a command, made to run (with all its children) in the sandbox's cgroup."""
    home = _home(record)
    if home is None:
        raise SandboxError(
            "control groups are not mounted, and no engine runs without them; "
            "mount them (apt-get install cgroupfs-mount && cgroupfs-mount)"
        )
    folder = home / group
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise SandboxError(f"no control group can be made: {folder}: {error.strerror}") from error
    enter = 'echo 0 > "$0" && exec "$@"'
    return ("sh", "-c", enter, str(folder / "cgroup.procs"), *words)


def members(record: Record, *, subreapers: bool = False) -> set[int]:
    """Every process of the sandbox: those in its cgroup and those that descend from them.

    Or only the subreapers, which end when they have reaped all of the others.

    A container started with ``--cgroup-parent`` is only among the latter.
    """
    home = _home(record)
    groups = [Path(group) for group, _, _ in os.walk(home)] if home else []
    groups = [group for group in groups if (group.name == _SUBREAPERS) == subreapers]
    pids = {int(pid) for group in groups for pid in _lines(group / "cgroup.procs")}
    if subreapers:
        return pids
    alive = set()
    children: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            stat = _stat(entry)
            if stat and stat[0] not in "ZX":
                alive.add(int(entry.name))
                children.setdefault(int(stat[1]), []).append(int(entry.name))
    queue = list(pids)
    while queue:
        for child in children.get(queue.pop(), ()):
            if child not in pids:
                pids.add(child)
                queue.append(child)
    return (pids & alive) - {os.getpid()}


def _stat(process: Path) -> list[str]:
    """A process's state, its parent and so on; empty when it is gone."""
    return "".join(_lines(process / "stat")).rpartition(")")[2].split()


def _lines(file: Path) -> list[str]:
    """A kernel file's lines; none when what it tells of has gone meanwhile."""
    try:
        return file.read_text(errors="replace").splitlines()
    except OSError:
        return []


def kill_all(record: Record, *, limit: float = 10) -> None:
    """Kill every process of the sandbox and wait for its end.

    A disposable engine is killed, not asked: a graceful stop waits for containers that don't
    listen, and all it would tidy is thrown away. Round after round, because one may be forking.
    """
    until = time.monotonic() + limit
    while alive := members(record):
        _thaw(record)
        if time.monotonic() > until:
            raise SandboxError(f"processes that can't be killed: {sorted(alive)}")
        _end(alive, signal.SIGKILL, limit=until - time.monotonic())
    subreapers = members(record, subreapers=True)
    _end(subreapers, 0, limit=3)
    _end(subreapers, signal.SIGKILL, limit=3)


def _thaw(record: Record) -> None:
    """Let paused containers run: under v1 a frozen process does not even die."""
    for mount, controllers in hierarchies():
        if "freezer" in controllers:
            for group, _, _ in os.walk(mount / record.name):
                with suppress(OSError):
                    Path(group, "freezer.state").write_text("THAWED")


def _end(pids: set[int], how: int, *, limit: float) -> None:
    """Send the processes a signal (0 is none) and wait until they have ended."""
    until = time.monotonic() + limit
    with ExitStack() as handles:
        ends = select.poll()
        waiting = 0
        for pid in pids:
            with suppress(ProcessLookupError):
                handle = os.pidfd_open(pid)
                handles.callback(os.close, handle)
                signal.pidfd_send_signal(handle, how)
                ends.register(handle, select.POLLIN)
                waiting += 1
        while waiting and time.monotonic() < until:
            for handle, _ in ends.poll(100):
                ends.unregister(handle)
                waiting -= 1


def groups_of_sandboxes() -> set[str]:
    """The names of the sandboxes that have control groups, whoever's /run describes them."""
    tops = (top for mount, _ in hierarchies() for top in mount.glob(f"{NAME}*"))
    return {top.name for top in tops}


def remove(record: Record) -> None:
    """Remove the sandbox's cgroups from every hierarchy."""
    for mount, _ in hierarchies():
        top = mount / record.name
        if not wait_until(partial(_removed, top), limit=3):
            raise SandboxError(
                f"control group {top} can't be removed: it has a process that can't be ended from "
                "here, such as one of another pid namespace"
            )


def _removed(top: Path) -> bool:
    """Try to remove a tree of cgroups; a process that has just died may hold one a moment."""
    for folder, _, _ in os.walk(top, topdown=False):
        with suppress(OSError):
            Path(folder).rmdir()
    return not top.exists()
