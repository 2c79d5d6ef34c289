"""What a container of ours shares is looked at again when the engine does, and so are bridges."""

from __future__ import annotations

from typing import Any

import pytest

from tests.fakes.documents import mount
from tests.unit.run.requests.fakes import OURS, SOCKET, Run, full

STARTS = [
    f"POST /containers/{OURS}/start",
    f"POST /containers/{OURS}/restart",
    f"GET /containers/{OURS}/archive?path=/x",
    f"HEAD /containers/{OURS}/archive?path=/x",
    f"PUT /containers/{OURS}/archive?path=/x",
]


def now(run: Run, **seen: Any) -> None:
    """What the engine says of our container by now."""
    run.engine.change("container", OURS, **seen)


@pytest.mark.parametrize("line", STARTS)
@pytest.mark.parametrize(
    "host",
    [
        {"Binds": [f"{SOCKET}:/s"]},
        {"Mounts": [{"Type": "bind", "Source": "/run", "Target": "/x"}]},
        {"Binds": ["theirs:/x"]},
        {"VolumesFrom": ["theirs"]},
        {"Links": ["/theirs:/mine/x"]},
        {"PidMode": "container:theirs"},
        {"NetworkMode": "theirs"},
        {"VolumesFrom": ["gone"], "Binds": ["theirs:/x"]},
        {"VolumesFrom": ["gone"], "Links": ["/theirs:/mine/x"]},
    ],
)
def test_a_container_of_ours_does_not_start_into_what_its_words_mean_by_now(
    shared: Run, line: str, host: dict[str, Any]
) -> None:
    assert shared.ask(line).relayed
    now(shared, HostConfig=host)
    call = shared.ask(line)
    assert (call.status, call.relayed) == (403, "")


@pytest.mark.parametrize("device", ["/run", "run", SOCKET])
def test_a_volume_that_was_made_of_a_link_is_followed_again(shared: Run, device: str) -> None:
    """The volume is ours, and what its link leads to has changed."""
    shared.make("volume", "mine-v", Options={"type": "none", "o": "bind", "device": device})
    now(shared, Mounts=[mount("mine-v:/x")])
    call = shared.ask(STARTS[0])
    assert SOCKET in call.refusal
    shared.as_written = True
    assert shared.ask(STARTS[0]).relayed


@pytest.mark.parametrize("what", ["kill", "stop", "wait", "unpause"])
def test_what_shares_nothing_anew_is_not_held_against_it(shared: Run, what: str) -> None:
    now(shared, HostConfig={"Binds": ["/run:/x"]})
    assert shared.ask(f"POST /containers/{OURS}/{what}").relayed


def test_a_container_of_others_is_started_with_leave_whatever_it_mounts(shared: Run) -> None:
    shared.ownership._allowed = frozenset({"theirs"})
    shared.engine.change("container", full("b"), HostConfig={"Binds": ["/run:/x"]})
    assert shared.ask("POST /containers/theirs/start").relayed


@pytest.mark.parametrize(
    ("status", "remove", "goes"),
    [("created", True, True), ("created", False, False), ("exited", True, False)],
)
def test_a_container_that_goes_at_its_end_goes_where_its_start_is_refused(
    shared: Run,
    status: str,
    remove: bool,  # noqa: FBT001
    goes: bool,  # noqa: FBT001
) -> None:
    """``docker run --rm`` waits until it is gone."""
    host = {"Binds": ["/run:/x"], "AutoRemove": remove}
    now(shared, HostConfig=host, State={"Status": status})
    assert shared.ask(STARTS[0]).refusal
    assert (OURS not in shared.engine.things["container"]) is goes
    assert (OURS not in {i for kind, _, i in shared.entries if kind == "container"}) is goes


BRIDGE = "com.docker.network.bridge.name"


@pytest.mark.parametrize("bridge", ["docker0", f"br-{full('b')[:12]}"])
@pytest.mark.parametrize("key", ["Options", "options"])
def test_no_network_of_ours_takes_a_bridge_that_is_there(
    shared: Run, bridge: str, key: str
) -> None:
    shared.engine.add("network", "bridge", "e", Options={BRIDGE: "docker0"})
    call = shared.ask("POST /networks/create", {"Name": "x", key: {BRIDGE: bridge}})
    assert f"would take the bridge {bridge}" in call.refusal
    assert shared.ask("POST /networks/create", {"Name": "x", key: {BRIDGE: "mine0"}}).relayed
