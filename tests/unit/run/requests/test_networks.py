"""A network of ours takes nobody's addresses, bridges or packets."""

from __future__ import annotations

from typing import Any

import pytest

from lifecycle.run.requests import things
from tests.fakes.daemon import FakeDaemon
from tests.unit.run.requests.fakes import RUN, Run

CREATE = "POST /networks/create"
MINE = f"mine-{RUN}"


def ipam(*pools: Any, **more: Any) -> dict[str, Any]:
    return {"IPAM": {"Config": list(pools), **more}}


def subnet(text: str) -> dict[str, Any]:
    return ipam({"Subnet": text})


@pytest.fixture
def lab(shared: Run, monkeypatch: pytest.MonkeyPatch) -> Run:
    """An engine elsewhere, with the addresses of everybody's bridge and of a colleague's."""
    monkeypatch.setattr(FakeDaemon, "shares_machine", False)
    shared.engine.add("network", "bridge", "e", **subnet("172.17.0.0/16"))
    two = ipam({"Subnet": "10.7.0.0/24"}, {"Subnet": "fd00:7::/64"})
    shared.engine.add("network", "labnet", "d", **two)
    shared.engine.add("network", "nothing", "9", IPAM={"Config": None})
    shared.engine.add("network", "kept", "8", ConfigOnly=True, **subnet("10.8.0.0/24"))
    shared.make("network", f"second-{RUN}", "c", **subnet("10.9.0.0/24"))
    return shared


def asked(run: Run, body: dict[str, Any]) -> Any:
    return run.ask(CREATE, {"Name": "x", **body})


@pytest.mark.parametrize(
    "body",
    [
        {"Scope": "global"},
        {"Scope": "swarm"},
        {"Scope": "Local"},
        {"sCOPE": "global"},
        {"Scope": "global", "ConfigOnly": True},
        {"Scope": "global", **subnet("172.17.0.0/16")},
        {"Ingress": True},
        {"ingress": 1},
        {"Scope": "local", "Ingress": True},
    ],
)
def test_a_network_of_another_scope_is_refused(lab: Run, body: Any) -> None:
    call = asked(lab, body)
    assert "its scope is" in call.refusal
    assert not call.relayed


@pytest.mark.parametrize("key", ["Options", "options"])
def test_a_bridge_that_means_every_interface_is_refused(lab: Run, key: str) -> None:
    call = asked(lab, {key: {"com.docker.network.bridge.name": "+"}})
    assert "may mean other interfaces too" in call.refusal


@pytest.mark.parametrize("body", [{"Scope": ""}, {"Scope": "local"}, {"Scope": None}, {}])
def test_one_of_this_engine_alone_is_not(lab: Run, body: Any) -> None:
    assert asked(lab, {"Ingress": False, **body}).relayed


@pytest.mark.parametrize(
    ("by", "told"),
    [
        ({"Driver": "null"}, "null would give out its addresses"),
        ({"Driver": "Default"}, "Default would give out"),
        ({"driver": "dhcp"}, "dhcp would give out"),
        ({"Options": {"com.docker.network.ipam.x": "1"}}, "com.docker.network.ipam.x changes"),
        ({"options": {"COM.docker.y": "1"}}, "COM.docker.y changes"),
    ],
)
def test_addresses_that_another_gives_out_are_refused(lab: Run, by: Any, told: str) -> None:
    assert told in asked(lab, ipam(**by)).refusal


@pytest.mark.parametrize("by", [{"Driver": "default", "Options": {"k": "v"}}, {"Options": None}])
def test_those_that_the_engine_gives_out_are_not(lab: Run, by: Any) -> None:
    assert asked(lab, ipam({"Subnet": "10.20.0.0/24"}, **by)).relayed


def test_settings_that_are_only_kept_may_have_a_giver_that_gives_nothing(lab: Run) -> None:
    assert asked(lab, {"ConfigOnly": True, **ipam(Driver="null")}).relayed
    assert asked(lab, {"ConfigOnly": True, **ipam(Driver="dhcp")}).refusal


@pytest.mark.parametrize(
    ("wanted", "whose"),
    [
        ("172.17.0.0/16", "bridge (172.17.0.0/16)"),
        ("172.17.9.0/28", "bridge (172.17.0.0/16)"),
        ("10.7.0.200/30", "labnet (10.7.0.0/24)"),
        ("fd00:7::/80", "labnet (fd00:7::/64)"),
    ],
)
def test_addresses_of_another_s_network_are_refused(lab: Run, wanted: str, whose: str) -> None:
    call = asked(lab, subnet(wanted))
    assert f"would take addresses of network {whose}" in call.refusal
    assert f"--allow-foreign {wanted} lifts this" in call.refusal


@pytest.mark.parametrize("lift", ["10.7.0.0/24", "labnet"])
def test_unless_somebody_says_that_they_may_be_taken(
    run: Run, monkeypatch: pytest.MonkeyPatch, lift: str
) -> None:
    monkeypatch.setattr(FakeDaemon, "shares_machine", False)
    run.engine.add("network", "labnet", "d", **subnet("10.7.0.0/24"))
    run.allowed = (lift,)
    assert asked(run, subnet("10.7.0.0/24")).relayed


@pytest.mark.parametrize("wanted", ["10.8.0.0/24", "10.9.0.0/24", "10.20.0.0/16", "fd00:8::/64"])
def test_addresses_that_nobody_else_has_are_not(lab: Run, wanted: str) -> None:
    """Of two networks of ours the engine refuses the second."""
    assert asked(lab, subnet(wanted)).relayed


@pytest.mark.parametrize(
    ("wanted", "why"),
    [
        ("203.0.113.0/24", "are others' in the world"),
        ("32.0.0.0/3", "are others' in the world"),
        ("100.64.0.0/10", "are others' in the world"),
        ("::ffff:10.0.0.0/104", "are others' in the world"),
        ("10.0.0.0/8", "it is so large"),
    ],
)
@pytest.mark.parametrize("shares", [True, False])
def test_addresses_of_others_in_the_world_are_refused(
    lab: Run,
    monkeypatch: pytest.MonkeyPatch,
    wanted: str,
    why: str,
    shares: bool,  # noqa: FBT001
) -> None:
    monkeypatch.setattr(FakeDaemon, "shares_machine", shares)
    monkeypatch.setattr(things, "taken_by", lambda *_: "")
    call = asked(lab, subnet(wanted))
    assert why in call.refusal
    assert f"--allow-foreign {wanted} lifts this" in call.refusal


def test_what_the_machine_and_the_engine_talk_to_is_asked_of_this_machine_only(
    lab: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    index = {"docker.io": {"Mirrors": ["http://10.30.0.8:5000/"]}, "10.30.0.9:5000": None}
    proxy = "http://me:word@10.30.0.7:3128"
    lab.engine.info = {
        **lab.engine.info,
        "HttpProxy": proxy,
        "RegistryConfig": {"IndexConfigs": index},
    }
    assert asked(lab, subnet("10.30.0.0/24")).relayed
    monkeypatch.setattr(FakeDaemon, "shares_machine", True)
    for last, told in ((7, "10.30.0.7:3128"), (8, "http://10.30.0.8:5000/"), (9, "10.30.0.9:5000")):
        call = asked(lab, subnet(f"10.30.0.{last}/32"))
        assert f"would take {told}, which the engine is set to," in call.refusal
    assert asked(lab, subnet("10.30.0.16/28")).relayed


@pytest.mark.parametrize("wanted", ["010.7.0.0/24", "no address", "10.7.0.0/99"])
def test_addresses_that_can_t_be_read_are_refused(lab: Run, wanted: str) -> None:
    """An old engine reads 010 as ten."""
    assert "what that means to the engine is not known" in asked(lab, subnet(wanted)).refusal


@pytest.mark.parametrize(
    "pool",
    [
        {"Subnet": "10.20.0.0/24", "IPRange": "10.0.0.0/8"},
        {"Subnet": "10.20.0.0/24", "iprange": "10.21.0.0/24"},
        {"Subnet": "10.20.0.0/24", "Gateway": "10.7.0.1"},
        {"Subnet": "fd00:20::/64", "Gateway": "10.7.0.1"},
        {"Gateway": "10.7.0.1"},
        {"Subnet": "10.20.0.0/24", "Gateway": "here"},
    ],
)
def test_a_range_or_a_gateway_outside_of_them_is_refused(lab: Run, pool: Any) -> None:
    assert "is not inside its addresses" in asked(lab, ipam(pool)).refusal


def test_one_inside_is_not(lab: Run) -> None:
    pool = {"Subnet": "10.20.0.0/24", "IPRange": "10.20.0.64/26", "Gateway": "10.20.0.1"}
    assert asked(lab, ipam(pool)).relayed


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        (subnet("10.7.0.0/24"), "would take addresses of network labnet"),
        ({"Options": {"com.docker.network.bridge.name": "labbr0"}}, "the bridge labbr0"),
        ({"Options": {"com.docker.network.driver.mtu": "1400"}}, ""),
        (ipam(Driver="null"), "null would give out its addresses"),
        ({"Options": {"com.docker.network.bridge.name": "minebr0"}}, ""),
        (subnet("10.21.0.0/24"), ""),
    ],
)
def test_settings_of_ours_are_judged_again_when_a_network_is_made_of_them(
    lab: Run, settings: Any, told: str
) -> None:
    """What was free when they were written down may be a colleague's by now."""
    lab.make("network", f"model-{RUN}", "7", ConfigOnly=True, **settings)
    bridge = {"com.docker.network.bridge.name": "labbr0"}
    lab.engine.add("network", "later", "6", Options=bridge)
    call = asked(lab, {"ConfigFrom": {"Network": f"model-{RUN}"}})
    assert (told in call.refusal) if told else call.relayed
