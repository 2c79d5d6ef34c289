"""The witness looks into this run's containers at their start, and notes their end."""

from __future__ import annotations

import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from lifecycle.engine.events import Event
from lifecycle.facts.inside import Inside, Probe
from lifecycle.run.inside.at_start import Watch, Witness
from tests.unit.run.conftest import RUN
from tests.unit.run.requests.fakes import Run, full

OURS, THEIRS = full("a"), full("b")
NAME = f"box-{RUN}"


@pytest.fixture
def run(tmp_path: Path) -> Run:
    made = Run(tmp_path)
    made.make("container", NAME, "a")
    return made


@pytest.fixture
def witness(run: Run) -> Witness:
    return Witness(run.ownership)


class Trips:
    def finish(self, _inside: Inside) -> dict[str, Any]:
        return {}


def event(action: str, identity: str, kind: str = "container", name: str = NAME) -> Event:
    return Event(kind, action, identity, name, {"name": name}, 0.0)


def watch(looked: list[str], *, fails: bool = False) -> Watch:
    def look(container: str, _probe: Probe) -> Inside:
        looked.append(container)
        if fails:
            raise ValueError("a fault")
        return Inside()

    trips: Any = Trips()
    return Watch(look, Probe(), trips)


@pytest.mark.parametrize("action", ["create", "start", "rename"])
@pytest.mark.parametrize("kind", ["container", "image", "volume", "network"])
def test_nothing_is_claimed_of_what_an_event_says(
    run: Run, witness: Witness, action: str, kind: str
) -> None:
    before = run.entries
    witness(event(action, THEIRS, kind))
    witness(event(action, THEIRS, kind, "dbg-" + NAME))
    assert run.entries == before


def test_a_container_of_ours_that_is_gone_is_off_the_ledger(run: Run, witness: Witness) -> None:
    witness(event("destroy", THEIRS))
    assert run.entries == {("container", NAME, OURS)}
    witness(event("destroy", OURS, "image"))
    assert run.entries == {("container", NAME, OURS)}
    witness(event("destroy", OURS))
    assert run.entries == set()


def test_a_container_of_ours_is_looked_into_at_its_start_by_its_id(witness: Witness) -> None:
    looked: list[str] = []
    seen = watch(looked)
    witness.watch(NAME, seen)
    witness(event("create", OURS))
    witness(event("start", THEIRS))
    assert not seen.done.is_set()
    witness(event("start", OURS))
    assert seen.done.wait(10)
    assert looked == [OURS]
    witness(event("start", OURS))
    assert looked == [OURS], "once"


def test_a_look_that_fails_is_told_and_ends(witness: Witness) -> None:
    seen = watch([], fails=True)
    witness.watch(NAME, seen)
    witness(event("start", OURS))
    assert seen.done.wait(10)
    assert "a fault" in seen.inside.unseen


def test_later_looks_are_prepared_while_this_one_is_taken(witness: Witness) -> None:
    prepared, looked = list[str](), list[str]()
    begun, seen = threading.Event(), watch(looked)

    def prepare(container: str) -> None:
        prepared.append(container)
        begun.set()

    def look(container: str, probe: Probe) -> Inside:
        assert begun.wait(10), "neither waits for the other"
        return seen.look(container, probe)

    both = replace(seen, look=look, prepare=prepare)
    witness.watch(NAME, both)
    witness(event("start", OURS))
    assert both.done.wait(10)
    assert (prepared, looked, both.inside.unseen) == ([OURS], [OURS], "")
