"""A container that is started again is held to the line that made it."""

from __future__ import annotations

from lifecycle.run.session.made_by_lines import MadeByLines
from tests.unit.run.conftest import Planner

RUN = "  - docker run -d --rm --name box -e A=1 debian:bookworm\n"


def fields(made: MadeByLines, container: str) -> set[str]:
    return {p.field for p in made.of(container)}


def test_what_its_line_promised_for_good_is_held_to_again(planned: Planner) -> None:
    made = MadeByLines()
    made.add(planned(RUN).steps[0])
    assert "container.env.A" in fields(made, "box")
    once = {"container.started", "container.exists", "container.removed_on_exit"}
    assert not fields(made, "box") & once


def test_it_goes_with_the_name(planned: Planner) -> None:
    made = MadeByLines()
    for step in planned(f"{RUN}  - docker rename box other\n").steps:
        made.add(step)
    assert "container.env.A" in fields(made, "other")
    assert made.of("box") == ()


def test_what_a_line_does_not_make_is_not_remembered(planned: Planner) -> None:
    made = MadeByLines()
    for step in planned("  - docker start box\n  - id\n").steps:
        made.add(step)
    assert made.of("box") == ()
