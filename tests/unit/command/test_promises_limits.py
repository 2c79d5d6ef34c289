"""What the flags promise that limit, secure and time a container."""

from __future__ import annotations

import shlex
from typing import Any

import pytest

from lifecycle.command.line import CommandError
from lifecycle.command.parse import parse
from lifecycle.command.promises import promises
from lifecycle.command.values.limits import Ulimit, ulimit
from lifecycle.command.values.structured import as_json

Kept = tuple[str, Any, str]
NS = 10**9


def said(flags: str) -> list[Kept]:
    """Field, expected as JSON and place of what the flags of a run promise."""
    found = promises(parse(["docker", "run", *shlex.split(flags), "x"]))
    return [(p.field, as_json(p.expected), p.where) for p in found if p.flag.startswith("-")]


def both(field: str, expected: Any) -> list[Kept]:
    return [(field, expected, "inspect"), (field, expected, "inside")]


def declared(field: str, expected: Any) -> list[Kept]:
    return [(field, expected, "inspect")]


def namespace(kind: str, mode: str, whose: str) -> list[Kept]:
    return [
        (f"container.{kind}", mode, "inspect"),
        (f"container.{kind}.namespace", whose, "inside"),
    ]


def device(source: str, target: str, mode: str = "rwm") -> list[Kept]:
    held = {"source": source, "target": target, "permissions": mode}
    return [("container.device", held, "inspect"), ("container.device.node", target, "inside")]


RATE = {"device": "/dev/sda", "rate": 2**20}


@pytest.mark.parametrize(
    ("flags", "expected"),
    [
        ("--memory 1.5g", both("container.memory", 3 * 2**29)),
        ("-m 0", declared("container.memory", 0)),
        ("--memory-swap -1", both("container.memory_swap", -1)),
        ("--memory-swap 0", []),
        ("--memory-reservation 1m", both("container.memory_reservation", 2**20)),
        ("--memory-swappiness 0", both("container.memory_swappiness", 0)),
        ("--memory-swappiness -1", []),
        ("--kernel-memory 50m", both("container.kernel_memory", 50 * 2**20)),
        ("--cpus .5", both("container.cpus", NS // 2)),
        ("-c 512", both("container.cpu_shares", 512)),
        ("--cpu-period 50000", both("container.cpu_period", 50000)),
        ("--cpu-quota -1", both("container.cpu_quota", -1)),
        ("--cpu-rt-period 9", both("container.cpu_rt_period", 9)),
        ("--cpu-rt-runtime 9", both("container.cpu_rt_runtime", 9)),
        ("--cpuset-cpus 0-2,4", both("container.cpuset_cpus", "0-2,4")),
        ("--cpuset-mems=", []),
        ("--blkio-weight 300", both("container.blkio_weight", 300)),
        (
            "--blkio-weight-device /dev/sda:300",
            both("container.blkio_weight_device", {"device": "/dev/sda", "rate": 300}),
        ),
        ("--device-read-bps /dev/sda:1m", both("container.device_read_bps", RATE)),
        ("--device-write-bps /dev/sda:1m", both("container.device_write_bps", RATE)),
        (
            "--device-read-iops /dev/sda:7 --device-write-iops /dev/sda:8",
            [
                *both("container.device_read_iops", {"device": "/dev/sda", "rate": 7}),
                *both("container.device_write_iops", {"device": "/dev/sda", "rate": 8}),
            ],
        ),
        ("--pids-limit 50", both("container.pids_limit", 50)),
        ("--pids-limit -1", declared("container.pids_limit", 0)),
        (
            "--ulimit nofile=1:2 --ulimit core=0 --ulimit nofile=3",
            [
                *both("container.ulimit.nofile", {"soft": 3, "hard": 3}),
                *both("container.ulimit.core", {"soft": 0, "hard": 0}),
            ],
        ),
        ("--oom-kill-disable", both("container.oom_kill_disable", True)),
        ("--oom-score-adj -5", both("container.oom_score_adj", -5)),
        ("--cap-add net_admin", both("container.cap_add", "CAP_NET_ADMIN")),
        ("--cap-drop all", both("container.cap_drop", "ALL")),
        (
            "--security-opt no-new-privileges",
            both("container.security.no_new_privileges", True),
        ),
        (
            "--security-opt no-new-privileges:false",
            declared("container.security.no_new_privileges", False),
        ),
        ("--security-opt seccomp=a.json", both("container.security.seccomp", "a.json")),
        ("--security-opt apparmor:mine", both("container.security.apparmor", "mine")),
        ("--security-opt label=user:me", declared("container.security.label.user", "user:me")),
        (
            "--security-opt systempaths=unconfined",
            both("container.security.systempaths", "unconfined"),
        ),
        ("--privileged", both("container.privileged", True)),
        ("--privileged=false", declared("container.privileged", False)),
        ("--read-only", both("container.read_only", True)),
        ("--device /dev/a", device("/dev/a", "/dev/a")),
        ("--device /dev/a:r", device("/dev/a", "/dev/a", "r")),
        ("--device /dev/a:/dev/b/", device("/dev/a", "/dev/b")),
        ("--device /dev/a:/dev/b:mr", device("/dev/a", "/dev/b", "mr")),
        ("--device nvidia.com/gpu=0", declared("container.device", {"cdi": "nvidia.com/gpu=0"})),
        ("--device-cgroup-rule 'c 1:* r'", both("container.device_rule", "c 1:* r")),
        ("--sysctl net.a=1 --sysctl net.a=2", both("container.sysctl.net.a", "2")),
        ("--init", both("container.init", True)),
        ("--ipc shareable", namespace("ipc", "shareable", "private")),
        ("--ipc container:c", declared("container.ipc", "container:c")),
        ("--pid host", namespace("pid", "host", "host")),
        ("--uts host", namespace("uts", "host", "host")),
        ("--uts=", []),
        ("--userns host", namespace("userns", "host", "host")),
        ("--cgroupns private", namespace("cgroupns", "private", "private")),
        ("--cgroup-parent /lab", both("container.cgroup_parent", "/lab")),
        (
            "--group-add 44 --group-add audio",
            [*both("container.groups", "44"), *both("container.groups", "audio")],
        ),
        (
            "--restart on-failure:08",
            declared("container.restart", {"name": "on-failure", "retries": 8}),
        ),
        ("--restart=", declared("container.restart", {"name": "no", "retries": 0})),
        ("--stop-signal INT", declared("container.stop_signal", "INT")),
        ("--stop-timeout -1", declared("container.stop_timeout", -1)),
        (
            "--health-cmd 'exit 0'",
            [
                ("container.health.command", "exit 0", "inspect"),
                ("container.health.watched", True, "inspect"),
            ],
        ),
        (
            "--health-interval 1h1m1.5s",
            declared("container.health.setting.interval", 36615 * NS // 10),
        ),
        ("--health-timeout 5ms", declared("container.health.setting.timeout", 5 * 10**6)),
        ("--health-start-period 1000µs", declared("container.health.setting.start_period", 10**6)),
        ("--health-start-interval 0", []),
        ("--health-retries 3", declared("container.health.setting.retries", 3)),
        ("--no-healthcheck", declared("container.no_healthcheck", True)),
        ("--log-driver local", declared("container.log_driver", "local")),
        ("--log-opt a=b --log-opt a=c", declared("container.log_opt.a", "c")),
        ("--runtime crun", declared("container.runtime", "crun")),
        ("--platform linux/aarch64", declared("container.platform", "linux/arm64")),
        ("--annotation a.b=c", declared("container.annotations.a.b", "c")),
        ("--storage-opt size=1G", declared("container.storage_opt.size", "1G")),
        ("--use-api-socket", both("container.api_socket", True)),
    ],
)
def test_a_flag_promises_where_a_person_can_see_it(flags: str, expected: list[Kept]) -> None:
    assert said(flags) == expected


@pytest.mark.parametrize(
    ("flags", "says"),
    [
        ("--cap-add NET_ADMN", "unknown capability NET_ADMN; did you mean NET_ADMIN"),
        ("--cap-drop ''", "unknown capability"),
        ("--cpuset-cpus 0-", "not a list of numbers"),
        ("--device a:b", "b is not an absolute path"),
        ("--device /a:/b:x", "bad mode specified: x"),
        ("--device /a:/b:r:w", "not a device"),
        ("--device :/b", "not a device"),
        ("--device /a:", "nothing is not an absolute path"),
        ("--device /a:rr", "rr is not an absolute path"),
        ("--device a", "a is not an absolute path"),
        ("--security-opt no-new-privs", "unknown security option"),
        ("--security-opt seccomp", "invalid --security-opt"),
        ("--security-opt NO", "not a security option"),
        ("--security-opt no-new-privileges=perhaps", "not a boolean"),
        ("--security-opt systempaths=on", "invalid --security-opt"),
        ("--ipc foo", "not a namespace"),
        ("--health-interval 1us", "less than 1ms"),
        ("--health-interval 9999999h", "a duration out of range"),
        ("--ulimit nofile=2:1", "the soft limit 2 is more than the hard limit 1"),
        ("--storage-opt a", "not KEY=VALUE"),
    ],
)
def test_a_value_that_the_engine_is_sure_to_refuse_is_an_error(flags: str, says: str) -> None:
    with pytest.raises(CommandError, match=says):
        said(flags)


def test_of_two_security_options_about_the_same_the_last_is_promised() -> None:
    both_ways = "--security-opt seccomp=a.json --security-opt seccomp=unconfined"
    assert said(both_ways) == said("--security-opt seccomp=unconfined")


def test_the_parts_of_a_label_are_promised_side_by_side() -> None:
    parts = said("--security-opt label=user:me --security-opt label=role:r")
    assert [expected for _, expected, _ in parts] == ["user:me", "role:r"]


@pytest.mark.parametrize(
    "name",
    [
        *("core", "cpu", "data", "fsize", "locks", "memlock", "msgqueue", "nice", "nofile"),
        *("nproc", "rss", "rtprio", "rttime", "sigpending", "stack"),
    ],
)
def test_every_limit_of_linux_is_known_by_docker_s_name(name: str) -> None:
    assert ulimit(f"{name}=1:2") == (name, Ulimit(1, 2))
