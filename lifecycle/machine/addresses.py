"""The addresses that this machine finds others by: its routes, and its name servers."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from pathlib import Path

ROUTES = Path("/proc/net/route")
ROUTES_6 = Path("/proc/net/ipv6_route")
RESOLVER = Path("/etc/resolv.conf")
_OWN = ("br-", "docker", "veth", "lo")
"""Beginnings of the interfaces of networks that the engine itself keeps apart, and of none."""
Network = IPv4Network | IPv6Network


_OF_THE_MACHINE: tuple[tuple[Network, str], ...] = tuple(
    (ip_network(one), f"{one}, the machine's own addresses,")
    for one in ("127.0.0.0/8", "169.254.0.0/16", "224.0.0.0/3", "::1/128", "fe80::/10", "ff00::/8")
)


def taken_by(wanted: Network) -> str:
    """What a network of these addresses would take away; empty where nothing."""
    for network, what in (*_OF_THE_MACHINE, *_name_servers(), *_routes()):
        if wanted.version == network.version and wanted.overlaps(network):
            return what
    return ""


def overlap(wanted: Network, text: str) -> bool:
    """Whether addresses are among those of a text, of which one that is none has none."""
    with suppress(ValueError):
        network = ip_network(text, strict=False)
        return wanted.version == network.version and wanted.overlaps(network)
    return False


def _name_servers() -> Iterator[tuple[Network, str]]:
    for line in _lines(RESOLVER):
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
    for line in _lines(ROUTES):
        fields = line.split()
        with suppress(ValueError, IndexError):
            number, mask = (int(fields[at], 16) for at in (1, 7))
            plain = (int.from_bytes(n.to_bytes(4, "little"), "big") for n in (number, mask))
            address, bits = next(plain), next(plain).bit_count()
            yield from _route(IPv4Network((address, bits)), fields[0])
    for line in _lines(ROUTES_6):
        fields = line.split()
        with suppress(ValueError, IndexError):
            yield from _route(IPv6Network((int(fields[0], 16), int(fields[1], 16))), fields[-1])


def _route(network: Network, interface: str) -> Iterator[tuple[Network, str]]:
    local = network.is_link_local or network.is_multicast or network.is_loopback
    if network.prefixlen and not local and not interface.startswith(_OWN):
        yield network, f"the route to {network} by {interface}"


def _lines(path: Path) -> list[str]:
    with suppress(OSError):
        return path.read_text(errors="replace").splitlines()
    return []
