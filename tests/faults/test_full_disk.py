"""A disk without room for the ledger: nothing is started that the ledger does not know of."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.engine.harness import Place, Ran, docker

pytestmark = [
    pytest.mark.engine,
    pytest.mark.skipif(os.geteuid() != 0, reason="only root can have a disk of its own"),
]

NO_ROOM = "No space left on device; nothing is started that it does not know of"
STEPS = 60
"""Containers whose lines in the ledger need more room than the disk has."""


@pytest.fixture
def disk(place: Place) -> Iterator[Path]:
    """A disk of 4 KiB where the runs of this place keep their ledgers."""
    state = place.folder / "state"
    state.mkdir(mode=0o700)
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4k,mode=700", "none", state], check=True)
    yield state
    subprocess.run(["umount", state], check=True)


@pytest.fixture
def scenario(place: Place) -> Callable[[], str]:
    lines = "".join(
        f"- docker create --name=MINE-{n} ${{{{ lab.base_image }}}} true\n" for n in range(STEPS)
    )
    return lambda: str(place.write("a.yaml", f"scenario: many\nsteps:\n{lines}"))


def cause(ran: Ran, step: int) -> str:
    """What the only broken check of a step has found."""
    (broken,) = [c for c in ran.scenario()["steps"][step]["checks"] if c["status"] == "broken"]
    return str(broken["actual"])


def test_a_run_that_has_no_room_for_its_ledger_does_not_begin(
    place: Place, disk: Path, scenario: Callable[[], str]
) -> None:
    (disk / "full").write_bytes(b"x" * 4096)
    ran = place.run(scenario())
    assert (ran.exit_code, ran.scenario()["steps"][0]["status"]) == (1, "failed"), ran.said
    assert cause(ran, 0).endswith(NO_ROOM)
    assert place.left() == []
    assert place.ledgers() == []


def test_a_run_whose_ledger_fills_the_disk_stops_and_leaves_nothing(
    place: Place, disk: Path, scenario: Callable[[], str]
) -> None:
    assert disk.is_mount()
    ran = place.run(scenario())
    assert ran.exit_code == 1, ran.said
    statuses = [s["status"] for s in ran.scenario()["steps"] if s["name"].startswith("docker")]
    failed = statuses.index("failed")
    assert failed > 0
    assert set(statuses[:failed]) == {"passed"}
    assert set(statuses[failed + 1 :]) == {"not-run"}
    assert cause(ran, failed).endswith(NO_ROOM)
    assert place.left() == []
    assert place.ledgers() == []


def test_what_was_killed_on_a_full_disk_is_swept(
    place: Place, disk: Path, scenario: Callable[[], str]
) -> None:
    with place.started(*place.run_words(scenario())) as process:
        assert process.stdout
        next(line for line in process.stdout if "MINE-3".replace("MINE", place.word) in line)
        process.kill()
    with pytest.raises(OSError, match="No space left"):
        (disk / "full").write_bytes(b"x")
    assert place.lifecycle("sweep").exit_code == 0
    assert docker("ps", "-aq", "--filter", f"name={place.word}") == ""
    assert place.ledgers() == []
