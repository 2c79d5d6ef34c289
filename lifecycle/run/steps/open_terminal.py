"""When a terminal counts as open: its program is up, by the engine, and can be typed into."""

from __future__ import annotations

import time
from contextlib import suppress

from lifecycle.command.flags import Does
from lifecycle.engine.events import Event
from lifecycle.run.plan.steps import PlannedStep
from lifecycle.run.session.session import Session
from lifecycle.terminal.errors import TerminalEnded, TerminalTimeout
from lifecycle.terminal.terminal import Terminal

FIRST_OUTPUT = 1.0
"""Seconds that a program which opened a terminal gets to print its first character.

Where it took longer to come up, it gets as long again: a machine is slow in both.
"""
EXEC_LIMIT = 10.0
"""Seconds that an exec may take to get its process."""
EXEC_PAUSE = 0.05
"""Seconds after which a silent one is inspected again."""


def wait_ready(does: Does, terminal: Terminal, limit: float) -> None:
    """What is typed before the CLI, and then a shell, has taken its terminal over is lost.

    The CLI turns the echo off. A shell's first output says that it has; a program that prints
    nothing is waited for a moment only, and what is attached to may have printed all it had to.
    """
    if does.command:
        with suppress(TerminalTimeout, TerminalEnded):
            terminal.wait_for(r"\S", since=0, timeout=limit)
    else:
        terminal.wait_echo_off(limit)


def wait_open(
    session: Session, planned: PlannedStep, terminal: Terminal, since: int
) -> tuple[str, str]:
    """Wait until the engine says that the command is up: what went wrong, and the exec's id."""
    wanted = planned.does.opens_on
    if not wanted:
        return "", ""
    real = session.real("container", planned.container)

    def is_up(event: Event) -> bool:
        mine = event.is_a(wanted, real)
        return mine and not session.daemon.is_own_exec(event.attributes.get("execID", ""))

    event = session.events.wait(
        is_up, since=since, timeout=planned.limit, until=lambda: terminal.ended
    )
    if event is None:
        return "" if terminal.ended else f"it was not up within {planned.limit:g} s", ""
    exec_id = event.attributes.get("execID", "")
    problem = _wait_exec(session, exec_id, terminal) if wanted == "exec_start" else ""
    return problem, exec_id


def _wait_exec(session: Session, exec_id: str, terminal: Terminal) -> str:
    """An exec is open when it prints or its inspect has a Pid: the engine has no event for that."""
    deadline = time.monotonic() + EXEC_LIMIT
    while time.monotonic() < deadline and not terminal.ended:
        if terminal.wait_change(0, EXEC_PAUSE):
            return ""
        state = session.daemon.exec(exec_id)
        if state is None or state.get("Pid"):
            return ""
    return "" if terminal.ended else "its process did not start"
