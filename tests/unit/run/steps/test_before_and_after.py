"""Which words of a line really run, and what it leaves for the steps that follow."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from lifecycle.command.line import Ref
from lifecycle.machine.subject import current_subject
from lifecycle.run.plan.steps import Plan, PlannedStep
from lifecycle.run.session.open_terminals import OpenTerminal
from lifecycle.run.session.options import Options
from lifecycle.run.session.session import Session
from lifecycle.run.steps import before_and_after
from lifecycle.terminal.terminal import Terminal
from tests.unit.run.conftest import RUN, Planner
from tests.unit.run.requests.fakes import Run, full, image_id

A, B = image_id("a"), image_id("b")
Opener = Callable[..., tuple[Session, PlannedStep]]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return Run(tmp_path)


@pytest.fixture
def opened(planned: Planner, run: Run, tmp_path: Path) -> Opener:
    """A session of a one-line scenario, and its step."""

    def make(command: str, **options: Any) -> tuple[Session, PlannedStep]:
        chosen = Options(**options)
        plan: Plan = planned(f"- {command}\n", as_written=chosen.as_written)

        def real(kind: Any, name: str) -> str:
            return plan.names.real(Ref(kind, name))

        session = SimpleNamespace(
            plan=plan,
            options=chosen,
            daemon=run.engine,
            ownership=run.ownership,
            real=real,
            folder=tmp_path,
            world=SimpleNamespace(subject=current_subject()),
        )
        return cast("Session", session), plan.steps[0]

    return make


def test_a_line_runs_with_the_names_of_this_run(opened: Opener) -> None:
    session, step = opened("docker run -d --name box debian:bookworm")
    words = before_and_after.words_to_run(session, step)
    assert words.argv == ("docker", "run", "-d", "--name", f"box-{RUN}", "debian:bookworm")
    assert words.changed
    assert not words.skip


@pytest.mark.parametrize("name", ["debian:bookworm", "debian:bookworm@sha256", A, A[7:], A[7:19]])
def test_an_image_that_was_there_is_not_removed(opened: Opener, run: Run, name: str) -> None:
    name = name.replace("@sha256", "")
    run.engine.tag("a", "debian:bookworm")
    session, step = opened(f"docker rmi {name}")
    skip = before_and_after.words_to_run(session, step).skip
    assert skip
    assert skip.lacks == "ours"
    assert "was there before this run" in skip.reason
    session, step = opened(f"docker rmi {name}", allow_foreign=(name,))
    assert before_and_after.words_to_run(session, step).argv


def test_an_image_of_ours_is_removed(opened: Opener, run: Run) -> None:
    run.make_image("a", "me/x:latest")
    session, step = opened("docker rmi me/x", as_written=True)
    assert before_and_after.words_to_run(session, step).argv == ("docker", "rmi", "me/x")


def test_what_a_build_is_to_do_is_on_the_ledger_before_it_begins(
    opened: Opener, run: Run, tmp_path: Path
) -> None:
    (tmp_path / "Dockerfile").write_text("FROM debian:bookworm\nRUN true\n")
    session, step = opened("docker build -t me/x .")
    before_and_after.begin(session, step)
    text = run.ownership._ledger.path.read_text()
    assert '"is": "build"' in text
    assert "debian:bookworm" in text
    other, step = opened("docker ps")
    before = run.ownership._ledger.path.read_text()
    before_and_after.begin(other, step)
    assert run.ownership._ledger.path.read_text() == before


def test_what_a_failed_build_left_stays_on_the_ledger(opened: Opener, run: Run) -> None:
    session, step = opened("docker build -t me/test .")
    container = run.engine.add("container", "left", "c")
    run.ownership.made("container", container, container)
    layer = run.make_image("a", Created="2026-01-01T00:00:00.0Z")
    before_and_after.settle(session, step)
    assert run.entries == {("container", container, container), ("image", layer, layer)}


def test_a_layer_of_which_nobody_read_is_found_by_the_container_that_became_it(
    opened: Opener, run: Run
) -> None:
    session, step = opened("docker build -t me/test .")
    run.ownership.made("container", full("c"), full("c"))
    layer = run.engine.tag("a", Container=full("c"), Created="2026-01-01T00:00:00.0Z")
    before_and_after.settle(session, step)
    assert run.entries == {("image", layer, layer)}, "the container itself is gone"


def test_what_a_build_made_on_the_way_to_its_image_goes_with_that(opened: Opener, run: Run) -> None:
    session, step = opened("docker build -t me/test .")
    run.make_image("a")
    run.engine.tag("a", f"me/test-{RUN}:latest")
    before_and_after.settle(session, step)
    assert run.entries == set()


def test_refusals_and_notes_are_handed_over_once(opened: Opener, run: Run) -> None:
    session, step = opened("docker ps")
    run.ask("POST /containers/prune")
    refusals, notes = before_and_after.settle(session, step)
    assert [r.about for r in refusals] == ["touches only what this run made"]
    assert notes == []
    assert before_and_after.settle(session, step) == ([], [])


@pytest.mark.parametrize("output", ["Loaded image: me/x:1\n", "Loaded image ID: me/x:1"])
def test_a_load_promises_what_it_says_it_loaded(opened: Opener, output: str) -> None:
    session, _ = opened("docker load -i x.tar")
    (promise,) = before_and_after.loaded(session, output)
    assert (promise.field, promise.about) == ("image.exists", Ref("image", "me/x:1"))


@pytest.mark.parametrize(
    ("opening", "usual", "step", "detaches"),
    [
        ("docker attach mine", "", "press: [ctrl-p, ctrl-q]", True),
        ("docker attach mine", "", "press: [ctrl-p]", False),
        ("docker attach mine", "", "{type: ls, press: [ctrl-p, ctrl-q]}", True),
        ("docker attach --detach-keys ctrl-a mine", "", "press: [ctrl-a]", True),
        ("docker attach --detach-keys ctrl-a mine", "", "press: [ctrl-p, ctrl-q]", False),
        ("docker run -ti --detach-keys x,y --name box debian", "", "type: xy", True),
        ("docker exec -ti --detach-keys ctrl-@ mine sh", "", "press: [ctrl-@]", True),
        ("docker start -ai --detach-keys ctrl-p,ctrl-x mine", "", "press: [ctrl-p, ctrl-x]", True),
        ("docker attach mine", "ctrl-q", "press: [ctrl-q]", True),
        ("docker attach mine", "ctrl-p,ctrl-q", "press: [ctrl-q]", False),
        ("docker attach --detach-keys ctrl-a mine", "ctrl-q", "press: [ctrl-q]", False),
    ],
)
def test_the_keys_that_detach_are_those_of_the_line_or_the_person_s_own(
    planned: Planner,
    opening: str,
    usual: str,
    step: str,
    detaches: bool,  # noqa: FBT001
) -> None:
    first, second = planned(f"- {opening}\n- {step}\n").steps
    opened = OpenTerminal(cast("Terminal", None), first.container, first, usual_keys=usual)
    assert before_and_after.detaches(second, opened) is detaches
