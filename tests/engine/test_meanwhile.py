"""A tag that somebody gives while a request of ours is on its way stays theirs."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.engine.harness import Place, docker

pytestmark = pytest.mark.engine

WAITS = "RUN until [ -e /go ]; do sleep 0.1; done"
THEY = """
set -e
they() {{ DOCKER_HOST={engine} docker "$@"; }}
head -c 8M /dev/zero > zeros
tar -cf x.tar zeros
"""
BUILD = """
printf 'FROM {base}\\nLABEL of={name}\\n{waits}\\n' | docker build {flags} -t {name}:1 - &
until c=$(they ps -q --no-trunc --filter label=of={name}) && [ -n "$c" ]; do sleep 0.1; done
{meanwhile}
they exec $c touch /go
wait $!
"""
# What is larger than all that lies between has been let through when it is written.
IMPORT = "{{ head -c 6M x.tar; {meanwhile}; tail -c +6291457 x.tar; }} | docker import - {name}:1"
WAYS = {
    "build": BUILD,
    "quiet build": BUILD.replace("{flags}", "-q"),
    "import": IMPORT,
}


@pytest.fixture
def name(place: Place, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The repository that both of them use."""
    monkeypatch.setenv("DOCKER_BUILDKIT", "0")
    yield f"team/{place.word}"
    docker("rmi", "-f", f"team/{place.word}:1", check=False)


def run(place: Place, base: str, name: str, way: str, meanwhile: str) -> tuple[int, str]:
    """The way in a script, and what somebody does meanwhile; the run's exit code and words."""
    engine = docker("context", "inspect", "-f", "{{.Endpoints.docker.Host}}")
    words = {"base": base, "name": name, "engine": engine}
    text = (THEY + WAYS[way]).format(
        **words, waits=WAITS, flags="", meanwhile=meanwhile.format(**words)
    )
    script = place.write("a.sh", text)
    step = f"{{name: it, command: sh {script}, timeout: 60s}}"
    ran = place.run(str(place.write("a.yaml", f"scenario: meanwhile\nsteps: [{step}]\n")))
    assert ran.report["left_behind"] == [], ran.said
    assert ran.report["foreign_touched"] == [], ran.said
    assert docker("images", "-aq", "--filter", f"label=of={name}") == ""
    return ran.exit_code, ran.said


@pytest.mark.parametrize("way", WAYS)
def test_a_tag_that_somebody_gives_meanwhile_stays_theirs(
    place: Place, base_image: str, name: str, way: str
) -> None:
    code, said = run(place, base_image, name, way, "they tag {base} {name}:1")
    assert code == 1, said
    assert f"image {name}:1 was made by somebody else meanwhile" in said
    there = docker("inspect", "-f", "{{.Id}}", f"{name}:1", base_image).split()
    assert len(set(there)) == 1, "it means what they gave it"


@pytest.mark.parametrize("way", WAYS)
def test_one_that_nobody_gives_is_ours_and_gone_after_the_run(
    place: Place, base_image: str, name: str, way: str
) -> None:
    code, said = run(place, base_image, name, way, "true")
    assert code == 0, said
    assert docker("images", "-q", f"{name}:1") == ""
