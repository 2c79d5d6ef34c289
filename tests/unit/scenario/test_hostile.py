"""Whatever a file holds, reading it ends in a scenario or in one line."""

from __future__ import annotations

import random
import string
import time
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lifecycle.scenario.errors import ScenarioError
from lifecycle.scenario.load import load, loads

HERE = Path(__file__).parent
EXAMPLE = (HERE / "example.yaml").read_text()
PIECES = (
    *("&a ", "*a", "!!python/object:os.system ", "- ", ": ", "? ", "{", "}", "[", "]", "|", ">-"),
    *("'", '"', "\\", "#", "\t", "\n", "  ", "---\n", "...", "%YAML 9.9\n", "\0", "\u00e9", "<<: "),
    *("${{", "}}", "${{ lab.nope }}", "${{ 1/0 }}", "steps:", "finally:", "docker ", "$(", "`"),
)


def reads_or_says(source: str) -> bool:
    """Whether it was refused; anything raised but a one-line ScenarioError fails the test."""
    try:
        loads(source, str(HERE / "example.yaml"))
    except ScenarioError as error:
        return is_one_line(error)
    return False


def is_one_line(error: ScenarioError) -> bool:
    assert "\n" not in str(error)
    assert error.mark.line >= 1
    assert error.mark.col >= 1
    return True


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.data())
def test_a_mutated_scenario_is_read_or_refused(data: st.DataObject) -> None:
    source = EXAMPLE
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(source)))
        gone = data.draw(st.integers(0, 12))
        piece = data.draw(st.sampled_from(PIECES) | st.text(max_size=6))
        source = source[:at] + piece + source[at + gone :]
    reads_or_says(source)


@settings(max_examples=100, deadline=None)
@given(st.text(st.characters(codec="utf-8")) | st.text("ab:-[]{}'\"&*!|>%@#,? \n\t\\", max_size=60))
def test_any_text_is_read_or_refused(source: str) -> None:
    reads_or_says(source)


@settings(max_examples=100, deadline=None)
@given(st.text("abme.lf |()[]{}'\"+-*/%~,:0123<>=!\\\n _", max_size=40))
def test_any_expression_is_read_or_refused(expression: str) -> None:
    source = f"scenario: x\nvars:\n  a: {ascii_quoted('${{ ' + expression + ' }}')}\nsteps: [ls]\n"
    reads_or_says(source)


def ascii_quoted(text: str) -> str:
    return "'" + text.replace("'", "''").replace("\n", "\n\n") + "'"


def test_lines_moved_about_are_read_or_refused() -> None:
    chance = random.Random(7)
    refused = 0
    for _ in range(200):
        lines = EXAMPLE.splitlines(keepends=True)
        for _ in range(chance.randint(1, 4)):
            at, other = chance.randrange(len(lines)), chance.randrange(len(lines))
            lines[at], lines[other] = lines[other], lines[at].lstrip(" -")
        refused += reads_or_says("".join(lines))
    assert refused > 150


def test_random_bytes_are_read_or_refused(tmp_path: Path) -> None:
    chance = random.Random(7)
    file = tmp_path / "a.yaml"
    for _ in range(100):
        content = bytearray(EXAMPLE.encode())
        for _ in range(chance.randint(1, 5)):
            content[chance.randrange(len(content))] = chance.randrange(256)
        file.write_bytes(content)
        try:
            load(file)
        except ScenarioError as error:
            is_one_line(error)


def test_an_entity_bomb_is_refused_at_its_first_anchor() -> None:
    bomb = "a: &a [x,x]\n" + "".join(
        f"{c}: &{c} [*{p},*{p}]\n"
        for p, c in zip(string.ascii_lowercase, string.ascii_lowercase[1:], strict=False)
    )
    started = time.monotonic()
    assert reads_or_says(bomb)
    assert time.monotonic() - started < 1
