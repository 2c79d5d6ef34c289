"""Whom this machine talks to, by address: most are behind its default route, which names nobody.

Names are not looked up: of a server that is known by its name only, a connection tells.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress
from ipaddress import IPv4Address, IPv6Address, ip_address
from pathlib import Path
from urllib.parse import urlsplit

from lifecycle.machine.procfs import mount_lines, socket_address

CONNECTIONS = tuple(Path("/proc/net") / name for name in ("tcp", "tcp6", "udp", "udp6"))
MOUNTS = Path("/proc/self/mountinfo")
HOSTS = Path("/etc/hosts")
Address = IPv4Address | IPv6Address
_ESTABLISHED = "01"
_SERVER = re.compile(r"\[([0-9A-Fa-f:.]+)\]|([0-9]+(?:\.[0-9]+){3})|([0-9A-Fa-f:]+(?=:/))")
"""An address as a mount's device has it; those of IPv6 stand in brackets, or before the path."""
_OPTION = re.compile(r"(?:mount)?addr=(.+)")


def peers() -> Iterator[tuple[Address, str]]:
    """The addresses of others, each with what is there."""
    for address in _connected():
        yield address, f"{address}, to which it has a connection,"
    for address, place in _file_servers():
        yield address, f"{address}, the server of {place},"
    for line in lines(HOSTS):
        for address in _addresses(line.partition("#")[0].split()[:1]):
            yield address, f"{address}, which stands in {HOSTS},"


def server(text: str) -> Address | None:
    """The address in a proxy's or a registry's name; None for one that is a name."""
    with suppress(ValueError):
        return ip_address(urlsplit(text if "//" in text else f"//{text}").hostname or "")
    return None


def _connected() -> Iterator[Address]:
    """The far ends of connections. Shapes: ``proc_net_tcp``, whose words are the machine's."""
    for file in CONNECTIONS:
        for line in lines(file):
            with suppress(ValueError, IndexError):
                fields = line.split()
                if fields[3] == _ESTABLISHED:
                    yield _far_end(fields[2].partition(":")[0])


def _far_end(digits: str) -> Address:
    address = ip_address(socket_address(digits))
    return getattr(address, "ipv4_mapped", None) or address


def _file_servers() -> Iterator[tuple[Address, str]]:
    """The servers of what is mounted: ``host:/path``, ``//host/path``, and the option ``addr``."""
    for mount in mount_lines("\n".join(lines(MOUNTS))):
        device = mount.source
        named = _SERVER.findall(device) if ":" in device or device.startswith("//") else []
        options = (m[1] for m in map(_OPTION.fullmatch, mount.super_options) if m)
        for address in _addresses([*(text for found in named for text in found), *options]):
            yield address, mount.target


def _addresses(texts: list[str]) -> Iterator[Address]:
    for text in texts:
        with suppress(ValueError):
            yield ip_address(text.partition("%")[0])


def lines(path: Path) -> list[str]:
    """The lines of a file; none of one that can't be read."""
    with suppress(OSError):
        return path.read_text(errors="replace").splitlines()
    return []
