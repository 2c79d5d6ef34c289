"""A name in a request becomes the full id of a thing that the run may touch."""

from __future__ import annotations

from typing import cast

import pytest

from lifecycle.engine.daemon import Daemon
from lifecycle.run.requests.refusal import Absent, Refused
from lifecycle.run.requests.things import Things
from tests.unit.run.requests.fakes import OURS, RUN, THEIRS, Run, full

MINE = f"mine-{RUN}"


@pytest.fixture
def things(shared: Run) -> Things:
    return Things(shared.ownership, cast("Daemon", shared.engine))


@pytest.mark.parametrize("name", [MINE, f"/{MINE}", OURS[:12], OURS])
def test_a_container_of_ours_is_its_full_id(things: Things, name: str) -> None:
    assert things.container(name) == OURS


def test_a_full_id_of_ours_is_known_without_asking_the_engine(shared: Run, things: Things) -> None:
    shared.engine.asked.clear()
    things.container(OURS)
    assert shared.engine.asked == []


def test_a_network_of_ours_is_its_full_id(things: Things) -> None:
    assert things.network(MINE) == (OURS, True)


@pytest.mark.parametrize("name", ["theirs", THEIRS])
def test_a_thing_of_others_is_refused(things: Things, name: str) -> None:
    for look_up in (things.container, things.network, things.joinable):
        with pytest.raises(Refused, match="was not made by this run"):
            look_up(name)


def test_a_volume_of_others_is_refused(things: Things) -> None:
    with pytest.raises(Refused, match="was not made by this run"):
        things.volume("theirs")


def test_what_is_not_there_is_absent(things: Things) -> None:
    for look_up in (things.container, things.network, things.joinable):
        with pytest.raises(Absent):
            look_up("none")


def test_a_volume_is_used_if_it_is_ours_and_may_be_made_if_there_is_none(things: Things) -> None:
    assert (things.volume(MINE), things.volume("none")) == (True, False)


def test_a_network_that_every_engine_has_may_be_joined_but_is_not_ours_to_touch(
    shared: Run, things: Things
) -> None:
    shared.engine.add("network", "bridge", "d")
    assert things.joinable("bridge") == (full("d"), True)
    with pytest.raises(Refused):
        things.network("bridge")


@pytest.mark.parametrize(
    "group",
    [
        f"/docker/{THEIRS}",
        THEIRS[:12],
        f"docker-{THEIRS}.scope",
        f"/x/libpod-{THEIRS}.scope/y",
        "user.slice",
        "/user.slice/user-1000.slice",
        "user@1000.service",
        "/docker/../user",
        "/slurm/uid_1001/job_7",
        "lxc.payload.c1",
        "/machine.slice/machine-vm.scope",
        "/kubepods/burstable/pod1",
        "system.slice/ssh.service",
        "session-1.scope",
    ],
)
def test_a_container_s_or_a_person_s_control_group_is_refused(things: Things, group: str) -> None:
    with pytest.raises(Refused, match="was not made by this run"):
        things.control_group(group)


@pytest.mark.parametrize("group", ["", "gpu.slice", "/lab", "/docker", f"/docker/{OURS}", "users"])
def test_one_with_a_name_of_its_own_is_not_nor_one_of_ours(things: Things, group: str) -> None:
    things.control_group(group)


def test_a_control_group_of_a_container_that_is_not_there_is_none(things: Things) -> None:
    with pytest.raises(Absent):
        things.control_group(f"/docker/{'9' * 64}")
