"""Every method that an engine's BuildKit serves by gRPC, and what a call of it does.

There is no default: what is not in this table is refused, as it is for the engine's endpoints. A
method's path is compared as it was sent, so that no other spelling of one gets through.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum

CONTROL = "/moby.buildkit.v1.Control"
BRIDGE = "/moby.buildkit.v1.frontend.LLBBridge"
SOLVE, HISTORY = f"{CONTROL}/Solve", f"{CONTROL}/UpdateBuildHistory"
PART = f"{BRIDGE}/Solve"
BUILD_HEADER = b"buildkit-controlapi-buildid"
"""Where a call of the bridge says which build it is part of."""


class Does(Enum):
    """What becomes of a call."""

    PASSES = "reads, or does nothing by itself"
    ASKS = "is judged by what it asks"
    IN_A_BUILD = "is part of a build, which must be this run's"
    ASKS_IN_A_BUILD = "is part of a build, which must be this run's, and is judged by what it asks"
    REFUSED = "is never let through"


@dataclass(frozen=True)
class Method:
    """One method. ``why`` is the reason of one that is never let through."""

    does: Does
    why: str = ""


def _all(does: Does, service: str, *names: str, why: str = "") -> dict[str, Method]:
    return {f"{service}/{name}": Method(does, why) for name in names}


_CONTENT = "/containerd.services.content.v1.Content"
_STORED = "what builds have stored is everybody's"
METHODS: Mapping[str, Method] = {
    **_all(
        Does.PASSES,
        CONTROL,
        *("DiskUsage", "Info", "ListWorkers", "ListenBuildHistory", "Status"),
        "Session",  # where BuildKit asks for a build's files, as it does on POST /session
    ),
    **_all(Does.ASKS, CONTROL, "Solve", "UpdateBuildHistory"),
    **_all(
        Does.REFUSED,
        CONTROL,
        "Prune",
        why="a prune removes the cache that other people's builds stand on",
    ),
    **_all(Does.PASSES, BRIDGE, "Ping"),
    **_all(
        Does.IN_A_BUILD,
        BRIDGE,
        *("ResolveImageConfig", "ResolveSourceMeta", "Evaluate", "Inputs", "Return"),
        *("ReadFile", "ReadDir", "StatFile", "Warn"),
        *("NewContainer", "ReleaseContainer", "ExecProcess"),
        *("ReadFileContainer", "ReadDirContainer", "StatFileContainer"),
    ),
    **_all(Does.ASKS_IN_A_BUILD, BRIDGE, "Solve"),
    **_all(Does.PASSES, _CONTENT, "Info", "List", "Status", "ListStatuses", "Read"),
    **_all(Does.REFUSED, _CONTENT, "Update", "Delete", "Write", "Abort", why=_STORED),
    **_all(Does.PASSES, "/opentelemetry.proto.collector.trace.v1.TraceService", "Export"),
    **_all(Does.PASSES, "/grpc.health.v1.Health", "Check", "List", "Watch"),
}
"""The table."""

UNKNOWN = Method(Does.REFUSED, "what it does is not known")
