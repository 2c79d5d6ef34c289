"""What is mounted in a run's folder while it runs is somebody's: it is left, and told."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.engine.harness import Place, Ran, docker, wait_until

pytestmark = [
    pytest.mark.engine,
    pytest.mark.skipif(os.geteuid() != 0, reason="only root can mount"),
]

WAITING = """
scenario: a mount comes
steps:
  - mkdir nas
  - >-
    docker run --name=MINE-c -v ${{ run.folder }}/nas:/workspace ${{ lab.base_image }}
    sh -c 'until [ -e /go ]; do sleep 0.1; done'
"""
SHARED = """
scenario: a mount is passed on
steps:
  - mkdir ws
  - >-
    docker run -d --name=MINE-c -v ${{ run.folder }}/ws:/w:rshared -v THEIRS:/w/data
    ${{ lab.base_image }} sleep 60
"""


@pytest.fixture
def theirs(place: Place) -> Iterator[Path]:
    """A colleague's folder, and at the end no mount of it."""
    made = place.folder / "theirs"
    made.mkdir()
    (made / "thesis").write_text("precious")
    yield made
    for point in mounted(made):
        subprocess.run(["umount", "--lazy", point], check=True)


def mounted(theirs: Path) -> list[str]:
    """Where in a run's folder something is mounted now."""
    lines = Path("/proc/self/mountinfo").read_text().splitlines()
    points = [line.split()[4] for line in lines]
    return [point for point in points if "/lifecycle-r" in point and theirs.exists()]


def folder_of(place: Place) -> Path:
    """The folder of the run that goes on."""
    (ledger,) = place.ledgers()
    lines = map(json.loads, ledger.read_text().splitlines())
    return Path(next(line["name"] for line in lines if line.get("kind") == "folder"))


def clean_up(ran: Ran) -> list[str]:
    """What the clean-up found broken."""
    checks = ran.step("Clean-up")["checks"]
    return [c["actual"] for c in checks if c["status"] == "broken"]


@pytest.mark.parametrize("is_killed", [False, True])
def test_what_is_mounted_in_the_work_folder_is_left_and_told_until_it_is_unmounted(
    place: Place,
    theirs: Path,
    is_killed: bool,  # noqa: FBT001
) -> None:
    with place.started(*place.run_words(str(place.write("a.yaml", WAITING)))) as process:
        wait_until(lambda: place.is_up("MINE-c"))
        folder = folder_of(place)
        point = folder / "me" / "work" / "nas"
        subprocess.run(["mount", "--bind", str(theirs), str(point)], check=True)
        if is_killed:
            process.kill()
        docker("exec", docker("ps", "-q", "--filter", f"name={place.word}"), "touch", "/go")
        ran = place.ended(process)
    told = f"{point}: is mounted there, so it was left: umount it, then lifecycle sweep"
    if not is_killed:
        assert ran.exit_code == 1, ran.said
        assert clean_up(ran)[0].startswith(told)
        assert not list((folder / "me" / "work").glob("*[!s]")), "all else is gone"
    assert len(place.ledgers()) == 1
    swept = place.lifecycle("sweep")
    assert swept.exit_code == 1
    assert told in swept.out
    assert (theirs / "thesis").read_text() == "precious"
    assert place.left() == []
    subprocess.run(["umount", str(point)], check=True)
    assert place.lifecycle("sweep").exit_code == 0
    assert (place.ledgers(), folder.exists()) == ([], False)
    assert (theirs / "thesis").read_text() == "precious"


def test_what_a_container_passes_on_into_the_work_folder_is_left_and_told(
    place: Place, theirs: Path
) -> None:
    """On a machine whose mounts are shared, as systemd has them."""
    shared = place.folder / "shared"
    shared.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "mode=1777", "none", str(shared)], check=True)
    subprocess.run(["mount", "--make-shared", str(shared)], check=True)
    try:
        place.environ["TMPDIR"] = str(shared)
        text = SHARED.replace("THEIRS", str(theirs))
        ran = place.run(str(place.write("a.yaml", text)))
        (point,) = mounted(theirs)
        assert Path(point).parts[-3:] == ("work", "ws", "data")
        assert ran.exit_code == 1, ran.said
        assert clean_up(ran)[0].startswith(f"{point}: is mounted there, so it was left")
        assert (theirs / "thesis").read_text() == "precious"
        assert place.left() == []
        subprocess.run(["umount", point], check=True)
        assert place.lifecycle("sweep").exit_code == 0
        assert list(shared.iterdir()) == []
    finally:
        subprocess.run(["umount", "--lazy", str(shared)], check=True)
