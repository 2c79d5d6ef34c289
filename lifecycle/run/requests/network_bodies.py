"""What bodies and inspects of networks tell: of which settings, scope and addresses."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from lifecycle.run.requests.bodies import items, mapping, options_of, text_of
from lifecycle.text.json_object import Json


def config_from(body: Json) -> str:
    """The network whose settings another is to take; empty for none. Raises BodyError."""
    return text_of(mapping(body.get("ConfigFrom"), "ConfigFrom").get("Network"), "Network")


@dataclass(frozen=True)
class Pool:
    """Addresses of a network as a body writes them, and what of them it names apart."""

    subnet: str
    parts: tuple[str, ...]


def pools(network: Json) -> Iterator[Pool]:
    """The addresses that a network has, or is to have. Raises BodyError."""
    for one in items(mapping(network.get("IPAM"), "IPAM").get("Config"), "Config"):
        pool = mapping(one, "Config")
        parts = (text_of(pool.get(key), key) for key in ("IPRange", "Gateway"))
        yield Pool(text_of(pool.get("Subnet"), "Subnet"), tuple(filter(None, parts)))


def scope(body: Json) -> str:
    """For whom a network is to be; empty for this engine's. Raises BodyError."""
    return "ingress" if body.get("Ingress") else text_of(body.get("Scope"), "Scope")


def addresses_by(network: Json) -> tuple[str, dict[str, str]]:
    """Who gives out a network's addresses, and with which options. Raises BodyError."""
    by = mapping(network.get("IPAM"), "IPAM")
    return text_of(by.get("Driver"), "Driver"), options_of(by, "Options")
