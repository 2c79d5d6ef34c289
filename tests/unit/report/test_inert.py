"""Nothing that is printed is obeyed by a CI, and what programs read is the very value."""

from __future__ import annotations

import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lifecycle.report.inert import Inert, inert
from lifecycle.report.text import as_json, clean

OBEYED = {
    "GitHub": ["::error::x", "  ::add-mask::abc", "\t ::set-output name=x::y", "\u00a0\u3000::x::"],
    "GitHub, a guessed word": ["::stop-commands::guess", "::guess::", "ok\r::error::x"],
    "GitHub, coloured": ["\x1b[31m::error::x", " \x1b[1m \x1b[31m::error::x"],
    "GitHub, older": ["##[add-mask]x", "said ##[error]x", "###[group]x"],
    "Azure": ["##vso[task.setvariable variable=a]b", "a ##vso[task.complete]"],
    "TeamCity": ["##teamcity[buildStop comment='x']", "  ##teamcity[testFailed]"],
    "Buildkite": ["--- a", "+++ a", "~~~ a", "^^^ +++", "---", "\x1b[0m+++ a"],
}
CASES = [line for lines in OBEYED.values() for line in lines]
INNOCENT = [
    "a::b",
    "std::vector",
    "ls -la --- x",
    "a ::b",
    "        ^^^",
    "-----",
    "# [x]",
    "a ## b",
]


def commands(text: str) -> list[str]:
    """The lines that a CI would obey, by the rules of each: GitHub's trims, others search."""
    lines = [line for part in text.split("\n") for line in part.split("\r")]
    return [line for line in map(uncoloured, lines) if is_obeyed(line)]


def is_obeyed(line: str) -> bool:
    group = line.startswith(("--- ", "+++ ", "~~~ ", "^^^ +++")) or line in {"---", "+++", "~~~"}
    hashes = any(mark in line for mark in ("##[", "##vso[", "##teamcity["))
    return group or hashes or line.strip().startswith("::")


def uncoloured(text: str) -> str:
    return re.sub("\x1b\\[[0-9]*m", "", text)


@pytest.mark.parametrize("text", CASES)
def test_a_line_that_a_ci_obeys_is_one_that_it_shows(text: str) -> None:
    assert len(commands(text)) == 1
    assert commands(inert(text)) == []
    assert commands(inert(f"before\n{text}\nafter")) == []


@pytest.mark.parametrize("text", INNOCENT)
def test_other_lines_stay_as_they_are(text: str) -> None:
    assert inert(text) == text


@given(st.lists(st.text("::# \n\r[vso+-~^x\t", max_size=6), max_size=8))
def test_it_matters_not_in_which_pieces_a_text_comes(pieces: list[str]) -> None:
    stream = Inert()
    assert commands("".join(map(stream.make, pieces))) == []


def test_a_section_of_gitlabs_log_is_plain_text() -> None:
    marker = "\x1b[0Ksection_start:1560896352:my_section[collapsed=true]\r\x1b[0KHeader"
    told = inert(clean(f"{marker}\n{marker.replace('start', 'end')}"))
    assert "\x1b" not in told
    assert "\r" not in told
    assert "section_start:1" not in told
    assert "section_end:1" not in told


@pytest.mark.parametrize(
    "value",
    [*CASES, "section_start:1:x", "\x1b[31m", "\x9b31m", "\u202eabc", "\x7f", "\udc80", "\ufffe"],
)
def test_a_document_for_programs_holds_the_very_value_and_is_not_obeyed(value: str) -> None:
    document = as_json({"said": [value]})
    assert json.loads(document) == {"said": [value]}
    assert inert(clean(document)) == document
