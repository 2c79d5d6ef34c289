"""Names that would mean somebody else's thing, and tags that a build gives in another way."""

from __future__ import annotations

from typing import Any, cast

import pytest

from lifecycle.engine.daemon import Daemon
from lifecycle.run.ownership.names import names_a_tag, refuse_a_bridge, refuse_an_id
from lifecycle.run.ownership.refusing import Refused

ID = "2ecf5961d4afdbf7f3ae8b0a6b889d35284839ec7ea460306dfa4f2ebf9ebc3d"


def ask(name: str) -> dict[str, Any] | None:
    """An engine that has one thing."""
    return {"Id": f"sha256:{ID}"} if ID.startswith(name) else None


@pytest.mark.parametrize("digits", [12, 13, 40, 64])
def test_a_name_that_begins_somebody_s_id_is_refused(digits: int) -> None:
    with pytest.raises(Refused, match="would have the id of another container for its name"):
        refuse_an_id(ask, "container", ID[:digits])


@pytest.mark.parametrize("name", ["web", ID[:11], "deadbeefdeadbeef", f"x{ID}", ID[:12] + "-r1"])
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


@pytest.mark.parametrize(
    ("outputs", "named"),
    [
        ("", False),
        ("[]", False),
        ('[{"Type":"local","Attrs":{}}]', False),
        ('[{"Type":"moby"}]', False),
        ('[{"Type":"moby","Attrs":{"name":"theirs/img:v1"}}]', True),
        ('[{"Type":"image","ATTRS":{"name":"a"}}]', True),
        ('[{},{"attrs":{"name":"a"}}]', True),
        ("{", True),
        ("[1]", True),
        ('[{"Attrs":1}]', True),
    ],
)
def test_outputs_of_a_build_may_give_no_name(
    outputs: str,
    named: bool,  # noqa: FBT001
) -> None:
    assert names_a_tag(outputs) is named
