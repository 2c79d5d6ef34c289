"""What a run may touch: what it made, by whatever name it is called."""

from __future__ import annotations

import pytest

from lifecycle.command.line import Ref
from lifecycle.command.parse import parse
from lifecycle.run.guard import foreign, missing, touched

FULL = "1efe890c7cb428634bf288b4c2d0382796945f579cdf0d176159a15de5db0280"
SHORT = FULL[:12]
TOUCHES = [
    "docker start X",
    "docker stop -t 1 X",
    "docker restart X",
    "docker kill X",
    "docker rm -f X",
    "docker exec -ti X bash",
    "docker attach X",
    "docker rename X new",
    "docker pause X",
    "docker unpause X",
    "docker update --memory 1g X",
    "docker cp file X:/tmp",
    "docker commit X me/test",
    "docker export -o a.tar X",
    "docker wait X",
    "docker network connect net X",
    "docker network disconnect net X",
    "docker run --network container:X me/test",
    "docker run --pid container:X me/test",
    "docker run --ipc container:X me/test",
    "docker run --volumes-from X me/test",
    "docker run --link X:db me/test",
    "docker create --volumes-from X me/test",
]
LOOKS = [
    "docker logs X",
    "docker inspect X",
    "docker top X",
    "docker port X",
    "docker diff X",
    "docker ps -a",
    "docker run --name X me/test",
]


def refused(text: str, name: str, *, ours: bool = False, allowed: str = "") -> str:
    line = parse(text.replace("X", name).split())
    existing = {r: FULL for r in touched(line) if r.name == name}
    return foreign(line, existing, {FULL} if ours else (), {allowed})


@pytest.mark.parametrize("text", TOUCHES)
@pytest.mark.parametrize("name", ["theirs", FULL, SHORT])
def test_what_was_there_before_is_refused_by_name_id_and_prefix(text: str, name: str) -> None:
    assert refused(text, name) == (
        f"container {name} was not made by this run, so it is left alone "
        f"(--allow-foreign {name} lifts this)"
    )


@pytest.mark.parametrize("text", TOUCHES)
def test_what_this_run_made_is_its_own(text: str) -> None:
    assert refused(text, "theirs", ours=True) == ""


@pytest.mark.parametrize("text", TOUCHES)
def test_a_name_can_be_allowed(text: str) -> None:
    assert refused(text, "theirs", allowed="theirs") == ""
    assert refused(text, "theirs", allowed="another") != ""


@pytest.mark.parametrize("text", LOOKS)
def test_looking_is_allowed(text: str) -> None:
    assert refused(text, "theirs") == ""


def test_what_is_not_there_is_refused_by_docker_and_not_by_us() -> None:
    assert foreign(parse(["docker", "rm", "none"]), {}, (), ()) == ""


@pytest.mark.parametrize(
    ("text", "ref"),
    [
        ("docker volume rm data", Ref("volume", "data")),
        ("docker network rm net", Ref("network", "net")),
        ("docker network connect net mine", Ref("network", "net")),
        ("docker rmi me/test", Ref("image", "me/test:latest")),
    ],
)
def test_other_things_are_refused_too(text: str, ref: Ref) -> None:
    assert str(ref) in foreign(parse(text.split()), {ref: "id"}, (), ())


def test_the_first_of_several_is_named() -> None:
    line = parse(["docker", "rm", "bb", "aa", "mine"])
    existing = {Ref("container", n): n for n in ("aa", "bb", "mine")}
    assert foreign(line, existing, {"mine"}, ()).startswith("container aa ")


def test_a_run_on_somebody_elses_network_is_only_a_guest() -> None:
    assert touched(parse(["docker", "run", "--network", "labnet", "me/test"])) == frozenset()


def test_what_a_skipped_step_would_have_made_is_missing() -> None:
    skipped = {Ref("container", "c"): "step 2 was skipped"}
    uses = [Ref("image", "i"), Ref("container", "c")]
    assert missing(uses, skipped) == "container c was never made: step 2 was skipped"
    assert missing(uses[:1], skipped) == ""
