"""Foreign text becomes inert and printable, and stays within its limit."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lifecycle.checks.check import Check
from lifecycle.report.bounds import LADDER, Limits, prepare
from lifecycle.report.text import clean, cut, was_cut
from lifecycle.run.outcome import StepResult
from tests.unit.report.samples import hostile, report

ANYTHING = st.text(st.characters(exclude_categories=()))


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        ("\x1b[1;31mred\x1b[0m", "red"),
        ("\x1b]0;title\x07text", "text"),
        ("\x1b]8;;http://x\x1b\\link\x1b]8;;\x1b\\", "link"),
        ("\x9b31mred", "red"),
        ("\x1bP+q544e\x1b\\text", "text"),
        ("\x1b(Btext\x1b7", "text"),
        ("a\x00b\x07c\x7fd", "abcd"),
        ("10%\r20%\r\ndone", "10%\n20%\ndone"),
        ("tab\tand\nline", "tab\tand\nline"),
        ("\u202egpj.exe", "\\u202egpj.exe"),
        ("\udcff\uffff", "\ufffd\ufffd"),
        ("한글 👩\u200d🔬 עברית", "한글 👩\u200d🔬 עברית"),
    ],
)
def test_escape_sequences_and_controls_are_dropped(raw: str, shown: str) -> None:
    assert clean(raw) == shown


@given(ANYTHING)
def test_clean_text_is_utf_8_and_clean_stays_clean(text: str) -> None:
    once = clean(text)
    assert once.encode("utf-8").decode("utf-8") == once
    assert "\x1b" not in once
    assert clean(once) == once


@given(ANYTHING.map(clean), st.integers(min_value=60, max_value=90))
def test_cut_text_is_within_its_limit_and_says_what_was_lost(text: str, limit: int) -> None:
    kept, lost = cut(text * 5, limit)
    assert len(kept.encode()) <= limit
    assert bool(lost) == (len((text * 5).encode()) > limit)
    assert not lost or (was_cut(kept) and f"{lost} bytes" in kept)


def test_a_screen_is_cut_at_64_kib_and_keeps_its_end() -> None:
    step = StepResult("Log", 1, ran=True, screen="first\n" + "x" * 10**6 + "\nlast")
    [(_, told)] = prepare(report(step)).steps()
    assert len(told["screen"].encode()) <= 64 * 1024
    assert told["screen"].startswith("first\n")
    assert told["screen"].endswith("\nlast")
    assert told["screen_cut"] > 900_000


def test_preparing_twice_changes_nothing() -> None:
    tight = Limits(screen=100, text=80, entries=2)
    step = StepResult("x" * 200, 1, ran=True, screen="y" * 500)
    run = report(step, engine={str(n): list(range(9)) for n in range(9)})
    once = prepare(run, limits=tight)
    assert prepare(once, limits=tight) == once


def test_tighter_limits_never_change_the_verdict_or_a_count() -> None:
    for limits in LADDER:
        run = prepare(hostile("x" * 3000), limits=limits)
        assert (run.verdict, run.count("failed"), run.unverified) == ("FAIL", 1, 2)


def test_what_json_cannot_hold_becomes_text() -> None:
    found = {"a": float("nan"), "b": {1, 2}, 3: b"x", "c": (1, None)}
    run = prepare(report(StepResult("s", 1, checks=[Check("a", found, None, "broken", "b")])))
    [check] = run.scenarios[0].steps[0]["checks"]
    assert check["expected"] == {"a": "nan", "b": "{1, 2}", "3": "b'x'", "c": [1, None]}
