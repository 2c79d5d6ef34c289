"""Promises about what a container may use: declared, and written in its cgroup and its rlimits."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from lifecycle.checks.check import Check, compare
from lifecycle.checks.inspect_fields import (
    first_process,
    from_inspect,
    host_config,
    keyed,
    not_seen,
)
from lifecycle.checks.rules import PHRASE, Judge, Rule, kernel, of_process
from lifecycle.command.promise import Promise
from lifecycle.command.values.limits import DeviceRate, Ulimit, in_list
from lifecycle.facts.model import ContainerFacts, Facts
from lifecycle.text.json_object import Json

Read = Callable[[int, Sequence[str], Json], Any]
"""From the expected value, the files' texts and HostConfig to what the files say."""

_CGROUP = "/sys/fs/cgroup/"
_PAGE = 65536
"""The largest page there is: a kernel keeps memory limits in whole pages of its own size."""
_NO_LIMIT = 2**62
_NANO = 10**9


@dataclass(frozen=True)
class Kept:
    """Where a limit is kept in one version of cgroups, and how it is written there."""

    files: tuple[str, ...]
    read: Read

    @property
    def paths(self) -> tuple[str, ...]:
        """The files as they are seen inside."""
        return tuple(_CGROUP + f for f in self.files)


@dataclass(frozen=True)
class Limit:
    """A limit: the key of HostConfig that declares it, and the places where the kernel has it."""

    doc: str
    key: str
    kept: tuple[Kept, ...]
    phrase: str = ""

    @property
    def paths(self) -> tuple[str, ...]:
        """Every file that may have it."""
        return tuple(path for kept in self.kept for path in kept.paths)


def _number(text: str) -> int:
    """A limit as the kernel writes it; -1 is none."""
    word = re.match(r"\s*(-?[0-9]{1,19})(?!\S)", text)
    return -1 if word is None or int(word[1]) >= _NO_LIMIT else int(word[1])


def _plain(_: int, texts: Sequence[str], __: Json) -> int:
    return _number(texts[0])


def _pages(expected: int, texts: Sequence[str], _: Json) -> int:
    actual = _number(texts[0])
    return expected if actual >= 0 and 0 <= expected - actual < _PAGE else actual


def _with_swap(expected: int, texts: Sequence[str], host: Json) -> int:
    """Version 2 counts swap alone, docker memory and swap together."""
    actual = _number(texts[0])
    return actual if actual < 0 else _pages(expected, [str(actual + host.get("Memory", 0))], host)


def _cpus(expected: int, texts: Sequence[str], _: Json) -> int:
    """Billionths of a CPU, of a quota and a period in microseconds."""
    quota, period = (_number(t) for t in texts)
    if quota < 0 or period <= 0:
        return -1
    return expected if expected * period // _NANO == quota else quota * _NANO // period


def _cpus_of_pair(expected: int, texts: Sequence[str], host: Json) -> int:
    quota, _, period = texts[0].partition(" ")
    return _cpus(expected, (quota, period), host)


def _quota(_: int, texts: Sequence[str], __: Json) -> int:
    return _number(texts[0])


def _period(_: int, texts: Sequence[str], __: Json) -> int:
    return _number(texts[0].partition(" ")[2])


def _shares(expected: int, texts: Sequence[str], _: Json) -> int:
    """The kernel knows no fewer than two shares."""
    actual = _number(texts[0])
    return expected if actual == max(2, expected) else actual


def _weight(expected: int, texts: Sequence[str], _: Json) -> Any:
    """Shares become a weight by one of two formulas: a line, or since runc 1.4 a curve."""
    shares = min(max(2, expected), 262144)
    line = 1 + ((shares - 2) * 9999) // 262142
    log = math.log2(shares)
    curve = math.ceil(10 ** ((log * log + 125 * log) / 612 - 7 / 34))
    actual = _number(texts[0])
    return expected if actual in {line, curve} else f"a weight of {actual}"


def _last_number(_: int, texts: Sequence[str], __: Json) -> int:
    """``100``, or ``default 100`` before the lines of single devices."""
    return _number(texts[0].partition("\n")[0].removeprefix("default "))


MEMORY = Limit(
    "`--memory` in bytes: declared, and the limit of the container's cgroup.",
    "Memory",
    (Kept(("memory/memory.limit_in_bytes",), _pages), Kept(("memory.max",), _pages)),
    phrase="memory limit in bytes",
)
LIMITS: dict[str, Limit] = {
    "container.memory": MEMORY,
    "container.memory_swap": Limit(
        "`--memory-swap`, memory and swap together, in bytes; -1 is no limit.",
        "MemorySwap",
        (
            Kept(("memory/memory.memsw.limit_in_bytes",), _pages),
            Kept(("memory.swap.max",), _with_swap),
        ),
        phrase="limit of memory and swap in bytes",
    ),
    "container.memory_reservation": Limit(
        "`--memory-reservation` in bytes: declared, and the soft limit of the cgroup.",
        "MemoryReservation",
        (Kept(("memory/memory.soft_limit_in_bytes",), _pages), Kept(("memory.low",), _pages)),
        phrase="soft memory limit in bytes",
    ),
    "container.memory_swappiness": Limit(
        "`--memory-swappiness`: declared, and in the cgroup; version 2 has none.",
        "MemorySwappiness",
        (Kept(("memory/memory.swappiness",), _plain),),
    ),
    "container.kernel_memory": Limit(
        "`--kernel-memory` in bytes: declared, and in the cgroup; kernels since 5.16 keep none.",
        "KernelMemory",
        (Kept(("memory/memory.kmem.limit_in_bytes",), _pages),),
        phrase="kernel memory limit in bytes",
    ),
    "container.cpus": Limit(
        "`--cpus` in billionths of a CPU: declared, and quota by period of the cgroup.",
        "NanoCpus",
        (
            Kept(("cpu/cpu.cfs_quota_us", "cpu/cpu.cfs_period_us"), _cpus),
            Kept(("cpu.max",), _cpus_of_pair),
        ),
        phrase="limit in billionths of a CPU",
    ),
    "container.cpu_quota": Limit(
        "`--cpu-quota` in microseconds a period: declared, and in the cgroup.",
        "CpuQuota",
        (Kept(("cpu/cpu.cfs_quota_us",), _quota), Kept(("cpu.max",), _quota)),
    ),
    "container.cpu_period": Limit(
        "`--cpu-period` in microseconds: declared, and in the cgroup.",
        "CpuPeriod",
        (Kept(("cpu/cpu.cfs_period_us",), _plain), Kept(("cpu.max",), _period)),
    ),
    "container.cpu_shares": Limit(
        "`--cpu-shares`: declared, and the shares, or the weight that they mean, of the cgroup.",
        "CpuShares",
        (Kept(("cpu/cpu.shares",), _shares), Kept(("cpu.weight",), _weight)),
    ),
    "container.cpu_rt_period": Limit(
        "`--cpu-rt-period` in microseconds: declared, and in the cgroup; version 2 has none.",
        "CpuRealtimePeriod",
        (Kept(("cpu/cpu.rt_period_us",), _plain),),
    ),
    "container.cpu_rt_runtime": Limit(
        "`--cpu-rt-runtime` in microseconds: declared, and in the cgroup; version 2 has none.",
        "CpuRealtimeRuntime",
        (Kept(("cpu/cpu.rt_runtime_us",), _plain),),
    ),
    "container.pids_limit": Limit(
        "`--pids-limit`: declared, and the limit of the cgroup; 0 is none.",
        "PidsLimit",
        (Kept(("pids/pids.max",), _plain), Kept(("pids.max",), _plain)),
    ),
    "container.blkio_weight": Limit(
        "`--blkio-weight`: declared, and the weight of the cgroup.",
        "BlkioWeight",
        (
            Kept(("blkio/blkio.weight",), _plain),
            Kept(("blkio/blkio.bfq.weight",), _plain),
            Kept(("io.bfq.weight",), _last_number),
        ),
    ),
}


@dataclass(frozen=True)
class DeviceLimit:
    """A limit on one device: its list in HostConfig, its file in version 1, its key in 2."""

    doc: str
    key: str
    v1: tuple[str, ...]
    v2: str
    v2_key: str = ""
    rate: str = "Rate"

    @property
    def paths(self) -> tuple[str, ...]:
        """Every file that may have it."""
        return tuple(_CGROUP + f for f in (*self.v1, self.v2))


def _throttle(what: str, v1: str, v2_key: str) -> DeviceLimit:
    key = "BlkioDevice" + what.title().replace(" ", "").replace("Iops", "IOps")
    flag = f"--device-{what.replace(' ', '-')}"
    doc = f"`{flag}`: declared, and a device of the cgroup has that limit."
    return DeviceLimit(doc, key, (f"blkio/blkio.throttle.{v1}",), "io.max", v2_key)


DEVICE_LIMITS: dict[str, DeviceLimit] = {
    "container.device_read_bps": _throttle("read bps", "read_bps_device", "rbps"),
    "container.device_read_iops": _throttle("read iops", "read_iops_device", "riops"),
    "container.device_write_bps": _throttle("write bps", "write_bps_device", "wbps"),
    "container.device_write_iops": _throttle("write iops", "write_iops_device", "wiops"),
    "container.blkio_weight_device": DeviceLimit(
        "`--blkio-weight-device`: declared, and a device of the cgroup has that weight.",
        "BlkioWeightDevice",
        ("blkio/blkio.weight_device", "blkio/blkio.bfq.weight_device"),
        "io.bfq.weight",
        rate="Weight",
    ),
}


def _judge_limit(limit: Limit) -> Judge:
    def check(promise: Promise, c: ContainerFacts, _: Facts) -> Check:
        host = host_config(c)
        if promise.where == "inspect":
            return from_inspect(promise, host.get(limit.key) or 0, f"HostConfig.{limit.key}")
        for kept in limit.kept:
            texts = [c.inside.proc.get(path, "") for path in kept.paths]
            if all(texts):
                actual = kept.read(promise.expected_as(int), texts, host)
                source = " and ".join(c.inside.place(path) for path in kept.paths)
                return compare(PHRASE, promise.expected, actual, source)
        return not_seen(promise, c, *limit.paths)

    check.__doc__ = limit.doc
    return check


def _judge_device(limit: DeviceLimit) -> Judge:
    def check(promise: Promise, c: ContainerFacts, _: Facts) -> Check:
        if promise.where == "inspect":
            rows = host_config(c).get(limit.key) or []
            listed = [DeviceRate(d["Path"], d[limit.rate]) for d in rows]
            actual = promise.expected if promise.expected in listed else listed
            return from_inspect(promise, actual, f"HostConfig.{limit.key}")
        wanted = promise.expected_as(DeviceRate)
        for path in limit.paths:
            text = c.inside.proc.get(path)
            if text is not None:
                rates = _rates(text, limit.v2_key if path.endswith(limit.v2) else "")
                rate = wanted.rate if wanted.rate in rates else sorted(rates)
                return compare(PHRASE, wanted.rate, rate, c.inside.place(path))
        return not_seen(promise, c, *limit.paths)

    check.__doc__ = limit.doc
    return check


def _rates(text: str, key: str) -> set[int]:
    """The limits of single devices: ``254:0 1048576``, or ``254:0 rbps=1048576 wbps=max``."""
    value = rf"(?:\S+ )*?{key}=([0-9]{{1,19}})" if key else "([0-9]{1,19})"
    return {int(n) for n in re.findall(rf"^[0-9]+:[0-9]+ {value}\b", text, re.MULTILINE)}


def cpuset(promise: Promise, c: ContainerFacts, _: Facts) -> Check:
    """``--cpuset-cpus`` and ``--cpuset-mems``: declared, and the list of the cgroup."""
    what = promise.field.rpartition("_")[2]
    if promise.where == "inspect":
        key = f"Cpuset{what.title()}"
        return from_inspect(promise, host_config(c).get(key) or "", f"HostConfig.{key}")
    for path in cpuset_files(what):
        text = c.inside.proc.get(path, "").strip()
        if re.fullmatch(r"[0-9,-]+", text):
            same = in_list(text) == in_list(promise.expected_as(str))
            actual = promise.expected if same else text
            return compare(PHRASE, promise.expected, actual, c.inside.place(path))
    return not_seen(promise, c, *cpuset_files(what))


def cpuset_files(what: str) -> tuple[str, str]:
    """Where a list of CPUs or memory nodes is kept."""
    return f"{_CGROUP}cpuset/cpuset.{what}", f"{_CGROUP}cpuset.{what}"


OOM_CONTROL = f"{_CGROUP}memory/memory.oom_control"


def oom_kill_disable(promise: Promise, c: ContainerFacts, _: Facts) -> Check:
    """``--oom-kill-disable``: declared, and in the cgroup; version 2 has no such switch."""
    if promise.where == "inspect":
        actual = bool(host_config(c).get("OomKillDisable"))
        return from_inspect(promise, actual, "HostConfig.OomKillDisable")
    match = re.search("^oom_kill_disable ([01])$", c.inside.proc.get(OOM_CONTROL, ""), re.MULTILINE)
    if match is None:
        return not_seen(promise, c, OOM_CONTROL)
    source = c.inside.place(OOM_CONTROL)
    return compare(PHRASE, promise.expected, match[1] == "1", source)


def oom_score_adj(promise: Promise, c: ContainerFacts, _: Facts) -> Check:
    """``--oom-score-adj``: declared, and what the kernel has for the first process."""
    if promise.where == "inspect":
        actual = host_config(c).get("OomScoreAdj") or 0
        return from_inspect(promise, actual, "HostConfig.OomScoreAdj")
    path, text = first_process(c, "oom_score_adj")
    if not re.fullmatch("-?[0-9]{1,4}", text.strip()):
        return not_seen(promise, c, path)
    return compare(PHRASE, promise.expected, int(text), c.inside.place(path))


_RLIMITS = {
    "core": "Max core file size",
    "cpu": "Max cpu time",
    "data": "Max data size",
    "fsize": "Max file size",
    "locks": "Max file locks",
    "memlock": "Max locked memory",
    "msgqueue": "Max msgqueue size",
    "nice": "Max nice priority",
    "nofile": "Max open files",
    "nproc": "Max processes",
    "rss": "Max resident set",
    "rtprio": "Max realtime priority",
    "rttime": "Max realtime timeout",
    "sigpending": "Max pending signals",
    "stack": "Max stack size",
}


def ulimit(promise: Promise, c: ContainerFacts, _: Facts) -> Check:
    """``--ulimit``: declared, and the first process's own limits."""
    name = keyed(promise)
    if promise.where == "inspect":
        rows = host_config(c).get("Ulimits") or []
        limits = {u["Name"]: Ulimit(u["Soft"], u["Hard"]) for u in rows}
        return from_inspect(promise, limits.get(name), f"HostConfig.Ulimits {name}")
    path, text = first_process(c, "limits")
    match = re.search(rf"^{_RLIMITS[name]} +(\S+) +(\S+)", text, re.MULTILINE)
    if match is None:
        return not_seen(promise, c, path)
    actual = Ulimit(_number(match[1]), _number(match[2]))
    return compare(PHRASE, promise.expected, actual, c.inside.place(path))


RULES: dict[str, Rule] = {
    **{f: Rule(_judge_limit(x), x.phrase, reads=kernel(*x.paths)) for f, x in LIMITS.items()},
    **{f: Rule(_judge_device(x), reads=kernel(*x.paths)) for f, x in DEVICE_LIMITS.items()},
    "container.cpuset_cpus": Rule(cpuset, reads=kernel(*cpuset_files("cpus"))),
    "container.cpuset_mems": Rule(cpuset, reads=kernel(*cpuset_files("mems"))),
    "container.oom_kill_disable": Rule(oom_kill_disable, reads=kernel(OOM_CONTROL)),
    "container.oom_score_adj": Rule(oom_score_adj, reads=kernel(*of_process("oom_score_adj"))),
    "container.ulimit": Rule(ulimit, reads=kernel(*of_process("limits"))),
}
