"""An exec: its own inspect, and its process on this host where that can be read."""

from __future__ import annotations

import time
from pathlib import Path

from lifecycle.engine.daemon import Daemon
from lifecycle.facts.model import ExecFacts, World
from lifecycle.machine.deadline import rest

START_LIMIT = 2.0
"""Seconds that the engine's starter of an exec may take to become the program."""
_STARTER = "Name:\trunc:["


def exec_facts(daemon: Daemon, exec_id: str, container_pid: int, world: World) -> ExecFacts | None:
    """An exec's inspect and, where we may read it, its process on this host."""
    inspect = daemon.exec(exec_id)
    if inspect is None:
        return None
    pid = inspect.get("Pid") or 0
    if not world.shares_machine:
        return ExecFacts(inspect, container_pid, unseen="the engine is not on this machine")
    status = _status(pid) if inspect.get("Running") else ""
    if not status:
        return ExecFacts(
            inspect, container_pid, unseen="it had ended, or not begun, when it was read"
        )
    uids = next(line.split() for line in status.splitlines() if line.startswith("Uid:"))
    cwd, env = _private(pid)
    unseen = "" if cwd else "only root or the same user may read that process"
    return ExecFacts(inspect, container_pid, int(uids[1]), cwd, env, unseen)


def _status(pid: int) -> str:
    """The kernel's words of a process, once it is the program and no more its starter."""
    deadline = time.monotonic() + rest(START_LIMIT)
    try:
        while (text := Path(f"/proc/{pid}/status").read_text()).startswith(_STARTER):
            if time.monotonic() > deadline:
                return ""
            time.sleep(0.002)  # nothing tells of an exec's own exec
    except OSError:
        return ""
    return text


def _private(pid: int) -> tuple[str | None, dict[str, str] | None]:
    try:
        cwd = str(Path(f"/proc/{pid}/cwd").readlink())
        raw = Path(f"/proc/{pid}/environ").read_bytes().decode("utf-8", "replace")
    except OSError:
        return None, None
    return cwd, dict(item.partition("=")[::2] for item in raw.split("\0") if item)
