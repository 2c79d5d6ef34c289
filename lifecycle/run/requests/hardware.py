"""Hardware addresses: whoever has another's gets its packets."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress
from ipaddress import IPv4Address

from lifecycle.machine import addresses
from lifecycle.text.json_object import Json

_DIGITS = re.compile(
    r"[0-9a-f]{2}(?:(?::[0-9a-f]{2}){5}|(?:-[0-9a-f]{2}){5})|[0-9a-f]{4}(?:\.[0-9a-f]{4}){2}",
    re.ASCII | re.IGNORECASE,
)
"""The three ways in which the engine reads six bytes; between them stands one and the same sign."""
_BY_THE_ENGINE = "0242"
"""How those begin that old engines make: the address in the network follows."""


def digits(address: str) -> str:
    """The twelve digits of a hardware address; empty for what the engine reads as none."""
    return re.sub("[-:.]", "", address).lower() if _DIGITS.fullmatch(address) else ""


def of_container(container: Json) -> set[str]:
    """The hardware addresses that a container has, or is to have when it starts.

    Listed, one that does not run has none.
    """
    networks = ((container.get("NetworkSettings") or {}).get("Networks") or {}).values()
    texts = [str((network or {}).get("MacAddress") or "") for network in networks]
    config = container.get("Config") or {}
    found = {digits(text) for text in (*texts, str(config.get("MacAddress") or ""))}
    return found - {""}


def of_machine() -> Iterator[str]:
    """Those of this machine's own interfaces."""
    for file in addresses.INTERFACES.glob("*/address"):
        with suppress(OSError):
            yield digits(file.read_text(errors="replace").strip())


def given_with(address: str) -> str:
    """The address in a network that an engine gives out with this hardware address; or empty."""
    begin, rest = address[:4], address[4:]
    return str(IPv4Address(int(rest, 16))) if begin == _BY_THE_ENGINE else ""
