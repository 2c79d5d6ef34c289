"""What inspects and bodies tell of the container that a request is about."""

from __future__ import annotations

from collections.abc import Collection

from lifecycle.command.references import is_whole_id
from lifecycle.run.requests import bodies
from lifecycle.text.json_object import Json

"""A name that the engine chose itself."""


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


def givers(container: Json) -> list[str]:
    """The containers whose volumes a container is to have as well, as they are named there."""
    texts = (container.get("HostConfig") or {}).get("VolumesFrom") or []
    return [str(text).partition(":")[0] for text in texts]


def anonymous(container: Json, given: Collection[str]) -> list[str]:
    """The volumes that no word of the line named: nobody else can hold them.

    ``given`` are those of the containers whose volumes it has as well.
    """
    host = container.get("HostConfig") or {}
    named = {str(b).split(":", 1)[0] for b in host.get("Binds") or []}
    named |= {m.get("Source", "") for m in host.get("Mounts") or []} | set(given)
    names = (str(mount.get("Name")) for mount in volumes(container))
    return [name for name in names if name not in named and is_whole_id(name)]
