"""A machine that a test describes, instead of the one that it runs on."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lifecycle.command.host.tables import DEFAULT_SOCKET
from lifecycle.diagnosis.finding import Finding, Symptom
from lifecycle.diagnosis.groups import Group
from lifecycle.diagnosis.machine_facts import MachineFacts
from lifecycle.diagnosis.match import diagnose
from lifecycle.diagnosis.sockets import SocketInfo
from lifecycle.machine.subject import Subject


class Described(MachineFacts):
    """Facts in which files belong to whom a test says; another's file can't be made without root.

    A path that is not described is the test's own file, or none.
    """

    def __init__(self, owners: Mapping[str, int], person: Subject, **places: Any) -> None:
        """Whose each path is, and the machine."""
        super().__init__(person, **places)
        self._owners = owners

    def owner(self, path: str) -> int | None:
        """As described."""
        return self._owners[path] if path in self._owners else super().owner(path)

    def owner_in_folder(self, name: str) -> int | None:
        """As described, by the file's whole path on the machine."""
        path = f"/{(self.cwd / name).relative_to(self.root)}"
        return self._owners[path] if path in self._owners else super().owner_in_folder(name)


@dataclass
class Machine:
    """Kim's machine: Docker runs, its socket belongs to the group docker, and Kim is in it."""

    root: Path
    groups: dict[str, Group] = field(
        default_factory=lambda: {"docker": Group("docker", 999, ("lee", "kim"))}
    )
    login: tuple[int, ...] = (999, 1000)
    process: tuple[int, ...] = (999, 1000)
    uid: int = 1000
    sockets: dict[str, SocketInfo] = field(
        default_factory=lambda: {DEFAULT_SOCKET: SocketInfo(DEFAULT_SOCKET, "yes", 0, 999, 0o660)}
    )
    environ: dict[str, str] = field(default_factory=dict)
    containers: list[dict[str, Any]] | None = None
    inspected: dict[str, dict[str, Any]] = field(default_factory=dict)
    owners: dict[str, int] = field(default_factory=dict)
    made: set[str] = field(default_factory=set)
    version: str = "Docker version 20.10.24+dfsg1, build 297e128\n"

    def file(self, path: str, text: str = "") -> Path:
        """Put a file under the machine's root."""
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, "utf-8")
        return file

    def command(self, name: str) -> Path:
        """Put a command on the PATH."""
        file = self.file(f"usr/bin/{name}")
        file.chmod(0o755)
        return file

    def facts(self) -> MachineFacts:
        """What diagnosis finds on it."""
        return Described(
            self.owners,
            Subject(
                "kim",
                self.uid,
                1000,
                self.process,
                tuple(map(str, self.process)),
                str(self.root / "home/kim"),
                "/bin/bash",
                0o022,
            ),
            environ={"PATH": str(self.root / "usr/bin"), **self.environ},
            root=self.root,
            cwd=self.root / "home/kim",
            names=self,
            look=lambda path: self.sockets.get(path, SocketInfo(path, "absent")),
            ask=self._ask,
            containers=self._list,
            inspect=self.inspected.get,
            made=self.made.__contains__,
        )

    def _ask(self, words: Sequence[str]) -> str:
        return self.version if words[0].endswith("docker") else ""

    def _list(self) -> Sequence[Mapping[str, Any]] | None:
        return self.containers

    def group_named(self, name: str) -> Group | None:
        """NSS."""
        return self.groups.get(name)

    def group_numbered(self, gid: int) -> Group | None:
        """NSS."""
        return next((group for group in self.groups.values() if group.gid == gid), None)

    def groups_of(self, user: str) -> tuple[int, ...]:
        """NSS."""
        return self.login if user == "kim" else ()

    def user_named(self, uid: int) -> str:
        """NSS."""
        return {0: "root", 1000: "kim", 1001: "lee"}.get(uid, str(uid))


Container = Callable[..., dict[str, Any]]

TCP_TABLE = """\
  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid timeout inode
   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1001       0 4242
   1: 0100007F:1F91 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0       0 4243
   2: 0100007F:1F90 0100007F:C001 01 00000000:00000000 00:00000000 00000000  1001       0 4244
"""
"""A process of Lee's (inode 4242) listens on 127.0.0.1:8080, one of root's on 8081."""


def only(machine: Machine, output: str, *words: str) -> Finding:
    """The one finding that these facts leave of a message."""
    found = diagnose(Symptom(output, words, 1), machine.facts())
    assert len(found) == 1, [finding.id for finding in found]
    return found[0]


def evidence(finding: Finding) -> str:
    """The facts that a finding shows, a line each."""
    return "\n".join(finding.evidence)
