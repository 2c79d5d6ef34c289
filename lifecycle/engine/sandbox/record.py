"""The record of one sandbox: written before anything is made, removed after all is gone.

Everything that a sandbox makes on the machine bears a name that derives from the record, so
that whoever reads it, this process or a later one, can take the sandbox down.
"""

from __future__ import annotations

import fcntl
import json
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path

RUN_ROOT = Path("/run/lifecycle-sandbox")
DATA_ROOT = Path("/var/lib/lifecycle-sandbox")  # /run is often small, and noexec


@dataclass(frozen=True)
class Before:
    """How the machine was before the first of the sandboxes that are up now.

    ``network`` and ``no_tables`` are of the host's network namespace, the others of all.
    """

    kernel: dict[str, str]
    network: dict[str, str]
    absent: tuple[str, ...]
    no_tables: tuple[str, ...]


@dataclass(frozen=True)
class Record:
    """Who owns a sandbox, and the choices its names don't tell."""

    id: str
    pid: int
    started: str
    boot: str
    host_net: str
    uplink: str
    pool: str
    socket_gid: int
    before: Before

    @property
    def name(self) -> str:
        """The name of its cgroup, and the comment of its iptables rules."""
        return f"lifecycle-{self.id}"

    @property
    def link(self) -> str:
        """The host's end of the veth pair."""
        return f"lc-{self.id}"

    @property
    def run_dir(self) -> Path:
        """Sockets, pid files, the network namespace and what describes the sandbox."""
        return RUN_ROOT / self.id

    @property
    def data_dir(self) -> Path:
        """Images, containers and temporary files."""
        return DATA_ROOT / self.id

    @property
    def netns(self) -> Path:
        """The file that holds the network namespace, for ``nsenter --net=``."""
        return self.run_dir / "netns"

    @property
    def socket(self) -> Path:
        """Where the engine listens."""
        return self.run_dir / "docker.sock"

    @property
    def containerd_socket(self) -> Path:
        """Where the engine's own containerd listens."""
        return self.run_dir / "containerd" / "containerd.sock"

    def is_alive(self) -> bool:
        """Whether the process that opened the sandbox still runs."""
        return self.boot == boot_id() and self.started == start_time(self.pid)

    def write(self) -> None:
        """Say, before anything is made, that it is about to be; call it under the lock."""
        self.run_dir.mkdir(mode=0o755, exist_ok=True)
        partial = self.run_dir / "owner.json.part"
        partial.write_text(json.dumps(asdict(self)))
        partial.rename(self.run_dir / "owner.json")
        self.data_dir.mkdir(parents=True, mode=0o711, exist_ok=True)


def new_id() -> str:
    """An unguessable, short id: it must leave room in an interface's 15 characters."""
    return secrets.token_hex(4)


def boot_id() -> str:
    """What tells this boot of the machine from the last, when the pid may be another's."""
    return Path("/proc/sys/kernel/random/boot_id").read_text().strip()


def host_network() -> str:
    """The network namespace that we are in, and that a sandbox is connected to."""
    return str(Path("/proc/self/ns/net").readlink())


def start_time(pid: int) -> str:
    """When a process started, in ticks since boot; empty when it is gone or ended."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return ""
    fields = stat.rpartition(")")[2].split()
    return "" if fields[0] in "ZX" else fields[19]


def records() -> list[Record]:
    """Every sandbox of this machine that is up, or was not taken down."""
    found = []
    for file in sorted(RUN_ROOT.glob("*/owner.json")):
        try:
            said = json.loads(file.read_text())
            before = Before(**said.pop("before"))
            found.append(Record(before=before, **said))
        except (OSError, ValueError, TypeError, KeyError):
            continue
    return found


def unrecorded() -> list[str]:
    """Ids of folders without a record: a reboot empties /run, a kill may come in between.

    A record that can't be read may be another version's, and its sandbox alive.
    """
    known = {file.parent.name for file in RUN_ROOT.glob("*/owner.json")}
    folders = {path.name for root in (RUN_ROOT, DATA_ROOT) for path in root.glob("*")}
    return sorted(folders - known)


@contextmanager
def locked() -> Iterator[None]:
    """One at a time: choosing what is free, and deciding who is the last to leave.

    The lock is on the folder itself, since a lock file would be one more thing left behind; the
    folder goes when nothing is in it.
    """
    while True:
        RUN_ROOT.mkdir(mode=0o755, parents=True, exist_ok=True)
        try:
            handle = os.open(RUN_ROOT, os.O_RDONLY | os.O_DIRECTORY)
        except FileNotFoundError:
            continue
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
            with suppress(FileNotFoundError):
                if os.fstat(handle).st_ino == RUN_ROOT.stat().st_ino:
                    yield
                    _remove_empty_roots()
                    return
        finally:
            os.close(handle)


def _remove_empty_roots() -> None:
    for root in (DATA_ROOT, RUN_ROOT):
        with suppress(OSError):  # a sandbox is in it
            root.rmdir()
