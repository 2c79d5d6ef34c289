"""What is told of a container that can't be asked, from a machine and an engine made for it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, cast

import pytest

from lifecycle.engine.daemon import Daemon, EngineError
from lifecycle.facts.archive import Archive, hidden_by
from lifecycle.facts.from_outside import cgroup_file, look_outside, started_as
from lifecycle.facts.inside import ENVIRON, FIRST, HOSTNAME, MOUNTS, WRITES, FileFact, Probe
from lifecycle.facts.kernel_files import Account
from tests.unit.checks.samples import CONTAINER_ID, inspected

WHY = "there is no shell in the image to ask with"
PASSWD = "root:x:0:0::/root:/bin/sh\nkim:x:1500:1600::/home/kim:/bin/sh\n"
GROUP = "root:x:0:\nlab:x:1600:\nvideo:x:44:\n"
MOUNTINFO = (
    "1 0 0:1 / / ro - overlay overlay rw\n"
    "2 1 0:2 / /scratch rw - tmpfs tmpfs rw,size=64k\n"
    "3 1 8:1 /nas /w rw - ext4 /dev/sda rw\n"
    "4 1 0:4 / /proc rw - proc proc rw\n"
)
PROCESS = {
    "cgroup": f"4:memory:/docker/{CONTAINER_ID}\n0::/\n",
    "mountinfo": MOUNTINFO,
    "cmdline": "serve\0--all\0",
    "stat": "7506 (serve) S 1 1 1 34816 0\n",
    "status": "Uid:\t1500\t1500\t1500\t1500\nGid:\t1600\t1600\t1600\t1600\nGroups:\t44 \n",
    "environ": "PATH=/bin\0A=1\0HOME=/home/kim\0",
    "limits": "Max open files            100                  200                  files\n",
    "net/tcp": "head\n 0: 00000000:1F90 00000000:0000 0A 0\n",
    "net/fib_trie": "the container's",
    "attr/current": "docker-default (enforce)\n",
}
SEEN = inspected(
    Config={"User": "kim", "Env": ["PATH=/bin", "A=1"], "WorkingDir": "/srv/"},
    Mounts=[{"Destination": "/w", "Type": "bind"}, {"Destination": "/t", "Type": "tmpfs"}],
)
STOPPED = {**SEEN, "State": {"Running": False, "Pid": 0}}


@dataclass
class Engine:
    """Files of a container: their text; a folder is None, and a link the place it leads to."""

    files: dict[str, str | None] = field(
        default_factory=lambda: {
            "/etc": None,
            "/etc/passwd": PASSWD,
            "/etc/group": GROUP,
            "/etc/hostname": "box\n",
            "/etc/hosts": "1.2.3.4 a\n",
        }
    )
    links: dict[str, str] = field(default_factory=dict)
    shares_machine: bool = True
    remaps_users: str = ""
    fails_at: str = ""

    def stat(self, _container: str, path: str) -> Any:
        if self.fails_at == path:
            raise EngineError("no space left")
        if path in self.links:
            return {"mode": 1 << 27, "linkTarget": self.links[path]}
        if path not in self.files:
            return None
        text = self.files[path]
        mode = 1 << 31 if text is None else 0o640
        return {"mode": mode, "size": len(text or ""), "linkTarget": ""}

    def read_file(self, _container: str, path: str) -> bytes | None:
        text = self.files.get(path)
        return None if text is None else text.encode()

    def owner(self, _container: str, path: str) -> tuple[int, int, int] | None:
        return (1500, 44, 0o2750) if path in self.files else None


@dataclass
class Machine:
    """A root folder with one container's process in its /proc."""

    root: Path
    engine: Engine = field(default_factory=Engine)

    def look(self, probe: Probe = Probe(), user: str = "", seen: Any = None) -> Any:  # noqa: B008
        daemon = cast("Daemon", self.engine)
        return look_outside(daemon, seen or SEEN, probe, WHY, user, root=self.root)

    def has(self, file: str, text: str) -> None:
        path = self.root / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def process(self, file: str, text: str | None) -> None:
        path = self.root / "proc/7506" / file
        if text is None:
            path.unlink()
        else:
            self.has(f"proc/7506/{file}", text)


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    made = Machine(tmp_path)
    for file, text in PROCESS.items():
        made.process(file, text)
    (tmp_path / "proc/7506/cwd").symlink_to("/srv")
    return made


# -- of the first process ---------------------------------------------------------------------


def test_the_first_process_tells_what_the_inside_would_have(machine: Machine) -> None:
    seen = machine.look()
    assert seen.mount("/w").root == "/nas"
    assert (seen.pid1, seen.pid1_has_tty) == (("serve", "--all"), True)
    assert (seen.env["A"], seen.cwd) == ("1", "/srv")
    assert (seen.uid, seen.gid, seen.user_name) == (1500, 1600, "kim")
    assert seen.groups == {1600: "lab", 44: "video"}
    assert (seen.hostname, seen.listening) == ("box", {8080})


def test_what_was_seen_says_where_and_the_rest_says_why(machine: Machine) -> None:
    seen = machine.look()
    for thing in (MOUNTS, FIRST, ENVIRON, HOSTNAME, "/proc/1/stat", "pwd", "id"):
        assert seen.hides(thing) == "", thing
    assert seen.place(MOUNTS) == "this machine's /proc/PID/mountinfo"
    assert seen.place(HOSTNAME) == "/etc/hostname by the archive API"
    assert seen.hides(WRITES) == f"{WHY}, so no file was written in it"
    assert seen.hides("anything else") == WHY


@pytest.mark.parametrize(
    ("file", "text", "thing", "reason"),
    [
        ("status", "Uid:\t0\t33\t0\t0\nGid:\t1600\t1600\t0\t0\n", "id", "process 1 is uid 33"),
        ("status", "Uid:\t0\t1500\t0\t0\nGid:\t0\t0\t0\t0\n", "id", "gid 0 by now"),
        ("environ", "PATH=/bin\0A=2\0", ENVIRON, "another A by now"),
        ("environ", "PATH=/bin\0", ENVIRON, "another A by now"),
    ],
)
def test_a_process_that_is_no_more_as_it_was_started_is_no_witness_of_it(
    machine: Machine, file: str, text: str, thing: str, reason: str
) -> None:
    machine.process(file, text)
    assert reason in machine.look().hides(thing)


def test_a_process_that_went_elsewhere_is_no_witness_of_its_folder(machine: Machine) -> None:
    (machine.root / "proc/7506/cwd").unlink()
    (machine.root / "proc/7506/cwd").symlink_to("/")
    assert "process 1 works in / by now" in machine.look().hides("pwd")


@pytest.mark.parametrize(("file", "thing"), [("environ", ENVIRON), ("cwd", "pwd")])
def test_what_only_its_user_may_read_says_so(machine: Machine, file: str, thing: str) -> None:
    machine.process(file, None)
    assert "only root or the same user" in machine.look().hides(thing)


def test_of_another_user_than_its_own_nothing_is_known(machine: Machine) -> None:
    seen = machine.look(user="0")
    assert [seen.hides(thing) for thing in ("id", "pwd", ENVIRON)] == [WHY] * 3
    assert not seen.hides(MOUNTS)


@pytest.mark.parametrize(
    ("written", "began"),
    [
        ("", (0, 0)),
        ("kim", (1500, 1600)),
        ("1500", (1500, 1600)),
        ("7", (7, 0)),
        ("kim:video", (1500, 44)),
        ("7:8", (7, 8)),
        (":44", (0, 44)),
        ("nobody", (None, 0)),
    ],
)
def test_a_user_is_who_the_engine_takes_it_for(written: str, began: tuple[int, int]) -> None:
    known = [Account("root", 0, 0, "/", ""), Account("kim", 1500, 1600, "/", "")]
    assert started_as(written, known, {44: "video", 1600: "lab"}) == began


# -- whose process it is ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("cgroup", "reason"),
    [("4:memory:/docker/another\n", "can't be told from others"), (None, "can't be found")],
)
def test_a_process_that_is_not_surely_the_containers_is_not_read(
    machine: Machine, cgroup: str | None, reason: str
) -> None:
    machine.process("cgroup", cgroup)
    seen = machine.look()
    assert reason in seen.hides(MOUNTS)
    assert not seen.mounts
    assert seen.hostname == "box"


def test_an_engine_elsewhere_still_shows_files(machine: Machine) -> None:
    machine.engine.shares_machine = False
    seen = machine.look(Probe(texts=("/etc/hosts",)))
    assert seen.hides("id") == f"{WHY}, and its processes are on another machine"
    assert seen.texts == {"/etc/hosts": "1.2.3.4 a\n"}


def test_where_number_1_is_anothers_process_the_first_is_not_taken_for_it(
    machine: Machine,
) -> None:
    seen = machine.look(seen={**SEEN, "HostConfig": {**SEEN["HostConfig"], "PidMode": "host"}})
    assert (seen.hides(FIRST), seen.pid1) == (WHY, ())
    assert seen.pid1_has_tty


def test_remapped_numbers_are_not_taken_for_those_inside(machine: Machine) -> None:
    machine.engine.remaps_users = "userns"
    seen = machine.look(Probe(files=("/etc/passwd",), proc=("/proc/1/status",)))
    assert "remaps users" in seen.hides("id")
    assert "remaps users" in seen.hides("/proc/1/status")
    assert seen.files["/etc/passwd"] == FileFact(exists=True, mode="2750")


# -- the kernel's files -----------------------------------------------------------------------


def test_the_kernels_files_are_those_of_the_process_and_its_cgroup(machine: Machine) -> None:
    limit = "/sys/fs/cgroup/memory/memory.limit_in_bytes"
    machine.has(f"sys/fs/cgroup/memory/docker/{CONTAINER_ID}/memory.limit_in_bytes", "64\n")
    machine.has("sys/fs/cgroup/memory/memory.limit_in_bytes", "the machine's\n")
    wanted = (limit, "/proc/1/limits", "/proc/self/attr/current")
    seen = machine.look(Probe(proc=wanted, texts=("/proc/net/fib_trie",)))
    assert seen.proc == {
        limit: "64\n",
        "/proc/1/limits": PROCESS["limits"],
        "/proc/self/attr/current": PROCESS["attr/current"],
    }
    assert seen.place(limit) == "its cgroup's memory/memory.limit_in_bytes on this machine"
    assert seen.texts == {"/proc/net/fib_trie": "the container's"}


def test_settings_of_this_machine_are_not_taken_for_the_containers(machine: Machine) -> None:
    for file in ("net/core/somaxconn", "kernel/domainname", "kernel/cap_last_cap"):
        machine.has(f"proc/sys/{file}", "40\n")
    own, last = "/proc/sys/net/core/somaxconn", "/proc/sys/kernel/cap_last_cap"
    seen = machine.look(Probe(proc=(own, last), texts=("/proc/sys/kernel/domainname",)))
    assert seen.proc == {last: "40\n"}
    assert seen.hides(own) == f"{WHY}, and outside {own} is this machine's own"
    assert seen.texts == {}
    assert seen.hides("/proc/sys/kernel/domainname")


def test_a_namespace_is_told_by_its_inode(machine: Machine) -> None:
    machine.process("ns/ipc", "")
    seen = machine.look(Probe(namespaces=("ipc", "uts")))
    assert set(seen.namespaces) == {"ipc"}
    assert not seen.hides("/proc/self/ns/ipc")
    assert "only root" in seen.hides("/proc/self/ns/uts")


@pytest.mark.parametrize(
    ("cgroups", "path", "found"),
    [
        ("4:memory:/docker/ID", "memory/memory.limit", "memory/docker/ID/memory.limit"),
        ("1:cpu,cpuacct:/p/ID", "cpu/cpu.shares", "cpu/p/ID/cpu.shares"),
        ("4:memory:/docker/ID/deeper", "memory/m", "memory/docker/ID/m"),
        (
            "0::/system.slice/docker-ID.scope",
            "memory.max",
            "system.slice/docker-ID.scope/memory.max",
        ),
        ("0::/../ID", "memory.max", ""),
        ("0::/", "memory.max", ""),
        ("4:memory:/docker/OTHER", "memory/m", ""),
        ("4:memory:/docker/ID", "pids/pids.max", ""),
        ("4:memory:/docker/ID", "memory.max", ""),
    ],
)
def test_a_cgroup_file_is_the_containers_own_or_none(cgroups: str, path: str, found: str) -> None:
    wanted = f"sys/fs/cgroup/{found}" if found else ""
    assert cgroup_file(f"9:name=systemd:/\n{cgroups}\n", "ID", f"/sys/fs/cgroup/{path}") == wanted


# -- files ------------------------------------------------------------------------------------


def test_a_file_is_described_by_its_archive(machine: Machine) -> None:
    seen = machine.look(Probe(files=("/etc/hosts", "/nope"), texts=("/etc/hosts",)))
    assert seen.files["/etc/hosts"] == FileFact(
        exists=True,
        owner=1500,
        group=44,
        owner_name="kim",
        group_name="video",
        mode="2750",
    )
    assert seen.files["/nope"] == FileFact(exists=False)
    assert seen.texts == {"/etc/hosts": "1.2.3.4 a\n"}
    assert seen.place("/etc/hosts") == "/etc/hosts by the archive API"


@pytest.mark.parametrize("path", ["/scratch/f", "/t", "/dev/fuse", "/proc/cpuinfo", "/run/f"])
def test_what_is_mounted_out_of_the_archives_sight_is_not_taken_for_missing(
    machine: Machine, path: str
) -> None:
    machine.engine.links["/run"] = "/scratch"
    seen = machine.look(Probe(files=(path,)))
    assert "does not show what is mounted at" in seen.hides(path)
    assert path not in seen.files


def test_a_bind_below_a_hidden_mount_is_shown() -> None:
    seen = inspected(Mounts=[{"Destination": "/dev/data", "Type": "bind"}])
    hides = hidden_by(seen, [], up=True)
    assert (hides("/dev/data/f"), hides("/dev/f"), hides("/data")) == ("", "/dev", "")


def test_a_container_that_has_ended_shows_its_own_files_only(machine: Machine) -> None:
    machine.engine.files["/out"] = "done"
    seen = machine.look(Probe(files=("/out",), texts=("/out", "/etc/hosts")), seen=STOPPED)
    assert (seen.texts, seen.files["/out"].owner) == ({"/out": "done"}, 1500)
    assert "mounted at /etc/hosts" in seen.hides("/etc/hosts")
    assert [seen.hides(thing) for thing in (MOUNTS, "id", HOSTNAME)] == [WHY] * 3


def test_a_file_that_the_engine_does_not_tell_of_says_why(machine: Machine) -> None:
    machine.engine.fails_at = "/etc/hosts"
    seen = machine.look(Probe(files=("/etc/hosts",)))
    assert seen.hides("/etc/hosts") == f"{WHY}, and the engine does not show it: no space left"


def test_accounts_that_the_engine_does_not_tell_of_make_no_nameless_user(machine: Machine) -> None:
    machine.engine.fails_at = "/etc/passwd"
    assert "does not show its accounts" in machine.look().hides("id")


def archive(**changes: Any) -> Archive:
    return Archive(cast("Daemon", replace(Engine(), **changes)), "c")


def test_links_are_followed_in_every_part_of_a_path() -> None:
    found = archive(links={"/a": "/etc", "/etc/to": "/nowhere"})
    assert found.real("/a/passwd") == ("/etc/passwd", True)
    assert found.real("a/./passwd") == ("/etc/passwd", True)
    assert found.real("/a/to") == ("/nowhere", False)
    assert found.real("/none/at/all") == ("/none/at/all", False)


def test_only_a_regular_file_has_a_text() -> None:
    found = archive()
    assert (found.text("/etc"), found.text("/nope")) == (None, None)
    assert found.text("/etc/group") == GROUP
