"""Whatever is being done, one signal ends it in order, and a second one at once."""

from __future__ import annotations

import signal
import subprocess
import time
from collections.abc import Callable, Iterator

import pytest

from lifecycle.sandbox.info import SandboxInfo
from tests.engine.harness import LIMIT, Place, Ran, broken, wait_until
from tests.engine.middles import BASE, MIDDLES, Middle, hanging_registry, namespaces
from tests.plugin.test_ending import ctrl_c, term

pytestmark = pytest.mark.engine

AT_ONCE = {"alone": 10.0, "wide": 25.0}
"""Seconds: the command that runs has three to heed TERM, xdist's workers ten, Python has to end."""
WIDE = {"alone": (), "wide": ("-n", "2")}
SLOW_END = f"""
finally:
  - docker run --name=MINE-f {BASE} sleep 300
"""
How = Callable[[subprocess.Popen[str]], object]


@pytest.fixture(scope="module")
def registry(in_sandbox: SandboxInfo) -> Iterator[str]:
    with hanging_registry(in_sandbox) as port:
        yield port


def cancelled(process: subprocess.Popen[str]) -> None:
    """GitHub sends SIGINT to the process alone, SIGTERM 7.5 s later, and SIGKILL after 2.5 more."""
    for number, seconds in ((signal.SIGINT, 7.5), (signal.SIGTERM, 2.5), (signal.SIGKILL, LIMIT)):
        process.send_signal(number)
        try:
            process.wait(seconds)
        except subprocess.TimeoutExpired:
            continue
        return


def ended(place: Place, how: How, scenario: Middle) -> Ran:
    with place.started(*place.run_words(str(place.write("a.yaml", scenario.text)))) as process:
        wait_until(lambda: scenario.reached() or process.poll() is not None, LIMIT)
        assert process.poll() is None, place.ended(process).said
        how(process)
        ran = place.ended(process)
    assert "Traceback" not in ran.said, ran.said
    assert "INTERNALERROR" not in ran.said, ran.said
    return ran


@pytest.mark.parametrize("how", [ctrl_c, term])
@pytest.mark.parametrize("kind", MIDDLES)
def test_one_signal_in_the_middle_of_a_step_cleans_up_and_reports(
    place: Place, registry: str, kind: str, how: How
) -> None:
    ran = ended(place, how, Middle(kind, place.word, registry))
    *steps, cleanup = ran.scenario()["steps"]
    assert (ran.exit_code, cleanup["status"]) == (2, "passed"), ran.said
    assert [broken(s) for s in steps if s["status"] == "failed"] == [["it gets done"]], ran.said
    assert (place.left(), place.ledgers()) == ([], [])


@pytest.mark.parametrize("kind", MIDDLES)
def test_a_cancelled_ci_job_leaves_nothing_that_the_next_sweep_does_not_remove(
    place: Place, registry: str, kind: str
) -> None:
    ended(place, cancelled, Middle(kind, place.word, registry))
    assert place.lifecycle("sweep").exit_code == 0
    assert (place.left(), place.ledgers()) == ([], [])


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("wide", WIDE)
def test_a_second_signal_leaves_at_once_and_the_ledger_to_the_next_sweep(
    place: Place, number: signal.Signals, wide: str
) -> None:
    scenario = Middle("run", place.word, rest=SLOW_END)
    file = place.write("a.yaml", scenario.text)
    with place.started(*place.run_words(str(file), *WIDE[wide])) as process:
        wait_until(scenario.reached, LIMIT)
        process.send_signal(number)
        wait_until(lambda: namespaces(f"docker run --name={place.word}-f"), LIMIT)
        begun = time.monotonic()
        process.send_signal(number)
        process.wait(LIMIT)
        took, ran = time.monotonic() - begun, place.ended(process)
    assert "Traceback" not in ran.said, ran.said
    assert ran.exit_code in {2, 130}
    assert took < AT_ONCE[wide]
    assert place.ledgers(), "what is left is written down"
    swept = place.lifecycle("sweep")
    assert swept.exit_code == 0, swept.said
    assert (place.left(), place.ledgers()) == ([], [])


def test_workers_that_are_cancelled_leave_nothing_that_the_next_sweep_does_not_remove(
    place: Place,
) -> None:
    both = [Middle(kind, place.word) for kind in ("run", "exec")]
    files = [str(place.write(f"{one.kind}.yaml", one.text)) for one in both]
    with place.started(*place.run_words(*files, "-n", "2")) as process:
        wait_until(lambda: all(one.reached() for one in both), LIMIT)
        cancelled(process)
        place.ended(process)
    assert place.lifecycle("sweep").exit_code == 0
    assert (place.left(), place.ledgers()) == ([], [])


def test_a_signal_lets_a_slow_end_finish(place: Place) -> None:
    scenario = Middle("run", place.word, rest="finally:\n  - docker stop -t 5 MINE-c\n")
    with place.started(*place.run_words(str(place.write("a.yaml", scenario.text)))) as process:
        wait_until(scenario.reached, LIMIT)
        term(process)
        wait_until(lambda: namespaces(f"docker stop -t 5 {place.word}"), LIMIT)
        ran = place.ended(process)
    assert ran.step("Clean-up")["status"] == "passed"
    assert (place.left(), place.ledgers()) == ([], [])
