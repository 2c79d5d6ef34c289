"""What a container was run with is asked for again when it is started again.

Newer engines start one whose port is taken meanwhile, and leave the port out (moby issue 51758).
This one does not, so a docker that stands first on PATH does it in its stead.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from lifecycle.sandbox.info import SandboxInfo
from tests.engine.harness import Place, broken, findings

pytestmark = pytest.mark.engine

SCENARIO = """
scenario: comes back
steps:
  - mkdir work other
  - command: >-
      docker run -d --name MINE-c -p ${{ run.port(8451) }}:80 -v $(pwd)/work:/work -e MODE=train
      -w /srv ${{ lab.base_image }} sleep 600
  - docker stop -t 0 MINE-c
  - name: again
    command: docker start MINE-c
"""
LIAR = """#!/bin/sh
if [ "$1" = start ]; then
    port=$({real} inspect -f '{asked}' $2)
    {real} rm -f $2 > /dev/null
    exec {real} run -d --name $2 {flags} {image} sleep 600
fi
exec {real} "$@"
"""
ASKED = '{{(index (index .HostConfig.PortBindings "80/tcp") 0).HostPort}}'
PORT, MOUNT, ENV, FOLDER = "-p $port:80", '-v "$PWD/work:/work"', "-e MODE=train", "-w /srv"
LIES = {
    "-p": (MOUNT, ENV, FOLDER),
    "-v": (PORT, '-v "$PWD/other:/work"', ENV, FOLDER),
    "-e": (PORT, MOUNT, FOLDER, "-e MODE=test"),
    "-w": (PORT, MOUNT, ENV),
}
"""What it comes back with, by the flag that this is not true of."""
TAKEN = """
scenario: port taken meanwhile
steps:
  - docker run -d --name MINE-c -p ${{ run.port(8452) }}:80 ${{ lab.base_image }} sleep 600
  - docker stop -t 0 MINE-c
  - docker run -d --name MINE-d -p ${{ run.port(8452) }}:80 ${{ lab.base_image }} sleep 600
  - name: again
    command: docker start MINE-c
"""


def put_first(place: Place, flags: str, image: str) -> None:
    """Put the docker first on PATH that starts another container in its stead."""
    folder: Path = place.folder / "bin"
    folder.mkdir()
    liar = folder / "docker"
    real = shutil.which("docker")
    liar.write_text(LIAR.format(real=real, asked=ASKED, flags=flags, image=image))
    liar.chmod(0o755)
    place.environ["PATH"] = f"{folder}:{place.env()['PATH']}"


def test_one_that_comes_back_with_everything_passes(place: Place, base_image: str) -> None:
    put_first(place, f"{PORT} {MOUNT} {ENV} {FOLDER}", base_image)
    step = place.run(str(place.write("s.yaml", SCENARIO))).step("again")
    assert (step["status"], broken(step)) == ("passed", [])


@pytest.mark.parametrize("flag", LIES)
def test_one_that_comes_back_without_it_fails(place: Place, base_image: str, flag: str) -> None:
    put_first(place, " ".join(LIES[flag]), base_image)
    step = place.run(str(place.write("s.yaml", SCENARIO))).step("again")
    assert step["status"] == "failed"
    assert {about.partition(":")[0] for about in broken(step)} == {flag}


def test_one_whose_port_was_taken_meanwhile_fails(place: Place, in_sandbox: SandboxInfo) -> None:
    assert in_sandbox
    step = place.run(str(place.write("s.yaml", TAKEN))).step("again")
    assert step["status"] == "failed"
    assert findings(step) == ["port-used-by-container"]
