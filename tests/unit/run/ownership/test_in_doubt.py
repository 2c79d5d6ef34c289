"""What others had is in doubt where it changed while a request of ours was under way."""

from __future__ import annotations

import time

import pytest

from lifecycle.engine.events import Event
from lifecycle.run.ownership.in_doubt import SLACK, Change, Requests, changed
from lifecycle.run.ownership.inventory import Thing
from lifecycle.run.ownership.ledger import Kind

A, B = f"sha256:{'a' * 64}", f"sha256:{'b' * 64}"
TAG = Thing("image", "theirs:1", "theirs:1", A)
NET = Thing("network", "n" * 64, "lan")


MOVED, GONE = Change(TAG, "moved", moved=True), Change(NET, "is gone", moved=False)


def event(thing: Thing, at: float, action: str = "tag") -> Event:
    return Event(thing.kind, action, thing.state or thing.id, thing.name, {}, at)


@pytest.mark.parametrize(("after", "counts"), [(0, 1), (SLACK / 2, 1), (-60, 0), (60, 0)])
def test_a_change_counts_where_it_came_while_a_request_went_on(after: float, counts: int) -> None:
    requests = Requests()
    with requests.about("image"):
        now = time.time()
    assert requests.may_explain(MOVED, [event(TAG, now + after)]) is bool(counts)


def test_one_that_still_goes_on_explains_whatever_comes() -> None:
    requests = Requests()
    with requests.about("image"):
        assert requests.may_explain(MOVED, [event(TAG, time.time() + 1000)])


def test_a_change_that_no_event_tells_of_may_be_any_request_s_of_its_kind() -> None:
    requests = Requests()
    other = Thing("network", "m" * 64, "other")
    assert not requests.may_explain(GONE, [])
    with requests.about("network"):
        pass
    assert requests.may_explain(GONE, [event(other, time.time() - 60)])
    assert not requests.may_explain(MOVED, []), "of its kind only"


@pytest.mark.parametrize("kind", ["volume", "network", None])
def test_a_request_about_other_things_explains_nothing(kind: Kind | None) -> None:
    requests = Requests()
    with requests.about(kind):
        assert not requests.may_explain(MOVED, [event(TAG, time.time())])


def test_what_has_changed_is_what_is_gone_or_means_another() -> None:
    key, net = ("image", "theirs:1"), ("network", NET.id)
    before = {key: TAG, net: NET, ("volume", "v"): Thing("volume", "v", "v", "v 1")}
    moved = Thing("image", "theirs:1", "theirs:1", B)
    after = {key: moved, ("volume", "v"): Thing("volume", "v", "v", "v 2")}
    assert [(str(one.thing), one.how) for one in changed(before, after, [])] == [
        ("image theirs:1", f"was {A[:19]} and is {B[:19]}"),
        ("network lan", "is gone"),
    ]
    assert list(changed(before, before, [])) == []
    assert [one.thing.kind for one in changed(before, {}, [A, NET.id])] == ["volume"], "ours is not"


def test_an_image_that_had_no_name_and_has_got_one_is_not_gone() -> None:
    nameless = {("image", A): Thing("image", A, "", A)}
    named = {("image", "new:1"): Thing("image", "new:1", "new:1", A)}
    assert list(changed(nameless, named, [])) == []
    assert [one.how for one in changed(nameless, {}, [])] == ["is gone"]


def test_a_container_of_others_is_in_no_doubt() -> None:
    one = {("container", "c"): Thing("container", "c", "c", "running")}
    assert list(changed(one, {}, [])) == []


def test_what_the_engine_tells_that_somebody_took_away_is_theirs_to_do() -> None:
    requests = Requests()
    with requests.about("network"):
        assert not requests.may_explain(GONE, [event(NET, time.time(), "destroy")])
