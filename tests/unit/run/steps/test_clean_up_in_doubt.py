"""The end of a run tells what of others changed, where nobody can say whose doing it was."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from lifecycle.checks.check import Check
from lifecycle.run.ownership.ledger import Kind
from tests.fakes.world import FakeWorld
from tests.unit.run.steps.test_clean_up import cleaned, done


def in_doubt(world: FakeWorld, kind: Kind | None, change: Callable[[], object]) -> list[Check]:
    """What is said of others' things when something changes while a step's request goes on."""
    done(world, "  - docker ps\n")
    with world.session.ownership.under_way(kind):
        change()
    result, remains = cleaned(world)
    assert remains.foreign_touched == []
    return [c for c in result.checks if c.about == "others' things"]


def test_a_tag_that_others_move_while_a_request_about_images_goes_on_is_in_doubt(
    world: FakeWorld,
) -> None:
    world.daemon.make_image("theirs:1")
    (check,) = in_doubt(world, "image", lambda: world.daemon.make_image("theirs:1"))
    assert check.status == "unverified"
    assert "image theirs:1 was sha256:" in check.source
    assert "a request of this run about images may have done it" in check.source


@pytest.mark.parametrize("kind", ["volume", "network", None])
def test_what_no_request_of_ours_could_have_changed_is_in_no_doubt(
    world: FakeWorld, kind: Kind | None
) -> None:
    world.daemon.make_image("theirs:1")
    assert in_doubt(world, kind, lambda: world.daemon.make_image("theirs:1")) == []


def test_what_others_take_away_meanwhile_is_theirs_to_do(world: FakeWorld) -> None:
    world.daemon.make_volume("theirs")
    assert in_doubt(world, "volume", lambda: world.daemon.remove_volume("theirs")) == []


def test_what_goes_without_a_word_of_the_engine_is_in_doubt(world: FakeWorld) -> None:
    world.daemon.make_volume("theirs")
    (check,) = in_doubt(world, "volume", lambda: world.daemon.things["volume"].pop("theirs"))
    assert "volume theirs is gone" in check.source
