"""A build leaves nothing without a name: no image of a stage, nor what a failed one had made."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator

import pytest

from tests.engine.harness import Place, Ran, docker, wait_until

pytestmark = pytest.mark.engine

TWO_STAGES = """
FROM {base} AS first
LABEL of={word}
RUN echo a > /a
FROM {base}
LABEL of={word}
COPY --from=first /a /b
ENV B=1
"""
FAILING = """
FROM {base}
LABEL of={word}
RUN echo a > /a
RUN false
ENV B=1
"""


def built(place: Place, dockerfile: str, base: str, *then: str, line: str = "-t MINE/i") -> Ran:
    content = dockerfile.format(base=base, word=place.word)
    step = {"write": "Dockerfile", "content": content}
    steps = [step, f"docker build {line} .", *then]
    return place.run(str(place.write("a.yaml", f"scenario: build\nsteps: {json.dumps(steps)}\n")))


def of(place: Place) -> str:
    """Every image and container of the engine that bears the word, those in between included."""
    label = ("-aq", "--filter", f"label=of={place.word}")
    return docker("images", *label) + docker("ps", *label)


def test_the_image_of_a_stage_is_gone_after_the_run(place: Place, base_image: str) -> None:
    ran = built(place, TWO_STAGES, base_image, "docker rmi MINE/i")
    assert ran.exit_code == 0, ran.said
    assert ran.report["left_behind"] == []
    assert of(place) == ""


def test_an_image_that_a_build_did_not_name_is_gone_after_the_run(
    place: Place, base_image: str
) -> None:
    ran = built(place, TWO_STAGES, base_image, line="--pull=false")
    assert ran.exit_code == 0, ran.said
    assert of(place) == ""


def test_what_a_failed_build_had_made_is_gone_after_the_run(place: Place, base_image: str) -> None:
    ran = built(place, FAILING, base_image)
    assert ran.exit_code == 1, ran.said
    assert ran.report["left_behind"] == []
    assert of(place) == ""


@pytest.mark.usefixtures("old_builder")
def test_what_a_failed_build_on_somebody_s_nameless_image_had_made_is_gone(
    place: Place, base_image: str
) -> None:
    container = docker("create", base_image, "true")
    base = docker("commit", container)
    docker("rm", container)
    by_argument = FAILING.replace("FROM {base}", "ARG B={base}\nFROM $B")
    ran = built(place, by_argument, base)
    assert ran.exit_code == 1, ran.said
    assert ran.report["left_behind"] == []
    assert of(place) == ""
    docker("rmi", base)


SHARED = "FROM {base}\nLABEL of={word}\nENV A=1\nRUN {last}\n"


@pytest.mark.parametrize(
    ("builds", "then"),
    [
        (("echo a > /a", "echo b > /b"), ""),
        (("echo a > /a", "echo b > /b"), "docker rmi MINE/i"),
        (("false", "echo b > /b"), "docker rmi MINE/i"),
        (("echo a > /a", "false"), "docker rmi MINE/i"),
        (("echo a > /a", "false", "echo b > /b"), ""),
        (("echo a > /a", "echo b > /b", "echo a > /a"), "docker rmi MINE/i"),
    ],
)
def test_layers_that_builds_of_one_run_share_are_gone_after_it(
    place: Place, base_image: str, builds: tuple[str, ...], then: str
) -> None:
    steps: list[object] = []
    for last in builds:
        content = SHARED.format(base=base_image, word=place.word, last=last)
        build = {"command": "docker build -t MINE/i ."}
        fails = {"fails": {"output": "returned a non-zero code|did not complete"}}
        steps += [{"write": "Dockerfile", "content": content}]
        steps += [build | fails if last == "false" else build]
    steps += [then] if then else []
    ran = place.run(str(place.write("a.yaml", f"scenario: build\nsteps: {json.dumps(steps)}\n")))
    assert ran.exit_code == 0, ran.said
    assert ran.report["left_behind"] == []
    assert of(place) == ""


@pytest.fixture
def old_builder(monkeypatch: pytest.MonkeyPatch) -> None:
    """The builder that leaves layers which others find: BuildKit has a cache of its own."""
    monkeypatch.setenv("DOCKER_BUILDKIT", "0")


@pytest.mark.usefixtures("old_builder")
def test_a_layer_on_which_somebody_has_built_meanwhile_is_left_to_them(
    place: Place, base_image: str
) -> None:
    shared = FAILING.partition("RUN false")[0].format(base=base_image, word=place.word)
    place.write("theirs/Dockerfile", f"{shared}ENV THEIRS=1\n")
    build = f"docker build -q -t {place.word}/theirs:1 {place.folder}/theirs"
    steps = [
        {"write": "Dockerfile", "content": f"{shared}RUN false\n"},
        {"command": "docker build -t MINE/i .", "fails": {"exit": 1}},
        place.colleague(build),
    ]
    file = place.write("a.yaml", f"scenario: meanwhile\nsteps: {json.dumps(steps)}\n")
    ran = place.run(str(file))
    assert ran.exit_code == 0, ran.said
    left = [c for c in ran.step("Clean-up")["checks"] if c["status"] == "unverified"]
    # Where containerd keeps the images, each has all that it stands on, and ours may go.
    apart = "io.containerd.snapshotter" in docker("info", "-f", "{{.DriverStatus}}")
    assert apart or "somebody's image or container stands on it" in str(left)
    assert docker("run", "--rm", f"{place.word}/theirs:1", "cat", "/a") == "a"
    docker("rmi", f"{place.word}/theirs:1")
    assert of(place) == ""


@pytest.fixture
def theirs(place: Place, base_image: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The layer that somebody's failed build has left, on which ours is going to stand."""
    monkeypatch.setenv("DOCKER_BUILDKIT", "0")
    place.write("theirs/Dockerfile", FAILING.format(base=base_image, word=place.word))
    docker("build", "-q", f"{place.folder}/theirs", check=False)
    docker("rm", docker("ps", "-a", *label(place)))
    layer = docker("images", *label(place))
    assert layer
    yield layer
    docker("rmi", layer)


def label(place: Place) -> tuple[str, ...]:
    """Docker's words for what bears the place's word, by its whole id."""
    return ("-q", "--no-trunc", "--filter", f"label=of={place.word}")


@pytest.mark.parametrize("then", [("docker rmi MINE/i",), ()], ids=["by a step", "by the clean-up"])
def test_a_layer_that_somebody_s_failed_build_had_made_stays_when_ours_is_removed(
    place: Place, base_image: str, theirs: str, then: tuple[str, ...]
) -> None:
    ran = built(place, FAILING.replace("RUN false", "RUN true"), base_image, *then)
    assert ran.exit_code == 0, ran.said
    assert (ran.report["left_behind"], ran.report["foreign_touched"]) == ([], [])
    assert docker("images", *label(place)) == theirs


def test_it_stays_when_the_sweep_removes_ours(place: Place, base_image: str, theirs: str) -> None:
    content = FAILING.replace("RUN false", "RUN true").format(base=base_image, word=place.word)
    steps = [
        {"write": "Dockerfile", "content": content},
        "docker build -t MINE/i .",
        "docker run --name=MINE-long MINE/i timeout 300 sleep 300",
    ]
    file = place.write("a.yaml", f"scenario: killed\nsteps: {json.dumps(steps)}\n")
    with place.started(*place.run_words(str(file))) as process:
        wait_until(lambda: place.is_up("MINE-long"))
        process.kill()
        process.wait(10)
    swept = place.lifecycle("sweep")
    assert swept.exit_code == 0, swept.said
    assert docker("images", *label(place)) == theirs
    assert place.left() == []


THEIRS = "FROM {base}\nLABEL of={word}\nENV THEIRS=1\n"
ON_THEIRS = {
    "tagged": "docker tag $X {name}:t && exit 1; true",
    "committed": "docker commit $(docker create $X true) {name}:t",
    "built upon": 'printf "FROM $X\\nENV OURS=1\\n" | docker build -t {name}:t -',
    "built again": "docker build -t {name}:t - < Theirs",
    "built again without a tag": "docker build -q - < Theirs",
    "built upon from the cache": "(cat Theirs; echo ENV OURS=1) | docker build -t {name}:t -",
}


@pytest.mark.usefixtures("old_builder")
@pytest.mark.parametrize("case", ON_THEIRS)
def test_an_image_without_a_name_that_somebody_made_meanwhile_stays(
    place: Place, base_image: str, case: str
) -> None:
    text = THEIRS.format(base=base_image, word=place.word)
    theirs = place.write("Theirs", text)
    script = place.write(
        "a.sh",
        f"cp {theirs} Theirs\n"
        f"X=$(DOCKER_HOST={os.environ['DOCKER_HOST']} docker build -q - < Theirs)\n"
        f"{ON_THEIRS[case].format(name=f'{place.word}/i')}\n",
    )
    place.run(str(place.write("a.yaml", f"scenario: it\nsteps: [sh {script}]\n")))
    kept = docker("images", "-aq", "--no-trunc", "--filter", f"label=of={place.word}").split()
    assert kept, "theirs is there"
    tags = docker("images", "--format", "{{.Repository}}:{{.Tag}}", f"{place.word}/i").split()
    docker("rmi", "-f", *tags, *kept, check=False)


@pytest.mark.usefixtures("old_builder")
def test_a_build_of_the_first_lines_of_somebody_s_image_is_no_failure(
    place: Place, base_image: str
) -> None:
    text = THEIRS.format(base=base_image, word=place.word)
    whole = place.write("Whole", f"{text}ENV MORE=1\n")
    docker("build", "-t", f"{place.word}/theirs", "-f", str(whole), str(place.folder))
    ran = built(place, text, base_image)
    tags = docker(
        "images", "--format", "{{.Repository}}:{{.Tag}}", "--filter", f"label=of={place.word}"
    )
    docker("rmi", "-f", *tags.split())
    assert ran.exit_code == 0, ran.said
    assert ran.report["left_behind"] == []
    assert f"{place.word}/theirs:latest" in tags
