"""An error in a step is told with its place, before anything runs."""

from __future__ import annotations

from collections.abc import Callable

import pytest

Wrong = Callable[..., tuple[str, str]]


@pytest.mark.parametrize(
    ("command", "place", "said"),
    [
        ("docker run --gpu all me/test", "3:14", "unknown flag: --gpu; did you mean --gpus?"),
        ("docker runn me/test", "3:10", "unknown command: docker runn; did you mean run?"),
        ("docker run -p x:y me/test", "3:17", "impossible value of -p: x:y"),
        (
            "docker run ${{ ['-e', 'A=1', '-e', 'B=2'] }} --gpu all me/test",
            "3:48",
            "unknown flag: --gpu",
        ),
        ("docker run ${{ [] }} --gpu all me/test", "3:24", "unknown flag: --gpu"),
        ("docker run ${{ ['--gpu', 'all'] }} me/test", "3:14", "unknown flag: --gpu"),
        ("docker rm", "3:10", "docker rm requires at least 1 argument"),
    ],
)
def test_an_error_of_a_line_has_the_place_of_its_word(
    wrong: Wrong, command: str, place: str, said: str
) -> None:
    found, message = wrong(f"- {command}\n")
    assert (found, message[: len(said)]) == (place, said)


def test_the_place_of_a_word_is_found_in_a_folded_command(wrong: Wrong) -> None:
    place, _ = wrong("- command: >-\n    docker run -d\n    --nam box\n    me/test\n")
    assert place == "5:5"


def test_an_unknown_variable_is_an_error_before_anything_runs(wrong: Wrong) -> None:
    place, said = wrong("- docker ps\n- docker run ${{ imagee }}\n")
    assert place.startswith("4:")
    assert "imagee" in said
