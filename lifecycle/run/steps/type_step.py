"""``type`` steps: a line or keys for an open terminal, and what they should bring about.

Typing has no end of its own that anybody reports. What the step expects is asked until it holds,
within a limit; leaving a shell is waited for by the terminal's end.
"""

from __future__ import annotations

import time
from dataclasses import replace

from lifecycle.checks.check import Check, compare, unverified
from lifecycle.checks.expect.judge_expect import judge_expect
from lifecycle.checks.expect.pattern import pattern
from lifecycle.run.observing.step_facts import look_after, look_before
from lifecycle.run.observing.until import until_kept, wait_until
from lifecycle.run.outcome import StepResult
from lifecycle.run.plan.steps import PlannedStep
from lifecycle.run.session.open_terminals import OpenTerminal
from lifecycle.run.session.session import Session
from lifecycle.run.steps import before_and_after, dialogue, execute
from lifecycle.run.steps.window_size import window_inside

TYPED_LIMIT = 15.0
"""Seconds until what a typed line should bring about must hold."""
_COMES_BACK = frozenset({"always", "unless-stopped"})
_ENDS_SHELL = frozenset({"exit", "logout"})


def type_step(session: Session, planned: PlannedStep, result: StepResult) -> None:
    """Type it, wait for what it should bring about, and judge a terminal that ended."""
    opened = _terminal(session, planned, result)
    if opened is not None:
        try:
            _type(session, planned, opened, result)
        finally:
            result.show(opened.terminal.picture())


def _type(session: Session, planned: PlannedStep, opened: OpenTerminal, result: StepResult) -> None:
    terminal = opened.terminal
    before = look_before(session, planned, ())
    result.ran = True
    if planned.step.window:
        terminal.resize(**planned.step.window._asdict())
        result.checks += window_inside(session, opened, planned.step.window)
    since = terminal.mark()
    dialogue.send(
        session,
        opened.container,
        terminal,
        planned.typed if planned.step.type is not None else None,
        planned.step.press,
    )
    limit = float(planned.step.within or planned.step.timeout or TYPED_LIMIT)
    result.checks += _screen(planned, opened, since, limit)
    ends = planned.typed.strip().split(" ")[0] in _ENDS_SHELL or "ctrl-d" in planned.step.press
    # In a shell within a shell, `exit` ends only that one: then the author says what shows.
    ends = ends and "screen" not in planned.expect
    wants_end = ends or before_and_after.detaches(planned, opened) or "exit" in planned.expect
    stays = wants_end and terminal.wait_end(limit) is None
    if stays:
        shown = f"it did not end within {limit:g} s"
        result.checks.append(Check("the terminal ends", "ended", shown, "broken", "terminal"))
    asked = {k: v for k, v in planned.expect.items() if k != "screen"}
    named = planned.step.on or opened.container

    def observe() -> list[Check]:
        acted = execute.looked_at(terminal, since)
        facts = look_after(session, _about(planned, named), (), acted, before)
        return judge_expect(asked, facts, facts.containers.get(named))

    if asked:
        result.checks += until_kept(observe, 0 if stays else limit)
    if terminal.ended:
        result.checks += _ended(session, planned, opened, before.mark)
    result.show(terminal.picture())


def _terminal(session: Session, planned: PlannedStep, result: StepResult) -> OpenTerminal | None:
    name = planned.step.in_ or session.terminals.latest
    opened = session.terminals.get(name)
    if opened is None:
        state = "no terminal is open" if not name else f"terminal {name} is not open"
        result.checks.append(Check(f"terminal {name}", "open", state, "broken", "terminal"))
    return opened


def _screen(planned: PlannedStep, opened: OpenTerminal, since: int, limit: float) -> list[Check]:
    """Wait for text; the echo of what was typed does not count."""
    wanted = planned.expect.get("screen")
    if not wanted:
        return []
    terminal = opened.terminal

    def look() -> Check:
        text = terminal.text(since)
        shown = text.replace(planned.typed, "", 1) if planned.typed else text
        return pattern("screen", wanted, shown, "the terminal")

    deadline = time.monotonic() + limit
    while True:
        mark, check = terminal.mark(), look()
        left = deadline - time.monotonic()
        if check.status == "kept" or terminal.ended or left <= 0:
            return [look()] if terminal.ended else [check]
        terminal.wait_change(mark, left)


def _ended(session: Session, planned: PlannedStep, opened: OpenTerminal, since: int) -> list[Check]:
    """Exit is judged in the step where the terminal ends; detaching is no failure."""
    session.terminals.end(opened)
    if before_and_after.detaches(planned, opened):
        return [_still_up(session, opened)]
    checks = []
    if "exit" not in planned.expect:
        source = "the terminal's own"
        checks.append(compare("exit code", 0, opened.terminal.exit_code, source))
    if opened.attached:
        checks.append(_container_over(session, opened, since))
    return checks


def _still_up(session: Session, opened: OpenTerminal) -> Check:
    container = session.daemon.container(session.real("container", opened.container))
    state = container["State"]["Status"] if container else "gone"
    return compare(f"container {opened.container} after detaching", "running", state, "inspect")


def _container_over(session: Session, opened: OpenTerminal, since: int) -> Check:
    """PID 1 ended, so the container is exited, with --rm gone, with --restart started again."""
    real = session.real("container", opened.container)
    about = f"container {opened.container} when its first process ends"
    config = (session.ownership.created.get(real) or {}).get("HostConfig") or {}
    policy = config.get("RestartPolicy") or {}
    if policy.get("MaximumRetryCount"):
        return unverified(about, "started again", "it depends on how often it has failed")
    if policy.get("Name") in _COMES_BACK or (
        policy.get("Name") == "on-failure" and opened.terminal.exit_code
    ):
        again = _started_again(session, real, since)
        actual = "started again" if again else "not started again"
        return compare(about, "started again", actual, "events")
    wanted = "gone" if config.get("AutoRemove") else "exited"
    state = ""

    def holds() -> bool:
        nonlocal state
        container = session.daemon.container(real)
        state = container["State"]["Status"] if container else "gone"
        return state == wanted

    wait_until(holds, TYPED_LIMIT)
    return compare(about, wanted, state, "inspect")


def _started_again(session: Session, real: str, since: int) -> bool:
    start = session.events.wait(lambda e: e.is_a("start", real), since=since, timeout=TYPED_LIMIT)
    return start is not None


def _about(planned: PlannedStep, container: str) -> PlannedStep:
    """The same step, with the container that it is about."""
    return replace(planned, step=planned.step.model_copy(update={"on": container}))
