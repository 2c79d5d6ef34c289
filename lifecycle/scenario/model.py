"""What a scenario is made of: closed, frozen models with the words of the format."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar, Literal, get_args

from pydantic import Field, PrivateAttr, model_validator

from lifecycle.scenario.closed_mapping import Closed, named_keys
from lifecycle.scenario.errors import Mark
from lifecycle.scenario.values import (
    Anything,
    BadValueError,
    Duration,
    EngineUse,
    FileMode,
    Flag,
    GpuNeed,
    Gpus,
    Identifier,
    Keys,
    Name,
    Number,
    Numbers,
    Opens,
    PortName,
    Processes,
    Regex,
    State,
    String,
    Strings,
    Switch,
    Window,
    WorkPath,
)

StepKind = Literal["command", "write", "type", "check"]
KINDS: tuple[StepKind, ...] = get_args(StepKind)
"""The keys of a step that say what it does, of which it has one."""
NOWHERE = Mark("<step>", 1, 1)


class Expectation(Closed):
    """A mapping that must expect something: an empty one would pass without looking."""

    @model_validator(mode="after")
    def _expects_something(self) -> Expectation:
        if not self.model_fields_set:
            raise BadValueError("found nothing to expect", f"one of {named_keys(self.keys())}")
        return self


class FileState(Expectation):
    """What a file or folder is like; ``owner`` and ``group`` are names or numbers."""

    exists: Flag | None = None
    owner: String | None = None
    group: String | None = None
    mode: FileMode | None = None
    writable: Flag | None = None
    contains: Regex | None = None
    text: String | None = None


class ContainerState(Expectation):
    """What the daemon says of the container."""

    exists: Flag | None = None
    state: State | None = None
    running: Flag | None = None
    exit_code: Number | None = None
    oom_killed: Flag | None = None
    restarts: Number | None = None


class ImageState(Expectation):
    """What the daemon says of an image: the step's own, unless ``name`` says which."""

    name: Name | None = None
    exists: Flag | None = None
    user: String | None = None
    workdir: String | None = None
    command: Strings | None = None
    env: Mapping[String, String] | None = None
    layers: Number | None = None


class MountState(Expectation):
    """A mount as the inside of the container has it."""

    source: String | None = None
    readonly: Flag | None = None


class Inside(Expectation):
    """What is seen from inside the container, as the user it runs as."""

    user: String | None = None
    uid: Number | None = None
    gid: Number | None = None
    groups: Strings | None = None
    home: String | None = None
    umask: FileMode | None = None
    env: Mapping[String, String] | None = None
    cwd: String | None = None
    hostname: String | None = None
    files: Mapping[Name, FileState] | None = None
    processes: Processes | None = None
    mounts: Mapping[Name, MountState] | None = None
    gpus: Gpus | None = None
    pid1: Regex | None = None


class Host(Expectation):
    """What is seen on the host."""

    files: Mapping[Name, FileState] | None = None


class PortState(Expectation):
    """A published port of the container, tried from the host."""

    answers: Flag | None = None


class Took(Expectation):
    """How long the command took, from its start to its end."""

    at_least: Duration | None = None
    at_most: Duration | None = None


class Expect(Expectation):
    """What only the author knows about a step; a ``check`` step has the same keys."""

    exit: Number | None = None
    output: Regex | None = None
    screen: Regex | None = None
    took: Took | None = None
    container: ContainerState | None = None
    image: ImageState | None = None
    inside: Inside | None = None
    host: Host | None = None
    port: Mapping[PortName, PortState] | None = None
    password_changed: Name | None = None


class Fails(Expectation):
    """The command must fail: with one of these exit codes, saying this."""

    exit: Numbers = ()
    output: Regex | None = None


class Dialogue(Closed):
    """Wait for a pattern on the terminal, then send a line or press keys."""

    expect: Regex
    send: String | None = None
    press: Keys = ()
    optional: Switch = False


class Step(Closed):
    """One thing a person does: a command, a file written, something typed, or a check."""

    reserved: ClassVar[tuple[str, ...]] = ("save", "use")

    name: String = ""
    command: Name | None = None
    write: WorkPath | None = None
    template: Name | None = None
    content: String | None = None
    mode: FileMode | None = None
    type: String | None = None
    press: Keys = ()
    check: Expect | None = None
    on: Name | None = None
    as_: Identifier | None = Field(None, alias="as")
    in_: Name | None = Field(None, alias="in")
    expect: Expect | None = None
    dialogue: tuple[Dialogue, ...] = ()
    fails: Fails | None = None
    stdin: String | None = None
    opens: Opens | None = None
    window: Window | None = None
    timeout: Duration | None = None
    within: Duration | None = None
    when: Name | None = None
    gpu: GpuNeed | None = None
    _mark: Mark = PrivateAttr(default=NOWHERE)

    @property
    def mark(self) -> Mark:
        """Where the step stands in its file."""
        return self._mark

    @property
    def kind(self) -> StepKind:
        """What it does; without a key of :data:`KINDS` it presses keys, or changes a window."""
        return next((k for k in KINDS if getattr(self, k) is not None), "type")

    @property
    def title(self) -> str:
        """The step's name, or what it does, in one line."""
        does = {
            "command": self.command,
            "write": f"write {self.write}",
            "type": self._typed(),
            "check": "check",
        }
        return self.name or " ".join((does[self.kind] or "").split())

    def _typed(self) -> str:
        if self.type:
            return f"type {self.type}"
        return f"press {' '.join(self.press)}" if self.press else f"window {self.window}"

    @model_validator(mode="before")
    @classmethod
    def _a_bare_string_is_a_command(cls, data: Any) -> Any:
        return {"command": data} if isinstance(data, str) else data

    @model_validator(mode="after")
    def _only_a_command_takes_time(self) -> Step:
        asked = self.check if self.kind == "check" else self.expect
        if self.kind != "command" and asked and asked.took:
            problem, expected = f"`took` in a {self.kind} step", "`took` only of a command"
            raise BadValueError(problem, expected, key="check" if self.check else "expect")
        return self

    @model_validator(mode="after")
    def _one_kind(self) -> Step:
        given = self.model_fields_set
        kinds = [k for k in KINDS if k in given]
        if not kinds and given & {"press", "window"}:
            kinds = ["type"]
        if len(kinds) != 1:
            kind_names = " and ".join(f"`{k}`" for k in kinds) or "no kind of step"
            raise BadValueError(
                f"found {kind_names}",
                f"exactly one of {', '.join(KINDS)}",
                key=kinds[1] if kinds else "",
            )
        for key, owners in OWNERS.items():
            if ("in_" if key == "in" else key) in given and kinds[0] not in owners:
                raise BadValueError(
                    f"`{key}` in a {kinds[0]} step",
                    f"`{key}` only in a {' or '.join(owners)} step",
                    key=key,
                )
        if kinds == ["write"] and ("template" in given) == ("content" in given):
            raise BadValueError("a write step", "one of `template` and `content`", key="write")
        return self


OWNERS: dict[str, tuple[StepKind, ...]] = {
    "template": ("write",),
    "content": ("write",),
    "mode": ("write",),
    "press": ("type",),
    "in": ("type", "check"),
    "expect": ("command", "write", "type"),
    "dialogue": ("command",),
    "fails": ("command",),
    "stdin": ("command",),
    "opens": ("command",),
    "window": ("command", "type"),
    "within": ("command", "type", "check"),
}
"""Keys that mean something only in some kinds of step."""


class Scenario(Closed):
    """A workflow as an ordered list of steps."""

    reserved: ClassVar[tuple[str, ...]] = ("matrix", "use", "compose", "services")

    scenario: Name
    summary: String = ""
    gpu: GpuNeed = "none"
    engine: EngineUse | None = None
    people: tuple[Identifier, ...] = ()
    vars: Mapping[Identifier, Anything] = Field(default_factory=dict)
    steps: tuple[Step, ...] = Field(json_schema_extra={"minItems": 1})
    finally_: tuple[Step, ...] = Field((), alias="finally")
    _file: Path = PrivateAttr(default=Path())
    _marks: Mapping[tuple[str | int, ...], Mark] = PrivateAttr(default_factory=dict)

    @property
    def name(self) -> str:
        """The scenario's name."""
        return self.scenario

    @property
    def file(self) -> Path:
        """The scenario's file."""
        return self._file

    @property
    def folder(self) -> Path:
        """The folder that its templates come from."""
        return self._file.parent

    @property
    def marks(self) -> Mapping[tuple[str | int, ...], Mark]:
        """Where each value stands, by its path: ``("steps", 2, "command")``."""
        return self._marks

    @model_validator(mode="after")
    def _has_steps(self) -> Scenario:
        if not self.steps:
            raise BadValueError("no steps", "at least one step", "steps: [docker ps]", key="steps")
        return self

    @model_validator(mode="after")
    def _people_differ(self) -> Scenario:
        if len(set(self.people)) < len(self.people):
            raise BadValueError("the same person twice", "each name once", key="people")
        return self

    def placed(self, file: Path, marks: Mapping[tuple[str | int, ...], Mark]) -> Scenario:
        """This scenario, with the path of its file."""
        self._file = file
        self._marks = marks
        for key, steps in (("steps", self.steps), ("finally", self.finally_)):
            for index, step in enumerate(steps):
                step._mark = marks.get((key, index), NOWHERE)  # noqa: SLF001 - of this module
        return self
