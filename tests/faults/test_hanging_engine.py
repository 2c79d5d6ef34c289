"""The engine hangs in the middle of a step of each kind: the run ends, and says what is left."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest

from lifecycle.sandbox.info import SandboxInfo
from tests.engine.between import between
from tests.engine.harness import Place, Ran, findings, wait_until
from tests.engine.middles import MIDDLES, Middle, hanging_registry

pytestmark = pytest.mark.engine

STEP_LIMIT = "10s"
LIMIT = 180.0
"""Seconds: the step's own, twice the engine's for an answer, and the clean-up's patience."""
BEGINS = 120.0


@dataclass(frozen=True)
class Hung:
    """A run whose engine hung in its last step, and how long it took to end."""

    ran: Ran
    seconds: float


def state_of(place: Place, kind: str) -> Path:
    """Where the ledger of a run is."""
    return place.folder / "state" / kind


@pytest.fixture(scope="module")
def hung(shared_place: Place, in_sandbox: SandboxInfo) -> Iterator[dict[str, Hung]]:
    """One of each kind, side by side, since they wait; then the engine goes on."""
    place, found, stalled = shared_place, {}, {}
    with ExitStack() as stack:
        port = stack.enter_context(hanging_registry(in_sandbox))
        running, ways = {}, []
        for kind in MIDDLES:
            way = stack.enter_context(
                between(place.folder / f"{kind}.sock", os.environ["DOCKER_HOST"])
            )
            place.environ["DOCKER_HOST"] = way.address
            # A ledger of an engine that hangs would keep the others' runs waiting.
            place.environ["XDG_STATE_HOME"] = str(state_of(place, kind))
            scenario = Middle(kind, place.word, port, STEP_LIMIT)
            file = place.write(f"{kind}.yaml", scenario.text)
            process = stack.enter_context(place.started(*place.run_words(str(file))))
            running[kind] = process, place.report_folder
            ways.append(way)
            wait_until(scenario.reached, BEGINS)
            way.stall()
            stalled[kind] = time.monotonic()
        for kind, (process, folder) in running.items():
            out, err = process.communicate(timeout=LIMIT)
            seconds = time.monotonic() - stalled[kind]
            found[kind] = Hung(Ran(process.returncode, out, err, folder), seconds)
        for way in ways:
            way.pass_on()
        yield found


@pytest.mark.parametrize("kind", MIDDLES)
def test_it_ends_within_a_limit_in_a_finding(hung: dict[str, Hung], kind: str) -> None:
    ran = hung[kind].ran
    assert "Traceback" not in ran.said
    assert hung[kind].seconds < LIMIT
    assert (ran.exit_code, ran.report["verdict"]) == (1, "FAIL")
    step = next(s for s in ran.scenario()["steps"] if s["status"] != "passed")
    assert (step["status"], findings(step)) == ("failed", ["engine-hangs"]), ran.said


@pytest.mark.parametrize("kind", sorted(set(MIDDLES) - {"pull"}))
def test_what_it_could_not_remove_is_said(hung: dict[str, Hung], kind: str) -> None:
    ran = hung[kind].ran
    assert findings(ran.step("Clean-up")) == ["engine-hangs"], ran.said
    assert ran.report["left_behind"], ran.said


def test_once_the_engine_answers_a_sweep_removes_all_of_it(
    hung: dict[str, Hung], shared_place: Place
) -> None:
    for kind in hung:
        shared_place.environ["XDG_STATE_HOME"] = str(state_of(shared_place, kind))
        swept = shared_place.lifecycle("sweep")
        assert swept.exit_code == 0, swept.said
    assert (shared_place.left(), shared_place.ledgers()) == ([], [])
