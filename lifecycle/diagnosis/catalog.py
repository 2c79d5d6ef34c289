"""The catalogue of findings: data in ``findings/*.toml``, read when first needed.

Adding a finding means adding a ``[[finding]]`` table to the file of its phase; only a new kind
of evidence or a new way to tell rivals apart needs code (``probes.py``, ``rules.py``).
"""

from __future__ import annotations

import re
import shlex
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any, Literal

from lifecycle.run.outcome import Remedy, Who

Lang = Literal["en", "ko"]

_FOLDER = Path(__file__).parent / "findings"
_HOLE = re.compile(r"\{(\w+)\}")


class CatalogError(Exception):
    """An entry of the catalogue is malformed; a mistake of ours, found by the tests."""


@dataclass(frozen=True)
class Advice:
    """A remedy before it is filled in, in both languages."""

    who: Who
    do: str
    do_ko: str
    commands: tuple[str, ...] = ()

    def fill(self, value: Callable[[str], str | None], lang: Lang) -> Remedy:
        """The remedy with ``{name}`` holes filled; in commands the values are quoted.

        What fills a hole comes from an error message, which anyone may have written, and a
        person will paste the command: hence the quoting.
        """
        text = self.do_ko if lang == "ko" else self.do
        return Remedy(
            self.who,
            _filled(text, value, str),
            tuple(_filled(command, value, shlex.quote) for command in self.commands),
        )


@dataclass(frozen=True)
class Entry:
    """One finding of the catalogue.

    ``patterns`` prove it, its own and those of ``patterns_of``; ``hints`` count only when
    nothing in the catalogue is proved.
    Entries with the same ``rivals`` may match one text: there ``when`` names the rule that asks
    the facts, and the first of them is the general one. ``beats`` lists the ids that this one
    explains away, ``probes`` where its evidence is looked up.
    """

    id: str
    phase: str
    cause: str
    cause_ko: str
    remedies: tuple[Advice, ...]
    patterns: tuple[re.Pattern[str], ...] = ()
    patterns_of: str = ""
    hints: tuple[re.Pattern[str], ...] = ()
    probes: tuple[str, ...] = ()
    rivals: str = ""
    when: str = ""
    beats: tuple[str, ...] = ()

    def cause_in(self, lang: Lang, value: Callable[[str], str | None]) -> str:
        """The cause as a sentence, with its holes filled."""
        return _filled(self.cause_ko if lang == "ko" else self.cause, value, str)


def _filled(text: str, value: Callable[[str], str | None], quote: Callable[[str], str]) -> str:
    """``text`` with each ``{name}`` replaced; one whose value is unknown reads ``NAME``."""

    def one(hole: re.Match[str]) -> str:
        known = value(hole[1])
        return quote(known) if known else hole[1].upper()

    return _HOLE.sub(one, text)


@cache
def entries() -> tuple[Entry, ...]:
    """Every entry, in the order of the files and, within one, as written."""
    found: list[Entry] = []
    for file in sorted(_FOLDER.glob("*.toml")):
        with file.open("rb") as stream:
            tables = tomllib.load(stream)["finding"]
        found += [_entry(table, file.stem) for table in tables]
    return tuple(_with_shared_patterns(one, found) for one in found)


def _with_shared_patterns(one: Entry, every: list[Entry]) -> Entry:
    """The entry with the patterns that it shares with another, before its own."""
    if not one.patterns_of:
        return one
    other = next((other for other in every if other.id == one.patterns_of), None)
    if other is None:
        raise CatalogError(f"{one.phase}: {one.id}: no entry is named {one.patterns_of!r}")
    shared = _with_shared_patterns(other, every).patterns
    return replace(one, patterns=(*shared, *one.patterns))


def entry(finding: str) -> Entry:
    """The entry with this id; KeyError when there is none."""
    for one in entries():
        if one.id == finding:
            return one
    raise KeyError(finding)


def _entry(table: Mapping[str, Any], phase: str) -> Entry:
    values = dict(table)
    try:
        values["remedies"] = tuple(
            Advice(**{**advice, "commands": tuple(advice.get("commands", ()))})
            for advice in values.pop("remedy")
        )
        for key in ("patterns", "hints"):
            values[key] = tuple(re.compile(p, re.MULTILINE) for p in values.get(key, ()))
        for key in ("probes", "beats"):
            values[key] = tuple(values.get(key, ()))
        return Entry(phase=phase, **values)
    except (TypeError, KeyError, re.error) as error:
        message = f"{phase}: {table.get('id', '?')}: {error!r}"
        raise CatalogError(message) from error
