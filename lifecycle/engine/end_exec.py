"""Ending an exec whose CLI is gone: the engine lets its processes run on.

Only the exec's own session is ended, that is what it has started: whatever else runs in the
container is somebody's. The engine has no request for it, so the processes are ended from this
machine where that is allowed, else from inside as the exec's user.
"""

from __future__ import annotations

import time
from pathlib import Path

from lifecycle.engine.daemon import Daemon
from lifecycle.engine.limits import END_LIMIT
from lifecycle.machine.procfs import inner_pid, kill_session, session_members

FROM_HERE = 1.0
_PAUSE = 0.02


def end_exec(daemon: Daemon, exec_id: str) -> str:
    """End all that an exec started; what stands in the way, or nothing when none of it is left.

    Raises EngineError.
    """
    state = daemon.exec(exec_id)
    if state is None or not state.get("Running"):
        return ""
    container, pid = str(state["ContainerID"]), int(state.get("Pid") or 0)
    if not daemon.shares_machine:
        return "the engine is on another machine, where its processes can't be ended"
    if not _is_of(pid, container):
        return f"its process (pid {pid}) can't be seen from here"
    if not kill_session(pid, FROM_HERE):
        numbers = [inner for member in session_members(pid) if (inner := _inside(member))]
        user = str((state.get("ProcessConfig") or {}).get("user") or "")
        daemon.run_inside(container, ["sh", "-c", 'kill -KILL "$@"', "sh", *numbers], user=user)
    return "" if _has_ended(daemon, exec_id) else f"pid {pid} of this machine could not be ended"


def _is_of(pid: int, container: str) -> bool:
    """Whether it is a process of that container: never that of another which has its number."""
    try:
        return pid > 0 and container in Path(f"/proc/{pid}/cgroup").read_text()
    except OSError:
        return False


def _inside(pid: int) -> str:
    """The number of a process as its container counts."""
    try:
        number = inner_pid(Path(f"/proc/{pid}/status").read_text())
    except OSError:
        return ""
    return "" if number is None else str(number)


def _has_ended(daemon: Daemon, exec_id: str) -> bool:
    deadline = time.monotonic() + END_LIMIT
    while (state := daemon.exec(exec_id)) is not None and state.get("Running"):
        if time.monotonic() >= deadline:
            return False
        time.sleep(_PAUSE)  # the engine's event of an exec's end does not tell of its children
    return True
