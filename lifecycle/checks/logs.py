"""What ``docker logs`` printed, beside the log that the engine has.

What a container says while the command prints may be in it or not: so what was printed must be one
of the stretches of the log that it can have been.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from lifecycle.checks.check import Check, compare, unverified
from lifecycle.checks.rules import PHRASE, Rule
from lifecycle.command.promise import Promise
from lifecycle.command.values.logs import LogsOptions, between, stamp
from lifecycle.facts.log import MORE, printed
from lifecycle.facts.model import ContainerFacts, Facts, LogFacts

_LONGEST = 16384
"""Bytes from which on the engine breaks a line of the log into parts."""
_STAMP = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:]{8}\.[0-9]{9}Z")
_THE_LOG = "the engine's log"
_SOURCE = "the log, asked of the engine"


def same(promise: Promise, _: ContainerFacts, facts: Facts) -> Check:
    """`logs`: what it printed is what the engine has of the container's log."""
    log, label = facts.log, PHRASE
    reason = _untold(facts)
    if log is None or reason:
        return unverified(label, promise.expected, reason)
    asked = promise.expected_as(LogsOptions)
    lines = _without_details(facts.output, asked)
    window = _Window(log, asked)
    if any(Counter(part) == Counter(lines) for part in window.stretches(len(lines))):
        return compare(label, _THE_LOG, _THE_LOG, _SOURCE)
    strange = Counter(lines) - Counter(window.texts)
    if log.cut and window.has_run_away:
        return unverified(label, _THE_LOG, "the container says more than can be followed")
    if not strange and log.clock:
        return unverified(label, _THE_LOG, log.clock)
    wrong = f"a line that is not in the log: {next(iter(strange))}" if strange else ""
    return compare(label, _THE_LOG, wrong or f"{len(lines)} lines, not those", _SOURCE)


def _without_details(output: str, asked: LogsOptions) -> tuple[str, ...]:
    """The printed lines without the word that ``--details`` puts before each text."""
    lines = printed(output)
    if not asked.details:
        return lines
    if not asked.timestamps:
        return tuple(line.partition(" ")[2] for line in lines)
    split = (line.split(" ", 2) for line in lines)
    return tuple(" ".join((first, *rest[1:])) for first, *rest in split)


@dataclass
class _Window:
    """The engine's newest lines in the form in which the command prints them."""

    log: LogFacts
    asked: LogsOptions

    def __post_init__(self) -> None:
        split = [line.partition(" ") for line in self.log.lines]
        self.times = [stamp(first) or 0.0 for first, _, _ in split]
        stamped = self.asked.timestamps
        self.texts = [f"{at} {text}" if stamped else text for at, _, text in split]

    @property
    def has_run_away(self) -> bool:
        """Whether the log has grown so long that the printed part may be out of reach."""
        return len(self.times) - bisect_left(self.times, self.log.begun) >= MORE

    def stretches(self, length: int) -> Iterator[Sequence[str]]:
        """Every part of the log, of that length, which the command can have printed."""
        first, last = self._ends()
        tail = self.asked.lines
        for log_end in range(first, last + 1):
            for since in self._starts():
                start = max(since, 0 if tail is None else log_end - tail)
                end = start + length
                if end == log_end or (self.asked.follow and log_end <= end <= last):
                    yield self.texts[start:end]

    def _ends(self) -> tuple[int, int]:
        """How many lines the log had when the command read it: at least, at most."""
        earliest, latest = self.log.begun, self.log.ended
        if self.asked.until:
            low, high = between(self.asked.until, earliest, latest)
            earliest, latest = min(earliest, low), min(latest, high)
        if self.log.clock:
            return len(self.times), len(self.times)
        return bisect_left(self.times, earliest), bisect_right(self.times, latest)

    def _starts(self) -> range:
        if not self.asked.since:
            return range(1)
        low, high = between(self.asked.since, self.log.begun, self.log.ended)
        return range(bisect_left(self.times, low), bisect_left(self.times, high) + 1)


def _untold(facts: Facts) -> str:
    """Why nobody can compare the output with the log; empty when one can."""
    if facts.log is None:
        return "it went to a terminal, or the engine gave no log"
    if facts.lost:
        return "it printed too much to keep"
    lines = facts.log.lines
    if any(len(line) > _LONGEST or len(_STAMP.findall(line)) > 1 for line in lines):
        return "the log has lines that the engine does not keep whole"
    return ""


def tail(promise: Promise, _: ContainerFacts, facts: Facts) -> Check:
    """`--tail`: at most so many lines."""
    if facts.lost:
        return unverified(PHRASE, promise.expected, "it printed too much to count")
    many = len(printed(facts.output))
    actual = max(promise.expected_as(int), many)
    return compare(PHRASE, promise.expected, actual, "the lines it printed")


def timestamps(promise: Promise, _: ContainerFacts, facts: Facts) -> Check:
    """`--timestamps`: a time begins every line."""
    lines = printed(facts.output)
    if not lines:
        return unverified(PHRASE, promise.expected, "it printed nothing")
    bare = [x for x in lines if stamp(x.partition(" ")[0]) is None]
    if facts.lost:
        return unverified(PHRASE, promise.expected, "it printed too much to keep")
    actual = bare[0] if bare else True
    return compare(PHRASE, promise.expected, actual, "the lines it printed")


def since(promise: Promise, _: ContainerFacts, facts: Facts) -> Check:
    """`--since`: no line is older."""
    return _timed(promise, facts, later=True)


def until(promise: Promise, _: ContainerFacts, facts: Facts) -> Check:
    """`--until`: no line is newer."""
    return _timed(promise, facts, later=False)


def _timed(promise: Promise, facts: Facts, *, later: bool) -> Check:
    lines, reason = printed(facts.output), _untold(facts)
    if facts.log is None or reason:
        return unverified(PHRASE, promise.expected, reason)
    low, high = between(promise.expected_as(str), facts.log.begun, facts.log.ended)
    known = _times(facts.log)
    times = [span for line in lines for span in [_of_line(line, known)] if span]
    if not times:
        return unverified(PHRASE, promise.expected, "it printed no line whose time is known")
    wrong = [t for t in times if (max(t) < low if later else min(t) > high)]
    actual = f"a line of {wrong[0][0]:.3f}" if wrong else promise.expected
    return compare(PHRASE, promise.expected, actual, _SOURCE)


def _times(log: LogFacts) -> Mapping[str, list[float]]:
    """The times at which the container printed each text."""
    known: dict[str, list[float]] = {}
    for at, _, text in (line.partition(" ") for line in log.lines):
        moment = stamp(at)
        if moment is not None:
            known.setdefault(text, []).append(moment)
    return known


def _of_line(line: str, known: Mapping[str, list[float]]) -> list[float]:
    """The times that a printed line can be of: its own, or those of its text."""
    own = stamp(line.partition(" ")[0])
    if own is not None:
        return [own]
    return known.get(line) or known.get(line.partition(" ")[2], [])  # --details put a word before


RULES: dict[str, Rule] = {
    "container.log.printed": Rule(same, "printed what the engine has"),
    "container.log.since": Rule(since, "printed no line of before"),
    "container.log.tail": Rule(tail, "printed at most so many lines"),
    "container.log.timestamps": Rule(timestamps, "printed the time of each line"),
    "container.log.until": Rule(until, "printed no line of after"),
}
