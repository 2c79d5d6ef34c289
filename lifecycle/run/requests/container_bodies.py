"""What inspects and bodies tell of the container that a request is about."""

from __future__ import annotations

from lifecycle.run.requests import bodies
from lifecycle.text.json_object import Json


def is_new_and_temporary(container: Json) -> bool:
    """Whether a container has never run, and is to go when it ends."""
    is_new = (container.get("State") or {}).get("Status") == "created"
    return is_new and bool((container.get("HostConfig") or {}).get("AutoRemove"))


def drop_aliases(body: Json, network: str) -> None:
    """On somebody's network no name of ours is known."""
    endpoints = (body.get("NetworkingConfig") or {}).get("EndpointsConfig") or {}
    if network in endpoints:
        endpoints[network] = bodies.without_aliases(endpoints[network])


def volumes(container: Json) -> list[Json]:
    """The volumes that a container mounts."""
    return [mount for mount in container.get("Mounts") or [] if mount.get("Type") == "volume"]


def is_anonymous(container: Json, mount: Json) -> bool:
    """A volume that no word of the line named: nobody else can hold it."""
    host = container.get("HostConfig") or {}
    named = {str(b).split(":", 1)[0] for b in host.get("Binds") or []}
    named |= {m.get("Source", "") for m in host.get("Mounts") or []}
    return mount["Name"] not in named and not host.get("VolumesFrom")
