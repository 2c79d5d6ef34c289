"""The value that a docker command line parses into."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

RefKind = Literal["container", "image", "volume", "network"]
Role = Literal["creates", "uses", "destroys"]
SHELLS = frozenset({"bash", "sh", "dash", "ash", "zsh", "fish"})
"""Programs that, alone in a line, wait for a person to type."""


class CommandError(Exception):
    """A line that the docker CLI would not take, or that we do not know.

    ``word`` is the index of the offending word and ``hint`` says what to write instead.
    """

    def __init__(self, message: str, *, word: int = 0, hint: str = "") -> None:
        super().__init__(f"{message}; {hint}" if hint else message)
        self.message = message
        self.word = word
        self.hint = hint


@dataclass(frozen=True, order=True)
class Ref:
    """One named thing of an engine.

    An image's name is familiar and always carries its tag or digest (``me/test:latest``),
    whatever was written; the other kinds are named as written.
    """

    kind: RefKind
    name: str

    def __str__(self) -> str:
        return f"{self.kind} {self.name}"


@dataclass(frozen=True)
class NameAt:
    """Where a name stands in the line, so that the name map can rewrite just that part.

    ``words[word][start:end]`` is the name as written.
    """

    ref: Ref
    role: Role
    word: int
    start: int
    end: int


@dataclass(frozen=True)
class Option:
    """One occurrence of a flag.

    ``flag`` is the long spelling (``--volume``), ``written`` what stood in the line (``-v``),
    ``value`` the text of its value (``"true"``/``"false"`` for a switch), ``word`` the index of
    the word that holds the flag.
    """

    flag: str
    written: str
    value: str
    word: int
    value_at: tuple[int, int] = (0, 0)
    """The word that holds the value, and the offset where the value starts in it."""


@dataclass(frozen=True)
class DockerLine:
    """A docker command line, read as the CLI reads it.

    ``words`` is the whole line including ``docker``; ``verb`` is ``"run"`` or
    ``"network create"`` (aliases such as ``container run`` and ``image rm`` are resolved);
    ``args`` are the positional words after the verb (for run: image, command, its arguments).
    """

    words: tuple[str, ...]
    verb: str
    options: tuple[Option, ...]
    args: tuple[str, ...]
    names: tuple[NameAt, ...]
    first_arg: int
    """Index in ``words`` of the first positional; ``len(words)`` when there is none."""
    flags_at: int = 2
    """Index in ``words`` of the first word after the verb."""

    def values(self, flag: str) -> tuple[str, ...]:
        """Every value given for a flag, in order; empty when it is absent."""
        return tuple(o.value for o in self.options if o.flag == flag)

    def last(self, flag: str) -> str | None:
        """The value that wins for a flag that may be given once."""
        values = self.values(flag)
        return values[-1] if values else None

    def on(self, flag: str) -> bool:
        """Whether a switch is on."""
        return self.last(flag) == "true"

    def refs(self, role: Role) -> frozenset[Ref]:
        """The things of one role."""
        return frozenset(n.ref for n in self.names if n.role == role)

    @property
    def creates(self) -> frozenset[Ref]:
        """Named things that exist after this line and did not have to before."""
        return self.refs("creates")

    @property
    def uses(self) -> frozenset[Ref]:
        """Named things that must exist already."""
        return self.refs("uses")

    @property
    def destroys(self) -> frozenset[Ref]:
        """Named things that are gone after this line."""
        return self.refs("destroys")
