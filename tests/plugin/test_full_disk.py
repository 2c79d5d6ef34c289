"""A full disk on the report's side loses no verdict, one on the ledger's nothing on the engine."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.engine.harness import Place, Ran

pytestmark = [
    pytest.mark.engine,
    pytest.mark.skipif(os.geteuid() != 0, reason="mounting a small disk needs root"),
]

KEPT = "scenario: kept\nsteps: [docker volume create MINE-v]\n"
BROKEN = "scenario: broken\nsteps: ['false']\n"
LONG = "scenario: long\nsteps:\n" + "".join(
    f"  - {{name: volume {n}, command: docker volume create MINE-{n}}}\n" for n in range(40)
)


@pytest.fixture
def disk(place: Place) -> Iterator[Path]:
    """A disk of sixteen pages."""
    folder = place.folder / "disk"
    folder.mkdir()
    words = ("mount", "-t", "tmpfs", "-o", "size=64k,mode=0755", "small", str(folder))
    subprocess.run(words, check=True)
    yield folder
    subprocess.run(("umount", str(folder)), check=True)


def fill(disk: Path, *, leave: int = 0) -> None:
    """Leave so many bytes of it."""
    with (disk / "full").open("wb", buffering=0) as file:
        try:
            while True:
                file.write(bytes(4096))
        except OSError:
            file.truncate(file.tell() - leave)


def run(place: Place, text: str, report: Path) -> Ran:
    file = place.write("a.yaml", text)
    ran = place.lifecycle("run", "--report", str(report), str(file))
    assert "Traceback" not in ran.said, ran.said
    return ran


def told(ran: Ran) -> str:
    """All that a person saw, without the line ends."""
    return " ".join(ran.said.split())


@pytest.mark.parametrize(("text", "verdict"), [(KEPT, "PASS"), (BROKEN, "FAIL")])
def test_a_report_that_finds_no_room_loses_no_verdict_and_is_exit_3(
    place: Place, disk: Path, text: str, verdict: str
) -> None:
    fill(disk)
    ran = run(place, text, disk / "report")
    assert ran.exit_code == 3
    assert any(line.startswith(verdict) for line in ran.out.splitlines())
    assert "the report could not be written" in told(ran)
    assert "No space left on device" in told(ran)
    assert (place.left(), place.ledgers()) == ([], [])


def test_a_run_without_room_for_its_ledger_does_not_begin(place: Place, disk: Path) -> None:
    fill(disk)
    place.environ["XDG_STATE_HOME"] = str(disk)
    ran = run(place, KEPT, place.folder / "report")
    assert ran.exit_code == 1
    assert "the run can begin" in ran.out
    assert "No space left on device" in told(ran)
    assert place.left() == []


def test_a_ledger_that_finds_no_more_room_stops_what_it_could_not_write_down(
    place: Place, disk: Path
) -> None:
    place.environ["XDG_STATE_HOME"] = str(disk)
    fill(disk, leave=8192)
    ran = run(place, LONG, place.folder / "report")
    statuses = [line.split()[0] for line in ran.out.splitlines() if " volume " in line]
    assert statuses.count("✗") == 1, ran.out
    assert statuses.index("✗") > 2, "there was room for some"
    assert "No space left on device" in told(ran)
    assert place.left() == []
