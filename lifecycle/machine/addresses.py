"""The addresses that this machine finds others by: its routes, its name servers and its peers.

Whatever is behind the default route has no route of its own. So a network may have addresses only
that nobody has elsewhere in the world, and no more of them than it can need.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import suppress
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from pathlib import Path

from lifecycle.machine.peers import lines, peers, server

ROUTES = Path("/proc/net/route")
ROUTES_6 = Path("/proc/net/ipv6_route")
RESOLVER = Path("/etc/resolv.conf")
INTERFACES = Path("/sys/class/net")
_OWN = ("br-", "docker", "veth", "lo")
"""Beginnings of the interfaces of networks that the engine itself keeps apart, and of none."""
Network = IPv4Network | IPv6Network


_OF_THE_MACHINE: tuple[tuple[Network, str], ...] = tuple(
    (ip_network(one), f"{one}, the machine's own addresses,")
    for one in ("127.0.0.0/8", "169.254.0.0/16", "224.0.0.0/3", "::1/128", "fe80::/10", "ff00::/8")
)


_PRIVATE: tuple[Network, ...] = tuple(
    map(ip_network, ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7"))
)
_LARGEST = {4: 16, 6: 48}
"""The fewest bits that a network's prefix may have: as large as those that engines choose."""


def objection(wanted: Network) -> str:
    """Why no network may have these addresses on any machine; empty where one may."""
    private = [one for one in _PRIVATE if one.version == wanted.version]
    if not any(_is_inside(wanted, one) for one in private):
        return (
            "its addresses are others' in the world, whom the machine would not find any more: "
            f"choose some of {' or '.join(map(str, private))}"
        )
    if wanted.prefixlen < _LARGEST[wanted.version]:
        return (
            "it is so large that it may hold others' addresses, whom the machine would not find "
            f"any more: choose a /{_LARGEST[wanted.version]} or a smaller one"
        )
    return ""


def _is_inside(wanted: Network, whole: Network) -> bool:
    return all(end in whole for end in (wanted.network_address, wanted.broadcast_address))


def taken_by(wanted: Network, servers: Iterable[str] = ()) -> str:
    """What a network of these addresses would take away; empty where nothing.

    ``servers`` are those of others that the engine has settings of.
    """
    for network, what in (*_OF_THE_MACHINE, *_name_servers(), *_routes()):
        if wanted.version == network.version and wanted.overlaps(network):
            return what
    named = ((server(text), f"{text}, which the engine is set to,") for text in servers)
    for address, what in (*named, *peers()):
        if address is not None and address in wanted:
            return what
    return ""


def overlap(wanted: Network, text: str) -> bool:
    """Whether addresses are among those of a text, of which one that is none has none."""
    with suppress(ValueError):
        network = ip_network(text, strict=False)
        return wanted.version == network.version and wanted.overlaps(network)
    return False


def _name_servers() -> Iterator[tuple[Network, str]]:
    for line in lines(RESOLVER):
        match line.split():
            case ["nameserver", address, *_]:
                with suppress(ValueError):
                    # Of its own interface, an IPv6 address bears the name behind a percent sign.
                    server = ip_address(address.partition("%")[0])
                    yield ip_network(server), f"the name server {server}"


def _routes() -> Iterator[tuple[Network, str]]:
    """All but the default ones, which every other route outranks.

    Shapes: ``proc_net(5)``, of which the numbers of IPv4 are in the machine's order.
    """
    for line in lines(ROUTES):
        fields = line.split()
        with suppress(ValueError, IndexError):
            number, mask = (int(fields[at], 16) for at in (1, 7))
            plain = (int.from_bytes(n.to_bytes(4, "little"), "big") for n in (number, mask))
            address, bits = next(plain), next(plain).bit_count()
            yield from _route(IPv4Network((address, bits)), fields[0])
    for line in lines(ROUTES_6):
        fields = line.split()
        with suppress(ValueError, IndexError):
            yield from _route(IPv6Network((int(fields[0], 16), int(fields[1], 16))), fields[-1])


def _route(network: Network, interface: str) -> Iterator[tuple[Network, str]]:
    local = network.is_link_local or network.is_multicast or network.is_loopback
    if network.prefixlen and not local and not interface.startswith(_OWN):
        yield network, f"the route to {network} by {interface}"
