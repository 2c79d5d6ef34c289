"""The rows of names, addresses and the other flags of networks; see cases.py for their form."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from lifecycle.checks.network import CARDS, DOMAIN, HOSTS, RESOLV, ROUTES, ROUTES6
from lifecycle.command.promise import Expected
from lifecycle.command.values.networks import ExtraHost, Link, NetworkAlias
from lifecycle.facts.model import ContainerFacts, Facts
from tests.unit.checks.cases import Case, beside, config, host, on_network, renamed
from tests.unit.checks.samples import SEEN, UNSEEN, having, inspected, said

MAC = "92:d0:c6:0a:29:33"
FIB = """Main:
  +-- 0.0.0.0/0 3 0 5
     |-- 0.0.0.0
        /0 universe UNICAST
Local:
  +-- 127.0.0.0/8 2 0 2
        |-- 127.0.0.1
           /32 host LOCAL
     |-- 172.31.9.9
        /32 host LOCAL
     |-- 169.254.8.8
        /32 host LOCAL
"""
IF6 = (
    "fd000000000000000000000000000009 11 40 00 80     eth0\n"
    "fe80000000000000000000000000000a 11 40 20 80     eth0\n"
    "00000000000000000000000000000001 01 80 10 80       lo\n"
)
TEXTS = {
    HOSTS: "127.0.0.1\tlocalhost\n1.2.3.4\tnas # ours\n172.17.0.2\tli other 5d2a\n",
    RESOLV: "search lab.test\nnameserver 1.2.3.4\noptions ndots:3\n",
    DOMAIN: "lab.test\n",
    ROUTES: FIB,
    ROUTES6: IF6,
    CARDS[0]: f"{MAC}\n",
}
BARE = {
    HOSTS: "127.0.0.1 localhost\n",
    RESOLV: "nameserver 192.0.2.9\n",
    DOMAIN: "(none)\n",
    ROUTES: "",
    ROUTES6: "",
    CARDS[0]: "02:42:ac:11:00:02\n",
}
HIDDEN = having(inspected(), UNSEEN)
ENDED = UNSEEN.unseen
UNREAD = "could not be read inside"


def reading(texts: dict[str, str], **parts: Any) -> Facts:
    """A running container whose files read so."""
    return having(inspected(**parts), replace(SEEN, texts=texts))


def attached(**endpoint: Any) -> Facts:
    """A container on the network ``n``, with such an endpoint."""
    return renamed(having(inspected(NetworkSettings={"Networks": {"n-r1": endpoint}})))


def addressed(texts: dict[str, str], address: str = "172.31.9.9") -> Facts:
    networks = {"n-r1": {"IPAddress": address}}
    return renamed(reading(texts, NetworkSettings={"Networks": networks}))


def joined(texts: dict[str, str]) -> Facts:
    """A container in the network of ``other``, whose address the engine tells."""
    facts = reading(texts, HostConfig={"NetworkMode": "container:ab12"})
    networks = {"Networks": {"bridge": {"IPAddress": "172.31.9.9"}}}
    facts.containers["other"] = ContainerFacts("other", now=inspected(NetworkSettings=networks))
    return facts


def linked(texts: dict[str, str]) -> Facts:
    return renamed(reading(texts, HostConfig={"Links": ["/other-r1:/c-r1/li"]}))


def inside(
    flag: str, field: str, expected: Expected, *, unseen: Facts = HIDDEN, why: str = ""
) -> Case:
    """A promise that files inside keep, and plainer ones break."""
    promise = said(flag, field, expected, "inside")
    return Case(promise, reading(TEXTS), reading(BARE), unseen, why or ENDED)


NAS = ExtraHost("nas", "1.2.3.4")
LINK = Link("other", "li")
ON_A_NETWORK = "on a user's network the engine's own resolver asks it, out of sight"

NETWORKS = [
    Case(
        said("--add-host", "container.host", NAS),
        host(ExtraHosts=["nas:1.2.3.4"]),
        host(ExtraHosts=["nas:1.2.3.5"]),
    ),
    inside("--add-host", "container.host", NAS),
    Case(
        said("--add-host [::1]", "container.host", ExtraHost("nas", "::1")),
        host(ExtraHosts=["nas:::1"]),
        host(ExtraHosts=None),
    ),
    Case(said("--dns", "container.dns", "1.2.3.4"), host(Dns=["1.2.3.4"]), host(Dns=["192.0.2.9"])),
    inside("--dns", "container.dns", "1.2.3.4"),
    inside(
        "--dns, on a network",
        "container.dns",
        "1.2.3.4",
        unseen=reading({RESOLV: "nameserver 127.0.0.11\n"}),
        why=ON_A_NETWORK,
    ),
    inside(
        "--dns, on a network, beside one of IPv6",
        "container.dns",
        "1.2.3.4",
        unseen=reading({RESOLV: "nameserver 127.0.0.11\nnameserver 2001:db8::53\n"}),
        why=ON_A_NETWORK,
    ),
    Case(
        said("--dns-option", "container.dns_option", "ndots:3"),
        host(DnsOptions=["ndots:3"]),
        host(DnsOptions=[]),
    ),
    inside("--dns-option", "container.dns_option", "ndots:3"),
    Case(
        said("--dns-search", "container.dns_search", "lab.test"),
        host(DnsSearch=["a", "lab.test"]),
        host(DnsSearch=None),
    ),
    inside("--dns-search", "container.dns_search", "lab.test"),
    Case(
        said("--dns-search .", "container.dns_search", ".", "inside"),
        reading(BARE),
        reading(TEXTS),
        reading({}),
        f"{RESOLV} {UNREAD}",
    ),
    Case(
        said("--domainname", "container.domainname", "lab.test"),
        config(Domainname="lab.test"),
        config(Domainname=""),
    ),
    inside("--domainname", "container.domainname", "lab.test"),
    Case(
        said("--ip", "container.ip", "172.31.9.9"),
        attached(IPAddress="172.31.9.9"),
        attached(IPAddress="172.31.9.2", IPAMConfig={"IPv4Address": "172.31.9.9"}),
    ),
    Case(
        said("--ip, stopped", "container.ip", "172.31.9.9"),
        attached(IPAddress="", IPAMConfig={"IPv4Address": "172.31.9.9"}),
        attached(IPAddress="", IPAMConfig=None),
    ),
    Case(
        said("--ip6", "container.ip", "fd00::9"),
        attached(IPAddress="172.31.9.9", GlobalIPv6Address="fd00::9"),
        attached(IPAddress="172.31.9.9", GlobalIPv6Address="fd00::8"),
    ),
    inside("--ip", "container.ip", "172.31.9.9"),
    inside("--ip6", "container.ip", "fd00::9"),
    Case(
        said("--link-local-ip", "container.link_local_ip", "169.254.8.8"),
        attached(IPAMConfig={"LinkLocalIPs": ["169.254.8.8"]}),
        attached(IPAMConfig={}),
    ),
    inside("--link-local-ip", "container.link_local_ip", "169.254.8.8"),
    Case(
        said("--mac-address", "container.mac", MAC.upper()),
        attached(MacAddress=MAC),
        attached(MacAddress="02:42:ac:11:00:02"),
    ),
    Case(  # an older engine has it in the container's own configuration
        said("--mac-address as of old", "container.mac", MAC),
        having(inspected(Config={"MacAddress": MAC}, NetworkSettings={"Networks": {}})),
        having(inspected(NetworkSettings={"Networks": {}})),
    ),
    inside("--mac-address", "container.mac", MAC.replace(":", "-")),
    Case(
        said("--network-alias", "container.alias", NetworkAlias("", "db")),
        attached(Aliases=["db", "5d2a"]),
        attached(Aliases=None),
    ),
    Case(
        said("--network name=n,alias=db", "container.alias", NetworkAlias("n", "db")),
        attached(Aliases=["db"]),
        renamed(having(inspected(NetworkSettings={"Networks": {"m-r1": {"Aliases": ["db"]}}}))),
    ),
    Case(
        said("--network driver-opt", "container.network_option", "a=b"),
        attached(DriverOpts={"a": "b"}),
        attached(DriverOpts=None),
    ),
    Case(
        said("--network gw-priority", "container.gateway_priority", 7),
        attached(GwPriority=7),
        attached(GwPriority=0),
        attached(),
        "this engine knows no priority of a gateway",
    ),
    Case(
        said("--link", "container.link", LINK),
        linked(BARE),
        host(Links=None),
    ),
    Case(
        said("--link, on a network", "container.link", LINK),
        attached(Links=["other-r1:li"]),
        attached(Links=["other-r1:lo"]),
    ),
    Case(
        said("--link", "container.link", LINK, "inside"), linked(TEXTS), linked(BARE), HIDDEN, ENDED
    ),
    Case(
        said("--link, on a network", "container.link", LINK, "inside"),
        linked(TEXTS),
        linked(BARE),
        renamed(reading(TEXTS, NetworkSettings={"Networks": {"n": {"Links": ["other:li"]}}})),
        "on a user's network the engine's own resolver knows the name, not /etc/hosts",
    ),
    Case(
        said("--network", "container.network", "n", "inside"),
        addressed(TEXTS),
        addressed(BARE),
        addressed(TEXTS, ""),
        "the engine tells no address on that network",
    ),
    Case(
        said("--network none", "container.network", "none", "inside"),
        reading(BARE),
        reading(TEXTS),
        HIDDEN,
        ENDED,
    ),
    Case(
        said("--network container:other", "container.network", "container:other", "inside"),
        joined(TEXTS),
        joined(BARE),
        beside("container:ab12"),
        f"{ROUTES} {UNREAD}",
    ),
    Case(
        said("network disconnect", "container.network_left", "n"),
        on_network("m-r1"),
        on_network("n-r1"),
    ),
    Case(
        said("--expose", "container.exposed", "80/udp"),
        config(ExposedPorts={"80/udp": {}}),
        config(ExposedPorts={"80/tcp": {}}),
    ),
    Case(
        said("--expose, in capitals", "container.exposed", "80/udp"),
        config(ExposedPorts={"80/UDP": {}}),
        config(ExposedPorts={"80/TCP": {}}),
    ),
    Case(
        said("-P, of one in capitals", "container.ports_published", True),
        having(
            inspected(
                Config={"ExposedPorts": {"80/TCP": {}}},
                HostConfig={"PublishAllPorts": True},
                NetworkSettings={"Ports": {"80/tcp": [{"HostIp": "", "HostPort": "49153"}]}},
            )
        ),
        having(
            inspected(Config={"ExposedPorts": {"80/TCP": {}}}, HostConfig={"PublishAllPorts": True})
        ),
    ),
    Case(
        said("-P", "container.ports_published", True),
        having(
            inspected(
                Config={"ExposedPorts": {"80/tcp": {}}},
                HostConfig={"PublishAllPorts": True},
                NetworkSettings={"Ports": {"80/tcp": [{"HostIp": "", "HostPort": "49153"}]}},
            )
        ),
        having(
            inspected(Config={"ExposedPorts": {"80/tcp": {}}}, HostConfig={"PublishAllPorts": True})
        ),
    ),
]
