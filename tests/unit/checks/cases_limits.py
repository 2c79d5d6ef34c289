"""The rows of what a container may use; see cases.py for their form."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from lifecycle.checks.limits import DEVICE_LIMITS, LIMITS
from lifecycle.command.promise import Expected, Promise
from lifecycle.command.values.limits import DeviceRate, Ulimit
from lifecycle.facts.model import Facts
from tests.unit.checks.cases import Case, host
from tests.unit.checks.samples import (
    SEEN,
    UNSEEN,
    having,
    inspected,
    said,
    seeing,
)

ENDED = "it ended before it could be asked"
GONE = having(inspected(), UNSEEN)
CGROUP = "/sys/fs/cgroup/"
LIMIT_FILES = {
    # The file, what it holds of the expected value, and what it holds of another.
    "memory": ("memory/memory.limit_in_bytes", "67108864", "67174400"),
    "memory, v2": ("memory.max", "67104768", "max"),
    "memory_swap": ("memory/memory.memsw.limit_in_bytes", "67108864", "9223372036854771712"),
    "memory_swap, v2": ("memory.swap.max", "33554432", "0"),
    "memory_reservation": ("memory/memory.soft_limit_in_bytes", "67108864", "1"),
    "memory_reservation, v2": ("memory.low", "67108864", "0"),
    "memory_swappiness": ("memory/memory.swappiness", "67108864", "60"),
    "kernel_memory": ("memory/memory.kmem.limit_in_bytes", "67108864", "9223372036854771712"),
    "cpu_quota": ("cpu/cpu.cfs_quota_us", "67108864", "-1"),
    "cpu_quota, v2": ("cpu.max", "67108864 100000", "max 67108864"),
    "cpu_period": ("cpu/cpu.cfs_period_us", "67108864", "100000"),
    "cpu_period, v2": ("cpu.max", "max 67108864", "67108864 100000"),
    "cpu_shares": ("cpu/cpu.shares", "67108864", "1024"),
    "cpu_shares, v2": ("cpu.weight", "10000", "100"),
    "cpu_rt_period": ("cpu/cpu.rt_period_us", "67108864", "1000000"),
    "cpu_rt_runtime": ("cpu/cpu.rt_runtime_us", "67108864", "0"),
    "pids_limit": ("pids/pids.max", "67108864", "max"),
    "pids_limit, v2": ("pids.max", "67108864", "100"),
    "blkio_weight": ("blkio/blkio.bfq.weight", "67108864", "100"),
    "blkio_weight, v2": ("io.bfq.weight", "default 67108864\n8:0 100", "default 100"),
}
SIZE = 64 * 2**20
DEVICE = DeviceRate("/dev/sda", 100)
HALF = {"Memory": SIZE // 2}


def reads(files: dict[str, str], **host_config: Any) -> Facts:
    """Facts of a look that read these files of the kernel."""
    return having(inspected(HostConfig=host_config), replace(SEEN, proc=files))


def inside(flag: str, field: str, expected: Expected) -> Promise:
    return said(flag, field, expected, "inside")


def unread(what: str) -> str:
    return f"{what} can't be read inside"


def _limit_case(named: str, file: str, kept: str, broken: str) -> Case:
    name = named.partition(",")[0]
    field = f"container.{name}"
    paths = " or ".join(LIMITS[field].paths)
    return Case(
        inside(f"--{named}", field, SIZE),
        reads({CGROUP + file: f"{kept}\n"}, **HALF),
        reads({CGROUP + file: f"{broken}\n"}, **HALF),
        seeing(),
        unread(paths),
    )


def _cpus(quota: str, period: str = "100000") -> Facts:
    return reads({f"{CGROUP}cpu/cpu.cfs_quota_us": quota, f"{CGROUP}cpu/cpu.cfs_period_us": period})


LIMITED = [
    *(
        Case(said(f"--{field}", field, SIZE), host(**{limit.key: SIZE}), host(**{limit.key: None}))
        for field, limit in LIMITS.items()
    ),
    *(_limit_case(named, *files) for named, files in LIMIT_FILES.items()),
    Case(inside("--cpus", "container.cpus", 15 * 10**8), _cpus("150000"), _cpus("-1"), GONE, ENDED),
    Case(
        inside("--cpus, v2", "container.cpus", 333_333_333),
        reads({f"{CGROUP}cpu.max": "33333 100000\n"}),
        reads({f"{CGROUP}cpu.max": "33332 100000\n"}),
    ),
    Case(
        inside("--cpu-shares, curve", "container.cpu_shares", 1024),
        reads({f"{CGROUP}cpu.weight": "100\n"}),
        reads({f"{CGROUP}cpu.weight": "101\n"}),
    ),
    Case(
        inside("--memory-swap -1", "container.memory_swap", -1),
        reads({f"{CGROUP}memory.swap.max": "max\n"}, **HALF),
        reads({f"{CGROUP}memory.swap.max": "0\n"}, **HALF),
    ),
    *(
        Case(
            said(f"--{field}", field, DEVICE),
            host(**{limit.key: [{"Path": "/dev/sda", limit.rate: 100}]}),
            host(**{limit.key: [{"Path": "/dev/sdb", limit.rate: 100}]}),
        )
        for field, limit in DEVICE_LIMITS.items()
    ),
    *(
        Case(
            inside(f"--{field}", field, DEVICE),
            reads({limit.paths[0]: "8:0 100\n8:16 7\n"}),
            reads({limit.paths[0]: "8:0 101\n"}),
            seeing(),
            unread(" or ".join(limit.paths)),
        )
        for field, limit in DEVICE_LIMITS.items()
    ),
    *(
        Case(
            inside(f"--{field}, v2", field, DEVICE),
            reads({f"{CGROUP}io.max": f"8:0 other=5 {limit.v2_key}=100 last=max\n"}),
            reads({f"{CGROUP}io.max": f"8:0 other=100 {limit.v2_key}=max\n"}),
        )
        for field, limit in DEVICE_LIMITS.items()
        if limit.v2_key
    ),
    *(
        case
        for what in ("cpus", "mems")
        for case in (
            Case(
                said(f"--cpuset-{what}", f"container.cpuset_{what}", "0-2"),
                host(**{f"Cpuset{what.title()}": "0-2"}),
                host(**{f"Cpuset{what.title()}": ""}),
            ),
            Case(
                inside(f"--cpuset-{what}", f"container.cpuset_{what}", "0-2,4"),
                reads({f"{CGROUP}cpuset/cpuset.{what}": "0,1,2,4\n"}),
                reads({f"{CGROUP}cpuset.{what}": "0-4\n"}),
                seeing(),
                unread(f"{CGROUP}cpuset/cpuset.{what} or {CGROUP}cpuset.{what}"),
            ),
        )
    ),
    Case(
        said("--oom-kill-disable", "container.oom_kill_disable", True),
        host(OomKillDisable=True),
        host(OomKillDisable=None),
    ),
    Case(
        inside("--oom-kill-disable", "container.oom_kill_disable", True),
        reads({f"{CGROUP}memory/memory.oom_control": "oom_kill_disable 1\nunder_oom 0\n"}),
        reads({f"{CGROUP}memory/memory.oom_control": "oom_kill_disable 0\nunder_oom 0\n"}),
        seeing(),
        unread(f"{CGROUP}memory/memory.oom_control"),
    ),
    Case(
        said("--oom-score-adj", "container.oom_score_adj", -5),
        host(OomScoreAdj=-5),
        host(OomScoreAdj=0),
    ),
    Case(
        inside("--oom-score-adj", "container.oom_score_adj", -5),
        reads({"/proc/1/oom_score_adj": "-5\n"}),
        reads({"/proc/1/oom_score_adj": "0\n"}),
        seeing(),
        unread("/proc/1/oom_score_adj"),
    ),
    Case(
        said("--ulimit", "container.ulimit.nofile", Ulimit(1, 2)),
        host(Ulimits=[{"Name": "nofile", "Soft": 1, "Hard": 2}]),
        host(Ulimits=[{"Name": "nproc", "Soft": 1, "Hard": 2}]),
    ),
    Case(
        inside("--ulimit", "container.ulimit.nofile", Ulimit(1024, -1)),
        reads({"/proc/1/limits": "Max open files            1024      unlimited     files     \n"}),
        reads({"/proc/1/limits": "Max open files            1024      2048          files     \n"}),
        seeing(),
        unread("/proc/1/limits"),
    ),
]
