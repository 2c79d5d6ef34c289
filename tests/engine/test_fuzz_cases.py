"""What the fuzz has found, each as small as it goes, with its kind beside it."""

from __future__ import annotations

import json

import pytest

from lifecycle.sandbox.info import SandboxInfo
from tests.engine.harness import Place, Ran, docker

pytestmark = pytest.mark.engine


def tried(place: Place, script: str, *options: str) -> Ran:
    """A run whose one step is a script."""
    command = json.dumps(f"sh {place.write('script.sh', script)}")
    file = place.write("a.yaml", f"scenario: script\nsteps: [{command}]\n")
    return place.run(*options, str(file))


LIKE_A_CONTAINER = {
    "its whole id": "docker create --name ID IMAGE true; docker rm -f ID",
    "renamed to it": "docker create --name MINE-c IMAGE true; docker rename MINE-c ID; "
    "docker stop -t 0 ID",
    "12 digits of it": "docker create --name SHORT IMAGE true; docker rm -f SHORT",
    "entered": "docker create --name ID IMAGE true; docker exec ID touch /entered",
}


@pytest.mark.parametrize("case", LIKE_A_CONTAINER)
def test_a_container_of_ours_that_is_called_as_theirs_is_known_does_not_stand_for_it(
    place: Place, base_image: str, case: str
) -> None:
    theirs = docker("run", "-d", f"--name={place.word}-theirs", base_image, "sleep", "1000")
    words = {"SHORT": theirs[:12], "ID": theirs, "IMAGE": base_image}
    script = LIKE_A_CONTAINER[case]
    for word, value in words.items():
        script = script.replace(word, value)
    ran = tried(place, script)
    running = docker("inspect", "-f", "{{.State.Running}}", theirs, check=False)
    changed = docker("diff", theirs, check=False)
    docker("rm", "-f", theirs, check=False)
    assert (running, changed) == ("true", ""), ran.said
    assert "begins so" in str(ran.report["scenarios"])
    assert ran.report["left_behind"] == []


LIKE_A_NETWORK = {
    "its whole id": "docker network create ID; docker network rm ID",
    "12 digits of it": "docker network create SHORT; docker network rm SHORT; "
    "docker network rm SHORT",
    "looked up again at a start": "docker network create FEW; "
    "docker create --name MINE-c --network FEW --network-alias db IMAGE sleep 1000; "
    "docker network rm FEW; docker start MINE-c",
}


@pytest.mark.parametrize("case", LIKE_A_NETWORK)
def test_a_network_of_ours_that_is_called_as_theirs_is_known_does_not_stand_for_it(
    place: Place, base_image: str, case: str
) -> None:
    theirs = docker("network", "create", f"{place.word}-theirs")
    words = {"SHORT": theirs[:12], "FEW": theirs[:3], "ID": theirs, "IMAGE": base_image}
    script = LIKE_A_NETWORK[case]
    for word, value in words.items():
        script = script.replace(word, value)
    joined = "docker network inspect -f '{{len .Containers}}' " + theirs
    (both := place.folder / "both").mkdir()
    both.chmod(0o777)
    ran = tried(place, f"exec 2> {both}/said\n{script}\n{joined} > {both}/joined\ntrue")
    said = (both / "said").read_text()
    there = docker("network", "ls", "-q", "--no-trunc", "--filter", f"id={theirs}")
    docker("network", "rm", theirs, check=False)
    assert there == theirs, ran.said
    assert (both / "joined").read_text() == "0\n", said
    # Where a third network begins so as well, the engine has no answer.
    refused = "touches only what this run made" in str(ran.report["scenarios"])
    assert refused or "ambiguous" in said, f"{ran.said}{said}"
    assert ran.report["left_behind"] == []


@pytest.mark.parametrize("case", ["tagged", "tagged in a run that died", "found by a build"])
def test_an_image_of_theirs_without_a_tag_outlives_a_tag_of_ours(
    place: Place, base_image: str, case: str
) -> None:
    """The tag was left, and the sweep of the next run took it away, with the image."""
    dockerfile = place.write("theirs/Dockerfile", f"FROM {base_image}\nLABEL of=MINE\n")
    built = docker("build", "-q", str(dockerfile.parent))
    make = {
        "tagged": f"docker tag {built} MINE/i:1",
        "tagged in a run that died": f"docker tag {built} MINE/i:1; kill -9 $PPID; sleep 1",
        "found by a build": f"docker build -q -t MINE/i:1 {dockerfile.parent}",
    }[case]
    ran = tried(place, make)
    tried(place, "true")
    there = docker("image", "inspect", "-f", "{{.Id}}", built, check=False)
    docker("rmi", "-f", f"{place.word}/i:1", check=False)
    docker("rmi", "-f", built, check=False)
    assert there == built, ran.said
    if case == "found by a build":
        (kept,) = ran.report["kept_on_purpose"]
        assert "was there before this run, without a tag, and would go with it" in kept


def test_a_base_that_a_build_pulled_goes_after_what_stands_on_it(
    place: Place, in_sandbox: SandboxInfo, base_image: str
) -> None:
    pushed = f"{in_sandbox.registry}/{place.word}:1"
    source = docker("create", base_image)
    pulled = docker("commit", "-c", f"LABEL of={place.word}", source, pushed)
    docker("rm", source)
    docker("push", "-q", pushed)
    docker("rmi", pushed)
    script = f"printf 'FROM {pushed}\\nLABEL a=1\\nRUN true\\n' > D && docker build -f D ."
    ran = tried(place, script, "--remove-pulled")
    left = docker("images", "-aq", "--no-trunc", "--filter", f"label=of={place.word}")
    for one in left.split():
        docker("rmi", "-f", one, check=False)
    assert pulled
    assert left == "", ran.said
    assert ran.exit_code == 0, ran.said


@pytest.mark.parametrize(
    "line",
    [
        "docker volume create -o type=none -o o=bind -o device=/proc/1/root/run MINE-v",
        "docker run --rm -v /proc/1/root:/h IMAGE true",
        "docker run --rm --mount type=bind,src=/proc/1/root/run,dst=/h IMAGE true",
    ],
)
def test_a_place_behind_a_link_that_can_t_be_followed_is_refused_in_a_sentence(
    place: Place, base_image: str, line: str
) -> None:
    ran = tried(place, line.replace("IMAGE", base_image))
    assert ran.exit_code == 1
    assert "touches only what this run made" in str(ran.report["scenarios"]), ran.said
    assert "fault of the gate" not in ran.said
    assert place.left() == []


QUIET = {
    "two stages": "FROM IMAGE AS one\nLABEL of=MINE\nRUN true\n"
    "FROM IMAGE\nLABEL of=MINE\nRUN true\nCOPY --from=one /etc/hostname /h\n",
    "one that fails": "FROM IMAGE\nLABEL of=MINE\nRUN true\nRUN false\n",
}


@pytest.mark.parametrize("case", QUIET)
def test_of_a_quiet_build_nothing_is_left_either(place: Place, base_image: str, case: str) -> None:
    """What it does not print is known from the engine, which is asked to tell all."""
    place.write("context/Dockerfile", QUIET[case].replace("IMAGE", base_image))
    out = place.folder / "out"
    out.mkdir()
    out.chmod(0o777)
    script = f"docker build -q --force-rm=false --rm=false {place.folder}/context > {out}/said"
    ran = tried(place, f"{script} 2> {out}/wrong; echo $? >> {out}/said")
    said = (out / "said").read_text().split()
    containers = docker("ps", "-aq", "--filter", f"label=of={place.word}")
    images = docker("images", "-aq", "--no-trunc", "--filter", f"label=of={place.word}")
    docker("rm", "-f", *containers.split() or ["none"], check=False)
    docker("rmi", "-f", *images.split() or ["none"], check=False)
    assert (containers, images) == ("", ""), ran.said
    if case == "two stages":
        (image, code) = said
        assert (image.startswith("sha256:"), len(image), code) == (True, 71, "0")
    else:
        assert said == ["1"]
        assert "returned a non-zero code: 1" in (out / "wrong").read_text()
        assert "Step 4/4 : RUN false" in (out / "wrong").read_text()


def test_a_base_that_a_quiet_build_pulled_is_listed(
    place: Place, in_sandbox: SandboxInfo, base_image: str
) -> None:
    pushed = f"{in_sandbox.registry}/{place.word}:1"
    docker("tag", base_image, pushed)
    docker("push", "-q", pushed)
    docker("rmi", pushed)
    script = f"printf 'FROM {pushed}\\nRUN true\\n' > D && docker build -q -f D ."
    ran = tried(place, script)
    docker("rmi", pushed, check=False)
    (kept,) = ran.report["kept_on_purpose"]
    assert pushed in kept
