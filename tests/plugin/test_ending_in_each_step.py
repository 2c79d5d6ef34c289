"""Whatever is being done, one signal ends it in order, and a second one at once."""

from __future__ import annotations

import signal
import subprocess
import time
from collections.abc import Callable, Iterator

import pytest

from lifecycle.engine.sandbox import SandboxInfo
from tests.engine.harness import LIMIT, Place, Ran, wait_until
from tests.engine.middles import BASE, MIDDLES, hanging_registry, is_running, middle, reached
from tests.plugin.test_ending import ctrl_c, term

pytestmark = pytest.mark.engine

AT_ONCE = 10.0
"""Seconds: the command that runs has three to heed TERM, and Python has to end."""
SLOW_END = f"""
finally:
  - docker run --name=MINE-f {BASE} sleep 4343
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


def ended(place: Place, how: How, kind: str, text: str) -> Ran:
    with place.started(*place.run_words(str(place.write("a.yaml", text)))) as process:
        wait_until(lambda: reached(kind) or process.poll() is not None)
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
    ran = ended(place, how, kind, middle(kind, registry))
    *_, step, cleanup = ran.scenario()["steps"]
    assert (ran.exit_code, step["status"], cleanup["status"]) == (2, "failed", "passed"), ran.said
    assert (place.left(), place.ledgers()) == ([], [])


@pytest.mark.parametrize("kind", MIDDLES)
def test_a_cancelled_ci_job_leaves_nothing_that_the_next_sweep_does_not_remove(
    place: Place, registry: str, kind: str
) -> None:
    ended(place, cancelled, kind, middle(kind, registry))
    assert place.lifecycle("sweep").exit_code == 0
    assert (place.left(), place.ledgers()) == ([], [])


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("wide", [(), ("-n", "2")], ids=["alone", "wide"])
def test_a_second_signal_leaves_at_once_and_the_ledger_to_the_next_sweep(
    place: Place, number: signal.Signals, wide: tuple[str, ...]
) -> None:
    file = place.write("a.yaml", middle("run", "", SLOW_END))
    with place.started(*place.run_words(str(file), *wide)) as process:
        wait_until(lambda: reached("run"))
        process.send_signal(number)
        wait_until(lambda: is_running("sleep 4343"))
        begun = time.monotonic()
        process.send_signal(number)
        process.wait(LIMIT)
        took, ran = time.monotonic() - begun, place.ended(process)
    assert "Traceback" not in ran.said, ran.said
    assert ran.exit_code in {2, 130}
    assert took < AT_ONCE
    assert place.ledgers(), "what is left is written down"
    swept = place.lifecycle("sweep")
    assert swept.exit_code == 0, swept.said
    assert (place.left(), place.ledgers()) == ([], [])


def test_workers_that_are_cancelled_leave_nothing_that_the_next_sweep_does_not_remove(
    place: Place,
) -> None:
    texts = [middle(kind, "").replace("MINE-c", f"MINE-{kind}") for kind in ("run", "exec")]
    files = [str(place.write(f"{at}.yaml", text)) for at, text in enumerate(texts)]
    with place.started(*place.run_words(*files, "-n", "2")) as process:
        wait_until(lambda: place.is_up("MINE-run") and place.is_up("MINE-exec"))
        cancelled(process)
        place.ended(process)
    assert place.lifecycle("sweep").exit_code == 0
    assert (place.left(), place.ledgers()) == ([], [])


def test_a_signal_in_the_clean_up_lets_it_finish(place: Place) -> None:
    text = middle("run", "", "finally:\n  - docker stop -t 5 MINE-c\n")
    with place.started(*place.run_words(str(place.write("a.yaml", text)))) as process:
        wait_until(lambda: reached("run"))
        term(process)
        wait_until(lambda: is_running("docker stop -t 5"))
        ran = place.ended(process)
    assert ran.step("Clean-up")["status"] == "passed"
    assert (place.left(), place.ledgers()) == ([], [])
