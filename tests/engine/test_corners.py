"""What a run writes is read by its person and its containers, and by no other local user."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from tests.engine.harness import Place, wait_until
from tests.plugin.test_ending import term

pytestmark = pytest.mark.engine

STRANGER = 64321
HELD = """
scenario: held
steps:
  - {write: dockerfile, content: "ENV http_proxy=http://user:s3cret-word@proxy"}
  - docker run --name=MINE-long ${{ lab.base_image }} sleep 300
"""
MOUNTED = """
scenario: mounted
steps:
  - {write: a/note, content: hello}
  - name: Of another uid, it reads the work folder and the NAS
    command: >-
      docker run --rm --name=MINE-c --user 4242:4242 -v ${{ run.folder }}:/w:ro
      -v ${{ lab.nas_home }}:/n ${{ lab.base_image }} sh -c "cat /w/a/note; ls /n"
    expect: {output: hello}
  - name: As its person, it writes in both
    command: >-
      docker run --rm --name=MINE-d --user ${{ me.uid }} -v ${{ run.folder }}:/w
      -v ${{ lab.nas_home }}:/n ${{ lab.base_image }} sh -c "echo x > /w/x; echo y > /n/y"
    expect: {host: {files: {"${{ run.folder }}/x": {owner: "${{ me.uid }}"}}}}
  - cat x ${{ lab.nas_home }}/y
"""


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
def test_no_other_user_of_the_machine_reads_what_a_run_has_written(place: Place) -> None:
    before = set(Path("/tmp").glob("lifecycle-r*"))
    with place.started(*place.run_words(str(place.write("a.yaml", HELD)))) as process:
        wait_until(lambda: place.is_up("MINE-long") or process.poll() is not None)
        made = [p for new in set(Path("/tmp").glob("lifecycle-r*")) - before for p in mine(new)]
        assert made, place.ended(process).said
        for file in made:
            for words in (("cat", str(file)), ("ls", str(file.parent))):
                tried = subprocess.run(
                    words, user=STRANGER, group=STRANGER, extra_groups=[], check=False, cwd="/"
                )
                assert tried.returncode != 0, words
        term(process)
        assert place.ended(process).exit_code == 2


def mine(folder: Path) -> list[Path]:
    return [p for p in folder.rglob("dockerfile") if "s3cret-word" in p.read_text()]


def test_a_container_of_any_uid_has_what_it_mounts(place: Place) -> None:
    ran = place.run(str(place.write("a.yaml", MOUNTED)))
    assert ran.exit_code == 0, ran.said


def test_a_folder_that_the_engine_made_for_a_script_s_mount_is_listed(
    place: Place, base_image: str
) -> None:
    new = place.folder / "new"
    line = f"docker run --rm -v {new}/deep:/x -v {place.folder}:/y {base_image} true"
    script = place.write("a.sh", f"{line}\n")
    ran = place.run(str(place.write("a.yaml", f"scenario: it\nsteps: [sh {script}]\n")))
    assert ran.exit_code == 0, ran.said
    told = [kept for kept in ran.report["kept_on_purpose"] if kept.startswith("folder ")]
    assert told == [
        f"folder {new}: it was not there, so the engine made it for a mount, owned by root"
    ]
