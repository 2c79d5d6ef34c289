"""Steps that are skipped, refused or cut short: why, and what is told of it."""

from __future__ import annotations

import pytest

from lifecycle.diagnosis.finding import Finding
from lifecycle.engine.errors import EngineAbsent
from lifecycle.engine.events import Absence
from lifecycle.run.ownership.ledger import LedgerError
from lifecycle.run.steps import before_and_after
from lifecycle.terminal.errors import TerminalError
from tests.fakes.cli import Said
from tests.fakes.world import BASE, FakeWorld, broken, reasons

BOX = f"  - docker run -d --name=box {BASE} sleep 9\n"
GPU_BOX = f"  - docker run -d --gpus all --name=box {BASE} sleep 9\n"
OPTIONAL = "scenario: s\ngpu: optional\nsteps:\n"
THEIRS = "touches only what this run made"


# -- GPUs ------------------------------------------------------------------------------------


def test_without_a_gpu_an_optional_one_is_left_out_and_said_to_be_unverified(
    world: FakeWorld,
) -> None:
    result = world.step(OPTIONAL + GPU_BOX)
    assert result.status == "passed"
    assert "--gpus" not in world.cli.lines[0]
    assert "--gpus" not in result.actual_command
    assert reasons(result)["--gpus: GPUs inside are the host's"] == (
        "left out: GPU steps were turned off (--gpu off)"
    )
    (check,) = [c for c in result.checks if c.about.startswith("--gpus")]
    assert check.gpu == "real"


def test_where_the_person_requires_gpus_their_absence_is_broken(world: FakeWorld) -> None:
    result = world.step(OPTIONAL + GPU_BOX, gpu="off")
    assert result.status == "passed"
    world.daemon.remove_container(world.real("box"))
    result = world.step(OPTIONAL + GPU_BOX, gpu="require")
    ((about, expected, actual),) = broken(result)
    assert (about, expected) == ("GPUs of this machine", "at least one")
    assert str(actual).startswith("it needs a GPU: ")
    assert [c.source for c in result.checks] == ["--gpu require"]
    assert result.skipped is None


def test_a_step_that_needs_a_gpu_is_skipped_and_what_hangs_on_it_with_it(world: FakeWorld) -> None:
    text = f"  - {{command: docker run -d --gpus all --name=box {BASE}, gpu: required}}\n"
    text += "  - docker stop box\n  - {check: {container: {state: running}}, on: box}\n"
    first, second, third = world.steps(text)
    why = "it needs a GPU: GPU steps were turned off (--gpu off)"
    assert first.skipped is not None
    assert second.skipped is not None
    assert third.skipped is not None
    assert (first.skipped.reason, first.skipped.lacks) == (why, "gpu")
    told = f"container box was never made: step 1 was skipped, since {why}"
    assert (second.skipped.reason, second.skipped.lacks) == (told, "gpu")
    assert third.skipped.reason == told
    assert world.cli.lines == []


def test_a_terminal_that_was_never_opened_is_not_typed_into(world: FakeWorld) -> None:
    text = f"  - {{command: docker run -ti --gpus all --name=box {BASE}, gpu: required}}\n"
    text += "  - {type: exit}\n"
    text += "  - {type: exit, in: box}\n"
    why = "it needs a GPU: GPU steps were turned off (--gpu off)"
    told = f"terminal box was never opened: step 1 was skipped, since {why}"
    assert [r.skipped and r.skipped.reason for r in world.steps(text)] == [why, told, told]


def test_another_terminal_that_is_open_is_typed_into(world: FakeWorld) -> None:
    text = OPTIONAL + f"  - docker run -ti --name=box {BASE}\n"
    text += f"  - {{command: docker run -ti --gpus all --name=b2 {BASE}, gpu: required}}\n"
    text += "  - {type: exit}\n"
    assert [r.status for r in world.steps(text)] == ["passed", "skipped", "passed"]


# -- what the gate says, and what goes wrong -------------------------------------------------


def test_what_the_gate_refused_is_the_cause_of_how_the_command_ended(world: FakeWorld) -> None:
    world.daemon.create(BASE, "theirs")
    result = world.step("  - docker rename theirs mine\n")
    ((about, expected, actual),) = broken(result)
    assert (about, expected) == (THEIRS, "ours")
    assert "container theirs" in str(actual)
    (symptom,) = world.symptoms
    assert symptom.observed == (str(actual),)
    assert not any(c.about == "exit code" for c in result.checks)


def test_a_gate_that_is_not_as_it_was_opened_is_broken(world: FakeWorld) -> None:
    live = world.run("  - docker ps\n  - docker ps\n")
    live.step(0)
    world.gates.broken = "somebody has opened another one"
    result = live.step(1)
    assert broken(result) == [("the gate", "open", "somebody has opened another one")]
    assert [c.source for c in result.checks if c.status == "broken"] == ["this machine"]


def test_an_engine_that_refuses_an_answer_is_told_and_diagnosed(
    world: FakeWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    live = world.run("  - docker ps\n  - docker stop box\n")
    live.step(0)

    def away(_: str) -> None:
        raise EngineAbsent("Connection refused")

    monkeypatch.setattr(world.daemon, "container", away)
    result = live.step(1)
    assert broken(result) == [("the engine answers", "an answer", "Connection refused")]
    assert [c.source for c in result.checks] == [world.daemon.address]
    (symptom,) = world.symptoms
    assert (symptom.finding, symptom.caught) == (
        "daemon-not-running",
        {"host": world.daemon.address},
    )
    assert (symptom.words, symptom.printed) == (("docker", "stop", "box"), False)


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (LedgerError("no room"), ("the ledger", "written first", "no room", "this machine")),
        (TerminalError("no more\nof it"), ("the terminal", "open", "no more", "terminal")),
    ],
)
def test_what_a_step_can_t_begin_without_is_broken_where_it_is_not_there(
    world: FakeWorld, monkeypatch: pytest.MonkeyPatch, error: Exception, told: tuple[str, ...]
) -> None:
    def fail(*_: object) -> None:
        raise error

    monkeypatch.setattr(before_and_after, "begin", fail)
    (check,) = world.step("  - docker ps\n").checks
    assert (check.about, check.expected, check.actual, check.source) == told
    assert check.status == "broken"


def test_an_engine_that_went_away_outranks_other_findings(world: FakeWorld) -> None:
    live = world.run("  - docker ps\n  - docker ps\n")
    live.step(0)
    world.cli.fails["ps"] = Said("", 1)
    world.finds = lambda s: [Finding("away" if s.observed else "other", "c", (), ())]
    with world.silent():
        result = live.step(1)
    assert [f.id for f in result.findings] == ["away"]
    assert world.symptoms[-1].observed == ("it gives no answer",)
    assert world.symptoms[-1].output == ""


def test_an_absence_before_the_step_is_told_beside_the_other_findings(world: FakeWorld) -> None:
    live = world.run("  - docker ps\n  - docker ps\n")
    live.step(0)
    world.cli.fails["ps"] = Said("", 1)
    world.session.events._absences = [Absence(1.0, 2.0)]
    world.finds = lambda s: [Finding("away" if s.observed else "other", "c", (), ())]
    assert [f.id for f in live.step(1).findings] == ["other", "away"]


def test_a_step_that_passed_is_not_told_of_an_absence(world: FakeWorld) -> None:
    live = world.run("  - docker ps\n  - docker ps\n")
    live.step(0)
    world.session.events._absences = [Absence(1.0, 2.0)]
    live.step(1)
    assert world.symptoms == []


def test_a_command_that_takes_too_long_is_ended_and_broken(world: FakeWorld) -> None:
    result = world.step("  - {command: sleep 60, timeout: 200ms}\n")
    assert broken(result)[0] == ("it gets done", "done", "it did not end within 0.2 s")
    assert result.checks[0].source == "the terminal"
