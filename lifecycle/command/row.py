"""The shape of a row of the flag table."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, Literal

from lifecycle.command.line import DockerLine, Ref, RefKind, Role
from lifecycle.command.promise import Where

Kind = Literal["bool", "value", "list", "map"]

Source = Literal["cli", "buildx", "hidden"]

Reader = Callable[[str], Any]
"""Turns a written value into the JSON value it stands for; raises ImpossibleError."""

Named = tuple[Ref, Role, int, int]
"""A thing that a text names: what, in which role, and ``text[start:end]``."""

NameRule = Callable[[str], Iterable[Named]]
"""Finds the names in a text; raises ImpossibleError when it can't hold one."""

Said = tuple[str, Any, str]
"""One promise of a value: suffix of the field, expected, why it can't be observed (or "")."""

Lines = Callable[[str], Iterable[Any]]
"""Reads the text of a file into the values that it holds; raises ImpossibleError."""

Shape = Callable[[Any], Iterable[Said]]
"""Turns a value that was read into what it promises."""

INSPECT: tuple[Where, ...] = ("inspect",)
INSIDE: tuple[Where, ...] = ("inside",)
HOST: tuple[Where, ...] = ("host",)
SEEN_INSIDE: tuple[Where, ...] = ("inspect", "inside")
SEEN_ON_HOST: tuple[Where, ...] = ("inspect", "host")


def as_read(value: Any) -> Iterator[Said]:
    """The value itself is what is expected."""
    yield "", value, ""


def when_given(value: Any) -> Iterator[Said]:
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


def by_key(value: tuple[str, str | None]) -> Iterator[Said]:
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
    expected: Any = True
    where: Where = "inspect"
    unless: tuple[str, ...] = ()


def unchecked(_line: DockerLine) -> None:
    """No rule binds this verb's options and arguments together."""


@dataclass(frozen=True)
class Verb:
    """One verb: its flags, its positionals, what it promises.

    ``check`` raises CommandError for what the CLI refuses over several words together, and
    ``refused`` says why a scenario may not use the verb at all.
    """

    name: str
    flags: tuple[Flag, ...] = ()
    args: tuple[Arg, ...] = ()
    interspersed: bool = True
    aliases: tuple[str, ...] = ()
    says: tuple[Each, ...] = ()
    check: Callable[[DockerLine], None] = unchecked
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
