"""However a run is ended, what it made goes."""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.engine.harness import LIMIT, Place, Ran, broken, docker, wait_until

pytestmark = pytest.mark.engine

# Its first process heeds no signal; that of QUICK passes on what the CLI passes on to it.
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
QUICK = LONG.replace("sleep 300", "timeout 300 sleep 300")
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


def ended_in_the_long_step(
    place: Place, how: How, *words: str, up: str = "MINE-long"
) -> tuple[Ran, list[str]]:
    """Start, wait for the container of the long step, and end it; what is left at its end, too."""
    with place.started(*place.run_words(*words)) as process:
        wait_until(lambda: place.is_up(up) or process.poll() is not None)
        assert process.poll() is None, place.ended(process).said
        how(process)
        # Not until its output ends: what it leaves running would hold that open.
        process.wait(LIMIT)
        left = [*place.left(), *map(str, place.ledgers())]
        ran = place.ended(process)
    assert "Traceback" not in ran.said, ran.said
    assert "INTERNALERROR" not in ran.said, ran.said
    return ran, left


@pytest.mark.parametrize(("how", "text"), [(ctrl_c, QUICK), (term, LONG)], ids=["ctrl-c", "term"])
def test_a_run_that_is_told_to_end_runs_finally_cleans_up_and_reports(
    place: Place, how: How, text: str
) -> None:
    ran, left = ended_in_the_long_step(place, how, str(place.write("a.yaml", text)))
    assert left == []
    assert (ran.exit_code, ran.report["verdict"]) == (2, "FAIL")
    assert ran.report["left_behind"] == []
    told = ran.statuses()
    assert told["Goodbye"] == "passed"
    assert told["Clean-up"] == "passed"
    assert told["Never"] == "not-run"
    assert ran.out.index("The long one") < ran.out.index("Goodbye") < ran.out.index("Clean-up")
    assert "Interrupted: the run was told to end; its clean-up is told above" in ran.out
    interrupted = ran.step("The long one")
    assert interrupted["status"] == "failed"
    assert broken(interrupted) == ["it gets done"], "it had begun, and was interrupted"


def test_pressing_ctrl_c_twice_in_a_hurry_leaves_nothing_that_no_ledger_holds(
    place: Place,
) -> None:
    # Two signals so near may come as one or as two: it is cleaned up, or left at once for the
    # sweep. That the second leaves at once: tests/faults/test_ending_in_each_step.py.
    ran, left = ended_in_the_long_step(place, ctrl_c_twice, str(place.write("a.yaml", QUICK)))
    assert ran.exit_code in {2, 130}
    assert place.ledgers() or not left, "what is left is written down"
    swept = place.lifecycle("sweep")
    assert swept.exit_code == 0, swept.said
    assert (place.left(), place.ledgers()) == ([], [])


def test_an_open_terminal_is_no_hindrance(place: Place) -> None:
    file = str(place.write("a.yaml", SHELL))
    ran, left = ended_in_the_long_step(place, ctrl_c, file, up="MINE-shell")
    assert (ran.exit_code, left) == (2, [])


@pytest.mark.parametrize("how", [ctrl_c, term])
def test_the_workers_of_a_wide_run_clean_up_too(place: Place, how: How) -> None:
    first = str(place.write("a.yaml", QUICK))
    second = str(place.write("b.yaml", SHELL))
    ran, left = ended_in_the_long_step(place, how, first, second, "-n", "2")
    assert left == []
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
    with place.started(*place.run_words(str(place.write("a.yaml", QUICK)))) as process:
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


def test_what_a_failed_run_made_is_kept_when_asked_and_no_sweep_takes_it(place: Place) -> None:
    text = """
scenario: kept
steps:
  - docker run -dti --name=MINE-c -v ${{ lab.nas_home }}:/w ${{ lab.base_image }}
  - {name: Open, command: docker attach MINE-c}
  - docker tag ${{ lab.base_image }} MINE/i:1
  - {name: Fails, command: docker exec MINE-c false}
"""
    ran = place.run("--keep", "on-failure", str(place.write("a.yaml", text)))
    assert (ran.exit_code, ran.report["left_behind"]) == (1, [])
    left = place.left()
    assert len(left) == 2
    kept = [text.partition(": ")[0] for text in ran.report["kept_on_purpose"]]
    assert set(left) <= set(kept), "each is listed under its real name"
    assert place.ledgers() == []
    assert "nothing to sweep" in place.lifecycle("sweep").out
    assert place.left() == left
    (name,) = [thing.partition(" ")[2] for thing in left if thing.startswith("container")]
    assert docker("exec", name, "ls", "-d", "/w") == "/w", "what it has mounted is there still"
    for line in ran.report["to_remove"]:
        assert line in ran.out
        subprocess.run(shlex.split(line), check=True, capture_output=True)
    assert place.left() == []
    assert not [folder for folder in kept if Path(folder.removeprefix("folder ")).exists()]


def test_what_a_run_made_that_did_not_fail_is_not_kept(place: Place) -> None:
    text = "scenario: kept\nsteps: [docker volume create MINE-v]\n"
    ran = place.run("--keep", "on-failure", str(place.write("a.yaml", text)))
    assert (ran.exit_code, ran.report["kept_on_purpose"]) == (0, [])
    assert place.left() == []
