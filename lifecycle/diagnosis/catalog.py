"""The catalogue of findings: data in ``findings/*.toml``, read when first needed.

Adding a finding means adding a ``[[finding]]`` table to the file of its phase; only a new kind
of evidence or a new way to tell rivals apart needs code (``evidence.py``, ``rules.py``).
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

from lifecycle.diagnosis.finding import Remedy, Who

Lang = Literal["en", "ko"]

Changes = Literal["nothing", "mine", "others", "machine"]

_FOLDER = Path(__file__).parent / "findings"
_SHARED = Path(__file__).parent / "remedies.toml"
_HOLE = re.compile(r"\{(\w+)\}")


class CatalogError(Exception):
    """An entry of the catalogue is malformed; a mistake of ours, found by the tests."""


@dataclass(frozen=True)
class Advice:
    """A remedy before it is filled in, in both languages.

    ``changes`` says what following it changes: ``nothing`` (it is a look, or a question to
    somebody), what is the person's own or made anew (``mine``), what ``others`` have, or the
    ``machine``. The last two are an admin's, with what is lost by it in ``loses``. ``only`` names
    what must have been seen, just now, for the remedy to be told at all (``allowed_remedies.py``).
    """

    who: Who
    changes: Changes
    do: str
    do_ko: str
    commands: tuple[str, ...] = ()
    only: str = ""
    loses: str = ""
    loses_ko: str = ""

    def fill(self, value: Callable[[str], str | None], lang: Lang) -> Remedy:
        """The remedy with ``{name}`` holes filled, their values quoted as a shell wants it.

        What fills a hole comes from an error message, which anyone may have written, and a
        person will paste the command, or what a sentence tells them to write.
        """
        sentences = (self.do_ko, self.loses_ko) if lang == "ko" else (self.do, self.loses)
        text = " ".join(part for part in sentences if part)
        return Remedy(
            self.who,
            _filled(text, value, shlex.quote),
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
    all_entries: list[Entry] = []
    shared = _shared_remedies()
    for file in sorted(_FOLDER.glob("*.toml")):
        with file.open("rb") as stream:
            tables = tomllib.load(stream)["finding"]
        all_entries += [_entry(table, file.stem, shared) for table in tables]
    return tuple(_with_shared_patterns(one, all_entries) for one in all_entries)


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


def _shared_remedies() -> dict[str, Advice]:
    """Remedies that several findings give in the same words, by their names."""
    with _SHARED.open("rb") as stream:
        tables = tomllib.load(stream)
    return {name: _advice(table, {}) for name, table in tables.items()}


def _advice(table: Mapping[str, Any], shared: Mapping[str, Advice]) -> Advice:
    if list(table) == ["same"]:
        return shared[table["same"]]
    return Advice(**{**table, "commands": tuple(table.get("commands", ()))})


def _entry(table: Mapping[str, Any], phase: str, shared: Mapping[str, Advice]) -> Entry:
    values = dict(table)
    try:
        values["remedies"] = tuple(_advice(advice, shared) for advice in values.pop("remedy"))
        for key in ("patterns", "hints"):
            values[key] = tuple(re.compile(p, re.MULTILINE) for p in values.get(key, ()))
        for key in ("probes", "beats"):
            values[key] = tuple(values.get(key, ()))
        return Entry(phase=phase, **values)
    except (TypeError, KeyError, re.error) as error:
        message = f"{phase}: {table.get('id', '?')}: {error!r}"
        raise CatalogError(message) from error
