"""However a run is ended, what it made goes."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Callable

import pytest

from tests.engine.harness import LIMIT, Place, Ran, docker, wait_until

pytestmark = pytest.mark.engine

LONG = """
scenario: long
steps:
  - docker volume create MINE-v
  - docker network create MINE-n
  - docker tag ${{ lab.base_image }} MINE/i:1
  - name: The long one
    command: >-
      docker run --name=MINE-long -v MINE-v:/v --network MINE-n
      ${{ lab.base_image }} sleep 300
  - {name: Never, command: docker volume create MINE-never}
finally:
  - {name: Goodbye, command: docker logs MINE-long}
"""
SHELL = """
scenario: shell
steps:
  - {name: Open, command: "docker run -ti --name=MINE-shell ${{ lab.base_image }}"}
  - {name: The long one, type: sleep 300, in: MINE-shell, expect: {screen: never}, timeout: 100s}
"""

How = Callable[[subprocess.Popen[str]], None]


def ctrl_c(process: subprocess.Popen[str]) -> None:
    """A terminal signals the whole foreground group."""
    os.killpg(process.pid, signal.SIGINT)


def ctrl_c_twice(process: subprocess.Popen[str]) -> None:
    """The impatient press it again."""
    ctrl_c(process)
    ctrl_c(process)


def term(process: subprocess.Popen[str]) -> None:
    """A service manager, nox and CI signal the process that they started."""
    process.terminate()


def ended_in_the_long_step(place: Place, how: How, *words: str, up: str = "MINE-long") -> Ran:
    """Start, wait for the container of the long step, and end it; at its end nothing is left."""
    with place.started(*place.run_words(*words)) as process:
        wait_until(lambda: place.is_up(up) or process.poll() is not None)
        assert process.poll() is None, place.ended(process).said
        how(process)
        # Not until its output ends: what it leaves running would hold that open.
        process.wait(LIMIT)
        left, ledgers = place.left(), place.ledgers()
        ran = place.ended(process)
    assert "Traceback" not in ran.said, ran.said
    assert "INTERNALERROR" not in ran.said, ran.said
    assert (left, ledgers) == ([], [])
    return ran


@pytest.mark.parametrize("how", [ctrl_c, term])
def test_a_run_that_is_told_to_end_cleans_up_and_reports(place: Place, how: How) -> None:
    ran = ended_in_the_long_step(place, how, str(place.write("a.yaml", LONG)))
    assert (ran.exit_code, ran.report["verdict"]) == (2, "FAIL")
    assert ran.report["left_behind"] == []


def test_finally_runs_then_too_and_nothing_after_the_interrupted_step(place: Place) -> None:
    ran = ended_in_the_long_step(place, term, str(place.write("a.yaml", LONG)))
    told = ran.statuses()
    assert told["Goodbye"] == "passed"
    assert told["Clean-up"] == "passed"
    assert told["Never"] == "not-run"
    interrupted = ran.step("The long one")
    assert interrupted["status"] != "passed"
    assert "before it" not in interrupted["reason"], "it had begun, and was interrupted"


def test_pressing_ctrl_c_twice_leaves_nothing_either(place: Place) -> None:
    ran = ended_in_the_long_step(place, ctrl_c_twice, str(place.write("a.yaml", LONG)))
    assert ran.exit_code not in {0, 1}


@pytest.mark.parametrize("how", [ctrl_c, term])
def test_an_open_terminal_is_no_hindrance(place: Place, how: How) -> None:
    file = str(place.write("a.yaml", SHELL))
    assert ended_in_the_long_step(place, how, file, up="MINE-shell").exit_code == 2


@pytest.mark.parametrize("how", [ctrl_c, term])
def test_the_workers_of_a_wide_run_clean_up_too(place: Place, how: How) -> None:
    first = str(place.write("a.yaml", LONG))
    second = str(place.write("b.yaml", SHELL))
    ran = ended_in_the_long_step(place, how, first, second, "-n", "2")
    assert ran.exit_code == 2
    assert ran.report["verdict"] == "FAIL"
    assert {ran.statuses(name)["Clean-up"] for name in ("long", "shell")} == {"passed"}


def test_a_build_that_is_told_to_end_leaves_no_container(place: Place) -> None:
    text = """
scenario: build
steps:
  - {write: dockerfile, content: "FROM ${{ lab.base_image }}\\nRUN echo MINE && sleep 300\\n"}
  - docker build -t MINE/i . -f dockerfile
"""

    def builds() -> list[str]:
        told = docker("ps", "-a", "--no-trunc", "--format", "{{.ID}} {{.Command}}").splitlines()
        return [line for line in told if place.word in line]

    with place.started(*place.run_words(str(place.write("a.yaml", text)))) as process:
        wait_until(lambda: builds() or process.poll() is not None)
        term(process)
        ran = place.ended(process)
    assert ran.exit_code == 2
    assert builds() == []


def test_what_a_killed_run_left_is_swept_and_nothing_else(place: Place) -> None:
    other = place.run("--keep", "on-failure", str(place.write("none.yaml", "scenario: x\n")))
    assert other.exit_code == 4
    with place.started(*place.run_words(str(place.write("a.yaml", LONG)))) as process:
        wait_until(lambda: place.is_up("MINE-long"))
        process.kill()
        process.wait(10)
    kinds = {line.partition(" ")[0] for line in place.left()}
    assert kinds == {"container", "image", "volume", "network"}
    shown = place.lifecycle("sweep", "--dry-run")
    assert len(shown.out.splitlines()) >= len(kinds)
    assert len(place.left()) >= len(kinds), "a dry run removes nothing"
    swept = place.lifecycle("sweep")
    assert swept.exit_code == 0, swept.said
    assert place.left() == []
    assert place.ledgers() == []
    assert "nothing to sweep" in place.lifecycle("sweep").out
