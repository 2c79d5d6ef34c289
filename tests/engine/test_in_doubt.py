"""A tag of others that moves while a build of ours goes on: by whom, nobody can tell."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.engine.harness import Place, Ran, docker, wait_until

pytestmark = pytest.mark.engine


@pytest.fixture
def theirs(place: Place, base_image: str) -> Iterator[str]:
    """A tag of a neighbour's, who has another image to give it to."""
    tag = f"{place.word}-theirs:1"
    docker("tag", base_image, tag)
    other = place.write("theirs/Dockerfile", f"FROM {base_image}\nLABEL of={place.word}\n")
    docker("build", "-q", "-t", f"{place.word}-other:1", str(other.parent))
    yield tag
    docker("rmi", "-f", tag, f"{place.word}-other:1")


def moved_while(place: Place, theirs: str, script: str) -> Ran:
    """A run whose script waits; the neighbour moves the tag meanwhile."""
    (place.folder / "both").mkdir()
    (place.folder / "both").chmod(0o777)
    file = place.write("a.yaml", f"scenario: a\nsteps: [sh {place.write('s.sh', script)}]\n")
    with place.started(*place.run_words(str(file))) as process:
        wait_until((place.folder / "both/begun").exists)
        docker("tag", f"{place.word}-other:1", theirs)
        (place.folder / "both/go").touch()
        return place.ended(process)


def doubts(ran: Ran) -> list[Any]:
    steps = [step for one in ran.report["scenarios"] for step in one["steps"]]
    return [c for s in steps for c in s["checks"] if c["about"] == "others' things"]


def test_it_is_unverified_that_nothing_of_others_was_touched(
    place: Place, base_image: str, theirs: str
) -> None:
    place.write("mine/Dockerfile", f"FROM {base_image}\nRUN sleep 3\n")
    both = place.folder / "both"
    build = f"docker build --no-cache {place.folder}/mine > {both}/said & "
    runs = f"until grep -q Running {both}/said; do sleep 0.1; done; "
    ran = moved_while(place, theirs, f"{build}{runs}touch {both}/begun; wait\n")
    (doubt,) = doubts(ran)
    assert (doubt["status"], ran.exit_code) == ("unverified", 0), ran.said
    assert f"image {theirs} was sha256:" in doubt["source"]
    assert "a request of this run about images may have done it" in doubt["source"]


def test_without_a_request_that_could_have_done_it_nothing_is_in_doubt(
    place: Place, theirs: str
) -> None:
    until = f"until [ -e {place.folder}/both/go ]; do sleep 0.1; done"
    ran = moved_while(place, theirs, f"touch {place.folder}/both/begun; {until}\n")
    assert (doubts(ran), ran.exit_code) == ([], 0), ran.said
    assert ran.report["others_meanwhile"] == 1
