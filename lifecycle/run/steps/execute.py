"""Doing one command as the subject: to its end, or on a terminal that stays open."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass

from lifecycle.command.flags import Does
from lifecycle.engine.daemon import Daemon, EngineError
from lifecycle.engine.end_exec import end_exec
from lifecycle.engine.events import Event
from lifecycle.machine import process
from lifecycle.run.plan.steps import PlannedStep
from lifecycle.run.session.discover import own_detach_keys
from lifecycle.run.session.session import Session
from lifecycle.run.session.terminals import OpenTerminal
from lifecycle.scenario.model import Dialogue
from lifecycle.terminal.errors import TerminalEnded, TerminalTimeout
from lifecycle.terminal.styled_screen import Picture
from lifecycle.terminal.terminal import Reader, Terminal

FIRST_OUTPUT = 1.0
"""Seconds that a program which opened a terminal gets to print its first character.

Where it took longer to come up, it gets as long again: a machine is slow in both.
"""
ECHO_LIMIT = 2.0
"""Seconds that a password prompt gets to turn the echo off."""
EXEC_LIMIT = 10.0
"""Seconds that an exec may take to get its process."""
EXEC_PAUSE = 0.05
"""Seconds after which a silent one is inspected again."""


@dataclass
class Acted:
    """What a command came to. ``exit_code`` is None while its terminal stays open."""

    exit_code: int | None
    output: str
    screen: str
    problem: str = ""
    """Why it did not get as far as it should: a timeout, or a prompt that never came."""
    seconds: float | None = None
    """How long it took; None while its terminal stays open."""
    picture: Picture | None = None
    """The screen as it looked; without a terminal, what was printed."""


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
    return Acted(done.exit_code, done.output, done.output, problem, done.seconds, shown)


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
    """Gives what ends the processes of an exec whose CLI was ended, and says what came of it.

    A person who interrupts the step has it called as well.
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
    real, own = session.real("container", planned.container), session.daemon.own_execs
    started = (e for e in session.events.since(since) if e.action == "exec_start")
    ids = [e.attributes.get("execID", "") for e in started if e.name == real]
    return [(session.daemon, one) for one in ids if one and one not in own]


def _on(session: Session, planned: PlannedStep, terminal: Terminal, since: int) -> Acted:
    if not planned.opens:
        return _drive(session, planned, terminal)
    begun = time.monotonic()
    problem, exec_id = _wait_open(session, planned, terminal, since)
    if not problem and planned.line:
        _wait_ready(planned.does, terminal, max(FIRST_OUTPUT, time.monotonic() - begun))
    if terminal.ended:
        acted = looked_at(terminal)
        terminal.close()
        return acted
    keys = own_detach_keys(session.env, session.world.subject)
    opened = OpenTerminal(terminal, planned.container, planned, exec_id, keys)
    session.terminals.add(planned.opens, opened)
    return looked_at(terminal, problem=problem)


def _wait_ready(does: Does, terminal: Terminal, limit: float) -> None:
    """What is typed before the CLI, and then a shell, has taken its terminal over is lost.

    The CLI turns the echo off. A shell's first output says that it has; a program that prints
    nothing is waited for a moment only, and what is attached to may have printed all it had to.
    """
    if does.command:
        with suppress(TerminalTimeout, TerminalEnded):
            terminal.wait_for(r"\S", since=0, timeout=limit)
    else:
        terminal.wait_echo_off(limit)


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
    """What a terminal has come to by now, and what it has printed since an offset."""
    code, picture = terminal.exit_code, terminal.picture()
    return Acted(code, terminal.text(since), picture.text, problem, picture=picture)


def answer(
    session: Session,
    container: str,
    dialogue: Sequence[Dialogue],
    terminal: Terminal,
    deadline: float,
) -> None:
    """Wait for each prompt in order and answer it; a prompt marked optional may not come."""
    reader = Reader(terminal)
    for index, entry in enumerate(dialogue):
        rest = dialogue[index:]
        # An optional prompt is passed over when a later one comes first, or the program ends.
        awaited = rest if entry.optional else rest[:1]
        patterns = [e.expect for e in awaited]
        try:
            which, found = reader.wait_for(patterns, max(0.0, deadline - time.monotonic()))
        except TerminalEnded:
            if all(e.optional for e in rest):
                return
            raise
        if which:
            continue
        if entry.send is None and not entry.press:
            reader.pass_over(found)
            continue
        # All that is there by now belongs to this prompt, which may say the same word twice.
        reader.skip_to(terminal.mark())
        send(session, container, terminal, entry.send, entry.press)


def send(
    session: Session, container: str, terminal: Terminal, text: str | None, keys: Sequence[str]
) -> None:
    """Type a line or press keys; a secret is remembered as the container's latest password."""
    if text is not None:
        if session.secrets.inside(text):
            session.terminals.remember_secret(container, text)
            terminal.wait_echo_off(ECHO_LIMIT)
        terminal.send_line(text)
    if keys:
        terminal.press(list(keys))


def _wait_open(
    session: Session, planned: PlannedStep, terminal: Terminal, since: int
) -> tuple[str, str]:
    """Wait until the engine says that the command is up: what went wrong, and the exec's id."""
    wanted = planned.does.opens_on
    if not wanted:
        return "", ""
    real = session.real("container", planned.container)

    def is_up(event: Event) -> bool:
        mine = event.is_a(wanted, real)
        return mine and event.attributes.get("execID", "") not in session.daemon.own_execs

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
