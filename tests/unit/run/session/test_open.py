"""What a run opens before its first step, and that all of it is given back."""

from __future__ import annotations

import os
import re
import stat
from pathlib import Path

import pytest

from lifecycle.engine.daemon import EngineError
from lifecycle.gate.gate import Answer, GateError
from lifecycle.run.ownership.ledger import Entry, Ledger
from lifecycle.run.session import open as opening
from lifecycle.run.session.open import new_run_id
from lifecycle.run.session.who import StartError
from tests.fakes.world import BASE, FakeWorld, broken

PS = "  - docker ps\n"


def begun(world: FakeWorld, text: str = PS) -> Path:
    """A run whose first step is done; its own folder."""
    live = world.run(text)
    result = live.step(0)
    assert broken(result) == []
    return world.folder / f"lifecycle-{live.id}"


def ledgers(world: FakeWorld) -> list[Path]:
    return list((world.folder / "state").rglob("*.jsonl"))


def test_an_id_is_not_to_be_guessed() -> None:
    ids = {new_run_id() for _ in range(50)}
    assert len(ids) == 50
    assert all(re.fullmatch("r[0-9a-f]{8}", one) for one in ids)


def test_the_run_s_folder_bears_its_id_and_may_be_passed_but_not_listed(world: FakeWorld) -> None:
    folder = begun(world)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o711
    assert world.session.folder == folder / "me" / "work"
    assert stat.S_IMODE((folder / "me").stat().st_mode) == 0o700


def test_the_folder_is_on_the_ledger_and_goes_with_the_run(world: FakeWorld) -> None:
    folder = begun(world)
    assert Entry("folder", str(folder)) in world.session.ownership.entries()
    (ledger,) = ledgers(world)
    assert ledger.name == f"{world.live.id}.jsonl"
    assert '"engine": "ENGINE"' in ledger.read_text()
    assert '"address": "unix:///run/docker.sock"' in ledger.read_text()
    world.live.close()
    assert not folder.exists()
    assert ledgers(world) == []


def test_a_folder_that_is_kept_stays_and_with_it_the_word_of_it_goes(world: FakeWorld) -> None:
    folder = begun(world)
    world.session.ownership.keep(Entry("folder", str(folder)), "kept")
    world.live.close()
    assert folder.exists()


def test_a_kept_container_keeps_no_folder(world: FakeWorld) -> None:
    folder = begun(world)
    world.session.ownership.keep(Entry("container", "x"), "kept")
    world.live.close()
    assert not folder.exists()


def test_a_folder_that_can_t_be_removed_stays_on_the_ledger(
    world: FakeWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = begun(world)
    monkeypatch.setattr(opening, "remove_tree", lambda _: "somebody is in it")
    gone: list[str] = []
    monkeypatch.setattr(Ledger, "gone", lambda _, __, name: gone.append(name))
    opening._drop(folder, world.session.ownership._ledger)
    assert gone == []
    monkeypatch.setattr(opening, "remove_tree", lambda _: "")
    opening._drop(folder, world.session.ownership._ledger)
    assert gone == [str(folder)]


def test_the_private_copy_of_docker_s_configuration_goes_also_when_the_folder_is_kept(
    world: FakeWorld,
) -> None:
    folder = begun(world)
    config = Path(world.session.env["DOCKER_CONFIG"])
    assert config.is_relative_to(folder)
    (config / "config.json").write_text("{}")
    world.session.ownership.keep(Entry("folder", str(folder)), "kept")
    world.live.close()
    assert not config.exists()
    assert folder.exists()


def test_commands_run_in_the_work_folder_with_the_way_through_the_gate(world: FakeWorld) -> None:
    begun(world)
    (environ,) = world.cli.environs
    assert environ["DOCKER_HOST"] == world.cli.address
    assert world.session.env["DOCKER_HOST"] == "unix:///run/docker.sock"


@pytest.mark.parametrize(
    "part", ["find_cli", "Ledger", "settle", "settle_all", "plan", "take", "EventLog", "World"]
)
def test_whatever_fails_while_it_opens_nothing_is_left(
    world: FakeWorld, monkeypatch: pytest.MonkeyPatch, part: str
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise StartError("not here")

    monkeypatch.setattr(opening, part, fail)
    live = world.run(PS)
    assert [actual for _, _, actual in broken(live.step(0))] == ["not here"]
    assert list(world.folder.glob("lifecycle-*")) == []
    assert ledgers(world) == []


def test_without_a_docker_on_the_path_it_does_not_begin(world: FakeWorld) -> None:
    world.environ["PATH"] = str(world.folder)
    ((_, _, actual),) = broken(world.run(PS).step(0))
    assert str(actual).startswith("there is no docker command on the PATH")


def test_a_root_must_say_for_whom_it_acts(
    world: FakeWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.delitem(world.environ, "SUDO_USER", raising=False)
    ((_, _, actual),) = broken(world.run(PS, user="").step(0))
    assert str(actual).startswith("you are root, and the guide is for people who are not")


# -- what is ours, and what is not -----------------------------------------------------------------


def test_what_was_there_before_is_known(world: FakeWorld) -> None:
    identity = world.daemon.create(BASE, "theirs")
    begun(world)
    assert ("container", identity) in world.session.ownership.before
    assert ("image", BASE) in world.session.ownership.before


def test_nobody_else_s_container_is_looked_into(world: FakeWorld) -> None:
    identity = world.daemon.create(BASE, "theirs")
    world.daemon.start(identity)
    begun(world)
    with pytest.raises(EngineError, match="theirs was not made by this run"):
        world.daemon.run_inside(identity, ["true"])


def test_the_person_may_allow_what_is_not_theirs(world: FakeWorld) -> None:
    identity = world.daemon.create(BASE, "theirs")
    live = world.run("  - docker start theirs\n", allow_foreign=frozenset({"theirs"}))
    assert broken(live.step(0)) == []
    assert world.daemon.run_inside(identity, ["true"]).exit_code == 127


@pytest.mark.parametrize("place", ["/run/docker.sock", "/var/lib/docker", "/run/containerd"])
def test_the_engine_s_own_places_are_mounted_nowhere(world: FakeWorld, place: str) -> None:
    begun(world)
    body = {"Image": BASE, "HostConfig": {"Binds": [f"{place}:/x"]}}
    with pytest.raises(EngineError, match="engine"):
        world.gates.ask("POST /containers/create?name=x", lambda _: None, body)
    (refusal,) = world.session.ownership.settle()[0]
    assert place in refusal.sentence


def test_a_scenario_may_say_that_it_goes_round_the_gate(world: FakeWorld) -> None:
    begun(world, f"scenario: s\nengine: as-written\nsteps:\n{PS}")
    body = {"Image": BASE, "HostConfig": {"Binds": ["/run/docker.sock:/x"]}}
    world.gates.ask("POST /containers/create?name=x", lambda _: Answer(201, "{}"), body)


def test_a_pulled_base_goes_where_the_person_wants_it_gone(world: FakeWorld) -> None:
    world.cli.hub["busybox:1"] = f"sha256:{'5' * 64}"
    world.steps("  - docker pull busybox:1\n", remove_pulled=True)
    world.live.finish()
    assert world.daemon.image("busybox:1") is None


def test_names_stay_literal_where_the_person_wants_them_so(world: FakeWorld) -> None:
    (result,) = world.steps(f"  - docker run -d --name=box {BASE}\n", as_written=True)
    assert broken(result) == []
    assert world.daemon.container("box") is not None


def test_a_port_that_somebody_has_is_passed_over_and_said(world: FakeWorld) -> None:
    made = world.daemon.create(
        BASE, "theirs", HostConfig={"PortBindings": {"80/tcp": [{"HostPort": "48080"}]}}
    )
    world.daemon.start(made)
    begun(world, "  - {write: a, content: '${{ run.port(48080) }}'}\n")
    assert world.said == ["port 48080 is held by container theirs; using 48081"]
    assert (world.session.folder / "a").read_text() == "48081"


def test_gates_are_told_who_judges_and_are_closed_at_the_end(world: FakeWorld) -> None:
    begun(world)
    assert world.gates.judge is not None
    world.live.close()
    assert world.gates.closed
    with pytest.raises(GateError, match="closed"):
        world.session.through_gate()


def test_events_are_heard_from_the_opening_to_the_end(world: FakeWorld) -> None:
    begun(world)
    world.daemon.make_volume("theirs")
    assert world.session.events.wait(lambda e: e.id == "theirs", since=0, timeout=5)
    world.live.close()
    assert not world.session.events._thread.is_alive()


@pytest.mark.parametrize(
    ("address", "host"),
    [
        ("unix:///run/docker.sock", "127.0.0.1"),
        ("tcp://10.0.0.7:2375", "10.0.0.7"),
        ("ssh://kim@server", "server"),
        ("ssh://kim@server:2222", "server"),
    ],
)
def test_ports_are_published_where_the_engine_is(address: str, host: str) -> None:
    assert opening._host_of(address) == host


def test_the_world_of_a_run_is_the_engine_s_own_word(world: FakeWorld) -> None:
    world.daemon.info = {**world.daemon.info, "SecurityOptions": ["name=userns"]}
    begun(world)
    seen = world.session.world
    assert (seen.shares_machine, seen.remaps_users, seen.netns) == (False, "userns", "")
    assert seen.address == "127.0.0.1"
    assert seen.subject.uid == os.geteuid()
    assert seen.gpus.items == ()
    assert world.session.person.stand_in == str(world.folder / f"lifecycle-{world.live.id}/me/nas")


def test_an_engine_on_this_machine_is_known_by_its_kernel_and_its_name(world: FakeWorld) -> None:
    world.share_the_machine()
    begun(world)
    assert world.session.world.shares_machine


def test_what_a_step_is_told_of_its_run(world: FakeWorld) -> None:
    begun(world, "  - {write: a, content: '${{ run.id }} ${{ run.folder }} ${{ run.shared }}'}\n")
    live, folder = world.live, world.session.folder
    assert (folder / "a").read_text() == f"{live.id} {folder} {folder}"
