"""What `lifecycle sweep` prints of a run: a line each, with the reason where a thing is left."""

from __future__ import annotations

from lifecycle.checks.check import Check, unverified
from lifecycle.cli.sweep import _swept_lines
from lifecycle.run.ownership.sweep import Swept

REMOVED = Check("volume v", "removed", "removed", "kept", "clean-up")
LEFT = unverified("image x", "removed", "left: somebody gave it a name")


def test_what_is_left_says_why() -> None:
    assert _swept_lines(Swept("r00000001", checks=[REMOVED, LEFT])) == [
        "run r00000001: 2 things",
        "  volume v: removed",
        "  image x: left: somebody gave it a name",
    ]


def test_one_thing_is_one() -> None:
    assert _swept_lines(Swept("r00000001", checks=[REMOVED]))[0] == "run r00000001: 1 thing"


def test_a_run_that_is_left_alone_says_why() -> None:
    told = _swept_lines(Swept("r00000001", left_alone="it still runs"))
    assert told == ["run r00000001: left alone, it still runs"]
