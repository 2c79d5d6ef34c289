"""What is true of this machine, looked up only when a finding asks.

Nothing here is global: where to look and whom to ask are arguments, so that a test, another
person or another machine can stand in.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import stat
import subprocess
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from lifecycle.command.host.tables import DEFAULT_SOCKET
from lifecycle.diagnosis import sockets
from lifecycle.diagnosis.groups import Group, Names, SystemNames
from lifecycle.diagnosis.sockets import Daemon, Listener, SocketInfo, look_at_socket
from lifecycle.machine import file_actions
from lifecycle.machine.as_subject import call
from lifecycle.machine.procfs import mount_lines
from lifecycle.machine.secret_variables import without_secrets
from lifecycle.machine.subject import Subject, current_subject

UNIX = "unix://"
_PLUGIN_FOLDERS = (
    "usr/local/lib/docker/cli-plugins",
    "usr/local/libexec/docker/cli-plugins",
    "usr/lib/docker/cli-plugins",
    "usr/libexec/docker/cli-plugins",
)
_TOOLKIT = ("nvidia-container-runtime-hook", "nvidia-container-cli", "nvidia-ctk")
_NVIDIA_VENDOR = "0x10de"
_DISPLAY_CLASS = "0x03"
_ASK_LIMIT = 10
"""Seconds that a program of this machine may take to answer what a finding asks."""
_TEXT_CHARS = 1 << 20

Container = dict[str, Any]


@dataclass(frozen=True)
class Mount:
    """The mount that a path lies on."""

    point: str
    kind: str
    source: str
    readonly: bool


def ask(words: Sequence[str]) -> str:
    """What a short command prints, or nothing when it fails."""
    try:
        done = subprocess.run(
            words,
            capture_output=True,
            text=True,
            timeout=_ASK_LIMIT,
            check=False,
            env=without_secrets(os.environ),
        )
    except (OSError, subprocess.SubprocessError):
        return ""
    return done.stdout if done.returncode == 0 else ""


class MachineFacts:
    """The facts of one machine for one person. Each is gathered once, when first asked for."""

    def __init__(  # noqa: PLR0913 - each is a place to look, and all have a default
        self,
        person: Subject | None = None,
        *,
        environ: Mapping[str, str] | None = None,
        root: Path = Path("/"),
        cwd: Path | None = None,
        names: Names | None = None,
        look: Callable[[str], SocketInfo] = look_at_socket,
        ask: Callable[[Sequence[str]], str] = ask,
        containers: Callable[[], Sequence[Mapping[str, Any]] | None] | None = None,
        inspect: Callable[[str], Mapping[str, Any] | None] = lambda _: None,
        eyes: Subject | None = None,
        made: Callable[[str], bool] = lambda _: False,
    ) -> None:
        """Prepare; looks at nothing yet.

        ``root`` is where /proc, /etc, /sys and /dev are, ``cwd`` where the failed command ran,
        ``containers`` gives the engine's list of all containers (the API's summaries: Id, Names,
        Ports, State, Status, Mounts, Command), or None when it can't be asked; ``inspect`` gives
        all that the engine says of one, by its id; ``made`` says whether this run made it.
        ``eyes`` are whose may see what the person or the command named, where that is not who
        runs this.
        """
        self.person = person or current_subject()
        self.environ = dict(os.environ if environ is None else environ)
        self.root = root
        self.cwd = cwd or Path.cwd()
        self.names: Names = names or SystemNames()
        self._look = look
        self._ask = ask
        self._list = containers
        self._inspect = inspect
        self._eyes = eyes or current_subject()
        self.made = made
        self._sockets: dict[str, SocketInfo] = {}

    # --- the CLI and where it points ---

    @cached_property
    def cli(self) -> Path | None:
        """The docker command that this person's PATH finds."""
        return self.which("docker")

    @cached_property
    def cli_version(self) -> str:
        """Its version, such as ``28.2.2``; empty without one."""
        match = re.search(
            r"\d+\.\d+\.\d+", self._ask([str(self.cli), "--version"]) if self.cli else ""
        )
        return match[0] if match else ""

    def which(self, command: str) -> Path | None:
        """The command on this person's PATH."""
        return (
            Path(f)
            if (f := shutil.which(command, path=self.environ.get("PATH", os.defpath)))
            else None
        )

    def cli_plugin(self, name: str) -> Path | None:
        """A plugin of the CLI, such as buildx."""
        folders = [self._config_folder / "cli-plugins", *(self.root / f for f in _PLUGIN_FOLDERS)]
        return next((f for x in folders if self._look_at(f := x / f"docker-{name}")), None)

    @cached_property
    def _config_folder(self) -> Path:
        return Path(self.environ.get("DOCKER_CONFIG") or Path(self.person.home) / ".docker")

    @cached_property
    def client_config(self) -> dict[str, Any]:
        """The person's ~/.docker/config.json; empty when there is none or it is broken."""
        try:
            read = json.loads(self._text(self._config_folder / "config.json"))
        except (OSError, ValueError, RecursionError):
            return {}
        return read if isinstance(read, dict) else {}

    @cached_property
    def address(self) -> tuple[str, str]:
        """Where the CLI looks for the engine, and what says so."""
        if host := self.environ.get("DOCKER_HOST"):
            return host, "DOCKER_HOST"
        name, source = self.environ.get("DOCKER_CONTEXT"), "DOCKER_CONTEXT"
        if not name:
            name, source = self.client_config.get("currentContext"), "docker context use"
        if not name or name == "default":
            return f"{UNIX}{DEFAULT_SOCKET}", "the default"
        digest = hashlib.sha256(str(name).encode()).hexdigest()
        meta = self._config_folder / "contexts" / "meta" / digest / "meta.json"
        try:
            host = json.loads(self._text(meta))["Endpoints"]["docker"]["Host"]
        except (OSError, ValueError, LookupError, TypeError):
            return "", f"context {name} (by {source}), which does not exist"
        return str(host), f"context {name} (by {source})"

    def socket(self, path: str) -> SocketInfo:
        """The Unix socket at this path."""
        if path not in self._sockets:
            self._sockets[path] = self._look(path)
        return self._sockets[path]

    def admitted(self, info: SocketInfo) -> bool:
        """Whether the person's process may connect to the socket."""
        return info.admits(self.person.uid, self.person.groups)

    @cached_property
    def daemons(self) -> list[Daemon]:
        """Every dockerd that runs here."""
        return sockets.daemons(self.root)

    # --- people ---

    @cached_property
    def login_groups(self) -> tuple[int, ...]:
        """What a new login of the person would be in; the process may have fewer."""
        return self.names.groups_of(self.person.name)

    def local_group(self, name: str) -> Group | None:
        """The group as /etc/group has it, which is all that dockerd reads."""
        for line in self.read("etc/group").splitlines():
            fields = line.split(":")
            if fields[0] == name and len(fields) > 3 and fields[2].isdigit():  # noqa: PLR2004
                return Group(name, int(fields[2]), tuple(m for m in fields[3].split(",") if m))
        return None

    @cached_property
    def proxies(self) -> dict[str, str]:
        """The proxy variables of the person's shell, in lower case."""
        wanted = ("http_proxy", "https_proxy", "all_proxy")
        return {k.lower(): v for k, v in self.environ.items() if k.lower() in wanted and v}

    # --- the engine's containers ---

    @cached_property
    def containers(self) -> list[Container] | None:
        """Every container, running or not; None when the engine can't be asked."""
        listed = self._list() if self._list else None
        return None if listed is None else [dict(one) for one in listed]

    def inspected(self, container: str) -> Container:
        """All that the engine says of a container; empty when it can't be asked."""
        return dict(self._inspect(container) or {})

    def container(self, name: str) -> Container | None:
        """The container of this name or (part of an) id."""
        wanted = name.removeprefix("/")
        for one in self.containers or []:
            if f"/{wanted}" in one.get("Names", []):
                return one
        short = 8
        by_id = (one for one in self.containers or [] if str(one.get("Id", "")).startswith(wanted))
        return next(by_id, None) if len(wanted) >= short else None

    def container_on_port(self, port: int, protocol: str = "tcp") -> Container | None:
        """The container that publishes this port of the host."""
        for one in self.containers or []:
            for row in one.get("Ports") or []:
                if row.get("PublicPort") == port and row.get("Type", "tcp") == protocol:
                    return one
        return None

    def listeners(self, port: int, protocol: str = "tcp") -> list[Listener]:
        """Who listens on this port of the host, or of the network that the engine lives in."""
        engine = self.engine
        return sockets.listeners(self.root, port, protocol, engine.pid if engine else None)

    @property
    def engine(self) -> Daemon | None:
        """The engine's process: the one with its address on the command line, or the only one."""
        host, _ = self.address
        daemons = [one for one in self.daemons if host in one.hosts]
        if not daemons and host.startswith(UNIX):
            daemons = self.daemons
        return daemons[0] if len(daemons) == 1 else None

    # --- files, disks, devices ---

    def read(self, path: str) -> str:
        """A file under the root, or nothing."""
        with suppress(OSError):
            return (self.root / path).read_text(encoding="utf-8", errors="replace")
        return ""

    def read_in_folder(self, name: str) -> str:
        """A file of the folder that the command ran in, or nothing."""
        with suppress(OSError):
            return self._text(self.cwd / name)
        return ""

    def files_of_folder(self) -> list[Path]:
        """The files of the folder that the command ran in."""
        with suppress(OSError):
            files = [
                self.cwd / name for name in call(self._eyes, file_actions.names, str(self.cwd))
            ]
            return [f for f in files if (status := self._look_at(f)) and stat.S_ISREG(status[2])]
        return []

    def _text(self, file: Path) -> str:
        content = call(self._eyes, file_actions.beginning, str(file), _TEXT_CHARS)
        return content.decode("utf-8", "replace")

    def _look_at(self, file: Path) -> list[int] | None:
        with suppress(OSError):
            return call(self._eyes, file_actions.look, str(file))
        return None

    def mount_of(self, path: str) -> Mount | None:
        """The mount that the path lies on, by /proc/self/mountinfo."""
        best: Mount | None = None
        for line in mount_lines(self.read("proc/self/mountinfo")):
            point = line.target
            inside = path == point or path.startswith(point.rstrip("/") + "/")
            if inside and (best is None or len(point) >= len(best.point)):
                best = Mount(point, line.fstype, line.source, "ro" in line.options)
        return best

    def owner(self, path: str) -> int | None:
        """The uid that owns the file of the host; None when there is none, or it is hidden."""
        return status[0] if (status := self._look_at(self.root / path.lstrip("/"))) else None

    def owner_in_folder(self, name: str) -> int | None:
        """The uid that owns a file of the folder that the command ran in; None of a link."""
        try:
            status = (self.cwd / name).lstat()
        except OSError:
            return None
        return status.st_uid if stat.S_ISREG(status.st_mode) else None

    def is_empty(self, path: str) -> bool:
        """Whether the path is a folder with nothing in it."""
        with suppress(OSError):
            return not call(self._eyes, file_actions.names, str(self.root / path.lstrip("/")))
        return False

    def free_bytes(self, path: str) -> int | None:
        """What an ordinary person may still write on that path's file system."""
        with suppress(OSError):
            return shutil.disk_usage(self.root / path.lstrip("/")).free
        return None

    @cached_property
    def gpus(self) -> int | None:
        """How many GPUs the NVIDIA driver shows; None without the driver."""
        folder = self.root / "proc/driver/nvidia/gpus"
        return sum(1 for _ in folder.iterdir()) if folder.is_dir() else None

    @cached_property
    def gpu_hardware(self) -> int:
        """How many NVIDIA display devices are on the PCI bus, driver or not."""
        devices = (self.root / "sys/bus/pci/devices").glob("*")
        return sum(
            _first_line(d / "vendor") == _NVIDIA_VENDOR
            and _first_line(d / "class").startswith(_DISPLAY_CLASS)
            for d in devices
        )

    @cached_property
    def toolkit(self) -> tuple[Path, ...]:
        """The parts of the NVIDIA Container Toolkit on this person's PATH."""
        return tuple(path for name in _TOOLKIT if (path := self.which(name)))

    @cached_property
    def cgroup_version(self) -> str:
        """The hierarchy that the host mounts: ``2`` or ``1``."""
        return "2" if (self.root / "sys/fs/cgroup/cgroup.controllers").exists() else "1"

    @cached_property
    def selinux_enforcing(self) -> bool:
        """Whether SELinux refuses here."""
        return self.read("sys/fs/selinux/enforce").strip() == "1"


def _first_line(path: Path) -> str:
    with suppress(OSError, UnicodeDecodeError):
        return path.read_text(encoding="ascii").strip()
    return ""
