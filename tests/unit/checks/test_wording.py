"""What people read of a promise and of a check."""

from __future__ import annotations

import pytest

from lifecycle.checks.check import compare, unverified
from lifecycle.checks.judge import _CONTAINER, _OTHER
from lifecycle.checks.wording import _PHRASES, about, shown
from lifecycle.command.line import Ref
from tests.unit.checks.samples import said


@pytest.mark.parametrize("field", sorted({*_CONTAINER, *_OTHER}))
def test_a_promise_is_named_by_its_flag_its_thing_and_words(field: str) -> None:
    label = about(said("-x", field, 1, about=Ref("container", "c")))
    assert label.startswith("-x: c: ")
    assert "." not in label
    assert "_" not in label


def test_a_promise_of_a_thing_without_a_name_names_none() -> None:
    assert about(said("run", "container.exists", 1, about=Ref("container", ""))) == "run: is there"


def test_a_name_that_the_author_chose_is_shown_as_it_is() -> None:
    assert about(said("-e", "container.env.MY_KEY", "1")).endswith(": env MY_KEY")


def test_where_a_promise_is_seen_is_told_apart() -> None:
    labels = {
        about(said("-t", "container.tty", 1, "inspect")),
        about(said("-t", "container.tty", 1, "inside")),
        about(said("-t", "container.tty", 1, "host")),
    }
    assert len(labels) == 3


def test_a_value_is_shown_on_one_line() -> None:
    assert shown({"count": -1, "devices": ["0", "1"]}) == "count -1, devices 0 1"
    assert shown(("a", 1)) == "a 1"
    assert shown(None) == "None"


def test_a_check_says_what_was_expected_beside_what_was_found() -> None:
    assert compare("x", 1, 1, "inspect").status == "kept"
    assert compare("x", 1, 2, "inspect").to_json() == {
        "about": "x",
        "expected": 1,
        "actual": 2,
        "status": "broken",
        "source": "inspect",
        "gpu": None,
    }
    assert unverified("x", 1, "why").to_json()["source"] == "why"


def test_every_word_of_the_table_is_of_a_promise_that_there_is() -> None:
    known = {field.removesuffix(".") for field in {*_CONTAINER, *_OTHER}}
    assert {field for field in _PHRASES if field not in known} <= _OF_A_KEY


_OF_A_KEY = {"image.build_arg"}
"""Fields that end with a name which the author chose."""
