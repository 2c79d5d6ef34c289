"""What an engine's answers and inspects tell of the thing that a request is about."""

from __future__ import annotations

import json
from typing import Any

from lifecycle.gate.gate import Answer
from lifecycle.run.ownership import bodies

Json = dict[str, Any]
OK = range(200, 300)


def is_new_and_temporary(seen: Json) -> bool:
    """Whether a container has never run, and is to go when it ends."""
    is_new = (seen.get("State") or {}).get("Status") == "created"
    return is_new and bool((seen.get("HostConfig") or {}).get("AutoRemove"))


def id_of(answer: Answer) -> str:
    """The id of what was made; empty where nothing was."""
    if answer.status not in OK:
        return ""
    try:
        said = json.loads(answer.body)
    except ValueError:
        return ""
    return str(said.get("Id") or "") if isinstance(said, dict) else ""


def drop_aliases(body: Json, network: str) -> None:
    """On somebody's network no name of ours is known."""
    endpoints = (body.get("NetworkingConfig") or {}).get("EndpointsConfig") or {}
    if network in endpoints:
        endpoints[network] = bodies.without_aliases(endpoints[network])


def is_anonymous(seen: Json, mount: Json) -> bool:
    """A volume that no word of the line named: nobody else can hold it."""
    host = seen.get("HostConfig") or {}
    named = {str(b).split(":", 1)[0] for b in host.get("Binds") or []}
    named |= {m.get("Source", "") for m in host.get("Mounts") or []}
    return mount["Name"] not in named and not host.get("VolumesFrom")
