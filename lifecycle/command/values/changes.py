"""Dockerfile instructions as values: ``--change`` of ``docker commit`` and ``docker import``."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from lifecycle.command.values.basic import ImpossibleError
from lifecycle.command.values.promised import Promised
from lifecycle.command.values.structured import Structured


@dataclass(frozen=True)
class Change(Structured):
    """One thing that an instruction sets; ``key`` is empty but for ENV and LABEL."""

    instruction: str
    key: str
    value: str | tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """Its parts; a key only where it has one."""
        parts = super().to_json()
        return parts if self.key else {k: v for k, v in parts.items() if k != "key"}


_KNOWN = (
    *("CMD", "ENTRYPOINT", "ENV", "EXPOSE", "HEALTHCHECK", "LABEL", "ONBUILD", "STOPSIGNAL"),
    *("USER", "VOLUME", "WORKDIR"),
)


def change(text: str) -> list[Change]:
    """What one instruction sets."""
    word, _, rest = text.strip().partition(" ")
    name, rest = word.upper(), rest.strip()
    if name not in _KNOWN or not rest:
        raise ImpossibleError("not a change", f"{', '.join(_KNOWN)} are known")
    return list(_CHANGES.get(name, _whole)(name, rest))


def each_change(changes: list[Change]) -> Iterator[Promised[Change]]:
    """One promise for each thing that is set."""
    for one in changes:
        unseen = one.instruction == "HEALTHCHECK"
        yield "", one, "what a health check becomes is not compared yet" if unseen else ""


def _whole(name: str, rest: str) -> Iterator[Change]:
    yield Change(name, "", rest)


def _command(name: str, rest: str) -> Iterator[Change]:
    """A list of JSON, or a line for the shell."""
    words = _listed(rest)
    yield Change(name, "", ("/bin/sh", "-c", rest) if words is None else words)


def _keyed(name: str, rest: str) -> Iterator[Change]:
    words = _words(rest)
    if "=" not in words[0]:
        key, _, value = rest.partition(" ")
        yield Change(name, key, value.strip())
        return
    for word in words:
        key, equals, value = word.partition("=")
        if not equals or not key:
            raise ImpossibleError(f"{word} is not KEY=VALUE")
        yield Change(name, key, value)


def _each(name: str, rest: str) -> Iterator[Change]:
    for word in _listed(rest) or _words(rest):
        port = name == "EXPOSE" and "/" not in word
        yield Change(name, "", f"{word}/tcp" if port else word)


def _listed(rest: str) -> tuple[str, ...] | None:
    try:
        words = json.loads(rest)
    except ValueError:
        return None
    return tuple(str(w) for w in words) if isinstance(words, list) else None


def _words(rest: str) -> list[str]:
    try:
        words = shlex.split(rest)
    except ValueError as error:
        raise ImpossibleError(str(error)) from None
    if not words:
        raise ImpossibleError("nothing is set")
    return words


_CHANGES = {
    "CMD": _command,
    "ENTRYPOINT": _command,
    "ENV": _keyed,
    "LABEL": _keyed,
    "EXPOSE": _each,
    "VOLUME": _each,
}
