"""A container of ours never has the hardware address of another's, however it is written."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from lifecycle.machine import addresses
from tests.fakes.daemon import FakeDaemon
from tests.unit.run.requests.fakes import RUN, Run

CREATE = "POST /containers/create?name=x"
CONNECT = f"POST /networks/mine-{RUN}/connect"
MINE = f"mine-{RUN}"
THEIRS = {"running": "02:99:00:00:0a:01", "stopped": "02:99:00:00:0a:02"}


def on(network: str, address: str) -> dict[str, Any]:
    return {"NetworkSettings": {"Networks": {network: {"MacAddress": address}}}}


@pytest.fixture
def lab(shared: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Run:
    """An engine on this machine, with a container that runs, and some that do not."""
    listed = FakeDaemon.containers
    (tmp_path / "eth0").mkdir()
    (tmp_path / "eth0" / "address").write_text("02:99:00:00:00:0e\n")
    monkeypatch.setattr(addresses, "INTERFACES", tmp_path)
    monkeypatch.setattr(FakeDaemon, "shares_machine", True)

    def as_listed(self: FakeDaemon) -> list[Any]:
        """The engine lists the networks too, with an address of those that run only."""
        made = []
        for one in listed(self):
            networks = self.things["container"][one["Id"]]["NetworkSettings"]["Networks"]
            runs = one["State"] == "running"
            told = {n: v if runs else {"MacAddress": ""} for n, v in networks.items()}
            made.append({**one, "NetworkSettings": {"Networks": told}})
        return made

    monkeypatch.setattr(FakeDaemon, "containers", as_listed)
    runs = {"Status": "running", "Running": True}
    shared.engine.add("container", "runs", "c", State=runs, **on("bridge", THEIRS["running"]))
    ended = {"Status": "exited", "Running": False}
    shared.engine.add(
        "container", "ended", "d", State=ended, Config={"MacAddress": THEIRS["stopped"]}
    )
    shared.engine.add("container", "made", "e", State=ended, **on("lab", "02:99:00:00:00:03"))
    shared.engine.add("network", "bridge", "f", IPAM={"Config": [{"Subnet": "172.17.0.0/16"}]})
    shared.make("network", f"n-{RUN}", "9", IPAM={"Config": [{"Subnet": "10.9.0.0/24"}]})
    return shared


def spelled(address: str) -> list[str]:
    """In every way in which Go reads it."""
    plain = address.replace(":", "")
    dots = ".".join(plain[at : at + 4] for at in (0, 4, 8))
    ways = (address, address.replace(":", "-"), dots)
    return [*ways, *(way.upper() for way in ways)]


@pytest.mark.parametrize("address", [s for a in THEIRS.values() for s in spelled(a)])
def test_one_of_another_s_container_is_refused_in_every_spelling(lab: Run, address: str) -> None:
    endpoint = {"MacAddress": address}
    assert "was not made by this run" in lab.ask(CREATE, {"MacAddress": address}).refusal
    body = {"NetworkingConfig": {"EndpointsConfig": {MINE: endpoint}}}
    assert "was not made by this run" in lab.ask(CREATE, body).refusal
    join = {"Container": MINE, "EndpointConfig": endpoint}
    assert "was not made by this run" in lab.ask(CONNECT, join).refusal


def test_one_that_a_container_will_have_on_a_network_is_refused(lab: Run) -> None:
    assert "container made" in lab.ask(CREATE, {"MacAddress": "0299.0000.0003"}).refusal


@pytest.mark.parametrize(
    "address",
    [
        *("029900000001", "02:99:00:00:00", "02:99:00:00:00:00:00:01", "02:99-00:00:00:01"),
        *("0299:0000:0001", "02.99.00.00.00.01", "2:99:0:0:0:1", " 02:99:00:00:00:05"),
        *("02:99:00:00:00:05\n", "\u0660\u0662:99:00:00:0a:01", "any"),
    ],
)
def test_one_that_can_t_be_read_is_refused(lab: Run, address: str) -> None:
    assert "whose that is can't be told" in lab.ask(CREATE, {"MacAddress": address}).refusal


def test_one_of_the_machine_s_interfaces_is_refused(lab: Run) -> None:
    call = lab.ask(CREATE, {"MacAddress": "0299.0000.000e"})
    assert "an interface's of this machine" in call.refusal
    assert "--allow-foreign 0299.0000.000e lifts this" in call.refusal


def test_one_that_another_s_network_gives_out_is_refused(lab: Run) -> None:
    call = lab.ask(CREATE, {"MacAddress": "02:42:ac:11:00:99"})
    assert "gives out with 172.17.0.153, would take addresses of network bridge" in call.refusal


@pytest.mark.parametrize(
    "address", ["02:99:00:00:00:77", "92-D0-C6-0A-29-33", "92d0.c60a.2933", "02:42:0a:09:00:05"]
)
def test_one_that_nobody_else_has_is_not(lab: Run, address: str) -> None:
    assert lab.ask(CREATE, {"MacAddress": address}).relayed
    join = {"Container": MINE, "EndpointConfig": {"MacAddress": address}}
    assert lab.ask(CONNECT, join).relayed


def test_nobody_is_inspected_for_a_container_without_one(lab: Run) -> None:
    lab.engine.questions.clear()
    assert lab.ask(CREATE, {}).relayed
    assert not {"c" * 64, "d" * 64, "e" * 64} & set(lab.engine.questions)
