"""Networks: ``--network``."""

from __future__ import annotations

from lifecycle.command.fields import fields
from lifecycle.command.values import ImpossibleError

BUILT_IN = frozenset({"bridge", "host", "none", "default"})
_KEYS = frozenset(
    {"name", "alias", "driver-opt", "ip", "ip6", "mac-address", "link-local-ip", "gw-priority"}
)


def network(text: str) -> str:
    """The network's name, from the short or the long form."""
    name, _ = network_at(text)
    if not name or name == "container:":
        raise ImpossibleError("no network is named")
    return name


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


def network_mode(text: str) -> str:
    """The name that the daemon shows; ``default`` is the bridge."""
    name = network(text)
    return "bridge" if name == "default" else name
