"""Names that would mean somebody else's thing, and bridges that are everybody's."""

from __future__ import annotations

from typing import Any, cast

import pytest

from lifecycle.engine.daemon import Daemon
from lifecycle.run.requests.names import refuse_a_bridge, refuse_an_id
from lifecycle.run.requests.refusal import Refused

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


class Networks:
    """An engine with two networks."""

    shares_machine = False

    def networks(self) -> list[dict[str, Any]]:
        """What there is."""
        options = {"com.docker.network.bridge.name": "docker0"}
        return [{"Id": ID, "Options": None}, {"Id": "f" * 64, "Options": options}]


@pytest.mark.parametrize("bridge", ["docker0", f"br-{ID[:12]}"])
def test_a_network_on_somebody_s_bridge_is_refused(bridge: str) -> None:
    daemon = cast("Daemon", Networks())
    with pytest.raises(Refused, match="its addresses would change for everybody"):
        refuse_a_bridge(daemon, "n", {"com.docker.network.bridge.name": bridge})
    refuse_a_bridge(daemon, "n", {"com.docker.network.bridge.name": "br-mine"})
    refuse_a_bridge(daemon, "n", {})
