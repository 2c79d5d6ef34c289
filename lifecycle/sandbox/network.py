"""The sandbox's own network: a namespace, a cable to the host, and a way out.

A second dockerd in the host's namespace deletes the first one's bridge and flushes its
firewall chains, so a sandbox never runs there.
"""

from __future__ import annotations

import ipaddress
import json
import socket
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path

from lifecycle.sandbox import firewall
from lifecycle.sandbox.claim import records
from lifecycle.sandbox.record import LINK, Record
from lifecycle.sandbox.shell import SandboxError, run

# Where a free net is looked for. The last two are for machines whose VPN claims all of the rest.
_UPLINKS = ("10.213.0.0/16", "172.31.0.0/16", "192.168.213.0/24", "198.18.0.0/16", "100.72.0.0/16")
_POOLS = ("172.16.0.0/12", "192.168.0.0/16", "10.128.0.0/9", "198.19.0.0/16", "100.80.0.0/12")

# Files that systemd-resolved and NetworkManager keep with the real name servers, when
# /etc/resolv.conf names one on the host's loopback.
_UPSTREAM = ("/run/systemd/resolve/resolv.conf", "/run/NetworkManager/no-stub-resolv.conf")
_PUBLIC = ("8.8.8.8", "8.8.4.4")  # what dockerd itself falls back to


@dataclass(frozen=True)
class Resolvers:
    """``servers`` are reachable from the namespace; ``loopback`` are the host's that are not."""

    servers: tuple[str, ...]
    loopback: tuple[str, ...]


def choose() -> tuple[str, str]:
    """A free net for the cable and one for the engine's bridges; call it under the lock."""
    others = [ipaddress.ip_network(record.uplink) for record in records()]
    taken = [*_routed(), *others, *(IPv4Network(name) for name in resolvers().servers)]
    uplink = _free(_UPLINKS, 30, taken)
    return str(uplink), str(_free(_POOLS, 18, [*taken, uplink]))


def _free(blocks: Iterable[str], prefix: int, taken: Sequence[object]) -> IPv4Network:
    nets = [net for net in taken if isinstance(net, IPv4Network)]
    for block in blocks:
        for candidate in IPv4Network(block).subnets(new_prefix=prefix):
            if not any(candidate.overlaps(net) for net in nets):
                return candidate
    raise SandboxError("no private network is free: the host's routes claim them all (ip route)")


def _routed() -> list[IPv4Network]:
    """Every net that the host has a route to, other than by default."""
    routes = json.loads(_ip("-j", "-4", "route", "show", "table", "all") or "[]")
    return [
        IPv4Network(route["dst"], strict=False)
        for route in routes
        if route["dst"] not in {"default", "0.0.0.0/0"}
    ]


def mtu() -> int:
    """The largest packet that the way out takes: longer ones vanish, and pulls hang."""
    routes = json.loads(_ip("-j", "-4", "route", "show", "default") or "[]")
    ways = {route["dev"] for route in routes if "dev" in route}
    links = json.loads(_ip("-j", "link"))
    sizes = [int(link["mtu"]) for link in links if link["ifname"] in ways]
    return min([1500, *sizes])


def resolvers() -> Resolvers:
    """The host's name servers, as far as the namespace can use them."""
    named = _nameservers(Path("/etc/resolv.conf"))
    servers = [name for name in named if not IPv4Address(name).is_loopback]
    for file in _UPSTREAM if not servers else ():
        servers += [n for n in _nameservers(Path(file)) if not IPv4Address(n).is_loopback]
    loopback = [name for name in named if IPv4Address(name).is_loopback]
    return Resolvers(tuple(servers) or _PUBLIC, tuple(loopback))


def _nameservers(file: Path) -> list[str]:
    """The IPv4 servers of a resolv.conf: the namespace has no IPv6."""
    servers = []
    with suppress(OSError):
        for line in file.read_text().splitlines():
            words = line.split()
            if len(words) > 1 and words[0] == "nameserver":
                with suppress(ValueError):
                    servers.append(str(IPv4Address(words[1])))
    return servers


def addresses(record: Record) -> tuple[str, str]:
    """The host's and the namespace's end of the cable."""
    host, inside = IPv4Network(record.uplink).hosts()
    return str(host), str(inside)


def make(record: Record) -> None:
    """Make the namespace and connect it."""
    netns = str(record.netns)
    record.netns.touch()
    run("unshare", f"--net={netns}", "true", what="no network namespace can be made")
    host, inside = addresses(record)
    size = str(mtu())
    _ip("link", "add", record.link, "mtu", size, "type", "veth", "peer", "eth0", "netns", netns)
    _ip("addr", "add", f"{host}/30", "dev", record.link)
    _ip("link", "set", record.link, "up")
    _inside(record, "ip", "link", "set", "lo", "up")
    _inside(record, "ip", "addr", "add", f"{inside}/30", "dev", "eth0")
    _inside(record, "ip", "link", "set", "eth0", "mtu", size, "up")
    _inside(record, "ip", "route", "add", "default", "via", host)
    firewall.open_way(record, host, inside)
    _answer_loopback_resolvers(record)
    _clamp(record)


def _clamp(record: Record) -> None:
    """Have connections agree on packets that the way out takes.

    dockerd's --mtu is for its first bridge alone: older ones give the others 1500 all the same.
    """
    syn = ("-p", "tcp", "--tcp-flags", "SYN,RST", "SYN", "-j", "TCPMSS", "--clamp-mss-to-pmtu")
    with suppress(SandboxError):  # a kernel without it: ICMP has to do
        _inside(record, "iptables", "-w", "-t", "mangle", "-A", "FORWARD", *syn)


def _answer_loopback_resolvers(record: Record) -> None:
    """Let dockerd, which reads the host's resolv.conf, reach a server named there as 127.0.0.53."""
    known = resolvers()
    for name in known.loopback:
        for protocol in ("udp", "tcp"):
            match = ("-d", name, "-p", protocol, "--dport", "53")
            target = ("-j", "DNAT", "--to-destination", known.servers[0])
            _inside(record, "iptables", "-w", "-t", "nat", "-A", "OUTPUT", *match, *target)
    if known.loopback:
        leave = ("-s", "127.0.0.0/8", "-o", "eth0", "-j", "MASQUERADE")
        _inside(record, "iptables", "-w", "-t", "nat", "-A", "POSTROUTING", *leave)
        allow = "echo 1 > /proc/sys/net/ipv4/conf/eth0/route_localnet"
        _inside(record, "sh", "-c", allow)


def unplug(record: Record) -> None:
    """Remove the cable: at once, where the kernel would take its time over the namespace."""
    # Not from /sys, which shows the network of whoever mounted it.
    if record.link in {name for _, name in socket.if_nameindex()}:
        _ip("link", "del", record.link)


def others(record: Record) -> bool:
    """Whether a cable of another sandbox is here, whoever's /run it is described in."""
    names = {name for _, name in socket.if_nameindex()} - {record.link}
    return any(name.startswith(LINK) for name in names)


def _ip(*words: str) -> str:
    return run("ip", *words, what="the sandbox's network can't be made")


def _inside(record: Record, *words: str) -> None:
    what = "the sandbox's network can't be made"
    run("nsenter", f"--net={record.netns}", "--", *words, what=what)
