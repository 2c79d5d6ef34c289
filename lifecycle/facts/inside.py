"""A look inside a container as one user: the things to ask for, and the answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from lifecycle.facts.kernel_files import (
    Account,
)
from lifecycle.machine.procfs import MountLine

TOUCHED = ".lifecycle-"
"""Beginning of the name of every file that a probe writes."""
MOST_TEXT = 1 << 20
"""Bytes that are read of one file; of a text that is cut, one more than that."""
ENVIRON, MOUNTS = "/proc/self/environ", "/proc/self/mountinfo"
HOSTNAME, FIRST = "/proc/sys/kernel/hostname", "/proc/1/cmdline"
GPUS, PROCESSES, WRITES, ACCOUNTS = "nvidia-smi -L", "/proc", "a write", "/etc/passwd"
"""How things are asked inside, and so what they are called."""
MARK = "@@id"
"""Stands in the command line of every process that looks, so that none is taken for another's."""
ENDED = "it ended before it could be asked"
NOT_ASKED = "not asked"
"""The ``gpu_error`` of a look that was not to ask for GPUs."""


@dataclass(frozen=True)
class Probe:
    """What to look at: directories to write in, files to describe, and the costlier extras.

    ``token`` makes the written names unguessable; nothing is written when it is empty.
    ``files`` are to be described, and ``texts`` to be read; ``proc`` are files of the kernel to
    read, and ``namespaces`` those of /proc/self/ns to tell apart.
    """

    token: str = ""
    write_in: tuple[str, ...] = ()
    keep_in: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    texts: tuple[str, ...] = ()
    gpus: bool = False
    processes: bool = False
    proc: tuple[str, ...] = ()
    namespaces: tuple[str, ...] = ()
    listeners: str = ""
    """Lines of shell that start listeners of ours, and print the port and the token of each."""

    def name_in(self, folder: str) -> str:
        """The file that the probe writes in a folder."""
        return f"{folder.rstrip('/')}/{TOUCHED}{self.token}-in"


def merged(*probes: Probe) -> Probe:
    """One probe that covers all of these: each thing once."""
    whole: dict[str, Any] = {}
    for one in fields(Probe):
        values = [getattr(probe, one.name) for probe in probes]
        if isinstance(one.default, tuple):
            whole[one.name] = tuple(dict.fromkeys(thing for value in values for thing in value))
        else:
            whole[one.name] = next(filter(None, values), one.default)
    return Probe(**whole)


@dataclass(frozen=True)
class FileFact:
    """One path: ``owner`` and ``group`` are numbers, ``mode`` octal text such as ``644``."""

    exists: bool
    writable: bool = False
    owner: int | None = None
    group: int | None = None
    owner_name: str = ""
    group_name: str = ""
    mode: str = ""


@dataclass(frozen=True)
class Process:
    """One process inside: ``state`` is the letter of /proc/PID/stat (T is stopped)."""

    pid: int
    state: str
    command: str


@dataclass(frozen=True)
class Inside:
    """What one identity sees.

    ``unseen`` says why nothing could be asked; then only what ``places`` names is known, from
    outside. Things are named by what they are asked with inside: a file, or ``id``.
    """

    unseen: str = ""
    uid: int = -1
    gid: int = -1
    groups: Mapping[int, str] = field(default_factory=dict)
    user_name: str = ""
    cwd: str = ""
    env: Mapping[str, str] = field(default_factory=dict)
    mounts: tuple[MountLine, ...] = ()
    accounts: tuple[Account, ...] = ()
    hostname: str = ""
    kernel: str = ""
    pid1: tuple[str, ...] = ()
    pid1_has_tty: bool = False
    listening: frozenset[int] = frozenset()
    listeners: Mapping[str, str] = field(default_factory=dict)
    """Ports, as ``8080/tcp``, for which this look left a listener, to what that answers."""
    files: Mapping[str, FileFact] = field(default_factory=dict)
    texts: Mapping[str, str] = field(default_factory=dict)
    writes: Mapping[str, str] = field(default_factory=dict)
    """Folder to the error that a write there met; empty text when it was written."""
    gpus: tuple[str, ...] | None = None
    """Lines of ``nvidia-smi -L``; None when that tool is not there."""
    gpu_error: str = ""
    processes: tuple[Process, ...] = ()
    proc: Mapping[str, str] = field(default_factory=dict)
    """The text of each of ``Probe.proc`` that could be read."""
    namespaces: Mapping[str, int] = field(default_factory=dict)
    """The inode of each of ``Probe.namespaces``: equal where two processes share it."""

    places: Mapping[str, str] = field(default_factory=dict)
    """What was seen from outside, and where."""
    reasons: Mapping[str, str] = field(default_factory=dict)
    """Why other things were not, where there is more to say than ``unseen``."""

    def hides(self, thing: str) -> str:
        """Why a thing was not seen; empty when it was."""
        if not self.unseen or thing in self.places:
            return ""
        return self.reasons.get(thing, self.unseen)

    def place(self, thing: str) -> str:
        """Where a thing was seen."""
        return self.places.get(thing, thing)

    def mount(self, target: str) -> MountLine | None:
        """The mount that is visible at a path: the last one made there.

        The kernel knows no links: where /var/run is one to /run, as it is almost everywhere, what
        was mounted below it stands there.
        """
        path = target.rstrip("/") or "/"
        lines = [m for m in self.mounts if m.target == path]
        if not lines and path.startswith("/var/run/"):
            return self.mount(path.removeprefix("/var"))
        return lines[-1] if lines else None

    def account(self, uid: int) -> Account | None:
        """The passwd line of a uid."""
        return next((a for a in self.accounts if a.uid == uid), None)
