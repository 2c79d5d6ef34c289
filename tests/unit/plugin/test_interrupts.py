"""Signals: once for an orderly end, twice to leave at once; a closed terminal is one wish."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator

import pytest

from lifecycle.machine.end_signals import heeded
from lifecycle.plugin import interrupts as module
from lifecycle.plugin.interrupts import Interrupts, pass_on


@pytest.fixture(autouse=True)
def _restored() -> Iterator[None]:
    known = {number: signal.getsignal(number) for number in heeded()}
    yield
    for number, handler in known.items():
        signal.signal(number, handler)


@pytest.fixture
def installed() -> Interrupts:
    made = Interrupts()
    made.install(worker=False)
    return made


def send(number: int) -> None:
    os.kill(os.getpid(), number)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_the_first_signal_ends_the_step_that_is_done(installed: Interrupts, number: int) -> None:
    with pytest.raises(KeyboardInterrupt), installed.step():
        send(number)
    assert (installed.requested, installed.leaving) == (True, False)


def test_between_steps_it_is_only_noted(installed: Interrupts) -> None:
    send(signal.SIGINT)
    assert (installed.requested, installed.leaving) == (True, False)


def test_after_a_step_it_is_between_steps_again(installed: Interrupts) -> None:
    with installed.step():
        pass
    send(signal.SIGTERM)
    assert installed.requested


def test_a_second_one_leaves_wherever_we_are(installed: Interrupts) -> None:
    send(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt):
        send(signal.SIGTERM)
    assert installed.leaving


def test_what_ends_a_step_is_not_cut_short_by_a_closed_terminal(installed: Interrupts) -> None:
    send(signal.SIGTERM)
    with installed.step():
        send(signal.SIGHUP)
    assert not installed.leaving


def test_a_worker_listens_to_sigterm_alone() -> None:
    Interrupts().install(worker=True)
    assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    assert callable(signal.getsignal(signal.SIGTERM))


def test_they_are_taken_over_once_and_by_the_main_thread_only(installed: Interrupts) -> None:
    mine = signal.getsignal(signal.SIGINT)
    installed.install(worker=True)
    assert signal.getsignal(signal.SIGINT) == mine
    other = Interrupts()
    thread = threading.Thread(target=lambda: other.install(worker=False))
    thread.start()
    thread.join()
    assert signal.getsignal(signal.SIGINT) == mine


def test_a_controller_passes_its_signals_on_to_its_workers(monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[tuple[int, int]] = []
    told: list[str] = []

    def kill(worker: int, number: int) -> None:
        if worker == 8:
            raise ProcessLookupError
        sent.append((worker, number))

    interrupts = Interrupts()
    pass_on(interrupts, lambda: told.append("told"))
    monkeypatch.setattr(module, "children_of", lambda _: [7, 8, 9])
    heard = signal.getsignal(signal.SIGINT)
    assert callable(heard)
    monkeypatch.setattr(module.os, "kill", kill)  # type: ignore[attr-defined]
    heard(signal.SIGINT, None)
    assert (sent, told) == ([(7, signal.SIGTERM), (9, signal.SIGTERM)], ["told"])
    heard(signal.SIGHUP, None)
    assert (len(sent), told) == (2, ["told"])
    with pytest.raises(KeyboardInterrupt):
        heard(signal.SIGTERM, None)
    assert (len(sent), told) == (4, ["told"])
