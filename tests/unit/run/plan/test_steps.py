"""What a plan tells of its steps before any of them is done."""

from __future__ import annotations

import pytest

from lifecycle.run.plan.steps import asks_inside, looks_again
from tests.unit.run.conftest import Planner

AGAIN = """\
scenario: s
steps:
  - docker run -ti --name box me/test
  - docker exec -u 0 -ti box bash
  - type: passwd kim
    in: box
    expect: {password_changed: kim}
  - check: {inside: {user: kim}}
    on: box
  - docker stop box
  - docker start box
  - check: {inside: {user: kim}}
    on: box
"""


@pytest.mark.parametrize(
    ("index", "user", "again"),
    [(0, "", True), (1, "0", True), (1, "lee", False), (2, "0", False), (3, "", False)],
)
def test_it_is_known_whether_an_identity_looks_again_before_the_container_is_stopped(
    planned: Planner,
    index: int,
    user: str,
    again: bool,  # noqa: FBT001
) -> None:
    plan = planned(AGAIN)
    assert looks_again(plan, plan.steps[index], user) is again


def test_nothing_is_asked_of_the_inside_that_nobody_expects(planned: Planner) -> None:
    plan = planned(AGAIN)
    assert [asks_inside(step, ()) for step in plan.steps[2:5]] == [False, True, False]
