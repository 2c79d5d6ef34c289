"""BuildKit through the gate: what builds make is gone, and what is others' stays."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from lifecycle.gate.methods import CONTROL, SOLVE
from tests.engine.harness import Place, Ran, broken, docker, running, wait_until
from tests.unit.gate.http2 import Peer, begin
from tests.unit.run.requests.protobuf import export, solve

pytestmark = pytest.mark.engine

OURS = "touches only what this run made"
RAW = """
import os, socket, sys
channel = socket.socket(socket.AF_UNIX)
channel.settimeout(20)
channel.connect(os.environ["DOCKER_HOST"].removeprefix("unix://"))
channel.sendall(open(sys.argv[1], "rb").read())
channel.shutdown(socket.SHUT_WR)
said = b""
while piece := channel.recv(1 << 16):
    said += piece
sys.exit(b" 101 " not in said)
"""
UPGRADE = b"POST /grpc HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n"


@pytest.fixture
def theirs(place: Place, base_image: str) -> Iterator[str]:
    """A colleague's image, by its tag; it must mean the same afterwards."""
    name = f"{place.word}/theirs:1"
    source = docker("create", base_image)
    docker("commit", "-c", f"LABEL x={place.word}", source, name)
    docker("rm", source)
    before = docker("inspect", "-f", "{{.Id}}", name)
    yield name
    after = docker("inspect", "-f", "{{.Id}}", name)
    docker("rmi", "-f", name)
    assert after == before


@pytest.fixture
def buildx() -> None:
    """A client that builds by BuildKit."""
    if not docker("buildx", "version", check=False):
        pytest.skip("needs a docker with buildx; the other tests here speak to BuildKit themselves")


def ran(place: Place, base: str, *lines: str) -> Ran:
    content = f"FROM {base}\nLABEL of={place.word}\nRUN echo {place.word} > /a\n"
    steps = [{"write": "Dockerfile", "content": content}, *lines]
    return place.run(str(place.write("a.yaml", f"scenario: built\nsteps: {json.dumps(steps)}\n")))


def of(place: Place) -> str:
    return docker("images", "-aq", "--filter", f"label=of={place.word}")


def raw(place: Place, said: bytes) -> str:
    """A line that says this to BuildKit, on a connection of its own."""
    client = place.write("raw.py", RAW)
    file = Path(place.folder, "said")
    file.write_bytes(UPGRADE + said)
    return f"python3 {client} {file}"


METHODS = {
    "a prune": f"{CONTROL}/Prune",
    "one by another spelling": f"{CONTROL}/%50rune",
    "one that nobody knows": f"{CONTROL}/New",
    "another's build": "/moby.buildkit.v1.frontend.LLBBridge/Return",
}


@pytest.mark.parametrize("case", METHODS)
def test_a_call_that_is_not_let_through_is_a_refusal_of_the_step(
    place: Place, base_image: str, case: str
) -> None:
    line = raw(place, begin() + Peer().call(1, METHODS[case], build="x"))
    step = ran(place, base_image, line).scenario()["steps"][1]
    assert (step["status"], broken(step)) == ("failed", [OURS]), step
    assert METHODS[case] in str(step["checks"])


def test_a_build_that_says_by_itself_whose_tag_it_moves_is_refused(
    place: Place, base_image: str, theirs: str
) -> None:
    asked = solve(export("moby", name=f"mine,{theirs}"))
    step = ran(place, base_image, raw(place, begin() + Peer().call(1, SOLVE, asked)))
    step = step.scenario()["steps"][1]
    assert broken(step) == [OURS], step
    assert theirs in str(step["checks"])


def test_what_is_no_http2_is_a_refusal_of_the_step(place: Place, base_image: str) -> None:
    step = ran(place, base_image, raw(place, b"GET / HTTP/1.1\r\n\r\n")).scenario()["steps"][1]
    assert broken(step) == [OURS], step
    assert "not HTTP/2" in str(step["checks"])


def test_reading_is_free(place: Place, base_image: str) -> None:
    line = raw(place, begin() + Peer().call(1, f"{CONTROL}/ListWorkers"))
    assert ran(place, base_image, line).exit_code == 0


MOVES = {
    "hidden": "bash -c 'docker build -t THEIRS .'",
    "several tags": "bash -c 'docker build -t MINE/a -t THEIRS -t MINE/b .'",
    "buildx": "env docker buildx build -t THEIRS .",
    "an export": "docker build --output type=image,name=THEIRS .",
    "an export, in short": "bash -c 'docker buildx build -o type=docker,name=THEIRS .'",
    "loaded": "bash -c 'docker buildx build --load -t THEIRS .'",
    "pushed": "bash -c 'docker buildx build --push -t THEIRS .'",
    "baked": "bash -c 'docker buildx bake -f FILE'",
    "by compose": "bash -c 'docker compose -f COMPOSE build'",
    "pruned": "bash -c 'docker builder prune -af'",
    "pruned by buildx": "env docker buildx prune -af",
}


@pytest.mark.usefixtures("buildx")
@pytest.mark.parametrize("case", MOVES)
def test_what_is_theirs_stays_by_whatever_build(
    place: Place, base_image: str, theirs: str, case: str
) -> None:
    bake = {"target": {"default": {"context": ".", "tags": [theirs]}}}
    compose = f"services: {{a: {{image: '{theirs}', build: {{context: '.'}}}}}}"
    line = MOVES[case].replace("THEIRS", theirs)
    line = line.replace("FILE", str(place.write("bake.json", json.dumps(bake))))
    line = line.replace("COMPOSE", "compose.yaml")
    written = {"write": "compose.yaml", "content": compose}
    steps = [{"write": "Dockerfile", "content": f"FROM {base_image}\nRUN echo {place.word}\n"}]
    text = f"scenario: moves\nsteps: {json.dumps([*steps, written, line])}\n"
    found = place.run(str(place.write("a.yaml", text)))
    step = found.scenario()["steps"][2]
    assert OURS in broken(step), step
    assert (found.report["left_behind"], found.report["foreign_touched"]) == ([], [])


MAKES = {
    "hidden": "bash -c 'docker build -t MINE/a .'",
    "several tags": "docker build -t MINE/a -t MINE/b:2 .",
    "buildx": "docker buildx build -t MINE/a .",
    "an export": "docker build --output type=image,name=MINE/a .",
    "no name": "bash -c 'docker build -q .'",
    "a file": "docker build --iidfile id -t MINE/a .",
    "a folder": 'bash -c \'printf "FROM scratch\\nCOPY Dockerfile /" > D && '
    "docker build -f D -o out . && cat out/Dockerfile'",
    "an archive": "docker build -o type=tar,dest=out.tar .",
    "what is told": "docker build --metadata-file m.json -t MINE/a .",
    "twice": "bash -c 'docker build -t MINE/a . && echo ENV B=1 >> Dockerfile && "
    "docker build -t MINE/a .'",
    "baked": "bash -c 'docker buildx bake -f FILE'",
    "one of twelve digits": "bash -c 'docker build -t abcdef012345 . && "
    "docker run --rm abcdef012345 true'",
}


@pytest.mark.usefixtures("buildx")
@pytest.mark.parametrize("case", MAKES)
def test_what_a_build_makes_is_gone_after_the_run(place: Place, base_image: str, case: str) -> None:
    bake = {"target": {n: {"tags": [f"MINE/{n}"]} for n in "ab"}}
    bake |= {"group": {"default": {"targets": ["a", "b"]}}}
    file = place.write("bake.json", json.dumps(bake))
    images = docker("images", "-aq")
    found = ran(place, base_image, MAKES[case].replace("FILE", str(file)))
    assert found.exit_code == 0, found.said
    assert found.report["left_behind"] == []
    assert (place.left(), of(place), docker("images", "-aq")) == ([], "", images)


@pytest.mark.usefixtures("buildx")
def test_a_build_of_theirs_that_runs_is_not_taken_part_in(place: Place, base_image: str) -> None:
    """Its name is there for all to read, and whoever begins one of that name would be in it."""
    loop = f"loop-{place.word}"
    dockerfile = f"FROM {base_image}\nRUN : {loop}; while true; do sleep 0.1; done\n"
    place.write("theirs/Dockerfile", dockerfile)
    place.environ["BUILDX_CONFIG"] = f"{place.folder}/buildx"
    with place.started("docker", "build", f"{place.folder}/theirs") as process:
        wait_until(lambda: running(loop))
        (ref,) = (p.name for p in place.folder.glob("buildx/refs/*/*/*"))
        asked = Peer().call(1, SOLVE, solve(export("moby"), ref=ref))
        found = ran(place, base_image, raw(place, begin() + asked))
        assert process.poll() is None
        process.terminate()
    wait_until(lambda: not running(loop))
    assert broken(found.scenario()["steps"][1]) == [OURS], found.said
    assert "runs already, and is somebody's" in found.said


@pytest.mark.usefixtures("buildx")
def test_a_build_whose_second_export_fails_leaves_nothing(place: Place, base_image: str) -> None:
    line = "bash -c 'docker build -t MINE/a -o type=local,dest=/proc/x . || true'"
    found = ran(place, base_image, line)
    assert (found.exit_code, found.report["left_behind"]) == (0, []), found.said
    assert (place.left(), of(place)) == ([], "")
