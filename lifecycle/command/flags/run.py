"""The flags of ``docker run`` and ``docker create``."""

from __future__ import annotations

from lifecycle.command import name_rules
from lifecycle.command.flag_row import (
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
    when_given,
)
from lifecycle.command.values import (
    basic,
    detach_keys,
    env_files,
    gpus,
    lifetime,
    limits,
    mounts,
    networks,
    ports,
    security,
)

CLIENT = "how the client shows or waits, not what the engine does"
WINDOWS = "for Windows containers only"
TRUST = "whether signatures are looked at, not what is made"

_NEWER_MOUNTS = (
    ("bind-create-src", "is refused by the CLI before Docker 29.3"),
    ("volume-subpath", "is passed over by engines before Docker 26"),
)
_NEWER_NETWORKS = (
    ("gw-priority", "is passed over by engines before Docker 28"),
    ("mac-address", "is refused by the CLI before Docker 25"),
)
_NO_WEIGHT = "engines discard it where the kernel has no blkio.weight"

_UINT16 = basic.between(0, 2**16 - 1)
_RATE_BYTES = limits.device_rate(basic.size)
_RATE_COUNT = limits.device_rate(basic.between(0, 2**63 - 1))
_WEIGHT = limits.device_rate(basic.between(10, 1000))


_MOUNTED = (
    Says("container.mount", SEEN_INSIDE, mounts.each_mount),
    Says("container.mount.access", INSIDE, mounts.access),
    Says("container.mount.round_trip", HOST, mounts.round_trip),
    Says("container.mount.option", INSPECT, mounts.declared),
    Says("container.mount.option", INSIDE, mounts.effective),
)


def _entrypoint(text: str) -> tuple[str, ...]:
    """An empty entrypoint takes the image's away."""
    return (text,) if text else ()


def _limit(name: str) -> tuple[Says, ...]:
    """A limit of the cgroup: declared also where it says that there is none."""
    field = f"container.{name}"
    return Says(field, INSPECT), Says(field, INSIDE, limits.when_set)


def _namespace(kind: str) -> tuple[Says, ...]:
    """A namespace: whose it is, as declared, and by the kernel's own numbers."""
    return (
        Says(f"container.{kind}", INSPECT, when_given),
        Says(f"container.{kind}.namespace", INSIDE, lifetime.whose),
    )


def _health(name: str) -> tuple[Says, ...]:
    """A setting of the health check; zero is the engine's own."""
    return (Says("container.health.setting", INSPECT, lifetime.setting(name)),)


CREATE: tuple[Flag, ...] = (
    many(
        "--add-host",
        read=basic.extra_host,
        says=(Says("container.host", SEEN_INSIDE, networks.a_host),),
    ),
    pairs(
        "--annotation",
        read=basic.pair,
        says=(Says("container.annotations", INSPECT, by_key),),
        untested="needs Docker 24",
    ),
    many("--attach", "-a", read=basic.stream, none=CLIENT),
    value("--blkio-weight", read=_UINT16, says=_limit("blkio_weight"), untested=_NO_WEIGHT),
    many(
        "--blkio-weight-device",
        read=_WEIGHT,
        says=(Says("container.blkio_weight_device", SEEN_INSIDE),),
        untested=_NO_WEIGHT,
    ),
    many("--cap-add", read=security.capability, says=(Says("container.cap_add", SEEN_INSIDE),)),
    many("--cap-drop", read=security.capability, says=(Says("container.cap_drop", SEEN_INSIDE),)),
    value("--cgroup-parent", says=(Says("container.cgroup_parent", SEEN_INSIDE, when_given),)),
    value("--cgroupns", read=basic.one_of("host", "private", ""), says=_namespace("cgroupns")),
    value("--cidfile", says=(Says("file.exists", HOST), Says("container.id_file", HOST))),
    value("--cpu-count", read=basic.integer, none=WINDOWS),
    value("--cpu-percent", read=basic.integer, none=WINDOWS),
    value("--cpu-period", read=basic.integer, says=_limit("cpu_period")),
    value("--cpu-quota", read=basic.integer, says=_limit("cpu_quota")),
    value("--cpu-rt-period", read=basic.integer, says=_limit("cpu_rt_period")),
    value(
        "--cpu-rt-runtime",
        read=basic.integer,
        says=_limit("cpu_rt_runtime"),
        untested="needs a parent cgroup with realtime to give",
    ),
    value("--cpu-shares", "-c", read=basic.integer, says=_limit("cpu_shares")),
    value("--cpus", read=basic.decimal, says=_limit("cpus")),
    value(
        "--cpuset-cpus",
        read=limits.cpu_list,
        says=(Says("container.cpuset_cpus", SEEN_INSIDE, when_given),),
    ),
    value(
        "--cpuset-mems",
        read=limits.cpu_list,
        says=(Says("container.cpuset_mems", SEEN_INSIDE, when_given),),
    ),
    many(
        "--device",
        read=security.device,
        says=(
            Says("container.device", INSPECT),
            Says("container.device.node", INSIDE, security.node),
        ),
    ),
    many(
        "--device-cgroup-rule",
        read=basic.cgroup_rule,
        says=(Says("container.device_rule", SEEN_INSIDE),),
    ),
    many(
        "--device-read-bps",
        read=_RATE_BYTES,
        says=(Says("container.device_read_bps", SEEN_INSIDE),),
    ),
    many(
        "--device-read-iops",
        read=_RATE_COUNT,
        says=(Says("container.device_read_iops", SEEN_INSIDE),),
    ),
    many(
        "--device-write-bps",
        read=_RATE_BYTES,
        says=(Says("container.device_write_bps", SEEN_INSIDE),),
    ),
    many(
        "--device-write-iops",
        read=_RATE_COUNT,
        says=(Says("container.device_write_iops", SEEN_INSIDE),),
    ),
    switch("--disable-content-trust", none=TRUST),
    many("--dns", read=basic.address, says=(Says("container.dns", SEEN_INSIDE),)),
    many(
        "--dns-option",
        aliases=("--dns-opt",),
        says=(Says("container.dns_option", SEEN_INSIDE),),
    ),
    many("--dns-search", says=(Says("container.dns_search", SEEN_INSIDE),)),
    value("--domainname", says=(Says("container.domainname", SEEN_INSIDE),)),
    value("--entrypoint", read=_entrypoint, says=(Says("container.entrypoint", INSPECT),)),
    many("--env", "-e", read=basic.variable, says=(Says("container.env", SEEN_INSIDE, by_key),)),
    many(
        "--env-file",
        says=(Says("container.env", SEEN_INSIDE, by_key),),
        lines=env_files.variables,
    ),
    many(
        "--expose",
        read=ports.exposed,
        says=(Says("container.exposed", INSPECT, ports.each_exposed),),
    ),
    many(
        "--gpus",
        read=gpus.gpus,
        says=(Says("container.gpus", INSPECT), Says("container.gpus.visible", INSIDE)),
    ),
    many("--group-add", says=(Says("container.groups", SEEN_INSIDE),)),
    value(
        "--health-cmd",
        says=(
            Says("container.health.command", INSPECT, when_given),
            Says("container.health.watched", INSPECT, lifetime.watched),
        ),
    ),
    value("--health-interval", read=basic.nanoseconds, says=_health("interval")),
    value("--health-retries", read=basic.between(0, 2**63 - 1), says=_health("retries")),
    value(
        "--health-start-interval",
        read=basic.nanoseconds,
        says=_health("start_interval"),
        untested="needs Docker 25",
    ),
    value("--health-start-period", read=basic.nanoseconds, says=_health("start_period")),
    value("--health-timeout", read=basic.nanoseconds, says=_health("timeout")),
    value("--hostname", "-h", says=(Says("container.hostname", SEEN_INSIDE),)),
    switch("--init", says=(Says("container.init", SEEN_INSIDE),)),
    switch("--interactive", "-i", says=(Says("container.stdin", INSPECT),)),
    value("--io-maxbandwidth", read=basic.size, none=WINDOWS),
    value("--io-maxiops", read=basic.integer, none=WINDOWS),
    value("--ip", read=basic.address, says=(Says("container.ip", SEEN_INSIDE),)),
    value("--ip6", read=basic.address, says=(Says("container.ip", SEEN_INSIDE),)),
    value(
        "--ipc",
        read=basic.namespace("", "none", "private", "shareable", "host"),
        names=name_rules.other_container,
        says=_namespace("ipc"),
    ),
    value("--isolation", none=WINDOWS),
    value(
        "--kernel-memory",
        read=basic.size,
        says=_limit("kernel_memory"),
        untested="kernels since 5.16 keep no such limit: it is broken inside",
    ),
    many("--label", "-l", read=basic.pair, says=(Says("container.labels", INSPECT, by_key),)),
    many(
        "--label-file",
        says=(Says("container.labels", INSPECT, by_key),),
        lines=env_files.labels,
    ),
    many(
        "--link",
        read=basic.link,
        says=(Says("container.link", SEEN_INSIDE, networks.a_link),),
        names=name_rules.before_colon,
    ),
    many(
        "--link-local-ip",
        read=basic.address,
        says=(Says("container.link_local_ip", SEEN_INSIDE),),
    ),
    value("--log-driver", says=(Says("container.log_driver", INSPECT, when_given),)),
    many("--log-opt", read=basic.pair, says=(Says("container.log_opt", INSPECT, by_key),)),
    value(
        "--mac-address",
        read=basic.mac_address,
        says=(Says("container.mac", SEEN_INSIDE),),
        untested="the CLI refuses it before Docker 25",
    ),
    value("--memory", "-m", read=basic.size, says=_limit("memory")),
    value("--memory-reservation", read=basic.size, says=_limit("memory_reservation")),
    value(
        "--memory-swap",
        read=basic.swap_size,
        says=(Says("container.memory_swap", SEEN_INSIDE, limits.when_set),),
    ),
    value(
        "--memory-swappiness",
        read=basic.between(-1, 100),
        says=(Says("container.memory_swappiness", SEEN_INSIDE, limits.when_not_default),),
    ),
    many(
        "--mount",
        read=mounts.mount,
        says=_MOUNTED,
        names=name_rules.mount_value,
        untested_keys=_NEWER_MOUNTS,
    ),
    value("--name", says=(Says("container.name", INSPECT),), names=name_rules.new_container),
    many(
        "--network",
        aliases=("--net",),
        read=networks.network,
        says=(
            Says("container.network", INSPECT, networks.its_name),
            Says("container.network", INSIDE, networks.its_name_inside),
            Says("container.alias", INSPECT, networks.its_aliases),
            Says("container.ip", SEEN_INSIDE, networks.its("ip")),
            Says("container.ip", SEEN_INSIDE, networks.its("ip6")),
            Says("container.link_local_ip", SEEN_INSIDE, networks.its("link-local-ip")),
            Says("container.mac", SEEN_INSIDE, networks.its("mac-address")),
            Says("container.network_option", INSPECT, networks.its("driver-opt")),
            Says("container.gateway_priority", INSPECT, networks.its("gw-priority")),
        ),
        names=name_rules.network_value,
        untested_keys=_NEWER_NETWORKS,
    ),
    many(
        "--network-alias",
        aliases=("--net-alias",),
        says=(Says("container.alias", INSPECT, networks.an_alias),),
    ),
    switch("--no-healthcheck", says=(Says("container.no_healthcheck", INSPECT),)),
    switch("--oom-kill-disable", says=(Says("container.oom_kill_disable", SEEN_INSIDE),)),
    value(
        "--oom-score-adj",
        read=basic.between(-1000, 1000),
        says=(Says("container.oom_score_adj", SEEN_INSIDE),),
    ),
    value(
        "--pid",
        read=basic.namespace("", "host"),
        names=name_rules.other_container,
        says=_namespace("pid"),
    ),
    value("--pids-limit", read=limits.count, says=_limit("pids_limit")),
    value("--platform", read=basic.platform, says=(Says("container.platform", INSPECT),)),
    switch(
        "--privileged",
        says=(Says("container.privileged", SEEN_INSIDE),),
        untested="needs an engine with CAP_SYS_RESOURCE",
    ),
    many(
        "--publish",
        "-p",
        read=ports.published,
        says=(
            Says("container.port", INSPECT, ports.each_port),
            Says("container.port.answers", HOST, ports.each_answer),
        ),
    ),
    switch("--publish-all", "-P", says=(Says("container.ports_published", INSPECT),)),
    value("--pull", read=basic.one_of("always", "missing", "never"), none="how the image is got"),
    switch("--quiet", "-q", none=CLIENT),
    switch("--read-only", says=(Says("container.read_only", SEEN_INSIDE),)),
    value("--restart", read=basic.restart_policy, says=(Says("container.restart", INSPECT),)),
    switch("--rm", says=(Says("container.removed_on_exit", INSPECT),)),
    value("--runtime", says=(Says("container.runtime", INSPECT, when_given),)),
    many(
        "--security-opt",
        read=security.option,
        says=(
            Says("container.security", INSPECT, by_key),
            Says("container.security", INSIDE, security.shown_inside),
        ),
    ),
    value("--shm-size", read=basic.size, says=(Says("container.shm_size", SEEN_INSIDE),)),
    value("--stop-signal", says=(Says("container.stop_signal", INSPECT, when_given),)),
    value("--stop-timeout", read=basic.integer, says=(Says("container.stop_timeout", INSPECT),)),
    many(
        "--storage-opt",
        read=basic.option,
        says=(Says("container.storage_opt", INSPECT, by_key),),
        untested="needs overlay2 on xfs with project quotas",
    ),
    pairs("--sysctl", read=basic.sysctl, says=(Says("container.sysctl", SEEN_INSIDE, by_key),)),
    many("--tmpfs", read=mounts.tmpfs, says=_MOUNTED),
    switch("--tty", "-t", says=(Says("container.tty", SEEN_INSIDE),)),
    many("--ulimit", read=limits.ulimit, says=(Says("container.ulimit", SEEN_INSIDE, by_key),)),
    switch("--use-api-socket", says=(Says("container.api_socket", SEEN_INSIDE),)),
    value("--user", "-u", says=(Says("container.user", SEEN_INSIDE),)),
    value("--userns", read=basic.one_of("host", ""), says=_namespace("userns")),
    value("--uts", read=basic.one_of("host", ""), says=_namespace("uts")),
    many(
        "--volume",
        "-v",
        read=mounts.volume,
        says=_MOUNTED,
        names=name_rules.volume_value,
    ),
    value("--volume-driver", says=(Says("container.volume_driver", INSPECT),)),
    many(
        "--volumes-from",
        read=mounts.volumes_from,
        says=(Says("container.volumes_from", SEEN_INSIDE),),
        names=name_rules.before_colon,
    ),
    value("--workdir", "-w", says=(Says("container.workdir", SEEN_INSIDE),)),
)

RUN: tuple[Flag, ...] = (
    *CREATE,
    switch("--detach", "-d", none=CLIENT),
    value("--detach-keys", read=detach_keys.read, none=CLIENT),
    switch("--sig-proxy", none=CLIENT),
)
