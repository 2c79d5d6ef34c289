"""A scenario's steps, ready to be done: what the plan is made of."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from lifecycle.command.flags import Does, does
from lifecycle.command.host.line import HostLine
from lifecycle.command.line import SHELLS, DockerLine
from lifecycle.command.name_map import NameMap, Unnamed
from lifecycle.command.parse import parse
from lifecycle.command.promise import Promise
from lifecycle.scenario.model import Dialogue, Fails, Scenario, Step
from lifecycle.scenario.values import Size
from lifecycle.terminal.keys import key_bytes

Phase = Literal["steps", "finally"]
DEFAULT_LIMIT = 60.0
"""Seconds that a step may take, looks and all, where it does not say."""
LONG_LIMIT = 900.0
"""Seconds of a step that moves layers or archives: a pull, a build."""
WINDOW = Size(cols=120, rows=40)
_ROOT = frozenset({"0", "root"})


@dataclass(frozen=True, repr=False)  # what it types and writes may be secret
class PlannedStep:
    """One step, ready to be done.

    ``words`` is the command as written with its variables filled in; ``opens`` the name of the
    terminal that it leaves open (empty when it runs to its end); ``expect`` is rendered, plain
    values, ``fails`` and ``dialogue`` are the step's own, rendered. ``host_line`` says what a line
    that is not plain docker, or that gets round the gate, does about the engine.
    """

    index: int
    phase: Phase
    step: Step
    title: str
    words: tuple[str, ...] = ()
    line: DockerLine | None = None
    host_line: HostLine | None = None
    promises: tuple[Promise, ...] = ()
    expect: Mapping[str, Any] = None  # type: ignore[assignment]
    fails: Fails | None = None
    content: str = ""
    typed: str = ""
    stdin: str | None = None
    dialogue: tuple[Dialogue, ...] = ()
    opens: str = ""
    when: bool = True
    needs_gpu: bool = False

    @property
    def command(self) -> str:
        """The command on one line, quoted where it must be; for other steps what they do."""
        return shlex.join(self.words) if self.words else self.title

    @property
    def shown(self) -> str:
        """What it does, on one line, as a report has it."""
        step = self.step
        match step.kind:
            case "write":
                return f"write: {step.write}"
            case "type":
                done = [f"window: {step.window}"] if step.window else []
                done += [f"type: {self.typed}"] if step.type is not None else []
                done += [f"press: {' '.join(step.press)}"] if step.press else []
                return ", ".join(done)
            case "check":
                return f"check: {self.container or 'facts'}"
        return self.command

    @property
    def does(self) -> Does:
        """What its line does to an engine's things: nothing, where it has none."""
        return does(self.line)

    @property
    def note(self) -> str:
        """What to tell of its line before anything runs; empty for most."""
        return self.host_line.note if self.host_line else ""

    @property
    def container(self) -> str:
        """The container that the step is about: its written name, an Unnamed, or nothing."""
        if self.step.on:
            return self.step.on
        if self.line is None:
            return ""
        if self.does.makes == "container":
            return self.line.last("--name") or Unnamed(self.index + 1)
        line = self.line
        named = [n for n in line.names if n.ref.kind == "container"]
        # A flag may name another one: --link of network connect.
        named.sort(key=lambda n: n.word < line.first_arg)
        return named[0].ref.name if named else ""

    @property
    def limit(self) -> float:
        """Seconds that it may take."""
        if self.step.timeout:
            return float(self.step.timeout)
        return LONG_LIMIT if self.does.slow else DEFAULT_LIMIT

    @property
    def sent(self) -> bytes:
        """What a ``type`` step gives to its terminal."""
        line = f"{self.typed}\r" if self.step.type is not None else ""
        return line.encode() + key_bytes(self.step.press)

    @property
    def window(self) -> Size:
        """The size of the terminal that it opens."""
        return self.step.window or WINDOW

    @property
    def on_terminal(self) -> bool:
        """Whether a person would do it on a terminal."""
        if self.dialogue or self.opens:
            return True
        return bool(self.line and (self.line.on("--tty") and not self.line.on("--detach")))

    def without_gpus(self) -> PlannedStep:
        """The same step with ``--gpus`` left out, as a machine without GPUs can do it."""
        if self.line is None or not self.line.values("--gpus"):
            return replace(self, needs_gpu=False)
        words = _drop_option(self.line, "--gpus")
        kept = tuple(p for p in self.promises if p.flag != "--gpus")
        return replace(self, words=words, line=parse(words), promises=kept, needs_gpu=False)


@dataclass(frozen=True)
class Plan:
    """A scenario ready to run: its steps in order, ``finally`` after, and its name map."""

    scenario: Scenario
    steps: tuple[PlannedStep, ...]
    names: NameMap

    def of(self, phase: Phase) -> tuple[PlannedStep, ...]:
        """The steps of one phase."""
        return tuple(s for s in self.steps if s.phase == phase)

    def container(self, planned: PlannedStep) -> str:
        """The container that a step is about; for one in a terminal that of the terminal."""
        if planned.step.on or not planned.step.in_:
            return planned.container
        opener = (s for s in reversed(self.steps[: planned.index]) if s.opens == planned.step.in_)
        return next((s.container for s in opener), "")


def user_of(planned: PlannedStep) -> str:
    """As whom a step looks inside: ``--user`` of its line, or nothing for the container's own."""
    return (planned.line.last("--user") or "") if planned.line else ""


def asks_inside(planned: PlannedStep, promises: Sequence[Promise]) -> bool:
    """Whether what a step expects and promises takes a look inside."""
    return bool(planned.expect.get("inside")) or any(
        p.where == "inside" or (p.field == "exec.user" and p.where == "host") for p in promises
    )


def later_looks(plan: Plan, planned: PlannedStep) -> tuple[str, ...]:
    """As whom later steps look into the same container, before a command ends or starts it.

    A password is read as root: by the name that another look has for root, else by 0.
    """
    about, users, passwords = plan.container(planned), list[str](), False
    for later in plan.steps[planned.index + 1 :]:
        if plan.container(later) != about:
            continue
        if "container" in later.does.ends or later.does.starts:
            break
        passwords = passwords or "password_changed" in later.expect
        if asks_inside(later, later.promises):
            users.append(user_of(later))
    if passwords and not _ROOT & set(users):
        users.append("0")
    return tuple(dict.fromkeys(users))


def opens(planned: PlannedStep) -> str:
    """The name of the terminal that a line leaves open; empty when it runs to its end.

    A ``-ti`` line that runs the image's own command or a lone shell stays open, unless a
    dialogue drives it to its end; attaching always does.
    """
    if planned.step.opens is not None:
        return str(planned.step.opens or "")
    line = planned.line
    if line is None or planned.dialogue:
        return ""
    if line.verb == "attach" or (line.verb == "start" and line.on("--attach")):
        return planned.container
    if not (line.on("--tty") and line.on("--interactive")) or line.on("--detach"):
        return ""
    command = line.args[1:]
    lone_shell = len(command) == 1 and Path(command[0]).name in SHELLS
    own = planned.does.command and planned.does.opens_on
    return planned.container if own and (lone_shell or not command) else ""


def _drop_option(line: DockerLine, flag: str) -> tuple[str, ...]:
    """The words without one flag and its value."""
    drop = set()
    for option in (o for o in line.options if o.flag == flag):
        drop.add(option.word)
        if "=" not in line.words[option.word]:
            drop.add(option.word + 1)
    return tuple(w for i, w in enumerate(line.words) if i not in drop)
