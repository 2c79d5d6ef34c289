"""A look inside waits for the container's start, and covers all that the step asks of it."""

from __future__ import annotations

from collections.abc import Sequence

from lifecycle.engine.daemon import ExecOutcome
from tests.fakes.cli import Said
from tests.fakes.world import BASE, broken
from tests.unit.run.observing.conftest import Observed
from tests.unit.run.observing.test_step_facts import BOX, INSIDE, looks


def test_a_look_is_taken_at_the_start_as_the_container_s_own_user(observed: Observed) -> None:
    world = observed.world
    world.daemon.inside = lambda *_: ExecOutcome(0, INSIDE)
    facts = observed.of(f"  - docker run -d --name=box -e A=b {BASE} sleep 9\n")
    assert (facts.containers["box"].inside.uid, looks(world)) == (1500, [("box", "")])


def test_nobody_looks_where_nothing_asks_the_inside(observed: Observed) -> None:
    facts = observed.of(BOX)
    assert facts.containers["box"].inside.unseen == "nobody asked the inside"
    assert observed.world.daemon.asked == []


def test_what_an_author_expects_inside_is_looked_for(observed: Observed) -> None:
    observed.world.daemon.inside = lambda *_: ExecOutcome(0, INSIDE)
    line = f"command: docker run -d --name=box {BASE} x, expect: {{inside: {{uid: 1500}}}}"
    results = observed.world.steps(f"  - {{{line}}}\n")
    assert broken(results[0]) == []
    assert looks(observed.world) == [("box", "")]


def test_one_that_never_started_is_not_looked_into(observed: Observed) -> None:
    world = observed.world
    world.cli.fails["run"] = Said("", 0)
    facts = observed.of(f"  - docker run -d --name=box -v data:/w {BASE} sleep 9\n")
    assert not facts.containers["box"].started
    assert world.daemon.asked == []


def test_a_start_of_what_runs_already_is_looked_at_now(observed: Observed) -> None:
    world = observed.world
    world.daemon.inside = lambda *_: ExecOutcome(0, INSIDE)
    text = f"  - docker run -d --name=box -e A=b {BASE} sleep 9\n  - docker start box\n"
    live = world.run(text)
    live.step(0)
    at_start = len(looks(world))
    live.step(1)
    box = observed.facts[-1].containers["box"]
    assert (box.started, box.inside.uid) == (False, 1500)
    assert set(looks(world)[at_start:]) == {("box", "")}


def test_what_a_look_at_the_start_writes_bears_the_run_s_id(observed: Observed) -> None:
    world = observed.world
    asked: list[str] = []

    def answer(_: str, argv: Sequence[str], __: str) -> ExecOutcome:
        asked.append(" ".join(argv))
        return ExecOutcome(0, INSIDE)

    world.daemon.inside = answer
    observed.of(f"  - docker run -d --name=box -v data:/w {BASE} sleep 9\n")
    assert f"/w/.lifecycle-{world.live.id}-" in asked[0]


def test_a_later_look_tries_no_writing(observed: Observed) -> None:
    world = observed.world
    asked: list[str] = []

    def answer(_: str, argv: Sequence[str], __: str) -> ExecOutcome:
        asked.append(" ".join(argv))
        return ExecOutcome(0, INSIDE)

    world.daemon.inside = answer
    text = f"  - docker run -d --name=box -v data:/w {BASE} sleep 9\n  - docker start box\n"
    world.steps(text)
    assert "@@writes" in asked[0]
    assert "@@writes" not in asked[1]


def test_an_exec_is_looked_at_as_its_own_user(observed: Observed) -> None:
    world = observed.world
    world.daemon.inside = lambda *_: ExecOutcome(0, INSIDE)
    line = "command: docker exec -u root box true, expect: {inside: {uid: 1500}}"
    observed.of(BOX + f"  - {{{line}}}\n")
    assert looks(world) == [("box", "root")]


def test_one_that_is_paused_is_told_so(observed: Observed) -> None:
    world = observed.world
    text = BOX + "  - docker pause box\n  - {check: {inside: {uid: 1}}, on: box}\n"
    facts = observed.of(text)
    unseen = facts.containers["box"].inside.unseen
    assert unseen.startswith("it is paused, so that nothing in it answers")
    assert world.daemon.asked == []


def test_one_that_has_ended_is_looked_at_from_outside(observed: Observed) -> None:
    world = observed.world
    text = BOX + "  - docker stop box\n"
    text += "  - {check: {inside: {files: {/etc/x: {exists: true}}}}, on: box}\n"
    live = world.run(text)
    live.step(0)
    world.daemon.files[world.container("box")["Id"]]["/etc/x"] = b"x"
    live.step(1)
    assert broken(live.step(2)) == []
    assert observed.facts[-1].containers["box"].inside.unseen == "the container is exited"
    assert world.daemon.asked == []
