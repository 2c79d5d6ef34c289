"""The shape of a row of the flag table."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from lifecycle.command.line import DockerLine, Ref, RefKind, Role
from lifecycle.command.promise import Expected, Promise, ReadFile, Where
from lifecycle.command.values.promised import Promised

Kind = Literal["bool", "value", "list", "map"]

Source = Literal["cli", "buildx", "hidden"]

Reader = Callable[[str], object]
"""Turns a written value into what it stands for; raises ImpossibleError."""

Named = tuple[Ref, Role, int, int]
"""A thing that a text names: what, in which role, and ``text[start:end]``."""

NameRule = Callable[[str], Iterable[Named]]
"""Finds the names in a text; raises ImpossibleError when it can't hold one."""

Lines = Callable[[str], Iterable[object]]
"""Reads the text of a file into the values that it holds; raises ImpossibleError."""

Shape = Callable[[Any], Iterable[Promised[Expected]]]
"""Turns a value, of the type that the flag's reader makes, into what it promises."""

INSPECT: tuple[Where, ...] = ("inspect",)
INSIDE: tuple[Where, ...] = ("inside",)
HOST: tuple[Where, ...] = ("host",)
SEEN_INSIDE: tuple[Where, ...] = ("inspect", "inside")
SEEN_ON_HOST: tuple[Where, ...] = ("inspect", "host")


def as_read(value: Expected) -> Iterator[Promised[Expected]]:
    """The value itself is what is expected."""
    yield "", value, ""


def when_given(value: Expected) -> Iterator[Promised[Expected]]:
    """The value itself; an empty one asks for nothing."""
    if value:
        yield "", value, ""


def no_names(_text: str) -> Iterable[Named]:
    """Names nothing."""
    return ()


@dataclass(frozen=True)
class Says:
    """What a flag promises: a field, where it is observed, and what is expected there."""

    field: str
    where: tuple[Where, ...] = INSPECT
    shape: Shape = as_read


@dataclass(frozen=True)
class Flag:
    """One flag of one verb.

    A flag with ``says`` promises; one with ``none`` promises nothing and ``none`` says why; one
    with neither is known, but its promise is not built yet. ``aliases`` are spellings that the
    CLI takes but does not list. ``source`` says where the row is from: the CLI's own help,
    buildx, or nowhere, since the CLI hides it.
    """

    long: str
    short: str = ""
    kind: Kind = "value"
    read: Reader = str
    says: tuple[Says, ...] = ()
    none: str = ""
    names: NameRule = no_names
    aliases: tuple[str, ...] = ()
    source: Source = "cli"
    untested: str = ""
    """Why no engine of the test suite can keep what the flag promises."""
    untested_keys: tuple[tuple[str, str], ...] = ()
    """The same of single keys of its value, each with the reason."""
    lines: Lines | None = None
    """For a flag whose value is a file: what each line of it says, as a value of the flag."""

    @property
    def why_untested(self) -> str:
        """Why the tests show it kept not at all, or without some keys; empty when they do."""
        keys = (f"{key} {reason}" for key, reason in self.untested_keys)
        return "; ".join(filter(None, (self.untested, *keys)))

    @property
    def keyed(self) -> bool:
        """Whether a later value replaces an earlier one of the same key."""
        return self.kind == "map" or any(s.shape is by_key for s in self.says)


def by_key(value: tuple[str, Expected]) -> Iterator[Promised[Expected]]:
    """A ``KEY=VALUE`` promises the field of its key."""
    key, text = value
    yield f".{key}", text, ""


@dataclass(frozen=True)
class Arg:
    """One positional of a verb; the last one may be given many times."""

    title: str
    names: NameRule = no_names
    optional: bool = False
    many: bool = False


@dataclass(frozen=True)
class Each:
    """What a verb promises of each thing of one kind and role in its line.

    A line that has one of the ``unless`` flags on promises it of nothing.
    """

    field: str
    kind: RefKind
    role: Role
    expected: Expected = True
    where: Where = "inspect"
    unless: tuple[str, ...] = ()


def unchecked(_line: DockerLine) -> None:
    """No rule binds this verb's options and arguments together."""


def nothing_more(_line: DockerLine, _read: ReadFile) -> Iterable[Promise]:
    """This verb promises what ``says`` has, and no more."""
    return ()


@dataclass(frozen=True, kw_only=True)
class Does:
    """What a verb does to an engine's things.

    No column has a default: who adds a verb answers each question.
    """

    acts_on: RefKind | Literal["engine", "any"]
    """What it is about, and what its flags are said of."""
    makes: RefKind | Literal[""]
    """What it makes anew."""
    adopts: bool
    """Whether what it makes has its name from elsewhere: a registry, an archive."""
    needs_image: bool
    """Whether it makes that out of an image, which the engine may pull first."""
    starts: bool
    """Whether a container's first process starts."""
    ends: tuple[RefKind, ...]
    """Which kinds of things, that it names, have ended or are gone by this name afterwards."""
    touches: tuple[RefKind, ...]
    """Which kinds of things, that were there, it enters, joins, changes or removes."""
    opens_on: Literal["", "start", "attach", "exec_start"]
    """The engine's event that says its terminal's program is up; empty: it opens none."""
    command: Literal["", "container.command", "exec.command"]
    """What the words after its first argument promise; empty: it takes no program to run."""
    slow: bool
    """Whether it moves layers or archives, and so may take minutes."""

    @property
    def first_process(self) -> bool:
        """Whether its terminal is that of the container's first process."""
        return self.opens_on in {"start", "attach"}

    @property
    def comes_in(self) -> bool:
        """Whether its terminal leads into a container that runs already."""
        return self.opens_on in {"attach", "exec_start"}


@dataclass(frozen=True)
class Verb:
    """One verb: its flags, its positionals, what it does, what it promises.

    ``sample`` is the shortest line of it, without its name. ``check`` raises CommandError for
    what the CLI refuses over several words together, ``special`` has the promises that ``says``
    can't hold, and ``refused`` says why a scenario may not use the verb at all.
    """

    name: str
    flags: tuple[Flag, ...] = ()
    args: tuple[Arg, ...] = ()
    does: Does = field(kw_only=True)
    sample: str = field(kw_only=True)
    interspersed: bool = True
    aliases: tuple[str, ...] = ()
    says: tuple[Each, ...] = ()
    check: Callable[[DockerLine], None] = unchecked
    special: Callable[[DockerLine, ReadFile], Iterable[Promise]] = nothing_more
    refused: str = ""
    spellings: dict[str, Flag] = field(init=False, compare=False, hash=False, repr=False)

    def __post_init__(self) -> None:
        """Index the flags by every spelling the CLI takes."""
        index = {
            spelling: flag
            for flag in self.flags
            for spelling in (flag.long, flag.short, *flag.aliases)
            if spelling
        }
        object.__setattr__(self, "spellings", index)

    @property
    def at_least(self) -> int:
        """The fewest positionals."""
        return sum(not a.optional for a in self.args)

    @property
    def at_most(self) -> int | None:
        """The most positionals; None when there is no bound."""
        return None if any(a.many for a in self.args) else len(self.args)

    def arg(self, index: int) -> Arg:
        """The row that describes the positional at an index."""
        return self.args[min(index, len(self.args) - 1)]


LOOKS = Does(
    acts_on="any",
    makes="",
    adopts=False,
    needs_image=False,
    starts=False,
    ends=(),
    touches=(),
    opens_on="",
    command="",
    slow=False,
)
"""What a verb does that only looks."""


def changes(kind: RefKind, *also: RefKind, ends: bool = False, **more: Any) -> Does:
    """What a verb does that changes things of one kind, ``also`` of others, or ends them."""
    ended = (kind, *also) if ends else ()
    return replace(LOOKS, acts_on=kind, touches=(kind, *also), ends=ended, **more)


def looks_at(kind: RefKind | Literal["engine"], **more: Any) -> Does:
    """What a verb does that reads things of one kind, and changes none."""
    return replace(LOOKS, acts_on=kind, **more)


def makes(kind: RefKind, **more: Any) -> Does:
    """What a verb does that makes a thing, and touches nothing that was there."""
    return replace(LOOKS, acts_on=kind, makes=kind, **more)


def switch(long: str, short: str = "", **more: Any) -> Flag:
    """A row for a flag that is on or off."""
    return Flag(long, short, kind="bool", **more)


def value(long: str, short: str = "", **more: Any) -> Flag:
    """A row for a flag whose last value wins."""
    return Flag(long, short, kind="value", **more)


def many(long: str, short: str = "", **more: Any) -> Flag:
    """A row for a flag that may be repeated."""
    return Flag(long, short, kind="list", **more)


def pairs(long: str, short: str = "", **more: Any) -> Flag:
    """A row for a flag of ``KEY=VALUE``, which may be repeated."""
    return Flag(long, short, kind="map", **more)
