"""The facts that a run gathers, as its judges get them."""

from __future__ import annotations

from typing import Any

import pytest

from lifecycle.facts.model import Facts
from lifecycle.run.observing.step_facts import look_after
from lifecycle.run.steps import runner
from tests.fakes.world import FakeWorld


class Observed:
    """A run in memory, and the facts of each of its steps."""

    def __init__(self, world: FakeWorld) -> None:
        self.world = world
        self.facts: list[Facts] = []

    def of(self, text: str, **options: Any) -> Facts:
        """The facts of the last step."""
        self.world.steps(text, **options)
        return self.facts[-1]


@pytest.fixture
def observed(world: FakeWorld, monkeypatch: pytest.MonkeyPatch) -> Observed:
    seen = Observed(world)

    def look(*given: Any) -> Facts:
        seen.facts.append(look_after(*given))
        return seen.facts[-1]

    monkeypatch.setattr(runner, "look_after", look)
    return seen
