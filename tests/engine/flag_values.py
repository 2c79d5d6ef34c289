"""What is drawn for each flag of ``docker run`` and ``docker create``, and what goes with what.

A test fails where a flag that promises something is in none of these tables.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from hypothesis import strategies as st

from tests.engine.harness import Place

Texts = st.SearchStrategy[str]


@dataclass(frozen=True)
class Site:
    """What the values may name: all of it is there on the engine or on this machine."""

    word: str
    folder: str
    disk: str
    platform: str

    @classmethod
    def here(cls, place: Place, image: Mapping[str, str]) -> Site:
        """The site of a place, with an image's inspect."""
        blocks = sorted(Path("/sys/block").iterdir(), reverse=True)
        disk = next(d for d in (Path("/dev") / b.name for b in blocks) if d.is_block_device())
        platform = f"{image['Os']}/{image['Architecture']}"
        return cls(place.word, str(place.folder), str(disk), platform)

    @property
    def network(self) -> str:
        """A network of one's own, with addresses of both kinds."""
        return f"{self.word}-net"

    @property
    def prefixes(self) -> tuple[str, str]:
        """The beginnings of the addresses on it, which other tests are not likely to have."""
        number = int(self.word[-4:], 16)
        return f"172.31.{80 + number % 160}.", f"fd31:{number:x}::"

    @property
    def peer(self) -> str:
        """A container that is on the bridge and on that network, and shares what it has."""
        return f"{self.word}-peer"


def whole(text: str) -> str:
    """Two values of a flag are about two things, unless they are the same."""
    return text


def before(mark: str) -> Callable[[str], str]:
    """Two values of a flag are about one thing where they begin alike."""
    return lambda text: text.partition(mark)[0]


@dataclass(frozen=True)
class Case:
    """The values of one flag."""

    values: Texts
    most: int = 1
    """How many there may be of a flag that adds up."""
    key: Callable[[str], str] = whole
    """What a value is about: the engine takes only one of a kind."""
    needs: tuple[str, str] = ("", "")
    """The flag, and a value of it, without which the engine refuses this one."""
    lies: Texts | None = None
    """Where another value may be true as well, or there is none: values that never are."""
    said_of_another: str = ""
    """The only value that promises: the lie is to say it of a container without the flag."""


def one_of(*texts: str) -> Texts:
    """One of some texts."""
    return st.sampled_from(texts)


def numbers(low: int, high: int) -> Texts:
    """A whole number."""
    return st.integers(low, high).map(str)


SWITCH = Case(one_of("true", "false"))
_TEXT = st.text(
    st.characters(codec="utf-8", exclude_categories=("Cs", "Cc")) | st.sampled_from("\t\n"),
    max_size=12,
)
_HOST_PORTS = st.integers(21000, 28000)


def pairs(keys: str) -> Case:
    """``KEY=VALUE``, the keys few enough to come twice."""
    return Case(st.builds("{}={}".format, st.sampled_from(keys.split()), _TEXT), most=3)


def sizes(low: int, high: int) -> Texts:
    """A size between two numbers of MiB, in any unit and spelling."""
    mib = st.integers(low, high)
    return (
        mib.map("{}m".format)
        | mib.map("{}MiB".format)
        | mib.map(lambda n: f"{n * 1024}k")
        | mib.map(lambda n: f"{n * 1024 * 1024 + 1}")
        | st.floats(low, high).map("{:.2f}mb".format)
    )


def durations(low: int, high: int) -> Texts:
    """A duration between two numbers of seconds."""
    seconds = st.integers(low, high)
    return (
        seconds.map("{}s".format)
        | seconds.map(lambda n: f"{n * 1000 + 1}ms")
        | seconds.map("1m{}.5s".format)
        | seconds.map("0.5h{}s".format)
    )


def _published() -> Texts:
    """``-p`` in all of its forms."""
    inner, proto = one_of("7001", "7002", "7003"), one_of("", "/tcp", "/udp", "/TCP")
    host = _HOST_PORTS.map(str)
    number = _HOST_PORTS
    return (
        st.builds("{}{}".format, inner, proto)
        | st.builds("{}:{}{}".format, host, inner, proto)
        | st.builds("127.0.0.1:{}:{}{}".format, host, inner, proto)
        | st.builds("0.0.0.0::{}{}".format, inner, proto)
        | st.builds(lambda n, p: f"{n}-{n + 1}:7004-7005{p}", number, proto)
        | st.builds(lambda n: f"{n}-{n + 9}:7006", number)
        | st.builds("target=7007,published={}".format, host)
        | st.builds("published={},protocol=udp,target=7008".format, host)
    )


def _mounts(site: Site) -> Texts:
    """``--mount`` of the three types."""
    target = one_of("/m1", "/m2/", "/m3/deep")
    named = one_of("source", "src").map(lambda k: f"{k}={site.word}-m")
    bind = one_of("", ",readonly", ",ro=true", ",bind-propagation=private", ",bind-nonrecursive")
    volume = one_of("", ",readonly", ",volume-nocopy", ",volume-label=a=b", ",volume-driver=local")
    tmpfs = one_of("", ",tmpfs-size=1m", ",tmpfs-size=65536", ",tmpfs-mode=1770", ",readonly")
    word = one_of("target", "dst", "destination")
    return (
        st.builds("type=bind,src={},{}={}{}".format, _folder(site), word, target, bind)
        | st.builds("type=volume,{},{}={}{}".format, named, word, target, volume)
        | word.map("{}=/m4".format)
        | st.builds("type=tmpfs,{}={}{}".format, word, target, tmpfs)
    )


def _target(text: str) -> str:
    return next(
        f.partition("=")[2] for f in text.split(",") if f.startswith(("target", "ds", "de"))
    )


def _folder(site: Site) -> Texts:
    return one_of(f"{site.folder}/open", f"{site.folder}/other")


def _volumes(site: Site) -> Texts:
    """``-v``: folders, named volumes and nameless ones."""
    target = one_of("/v1", "/v2/", "/v3/deep")
    mode = one_of("", ":ro", ":rw", ":private", ":ro,rprivate", ":z")
    return (
        st.builds("{}:{}{}".format, _folder(site), target, mode)
        | st.builds(f"{site.word}-v:{{}}{{}}".format, target, one_of("", ":ro", ":nocopy"))
        | one_of("/v4", "/v5")
    )


def _inner_path(text: str) -> str:
    return text.split(":")[text.count(":") and 1].rstrip("/")


def _rates(site: Site, texts: Texts) -> Case:
    return Case(texts.map(f"{site.disk}:{{}}".format), most=1)


_CAPABILITIES = "NET_ADMIN net_broadcast CAP_SYS_TIME sys_ptrace SYS_NICE cap_ipc_lock"
_DROPPED = "CHOWN cap_mknod net_raw FOWNER SETPCAP ALL"
_TMPFS = "size=1m mode=1770 uid=1,gid=2 noexec,nosuid nr_inodes=100 ro size=64k,mode=700"
_ULIMITS = (
    "core=0 core=-1:-1 nproc=1000 nproc=2000:3000 nofile=512 nofile=600:700 memlock=65536"
    " stack=8388608 cpu=1000 fsize=1073741824 locks=50 msgqueue=1000 nice=0 rtprio=0"
    " sigpending=100:200 data=4294967296 rss=1000000000 rttime=1000000"
)
_SYSCTLS = (
    "net.ipv4.ip_unprivileged_port_start=1000 net.ipv4.ip_forward=0 net.core.somaxconn=100"
    " kernel.shmmax=1000000 kernel.msgmax=9000 kernel.shm_rmid_forced=1 fs.mqueue.msg_max=11"
)


def cases(site: Site) -> dict[str, Case]:
    """The values of each flag that is drawn."""
    own = ("--network", site.network)
    cpus = sorted(os.sched_getaffinity(0))
    lists = [str(cpus[0]), str(cpus[-1]), f"{cpus[0]},{cpus[-1]}", f"{cpus[-1]}-{cpus[-1]}"]
    return {
        "--add-host": Case(
            st.builds("{}:192.0.2.{}".format, one_of("nas", "proxy.lab"), st.integers(1, 250))
            | one_of("six:2001:db8::7", "here:127.0.0.1"),
            most=3,
        ),
        "--cap-add": Case(one_of(*_CAPABILITIES.split()), most=3),
        "--cap-drop": Case(one_of(*_DROPPED.split()), most=3),
        "--cgroup-parent": Case(one_of(f"/{site.word}", f"/{site.word}-b", f"/{site.word}/deep")),
        "--cgroupns": Case(one_of("host", "private")),
        # With less of a CPU than these leave, a look inside takes minutes.
        "--cpu-period": Case(numbers(1000, 100000)),
        "--cpu-quota": Case(numbers(50000, 1000000)),
        "--cpu-rt-period": Case(numbers(500000, 1000000)),
        "--cpu-shares": Case(numbers(2, 262144)),
        "--cpus": Case(st.integers(50, 100 * len(cpus)).map(lambda n: f"{n / 100}")),
        "--cpuset-cpus": Case(one_of(*lists), lies=one_of("77", "0-63")),
        "--cpuset-mems": Case(one_of("0", "0-0"), lies=one_of("7", "0-1")),
        "--device": Case(
            st.builds(
                "/dev/{}:/dev/{}{}".format,
                one_of("null", "zero", "full", "urandom"),
                one_of("one", "two", "deep/three"),
                one_of("", ":r", ":rw", ":mrw"),
            ),
            most=2,
            key=lambda text: text.split(":")[1],
        ),
        "--device-cgroup-rule": Case(
            st.builds(
                "{} {}:{} {}".format,
                one_of("c", "b"),
                one_of("42", "43", "*"),
                one_of("*", "7"),
                one_of("rwm", "r", "rw", "m"),
            ),
            most=2,
        ),
        "--device-read-bps": _rates(site, sizes(1, 64)),
        "--device-read-iops": _rates(site, numbers(100, 900)),
        "--device-write-bps": _rates(site, sizes(1, 64)),
        "--device-write-iops": _rates(site, numbers(100, 900)),
        "--dns": Case(one_of("192.0.2.53", "192.0.2.54", "2001:db8::53"), most=2),
        "--dns-option": Case(one_of("ndots:3", "timeout:2", "rotate", "attempts:5"), most=2),
        "--dns-search": Case(one_of("lab.test", "a.lab.test", "b.lab.test"), most=2),
        "--domainname": Case(one_of("lab.test", "other.test")),
        "--entrypoint": Case(one_of("env", "/usr/bin/env", "nice", "")),
        "--env": pairs("MODE TERM LOGNAME _x.y"),
        "--env-file": Case(
            one_of(*(f"{site.folder}/env-{n}" for n in "abc")),
            most=2,
            lies=one_of(f"{site.folder}/env-lie"),
        ),
        "--expose": Case(
            one_of("9001", "9002/udp", "9003-9005", "9006-9007/TCP", "9002/sctp"), most=2
        ),
        "--group-add": Case(one_of("44", "audio", "games", "12345", "0"), most=3),
        "--health-cmd": Case(one_of("true", "exit 0", 'test -d / && echo "it\'s so"')),
        "--health-interval": Case(durations(60, 600)),
        "--health-retries": Case(numbers(0, 9)),
        "--health-start-period": Case(durations(1, 99)),
        "--health-timeout": Case(durations(1, 99)),
        "--hostname": Case(one_of("a-host", "b", "host.lab.test", "UPPER")),
        "--init": SWITCH,
        "--interactive": SWITCH,
        "--ip": Case(st.integers(20, 250).map(f"{site.prefixes[0]}{{}}".format), needs=own),
        "--ip6": Case(st.integers(20, 250).map(f"{site.prefixes[1]}{{:x}}".format), needs=own),
        "--ipc": Case(one_of("none", "private", "shareable", "host", f"container:{site.peer}")),
        "--label": pairs("team a.b/c MODE"),
        "--label-file": Case(
            one_of(*(f"{site.folder}/label-{n}" for n in "ab")),
            most=2,
            lies=one_of(f"{site.folder}/label-lie"),
        ),
        "--link": Case(
            one_of("li", "lo", "l.i").map(f"{site.peer}:{{}}".format) | st.just(site.peer),
            most=2,
        ),
        "--link-local-ip": Case(st.integers(1, 250).map("169.254.8.{}".format), most=2, needs=own),
        "--log-driver": Case(one_of("json-file", "local", "none")),
        "--log-opt": Case(
            one_of("max-size=1m", "max-size=20k", "max-file=2", "mode=non-blocking"), most=3
        ),
        "--memory": Case(sizes(24, 64)),
        "--memory-reservation": Case(sizes(7, 23)),
        "--memory-swap": Case(sizes(65, 99) | one_of("-1"), needs=("--memory", "48m")),
        "--memory-swappiness": Case(numbers(0, 100)),
        "--mount": Case(_mounts(site), most=2, key=_target),
        "--network": Case(one_of("bridge", "host", "none", site.network, f"container:{site.peer}")),
        "--network-alias": Case(one_of("store", "shop", "db.lab"), most=2, needs=own),
        "--no-healthcheck": SWITCH,
        "--oom-kill-disable": SWITCH,
        "--oom-score-adj": Case(numbers(0, 1000)),
        "--pid": Case(one_of("host", f"container:{site.peer}")),
        "--pids-limit": Case(numbers(30, 999) | one_of("0", "-1")),
        "--platform": Case(one_of(site.platform, "linux"), lies=one_of("linux/s390x", "plan9")),
        "--publish": Case(
            _published(), most=2, lies=one_of("7101", "21000:7102/udp", "127.0.0.9:21001:7103")
        ),
        "--publish-all": SWITCH,
        "--read-only": SWITCH,
        "--restart": Case(one_of("no", "always", "unless-stopped", "on-failure", "on-failure:3")),
        "--rm": SWITCH,
        "--runtime": Case(one_of("runc", "io.containerd.runc.v2")),
        "--security-opt": Case(
            one_of(
                *("no-new-privileges", "no-new-privileges=false", "no-new-privileges:true"),
                *("label=disable", "systempaths=unconfined"),
                *("seccomp=unconfined", f"seccomp={site.folder}/seccomp.json"),
            ),
            lies=one_of(
                *("no-new-privileges", "label=user:me", "apparmor=mine", "systempaths=unconfined"),
                *("seccomp=unconfined", f"seccomp={site.folder}/seccomp.json"),
            ),
            most=3,
            key=lambda text: text.replace(":", "=").partition("=")[0],
        ),
        "--shm-size": Case(sizes(1, 99)),
        "--stop-signal": Case(one_of("SIGUSR1", "TERM", "10", "SIGRTMIN+3", "kill")),
        "--stop-timeout": Case(numbers(0, 99)),
        "--sysctl": Case(one_of(*_SYSCTLS.split()), most=3),
        "--tmpfs": Case(
            st.builds(
                lambda t, o: f"{t}:{o}" if o else t,
                one_of("/t1", "/t2/"),
                one_of("", *_TMPFS.split()),
            ),
            most=2,
            key=before(":"),
        ),
        "--tty": SWITCH,
        "--ulimit": Case(one_of(*_ULIMITS.split()), most=3, key=before("=")),
        "--use-api-socket": SWITCH,
        "--user": Case(
            one_of("0", "root", "1000", "daemon", "daemon:games", "1234:1235", "0:44", "daemon:7")
        ),
        "--userns": Case(one_of("host"), said_of_another="host"),
        "--uts": Case(one_of("host"), said_of_another="host"),
        "--volume": Case(_volumes(site), most=3, key=_inner_path),
        "--volume-driver": Case(one_of("local"), lies=one_of("nfs")),
        "--volumes-from": Case(
            one_of("", ":ro", ":rw").map(f"{site.peer}{{}}".format), key=before(":")
        ),
        "--workdir": Case(one_of("/srv/", "/opt", "/made/here", "/usr/../tmp")),
    }


FILES = {
    "env-a": "MODE=file\n# MODE=comment\n  SPACED=a b \nTWICE=1\nTWICE=2\n",
    "env-b": '\ufeffTERM=dumb\r\nQUOTED="q"\nEMPTY=\n',
    "env-c": "MODE=other\nLOGNAME==\n",
    "env-lie": "LIE=1\n",
    "label-lie": "lie=1\n",
    "label-a": "team=file\nlonely\n",
    "label-b": "a.b/c=x y\nMODE='m'\n",
    "seccomp.json": '{"defaultAction": "SCMP_ACT_ALLOW"}',
}
"""The files that values name, with their texts."""


def exec_cases(site: Site) -> dict[str, Case]:
    """The same for ``docker exec``: the folder must be there, and the process must start."""
    made = cases(site)
    flags = ("--env", "--env-file", "--tty", "--user")
    return {f: made[f] for f in flags} | {"--workdir": Case(one_of("/srv/", "/opt", "/usr/../tmp"))}


SILENT = {
    "--detach-keys": Case(one_of("ctrl-x", "ctrl-p,ctrl-q")),
    "--disable-content-trust": Case(one_of("true")),
    "--pull": Case(one_of("missing", "never")),
    "--quiet": SWITCH,
    "--sig-proxy": SWITCH,
}
"""Flags that promise nothing, and so must change nothing."""
