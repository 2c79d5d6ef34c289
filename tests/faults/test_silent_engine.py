"""An engine that takes connections and answers nothing ends in a finding, not in a wait."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from dataclasses import replace

import pytest

from lifecycle.engine.limits import ANSWER_LIMIT
from tests.engine.between import Between, between
from tests.engine.harness import Place, Ran, findings, wait_until

pytestmark = pytest.mark.engine

FIRST_ANSWER = ANSWER_LIMIT + 15
"""Seconds until a command has ended that needs an engine and finds it silent."""
SMALL = "scenario: small\nsteps: [docker volume create MINE-v]\n"
UP = """
scenario: up
steps:
  - docker volume create MINE-v
  - {name: Up, command: "docker run --name=MINE-c ${{ lab.base_image }} sleep 300"}
"""


@pytest.fixture
def silent(place: Place) -> Iterator[Between]:
    """The engine by a way that can be stopped; what the place runs goes by it."""
    with between(place.folder / "engine.sock", os.environ["DOCKER_HOST"]) as made:
        place.environ["DOCKER_HOST"] = made.address
        yield made


def soon(place: Place, *words: str) -> Ran:
    """Run a command, which has to end within the limit of a first answer."""
    begun = time.monotonic()
    ran = place.run(*words[1:]) if words[0] == "run" else place.lifecycle(*words)
    assert time.monotonic() - begun < FIRST_ANSWER, ran.said
    assert "Traceback" not in ran.said
    return ran


def test_a_run_says_that_the_engine_hangs(place: Place, silent: Between) -> None:
    silent.stall()
    ran = soon(place, "run", str(place.write("a.yaml", SMALL)))
    step = ran.scenario()["steps"][0]
    assert (ran.exit_code, step["status"], findings(step)) == (1, "failed", ["engine-hangs"])
    assert {r["who"] for r in step["findings"][0]["remedies"]} == {"user", "admin"}


def test_doctor_says_it_in_the_language_asked_for(place: Place, silent: Between) -> None:
    silent.stall()
    ran = soon(place, "doctor", "--json", "--lang", "ko")
    [found] = [f for f in json.loads(ran.out)["findings"] if f["id"] == "engine-hangs"]
    assert ran.exit_code == 1
    assert "응답" in found["cause"]


def test_hold_says_it(place: Place, silent: Between) -> None:
    silent.stall()
    ran = soon(place, "hold", "somebody")
    assert (ran.exit_code, "[engine-hangs]" in ran.said) == (4, True)


def test_a_run_that_it_keeps_from_cleaning_up_says_what_is_left_and_a_sweep_goes_on(
    place: Place, silent: Between
) -> None:
    with place.started(*place.run_words(str(place.write("a.yaml", UP)))) as process:
        wait_until(lambda: place.is_up("MINE-c") or process.poll() is not None)
        silent.stall()
        process.terminate()
        ran = place.ended(process, limit=200)
    assert "Traceback" not in ran.said
    assert "waiting up to" in ran.err
    cleanup = ran.step("Clean-up")
    assert (cleanup["status"], findings(cleanup)) == ("failed", ["engine-hangs"])
    assert any("volume" in thing for thing in ran.report["left_behind"])
    assert len(place.left()) == 2
    still = soon(place, "sweep")
    assert "[engine-hangs]" in still.out
    silent.pass_on()
    assert soon(place, "sweep").exit_code == 0
    assert (place.left(), place.ledgers()) == ([], [])


def test_one_that_answers_again_in_time_is_cleaned_up(place: Place, silent: Between) -> None:
    with place.started(*place.run_words(str(place.write("a.yaml", UP)))) as process:
        wait_until(lambda: place.is_up("MINE-c") or process.poll() is not None)
        silent.stall()
        process.terminate()
        line = next(text for text in process.stderr or () if "waiting up to" in text)
        silent.pass_on()
        ran = replace(place.ended(process, limit=120), err=line)
    assert ran.step("Clean-up")["status"] == "passed"
    assert (place.left(), place.ledgers()) == ([], [])
