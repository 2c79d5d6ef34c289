"""A line that begins at another column than its neighbours: the error says at which, in words."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from lifecycle.scenario.load import loads

Refused = Callable[[str], tuple[str, str]]
HEAD = "scenario: s\nsteps:\n"
WRONG = {
    # An item, too far in or out: after a text, after an item with keys, with keys itself.
    f"{HEAD}  - docker pull x\n   - docker ps\n": ("4:4", 3, 2),
    f"{HEAD}  - docker pull x\n   - command: docker ps\n": ("4:4", 3, 2),
    f"{HEAD}  - docker pull x\n - docker ps\n": ("4:2", 1, 2),
    f"{HEAD}  - command: docker ps\n   - docker ps\n": ("4:4", 3, 2),
    f"{HEAD}  - command: docker ps\n     - docker ps\n": ("4:6", 5, 2),
    f"{HEAD}- docker ps\n - docker ps\n": ("4:2", 1, 0),
    # A key of a step.
    f"{HEAD}  - name: A\n     command: docker ps\n": ("4:13", 5, 4),
    f"{HEAD}  - name: A\n   command: docker ps\n": ("4:4", 3, 4),
    # A key of the file, of its variables.
    "scenario: s\n steps:\n  - docker ps\n": ("2:7", 1, 0),
    "scenario: s\nvars:\n  a: b\n   c: d\nsteps: [docker ps]\n": ("4:5", 3, 2),
    "scenario: s\nvars:\n  a: b\n c: d\nsteps: [docker ps]\n": ("4:2", 1, 2),
}


@pytest.mark.parametrize("source", WRONG)
def test_it_says_how_far_the_line_and_its_neighbours_are_indented(
    refused: Refused, source: str
) -> None:
    place, said = refused(source)
    wanted, found, neighbours = WRONG[source]
    blanks = "1 space" if found == 1 else f"{found} spaces"
    assert place == wanted
    assert said.startswith(
        f"the line is indented by {blanks}, where its neighbours have {neighbours}; "
        f"expected {neighbours} before it"
    )
    assert "write:" not in said


def test_an_item_in_the_middle_of_a_text_never_becomes_words_of_a_command(refused: Refused) -> None:
    nested = "  - command: docker ps\n    dialogue:\n      - {expect: a, send: b}\n"
    place, said = refused(f"{HEAD}{nested}  - docker run -d img\n      - docker ps\n")
    assert place == "7:7"
    assert said.startswith("a list item in the middle of a text; expected quotes round")


def test_a_fault_further_on_in_the_line_keeps_its_own_advice(refused: Refused) -> None:
    _, said = refused(f"{HEAD}  - docker ps\n  - command: docker run -e A: B\n")
    assert said.endswith("write: - command: 'docker run -e A: B'")


@pytest.mark.parametrize(
    "command",
    [
        "docker run\n      -d img\n      echo a -\n",
        ">-\n      docker import\n      - me/test\n",
        '"docker import\n      - me/test"\n',
    ],
)
def test_a_command_over_several_lines_is_one(command: str) -> None:
    scenario = loads(f"{HEAD}  - name: A\n    command: {command}", "a.yaml")
    assert len(scenario.steps) == 1
