"""Where a container's output goes: its driver speaks as the engine's root, to whom it is told to.

A driver that is told the address of a socket of the machine reaches what its person can't.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping

from lifecycle.run.requests import bodies
from lifecycle.text.json_object import Json

_BESIDE = frozenset({"json-file", "local", "none", "journald"})
"""Drivers of the engine's own that speak to nobody whom an option names."""
_ADDRESSES: Mapping[str, str] = {
    "syslog": "syslog-address",
    "gelf": "gelf-address",
    "fluentd": "fluentd-address",
    "splunk": "splunk-url",
}
"""Those that speak to a server, and the option that names it."""
_FILES = ("cert", "-key", "capath")
"""How options end that name a file which the engine reads."""
_ADDRESS = re.compile(
    r"(?:(?:tcp|udp|tcp\+tls|tls|https?)://)?"
    r"(?:\[(?P<six>[0-9a-fA-F:.]+)\]|(?P<four>[0-9.]+))(?::[0-9]{1,5})?/?"
)
_CONTROL = re.compile("[\0-\x1f\x7f-\x9f\u2028\u2029]")


def objection(body: Json, usual: str) -> str:
    """Why the output of a container may not go where its body says; empty where it may.

    ``usual`` is the driver that the engine takes where none is named.
    """
    named, options = bodies.log_config(body)
    if not named and not options:
        return ""  # as the engine's owner has it
    driver = named or usual
    for key, value in options.items():
        if _CONTROL.search(f"{key}{value}"):
            return f"the log option {key}={value[:40]!r} holds a control character"
    if driver in _BESIDE:
        return ""
    if driver not in _ADDRESSES:
        return (
            f"output by the log driver {driver} is not let through: to whom it speaks as the "
            "engine's root is not known"
        )
    return _objection_to_a_server(driver, options)


def _objection_to_a_server(driver: str, options: Mapping[str, str]) -> str:
    for key in options:
        if key.endswith(_FILES):
            return f"the log option {key} is not let through: the engine reads that file as root"
    address = options.get(_ADDRESSES[driver], "")
    if not _is_of_a_server(address):
        return (
            f"output by the log driver {driver} to {address or 'this machine itself'} is not let "
            "through: the engine would speak as root to a service of the machine; expected is a "
            f"{_ADDRESSES[driver]} of another machine by its number, as tcp://192.0.2.1:514"
        )
    return ""


def _is_of_a_server(address: str) -> bool:
    """Whether an address is another machine's: by number, since a name may come to mean this."""
    match = _ADDRESS.fullmatch(address)
    if match is None:
        return False
    try:
        number = ipaddress.ip_address(match["six"] or match["four"])
    except ValueError:
        return False
    inner = getattr(number, "ipv4_mapped", None) or number
    return not (inner.is_loopback or inner.is_unspecified or inner.is_link_local)
