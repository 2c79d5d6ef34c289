"""Doing one command as the subject: to its end, or on a terminal that stays open."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from lifecycle.engine import process
from lifecycle.engine.events import Event
from lifecycle.engine.terminal import Terminal, TerminalEnded, TerminalTimeout
from lifecycle.run.plan import PlannedStep
from lifecycle.run.session import OpenTerminal, Session

OPENING = {"run": "start", "start": "start", "exec": "exec_start", "attach": "attach"}
"""The engine event that says a terminal's command is up, by verb."""
FIRST_OUTPUT = 1.0
"""Seconds that a program which opened a terminal gets to print its first character."""
ECHO_LIMIT = 2.0
"""Seconds that a password prompt gets to turn the echo off."""
EXEC_LIMIT = 10.0
"""Seconds that an exec may take to get its process."""


@dataclass
class Acted:
    """What a command came to. ``exit_code`` is None while its terminal stays open."""

    exit_code: int | None
    output: str
    screen: str
    problem: str = ""
    """Why it did not get as far as it should: a timeout, or a prompt that never came."""


def run_to_end(session: Session, planned: PlannedStep, words: Sequence[str]) -> Acted:
    """Run a command without a terminal."""
    done = process.run(
        list(words),
        subject=session.world.subject,
        env=session.env,
        cwd=str(session.folder),
        timeout=planned.limit,
        stdin=planned.stdin.encode() if planned.stdin is not None else None,
        on_start=session.ledger.cli,
    )
    problem = f"it did not end within {planned.limit:g} s" if done.timed_out else ""
    return Acted(done.exit_code, done.output, done.output, problem)


def run_on_terminal(session: Session, planned: PlannedStep, words: Sequence[str]) -> Acted:
    """Run a command on a terminal, drive its dialogue, and leave it open if it opens one."""
    since = session.events.mark()
    terminal = Terminal(
        list(words),
        name=planned.opens or planned.title,
        subject=session.world.subject,
        env=session.env,
        cwd=str(session.folder),
        on_start=session.ledger.cli,
        on_end=session.events.wake,
    )
    try:
        return _on(session, planned, terminal, since)
    except BaseException:
        terminal.close()
        raise


def _on(session: Session, planned: PlannedStep, terminal: Terminal, since: int) -> Acted:
    if not planned.opens:
        return _drive(session, planned, terminal)
    problem = _wait_open(session, planned, terminal, since)
    if not problem and planned.line and planned.line.verb in {"run", "exec"}:
        # What is typed before a shell has taken its terminal over is lost. Its first output says
        # that it has; a program that prints nothing is waited for a moment only.
        with suppress(TerminalTimeout, TerminalEnded):
            terminal.wait_for(r"\S", since=0, timeout=FIRST_OUTPUT)
    if terminal.ended:
        acted = Acted(terminal.exit_code, terminal.text(), terminal.screen())
        terminal.close()
        return acted
    session.terminals[planned.opens] = OpenTerminal(terminal, planned.container, planned)
    return Acted(None, terminal.text(), terminal.screen(), problem)


def _drive(session: Session, planned: PlannedStep, terminal: Terminal) -> Acted:
    deadline = time.monotonic() + planned.limit
    problem = ""
    try:
        answer(session, planned.container, planned.dialogue, terminal, deadline)
        if terminal.wait_end(max(0.0, deadline - time.monotonic())) is None:
            problem = f"it did not end within {planned.limit:g} s"
    except (TerminalTimeout, TerminalEnded) as error:
        problem = error.reason
    acted = Acted(terminal.exit_code, terminal.text(), terminal.screen(), problem)
    terminal.close()
    return acted


def answer(
    session: Session,
    container: str,
    dialogue: Sequence[Mapping[str, Any]],
    terminal: Terminal,
    deadline: float,
) -> None:
    """Wait for each prompt in order and answer it; a prompt marked optional may not come."""
    since = 0
    for index, entry in enumerate(dialogue):
        later = [str(e["expect"]) for e in dialogue[index + 1 :]]
        pattern = str(entry["expect"])
        # An optional prompt is passed over when a later one comes first, or the program ends.
        wanted = (
            "|".join(f"(?:{p})" for p in [pattern, *later]) if entry.get("optional") else pattern
        )
        left = max(0.0, deadline - time.monotonic())
        try:
            match = terminal.wait_for(_flags_first(wanted), since=since, timeout=left)
        except TerminalEnded:
            if entry.get("optional"):
                return
            raise
        if entry.get("optional") and not re.search(pattern, match.group()):
            continue
        since = terminal.mark()
        send(session, container, terminal, entry.get("send"), entry.get("press") or ())


def _flags_first(pattern: str) -> str:
    """Python wants global flags at the beginning: in a joined pattern they apply to all."""
    return f"(?i){pattern.replace('(?i)', '')}" if "(?i)" in pattern else pattern


def send(
    session: Session, container: str, terminal: Terminal, text: str | None, keys: Sequence[str]
) -> None:
    """Type a line or press keys; a secret is remembered as the container's latest password."""
    if text is not None:
        if session.secrets.inside(text):
            session.passwords[container] = text
            terminal.wait_echo_off(ECHO_LIMIT)
        terminal.send_line(text)
    if keys:
        terminal.press(list(keys))


def _wait_open(session: Session, planned: PlannedStep, terminal: Terminal, since: int) -> str:
    """Wait until the engine says that the command is up; returns what went wrong, or nothing."""
    line = planned.line
    if line is None:
        return ""
    real, wanted = session.real("container", planned.container), OPENING[line.verb]

    def is_up(event: Event) -> bool:
        mine = event.name == real and event.action == wanted
        return mine and event.attributes.get("execID", "") not in session.daemon.own_execs

    event = session.events.wait(
        is_up, since=since, timeout=planned.limit, until=lambda: terminal.ended
    )
    if event is None:
        return "" if terminal.ended else f"it was not up within {planned.limit:g} s"
    if line.verb == "exec":
        return _wait_exec(session, event.attributes.get("execID", ""), terminal)
    return ""


def _wait_exec(session: Session, exec_id: str, terminal: Terminal) -> str:
    """An exec is open when its inspect has a Pid; the engine sends no event for that."""
    deadline = time.monotonic() + EXEC_LIMIT
    while time.monotonic() < deadline and not terminal.ended:
        state = session.daemon.exec(exec_id)
        if state is None or state.get("Pid"):
            return ""
        time.sleep(0.005)
    return "" if terminal.ended else "its process did not start"
