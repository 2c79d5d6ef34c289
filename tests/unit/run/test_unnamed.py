"""A container that its line does not name is told apart from every one that has a name."""

from __future__ import annotations

import copy
from types import SimpleNamespace
from typing import cast

import pytest

from lifecycle.command.line import Ref
from lifecycle.command.name_map import NameMap, Unnamed
from lifecycle.run.session.session import Session
from tests.unit.run.conftest import RUN, Planner

LIKE_OURS = ["unnamed-web", "unnamed-2", "unnamed-", "unnamed-1-2", "unnamed-٣"]


def session_with(*containers: str, as_written: bool = False) -> Session:
    isolated = frozenset(Ref("container", name) for name in containers)
    names = NameMap(RUN, as_written=as_written, isolated=isolated)
    return cast("Session", SimpleNamespace(plan=SimpleNamespace(names=names)))


@pytest.mark.parametrize("name", LIKE_OURS)
def test_a_name_that_looks_like_ours_is_a_name_as_any_other(name: str) -> None:
    assert Session.real(session_with(name), "container", name) == f"{name}-{RUN}"
    assert Session.real(session_with(as_written=True), "container", name) == name


@pytest.mark.parametrize("as_written", [False, True])
def test_no_written_name_becomes_that_of_an_unnamed_container(*, as_written: bool) -> None:
    written = ["unnamed-2", f"unnamed-2-{RUN}", str(Unnamed(2))]
    session = session_with(*written, as_written=as_written)
    named = {Session.real(session, "container", name) for name in written}
    assert Session.real(session, "container", Unnamed(2)) not in named


def test_the_steps_of_a_named_and_an_unnamed_one_do_not_meet(planned: Planner) -> None:
    first, second = planned("- docker run x\n- docker run --name unnamed-1 x\n").steps
    assert first.container != second.container
    assert {first.container: "its promises"}.get(second.container) is None


def test_a_copy_is_the_same_container() -> None:
    assert copy.copy(Unnamed(3)).step == copy.deepcopy(Unnamed(3)).step == 3
