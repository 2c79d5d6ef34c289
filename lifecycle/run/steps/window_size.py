"""The size of a terminal's window, seen from inside the container that the terminal is of.

The CLI passes a new size on some time later, and what is typed may overtake it: so it is waited
for until the inside has it.
"""

from __future__ import annotations

from pathlib import Path

from lifecycle.checks.check import Check, compare, unverified
from lifecycle.engine.daemon import EngineError
from lifecycle.machine.procfs import inner_pid
from lifecycle.run.observing.until import wait_until
from lifecycle.run.session.open_terminals import OpenTerminal
from lifecycle.run.session.session import Session
from lifecycle.scenario.values import Size

LIMIT = 10.0
"""Seconds that a new size may take to reach the inside."""


class _UnseenError(Exception):
    """Why the inside can't be asked for the size."""


def window_inside(session: Session, opened: OpenTerminal, wanted: Size) -> list[Check]:
    """Wait until the terminal inside has the size, and check that it does."""
    if not opened.container or opened.terminal.ended:
        return []
    about, size = f"window of {opened.terminal.name}", ""

    def holds() -> bool:
        nonlocal size
        size = _size(session, opened)
        return size == str(wanted) or opened.terminal.ended

    try:
        wait_until(holds, LIMIT)
    except (_UnseenError, EngineError) as error:
        return [unverified(about, str(wanted), f"the inside was not asked: {error}")]
    return [compare(about, str(wanted), size, "stty inside")]


def _size(session: Session, opened: OpenTerminal) -> str:
    line = opened.planned.line
    path = f"/proc/{_pid_inside(session, opened)}/fd/0"
    # As the user of the process itself: root without more rights may not look at others' files.
    user = line.last("--user") or "" if line and opened.exec_id else ""
    real = session.real("container", opened.container)
    outcome = session.daemon.run_inside(real, ["stty", "-F", path, "size"], user=user)
    rows, _, cols = outcome.output.strip().partition(" ")
    if outcome.exit_code or not (rows.isdecimal() and cols.isdecimal()):
        raise _UnseenError(" ".join(outcome.output.split()) or "stty failed")
    return str(Size(int(cols), int(rows)))


def _pid_inside(session: Session, opened: OpenTerminal) -> int:
    """The terminal's first process, by the number that it has in the container."""
    if not session.world.shares_machine:
        raise _UnseenError("the engine is not on this machine")
    if opened.exec_id:
        pid = (session.daemon.exec(opened.exec_id) or {}).get("Pid")
    else:
        real = session.real("container", opened.container)
        pid = (session.daemon.container(real) or {}).get("State", {}).get("Pid")
    try:
        status = Path(f"/proc/{pid}/status").read_text("utf-8")
    except OSError:
        raise _UnseenError("its process has ended") from None
    number = inner_pid(status)
    if number is None:
        raise _UnseenError("this kernel does not tell its number inside")
    return number
