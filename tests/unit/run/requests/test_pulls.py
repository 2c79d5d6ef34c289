"""Pulls: a tag that is here stays where it is, and what came is kept on purpose."""

from __future__ import annotations

from typing import Any

import pytest

from lifecycle.engine.events import Event
from tests.fakes.gate import stream
from tests.unit.run.requests.fakes import RUN, Does, Run, image_id

A, B = image_id("a"), image_id("b")
DIGEST = image_id("d")
BASE = "debian:bookworm"
ERROR = {"errorDetail": {"message": "no"}, "error": "no"}
SPELLINGS = [
    "fromImage=debian&tag=bookworm",
    "fromImage=debian:bookworm",
    "fromImage=debian:bookworm&tag=",
    "fromImage=debian:other&tag=bookworm",
    "fromImage=docker.io/library/debian&tag=bookworm",
    "fromImage=index.docker.io/debian:bookworm",
]


@pytest.fixture
def here(run: Run) -> Run:
    """An engine that has the tag; its registry has it as another image."""
    run.engine.tag("b", BASE, RepoDigests=[f"debian@{image_id('e')}"])
    run.engine.registry[BASE] = DIGEST
    return run


def brings(run: Run, digit: str, *names: str, digests: tuple[str, ...] = ()) -> Does:
    def do() -> bytes:
        run.engine.tag(digit, *names, RepoDigests=list(digests))
        return stream({"status": "Status: Downloaded newer image"})

    return do


def images(run: Run) -> list[tuple[str, str, bool]]:
    return [(e.name, e.id, bool(e.kept)) for e in run.ownership.entries() if e.kind == "image"]


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_a_tag_that_is_here_and_has_moved_stays_and_its_new_image_comes_by_digest(
    here: Run, spelling: str
) -> None:
    name = f"debian@{DIGEST}"
    call = here.ask(
        f"POST /images/create?{spelling}&platform=linux/arm64",
        b"",
        brings(here, "a", digests=(name,)),
    )
    assert ("image", name) in call.intended, "meant before it is pulled"
    assert f"tag={DIGEST.replace(':', '%3A')}" in call.relayed
    assert "bookworm" not in call.relayed
    assert "platform=linux%2Farm64" in call.relayed
    assert images(here) == [(name, A, True)]
    (note,) = here.ownership.settle()[1]
    assert (note.status, note.expected) == ("unverified", DIGEST)


def test_a_tag_that_has_not_moved_is_pulled_without_a_word(here: Run) -> None:
    here.engine.registry[BASE] = image_id("e")
    call = here.ask(f"POST /images/create?{SPELLINGS[0]}")
    assert call.relayed
    assert here.ownership.settle() == ([], [])
    assert images(here) == []


@pytest.mark.parametrize("digit", ["d", "e"])
def test_a_pull_of_ours_of_what_is_here_is_told_as_nobody_else_s_doing(
    here: Run, digit: str
) -> None:
    here.engine.registry[BASE] = image_id(digit)
    here.ask(f"POST /images/create?{SPELLINGS[0]}")
    told = [f"debian@{image_id(digit)}", BASE]
    events = [Event("image", "pull", one, "debian", {"name": "debian"}, 1.0) for one in told]
    assert here.ownership.of_others(events) == events[1:]


def test_a_tag_of_which_the_registry_tells_nothing_is_refused(here: Run) -> None:
    here.engine.registry.clear()
    call = here.ask(f"POST /images/create?{SPELLINGS[0]}")
    assert (call.status, call.relayed) == (403, "")
    assert BASE in call.refusal


def test_an_image_that_did_not_come_is_off_the_ledger(here: Run) -> None:
    here.ask(f"POST /images/create?{SPELLINGS[0]}", b"", lambda: stream(ERROR))
    assert images(here) == []


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_a_tag_that_is_here_is_pulled_as_it_is_with_leave(here: Run, spelling: str) -> None:
    here.allowed = (BASE,)
    call = here.ask(f"POST /images/create?{spelling}", b"", brings(here, "a", BASE))
    assert "bookworm" in call.relayed
    assert images(here) == []


@pytest.mark.parametrize("spelling", SPELLINGS)
@pytest.mark.parametrize("remove", [True, False])
def test_an_image_that_was_not_here_is_kept_on_purpose_unless_asked(
    run: Run, spelling: str, *, remove: bool
) -> None:
    run.remove_pulled = remove
    call = run.ask(f"POST /images/create?{spelling}", b"", brings(run, "a", BASE))
    assert ("image", BASE) in call.intended
    assert images(run) == [(BASE, A, not remove)]


def test_an_image_of_ours_that_is_pulled_back_is_ours(run: Run) -> None:
    mine = f"reg.local/x-{RUN}:1"
    run.make_image("b", mine)
    run.ask(f"POST /images/create?fromImage={mine}", b"", brings(run, "a", mine))
    assert (mine, A, False) in images(run)
    assert (B, B, False) in images(run), "what it was before has no name now"


def test_an_image_comes_by_its_digest(here: Run) -> None:
    name = f"debian@{DIGEST}"
    does = brings(here, "a", digests=(name,))
    assert here.ask(f"POST /images/create?fromImage=debian&tag={DIGEST}", b"", does).relayed
    assert images(here) == [(name, A, True)]


@pytest.mark.parametrize(
    "query", ["fromImage=debian", "fromImage=debian:", "fromImage=debian&tag="]
)
def test_every_tag_is_pulled_only_where_none_of_others_is(here: Run, query: str) -> None:
    call = here.ask(f"POST /images/create?{query}")
    assert (call.status, call.relayed) == (403, "")
    assert BASE in call.refusal
    here.engine.things["image"].clear()
    does = brings(here, "a", "debian:1", "debian:2")
    assert here.ask(f"POST /images/create?{query}", b"", does).relayed
    assert {name for name, _, _ in images(here)} == {"debian:1", "debian:2"}


def test_what_is_both_a_pull_and_an_import_is_refused(here: Run) -> None:
    """Else the name of the import would hide the tag that moves."""
    query = f"fromSrc=-&repo=mine&{SPELLINGS[0]}"
    call = here.ask(f"POST /images/create?{query}")
    assert (call.status, call.relayed) == (403, "")
    assert "both what to pull and what to import" in call.refusal


def test_a_pull_whose_tag_would_be_typed_as_somebody_s_id_is_refused(here: Run) -> None:
    identity = next(iter(here.engine.things["image"])).removeprefix("sha256:")
    for name in (identity[:4], identity[:12]):
        call = here.ask(f"POST /images/create?fromImage={name}&tag=latest")
        assert "the id of another image begins so" in call.refusal


def test_the_registry_is_asked_as_whoever_pulls(here: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Any] = []

    def digest(*words: str) -> str:
        asked.append(words)
        return DIGEST

    monkeypatch.setattr(here.engine, "registry_digest", digest)
    here.ask(f"POST /images/create?{SPELLINGS[0]}", headers={"X_Registry_Auth": "e30="})
    assert asked == [(BASE, "e30=")]


@pytest.mark.parametrize("tag", ["foo", DIGEST])
def test_a_pull_of_a_tag_and_a_digest_says_one_of_them(here: Run, tag: str) -> None:
    call = here.ask(f"POST /images/create?fromImage=debian@{DIGEST}&tag={tag}")
    assert (call.status, call.relayed) == (403, "")
    assert "say one of them" in call.refusal


def test_a_pull_of_a_digest_alone_is_known_by_it(here: Run) -> None:
    name = f"debian@{DIGEST}"
    here.ask(f"POST /images/create?fromImage={name}", b"", brings(here, "a", digests=(name,)))
    assert images(here) == [(name, A, True)]
