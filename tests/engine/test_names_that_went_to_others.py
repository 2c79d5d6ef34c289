"""What a run made, and somebody took away and made anew: it is theirs, whatever its name."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from tests.engine.harness import Place, docker

pytestmark = pytest.mark.engine

THEY = """
they() {{ DOCKER_HOST={engine} docker "$@"; }}
"""
VOLUME = """
docker volume create {name}
was=$(docker volume inspect -f '{{{{.CreatedAt}}}}' {name})
until [ "$(docker volume inspect -f '{{{{.CreatedAt}}}}' {name})" != "$was" ]; do
  they volume rm {name}; they volume create {name}
done
they run --rm -v {name}:/x {base} sh -c 'echo theirs > /x/file'
"""
TAG = """
docker tag {base} {name}:2
they rmi {name}:2
they tag {name}:1 {name}:2
"""
FOR_VOLUMES = {
    "nothing more": "true",
    "writes into it": "docker run --rm -v {name}:/x {base} touch /x/ours",
    "mounts it by its long name": "docker create --mount type=volume,src={name},dst=/x {base}",
    "removes it": "docker volume rm {name}",
    "removes it with a container": "docker rm -v $(docker create -v {name}:/x {base})",
}
FOR_TAGS = {
    "nothing more": "true",
    "moves it": "docker tag {base} {name}:2",
    "removes it": "docker rmi {name}:2",
    "builds it": "printf 'FROM {base}\\nENV A=1\\n' | docker build -t {name}:2 -",
    "commits to it": "docker commit $(docker create {base} true) {name}:2",
    "pushes it": "docker push {name}:2",
}


@dataclass
class Theirs:
    """A name that a script of ours gave, and that is somebody else's meanwhile."""

    place: Place
    name: str
    base: str

    def run(self, before: str, then: str) -> tuple[str, bool]:
        """The step's status, and whether the gate refused something."""
        text = f"set -e\n{THEY}\n{before}\n{then}\n"
        engine = os.environ["DOCKER_HOST"]
        script = self.place.write(
            "a.sh", text.format(engine=engine, name=self.name, base=self.base)
        )
        scenario = f"scenario: it\nsteps: [{{name: it, command: sh {script}}}]\n"
        ran = self.place.run(str(self.place.write("a.yaml", scenario)))
        assert ran.report["left_behind"] == [], ran.said
        assert ran.report["foreign_touched"] == [], ran.said
        step = ran.step("it")
        return step["status"], any("the gate" in c["source"] for c in step["checks"])


@pytest.fixture
def theirs(place: Place, base_image: str) -> Iterator[Theirs]:
    name = f"{place.word}-went"
    made = docker("create", base_image, "true")
    docker("commit", "-c", "ENV THEIRS=1", made, f"{name}:1")
    docker("rm", made)
    yield Theirs(place, name, base_image)
    docker("volume", "rm", "-f", name, check=False)
    docker("rmi", "-f", f"{name}:1", f"{name}:2", check=False)


@pytest.mark.parametrize("case", FOR_VOLUMES)
def test_a_volume_that_somebody_made_anew_is_theirs(theirs: Theirs, case: str) -> None:
    refused = case != "nothing more"
    assert theirs.run(VOLUME, FOR_VOLUMES[case]) == (
        "failed" if refused else "passed",
        refused,
    )
    look = ("run", "--rm", "-v", f"{theirs.name}:/x", theirs.base, "ls", "/x")
    assert docker(*look) == "file"


@pytest.mark.parametrize("case", FOR_TAGS)
def test_a_tag_that_somebody_gave_anew_is_theirs(theirs: Theirs, case: str) -> None:
    refused = case != "nothing more"
    assert theirs.run(TAG, FOR_TAGS[case]) == ("failed" if refused else "passed", refused)
    ids = docker("inspect", "-f", "{{.Id}}", f"{theirs.name}:1", f"{theirs.name}:2").split()
    assert ids[0] == ids[1]
