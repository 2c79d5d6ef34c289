"""Volumes that a container has of another one, and folders that the engine makes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from lifecycle.gate.gate import Answer
from lifecycle.run.ownership.inventory import identity_of
from tests.fakes.documents import mount
from tests.unit.run.requests.fakes import OURS, RUN, Run, created, full, is_refused

OWN, GIVEN = full("7"), full("8")
START = f"POST /containers/{OURS}/start"


def test_a_volume_without_a_name_is_written_down_beside_those_of_another_container(
    shared: Run,
) -> None:
    shared.make("volume", GIVEN)
    shared.engine.change("container", OURS, Mounts=[mount(f"{GIVEN}:/v1")])
    host = {"VolumesFrom": [f"mine-{RUN}:ro"]}

    def does() -> Answer:
        shared.engine.add("volume", OWN)
        mounts = [mount(f"{GIVEN}:/v1"), mount(f"{OWN}:/v2")]
        answer: Answer = created(shared, "container", "x", "c", HostConfig=host, Mounts=mounts)()
        return answer

    shared.ask("POST /containers/create?name=x", {"HostConfig": host}, does)
    made = identity_of(shared.engine.things["volume"][OWN])
    assert ("volume", OWN, made) in shared.entries


def test_those_of_another_s_container_are_not_claimed_also_with_leave(shared: Run) -> None:
    before = shared.entries
    shared.ownership._allowed = frozenset({"theirs"})
    shared.engine.add("volume", GIVEN)
    shared.engine.change("container", full("b"), Mounts=[mount(f"{GIVEN}:/v1")])
    host = {"VolumesFrom": ["theirs"]}
    mounts = [mount(f"{GIVEN}:/v1")]
    does = created(shared, "container", "x", "c", HostConfig=host, Mounts=mounts)
    shared.ask("POST /containers/create?name=x", {"HostConfig": host}, does)
    assert {e for e in shared.entries - before if e[0] == "volume"} == set()
    assert shared.ask("POST /containers/x/start").relayed


def test_nothing_starts_with_a_volume_of_another_s(shared: Run) -> None:
    """It came by another container of ours, and is somebody's by now."""
    shared.make("volume", "given")
    shared.make("container", f"giver-{RUN}", "d", Mounts=[mount("given:/v1")])
    host = {"VolumesFrom": [f"giver-{RUN}"]}
    shared.engine.change("container", OURS, HostConfig=host, Mounts=[mount("given:/v1")])
    assert shared.ask(START).relayed
    shared.engine.add("volume", "given", CreatedAt="2001-01-01T00:00:00Z")
    assert is_refused(shared.ask(START), "volume", "given")


BOUND = {"Type": "bind", "Source": "NEW", "Target": "/x"}


@pytest.mark.parametrize(
    "host",
    [
        {"Binds": ["NEW:/x"]},
        {"Mounts": [{**BOUND, "BindOptions": {"CreateMountpoint": True}}]},
    ],
)
@pytest.mark.parametrize("at", ["create", "start"])
def test_a_folder_that_the_engine_makes_is_told_whenever_it_does(
    shared: Run, tmp_path: Path, at: str, host: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(type(shared.engine), "shares_machine", True)
    monkeypatch.setattr("lifecycle.run.ownership.ownership._is_of_root", lambda _: True)
    new = f"{tmp_path}/new"
    host = json.loads(json.dumps(host).replace("NEW", new))
    if at == "create":
        shared.ask("POST /containers/create?name=x", {"HostConfig": host})
    else:
        shared.engine.change("container", OURS, HostConfig=host)
        shared.ask(START)
    assert shared.ownership.folders_of_the_engine == [new]


def test_a_mount_that_makes_no_folder_is_not_told(
    shared: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(type(shared.engine), "shares_machine", True)
    monkeypatch.setattr("lifecycle.run.ownership.ownership._is_of_root", lambda _: True)
    host = {"Mounts": [{"Type": "bind", "Source": f"{tmp_path}/new", "Target": "/x"}]}
    shared.ask("POST /containers/create?name=x", {"HostConfig": host})
    assert shared.ownership.folders_of_the_engine == []
