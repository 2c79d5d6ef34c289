"""Whatever words stand round it, a way round the gate is found."""

from __future__ import annotations

import shlex

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lifecycle.command.host.line import classify, reaches_engine
from lifecycle.command.host.tables import AROUND, DOCKERS, SHELLS, WRAPPERS
from tests.unit.command.host.test_line import ROUND

WRAPS = st.sampled_from(
    (
        "env",
        "env A=1",
        "timeout 20",
        "timeout -s KILL 5s",
        "nice",
        "nice -n 5",
        "bash -c",
        "sh -c",
        "bash -euo pipefail -c",
        "xargs",
        "xargs -n 1",
        "nohup",
        "time",
        "stdbuf -oL",
        "env -S",
    )
)


def wrapped(words: list[str], stack: list[str]) -> list[str]:
    for wrap in stack:
        takes_line = wrap.endswith(("-c", "-S"))
        words = [*wrap.split(), *([shlex.join(words)] if takes_line else words)]
    return words


@settings(deadline=None, max_examples=300)
@given(st.sampled_from(ROUND), st.lists(WRAPS, max_size=5))
def test_whatever_stands_before_it_a_way_round_is_found(text: str, stack: list[str]) -> None:
    assert classify(wrapped(shlex.split(text), stack)).kind == "around"


DOCKER_LINES = st.sampled_from(
    ("ps", "rm -f victim", "run -d --name left img sleep 1000", "exec c sh -c 'echo a; b'")
)


@settings(deadline=None, max_examples=300)
@given(DOCKER_LINES, st.lists(WRAPS, min_size=1, max_size=5))
def test_whatever_stands_before_docker_it_is_behind(text: str, stack: list[str]) -> None:
    line = classify(wrapped(["docker", *shlex.split(text)], stack))
    assert line.kind == "behind"
    assert line.about == stack[-1].split()[0]


SIGNS = (
    "$(",
    ")",
    "`",
    "'",
    '"',
    "\\",
    ";",
    "|",
    "\n",
    "${{",
    "/",
    "/run",
    "-c",
    "-i",
    "-S",
    "--",
    "-",
)
PIECES = st.sampled_from(
    (*sorted({*AROUND, *WRAPPERS, *SHELLS, *DOCKERS}), *SIGNS, "find", "-exec", "eval")
)


@settings(deadline=None, max_examples=500)
@given(
    st.lists(PIECES | st.text(max_size=12) | st.lists(PIECES, max_size=4).map(" ".join), max_size=8)
)
def test_no_words_are_too_odd_to_be_classified(words: list[str]) -> None:
    assert classify(words).kind in {"plain", "behind", "unknown", "around", "mistaken"}
    assert isinstance(reaches_engine(" ".join(words)), bool)


@pytest.mark.parametrize(
    "words",
    [
        ["env"] * 20_000 + ["sudo", "id"],
        ["bash", "-c", "true; " * 20_000 + "su -c id"],
        ["bash", "-c", "x" * 1_000_000 + " sudo"],
        ["bash", "-c", "$(" * 30_000 + "sudo"],
        ["find", ".", *["-exec"] * 5_000, "sudo"],
        ["bash", "-c", "echo 'sudo"],
    ],
    ids=["deep", "long", "huge", "nested", "many", "unclosed"],
)
def test_what_is_too_long_to_be_followed_is_searched_word_by_word(words: list[str]) -> None:
    assert classify(words).kind == "around"
