"""Published ports: the short and the long form of ``-p``."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator
from dataclasses import dataclass

from lifecycle.command.values.basic import ImpossibleError
from lifecycle.command.values.promised import Promised
from lifecycle.command.values.structured import Structured

_HIGHEST = 65535
_PROTOCOLS = ("tcp", "udp", "sctp")


@dataclass(frozen=True)
class PublishedPort(Structured):
    """A port of the container, ``80/tcp``, and where it is published.

    An empty ``host_ip`` is every address; ``host_port`` may be a range to choose from, or empty.
    """

    container: str
    host_ip: str
    host_port: str


def published(text: str) -> list[PublishedPort]:
    """Every port that one ``-p`` publishes."""
    address, host, container = _parts(_short(text))
    port, slash, protocol = container.partition("/")
    protocol = (protocol.partition("/")[0] if slash else "").lower() or "tcp"
    if not port:
        raise ImpossibleError("no container port", "write HOST_PORT:CONTAINER_PORT")
    first, last = _range(port, "container port")
    host_first, host_last = _range(host, "host port") if host else (0, 0)
    if host and last - first != host_last - host_first and first != last:
        raise ImpossibleError(f"the ranges {port} and {host} differ in length")
    if protocol not in _PROTOCOLS:
        raise ImpossibleError(f"invalid protocol {protocol}", f"{', '.join(_PROTOCOLS)} are known")
    return [
        PublishedPort(
            f"{first + n}/{protocol}",
            address,
            _host_port(host, host_first + n, single=first == last),
        )
        for n in range(last - first + 1)
    ]


def exposed(text: str) -> list[str]:
    """The ports of one ``--expose``."""
    port, _, protocol = text.partition("/")
    first, last = _range(port, "port")
    protocol = protocol.lower() or "tcp"
    if protocol not in _PROTOCOLS:
        raise ImpossibleError(f"invalid protocol {protocol}", f"{', '.join(_PROTOCOLS)} are known")
    return [f"{number}/{protocol}" for number in range(first, last + 1)]


def each_exposed(ports: list[str]) -> Iterator[Promised[str]]:
    """One promise a port."""
    for port in ports:
        yield "", port, ""


def each_port(ports: list[PublishedPort]) -> Iterator[Promised[PublishedPort]]:
    """One promise a port."""
    for port in ports:
        yield "", port, ""


def each_answer(ports: list[PublishedPort]) -> Iterator[Promised[PublishedPort]]:
    """One promise a port that a listener inside is reached through it."""
    for port in ports:
        untried = "" if port.container.rpartition("/")[2] != "sctp" else "SCTP is not tried"
        yield "", port, untried


def _short(text: str) -> str:
    """The long form (``target=80,published=8080``) as the short one."""
    if "=" not in text:
        return text
    parts = {"published": "", "target": "", "protocol": "tcp"}
    for part in text.split(","):
        key, equals, value = part.partition("=")
        if not equals or not key:
            raise ImpossibleError(f"invalid part {part}", "write target=80,published=8080")
        parts[key] = value
    return f"{parts['published']}:{parts['target']}/{parts['protocol']}"


def _parts(text: str) -> tuple[str, str, str]:
    """Host address, host port, container port."""
    *front, container = text.split(":")
    host = front.pop() if front else ""
    address = ":".join(front)
    if not address:
        return "", host, container
    bare = address[1:-1] if address.startswith("[") and address.endswith("]") else address
    try:
        ipaddress.ip_address(bare)
    except ValueError:
        raise ImpossibleError(f"invalid IP address {address}") from None
    return bare, host, container


def _range(text: str, what: str) -> tuple[int, int]:
    match = re.fullmatch(r"([0-9]{1,5})(?:-([0-9]{1,5}))?", text, re.ASCII)
    first, last = (int(match[1]), int(match[2] or match[1])) if match else (1, 0)
    if not first <= last <= _HIGHEST:
        raise ImpossibleError(f"invalid {what} {text}", f"a port is a number up to {_HIGHEST}")
    return first, last


def _host_port(written: str, number: int, *, single: bool) -> str:
    if not written or written == "0":
        return ""
    return written if single and "-" in written else str(number)
