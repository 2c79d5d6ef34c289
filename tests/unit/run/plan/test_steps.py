"""What a plan tells of its steps before any of them is done."""

from __future__ import annotations

import pytest

from lifecycle.run.plan.steps import asks_inside, later_looks
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
    ("index", "users"),
    [(0, {"", "0"}), (1, {"", "0"}), (2, {""}), (3, set()), (5, {""})],
)
def test_it_is_known_who_looks_again_before_the_container_is_stopped(
    planned: Planner, index: int, users: set[str]
) -> None:
    plan = planned(AGAIN)
    assert set(later_looks(plan, plan.steps[index])) == users


@pytest.mark.parametrize(("flag", "users"), [("-u 0", {"0"}), ("-u root", {"root"}), ("", {"0"})])
def test_a_password_is_read_as_root_by_the_name_that_another_look_has_for_root(
    planned: Planner, flag: str, users: set[str]
) -> None:
    plan = planned(
        AGAIN.replace("-u 0", flag).replace(
            "- check: {inside: {user: kim}}", "- check: {container: {state: running}}", 1
        )
    )
    assert set(later_looks(plan, plan.steps[0])) == users


def test_nothing_is_asked_of_the_inside_that_nobody_expects(planned: Planner) -> None:
    plan = planned(AGAIN)
    assert [asks_inside(step, ()) for step in plan.steps[2:5]] == [False, True, False]
