"""The kernel's files of processes, from text to values; of this machine or of a container."""

from __future__ import annotations

import re
from dataclasses import dataclass


@dataclass(frozen=True)
class MountLine:
    """One line of mountinfo: where, of what type, with which options."""

    target: str
    root: str
    fstype: str
    source: str
    options: frozenset[str]
    super_options: frozenset[str]
    tags: frozenset[str] = frozenset()
    """``shared:N`` and ``master:N``, which tell of its propagation."""


def mount_lines(text: str) -> list[MountLine]:
    """The lines of /proc/PID/mountinfo."""
    lines = []
    for line in text.splitlines():
        left, _, right = line.partition(" - ")
        fields, kinds = left.split(), right.split()
        if len(fields) > 5 and len(kinds) > 1:  # noqa: PLR2004 - proc_pid_mountinfo(5)
            lines.append(
                MountLine(
                    target=_unescape(fields[4]),
                    root=_unescape(fields[3]),
                    fstype=kinds[0],
                    source=kinds[1],
                    options=frozenset(fields[5].split(",")),
                    super_options=frozenset((kinds[2] if len(kinds) > 2 else "").split(",")),  # noqa: PLR2004
                    tags=frozenset(fields[6:]),
                )
            )
    return lines


def inner_pid(status: str) -> int | None:
    """The number of a process in its own namespace, by the text of /proc/PID/status."""
    told = next((line.split() for line in status.splitlines() if line.startswith("NSpid:")), None)
    return int(told[-1]) if told else None


def _unescape(text: str) -> str:
    return re.sub(r"\\([0-7]{3})", lambda m: chr(int(m[1], 8)), text)
