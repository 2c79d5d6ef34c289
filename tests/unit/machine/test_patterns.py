"""An author's regular expression means what ``re`` makes of it, and never takes for ever."""

from __future__ import annotations

import os
import re
import resource
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lifecycle.checks.expect.judge_expect import judge_expect
from lifecycle.checks.expect.pattern import pattern
from lifecycle.facts.inside import FileFact, Inside, Process
from lifecycle.facts.model import ContainerFacts, Facts, World
from lifecycle.machine import deadline, patterns
from lifecycle.machine.patterns import PatternError, find, find_in
from lifecycle.machine.subject import current_subject
from lifecycle.scenario.errors import ScenarioError
from lifecycle.scenario.load import loads
from lifecycle.terminal.errors import TerminalTimeout
from lifecycle.terminal.terminal import Terminal
from tests.unit.checks.samples import NO_GPUS

AS = "a" * 46 + "!"
ENDLESS = [
    (r"(a+)+$", AS),
    (r"(a|aa)+$", AS),
    (r"(a*)*b", AS),
    (r"^(\w+\s?)*$", "word " * 12 + "!"),
    (r"(.*)(.*)(.*)(.*)(.*)(.*)=", "x" * 4000),
    (r"(?s).*y", "x" * (2 << 20)),
]
SOON = 60.0


@pytest.fixture
def hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that the tests need not wait as long as a person has to."""
    monkeypatch.setattr(patterns, "LIMIT", 0.5)


@pytest.mark.usefixtures("hurry")
@pytest.mark.parametrize(("wanted", "text"), ENDLESS)
def test_a_pattern_that_would_take_for_ever_is_given_up_in_a_sentence(
    wanted: str, text: str
) -> None:
    begun = time.monotonic()
    with pytest.raises(PatternError, match=r"looked for for 0.5 s, in vain: write it without"):
        find(wanted, text)
    assert time.monotonic() - begun < SOON
    assert find("a+!", AS)  # and the next one is looked for as before


@pytest.mark.usefixtures("hurry")
def test_others_go_on_while_one_is_looked_for() -> None:
    counted, over = 0, threading.Event()

    def count() -> None:
        nonlocal counted
        while not over.is_set():
            counted += 1

    counting = threading.Thread(target=count)
    counting.start()
    with pytest.raises(PatternError):
        find("(a+)+$", AS)
    over.set()
    counting.join()
    assert counted > 1000


@pytest.mark.usefixtures("hurry")
@pytest.mark.parametrize("key", ["output", "screen"])
def test_what_is_expected_by_one_is_unverified_and_says_why(key: str) -> None:
    facts = Facts(World(current_subject(), NO_GPUS, shares_machine=True), output=AS, screen=AS)
    [check] = judge_expect({key: "(a+)+$"}, facts, None)
    assert check.status == "unverified"
    assert "in vain" in check.source


@pytest.mark.usefixtures("hurry")
def test_so_are_processes_and_files() -> None:
    on = ContainerFacts("c", now={"State": {"Running": True}})
    on.inside = Inside(
        processes=(Process(1, "S", AS),),
        files={"/f": FileFact(exists=True)},
        texts={"/f": AS},
        places={"processes": "ps", "/f": "cat"},
    )
    facts = Facts(World(current_subject(), NO_GPUS, shares_machine=True))
    want = {"processes": {"(a+)+$": None}, "files": {"/f": {"contains": "(a+)+$"}}}
    checks = judge_expect({"inside": want}, facts, on)
    assert [c.status for c in checks] == ["unverified", "unverified"], checks


@pytest.mark.usefixtures("hurry")
def test_so_is_what_a_failing_command_says() -> None:
    assert pattern("it says", "(a|a)*$", AS, "its output").status == "unverified"


@pytest.mark.usefixtures("hurry")
def test_a_dialogue_that_waits_for_one_ends(opened: Callable[..., Terminal]) -> None:
    terminal = opened("printf", AS)
    with pytest.raises(TerminalTimeout, match="in vain"):
        terminal.wait_for("(a+)+$", since=0, timeout=SOON)


def test_the_limit_of_a_step_ends_the_looking_too() -> None:
    begun = time.monotonic()
    with deadline.until(begun + 0.3, "the step's 0.3 s are over"), pytest.raises(PatternError):
        find("(a+)+$", AS)
    assert time.monotonic() - begun < patterns.LIMIT


def test_a_text_or_a_pattern_that_is_too_long_is_a_sentence() -> None:
    with pytest.raises(PatternError, match="at most 10000 are tried"):
        find("x?" * 5001, "x")
    with pytest.raises(PatternError, match="in at most"):
        find("x+", "x" * (patterns.MOST_TEXT + 1))
    long = "scenario: s\nsteps:\n  - {command: ls, expect: {output: '%s'}}\n" % ("x?" * 5001)
    with pytest.raises(ScenarioError, match="a pattern of 10002 characters"):
        loads(long, "a.yaml")


KNOWN = [
    (r"(?i)new.*password:|새.*암호:", "New UNIX password: "),
    (r"^ready$", "not\nready\n"),
    (r"a{e}", "a{e}"),
    (r"\s", "\x1c"),
    (r"\w+", "가나다"),
    (r"(a)|(b)", "b"),
    (r"[[:digit:]]", "d]"),
    (r"(?x) a  # a comment", "a"),
    ("plain text", "a plain text"),
    ("", "abc"),
    (r"$", "abc\n"),
    (r"\ud800", "\ud800"),
]


@pytest.mark.filterwarnings("ignore::FutureWarning")
@pytest.mark.parametrize(("wanted", "text"), KNOWN)
@pytest.mark.parametrize("multiline", [False, True])
@pytest.mark.parametrize("begin", [0, 1])
def test_it_means_what_it_means_to_re(
    wanted: str, text: str, *, multiline: bool, begin: int
) -> None:
    flags = re.MULTILINE if multiline else 0
    meant = re.compile(wanted, flags).search(text, begin)
    found = find(wanted, text, begin, multiline=multiline)
    assert (found is None) == (meant is None)
    if found and meant:
        assert (found.start(), found.end(), found.group()) == (*meant.span(), meant[0])
        for number in range(1, len(found.spans)):
            assert found.group(number) == meant.group(number)


@settings(deadline=None)
@given(st.from_regex(r"\A[ab.*?|()^$]{0,6}\Z"), st.text("ab\n", max_size=8))
def test_whatever_it_is(wanted: str, text: str) -> None:
    try:
        meant = re.compile(wanted).search(text)
    except re.error:
        with pytest.raises(PatternError, match="is no regular expression"):
            find(wanted, text)
        return
    found = find(wanted, text)
    assert (found and found.spans[0]) == (meant and meant.span())


def test_a_process_with_many_open_files_looks_for_one_too(tmp_path: Path) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, max(soft, 2048)), hard))
    patterns._WORKER.close()
    held = [os.open(tmp_path, os.O_RDONLY) for _ in range(1100)]
    try:
        assert find("a+", "aaa")
    finally:
        for number in held:
            os.close(number)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_many_texts_are_asked_at_once() -> None:
    assert [bool(m) for m in find_in("^b+$", ["a", "bb", "b\nc"])] == [False, True, False]
