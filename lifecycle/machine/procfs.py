"""Processes by their numbers, and the kernel's files of them: of this machine or of a container."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import socket
import threading
import time
from dataclasses import dataclass
from pathlib import Path


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


def socket_address(digits: str) -> str:
    """An address of /proc/net/tcp as people write it: words of four bytes in the host's order.

    Raises ValueError.
    """
    words = [bytes.fromhex(digits[at : at + 8])[::-1] for at in range(0, len(digits), 8)]
    family = socket.AF_INET if len(words) == 1 else socket.AF_INET6
    return socket.inet_ntop(family, b"".join(words))


def inner_pid(status: str) -> int | None:
    """The number of a process in its own namespace, by the text of /proc/PID/status."""
    numbers = _numbers(status)
    return numbers[-1] if numbers else None


def namespace_pids(process: int | str) -> list[int]:
    """A process's numbers, in our namespace and in each below it; empty when it can't be read."""
    try:
        return _numbers(Path(f"/proc/{process}/status").read_text("utf-8", "replace"))
    except OSError:
        return []


def _numbers(status: str) -> list[int]:
    lines = (line.split() for line in status.splitlines())
    return next(([int(n) for n in line[1:]] for line in lines if line[:1] == ["NSpid:"]), [])


def _unescape(text: str) -> str:
    return re.sub(r"\\([0-7]{3})", lambda m: chr(int(m[1], 8)), text)


def start_time(pid: int) -> int | None:
    """When a process started, in clock ticks since boot; None when there is none.

    With the pid it names one process for ever, since pids are used again.
    """
    stat = _stat(pid)
    return int(stat[19]) if stat else None


def alive(pid: int, started: int) -> bool:
    """Whether that very process still runs; a zombie does not."""
    stat = _stat(pid)
    return _runs(stat) and int(stat[19]) == started


def stopped(pid: int) -> bool:
    """Whether a signal holds a process, which then does nothing until another lets it go on."""
    return _stat(pid)[:1] == ["T"]


def kill_session(session: int, limit: float = 3.0) -> bool:
    """KILL the processes of a session, background jobs included; False when one outlives it.

    Nothing tells of the end of processes that are not our children, so this looks again.
    """
    deadline = time.monotonic() + limit
    while members := session_members(session):
        if time.monotonic() >= deadline:
            return False
        for pid in members:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(0.002)  # most are not our children, so nobody tells us of their end
    return True


def children_of(parent: int) -> list[int]:
    """The processes that a process started and that still run."""
    children = []
    for entry in Path("/proc").glob("[0-9]*"):
        fields = _stat(int(entry.name))
        if len(fields) > 1 and fields[1] == str(parent) and fields[0] != "Z":
            children.append(int(entry.name))
    return children


def session_members(session: int) -> list[int]:
    """The processes of a session that have not ended."""
    pids = (int(one) for one in os.listdir("/proc") if one.isdecimal())  # noqa: PTH208
    return [pid for pid in pids if _is_in(session, pid) and _runs(_stat(pid))]


def _is_in(session: int, pid: int) -> bool:
    try:
        return os.getsid(pid) == session
    except OSError:
        return False


def exit_fd(pid: int) -> int:
    """A descriptor that becomes readable when a child has ended, and leaves it to be reaped.

    A pidfd would do this, but Pythons built for old systems (conda's) have none.
    """
    read_end, write_end = os.pipe()

    def wait() -> None:
        with contextlib.suppress(ChildProcessError):
            os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
        os.close(write_end)

    threading.Thread(target=wait, name=f"wait for {pid}", daemon=True).start()
    return read_end


def _stat(pid: int) -> list[str]:
    """The fields of /proc/PID/stat from the state (field 3) on; empty when it is gone."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return []
    # The second field is a name in parentheses that may itself hold blanks and parentheses.
    return text.rpartition(")")[2].split()


def _runs(stat: list[str]) -> bool:
    return bool(stat) and stat[0] not in "ZX"
