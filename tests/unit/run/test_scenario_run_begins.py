"""A run that can't begin says why, and leaves nothing."""

from __future__ import annotations

import pytest

from lifecycle.engine.daemon import EngineError, EngineSilent
from lifecycle.engine.errors import EngineAbsent
from lifecycle.run.scenario_run import BEGIN
from lifecycle.run.session.discover import NoEngineError
from lifecycle.run.session.who import StartError
from tests.fakes.world import FakeWorld, broken
from tests.unit.run.test_scenario_run import FINDING, TWO, cannot_connect


def test_without_an_engine_the_sandbox_is_named_and_nothing_else_is_tried(
    world: FakeWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    cannot_connect(world, monkeypatch, NoEngineError("nobody is there"))
    world.finds = lambda _: [FINDING]
    live = world.run(TWO)
    first, *rest = (live.step(n) for n in range(3))
    (check,) = first.checks
    assert (check.about, check.expected, check.status) == (BEGIN, "ready", "broken")
    assert check.source == "before the first step"
    assert check.actual == (
        "nobody is there; to see the same on a disposable engine: ./noxw -s sandbox, "
        "or lifecycle sandbox -- lifecycle run ..."
    )
    assert first.findings == [FINDING]
    assert first.not_run == ""
    assert [r.not_run for r in rest] == ["not run: the run could not begin"] * 2
    assert live.over


def test_any_other_reason_stands_alone(world: FakeWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    cannot_connect(world, monkeypatch, StartError("you are root"))
    assert broken(world.run(TWO).step(0)) == [(BEGIN, "ready", "you are root")]


@pytest.mark.parametrize(
    ("error", "symptom"),
    [
        (EngineAbsent("refused"), ("daemon-not-running", "", False)),
        (EngineSilent("no word"), ("engine-hangs", "", False)),
        (EngineError("no space"), ("", "no space", False)),
        (StartError("you are root"), ("", "you are root", True)),
    ],
)
def test_diagnosis_is_told_why_a_run_could_not_begin(
    world: FakeWorld,
    monkeypatch: pytest.MonkeyPatch,
    error: Exception,
    symptom: tuple[str, str, bool],
) -> None:
    cannot_connect(world, monkeypatch, error)
    world.run(TWO).step(0)
    (met,) = world.symptoms
    assert (met.finding, met.output, met.printed) == symptom


def test_a_run_that_could_not_begin_leaves_nothing(
    world: FakeWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "lifecycle.run.session.open.find_gpus", lambda *_: (_ for _ in ()).throw(StartError("x"))
    )
    live = world.run(TWO)
    live.step(0)
    assert list(world.folder.glob(f"lifecycle-{live.id}*")) == []
    assert list((world.folder / "state").rglob("*.jsonl")) == []
    assert world.gates.closed


def test_what_is_no_reason_not_to_begin_is_raised_and_leaves_nothing(
    world: FakeWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "lifecycle.run.session.open.find_gpus", lambda *_: (_ for _ in ()).throw(KeyError("x"))
    )
    live = world.run(TWO)
    with pytest.raises(KeyError):
        live.step(0)
    assert list(world.folder.glob(f"lifecycle-{live.id}*")) == []


def test_a_scenario_that_can_t_be_planned_is_told_at_its_place(world: FakeWorld) -> None:
    result = world.run("  - docker run --detatch --name=x debian\n").step(0)
    ((about, _, actual),) = broken(result)
    assert about == BEGIN
    assert "a.yaml:3:" in str(actual)
    assert "--detach" in str(actual)
