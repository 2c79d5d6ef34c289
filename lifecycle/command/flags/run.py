"""The flags of ``docker run`` and ``docker create``."""

from __future__ import annotations

from lifecycle.command import gpus, mounts, naming, networks, ports, values
from lifecycle.command.row import (
    HOST,
    INSIDE,
    INSPECT,
    SEEN_INSIDE,
    Flag,
    Says,
    by_key,
    many,
    pairs,
    switch,
    value,
)

CLIENT = "how the client shows or waits, not what the engine does"
WINDOWS = "for Windows containers only"
TRUST = "whether signatures are looked at, not what is made"

_UINT16 = values.between(0, 2**16 - 1)
_RATE_BYTES = values.device_rate(values.size)
_RATE_COUNT = values.device_rate(values.between(0, 2**63 - 1))
_WEIGHT = values.device_rate(values.between(10, 1000))


def _entrypoint(text: str) -> list[str]:
    """An empty entrypoint takes the image's away."""
    return [text] if text else []


CREATE: tuple[Flag, ...] = (
    many("--add-host", read=values.extra_host),
    pairs("--annotation"),
    many("--attach", "-a", read=values.stream, none=CLIENT),
    value("--blkio-weight", read=_UINT16),
    many("--blkio-weight-device", read=_WEIGHT),
    many("--cap-add"),
    many("--cap-drop"),
    value("--cgroup-parent"),
    value("--cgroupns", read=values.one_of("host", "private", "")),
    value("--cidfile", says=(Says("file.exists", HOST),)),
    value("--cpu-count", read=values.integer, none=WINDOWS),
    value("--cpu-percent", read=values.integer, none=WINDOWS),
    value("--cpu-period", read=values.integer),
    value("--cpu-quota", read=values.integer),
    value("--cpu-rt-period", read=values.integer),
    value("--cpu-rt-runtime", read=values.integer),
    value("--cpu-shares", "-c", read=values.integer),
    value("--cpus", read=values.decimal),
    value("--cpuset-cpus"),
    value("--cpuset-mems"),
    many("--device"),
    many("--device-cgroup-rule", read=values.cgroup_rule),
    many("--device-read-bps", read=_RATE_BYTES),
    many("--device-read-iops", read=_RATE_COUNT),
    many("--device-write-bps", read=_RATE_BYTES),
    many("--device-write-iops", read=_RATE_COUNT),
    switch("--disable-content-trust", none=TRUST),
    many("--dns", read=values.address),
    many("--dns-option", aliases=("--dns-opt",)),
    many("--dns-search"),
    value("--domainname"),
    value("--entrypoint", read=_entrypoint, says=(Says("container.entrypoint", INSPECT),)),
    many("--env", "-e", read=values.variable, says=(Says("container.env", SEEN_INSIDE, by_key),)),
    many("--env-file"),
    many("--expose", read=ports.exposed),
    many(
        "--gpus",
        read=gpus.gpus,
        says=(Says("container.gpus", INSPECT), Says("container.gpus.visible", INSIDE)),
    ),
    many("--group-add"),
    value("--health-cmd"),
    value("--health-interval", read=values.duration),
    value("--health-retries", read=values.integer),
    value("--health-start-interval", read=values.duration),
    value("--health-start-period", read=values.duration),
    value("--health-timeout", read=values.duration),
    value("--hostname", "-h", says=(Says("container.hostname", SEEN_INSIDE),)),
    switch("--init"),
    switch("--interactive", "-i", says=(Says("container.stdin", INSPECT),)),
    value("--io-maxbandwidth", read=values.size, none=WINDOWS),
    value("--io-maxiops", read=values.integer, none=WINDOWS),
    value("--ip"),
    value("--ip6"),
    value("--ipc", names=naming.other_container),
    value("--isolation", none=WINDOWS),
    value("--kernel-memory", read=values.size),
    many("--label", "-l", read=values.pair, says=(Says("container.labels", INSPECT, by_key),)),
    many("--label-file"),
    many("--link", read=values.link, names=naming.before_colon),
    many("--link-local-ip"),
    value("--log-driver"),
    many("--log-opt"),
    value("--mac-address", read=values.mac_address),
    value("--memory", "-m", read=values.size),
    value("--memory-reservation", read=values.size),
    value("--memory-swap", read=values.swap_size),
    value("--memory-swappiness", read=values.between(-1, 100)),
    many(
        "--mount",
        read=mounts.mount,
        says=(
            Says("container.mount", SEEN_INSIDE, mounts.each_mount),
            Says("container.mount.access", INSIDE, mounts.access),
            Says("container.mount.round_trip", HOST, mounts.round_trip),
        ),
        names=naming.mount_value,
    ),
    value("--name", says=(Says("container.name", INSPECT),), names=naming.new_container),
    many(
        "--network",
        aliases=("--net",),
        read=networks.network,
        says=(Says("container.network", INSPECT),),
        names=naming.network_value,
    ),
    many("--network-alias", aliases=("--net-alias",)),
    switch("--no-healthcheck"),
    switch("--oom-kill-disable"),
    value("--oom-score-adj", read=values.between(-1000, 1000)),
    value("--pid", read=values.namespace("", "host"), names=naming.other_container),
    value("--pids-limit", read=values.integer),
    value("--platform"),
    switch("--privileged"),
    many(
        "--publish",
        "-p",
        read=ports.published,
        says=(
            Says("container.port", INSPECT, ports.each_port),
            Says("container.port.answers", HOST, ports.each_answer),
        ),
    ),
    switch("--publish-all", "-P"),
    value("--pull", read=values.one_of("always", "missing", "never"), none="how the image is got"),
    switch("--quiet", "-q", none=CLIENT),
    switch("--read-only"),
    value("--restart", read=values.restart_policy),
    switch("--rm", says=(Says("container.removed_on_exit", INSPECT),)),
    value("--runtime"),
    many("--security-opt"),
    value("--shm-size", read=values.size, says=(Says("container.shm_size", SEEN_INSIDE),)),
    value("--stop-signal"),
    value("--stop-timeout", read=values.integer),
    many("--storage-opt", read=values.key_value),
    pairs("--sysctl", read=values.sysctl),
    many("--tmpfs"),
    switch("--tty", "-t", says=(Says("container.tty", SEEN_INSIDE),)),
    many("--ulimit", read=values.ulimit),
    switch("--use-api-socket"),
    value("--user", "-u", says=(Says("container.user", SEEN_INSIDE),)),
    value("--userns", read=values.one_of("host", "")),
    value("--uts", read=values.one_of("host", "")),
    many(
        "--volume",
        "-v",
        read=mounts.volume,
        says=(
            Says("container.mount", SEEN_INSIDE, mounts.each_mount),
            Says("container.mount.access", INSIDE, mounts.access),
            Says("container.mount.round_trip", HOST, mounts.round_trip),
        ),
        names=naming.volume_value,
    ),
    value("--volume-driver"),
    many("--volumes-from", names=naming.before_colon),
    value("--workdir", "-w", says=(Says("container.workdir", SEEN_INSIDE),)),
)

RUN: tuple[Flag, ...] = (
    *CREATE,
    switch("--detach", "-d", none=CLIENT),
    value("--detach-keys", none=CLIENT),
    switch("--sig-proxy", none=CLIENT),
)
