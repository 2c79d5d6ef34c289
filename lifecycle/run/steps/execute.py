"""Doing one command as the subject: to its end, or on a terminal that stays open."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from lifecycle.engine.daemon import Daemon, EngineError
from lifecycle.engine.end_exec import end_exec
from lifecycle.machine import process
from lifecycle.run.outcome import Acted
from lifecycle.run.plan.steps import PlannedStep
from lifecycle.run.session.discover import own_detach_keys
from lifecycle.run.session.open_terminals import OpenTerminal
from lifecycle.run.session.session import Session
from lifecycle.run.steps.dialogue import answer
from lifecycle.run.steps.open_terminal import FIRST_OUTPUT, wait_open, wait_ready
from lifecycle.terminal.errors import TerminalEnded, TerminalTimeout
from lifecycle.terminal.styled_screen import Picture
from lifecycle.terminal.terminal import Terminal


def run_to_end(session: Session, planned: PlannedStep, words: Sequence[str]) -> Acted:
    """Run a command without a terminal."""
    with _ending(session, planned) as end:
        done = process.run(
            list(words),
            subject=session.world.subject,
            env=session.through_gate(),
            cwd=str(session.folder),
            timeout=planned.limit,
            stdin=planned.stdin.encode() if planned.stdin is not None else None,
            on_start=session.ownership.began,
        )
        problem = f"it did not end within {planned.limit:g} s{end()}" if done.timed_out else ""
    shown = Picture(done.output, lost=done.lost)
    return Acted(done.exit_code, done.output, done.output, problem, done.seconds, shown, done.lost)


def run_on_terminal(session: Session, planned: PlannedStep, words: Sequence[str]) -> Acted:
    """Run a command on a terminal, drive its dialogue, and leave it open if it opens one."""
    since, begun = session.events.mark(), time.monotonic()
    with _ending(session, planned) as end:
        terminal = Terminal(
            list(words),
            name=planned.opens or planned.title,
            subject=session.world.subject,
            env=session.through_gate(),
            cwd=str(session.folder),
            on_start=session.ownership.began,
            on_end=session.events.wake,
            **planned.window._asdict(),
        )
        try:
            acted = _on(session, planned, terminal, since)
        except BaseException:
            terminal.close()
            raise
        if acted.problem and not planned.opens:
            acted.problem += end()
    if acted.exit_code is not None:
        acted.seconds = time.monotonic() - begun
    return acted


@contextmanager
def _ending(session: Session, planned: PlannedStep) -> Iterator[Callable[[], str]]:
    """Yield a function that kills what a timed-out ``docker exec`` left running.

    It returns what to add to the step's problem: nothing for other commands. Where a person
    interrupts the step, leaving the context calls it.
    """
    mark = session.events.mark()

    def end() -> str:
        if planned.line is None or planned.line.verb != "exec":
            return ""
        try:
            left = [why for one in _execs(session, planned, mark) if (why := end_exec(*one))]
        except EngineError as error:
            left = [str(error)]
        shown = "; ".join(left)
        return f"; inside the container it goes on: {shown}" if left else "; it was ended inside"

    try:
        yield end
    except BaseException:
        end()
        raise


def _execs(session: Session, planned: PlannedStep, since: int) -> list[tuple[Daemon, str]]:
    """The execs that a step's command has started."""
    real, daemon = session.real("container", planned.container), session.daemon
    started = (e for e in session.events.since(since) if e.action == "exec_start")
    ids = [e.attributes.get("execID", "") for e in started if e.name == real]
    return [(daemon, one) for one in ids if one and not daemon.is_own_exec(one)]


def _on(session: Session, planned: PlannedStep, terminal: Terminal, since: int) -> Acted:
    if not planned.opens:
        return _drive(session, planned, terminal)
    begun = time.monotonic()
    problem, exec_id = wait_open(session, planned, terminal, since)
    if not problem and planned.line:
        wait_ready(planned.does, terminal, max(FIRST_OUTPUT, time.monotonic() - begun))
    if terminal.ended:
        acted = looked_at(terminal)
        terminal.close()
        return acted
    keys = own_detach_keys(session.env, session.world.subject)
    opened = OpenTerminal(terminal, planned.container, planned, exec_id, keys)
    session.terminals.add(planned.opens, opened)
    return looked_at(terminal, problem=problem)


def _drive(session: Session, planned: PlannedStep, terminal: Terminal) -> Acted:
    deadline = time.monotonic() + planned.limit
    problem = ""
    try:
        answer(session, planned.container, planned.dialogue, terminal, deadline)
        if terminal.wait_end(max(0.0, deadline - time.monotonic())) is None:
            problem = f"it did not end within {planned.limit:g} s"
    except (TerminalTimeout, TerminalEnded) as error:
        problem = error.reason
    acted = looked_at(terminal, problem=problem)
    terminal.close()
    return acted


def looked_at(terminal: Terminal, since: int = 0, *, problem: str = "") -> Acted:
    """The state of a terminal now, with what it has printed since an offset."""
    code, picture = terminal.exit_code, terminal.picture()
    return Acted(code, terminal.text(since), picture.text, problem, picture=picture)
