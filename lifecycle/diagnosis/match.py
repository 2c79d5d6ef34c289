"""From what went wrong to findings: match the text, let the facts decide, tell the evidence."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from lifecycle.diagnosis import catalog, pasted_text
from lifecycle.diagnosis.allowed_remedies import advised, filler
from lifecycle.diagnosis.case import Case
from lifecycle.diagnosis.catalog import Entry, Lang
from lifecycle.diagnosis.evidence import PROBES
from lifecycle.diagnosis.finding import Finding, Symptom
from lifecycle.diagnosis.machine_facts import MachineFacts
from lifecycle.diagnosis.rules import RULES

_QUOTED_CHARS = 300


@dataclass(frozen=True)
class Match:
    """A catalogue entry, and where in the text its pattern matched."""

    entry: Entry
    at: int
    line: str
    caught: dict[str, str]


def diagnose(symptom: Symptom, facts: MachineFacts, *, lang: Lang = "en") -> list[Finding]:
    """What is behind a command's failure, the earliest message first; empty when not known."""
    output = pasted_text.plain("\n".join((symptom.output, *symptom.observed)))
    matches = _known(symptom) if symptom.finding else candidates(output)
    cases = [
        (match.entry, Case(symptom, output, match.line, match.caught, facts)) for match in matches
    ]
    return [tell(entry, case, lang) for entry, case in decide(cases)]


def _known(symptom: Symptom) -> list[Match]:
    """The finding that a symptom names, and its rivals of the same messages: the facts decide."""
    named = catalog.entry(symptom.finding)
    family = [e for e in catalog.entries() if e is named or _share_a_message(e, named)]
    return [Match(entry, 0, "", dict(symptom.caught)) for entry in family]


def _share_a_message(one: Entry, other: Entry) -> bool:
    same_rivals = bool(one.rivals) and one.rivals == other.rivals
    return same_rivals and not set(one.patterns).isdisjoint(other.patterns)


def explain(pasted: str, facts: MachineFacts, *, lang: Lang = "en") -> list[Finding]:
    """What is behind an error that a person pasted, prompts and all; empty when not known."""
    return diagnose(Symptom(pasted), facts, lang=lang)


def findings_json(findings: Iterable[Finding]) -> dict[str, Any]:
    """The document that ``explain --json`` prints."""
    return {"findings": [finding.to_json() for finding in findings]}


def candidates(output: str) -> list[Match]:
    """Every entry that the text alone allows: proved, or else hinted at; none explained away."""
    for searched in pasted_text.variants(output):
        for hints in (False, True):
            matches = _matches(searched, hints=hints)
            if matches:
                beaten = {loser for match in matches for loser in match.entry.beats}
                return [match for match in matches if match.entry.id not in beaten]
    return []


def _matches(output: str, *, hints: bool) -> list[Match]:
    matches = []
    for entry in catalog.entries():
        first = _first(entry.hints if hints else entry.patterns, output)
        if first:
            line = pasted_text.line_at(output, *first.span())
            caught = {name: value for name, value in first.groupdict().items() if value}
            matches.append(Match(entry, first.start(), line, caught))
    return sorted(matches, key=lambda match: match.at)


def _first(patterns: Iterable[re.Pattern[str]], output: str) -> re.Match[str] | None:
    matches = [hit for pattern in patterns if (hit := pattern.search(output))]
    return min(matches, key=lambda match: match.start(), default=None)


def decide(cases: Sequence[tuple[Entry, Case]]) -> list[tuple[Entry, Case]]:
    """Of rivals, those that the facts confirm; else those they don't refute; else the general."""
    kept: list[tuple[Entry, Case]] = []
    order = {entry.id: at for at, entry in enumerate(catalog.entries())}
    families = {entry.rivals or entry.id: at for at, (entry, _) in reversed(list(enumerate(cases)))}

    def family(pair: tuple[Entry, Case]) -> int:
        return families[pair[0].rivals or pair[0].id]

    for _, members in groupby(sorted(cases, key=family), key=family):
        rivals = sorted(members, key=lambda pair: order[pair[0].id])
        kept += _confirmed(rivals)
    return kept


def _confirmed(rivals: list[tuple[Entry, Case]]) -> list[tuple[Entry, Case]]:
    if len(rivals) == 1:
        return rivals
    verdicts = [RULES[entry.when](case) for entry, case in rivals]
    for wanted in (True, None):
        chosen = [r for r, verdict in zip(rivals, verdicts, strict=True) if verdict is wanted]
        if chosen:
            return chosen
    return rivals[:1]


def tell(entry: Entry, case: Case, lang: Lang = "en") -> Finding:
    """The finding as people read it, with the facts that its probes look up."""
    observed = case.symptom.observed
    quotes = case.line and case.symptom.printed and case.line not in observed
    evidence = [f"printed: {case.line[:_QUOTED_CHARS]}"] if quotes else []
    evidence += observed if case.line in observed else ()
    for probe in entry.probes:
        evidence += PROBES[probe](case)
    value = filler(case)
    return Finding(
        entry.id,
        entry.cause_in(lang, case.value),
        tuple(dict.fromkeys(evidence)),
        tuple(advice.fill(value, lang) for advice in advised(entry, case)),
    )
