"""What was printed of a log that goes on, that is long, or that another clock has stamped."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, cast

import pytest

from lifecycle.checks.check import Check
from lifecycle.checks.judge_promise import judge
from lifecycle.command.values.logs import LogsOptions
from lifecycle.engine.daemon import Daemon
from lifecycle.facts.log import MORE, ask_log
from lifecycle.facts.model import LogFacts
from tests.unit.checks.cases_command_output import DAY, LOG, logged
from tests.unit.checks.samples import said


def at(seconds: float, text: str) -> str:
    """A line of the engine's log."""
    when = datetime.fromtimestamp(DAY + seconds, UTC)
    return f"{when.strftime('%Y-%m-%dT%H:%M:%S.%f')}000Z {text}"


def found(output: str, log: LogFacts, lines: int | None = None, **asked: Any) -> Check:
    promise = said("logs", "container.log.printed", LogsOptions(lines, **asked))
    return judge(promise, logged(output, log))


GROWING = LogFacts((at(1, "a"), at(2, "b"), at(5.5, "c"), at(9, "d")), DAY + 5, DAY + 6)
"""``c`` was said while the command printed, and ``d`` after it had ended."""


@pytest.mark.parametrize(
    ("output", "lines", "status"),
    [
        ("a\nb\n", None, "kept"),
        ("a\nb\nc\n", None, "kept"),
        ("a\nb\nc\nd\n", None, "broken"),
        ("a\n", None, "broken"),
        ("b\n", 1, "kept"),
        ("c\n", 1, "kept"),
        ("a\n", 1, "broken"),
        ("d\n", 1, "broken"),
    ],
)
def test_what_is_said_meanwhile_may_be_printed_and_what_was_before_must(
    output: str, lines: int | None, status: str
) -> None:
    assert found(output, GROWING, lines).status == status


@pytest.mark.parametrize(
    ("output", "status"), [("b\nc\n", "kept"), ("b\n", "kept"), ("a\n", "broken")]
)
def test_one_that_follows_begins_where_it_was_told_to(output: str, status: str) -> None:
    assert found(output, GROWING, 1, follow=True).status == status


def test_a_duration_is_meant_back_from_the_moment_that_it_was_typed() -> None:
    assert found("b\nc\n", GROWING, since="3s").status == "kept"
    assert found("a\nb\nc\n", GROWING, since="3s").status == "broken"


def test_a_line_that_is_in_no_log_is_shown() -> None:
    assert found("a\nb\nwrong\n", GROWING).actual == "a line that is not in the log: wrong"


def test_a_log_of_another_clock_that_stood_still_is_compared() -> None:
    far = replace(LOG, begun=0.0, ended=1.0, clock="another's clock")
    assert found("one\ntwo\nthree\n", far).status == "kept"
    less = found("one\ntwo\n", far)
    assert (less.status, less.source) == ("unverified", "another's clock")
    assert found("one\nfour\n", far).status == "broken"


def test_a_container_that_says_more_than_is_asked_for_is_unverified() -> None:
    much = tuple(at(5 + n / 1000, f"line {n}") for n in range(MORE + 2))
    check = found("before\n", LogFacts(much, DAY + 5, DAY + 6, cut=True))
    assert (check.status, check.source) == (
        "unverified",
        "the container says more than can be followed",
    )
    assert found("before\n", LogFacts(much, DAY + 5, DAY + 6)).status == "broken", "all is known"
    assert found("before\n", LogFacts(much[:9], DAY + 5, DAY + 6, cut=True)).status == "broken"


@pytest.mark.parametrize(
    ("output", "line", "reason"),
    [
        ("a\n", at(1, "a" * 20000), "the log has lines that the engine does not keep whole"),
        (
            "ab\n",
            at(1, "a") + at(2, "b"),
            "the log has lines that the engine does not keep whole",
        ),
    ],
)
def test_what_can_not_be_compared_is_unverified(output: str, line: str, reason: str) -> None:
    check = found(output, LogFacts((line,), DAY + 5, DAY + 6))
    assert (check.status, check.source) == ("unverified", reason)


LOOKS_CUT = "a\n[... 12 bytes were cut here ...]\nb\n"


@pytest.mark.parametrize(
    ("flag", "field", "expected", "by_words"),
    [
        ("--tail", "container.log.tail", 2, "broken"),
        ("--timestamps", "container.log.timestamps", True, "broken"),
        ("logs", "container.log.printed", LogsOptions(None), "broken"),
    ],
)
def test_that_output_was_cut_is_known_by_our_own_count_and_not_by_what_it_says(
    flag: str, field: str, expected: Any, by_words: str
) -> None:
    log = LogFacts((at(1, "a"),), DAY + 5, DAY + 6)
    whole, cut = logged(LOOKS_CUT, log), logged(LOOKS_CUT, log)
    cut.lost = 12
    assert judge(said(flag, field, expected), whole).status == by_words, "a container printed it"
    assert judge(said(flag, field, expected), cut).status == "unverified"


def test_few_more_lines_are_asked_for_than_were_printed() -> None:
    asked: dict[str, Any] = {}

    class Engine:
        def log(self, container: str, **given: Any) -> str:
            asked.update(given, container=container)
            return f"{at(1, 'a')}\n{at(2, 'b')}\n"

    times = LogFacts((), DAY, DAY + 1)
    log = ask_log(cast("Daemon", Engine()), "c", "a\nb\n", "10s", times)
    assert asked == {"container": "c", "lines": 2 + MORE, "until": DAY - 9}
    assert (log.lines, log.cut) == ((at(1, "a"), at(2, "b")), False)
