"""The end of a run: by its ledger, in reverse, past errors, measured and told."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from lifecycle.engine.daemon import EngineAway, EngineError
from lifecycle.gate.gate import GateError
from lifecycle.run.outcome import CLEANUP, Remains, StepResult
from lifecycle.run.ownership import removal, take_down
from lifecycle.run.ownership.ledger import Entry
from lifecycle.run.steps import clean_up as cleaning
from lifecycle.run.steps.clean_up import clean_up, keep_all
from lifecycle.terminal.errors import TerminalError
from tests.fakes.world import BASE, FakeWorld, broken, open_terminal, reasons

ALL = f"""
  - {{write: Dockerfile, content: "FROM {BASE}\\n"}}
  - docker build -t me/x .
  - docker volume create data
  - docker network create lan
  - docker run -d --name=one me/x sleep 9
  - docker run -d --name=two {BASE} sleep 9
"""


def done(world: FakeWorld, text: str = ALL) -> None:
    """The steps of a run, which is not over."""
    assert [broken(r) for r in world.steps(text)] == [[]] * len(world.live.steps)


def cleaned(world: FakeWorld) -> tuple[StepResult, Remains]:
    return clean_up(world.session)


def test_everything_goes_in_the_order_in_which_it_can(world: FakeWorld) -> None:
    done(world)
    result, remains = cleaned(world)
    assert [(c.about, c.status) for c in result.checks] == [
        ("container two", "kept"),
        ("container one", "kept"),
        ("image me/x:latest", "kept"),
        ("volume data", "kept"),
        ("network lan", "kept"),
    ]
    assert (result.name, result.status, result.ran) == (CLEANUP, "passed", True)
    assert result.command == "cleanup: what this run made"
    assert replace(remains, known=[]) == Remains()
    real = [world.real(name) for name in ("two", "one", "data", "lan")]
    assert [name for name in world.daemon.removed if name in real] == real
    assert world.session.ownership.entries() == []


def test_what_others_have_stays(world: FakeWorld) -> None:
    world.daemon.create(BASE, "theirs")
    world.daemon.make_volume("theirs")
    done(world)
    cleaned(world)
    assert world.daemon.container("theirs") is not None
    assert world.daemon.volume("theirs") is not None
    assert world.daemon.image(BASE) is not None
    assert len(world.daemon.networks()) == 3


def test_a_thing_that_can_t_be_removed_is_told_and_the_rest_goes(world: FakeWorld) -> None:
    done(world)
    world.daemon.refuses[world.real("two")] = "device or resource busy"
    result, remains = cleaned(world)
    assert broken(result) == [
        ("container two", "removed", "device or resource busy"),
        ("left behind", "nothing", f"container {world.real('two')}"),
    ]
    (left,) = [c for c in result.checks if c.about == "left behind"]
    assert left.source == "inventory"
    assert remains.left_behind == [f"container {world.real('two')}"]
    assert world.daemon.volumes() == []
    assert [e.name for e in world.session.ownership.entries()] == [world.real("two")]


def test_the_run_s_own_folder_is_removed_without_a_word(world: FakeWorld) -> None:
    done(world, "  - docker ps\n")
    result, _ = cleaned(world)
    assert (result.checks, result.status) == ([], "passed")
    assert list(world.folder.glob("lifecycle-*")) == []


def test_a_folder_that_stays_is_told(world: FakeWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    done(world, "  - docker ps\n")
    monkeypatch.setattr(removal, "remove_tree", lambda _: "somebody is in it")
    result, _ = cleaned(world)
    ((about, _, actual),) = broken(result)
    assert about.startswith("folder ")
    assert actual == "somebody is in it"


def test_what_was_refused_late_is_told(world: FakeWorld) -> None:
    done(world, "  - docker ps\n")
    world.session.ownership.refused("a container of theirs")
    result, _ = cleaned(world)
    (check,) = result.checks
    assert (check.about, check.expected, check.actual, check.status, check.source) == (
        "touches only what this run made",
        "ours",
        "a container of theirs",
        "broken",
        "the gate",
    )


def test_a_gate_that_was_taken_over_is_told_and_everything_goes_all_the_same(
    world: FakeWorld,
) -> None:
    done(world)
    world.gates.broken = "somebody has opened another one"
    result, _ = cleaned(world)
    assert broken(result) == [("the gate", "open", "somebody has opened another one")]
    assert [c.source for c in result.checks if c.status == "broken"] == ["this machine"]
    assert world.daemon.containers() == []


def test_nothing_more_comes_through_the_gate_once_it_begins(world: FakeWorld) -> None:
    done(world, "  - docker ps\n")
    cleaned(world)
    with pytest.raises(EngineError, match="the gate is closed"):
        world.gates.ask("POST /volumes/create", lambda _: None, {"Name": "x"})
    with pytest.raises(GateError):
        world.session.through_gate()


def test_open_terminals_are_closed_first(world: FakeWorld) -> None:
    done(world, f"  - docker run -ti --name=box {BASE}\n")
    terminal = open_terminal(world, "box").terminal
    cleaned(world)
    assert terminal.ended
    assert not world.session.terminals.latest


def test_a_terminal_that_does_not_end_stops_nothing(
    world: FakeWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    done(world, f"  - docker run -ti --name=box {BASE}\n")
    terminal = open_terminal(world, "box").terminal

    def stay() -> None:
        raise TerminalError("it outlives KILL")

    with monkeypatch.context() as patch:
        patch.setattr(terminal, "close", stay)
        result, _ = cleaned(world)
    terminal.close()
    assert broken(result) == []
    assert world.daemon.containers() == []


def test_shells_that_stay_inside_are_closed(
    world: FakeWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    done(world, "  - docker ps\n")
    closed: list[bool] = []
    monkeypatch.setattr(world.session.looks, "close", lambda: closed.append(True))
    cleaned(world)
    assert closed == [True]


def test_a_pulled_base_is_kept_and_listed(world: FakeWorld) -> None:
    world.cli.hub["busybox:1"] = f"sha256:{'5' * 64}"
    done(world, "  - docker pull busybox:1\n")
    result, remains = cleaned(world)
    assert (result.checks, remains.left_behind) == ([], [])
    (kept,) = remains.kept_on_purpose
    assert kept.startswith("image busybox:1: a pulled base image")
    assert world.daemon.image("busybox:1") is not None


def test_others_who_do_things_meanwhile_are_counted_once_each(world: FakeWorld) -> None:
    done(world)
    box = world.daemon.create(BASE, "theirs")
    world.daemon.start(box)
    world.daemon.make_volume("theirs")
    heard = world.session.events.wait(lambda e: e.id == "theirs", since=0, timeout=5)
    assert heard is not None
    _, remains = cleaned(world)
    assert remains.others_meanwhile == sorted([box, "theirs"])
    assert remains.foreign_touched == []


@pytest.mark.parametrize("action", ["save", "export", "top", "archive-path", "exec_start: sh"])
def test_what_is_only_read_has_not_changed(world: FakeWorld, action: str) -> None:
    done(world)
    box = world.daemon.create(BASE, "theirs")
    world.session.events.wait(lambda e: e.id == box, since=0, timeout=5)
    world.daemon.event("container", action, "read", name="read")
    world.daemon.event("container", "start", "started", name="started")
    assert world.session.events.wait(lambda e: e.id == "started", since=0, timeout=5)
    _, remains = cleaned(world)
    assert remains.others_meanwhile == sorted([box, "started"])


def test_what_was_before_the_run_is_not_of_its_time(world: FakeWorld) -> None:
    world.daemon.make_volume("before")
    done(world)
    _, remains = cleaned(world)
    assert remains.others_meanwhile == []


def test_what_was_touched_with_leave_is_nobody_else_s_doing(world: FakeWorld) -> None:
    world.daemon.create(BASE, "theirs")
    world.steps("  - docker start theirs\n", allow_foreign=frozenset({"theirs"}))
    _, remains = cleaned(world)
    assert remains.others_meanwhile == []
    assert remains.touched_with_leave == ["theirs"]


def test_a_tag_of_others_that_moved_while_something_of_ours_ran_is_told(world: FakeWorld) -> None:
    done(world, "  - docker ps\n")
    world.session.ownership.tags._moved.append("image theirs was a and is b")
    result, remains = cleaned(world)
    assert remains.foreign_touched == ["image theirs was a and is b"]
    (check,) = [c for c in result.checks if c.about == "others' things"]
    assert (check.expected, check.status, check.source) == ("untouched", "broken", "inventory")


def test_what_was_ours_by_mistake_and_has_changed_is_told(world: FakeWorld) -> None:
    identity = world.daemon.create(BASE, "theirs")
    done(world, "  - docker ps\n")
    world.session.ownership._ever["container", identity] = identity
    world.daemon.remove_container(identity)
    _, remains = cleaned(world)
    assert remains.foreign_touched == ["container theirs is gone"]


def test_an_engine_that_gives_no_measure_leaves_what_was_not_removed(
    world: FakeWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.cli.hub["busybox:1"] = f"sha256:{'5' * 64}"
    done(world, ALL + "  - docker pull busybox:1\n")
    world.daemon.refuses[world.real("two")] = "busy"

    def refuse(*_: Any) -> None:
        raise EngineError("no word")

    monkeypatch.setattr(take_down, "take", refuse)
    result, remains = cleaned(world)
    assert reasons(result)["left behind"] == "no word"
    (check,) = [c for c in result.checks if c.about == "left behind"]
    assert check.expected == "nothing"
    assert remains.left_behind == [f"container {world.real('two')}"]
    assert len(remains.kept_on_purpose) == 1


def test_an_engine_that_is_away_is_waited_for(
    world: FakeWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    done(world)
    answers = iter([False, False, True, True])
    monkeypatch.setattr(world.daemon.patience, "_answers", lambda: next(answers))
    world.said.clear()
    result, _ = cleaned(world)
    assert world.said == ["the engine does not answer: waiting up to 60 s for it, to clean up"]
    assert broken(result) == []
    assert world.daemon.containers() == []


def test_one_that_stays_away_leaves_all_for_the_next_sweep(
    world: FakeWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    done(world)
    monkeypatch.setattr(cleaning, "RETURN_LIMIT", 0.0)
    with monkeypatch.context() as patch:
        patch.setattr(world.daemon, "here", False)
        patch.setattr(world.daemon.patience, "_answers", lambda: False)
        result, remains = cleaned(world)
    assert {about for about, _, _ in broken(result)} == {
        *("container one", "container two", "image me/x:latest", "volume data", "network lan"),
    }
    assert f"volume {world.real('data')}" in remains.left_behind
    assert world.session.ownership.entries() != []


def test_a_nameless_image_of_ours_goes_too(world: FakeWorld) -> None:
    done(world, "  - docker ps\n")
    session = world.session
    base = world.daemon.image(BASE)
    assert base is not None
    layer = world.daemon.make_image(Parent=base["Id"], Container="7" * 64)
    session.ownership.made("container", "7" * 64, "7" * 64)
    result, _ = cleaned(world)
    assert world.daemon.image(layer) is None
    assert f"image {layer}" in {c.about for c in result.checks if c.status == "kept"}


def test_an_image_that_lost_its_tag_and_stayed_is_removed_by_its_id(
    world: FakeWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    done(world)
    real = world.session.real("image", "me/x:latest")
    seen = world.daemon.image(real)
    assert seen is not None
    remove = world.daemon.remove_image

    def untag(name: str, *, alone: bool = False) -> None:
        if name == real:
            world.daemon.things["image"][seen["Id"]]["RepoTags"] = []
        else:
            remove(name, alone=alone)

    monkeypatch.setattr(world.daemon, "remove_image", untag)
    cleaned(world)
    assert world.daemon.image(seen["Id"]) is None


@pytest.mark.parametrize("others", [True, False])
def test_an_image_that_stands_on_a_layer_of_others_takes_nothing_with_it(
    world: FakeWorld,
    others: bool,  # noqa: FBT001
) -> None:
    layer = world.daemon.make_image()
    done(world)
    real = world.session.real("image", "me/x:latest")
    if others:
        world.daemon.change("image", real, Parent=layer)
    cleaned(world)
    assert world.daemon.alone[real] == others


def test_where_the_engine_does_not_tell_every_image_goes_alone(
    world: FakeWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    done(world)

    def refuse(*_: Any) -> bool:
        raise EngineAway("no word")

    monkeypatch.setattr(world.session.ownership, "stands_on_others", refuse)
    real = world.session.real("image", "me/x:latest")
    cleaned(world)
    assert world.daemon.alone == {real: True}


def test_keeping_all_removes_nothing_and_lists_everything(world: FakeWorld) -> None:
    done(world)
    result, remains = keep_all(world.session, "because")
    assert result.skipped is not None
    assert (result.name, result.status) == (CLEANUP, "skipped")
    assert (result.skipped.reason, result.skipped.lacks) == ("because", "choice")
    assert f"container {world.real('one')}: because" in remains.kept_on_purpose
    assert f"volume {world.real('data')}: because" in remains.kept_on_purpose
    assert len(world.daemon.containers()) == 2
    assert world.gates.closed


def test_what_was_kept_for_another_reason_keeps_it(world: FakeWorld) -> None:
    done(world, "  - docker ps\n")
    world.session.ownership.keep(Entry("image", "base", "i"), "a base")
    _, remains = keep_all(world.session, "because")
    assert "image base: a base" in remains.kept_on_purpose


def test_keeping_all_closes_the_terminals(world: FakeWorld) -> None:
    done(world, f"  - docker run -ti --name=box {BASE}\n")
    terminal = open_terminal(world, "box").terminal
    keep_all(world.session, "because")
    assert terminal.ended
