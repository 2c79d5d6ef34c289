"""The record of one sandbox: written before anything is made, removed after all is gone.

Everything that a sandbox makes on the machine bears a name that derives from the record, so
that whoever reads it, this process or a later one, can take the sandbox down.
"""

from __future__ import annotations

import json
import re
import secrets
from dataclasses import asdict, dataclass
from pathlib import Path

RUN_ROOT = Path("/run/lifecycle-sandbox")
DATA_ROOT = Path("/var/lib/lifecycle-sandbox")  # /run is often small, and noexec
RECORD = "owner.json"
NAME = "lifecycle-"
LINK = "lc-"
_ID = re.compile("[0-9a-f]{8}")


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
    """What is chosen for a sandbox; earlier versions can't read it, and so leave it alone.

    Those judged by the process that started it, whose number means nothing in another namespace.
    """

    id: str
    pid: int
    boot: str
    host_net: str
    uplink: str
    pool: str
    socket_gid: int
    before: Before

    @property
    def name(self) -> str:
        """The name of its cgroup, and the comment of its iptables rules."""
        return f"{NAME}{self.id}"

    @property
    def link(self) -> str:
        """The host's end of the veth pair."""
        return f"{LINK}{self.id}"

    @property
    def run_dir(self) -> Path:
        """Sockets, pid files, the network namespace and what describes the sandbox."""
        return RUN_ROOT / self.id

    @property
    def data_dir(self) -> Path:
        """Images, containers and temporary files; memory may lie over it, not over its parent."""
        return DATA_ROOT / self.id / "data"

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

    def write(self, folder: Path) -> None:
        """Write the record down, before the sandbox makes anything."""
        file = folder / RECORD
        file.write_text(json.dumps(asdict(self)))
        file.chmod(0o600)


def new_id() -> str:
    """An unguessable, short id: it must leave room in an interface's 15 characters."""
    return secrets.token_hex(4)


def boot_id() -> str:
    """What tells this boot of the machine from the last."""
    return Path("/proc/sys/kernel/random/boot_id").read_text().strip()


def read(folder: Path) -> Record | None:
    """The record in a sandbox's folder; None when there is none, or another version's."""
    try:
        values = json.loads((folder / RECORD).read_text())
        record = Record(before=Before(**values.pop("before")), **values)
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return None
    return record if record.id == folder.name and _ID.fullmatch(record.id) else None
