"""What people read of a promise and of a check."""

from __future__ import annotations

import pytest

from lifecycle.checks.check import GpuKind, compare, unverified
from lifecycle.checks.table import RULES, row_of
from lifecycle.checks.wording import about, seen_at, shown, simulated
from lifecycle.command.flag_row import by_key
from lifecycle.command.flags import VERBS
from lifecycle.command.line import Ref
from lifecycle.command.promise import Where
from tests.unit.checks.samples import said

KEYED = {
    says.field
    for verb in VERBS.values()
    for flag in verb.flags
    for says in flag.says
    if says.shape is by_key
}


@pytest.mark.parametrize("field", sorted(RULES))
def test_a_promise_is_named_by_its_flag_its_thing_and_words(field: str) -> None:
    label = about(said("-x", field, 1, about=Ref("container", "c")), field, RULES[field].phrase)
    assert label.startswith("-x: c: ")
    assert "." not in label
    assert "_" not in label


def test_a_promise_of_a_thing_without_a_name_names_none() -> None:
    nameless = said("run", "container.exists", 1, about=Ref("container", ""))
    assert about(nameless, "container.exists", "is there") == "run: is there"


@pytest.mark.parametrize("field", sorted(KEYED))
def test_a_name_that_the_author_chose_is_shown_as_it_is(field: str) -> None:
    for chosen in ("MY_KEY", "a.b_c.d"):
        promise = said("-e", f"{field}.{chosen}", "1")
        assert about(promise, row_of(promise.field)).endswith(f" {chosen}")


def test_what_nothing_judges_is_named_by_its_field_and_a_flag_by_itself() -> None:
    assert about(said("-e", "container.new_thing", "1"), "") == "-e: c: new thing"
    assert about(said("--x", "flag.x", "1"), "") == "--x: the promise of --x"


def test_where_a_promise_is_seen_is_told_apart() -> None:
    places: tuple[Where, ...] = ("inspect", "inside", "host")
    assert len(set(map(seen_at, places))) == 3


def test_gpus_that_are_none_say_so() -> None:
    kinds: tuple[GpuKind | None, ...] = (None, "real", "simulated")
    assert [simulated(kind) for kind in kinds] == ["", "", " [SIMULATED]"]


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
