"""What was there before a run is never stopped, removed, retagged, renamed, entered or attached."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import pytest

from lifecycle.sandbox.info import SandboxInfo
from tests.engine.bystander import made, removed
from tests.engine.harness import Place, Ran, broken, docker, wait_until

pytestmark = pytest.mark.engine

REFUSED = (
    "docker stop BY",
    "docker stop -t 0 BY",
    "docker kill BY",
    "docker kill -s USR1 BY",
    "docker rm -f BY",
    "docker rm -fv BY",
    "docker container rm -f BY",
    "docker restart BY",
    "docker pause BY",
    "docker start BY",
    "docker rename BY MINE-other",
    "docker update --memory 64m BY",
    "docker exec BY true",
    "docker exec -ti BY bash",
    "docker attach BY",
    "docker cp BY:/etc/hostname out",
    "docker commit BY MINE/stolen",
    "docker export -o out.tar BY",
    "docker stop ID",
    "docker rm -f ID",
    "docker exec PREFIX true",
    "docker rm -f PREFIX",
    "docker rm -f SHORT",
    "docker volume rm BY-v",
    "docker network rm BY-n",
    "docker network disconnect -f BY-n BY",
    "docker network connect BY-n BY",
)
ENTERED = (
    "docker run --rm --name=MINE-x --network container:BY IMAGE true",
    "docker run --rm --name=MINE-x --pid container:BY IMAGE true",
    "docker run --rm --name=MINE-x --volumes-from BY IMAGE true",
)
SKIPPED = (
    "docker rmi BY/i:1",
    "docker rmi -f BY/i:1",
    "docker image rm IMAGE",
    "docker rmi -f IID",
)
MAKERS = (
    "docker tag IMAGE BY/i:1",
    "docker volume create BY-v",
    "docker network create BY-n",
    "docker run --rm --name=BY IMAGE true",
    "docker run --rm --name=MINE-x -v BY-v:/v IMAGE touch /v/written",
)
LINES = (*REFUSED, *ENTERED, *SKIPPED, *MAKERS)


@dataclass
class Tried:
    """The one run that tried everything."""

    ran: Ran
    before: dict[str, Any]
    after: dict[str, Any]
    events: str

    def step(self, line: str) -> dict[str, Any]:
        """What came of a line."""
        return self.ran.step("it", f"line {LINES.index(line)}")


@pytest.fixture(scope="module")
def tried(shared_place: Place, base_image: str) -> Tried:
    """Try everything in one run, and look at the neighbour before and after."""
    place = shared_place
    one = made(f"{place.word}-by", base_image)
    for index, line in enumerate(LINES):
        command = json.dumps(one.written(line, base_image))
        text = f"scenario: line {index}\nsteps:\n  - {{name: it, command: {command}}}\n"
        place.write(f"all/{index:02}.yaml", text)
    before = one.state()
    since = docker("info", "-f", "{{.SystemTime}}")
    ran = place.run("all")
    until = docker("info", "-f", "{{.SystemTime}}")
    window = ("events", "--since", since, "--until", until, "--format", "{{.Action}}")
    events = docker(*window, "--filter", f"container={one.id}")
    after = one.state()
    removed(one)
    return Tried(ran, before, after, events)


@pytest.mark.parametrize("line", [*REFUSED, *ENTERED])
def test_a_line_that_would_touch_a_neighbour_fails_before_it_runs(tried: Tried, line: str) -> None:
    step = tried.step(line)
    assert step["status"] == "failed", step
    assert broken(step) == ["touches only what this run made"]


@pytest.mark.parametrize("line", SKIPPED)
def test_an_image_that_was_there_is_not_removed(tried: Tried, line: str) -> None:
    step = tried.step(line)
    assert (step["status"], "was there before" in step["reason"]) == ("skipped", True), step


@pytest.mark.parametrize("line", MAKERS)
def test_a_name_that_a_neighbour_has_is_another_thing_in_a_run(tried: Tried, line: str) -> None:
    assert tried.step(line)["status"] == "passed"


def test_the_neighbour_is_as_before(tried: Tried) -> None:
    assert tried.after == tried.before
    assert set(tried.events.splitlines()) <= {"exec_die"}


def test_nothing_was_touched_and_nothing_left(tried: Tried) -> None:
    assert tried.ran.report["foreign_touched"] == []
    assert tried.ran.report["left_behind"] == []


def test_names_kept_literal_touch_the_neighbour_no_more(place: Place, base_image: str) -> None:
    one = made(f"{place.word}-by", base_image)
    before = one.state()
    lines = (
        *("docker run -d --name=BY IMAGE sleep 300", "docker create --name=BY IMAGE"),
        *("docker tag IMAGE BY/i:1", "docker volume create BY-v", "docker network create BY-n"),
        *("docker rm -f BY", "docker rmi BY/i:1", "docker volume rm BY-v"),
        "docker run --rm --name=MINE-x -v BY-v:/v IMAGE true",
    )
    for index, line in enumerate(lines):
        command = json.dumps(one.written(line, base_image))
        again = json.dumps(f"docker rm -f {one.name}")
        text = f"scenario: s{index}\nsteps: [{command}]\nfinally: [{again}]\n"
        place.write(f"all/{index:02}.yaml", text)
    ran = place.run("--as-written", "all")
    try:
        assert one.state() == before
        assert ran.report["foreign_touched"] == []
        assert ran.report["left_behind"] == []
    finally:
        removed(one)


def test_a_killed_run_with_literal_names_is_swept_round_the_neighbour(
    place: Place, base_image: str
) -> None:
    one = made(f"{place.word}-by", base_image)
    before = one.state()
    text = f"""
scenario: killed
steps:
  - {{name: taken, command: "docker run --name={one.name} ${{{{ lab.base_image }}}} true",
     fails: {{exit: 125}}}}
  - docker run --name=MINE-long ${{{{ lab.base_image }}}} timeout 300 sleep 300
"""
    words = place.run_words("--as-written", str(place.write("a.yaml", text)))
    with place.started(*words) as process:
        wait_until(lambda: place.is_up("MINE-long"))
        process.kill()
        process.wait(10)
    swept = place.lifecycle("sweep")
    try:
        assert swept.exit_code == 0, swept.said
        assert one.state() == before
    finally:
        removed(one)
    assert place.left() == []


def test_a_neighbour_may_be_touched_when_the_person_says_so(place: Place, base_image: str) -> None:
    name = f"{place.word}-by"
    docker("run", "-d", f"--name={name}", base_image, "sleep", "600")
    text = f"scenario: allowed\nsteps: [docker exec {name} true, docker kill {name}]\n"
    ran = place.run("--allow-foreign", name, str(place.write("a.yaml", text)))
    assert ran.exit_code == 0, ran.said
    assert docker("inspect", "-f", "{{.State.Status}}", name) == "exited"
    docker("rm", name)


@pytest.fixture
def pushed(place: Place, in_sandbox: SandboxInfo, base_image: str) -> str:
    """An image in the registry that the engine does not have."""
    name = f"{in_sandbox.registry}/{place.word}:1"
    docker("tag", base_image, name)
    docker("push", "-q", name)
    docker("rmi", name)
    return name


def test_a_pulled_base_image_is_kept_on_purpose_and_listed(place: Place, pushed: str) -> None:
    file = str(place.write("a.yaml", f"scenario: pull\nsteps: [docker pull {pushed}]\n"))
    kept = place.run(file)
    assert (kept.exit_code, kept.report["left_behind"]) == (0, [])
    assert [pushed in text for text in kept.report["kept_on_purpose"]] == [True]
    assert place.left() == [f"image {pushed}"]
    assert place.ledgers() == []
    docker("rmi", pushed)
    again = place.run("--remove-pulled", file)
    assert (again.exit_code, again.report["kept_on_purpose"]) == (0, [])
    assert place.left() == []


def test_a_tag_that_has_moved_is_pulled_by_digest_and_left(
    place: Place, pushed: str, base_image: str
) -> None:
    other = docker("create", f"--name={place.word}-c", base_image)
    old = docker("commit", other, pushed)
    docker("rm", other)
    file = place.write("a.yaml", f"scenario: pull\nsteps: [docker pull {pushed}]\n")
    ran = place.run(str(file))
    repository = pushed.rpartition(":")[0]
    here = docker("images", "--digests", "--format", "{{.Repository}}@{{.Digest}}", repository)
    by_digest = [name for name in here.splitlines() if "sha256:" in name]
    tagged = docker("inspect", "-f", "{{.Id}}", pushed)
    docker("rmi", pushed, *by_digest)
    assert ran.report["verdict"] == "PASS WITH 1 UNVERIFIED", ran.said
    assert tagged == old
    assert ran.report["foreign_touched"] == []
    assert [f"{repository}@sha256:" in text for text in ran.report["kept_on_purpose"]] == [True]


def test_a_volume_of_that_name_is_told_to_be_left_and_used_only_where_one_says_so(
    place: Place, base_image: str
) -> None:
    name = f"{place.word}-v"
    docker("run", "--rm", "-v", f"{name}:/x", base_image, "touch", "/x/theirs")
    line = f"docker run --rm -v {name}:/x {base_image} ls /x"
    file = str(place.write("a.yaml", f"scenario: volume\nsteps:\n  - {line}\n"))
    ran = place.run(file)
    used = place.run("--as-written", "--allow-foreign", name, file)
    docker("volume", "rm", name)
    assert ran.exit_code == 0, ran.said
    assert ran.report["verdict"].startswith("PASS WITH"), ran.said
    told = [c["source"] for c in ran.step(line)["checks"] if c["status"] == "unverified"]
    assert told[0].startswith(f"the volume {name} of this server was there before")
    assert "theirs" not in ran.step(line)["screen"]
    assert used.exit_code == 0, used.said
    assert "theirs" in used.step(line)["screen"]
    assert "of this server" not in used.out
    assert place.left() == []
