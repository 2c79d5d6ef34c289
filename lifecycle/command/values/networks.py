"""Networks: ``--network``, ``--add-host``, ``--link``."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from lifecycle.command.values.basic import ImpossibleError, address, integer, mac_address
from lifecycle.command.values.csv_fields import fields
from lifecycle.command.values.promised import Promised
from lifecycle.command.values.structured import Structured

BUILT_IN = frozenset({"bridge", "host", "none", "default"})
_KEYS = frozenset(
    {"name", "alias", "driver-opt", "ip", "ip6", "mac-address", "link-local-ip", "gw-priority"}
)
_READ: dict[str, Callable[[str], str | int]] = {
    "ip": address,
    "ip6": address,
    "link-local-ip": address,
    "mac-address": mac_address,
    "gw-priority": integer,
}


@dataclass(frozen=True)
class NetworkAttachment:
    """A network by ``name``, and what else its ``--network`` says: keys, each with a value."""

    name: str
    settings: tuple[tuple[str, str | int], ...]

    def values(self, key: str) -> tuple[str | int, ...]:
        """What it says under one key, in order."""
        return tuple(value for known, value in self.settings if known == key)


@dataclass(frozen=True)
class NetworkAlias(Structured):
    """A further name of the container on a network; an empty ``network`` is any of the line's."""

    network: str
    alias: str


@dataclass(frozen=True)
class ExtraHost(Structured):
    """A name that /etc/hosts inside knows, and its address, or ``host-gateway``."""

    host: str
    address: str


@dataclass(frozen=True)
class Link(Structured):
    """Another container, and the name by which this one knows it."""

    container: str
    alias: str


def network(text: str) -> NetworkAttachment:
    """The network and how a container is on it, from the short or the long form."""
    name, _ = network_at(text)
    if not name or name == "container:":
        raise ImpossibleError("no network is named")
    pairs = ((f.key.lower(), f.value or "") for f in (fields(text) if "=" in text else ()))
    settings = tuple((key, _READ.get(key, str)(value)) for key, value in pairs if key != "name")
    return NetworkAttachment(name, settings)


def network_at(text: str) -> tuple[str, int]:
    """The network's name and where it stands in the text."""
    if "=" not in text:
        return text, 0
    name, at = "", 0
    for field in fields(text):
        if field.value is None or field.key.lower() not in _KEYS:
            raise ImpossibleError(f"invalid field {field.key}", "write name=NETWORK,alias=NAME")
        if field.key.lower() == "name":
            name, at = field.value, field.at
    return name, at


def is_user_network(name: str) -> bool:
    """Whether a network is one that somebody made."""
    return bool(name) and name not in BUILT_IN and not name.startswith("container:")


def its_name(attachment: NetworkAttachment) -> Iterator[Promised[str]]:
    """The network that the container is on."""
    yield "", attachment.name, ""


def its_name_inside(attachment: NetworkAttachment) -> Iterator[Promised[str]]:
    """The same, where an address inside can show it: the host's network has none of its own."""
    if attachment.name != "host":
        yield from its_name(attachment)


def its_aliases(attachment: NetworkAttachment) -> Iterator[Promised[NetworkAlias]]:
    """The names that the container has on that network."""
    for alias in attachment.values("alias"):
        yield "", NetworkAlias(attachment.name, str(alias)), ""


def its(key: str) -> Callable[[NetworkAttachment], Iterator[Promised[str | int]]]:
    """What the long form says under one key."""

    def shape(attachment: NetworkAttachment) -> Iterator[Promised[str | int]]:
        for value in attachment.values(key):
            yield "", value, ""

    return shape


def an_alias(text: str) -> Iterator[Promised[NetworkAlias]]:
    """An alias on whichever network the line names."""
    yield "", NetworkAlias("", text), ""


def a_host(text: str) -> Iterator[Promised[ExtraHost]]:
    """``HOST:IP`` of --add-host, in its parts."""
    at = min(i for i in (text.find("="), text.find(":")) if i >= 0)
    number = text[at + 1 :]
    if number.startswith("["):
        number = number.removeprefix("[").removesuffix("]")
    yield "", ExtraHost(text[:at], number), ""


def a_link(text: str) -> Iterator[Promised[Link]]:
    """``CONTAINER[:ALIAS]`` of --link; without an alias the name is one."""
    name, _, alias = text.partition(":")
    yield "", Link(name, alias or name), ""
