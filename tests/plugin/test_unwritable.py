"""A run that can't say what came of it has cleaned up, and ends with 3, never with 0."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.engine.harness import LIMIT, Place, Ran, plugins, slowness, wait_until

pytestmark = pytest.mark.engine

MAKES = """
scenario: makes
steps:
  - docker volume create MINE-v
  - docker run -d --name=MINE-c -v MINE-v:/v ${{ lab.base_image }} sleep 300
  - {name: In a shell, command: docker exec MINE-c echo hello}
"""


def in_shell(place: Place, shell: str, *words: str) -> Ran:
    """Run with a shell's redirection."""
    with place.started("sh", "-c", shell, "sh", *place.run_words(*words)) as process:
        return place.ended(process)


@pytest.mark.parametrize("wide", [(), ("-n", "2")], ids=["alone", "wide"])
@pytest.mark.parametrize(
    "shell",
    ['"$@" > /dev/full', '"$@" >&-', '"$@" > /dev/full 2>&1', '"$@" 2> /dev/full'],
)
def test_a_run_whose_output_cant_be_written_goes_on_cleans_up_and_ends_with_3(
    place: Place, shell: str, wide: tuple[str, ...]
) -> None:
    ran = in_shell(place, shell, str(place.write("a.yaml", MAKES)), *wide)
    spoke = "2> /dev/full" in shell
    assert ran.exit_code == (0 if spoke else 3), ran.said
    assert (place.left(), place.ledgers()) == ([], [])
    assert ran.report["verdict"] == "PASS", "the report has it all"
    assert "Traceback" not in ran.said
    assert "INTERNALERROR" not in ran.said
    if not spoke and "2>&1" not in shell:
        assert ran.err.count("\n") == 1
        assert ran.err.startswith("standard output can't be written (")


def test_a_reader_that_goes_away_in_the_middle_of_a_run_is_told_and_nothing_stays(
    place: Place,
) -> None:
    words = place.run_words(str(place.write("a.yaml", MAKES)))
    read, write = os.pipe()
    os.close(read)
    ran = subprocess.run(
        words,
        cwd=place.folder,
        env=place.env(),
        stdout=write,
        stderr=subprocess.PIPE,
        text=True,
        timeout=LIMIT * slowness(),
        check=False,
    )
    os.close(write)
    assert ran.returncode == 3
    assert ran.stderr.startswith("standard output can't be written (Broken pipe)")
    assert (place.left(), place.ledgers()) == ([], [])


def test_plain_pytest_whose_reader_goes_away_cleans_up_as_well(place: Place) -> None:
    words = ("-v", str(place.write("a.yaml", MAKES)))
    with place.started(sys.executable, "-m", "pytest", *plugins(), *words) as process:
        wait_until(lambda: place.is_up("MINE-c") or process.poll() is not None, LIMIT)
        assert process.stdout
        process.stdout.close()
        process.wait(LIMIT)
    assert process.returncode != 0
    assert (place.left(), place.ledgers()) == ([], [])


def a_file(place: Place) -> Path:
    return place.write("taken", "a file")


def a_loop(place: Place) -> Path:
    (place.folder / "loop").symlink_to("loop")
    return place.folder / "loop"


def in_proc(_: Place) -> Path:
    return Path("/proc/report")


def below_a_file(place: Place) -> Path:
    return place.write("taken", "a file") / "report"


def a_long_name(place: Place) -> Path:
    return place.folder / ("x" * 300)


@pytest.mark.parametrize("wide", [(), ("-n", "2")], ids=["alone", "wide"])
@pytest.mark.parametrize("where", [a_file, a_loop, in_proc, below_a_file, a_long_name])
def test_a_report_that_cant_be_written_is_a_sentence_and_exit_3(
    place: Place, where: Callable[[Place], Path], wide: tuple[str, ...]
) -> None:
    file = place.write("a.yaml", MAKES)
    ran = place.lifecycle("run", "--report", str(where(place)), str(file), *wide)
    assert ran.exit_code == 3, ran.said
    told = " ".join(ran.out.split())
    assert "PASS" in told
    assert "the report could not be written to" in told
    assert "choose another place with --report DIR" in told
    assert "Traceback" not in ran.said
    assert (place.left(), place.ledgers()) == ([], [])


def test_a_latest_that_points_elsewhere_is_exit_3_since_it_shows_an_older_run(
    place: Place,
) -> None:
    (place.folder / "reports" / "latest").mkdir(parents=True)
    ran = place.lifecycle("run", str(place.write("a.yaml", "scenario: s\nsteps: [id]\n")))
    assert ran.exit_code == 3
    assert "latest does not point at it" in " ".join(ran.out.split())
