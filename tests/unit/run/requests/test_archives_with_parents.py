"""An archive that says on what its image stands changes nobody's image, and makes none a parent."""

from __future__ import annotations

import hashlib

import pytest

from tests.unit.run.requests.fakes import RUN, Run
from tests.unit.run.requests.test_archives import CONFIG, ID, load, packed


def with_parent(parent: str, *tags: str, key: str = "Parent", config: bytes = CONFIG) -> bytes:
    """An archive whose image stands on another."""
    name = f"{hashlib.sha256(config).hexdigest()}.json"
    one = {"Config": name, "RepoTags": list(tags), "Layers": [], key: parent}
    return packed({"manifest.json": [one], name: config})


@pytest.mark.parametrize("key", ["Parent", "parent", "PARENT"])
@pytest.mark.parametrize("tags", [(), ("mine:1",)])
def test_an_archive_gives_no_image_of_others_a_parent(
    shared: Run, key: str, tags: tuple[str, ...]
) -> None:
    shared.engine.make_image("colleague/app:1", identity=f"sha256:{ID}")
    call = load(shared, with_parent("sha256:" + "a" * 64, *tags, key=key))
    assert (call.status, call.relayed) == (403, "")
    assert "image colleague/app:1 was not made by this run" in call.refusal
    assert "--allow-foreign colleague/app:1 lifts this" in call.refusal


@pytest.mark.parametrize(
    ("there", "parent"), [(None, "e" * 64), ("b" * 64, "b" * 64), ("b" * 64, "")]
)
def test_one_that_is_not_here_or_has_that_parent_comes(
    shared: Run, there: str | None, parent: str
) -> None:
    if there is not None:
        above = f"sha256:{there}"
        shared.engine.make_image("colleague/app:1", identity=f"sha256:{ID}", Parent=above)
    call = load(shared, with_parent(f"sha256:{parent}" if parent else "", "mine:1"))
    assert (call.refusal, bool(call.relayed)) == ("", True)


def test_a_parent_of_what_can_t_be_told_is_refused(shared: Run) -> None:
    one = {"Config": "none.json", "RepoTags": ["mine:1"], "Parent": "sha256:" + "b" * 64}
    assert "with a Parent" in load(shared, packed({"manifest.json": [one]})).refusal


@pytest.mark.parametrize("theirs", [True, False])
def test_an_archive_makes_no_image_of_others_a_parent(run: Run, *, theirs: bool) -> None:
    """The old builder of its owner would find what stands on it in its cache."""
    parent = run.engine.tag("e", "base:1") if theirs else run.make_image("e", f"base-{RUN}:1")
    call = load(run, with_parent(parent, "mine:1"))
    assert ("image base:1 was not made by this run" in call.refusal) is theirs
    assert bool(call.relayed) is not theirs
