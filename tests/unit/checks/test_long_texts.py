"""Of a long text only a part is read, and nothing is concluded from what that part lacks."""

from __future__ import annotations

from pathlib import Path

import pytest

from lifecycle.checks.expect.judge_expect import judge_expect
from lifecycle.checks.expect.pattern import pattern
from lifecycle.facts.inside import MOST_TEXT
from lifecycle.facts.model import World
from lifecycle.machine.subject import current_subject
from tests.unit.checks.samples import NO_GPUS, with_host_files

LONG = "begins" + "x" * MOST_TEXT


@pytest.mark.parametrize(
    ("wanted", "status"),
    [("^begins", "kept"), ("ends", "unverified"), ("x$", "unverified"), (r"x+\Z", "unverified")],
)
def test_only_what_the_part_shows_is_decided(wanted: str, status: str) -> None:
    check = pattern("/f contains", wanted, LONG, "it")
    assert check.status == status
    assert (str(MOST_TEXT) in check.source) is (status == "unverified")


@pytest.mark.parametrize(
    ("want", "status"),
    [
        ({"text": "begins"}, "broken"),
        ({"contains": "begins"}, "kept"),
        ({"contains": "ends"}, "unverified"),
    ],
    ids=str,
)
def test_a_long_file_of_this_machine_is_read_no_further(
    tmp_path: Path, want: dict[str, str], status: str
) -> None:
    (tmp_path / "long").write_text(f"{LONG} ends")
    around = World(current_subject(), NO_GPUS, shares_machine=True)
    expect = {"host": {"files": {str(tmp_path / "long"): want}}}
    (check,) = judge_expect(expect, with_host_files(around, expect), None)
    assert check.status == status
    assert len(str(check.actual)) < 500
