"""The name map: what an author calls a thing, and what this run calls it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Self

from lifecycle.command.flags import does
from lifecycle.command.line import DockerLine, NameAt, Ref, RefKind
from lifecycle.command.name_rules import IMAGE_SIGNS
from lifecycle.command.references import familiar, has_tag, is_image_id
from lifecycle.command.values.basic import ImpossibleError
from lifecycle.command.values.networks import is_user_network, network_at

KINDS: tuple[RefKind, ...] = ("container", "image", "volume", "network")


def isolate(lines: Iterable[DockerLine]) -> frozenset[Ref]:
    """Everything that a scenario's lines make, and that gets a name of its own run.

    What is pulled or loaded keeps its name, unless an earlier line made it here.
    """
    made: set[Ref] = set()
    adopted: set[Ref] = set()
    for line in lines:
        if does(line).adopts:
            adopted |= line.creates - made
        else:
            made |= {r for r in line.creates if not (r.kind == "image" and is_image_id(r.name))}
    return frozenset(made - adopted)


class Unnamed(str):
    """The container of a line that names none: a value of its own, known by its step.

    It goes wherever a written name goes, and its text is no name that Docker would take.
    """

    __slots__ = ("step",)
    step: int

    def __new__(cls, step: int) -> Self:
        """The container that step number ``step`` makes."""
        made = super().__new__(cls, f"(unnamed, step {step})")
        made.step = step
        return made

    def __getnewargs__(self) -> tuple[int]:  # type: ignore[override]
        """A copy gets the same step."""
        return (self.step,)


@dataclass(frozen=True)
class NameMap:
    """Written names and real names of one run.

    ``run`` is unguessable: it makes a name ours. ``isolated`` are the things that get a real
    name; with ``as_written`` none does.
    """

    run: str
    as_written: bool
    isolated: frozenset[Ref]

    def real(self, ref: Ref) -> str:
        """The name that the engine knows a thing by."""
        if self.as_written or ref not in self.isolated:
            return ref.name
        if ref.kind != "image":
            return f"{ref.name}-{self.run}"
        name, tag = _split(ref.name)
        return f"{name}-{self.run}{tag}"

    def written(self, kind: RefKind, real: str) -> str:
        """The author's name of a thing that the engine calls ``real``."""
        return self._written.get((kind, real), real)

    def restore(self, text: str) -> str:
        """A text with every real name replaced by the written one."""
        if not self._pattern:
            return text
        return self._pattern.sub(lambda m: self._stems[m[0]], text)

    def unnamed(self, step: int) -> str:
        """The engine's name of the container that step ``step`` makes without naming it.

        It begins with the run's id, where every written name's ends: no two are the same.
        """
        return f"{self.run}-unnamed-{step}"

    def is_unnamed(self, line: DockerLine) -> bool:
        """Whether a line makes a container and leaves its name to docker."""
        return does(line).makes == "container" and not line.values("--name")

    def apply(self, line: DockerLine, step: int = 0) -> tuple[str, ...]:
        """The words to run: real names in place of written ones.

        A container that the line does not name is named ``unnamed(step)``. On a network of its
        own a renamed container keeps its written name as an alias.
        """
        words = list(line.words)
        for name in sorted(set(line.names), key=lambda n: (n.word, -n.start)):
            word = words[name.word]
            written = word[name.start : name.end]
            here = self._here(line, name, written)
            words[name.word] = f"{word[: name.start]}{here}{word[name.end :]}"
        added: list[str] = []
        if self.is_unnamed(line):
            added += ("--name", self.unnamed(step))
        added += self._aliases(line, words)
        words[line.flags_at : line.flags_at] = added
        return tuple(words)

    def renamed(self, line: DockerLine) -> Iterator[tuple[str, Ref]]:
        """The names in a line, as written, of things that have another name in this run."""
        for name in line.names:
            ref = self._meant(line, name.ref)
            if self.real(ref) != ref.name:
                yield line.words[name.word][name.start : name.end], ref

    def _here(self, line: DockerLine, name: NameAt, written: str) -> str:
        """The real name in the shape that was written, without a tag where none was."""
        ref = self._meant(line, name.ref)
        real = self.real(ref)
        if real == ref.name:
            return written
        return real if ref.kind != "image" or has_tag(written) else _split(real)[0]

    def _meant(self, line: DockerLine, ref: Ref) -> Ref:
        """Docker inspect takes a name of any kind: the kind that this run made is meant."""
        if line.verb != "inspect" or line.values("--type"):
            return ref
        names = {ref.name}
        if not IMAGE_SIGNS.search(ref.name):
            names.add(_image_name(ref.name))
        same = (Ref(kind, n) for kind in KINDS for n in names)
        return next((r for r in same if r in self.isolated), ref)

    def _aliases(self, line: DockerLine, words: list[str]) -> Iterator[str]:
        """Flags that keep the written name of a renamed container on a network of the run."""
        renamed = [n.ref for n in line.names if n.ref.kind == "container"]
        renamed = [r for r in renamed if self.real(r) != r.name]
        if line.verb == "network connect" and renamed and self._own_network(line.args[0]):
            yield from ("--alias", renamed[0].name)
        if does(line).makes != "container":
            return
        made = [r for r in renamed if r in line.creates]
        networks = [o for o in line.options if o.flag == "--network"]
        for option in networks if made else ():
            if not self._own_network(network_at(option.value)[0]):
                continue
            # --network-alias is of the first network, and excludes an alias in its value.
            if option is networks[0] and "alias=" not in option.value:
                yield from ("--network-alias", made[-1].name)
            else:
                long = "=" in option.value
                _long_alias(words, option.value_at, made[-1].name, long=long)

    def _own_network(self, name: str) -> bool:
        """Whether this run makes a network: on another's, a name of ours would take its traffic."""
        return is_user_network(name) and Ref("network", name) in self.isolated

    @cached_property
    def _written(self) -> dict[tuple[RefKind, str], str]:
        return {(ref.kind, self.real(ref)): ref.name for ref in self.isolated}

    @cached_property
    def _stems(self) -> dict[str, str]:
        """Real names as texts show them (an image's without its tag) and the written ones."""
        return {
            _stem(ref.kind, self.real(ref)): _stem(ref.kind, ref.name)
            for ref in self.isolated
            if self.real(ref) != ref.name
        }

    @cached_property
    def _pattern(self) -> re.Pattern[str] | None:
        longest_first = sorted(self._stems, key=len, reverse=True)
        return re.compile("|".join(map(re.escape, longest_first))) if longest_first else None


def _split(image: str) -> tuple[str, str]:
    """An image's name and the rest: its tag, digest or both."""
    name, at, digest = image.partition("@")
    path = name.rfind("/")
    colon = name.find(":", path + 1)
    stem, tag = (name, "") if colon < 0 else (name[:colon], name[colon:])
    return stem, f"{tag}{at}{digest}"


def _stem(kind: RefKind, name: str) -> str:
    return _split(name)[0] if kind == "image" else name


def _image_name(name: str) -> str:
    try:
        return familiar(name)
    except ImpossibleError:
        return name


def _long_alias(words: list[str], value_at: tuple[int, int], alias: str, *, long: bool) -> None:
    """Add an alias to a --network; writes it in the long form."""
    index, start = value_at
    value = words[index][start:]
    words[index] = f"{words[index][:start]}{value if long else f'name={value}'},alias={alias}"
