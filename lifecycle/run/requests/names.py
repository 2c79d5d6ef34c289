"""Names that would mean somebody else's thing, or make theirs mean ours."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Mapping

from lifecycle.engine.daemon import Daemon
from lifecycle.machine import addresses
from lifecycle.run.requests.refusal import Refused
from lifecycle.text.json_object import Json

_LIKE_AN_ID = re.compile("[0-9a-f]{4,64}")
"""Of the digits of an id people type four at least."""
_BRIDGE = "com.docker.network.bridge.name"
_PREFIX = "com.docker.network.container_iface_prefix"
_BRIDGE_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,14}")
_ALL_OF_THEM = frozenset({"all", "default"})
"""Where the kernel keeps settings by the names of interfaces, these stand for every one."""
_PREFIX_NAME = re.compile("[A-Za-z][A-Za-z0-9]{0,9}")
"""A number follows it, and an interface's name has 15 characters at most."""


MOST_NAMES = 100


def refuse_too_many(names: Collection[str]) -> None:
    """Raise Refused for a container of so many names that to look them up takes a while.

    What the first of them means could change until the last one is looked up.
    """
    if len(names) > MOST_NAMES:
        raise Refused(
            f"a container that names {len(names)} volumes, folders, networks and containers is not "
            f"made: {MOST_NAMES} are the most that are looked up for one; name fewer"
        )


_CHECKPOINT = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9_.-]+")
"""What the engine itself takes for the name of a checkpoint that is to be made."""


def refuse_a_folder_of_checkpoints(folders: Iterable[str], names: Iterable[str]) -> None:
    """Raise Refused for checkpoints elsewhere than in the engine's own place.

    It lists, writes and removes as root whatever folder it is told; so it does by a name that
    leads to one.
    """
    for folder in filter(None, folders):
        raise Refused(
            f"checkpoints in the folder {folder} are not let through: the engine lists, writes and "
            "removes there as root, whosever it is; leave the folder out (--checkpoint-dir)"
        )
    for name in filter(None, names):
        if _CHECKPOINT.fullmatch(name) is None:
            raise Refused(
                f"checkpoint {name} is not let through: its name may lead to another folder; "
                "name it by letters, digits, dots, - and _"
            )


def refuse_an_id(ask: Callable[[str], Json | None], kind: str, name: str) -> None:
    """Raise Refused for a name that is the beginning of the id of another thing.

    The engine takes a name before the beginning of an id: whoever types theirs would mean ours.
    """
    typed = name.removesuffix(":latest").removeprefix("sha256:")
    if _LIKE_AN_ID.fullmatch(typed) is None:
        return
    thing = ask(typed) or {}
    if str(thing.get("Id") or "").removeprefix("sha256:").startswith(typed):
        raise Refused(
            f"{kind} {name} is not made: the id of another {kind} begins so, and whoever asks the "
            "engine for that one would get this one; choose another name"
        )


_OPTIONS = frozenset(
    {
        *("com.docker.network.bridge.name", "com.docker.network.bridge.enable_icc"),
        *("com.docker.network.bridge.enable_ip_masquerade", "com.docker.network.driver.mtu"),
        *("com.docker.network.bridge.host_binding_ipv4", "com.docker.network.bridge.inhibit_ipv4"),
        *("com.docker.network.bridge.gateway_mode_ipv4", "com.docker.network.bridge.host_ipv4"),
        *("com.docker.network.bridge.gateway_mode_ipv6", "com.docker.network.host_ipv4"),
        *("com.docker.network.host_ipv6", "com.docker.network.container_iface_prefix"),
        *("com.docker.network.enable_ipv4", "com.docker.network.enable_ipv6"),
    }
)
"""What the engine's own drivers do to a new network only."""


def refuse_unknown_options(name: str, options: Mapping[str, str]) -> None:
    """Raise Refused for an option of the engine's own of which it is not known what it changes.

    ``default_bridge`` among them makes a network of the bridge that everybody is on.
    """
    for option in options:
        if option.casefold().startswith("com.docker.network.") and option not in _OPTIONS:
            raise Refused(
                f"network {name} is not made: what the option {option} changes for others is not "
                "known"
            )


def refuse_a_bridge(
    daemon: Daemon, name: str, options: Mapping[str, str], *, source: str = ""
) -> None:
    """Raise Refused for a network on an interface that is there, or on more than one.

    Its addresses would change for everybody on it. The engine writes the name into rules of the
    machine's packet filter, where a plus stands for whatever follows: a rule of ``+`` is for all.
    ``source`` is the id of the settings that the options are from, which are on no bridge.
    """
    prefix, bridge = options.get(_PREFIX, ""), options.get(_BRIDGE, "")
    if prefix and not _PREFIX_NAME.fullmatch(prefix):
        raise Refused(
            f"network {name} is not made: its containers' interfaces would be called {prefix!r} "
            "and a number; choose a word of at most 10 letters and digits"
        )
    if not bridge:
        return
    if not _BRIDGE_NAME.fullmatch(bridge) or bridge in _ALL_OF_THEM:
        raise Refused(
            f"network {name} would be on the bridge {bridge!r}, which may mean other interfaces "
            "too: choose a name of at most 15 letters, digits, dots, dashes and underscores"
        )
    networks = [n for n in daemon.networks() if n["Id"] != source]
    taken = {str((n.get("Options") or {}).get(_BRIDGE) or "") for n in networks}
    taken |= {f"br-{n['Id'][:12]}" for n in networks}
    here = daemon.shares_machine and (addresses.INTERFACES / bridge).exists()
    if bridge in taken or here:
        raise Refused(
            f"network {name} would take the bridge {bridge}, which is there: its addresses would "
            "change for everybody on it"
        )
