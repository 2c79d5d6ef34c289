"""Checkpoints: the engine's root goes into no folder that a request names."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.run.requests.fakes import OURS, THEIRS, Run

ALL = f"/containers/{OURS}/checkpoints"
ELSEWHERE: list[tuple[str, Any]] = [
    (f"GET {ALL}?dir=/home/bob", b""),
    (f"GET /containers/{THEIRS}/checkpoints?dir=/home/bob", b""),
    (f"DELETE {ALL}/thesis?dir=/home/bob", b""),
    (f"DELETE {ALL}/thesis?dir=&dir=/home/bob", b""),
    (f"POST {ALL}", {"CheckpointID": "one", "CheckpointDir": "/home/bob"}),
    (f"POST {ALL}", {"checkpointid": "one", "checkpointdir": "/home/bob"}),
    (f"POST /containers/{OURS}/start?checkpoint=one&checkpoint-dir=/home/bob", b""),
]


@pytest.mark.parametrize(("line", "body"), ELSEWHERE)
def test_no_folder_of_checkpoints_is_named(shared: Run, line: str, body: Any) -> None:
    call = shared.ask(line, body)
    assert (call.status, call.relayed) == (403, "")
    assert "checkpoints in the folder /home/bob are not let through" in call.refusal
    assert shared.refusals == [call.refusal]


@pytest.mark.parametrize(
    ("line", "body"),
    [
        (f"POST /containers/{OURS}/start?checkpoint=../../../../home/bob", b""),
        (f"POST {ALL}", {"CheckpointID": "../bob"}),
        (f"DELETE {ALL}/..%5cbob", b""),
    ],
)
def test_no_name_of_a_checkpoint_leads_to_another_folder(shared: Run, line: str, body: Any) -> None:
    call = shared.ask(line, body)
    assert "its name may lead to another folder" in call.refusal
    assert not call.relayed


@pytest.mark.parametrize(
    ("line", "body"),
    [
        (f"GET {ALL}", b""),
        (f"GET {ALL}?dir=", b""),
        (f"GET /containers/{THEIRS}/checkpoints", b""),
        (f"DELETE {ALL}/one", b""),
        (f"POST {ALL}", {"CheckpointID": "one", "Exit": True}),
        (f"POST {ALL}", {"CheckpointID": "one", "CheckpointDir": ""}),
        (f"POST /containers/{OURS}/start?checkpoint=one", b""),
    ],
)
def test_those_in_the_engine_s_own_place_are_let_through(shared: Run, line: str, body: Any) -> None:
    assert shared.ask(line, body).relayed
