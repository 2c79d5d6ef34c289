"""Files of this machine are held to what the author expects of them."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from lifecycle.checks.check import Check
from lifecycle.checks.expect.judge_expect import judge_expect
from lifecycle.facts.model import World
from lifecycle.machine.subject import current_subject
from tests.unit.checks.samples import (
    NO_GPUS,
    with_host_files,
)


@pytest.fixture
def here(tmp_path: Path) -> Callable[..., list[Check]]:
    """Judges a real file of the person who runs the tests."""
    path = tmp_path / "note"
    path.write_text("hello\n")
    path.chmod(0o640)

    def judge(want: dict[str, Any], name: str = "note", **around: Any) -> list[Check]:
        me = World(current_subject(), NO_GPUS, **{"shares_machine": True, **around})
        expect = {"host": {"files": {str(tmp_path / name): want}}}
        return judge_expect(expect, with_host_files(me, expect), None)

    return judge


def statuses(checks: list[Check]) -> set[str]:
    return {c.status for c in checks}


def test_a_file_of_the_host_is_as_expected(here: Callable[..., list[Check]]) -> None:
    me = current_subject()
    want = {
        "exists": True,
        "owner": me.name,
        "group": me.gid,
        "mode": "0640",
        "writable": True,
        "contains": "hel+o",
        "text": "hello",
    }
    assert statuses(here(want)) == {"kept"}
    assert statuses(here({"owner": me.uid, "group": me.group})) == {"kept"}
    assert statuses(here({"exists": False}, "missing")) == {"kept"}


@pytest.mark.parametrize(
    "want",
    [
        {"exists": False},
        {"owner": "nobody-of-that-name"},
        {"group": 4321},
        {"mode": "0644"},
        {"writable": False},
        {"contains": "^ello"},
        {"text": "hello there"},
    ],
    ids=str,
)
def test_a_file_of_the_host_is_not_as_expected(
    here: Callable[..., list[Check]], want: dict[str, Any]
) -> None:
    assert statuses(here(want)) == {"broken"}


def test_a_file_that_is_not_there_is_not_as_expected(here: Callable[..., list[Check]]) -> None:
    assert statuses(here({"mode": "0644"}, "missing")) == {"broken"}


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_file_that_the_person_may_not_write_is_told(here: Callable[..., list[Check]]) -> None:
    assert statuses(here({"writable": False}, "/proc/version")) == {"kept"}


def test_owners_mean_nothing_where_users_are_remapped(here: Callable[..., list[Check]]) -> None:
    (check,) = here({"owner": 0}, remaps_users="userns")
    assert check.source == "the engine remaps users (userns), so uids differ on purpose"
    assert statuses(here({"text": "hello"}, remaps_users="userns")) == {"kept"}
