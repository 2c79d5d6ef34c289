"""The gid of a sandbox's socket: who bears it may use the engine, so nobody may bear it already."""

from __future__ import annotations

import grp
import random
from collections.abc import Collection
from contextlib import suppress
from pathlib import Path

from lifecycle.sandbox.shell import SandboxError

# Above what directories, containers and user namespaces are given, and below what is reserved.
_USUAL = range(2_010_000_000, 2_140_000_000)
_FEW = range(64100, 65534)  # where this machine is itself a container, with few ids
_TRIES = 1000


def choose(taken: Collection[int]) -> int:
    """A gid at random, that no group has, no process bears and nobody may give themselves.

    At random, because a gid that an earlier sandbox had may have stayed on a file: as a program
    that gives it to whoever runs it.
    """
    among = _USUAL if _USUAL[-1] in _mapped() else _FEW
    lent, borne = _lent(Path("/etc/subgid")), _borne()
    for _ in range(_TRIES):
        gid = random.SystemRandom().choice(among)
        if gid in taken or gid in borne or any(gid in ids for ids in lent):
            continue
        try:
            grp.getgrgid(gid)  # a directory's groups are asked one by one, not listed
        except KeyError:
            return gid
    raise SandboxError(f"no group id from {among[0]} to {among[-1]} is free")


def _mapped() -> range:
    """The ids that exist here."""
    first, _, count = map(int, Path("/proc/self/gid_map").read_text().splitlines()[-1].split())
    return range(first, first + count)


def _lent(file: Path) -> list[range]:
    """The ids that people may give to the processes of their own user namespaces."""
    ranges = []
    with suppress(OSError):
        for line in file.read_text(errors="replace").splitlines():
            with suppress(ValueError):
                _, first, count = line.split(":")
                ranges.append(range(int(first), int(first) + int(count)))
    return ranges


def _borne() -> set[int]:
    """The groups of every process there is."""
    groups: set[int] = set()
    for status in Path("/proc").glob("[0-9]*/status"):
        with suppress(OSError):
            for line in status.read_text(errors="replace").splitlines():
                if line.startswith(("Gid:", "Groups:")):
                    groups.update(map(int, line.split()[1:]))
    return groups
