"""Names that would mean somebody else's thing, or make theirs mean ours."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from lifecycle.engine.daemon import Daemon
from lifecycle.run.ownership.refusing import Refused

Json = dict[str, Any]
_LIKE_AN_ID = re.compile("[0-9a-f]{12,64}")
_BRIDGE = "com.docker.network.bridge.name"
_INTERFACES = Path("/sys/class/net")


def refuse_an_id(ask: Callable[[str], Json | None], kind: str, name: str) -> None:
    """Refuse a name that is the beginning of somebody's id, as docker prints it.

    The engine takes a name before the beginning of an id: whoever types theirs would mean ours.
    """
    if _LIKE_AN_ID.fullmatch(name) is None:
        return
    seen = ask(name)
    identity = str((seen or {}).get("Id") or "").removeprefix("sha256:")
    if identity.startswith(name):
        raise Refused(
            f"{kind} {name} would have the id of another {kind} for its name: whoever asks the "
            "engine for that one would get this one"
        )


def names_a_tag(outputs: str) -> bool:
    """Whether the outputs that a build is asked for may give its result a name."""
    if not outputs:
        return False
    try:
        said = json.loads(outputs)
        kept = [{k.casefold(): v for k, v in one.items()} for one in said or ()]
        return any("name" in (one.get("attrs") or {}) for one in kept)
    except (ValueError, RecursionError, AttributeError, TypeError):
        return True


def refuse_a_bridge(daemon: Daemon, name: str, options: Json) -> None:
    """Refuse a network on an interface that is there: its addresses would change for everybody."""
    bridge = str(options.get(_BRIDGE) or "")
    if not bridge:
        return
    taken = {str((n.get("Options") or {}).get(_BRIDGE) or "") for n in daemon.networks()}
    taken |= {f"br-{n['Id'][:12]}" for n in daemon.networks()}
    here = daemon.shares_machine and "/" not in bridge and (_INTERFACES / bridge).exists()
    if bridge in taken or here:
        raise Refused(
            f"network {name} would take the bridge {bridge}, which is there: its addresses would "
            "change for everybody on it"
        )
