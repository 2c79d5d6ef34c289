"""A gate's process that was started ahead serves the next run, if it still lives."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from lifecycle.gate import ahead
from lifecycle.gate.ahead import Ahead
from lifecycle.gate.gate import GateError, GateProcess


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[GateProcess]]:
    """Every process that was started, in order."""
    processes: list[GateProcess] = []

    def start() -> GateProcess:
        processes.append(GateProcess())
        return processes[-1]

    monkeypatch.setattr(ahead, "GateProcess", start)
    with ExitStack() as stack:
        yield processes
        for process in processes:
            stack.callback(process.close)


def test_one_that_was_started_ahead_is_taken_once(started: list[GateProcess]) -> None:
    spare = Ahead()
    spare.start()
    spare.start()
    assert len(started) == 1
    assert [spare.take(), spare.take()] == started
    assert [process.is_running for process in started] == [True, True]


def test_one_that_has_ended_meanwhile_is_not_taken(started: list[GateProcess]) -> None:
    spare = Ahead()
    spare.start()
    started[0].popen.kill()
    started[0].popen.wait(10)
    assert spare.take() is started[1]


def test_one_that_no_run_takes_is_ended(started: list[GateProcess]) -> None:
    spare = Ahead()
    spare.start()
    spare.close()
    spare.close()
    assert [process.is_running for process in started] == [False]


def test_that_none_can_be_started_is_told_to_the_run_that_needs_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fails() -> GateProcess:
        raise GateError("no more processes")

    monkeypatch.setattr(ahead, "GateProcess", fails)
    spare = Ahead()
    spare.start()
    with pytest.raises(GateError, match="no more"):
        spare.take()
