"""The guide's folder on a NAS that squashes root: it is the person's, and root is nobody there."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from lifecycle.run.session.who import SYNTHETIC_UID
from tests.engine import squashing_nas
from tests.engine.harness import Place, Ran, broken, docker, findings, wait_until

pytestmark = pytest.mark.engine

WORK = """
scenario: work
steps:
  - name: As me
    command: >-
      docker run -d --name=MINE-me -u ${{ me.uid }}:${{ me.gid }} -v ${{ lab.nas_home }}:/workspace
      ${{ lab.base_image }} sleep 300
    expect:
      inside:
        files: {/workspace: {owner: "${{ me.uid }}", mode: "MODE", writable: true}}
      host: {files: {"${{ lab.nas_home }}": {owner: "${{ me.uid }}", writable: true}}}
  - name: Write
    command: docker exec MINE-me sh -c 'umask 002; echo results > /workspace/results'
    expect:
      host:
        files:
          ${{ lab.nas_home }}/results: {owner: "${{ me.name }}", mode: "664", text: results}
  - name: As root, read
    command: docker exec -u 0 MINE-me cat /workspace/results
    fails: {output: "Permission denied"}
  - name: As root, write
    command: docker exec -u 0 MINE-me touch /workspace/by-root
    fails: {output: "Permission denied"}
  - name: As root, give away
    command: docker exec -u 0 MINE-me chown root /workspace/results
    fails: {output: "Operation not permitted|Permission denied"}
  - docker rm -f MINE-me
"""
MISTAKES = {
    "root writes": """
  - name: up
    command: >-
      docker run -d --name=MINE-w -u ${{ me.uid }} -v NAS/open:/w ${{ lab.base_image }} sleep 300
  - {name: the mistake, command: docker exec -u 0 MINE-w touch /w/by-root}
""",
    "root gives away": """
  - name: up
    command: >-
      docker run -d --name=MINE-c -u ${{ me.uid }} -v NAS/open:/w ${{ lab.base_image }} sleep 300
  - {name: the mistake, command: docker exec -u 0 MINE-c chown 0 /w/kept}
""",
    "root runs": """
  - name: the mistake
    command: docker run -d --name=MINE-r -v NAS/open:/w ${{ lab.base_image }} sleep 300
""",
    "inside a private folder": """
  - name: the mistake
    command: >-
      docker run -d --name=MINE-p -u ${{ me.uid }} -v NAS/private/there:/w
      ${{ lab.base_image }} sleep 300
""",
    "root's working folder": """
  - name: the mistake
    command: >-
      docker run -d --name=MINE-d -v NAS/private:/w -w /w ${{ lab.base_image }} sleep 300
""",
    "root enters": """
  - name: up
    command: >-
      docker run -d --name=MINE-e -u ${{ me.uid }} -v NAS/private:/w -w /w
      ${{ lab.base_image }} sleep 300
  - {name: not with a folder that root may enter, command: docker exec -u 0 -w / MINE-e true}
  - {name: the mistake, command: docker exec -u 0 MINE-e true}
""",
    "a missing folder": """
  - name: the mistake
    command: >-
      docker run -d --name=MINE-m -u ${{ me.uid }} -v NAS/open/missing:/w
      ${{ lab.base_image }} sleep 300
""",
}


@pytest.fixture(scope="module")
def nas(shared_place: Place) -> Iterator[Path]:
    """Where the NAS is mounted: a folder that others may read, and one that only its owner may."""
    if not os.access("/dev/fuse", os.R_OK | os.W_OK):
        pytest.skip("a NAS is played through FUSE, and there is no /dev/fuse here")
    export, mountpoint = shared_place.folder / "export", shared_place.folder / "nas"
    mountpoint.mkdir()
    for path, mode in {"open": 0o755, "private": 0o700, "private/there": 0o755}.items():
        (export / path).mkdir(parents=True)
        (export / path).chmod(mode)
        os.chown(export / path, SYNTHETIC_UID, SYNTHETIC_UID)
    kept = export / "open" / "kept"
    kept.touch()
    os.chown(kept, SYNTHETIC_UID, SYNTHETIC_UID)
    words = [sys.executable, squashing_nas.__file__, str(export), str(mountpoint)]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        assert process.stdout.readline() == f"{squashing_nas.READY}\n"
        yield mountpoint
        process.terminate()
    wait_until(lambda: not mountpoint.is_mount())


@pytest.fixture(scope="module")
def mistaken(shared_place: Place, nas: Path) -> Ran:
    """All the mistakes, made in one run."""
    for name, steps in MISTAKES.items():
        text = f"scenario: {name}\nsteps:{steps.replace('NAS', str(nas))}"
        shared_place.write(f"mistakes/{name}.yaml", text)
    return shared_place.run("mistakes")


@pytest.mark.parametrize(("folder", "mode"), [("open", "755"), ("private", "700")])
def test_a_person_works_there_and_root_does_not(
    place: Place, nas: Path, folder: str, mode: str
) -> None:
    text = WORK.replace("MODE", mode)
    if folder == "open":
        text = text.replace('fails: {output: "Permission denied"}', "expect: {output: results}", 1)
    ran = place.run("--set", f"lab.nas_home={nas}/{folder}", str(place.write("a.yaml", text)))
    assert ran.exit_code == 0, ran.said
    assert ran.report["verdict"] == "PASS"
    assert [f.name for f in (nas.parent / "export" / folder).glob(".lifecycle-*")] == []


def test_owner_group_and_mode_are_kept_there_as_on_any_disk(place: Place, nas: Path) -> None:
    ran = place.run("--set", f"lab.nas_home={nas}/open", "@files-keep-owner-group-and-mode")
    assert ran.exit_code == 0, ran.said


@pytest.mark.parametrize(
    ("mistake", "finding"),
    [
        ("root writes", "nfs-root-squash"),
        ("root gives away", "nfs-root-squash"),
        ("root runs", "nfs-root-squash"),
        ("inside a private folder", "bind-source-denied"),
        ("root's working folder", "workdir-denied"),
        ("root enters", "workdir-denied"),
    ],
)
def test_what_root_is_refused_there_is_diagnosed(mistaken: Ran, mistake: str, finding: str) -> None:
    step = mistaken.step("the mistake", mistake)
    assert broken(step)
    assert findings(step) == [finding]
    assert "fuse.nas" in str(step["findings"][0]["evidence"])


def test_a_folder_that_is_missing_there_is_not_made(mistaken: Ran, nas: Path) -> None:
    assert findings(mistaken.step("the mistake", "a missing folder")) == ["bind-source-missing"]
    assert not (nas.parent / "export/open/missing").exists()


def test_docker_itself_can_not_make_one_there(place: Place, nas: Path, base_image: str) -> None:
    words = ("run", "--rm", f"--name={place.word}", "-v", f"{nas}/open/missing:/w", base_image)
    with pytest.raises(AssertionError, match=r"mkdir \S+/open/missing: permission denied"):
        docker(*words, "true")


def test_nothing_of_the_mistakes_is_left(mistaken: Ran, nas: Path) -> None:
    assert mistaken.report["left_behind"] == []
    left = [p.name for p in (nas.parent / "export").rglob(".lifecycle-*")]
    assert left == []
