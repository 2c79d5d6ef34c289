"""A volume that somebody makes while a request for it is judged is theirs."""

from __future__ import annotations

from typing import Any

import pytest

from lifecycle.engine.daemon import EngineError
from lifecycle.run.ownership.inventory import MARK, identity_of
from tests.unit.run.requests.fakes import RUN, Run, created, full, is_refused

MADE: list[tuple[str, Any]] = [
    ("POST /volumes/create", {"Name": "theirs-soon"}),
    ("POST /containers/create?name=x", {"HostConfig": {"Binds": ["theirs-soon:/d"]}}),
    (
        "POST /containers/create?name=x",
        {"HostConfig": {"Mounts": [{"Type": "volume", "Source": "theirs-soon", "Target": "/d"}]}},
    ),
]


@pytest.mark.parametrize(("line", "body"), MADE)
def test_one_that_somebody_made_between_the_look_and_the_making_is_refused(
    run: Run, monkeypatch: pytest.MonkeyPatch, line: str, body: Any
) -> None:
    make = run.engine.create_volume

    def after_them(name: str, **how: Any) -> None:
        run.engine.add("volume", name)
        make(name, **how)

    monkeypatch.setattr(run.engine, "create_volume", after_them)
    call = run.ask(line, body)
    assert is_refused(call, "volume", "theirs-soon")
    assert not call.relayed
    assert {kind for kind, _, _ in run.entries} == set()


@pytest.mark.parametrize(("line", "body"), MADE)
def test_one_that_somebody_made_where_ours_could_not_be_made_is_left(
    run: Run, monkeypatch: pytest.MonkeyPatch, line: str, body: Any
) -> None:
    def fail(name: str, **_: Any) -> None:
        raise EngineError(f"create {name}: no such driver")

    monkeypatch.setattr(run.engine, "create_volume", fail)
    call = run.ask(line, body, lambda: run.engine.add("volume", "theirs-soon"))
    assert call.relayed
    assert run.entries - {("container", "x", "")} == set()
    _, notes = run.ownership.settle()
    assert [n.about for n in notes] == ["volume theirs-soon"]


@pytest.mark.parametrize(("line", "body"), MADE)
def test_one_that_nobody_made_is_ours_and_made_as_it_was_asked_for(
    run: Run, line: str, body: Any
) -> None:
    assert run.ask(line, body).relayed
    volume = run.engine.things["volume"]["theirs-soon"]
    assert ("volume", "theirs-soon", identity_of(volume)) in run.entries
    assert volume["Labels"][MARK].startswith(f"{RUN}-")


def test_a_volume_has_the_driver_the_options_and_the_labels_that_are_asked_for(run: Run) -> None:
    options = {"type": "tmpfs", "device": "tmpfs"}
    mounted = {
        "Type": "volume",
        "Source": "b",
        "Target": "/b",
        "VolumeOptions": {
            "Labels": {"Of": "me"},
            "DriverConfig": {"Name": "d", "Options": options},
        },
    }
    host = {"Binds": ["a:/a"], "volumedriver": "e", "Mounts": [mounted]}
    run.ask("POST /containers/create?name=x", {"HostConfig": host})
    new = {"Driver": "c", "DriverOpts": options, "labels": {"Of": "me"}, "Name": "c"}
    run.ask("POST /volumes/create", new)
    seen = run.engine.things["volume"]
    assert [seen[n]["Driver"] for n in "abc"] == ["e", "d", "c"]
    assert [seen[n]["Options"] for n in "abc"] == [{}, options, options]
    of = [{k: v for k, v in seen[n]["Labels"].items() if k != MARK} for n in "abc"]
    assert of == [{}, {"Of": "me"}, {"Of": "me"}]
    assert len({seen[n]["Labels"][MARK] for n in "abc"}) == 3


def test_one_whose_name_nobody_could_know_is_the_engine_s_to_make(run: Run) -> None:
    name = f"data-{RUN}"
    call = run.ask(
        "POST /containers/create?name=x",
        {"HostConfig": {"Binds": [f"{name}:/d"]}},
        lambda: run.engine.add("volume", name),
    )
    assert ("volume", name) in call.intended
    assert ("volume", name) in {(kind, n) for kind, n, _ in run.entries}
    assert not run.engine.things["volume"][name]["Labels"]


def test_a_name_is_looked_up_once_however_often_it_stands_there(shared: Run) -> None:
    mine = f"mine-{RUN}"
    before = shared.engine.questions.count(mine)
    binds = [f"{mine}:/y/{i}" for i in range(6000)]
    assert shared.ask("POST /containers/create?name=x", {"HostConfig": {"Binds": binds}}).relayed
    assert shared.engine.questions.count(mine) == before + 1


@pytest.mark.parametrize("kind", ["Binds", "Links", "VolumesFrom"])
def test_a_container_of_more_names_than_are_looked_up_is_refused(run: Run, kind: str) -> None:
    many = [f"n{i}:/y/{i}" for i in range(101)]
    call = run.ask("POST /containers/create?name=x", {"HostConfig": {kind: many}})
    assert "names 101 volumes, folders, networks and containers" in call.refusal
    assert run.engine.questions == []
    folders = [f"/srv/{i}:/y/{i}" for i in range(100)]
    assert run.ask("POST /containers/create?name=x", {"HostConfig": {"Binds": folders}}).relayed


def test_the_mark_is_of_this_run_only(run: Run) -> None:
    run.engine.add("volume", "theirs", Labels={MARK: f"{RUN}-00"})
    call = run.ask("POST /containers/create?name=x", {"HostConfig": {"Binds": ["theirs:/d"]}})
    assert is_refused(call, "volume")


def test_a_container_that_is_made_with_it_is_written_down_as_well(run: Run) -> None:
    assert run.ask(
        "POST /containers/create?name=x",
        {"HostConfig": {"Binds": ["data:/d"]}},
        created(run, "container", "x", "c"),
    ).relayed
    assert {(kind, name) for kind, name, _ in run.entries} == {
        ("container", "x"),
        ("volume", "data"),
    }


@pytest.mark.parametrize("name", ["data", full("e")])
def test_what_an_engine_says_of_when_it_was_made_may_change(run: Run, name: str) -> None:
    """As Docker 20.10 does whenever something is written into its folder."""
    run.ask("POST /volumes/create", {"Name": name})
    run.engine.change("volume", name, CreatedAt="2030-01-01T00:00:00Z")
    host = {"HostConfig": {"Binds": [f"{name}:/d"]}}
    assert run.ask("POST /containers/create?name=x", host).relayed
    run.engine.add("volume", "data")
    if name == "data":
        assert is_refused(run.ask("DELETE /volumes/data"), "volume", "data")
