"""For whom a network is, and who gives out its addresses.

The engine keeps the addresses of its own networks apart. Those of another scope, or of another
giver, it counts by themselves: of two networks with the same addresses it may drop the first one.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from ipaddress import ip_network

from lifecycle.run.requests.network_bodies import Pool
from lifecycle.run.requests.refusal import Refused

_SCOPES = frozenset({"", "local"})
_GIVERS = frozenset({"", "default"})
_NO_GIVER = "null"
"""Gives out nothing: settings that are only kept for later may name it."""


def refuse_another_scope(name: str, scope: str) -> None:
    """Raise Refused for a network that is not this engine's own.

    Of another scope the engine does not compare its addresses with those that are there, and
    takes down the bridge of whoever has them when it then fails.
    """
    if scope not in _SCOPES:
        raise Refused(
            f"network {name} is not made: its scope is {scope}, and the engine holds the addresses "
            "of such a network against nobody's; leave the scope out, or write local"
        )


def refuse_other_givers(name: str, driver: str, options: Mapping[str, str], *, only: bool) -> None:
    """Raise Refused for addresses that the engine does not hold against those that are there.

    ``only``: nothing is made yet but settings for another network, which is judged by itself.
    """
    if driver not in _GIVERS and not (only and driver == _NO_GIVER):
        raise Refused(
            f"network {name} is not made: {driver} would give out its addresses, which the engine "
            "then holds against nobody's; leave the IPAM driver out, or write default"
        )
    for option in options:
        if option.casefold().startswith("com.docker."):
            raise Refused(
                f"network {name} is not made: what the IPAM option {option} changes for others is "
                "not known"
            )


def refuse_parts_outside(name: str, pool: Pool) -> None:
    """Raise Refused for a range or a gateway that is outside of the network's addresses.

    The engine gives them out, and makes a route to the gateway's, as if they were inside.
    """
    for part in pool.parts:
        if not _holds(pool.subnet, part):
            raise Refused(
                f"network {name} is not made: {part} is not inside its addresses, which are "
                f"{pool.subnet or 'not given'}; write a --subnet that holds it"
            )


def _holds(subnet: str, part: str) -> bool:
    with suppress(ValueError):
        whole, one = (ip_network(text, strict=False) for text in (subnet, part))
        ends = (one.network_address, one.broadcast_address)
        return all(end in whole for end in ends)
    return False
