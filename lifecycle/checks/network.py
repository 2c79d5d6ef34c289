"""Promises about names and addresses: networks, DNS, hosts, links and exposed ports."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Collection
from typing import Any

from lifecycle.checks.check import Check, compare, unverified
from lifecycle.checks.rules import PHRASE, Rule, texts
from lifecycle.command.promise import Promise
from lifecycle.command.values.networks import ExtraHost, Link, NetworkAlias
from lifecycle.facts.model import ContainerFacts, Facts
from lifecycle.text.json_object import Json

HOSTS, RESOLV = "/etc/hosts", "/etc/resolv.conf"
DOMAIN = "/proc/sys/kernel/domainname"
ROUTES, ROUTES6 = "/proc/net/fib_trie", "/proc/net/if_inet6"
CARDS = tuple(f"/sys/class/net/eth{number}/address" for number in range(4))
"""Where the cards that the engine gives a container tell their MAC address."""
READ: dict[str, tuple[str, ...]] = {
    "container.host": (HOSTS,),
    "container.link": (HOSTS,),
    "container.dns": (RESOLV,),
    "container.dns_option": (RESOLV,),
    "container.dns_search": (RESOLV,),
    "container.domainname": (DOMAIN,),
    "container.ip": (ROUTES, ROUTES6),
    "container.link_local_ip": (ROUTES, ROUTES6),
    "container.network": (ROUTES, ROUTES6),
    "container.mac": CARDS,
}
"""The files that show a promise inside."""
_RESOLVER = "127.0.0.11"


def _networks(c: ContainerFacts) -> dict[str, Json]:
    return dict(((c.inspect or {}).get("NetworkSettings") or {}).get("Networks") or {})


def _host(c: ContainerFacts, key: str) -> Any:
    return (c.inspect or {})["HostConfig"].get(key)


def _among(promise: Promise, values: Collection[Any], source: str, detail: str = "") -> Check:
    """Kept when the expected value is among ``values``."""
    actual = promise.expected if promise.expected in values else (list(values) or None)
    return compare((detail), promise.expected, actual, source)


def _unread(promise: Promise, c: ContainerFacts, *files: str) -> Check | None:
    """Why the inside can't answer, if it can't."""
    if any(f in c.inside.texts for f in files):
        return None
    reason = c.inside.hides(files[0]) or f"{files[0]} could not be read inside"
    return unverified(PHRASE, promise.expected, reason)


def host(promise: Promise, c: ContainerFacts, _: Facts) -> Check:
    """``--add-host``: as declared, and a line of /etc/hosts inside."""
    wanted = promise.expected_as(ExtraHost)
    name, address = wanted.host, wanted.address
    label = f"knows the host {name}"
    if promise.where == "inspect":
        known = [str(e).partition(":") for e in _host(c, "ExtraHosts") or []]
        hosts = [ExtraHost(h, a.strip("[]")) for h, _, a in known]
        return _among(promise, hosts, "inspect .HostConfig.ExtraHosts", f"knows the host {name}")
    hidden = _unread(promise, c, HOSTS)
    if hidden:
        return hidden
    known_as = [a for a, names in _hosts(c) if name in names]
    if address == "host-gateway" and known_as:  # which one that is, the engine decides
        return compare(label, wanted, wanted, c.inside.place(HOSTS))
    actual = address if address in known_as else (known_as or None)
    return compare(label, address, actual, c.inside.place(HOSTS))


def _hosts(c: ContainerFacts) -> list[tuple[str, list[str]]]:
    rows = (line.partition("#")[0].split() for line in c.inside.texts[HOSTS].splitlines())
    return [(row[0], row[1:]) for row in rows if row]


def _resolv(c: ContainerFacts, key: str) -> list[str]:
    """The words after one keyword of resolv.conf."""
    rows = (line.split() for line in c.inside.texts[RESOLV].splitlines())
    return [word for row in rows if row and row[0] == key for word in row[1:]]


def dns(promise: Promise, c: ContainerFacts, _: Facts) -> Check:
    """``--dns``: as declared, and a nameserver of /etc/resolv.conf inside."""
    if promise.where == "inspect":
        return _among(promise, _host(c, "Dns") or [], "inspect .HostConfig.Dns")
    hidden = _unread(promise, c, RESOLV)
    if hidden:
        return hidden
    servers = _resolv(c, "nameserver")
    if _RESOLVER in servers and promise.expected not in servers:
        reason = "on a user's network the engine's own resolver asks it, out of sight"
        return unverified(PHRASE, promise.expected, reason)
    return _among(promise, servers, c.inside.place(RESOLV))


def dns_option(promise: Promise, c: ContainerFacts, _: Facts) -> Check:
    """``--dns-option``: as declared, and an option of /etc/resolv.conf inside."""
    if promise.where == "inspect":
        return _among(promise, _host(c, "DnsOptions") or [], "inspect .HostConfig.DnsOptions")
    return _unread(promise, c, RESOLV) or _among(
        promise, _resolv(c, "options"), c.inside.place(RESOLV)
    )


def dns_search(promise: Promise, c: ContainerFacts, _: Facts) -> Check:
    """``--dns-search``: as declared, and searched by /etc/resolv.conf inside; ``.`` for none."""
    if promise.where == "inspect":
        return _among(promise, _host(c, "DnsSearch") or [], "inspect .HostConfig.DnsSearch")
    hidden = _unread(promise, c, RESOLV)
    if hidden:
        return hidden
    return _among(promise, _resolv(c, "search") or ["."], c.inside.place(RESOLV))


def domainname(promise: Promise, c: ContainerFacts, _: Facts) -> Check:
    """``--domainname``: as declared, and the kernel's inside."""
    if promise.where == "inspect":
        actual = (c.inspect or {})["Config"].get("Domainname")
        return compare(PHRASE, promise.expected, actual, "inspect .Config.Domainname")
    hidden = _unread(promise, c, DOMAIN)
    if hidden:
        return hidden
    return compare(PHRASE, promise.expected, c.inside.texts[DOMAIN].strip(), c.inside.place(DOMAIN))


def addresses(c: ContainerFacts) -> list[str]:
    """The addresses that the container has inside, but for loopback and IPv6 link-local."""
    table = c.inside.texts.get(ROUTES, "")
    local = re.findall(r"\|-- ([0-9.]+)\n\s+/32 host LOCAL", table)
    for row in c.inside.texts.get(ROUTES6, "").split("\n"):
        digits = row.partition(" ")[0]
        if re.fullmatch("[0-9a-f]{32}", digits):
            local.append(str(ipaddress.IPv6Address(int(digits, 16))))
    real = dict.fromkeys(local)
    return [a for a in real if not a.startswith(("127.", "fe80:")) and a != "::1"]


def ip(promise: Promise, c: ContainerFacts, _: Facts) -> Check:
    """``--ip``, ``--ip6``: the address on one of its networks, and on a card inside."""
    if promise.where == "inside":
        hidden = _unread(promise, c, ROUTES)
        return hidden or _among(promise, addresses(c), c.inside.place(ROUTES))
    ips = []
    for one in _networks(c).values():
        asked = one.get("IPAMConfig") or {}
        live = [one.get("IPAddress"), one.get("GlobalIPv6Address")]
        wanted = [asked.get("IPv4Address"), asked.get("IPv6Address")]
        ips += [a for a in (live if any(live) else wanted) if a]
    return _among(promise, ips, "inspect .NetworkSettings.Networks")


def link_local_ip(promise: Promise, c: ContainerFacts, _: Facts) -> Check:
    """``--link-local-ip``: as declared, and an address inside."""
    if promise.where == "inside":
        hidden = _unread(promise, c, ROUTES)
        return hidden or _among(promise, addresses(c), c.inside.place(ROUTES))
    asked = [one.get("IPAMConfig") or {} for one in _networks(c).values()]
    ips = [a for one in asked for a in one.get("LinkLocalIPs") or []]
    return _among(promise, ips, "inspect .NetworkSettings.Networks")


def mac(promise: Promise, c: ContainerFacts, _: Facts) -> Check:
    """``--mac-address``: of one of its networks, and of a card inside."""
    wanted = promise.expected_as(str).lower().replace("-", ":")
    if promise.where == "inside":
        hidden = _unread(promise, c, *CARDS)
        if hidden:
            return hidden
        macs = [c.inside.texts[f].strip() for f in CARDS if f in c.inside.texts]
        source = "/sys/class/net"
    else:
        declared = [str((c.inspect or {})["Config"].get("MacAddress") or "")]
        macs = [str(n.get("MacAddress") or "") for n in _networks(c).values()] + declared
        source = "inspect .NetworkSettings.Networks"
    actual = wanted if wanted in macs else ([f for f in macs if f] or None)
    return compare(PHRASE, wanted, actual, source)


def alias(promise: Promise, c: ContainerFacts, facts: Facts) -> Check:
    """``--network-alias``: a name of the container on the network, or on one of them."""
    asked = promise.expected_as(NetworkAlias)
    network, wanted = asked.network, asked.alias
    aliases = [
        name
        for real, one in _networks(c).items()
        if network in {"", facts.written("network", real)}
        for name in one.get("Aliases") or []
    ]
    label = f"is called {wanted} on {network or 'its network'}"
    actual = wanted if wanted in aliases else (aliases or None)
    return compare(label, wanted, actual, "inspect .NetworkSettings.Networks Aliases")


def network_option(promise: Promise, c: ContainerFacts, _: Facts) -> Check:
    """``driver-opt``: given to the driver of one of its networks."""
    options = [one.get("DriverOpts") or {} for one in _networks(c).values()]
    pairs = [f"{key}={value}" for one in options for key, value in one.items()]
    return _among(promise, pairs, "inspect .NetworkSettings.Networks DriverOpts")


def gateway_priority(promise: Promise, c: ContainerFacts, _: Facts) -> Check:
    """``gw-priority``: of one of its networks."""
    priorities = [one["GwPriority"] for one in _networks(c).values() if "GwPriority" in one]
    if not priorities:
        reason = "this engine knows no priority of a gateway"
        return unverified(PHRASE, promise.expected, reason)
    return _among(promise, priorities, "inspect .NetworkSettings.Networks GwPriority")


def link(promise: Promise, c: ContainerFacts, facts: Facts) -> Check:
    """``--link``: as declared, and the alias in /etc/hosts inside."""
    asked = promise.expected_as(Link)
    name, other = asked.container, asked.alias
    declared = [str(one).split(":") for one in _host(c, "Links") or []]
    apart = [str(v).split(":") for one in _networks(c).values() for v in one.get("Links") or []]
    label = f"knows {name} as {other}"
    if promise.where == "inspect":
        links = [_link(parts, facts) for parts in declared + apart]
        return _among(promise, links, "inspect .HostConfig.Links", f"knows {name} as {other}")
    hidden = _unread(promise, c, HOSTS)
    if hidden:
        return hidden
    if apart and not declared:
        reason = "on a user's network the engine's own resolver knows the name, not /etc/hosts"
        return unverified(label, promise.expected, reason)
    known = {facts.written("container", n) for _, names in _hosts(c) for n in names}
    return compare(label, other, other if other in known else None, c.inside.place(HOSTS))


def _link(parts: list[str], facts: Facts) -> Link:
    names = [facts.written("container", p.strip("/").rpartition("/")[2]) for p in parts]
    return Link(names[0], names[-1])


def network(promise: Promise, c: ContainerFacts, facts: Facts) -> Check:
    """``--network``: a network that it is on, and inside an address on it, or none at all."""
    if promise.where == "inside":
        return _on_it(promise, c, facts)
    mode, wanted = str(_host(c, "NetworkMode")), promise.expected_as(str)
    kind, _, other = wanted.partition(":")
    if kind == "container" and other:
        return _joined(promise, mode, facts.containers.get(other))
    networks = {facts.written("network", n) for n in (*_networks(c), mode)}
    actual = wanted if wanted in networks else mode
    source = "inspect .NetworkSettings.Networks"
    return compare(PHRASE, wanted, actual, source)


def _joined(promise: Promise, mode: str, other: ContainerFacts | None) -> Check:
    """``--network container:NAME``: the engine shows it by that container's id."""
    if other is None or other.inspect is None:
        return unverified(PHRASE, promise.expected, "that container was not looked at")
    same = mode == f"container:{other.inspect['Id']}"
    actual = promise.expected if same else mode
    return compare(PHRASE, promise.expected, actual, "inspect .HostConfig.NetworkMode")


def _on_it(promise: Promise, c: ContainerFacts, facts: Facts) -> Check:
    """The container has inside the addresses that the inspect has for the network."""
    hidden = _unread(promise, c, ROUTES)
    if hidden:
        return hidden
    inside, wanted = addresses(c), promise.expected_as(str)
    if wanted == "none":
        return compare(PHRASE, [], inside, c.inside.place(ROUTES))
    kind, _, other = wanted.partition(":")
    if kind == "container" and other:
        theirs = facts.containers.get(other)
        ips = _addresses_on(theirs, "", facts) if theirs else []
    else:
        ips = _addresses_on(c, "bridge" if wanted == "default" else wanted, facts)
    if not ips:
        reason = "the engine tells no address on that network"
        return unverified(PHRASE, wanted, reason)
    actual = ips if set(ips) <= set(inside) else inside
    label = f"has {ips[0]} on {wanted}"
    return compare(label, ips, actual, c.inside.place(ROUTES))


def _addresses_on(c: ContainerFacts, name: str, facts: Facts) -> list[str]:
    """A container's addresses by its inspect, on one network or on all."""
    ips = [
        one.get("IPAddress")
        for real, one in _networks(c).items()
        if name in {"", facts.written("network", real)}
    ]
    return [a for a in ips if a]


def network_left(promise: Promise, c: ContainerFacts, facts: Facts) -> Check:
    """``network disconnect``: it is on that network no more."""
    networks = [facts.written("network", n) for n in _networks(c)]
    label = f"has left {promise.expected}"
    actual = f"still on {promise.expected}" if promise.expected in networks else promise.expected
    return compare(label, promise.expected, actual, "inspect .NetworkSettings.Networks")


def exposed(promise: Promise, c: ContainerFacts, _: Facts) -> Check:
    """``--expose``: one of the ports that the container says it uses."""
    return _among(promise, _exposed(c), "inspect .Config.ExposedPorts")


def _exposed(c: ContainerFacts) -> list[str]:
    """The exposed ports in small letters: the engine keeps a protocol as the author wrote it."""
    return [port.lower() for port in (c.inspect or {})["Config"].get("ExposedPorts") or {}]


def ports_published(promise: Promise, c: ContainerFacts, _: Facts) -> Check:
    """``-P``: asked for, and each exposed port of a running container is bound."""
    asked = bool(_host(c, "PublishAllPorts"))
    bound = ((c.inspect or {}).get("NetworkSettings") or {}).get("Ports") or {}
    missing = [p for p in _exposed(c) if c.is_up and not bound.get(p)]
    actual: object = f"{missing[0]} is not published" if asked and missing else asked
    source = "inspect .HostConfig.PublishAllPorts and .NetworkSettings.Ports"
    return compare(PHRASE, promise.expected, actual, source)


RULES: dict[str, Rule] = {
    "container.host": Rule(host, reads=texts(HOSTS)),
    "container.dns": Rule(dns, "asks the name server", reads=texts(RESOLV)),
    "container.dns_option": Rule(dns_option, "has the DNS option", reads=texts(RESOLV)),
    "container.dns_search": Rule(dns_search, "searches the domain", reads=texts(RESOLV)),
    "container.domainname": Rule(domainname, "has the domain name", reads=texts(DOMAIN)),
    "container.ip": Rule(ip, "has the address", reads=texts(ROUTES, ROUTES6)),
    "container.link_local_ip": Rule(
        link_local_ip, "has the link-local address", reads=texts(ROUTES, ROUTES6)
    ),
    "container.mac": Rule(mac, "has the MAC address", reads=texts(*CARDS)),
    "container.alias": Rule(alias),
    "container.network_option": Rule(network_option, "gives the network's driver"),
    "container.gateway_priority": Rule(gateway_priority, "has the gateway priority"),
    "container.link": Rule(link, reads=texts(HOSTS)),
    "container.network": Rule(network, "is on the network", reads=texts(ROUTES, ROUTES6)),
    "container.network_left": Rule(network_left),
    "container.exposed": Rule(exposed, "says it uses the port"),
    "container.ports_published": Rule(ports_published, "publishes every port that it exposes"),
}
