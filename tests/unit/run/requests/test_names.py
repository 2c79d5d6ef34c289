"""Names that would mean somebody else's thing, and bridges that are everybody's."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from lifecycle.machine import addresses
from lifecycle.run.requests.names import refuse_a_bridge, refuse_an_id
from lifecycle.run.requests.refusal import Refused
from tests.fakes.daemon import FakeDaemon

ID = "2ecf5961d4afdbf7f3ae8b0a6b889d35284839ec7ea460306dfa4f2ebf9ebc3d"


def ask(name: str) -> dict[str, Any] | None:
    """An engine that has one thing."""
    return {"Id": f"sha256:{ID}"} if ID.startswith(name) else None


@pytest.mark.parametrize("digits", [4, 12, 13, 40, 64])
def test_a_name_that_begins_somebody_s_id_is_refused(digits: int) -> None:
    with pytest.raises(Refused, match="the id of another container begins so"):
        refuse_an_id(ask, "container", ID[:digits])


@pytest.mark.parametrize("tag", [f"{ID[:12]}:latest", f"sha256:{ID}", f"sha256:{ID[:12]}"])
def test_a_tag_that_begins_somebody_s_id_is_refused(tag: str) -> None:
    with pytest.raises(Refused, match="the id of another image begins so"):
        refuse_an_id(ask, "image", tag)


@pytest.mark.parametrize(
    "name",
    [
        f"{ID[:12]}:1",
        f"x/{ID[:12]}:latest",
        "web",
        ID[:3],
        "deadbeefdeadbeef",
        f"x{ID}",
        ID[:12] + "-r1",
    ],
)
def test_another_name_is_not(name: str) -> None:
    refuse_an_id(ask, "container", name)


BRIDGE = "com.docker.network.bridge.name"
PREFIX = "com.docker.network.container_iface_prefix"


@pytest.fixture
def daemon() -> FakeDaemon:
    """An engine with two networks."""
    made = FakeDaemon(networks=())
    made.make_network("one", identity=ID)
    made.make_network("two", identity="f" * 64, Options={BRIDGE: "docker0"})
    return made


@pytest.mark.parametrize("bridge", ["docker0", f"br-{ID[:12]}"])
def test_a_network_on_somebody_s_bridge_is_refused(daemon: FakeDaemon, bridge: str) -> None:
    with pytest.raises(Refused, match="its addresses would change for everybody"):
        refuse_a_bridge(daemon, "n", {BRIDGE: bridge})
    refuse_a_bridge(daemon, "n", {BRIDGE: "br-mine"})
    refuse_a_bridge(daemon, "n", {})


@pytest.mark.parametrize(
    "bridge",
    [
        *("+", "br+", "br-x+", ".", "..", "../eth0", "a/b", "a b", "a\n", "a:1", "!a", "-j"),
        *("all", "default", "sixteen-letters0", "br\u00e9", " ", "\t"),
    ],
)
def test_a_bridge_whose_name_means_others_too_is_refused(daemon: FakeDaemon, bridge: str) -> None:
    with pytest.raises(Refused, match="may mean other interfaces too"):
        refuse_a_bridge(daemon, "n", {BRIDGE: bridge})


@pytest.mark.parametrize("bridge", ["br-mine", "lab_0", "a.b", "0", "fifteen-letters"])
def test_another_name_may_be_a_bridge_s(daemon: FakeDaemon, bridge: str) -> None:
    refuse_a_bridge(daemon, "n", {BRIDGE: bridge})


@pytest.mark.parametrize("prefix", ["+", "et+", "../x", "e e", "eleven0rmore", "1", "e-", "e\n"])
def test_containers_interfaces_are_called_by_a_plain_word(daemon: FakeDaemon, prefix: str) -> None:
    with pytest.raises(Refused, match="a word of at most 10 letters and digits"):
        refuse_a_bridge(daemon, "n", {PREFIX: prefix})
    refuse_a_bridge(daemon, "n", {PREFIX: "eth"})


@pytest.mark.parametrize("here", [True, False])
def test_an_interface_of_the_engine_s_machine_is_nobody_s_bridge_either(
    daemon: FakeDaemon,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    here: bool,  # noqa: FBT001
) -> None:
    (tmp_path / "eth0").touch()
    monkeypatch.setattr(addresses, "INTERFACES", tmp_path)
    monkeypatch.setattr(FakeDaemon, "shares_machine", here)
    refuse_a_bridge(daemon, "n", {BRIDGE: "br-mine"})
    if here:
        with pytest.raises(Refused, match="network n would take the bridge eth0, which is there"):
            refuse_a_bridge(daemon, "n", {BRIDGE: "eth0"})
    else:
        refuse_a_bridge(daemon, "n", {BRIDGE: "eth0"})
