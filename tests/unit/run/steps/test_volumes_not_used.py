"""A volume of the engine whose name a line mounts is told not to be the one that was mounted."""

from __future__ import annotations

import pytest

from tests.fakes.world import BASE, FakeWorld, reasons

RUN = f"  - docker run -d --name=box -v data:/x {BASE} sleep 9\n"
ABOUT = "volume data: the one that was there is mounted"


def test_a_line_that_mounts_a_new_one_says_so_and_what_would_use_it(world: FakeWorld) -> None:
    world.daemon.make_volume("data")
    result = world.step(RUN)
    assert result.status == "passed"
    assert "the volume data of this server was there before this run" in reasons(result)[ABOUT]
    assert "--as-written --allow-foreign data would use it" in reasons(result)[ABOUT]


def test_it_is_said_of_each_by_a_create_too(world: FakeWorld) -> None:
    world.daemon.make_volume("data")
    world.daemon.make_volume("more")
    words = "--mount type=volume,src=more,dst=/m -v data:/x -v none:/n"
    result = world.step(f"  - docker create --name=box {words} {BASE}\n")
    about = [about for about in reasons(result) if "that was there" in about]
    assert about == [ABOUT, ABOUT.replace("data", "more")]


@pytest.mark.parametrize(
    "steps",
    [
        RUN.replace("data:", "other:"),
        RUN.replace("data:", "/tmp:"),
        "  - docker volume create data\n",
        f"  - docker volume create data\n{RUN}",
    ],
)
def test_of_another_name_or_one_that_the_run_has_made_nothing_is_said(
    world: FakeWorld, steps: str
) -> None:
    world.daemon.make_volume("data")
    assert ABOUT not in [about for result in world.steps(steps) for about in reasons(result)]


def test_of_one_that_came_later_nothing_is_said(world: FakeWorld) -> None:
    live = world.run(f"  - docker ps\n{RUN}")
    live.step(0)
    world.daemon.make_volume("data")
    assert ABOUT not in reasons(live.step(1))


def test_with_names_as_written_nothing_is_said(world: FakeWorld) -> None:
    world.daemon.make_volume("data")
    assert ABOUT not in reasons(world.step(RUN, as_written=True, allow_foreign=frozenset({"data"})))
