"""Every endpoint of the engine's API, and what a request to it does to things of the engine.

There is no default: what is not in this table is refused. Paths are those of the Docker Engine
API (https://docs.docker.com/reference/api/engine/), without the version in front of them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum
from functools import cached_property, lru_cache
from typing import Literal

Body = Literal["none", "json", "stream", "archive"]
"""How a request's body is treated: dropped, read and judged, passed on, or kept and looked into."""
Upgrade = Literal["", "tcp", "h2c", "websocket"]
"""To what the connection of a request may change."""
_WITH_SLASHES = frozenset({"images", "distribution", "plugins"})
_LOOKED_UP = ("GET/containers/{id}/json", "GET/networks/{id}", "GET/volumes/{name}")


class Act(Enum):
    """What a request does: who judges it, and how."""

    READ = "reads"
    REFUSED = "is never let through"
    CREATE_CONTAINER = "makes a container"
    TOUCH_CONTAINER = "changes, enters or copies from a container"
    REMOVE_CONTAINER = "removes a container"
    RENAME_CONTAINER = "renames a container"
    UPDATE_CONTAINER = "changes what a container may use, and whether it is started again"
    CHECKPOINT = "lists, makes or removes checkpoints of a container, in a folder that it may name"
    CREATE_EXEC = "makes an exec in a container"
    TOUCH_EXEC = "starts or changes an exec"
    COMMIT = "makes an image of a container"
    PULL = "pulls or imports an image"
    LOAD = "loads images of an archive"
    TAG = "gives an image a tag"
    PUSH = "pushes a tag"
    REMOVE_IMAGE = "removes a tag or an image"
    BUILD = "builds an image"
    SESSION = "lets BuildKit ask for a build's files"
    GRPC = "asks BuildKit, call by call"
    CANCEL_BUILD = "cancels a build"
    CREATE_NETWORK = "makes a network"
    REMOVE_NETWORK = "removes a network"
    JOIN_NETWORK = "changes which containers are in a network"
    CREATE_VOLUME = "makes a volume"
    REMOVE_VOLUME = "removes a volume"


@dataclass(frozen=True)
class Endpoint:
    """One endpoint. ``why`` is the reason of one that is never let through."""

    method: str
    path: str
    act: Act
    body: Body
    upgrade: Upgrade
    why: str

    @cached_property
    def pattern(self) -> re.Pattern[str]:
        """What its paths look like; the name of an image may hold slashes, no other does.

        Else ``/services/ID/logs`` would be a service called ``ID/logs``. To ``docker inspect`` a
        name may be anything's: it asks for a container of an image's name first.
        """
        name = ".+" if self.path.split("/")[1] in _WITH_SLASHES or self._is_looked_up else "[^/]+"
        parts = re.split(r"\{(\w+)\}", self.path)
        made = [re.escape(p) if i % 2 == 0 else f"(?P<{p}>{name})" for i, p in enumerate(parts)]
        return re.compile("".join(made))

    @property
    def _is_looked_up(self) -> bool:
        """Whether it is what ``docker inspect`` asks of a container, a network or a volume."""
        return str(self) in _LOOKED_UP

    @property
    def exact(self) -> bool:
        """Whether it has no name in it."""
        return "{" not in self.path

    def __str__(self) -> str:
        return f"{self.method}{self.path}"


def _read(*paths: str) -> list[Endpoint]:
    return [Endpoint("GET", path, Act.READ, "none", "", "") for path in paths]


def _do(method: str, path: str, act: Act, body: Body = "none", upgrade: Upgrade = "") -> Endpoint:
    return Endpoint(method, path, act, body, upgrade, "")


def _never(why: str, *endpoints: str) -> list[Endpoint]:
    split = (one.split(" ") for one in endpoints)
    return [Endpoint(method, path, Act.REFUSED, "none", "", why) for method, path in split]


_PRUNE = "a prune removes other people's things; remove yours by name"
_SWARM = "a swarm is everybody's, and a run makes nothing in it"
_CLUSTER = "it changes a volume of the swarm, which other people's services use"
_PLUGIN = "a plugin changes the engine for everybody"
_SECRET_KEY = "it opens the swarm's secrets"  # noqa: S105 - a reason, no password
_LOGS = "the logs of a swarm's services are other people's"
_TOUCHED = ("kill", "pause", "unpause", "restart", "start", "stop", "wait", "resize")

ENDPOINTS: tuple[Endpoint, ...] = (
    _do("HEAD", "/_ping", Act.READ),
    *_read(
        *("/_ping", "/version", "/info", "/events", "/system/df"),
        *("/containers/json", "/containers/{id}/json", "/containers/{id}/changes"),
        *("/containers/{id}/top", "/containers/{id}/stats", "/exec/{id}/json"),
        *("/images/json", "/images/search", "/images/get", "/images/{name}/get"),
        *("/images/{name}/json", "/images/{name}/history", "/images/{name}/attestations"),
        *("/networks", "/networks/", "/networks/{id}", "/volumes", "/volumes/{name}"),
        *("/distribution/{name}/json", "/plugins", "/plugins/privileges", "/plugins/{name}/json"),
        *("/swarm", "/nodes", "/nodes/{id}", "/services", "/services/{id}"),
        *("/tasks", "/tasks/{id}", "/secrets", "/secrets/{id}", "/configs", "/configs/{id}"),
    ),
    # It asks a registry whether a password is right, and stores nothing.
    _do("POST", "/auth", Act.READ, "stream"),
    _do("POST", "/containers/create", Act.CREATE_CONTAINER, "json"),
    *(_do("POST", f"/containers/{{id}}/{what}", Act.TOUCH_CONTAINER) for what in _TOUCHED),
    _do("POST", "/containers/{id}/update", Act.UPDATE_CONTAINER, "json"),
    _do("POST", "/containers/{id}/rename", Act.RENAME_CONTAINER),
    _do("POST", "/containers/{id}/attach", Act.TOUCH_CONTAINER, "none", "tcp"),
    _do("GET", "/containers/{id}/attach/ws", Act.TOUCH_CONTAINER, "none", "websocket"),
    _do("GET", "/containers/{id}/logs", Act.TOUCH_CONTAINER),
    _do("GET", "/containers/{id}/export", Act.TOUCH_CONTAINER),
    _do("HEAD", "/containers/{id}/archive", Act.TOUCH_CONTAINER),
    _do("GET", "/containers/{id}/archive", Act.TOUCH_CONTAINER),
    _do("PUT", "/containers/{id}/archive", Act.TOUCH_CONTAINER, "stream"),
    # No mere reading: the engine lists any folder that it is told.
    _do("GET", "/containers/{id}/checkpoints", Act.CHECKPOINT),
    _do("POST", "/containers/{id}/checkpoints", Act.CHECKPOINT, "json"),
    _do("DELETE", "/containers/{id}/checkpoints/{checkpoint}", Act.CHECKPOINT),
    _do("DELETE", "/containers/{id}", Act.REMOVE_CONTAINER),
    _do("POST", "/containers/{id}/exec", Act.CREATE_EXEC, "json"),
    _do("POST", "/exec/{id}/start", Act.TOUCH_EXEC, "json", "tcp"),
    _do("POST", "/exec/{id}/resize", Act.TOUCH_EXEC),
    _do("POST", "/commit", Act.COMMIT, "json"),
    _do("POST", "/images/create", Act.PULL, "stream"),
    _do("POST", "/images/load", Act.LOAD, "archive"),
    _do("POST", "/images/{name}/tag", Act.TAG),
    _do("POST", "/images/{name}/push", Act.PUSH),
    _do("DELETE", "/images/{name}", Act.REMOVE_IMAGE),
    _do("POST", "/build", Act.BUILD, "stream"),
    _do("POST", "/build/cancel", Act.CANCEL_BUILD),
    _do("POST", "/session", Act.SESSION, "none", "h2c"),
    _do("POST", "/grpc", Act.GRPC, "none", "h2c"),
    _do("POST", "/networks/create", Act.CREATE_NETWORK, "json"),
    _do("POST", "/networks/{id}/connect", Act.JOIN_NETWORK, "json"),
    _do("POST", "/networks/{id}/disconnect", Act.JOIN_NETWORK, "json"),
    _do("DELETE", "/networks/{id}", Act.REMOVE_NETWORK),
    _do("POST", "/volumes/create", Act.CREATE_VOLUME, "json"),
    _do("DELETE", "/volumes/{name}", Act.REMOVE_VOLUME),
    *_never(
        _PRUNE,
        *(f"POST /{kind}/prune" for kind in ("containers", "images", "networks", "volumes")),
        "POST /build/prune",
    ),
    *_never(
        _SWARM,
        *(f"POST /swarm/{what}" for what in ("init", "join", "leave", "unlock", "update")),
        *("DELETE /nodes/{id}", "POST /nodes/{id}/update"),
        *("POST /services/create", "POST /services/{id}/update", "DELETE /services/{id}"),
        *("POST /secrets/create", "POST /secrets/{id}/update", "DELETE /secrets/{id}"),
        *("POST /configs/create", "POST /configs/{id}/update", "DELETE /configs/{id}"),
    ),
    *_never(_CLUSTER, "PUT /volumes/{name}"),
    *_never(_SECRET_KEY, "GET /swarm/unlockkey"),
    *_never(_LOGS, "GET /services/{id}/logs", "GET /tasks/{id}/logs"),
    *_never(
        _PLUGIN,
        *("POST /plugins/create", "POST /plugins/pull", "DELETE /plugins/{name}"),
        *(
            f"POST /plugins/{{name}}/{what}"
            for what in ("disable", "enable", "push", "set", "upgrade")
        ),
    ),
)
"""The table."""

_EXACT = {(e.method, e.path): e for e in ENDPOINTS if e.exact}


@lru_cache(maxsize=256)
def find(method: str, path: str) -> tuple[Endpoint, dict[str, str]] | None:
    """The endpoint of a path that has no version and no query, and the names in the path."""
    if (method, path) in _EXACT:
        return _EXACT[method, path], {}
    for endpoint in ENDPOINTS:
        if endpoint.method == method and (match := endpoint.pattern.fullmatch(path)):
            return endpoint, match.groupdict()
    return None
