"""Signals that mean one wish to end are one, and only impatience cuts a clean-up short."""

from __future__ import annotations

import signal
from signal import SIGHUP, SIGINT, SIGTERM

import pytest

from lifecycle.machine.end_signals import Ending, heeded
from lifecycle.plugin.interrupts import Interrupts


@pytest.mark.parametrize(
    ("came", "leaving"),
    [
        ([SIGINT], False),
        ([SIGTERM], False),
        ([SIGHUP], False),
        ([SIGHUP, SIGHUP, SIGHUP], False),
        ([SIGHUP, SIGTERM], False),
        ([SIGTERM, SIGHUP], False),
        ([SIGHUP, SIGTERM, SIGHUP], False),
        ([SIGINT, SIGINT], True),
        ([SIGINT, SIGTERM], True),
        ([SIGHUP, SIGTERM, SIGTERM], True),
        ([SIGTERM, SIGHUP, SIGINT], True),
    ],
)
def test_a_hangup_and_what_comes_with_it_are_one_wish(
    came: list[signal.Signals], *, leaving: bool
) -> None:
    ending = Ending()
    firsts = [ending.ask(number) for number in came]
    assert firsts == [True] + [False] * (len(came) - 1)
    assert (ending.requested, ending.leaving) == (True, leaving)


@pytest.fixture
def signals(monkeypatch: pytest.MonkeyPatch) -> dict[int, object]:
    """The handlers that are asked for, of which none is really installed."""
    taken: dict[int, object] = {}
    monkeypatch.setattr(signal, "signal", taken.__setitem__)
    return taken


def test_a_step_is_interrupted_once_and_its_own_end_is_not_cut_short(
    signals: dict[int, object],
) -> None:
    interrupts = Interrupts()
    interrupts.install(worker=False)
    handle = signals[SIGHUP]
    assert callable(handle)
    with interrupts.step():
        with pytest.raises(KeyboardInterrupt):
            handle(SIGHUP, None)
        handle(SIGHUP, None)
        handle(SIGTERM, None)
    with pytest.raises(KeyboardInterrupt):
        handle(SIGTERM, None)


def test_outside_a_step_a_signal_interrupts_nothing(signals: dict[int, object]) -> None:
    interrupts = Interrupts()
    interrupts.install(worker=False)
    handle = signals[SIGTERM]
    assert callable(handle)
    handle(SIGTERM, None)
    assert interrupts.requested


def test_a_worker_listens_to_its_controller_alone(signals: dict[int, object]) -> None:
    Interrupts().install(worker=True)
    assert signals[SIGINT] is signals[SIGHUP] is signal.SIG_IGN
    assert callable(signals[SIGTERM])


def test_a_hangup_that_is_ignored_stays_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(signal, "getsignal", lambda _: signal.SIG_IGN)
    assert SIGHUP not in heeded()
