"""The witness claims what this run makes, at its creation, and nothing of anybody else's."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from lifecycle.engine.events import Event
from lifecycle.run.ledger import Ledger
from lifecycle.run.witness import Witness
from tests.unit.run.samples import Engine

RUN = "r1f2e3d4c"


@pytest.fixture
def engine() -> Engine:
    return Engine()


@pytest.fixture
def ledger(tmp_path: Path, engine: Engine) -> Ledger:
    return Ledger(tmp_path / "ledgers", RUN, "ENGINE", engine.address)


@pytest.fixture
def witness(engine: Engine, ledger: Ledger) -> Witness:
    return Witness(engine.daemon, ledger, RUN)


def event(action: str, name: str, identity: str = "id", kind: str = "container") -> Event:
    return Event(kind, action, identity, name, {"name": name}, 0.0)


def claimed(ledger: Ledger) -> list[tuple[str, str, str]]:
    return [(e.kind, e.name, e.id) for e in ledger.entries()]


def test_a_container_that_bears_the_run_is_claimed(witness: Witness, ledger: Ledger) -> None:
    witness(event("create", f"box-{RUN}"))
    assert claimed(ledger) == [("container", f"box-{RUN}", "id")]
    witness(event("destroy", f"box-{RUN}"))
    assert claimed(ledger) == []


def test_a_literal_name_is_claimed_only_while_the_command_that_makes_it_runs(
    witness: Witness, ledger: Ledger
) -> None:
    witness(event("create", "box", "before"))
    assert claimed(ledger) == []
    witness.expect(["box"])
    witness(event("create", "box", "ours"))
    witness.expect(())
    assert claimed(ledger) == [("container", "box", "ours")]
    witness(event("destroy", "box", "theirs"))
    witness(event("create", "box", "theirs"))
    assert claimed(ledger) == [("container", "box", "ours")]
    witness(event("destroy", "box", "ours"))
    assert claimed(ledger) == []


def test_what_a_run_s_container_was_created_as_is_kept(witness: Witness, engine: Engine) -> None:
    config: dict[str, Any] = {"HostConfig": {}, "Mounts": [], "State": {"Status": "created"}}
    identity = engine.add("container", f"box-{RUN}", **config)
    witness(event("create", f"box-{RUN}", identity))
    engine.remove_container(identity)
    assert witness.created[f"box-{RUN}"]["State"] == {"Status": "created"}


def test_an_anonymous_volume_is_on_the_ledger_and_a_named_one_is_not(
    witness: Witness, ledger: Ledger, engine: Engine
) -> None:
    named, anonymous = "data", "f" * 64
    engine.add(
        "container",
        f"box-{RUN}",
        "i" * 64,
        HostConfig={"Binds": [f"{named}:/data"]},
        Mounts=[{"Type": "volume", "Name": n} for n in (named, anonymous)],
    )
    witness(event("create", f"box-{RUN}", "i" * 64))
    assert ("volume", anonymous, anonymous) in claimed(ledger)
    assert named not in {name for _, name, _ in claimed(ledger)}


@pytest.mark.parametrize("kind", ["image", "volume", "network"])
def test_only_containers_are_claimed_by_their_events(
    witness: Witness, ledger: Ledger, kind: str
) -> None:
    witness(event("create", f"box-{RUN}", kind=kind))
    assert claimed(ledger) == []
