"""Who made what is answered in one place, by ids, and measured against all that happened."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from lifecycle.checks.check import unverified
from lifecycle.engine.daemon import EngineError
from lifecycle.engine.events import Event
from lifecycle.run.ownership import ownership as module
from tests.unit.run.requests.fakes import OURS, RUN, THEIRS, Run, full, image_id

A, B, C = (image_id(digit) for digit in "abc")
MINE = f"me/x-{RUN}:latest"


def test_what_was_made_is_ours_by_its_full_id(shared: Run) -> None:
    ownership = shared.ownership
    assert ownership.owns("container", OURS)
    assert not ownership.owns("container", THEIRS)
    assert not ownership.owns("network", full("c"))
    assert ownership.id_of("container", f"mine-{RUN}") == OURS


@pytest.mark.parametrize("name", ["theirs", f"dbg-mine-{RUN}", f"mine-{RUN}2", RUN, "", "a" * 11])
@pytest.mark.parametrize("kind", ["container", "network", "volume", "image"])
def test_a_name_that_is_like_ours_is_not(shared: Run, kind: Any, name: str) -> None:
    assert not shared.ownership.owns(kind, name)


@pytest.mark.parametrize("kind", ["container", "network"])
def test_a_name_that_is_meant_is_not_ours_until_its_id_is_known(run: Run, kind: Any) -> None:
    run.ownership.intend(kind, "literal")
    assert run.ownership.intends(kind, "literal")
    assert not run.ownership.owns(kind, "literal")
    run.ownership.made(kind, "literal", OURS)
    assert run.ownership.owns(kind, OURS)
    run.ownership.gone_by_id(kind, OURS)
    assert not run.ownership.owns(kind, OURS)


def test_leave_is_for_the_names_that_were_given(shared: Run) -> None:
    shared.ownership._allowed = frozenset({"theirs", "their"})
    assert shared.ownership.may_touch("container", THEIRS, "x", "theirs")
    assert not shared.ownership.may_touch("container", full("c"), "thei")
    assert not shared.ownership.may_touch("container", full("c"))


@pytest.mark.parametrize("name", ["theirs", THEIRS, THEIRS[:12]])
def test_we_ourselves_do_not_look_into_a_container_of_others(shared: Run, name: str) -> None:
    assert "container theirs was not made by this run" in shared.ownership.objects(name)
    shared.ownership._allowed = frozenset({"theirs"})
    assert shared.ownership.objects(name) == ""


@pytest.mark.parametrize("name", [f"mine-{RUN}", OURS, OURS[:12], "none"])
def test_we_look_into_our_own_and_the_engine_says_what_is_not_there(shared: Run, name: str) -> None:
    assert shared.ownership.objects(name) == ""


@pytest.mark.parametrize(
    ("tags", "whole"),
    [([MINE], True), ([MINE, "lee/x:1"], False), (["lee/x:1"], False), ([], False)],
)
def test_an_image_is_ours_whole_when_every_tag_of_it_is(
    run: Run,
    tags: list[str],
    whole: bool,  # noqa: FBT001
) -> None:
    assert run.ownership.run == RUN
    run.engine.tag("a", *tags)
    run.ownership.made("image", MINE, A)
    seen = run.engine.image(A)
    assert seen
    run.ownership.gone("image", A)
    assert run.ownership.owns_image({**seen, "Id": B if not tags else A}) is whole


def test_an_image_that_was_there_is_never_ours_whole(run: Run) -> None:
    run.engine.tag("a")
    run.make_image("a", MINE)
    assert not run.ownership.owns_image(run.engine.image(A) or {})


def test_an_image_whose_tag_moved_on_is_ours_without_a_name_unless_it_was_there(run: Run) -> None:
    run.engine.tag("b")
    run.ownership.tags.look_before()
    run.engine.tag("a")
    run.engine.tag("c", "lee/x:1")
    for identity in ("", A, B, C, image_id("d")):
        run.ownership.own_without_a_name(identity)
    assert run.entries == {("image", A, A)}


# -- one step ---------------------------------------------------------------------------------


def test_a_step_is_settled_when_all_that_it_made_is_written_down(run: Run) -> None:
    writing, settled = threading.Event(), threading.Event()

    def write() -> None:
        with run.ownership.under_way():
            writing.set()
            assert not settled.wait(0.2)
            run.ownership.refused("a sentence")

    thread = threading.Thread(target=write)
    thread.start()
    assert writing.wait(10)
    refusals, _ = run.ownership.settle()
    settled.set()
    thread.join(10)
    assert [r.sentence for r in refusals] == ["a sentence"]


def test_a_request_that_never_ends_does_not_hold_a_step_for_ever(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "SETTLE_LIMIT", 0.05)
    with run.ownership.under_way():
        refusals, (note,) = run.ownership.settle()
    assert (refusals, note.status) == ([], "unverified")
    assert "not answered within 0.05 s" in note.source
    assert run.ownership.settle() == ([], [])


def test_what_is_said_twice_is_told_once(run: Run) -> None:
    note = unverified("pull", "x", "because")
    for _ in range(2):
        run.ownership.refused("a sentence")
        run.ownership.note(note)
    refusals, notes = run.ownership.settle()
    assert [r.sentence for r in refusals] == ["a sentence"]
    assert notes == [note]
    assert run.ownership.settle() == ([], [])


def test_an_engine_that_is_away_before_what_can_t_be_read_ends_nothing(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away() -> None:
        raise EngineError("away")

    monkeypatch.setattr(run.ownership.daemon, "images", away)
    run.ownership.tags.look_before()
    run.ownership.settle()
    assert run.ownership.tags.moved == []


# -- the measure --------------------------------------------------------------------------------


def event(kind: str, identity: str, name: str = "", **attributes: str) -> Event:
    return Event(kind, "create", identity, name, attributes, 0.0)


@pytest.mark.parametrize(
    "seen",
    [
        event("container", OURS),
        event("network", OURS, "net"),
        event("network", full("c"), "bridge", container=OURS),
        event("volume", f"mine-{RUN}"),
        event("image", A, MINE),
        event("image", B, "debian:bookworm"),
        event("container", THEIRS, "theirs"),
    ],
)
def test_an_event_of_what_is_ours_pulled_or_touched_with_leave_is_known(
    shared: Run, seen: Event
) -> None:
    ownership = shared.ownership
    shared.make_image("a", MINE)
    ownership.pulled("debian:bookworm", B)
    ownership._allowed = frozenset({"theirs"})
    ownership.may_touch("container", THEIRS, "theirs")
    for kind, name, _ in shared.entries:
        ownership.gone(kind, name)  # type: ignore[arg-type]
    assert ownership.of_others([seen]) == [], "though it is gone by now"


@pytest.mark.parametrize(
    "seen",
    [
        event("container", THEIRS, "theirs"),
        event("container", full("c"), f"dbg-mine-{RUN}"),
        event("image", C, "lee/x:1"),
        event("volume", "data"),
        event("network", full("c"), "bridge", container=THEIRS),
        event("builder", "", ""),
    ],
)
def test_an_event_of_others_things_is_not(shared: Run, seen: Event) -> None:
    shared.make_image("a", MINE)
    assert shared.ownership.of_others([seen]) == [seen]


def test_all_that_was_ever_made_is_known_by_the_keys_of_an_inventory(shared: Run) -> None:
    shared.make_image("a", MINE)
    shared.ownership.gone("image", MINE)
    made = shared.ownership.ever_made
    assert made["image", MINE] == A
    assert made["container", OURS] == OURS
    assert made["volume", f"mine-{RUN}"].startswith(f"mine-{RUN} 20"), "with its time"
    with pytest.raises(KeyError):
        made["container", f"mine-{RUN}"]


@pytest.mark.parametrize("quoted", ["\ud800", "a\udcffb", "값"])
def test_a_refusal_can_be_written_down_whatever_it_quotes(run: Run, quoted: str) -> None:
    run.ownership.refused(f"no {quoted}")
    assert run.refusals[0].encode()
    assert run.refusals == []
