"""The sandbox's engine: a containerd and a dockerd that know nothing of the machine's own."""

from __future__ import annotations

import http.client
import json
import os
import re
import socket
import subprocess
from collections.abc import Mapping
from contextlib import ExitStack
from ipaddress import IPv4Network
from pathlib import Path
from urllib.parse import urlsplit

from lifecycle.machine.secret_variables import without_secrets
from lifecycle.sandbox.cgroup import kept
from lifecycle.sandbox.network import mtu, resolvers
from lifecycle.sandbox.record import Record
from lifecycle.sandbox.shell import SandboxError, last_words, run, wait_until

_START_LIMIT = 45.0
"""Seconds that an engine of our own may take to answer."""
_NO_TRUST_KEY = 25  # the first version of dockerd that makes none

# The optional plugins are off; opt would make /opt/containerd. Unknown names are ignored.
_CONTAINERD = """\
version = 2
root = "{data}/containerd"
state = "{run}/containerd/state"
disabled_plugins = ["io.containerd.grpc.v1.cri", "io.containerd.nri.v1.nri"]
[grpc]
  address = "{run}/containerd/containerd.sock"
[debug]
  level = "warn"
[plugins."io.containerd.internal.v1.opt"]
  path = "{data}/opt"
"""


class Engine:
    """The running engine, asked by its own CLI with a configuration of nobody's."""

    def __init__(self, record: Record) -> None:
        """Say which sandbox's engine it is."""
        self.address = f"unix://{record.socket}"
        config = record.data_dir / "docker-config"
        config.mkdir(mode=0o700, exist_ok=True)
        self.environ = {
            **{k: v for k, v in without_secrets(os.environ).items() if not k.startswith("DOCKER_")},
            "DOCKER_HOST": self.address,
            "DOCKER_CONFIG": str(config),
        }

    def docker(self, *words: str, what: str) -> str:
        """Run a docker command on this engine."""
        return run("docker", *words, what=what, environ=self.environ)


def start(record: Record, path: Path, reap: ExitStack) -> None:
    """Start containerd and dockerd in the sandbox's namespace and cgroup.

    ``path`` comes first on dockerd's PATH. Returns when the engine answers.
    """
    config = record.run_dir / "containerd"
    config.mkdir(mode=0o711)
    (config / "config.toml").write_text(
        _CONTAINERD.format(run=record.run_dir, data=record.data_dir)
    )
    settings = {}
    if _version() < _NO_TRUST_KEY:
        settings["deprecated-key-path"] = f"{record.run_dir}/key.json"  # or /etc/docker has one
    (record.run_dir / "daemon.json").write_text(json.dumps(settings))
    environ = _environment(path)
    containerd = ("containerd", "--config", str(config / "config.toml"))
    _launch(record, "containerd", containerd, environ, reap)
    dockerd = _launch(record, "dockerd", ("dockerd", *_options(record)), environ, reap)
    if not wait_until(lambda: dockerd.poll() is not None or _answers(record), limit=_START_LIMIT):
        raise SandboxError(
            f"the sandbox's engine gave no answer in {_START_LIMIT:.0f} s: {_complaint(record)}"
        )
    if dockerd.poll() is not None:
        raise SandboxError(f"the sandbox's engine did not start: {_complaint(record)}")


def _options(record: Record) -> list[str]:
    run_dir, pool = record.run_dir, IPv4Network(record.pool)
    options = {
        "--host": f"unix://{record.socket}",
        "--group": str(record.socket_gid),
        "--config-file": f"{run_dir}/daemon.json",
        "--data-root": f"{record.data_dir}/docker",
        "--exec-root": f"{run_dir}/docker",
        "--pidfile": f"{run_dir}/docker.pid",
        "--containerd": str(record.containerd_socket),
        "--cgroup-parent": f"/{record.name}",
        "--exec-opt": "native.cgroupdriver=cgroupfs",
        "--mtu": str(mtu()),
        "--bip": f"{pool.network_address + 1}/24",
        "--default-address-pool": f"base={pool},size=24",
        "--log-level": "warn",
    }
    dns = [f"--dns={server}" for server in resolvers().servers]
    return [*(f"{flag}={value}" for flag, value in options.items()), *dns]


def _version() -> int:
    text = run("dockerd", "--version", what="dockerd can't be asked its version")
    match = re.search(r"version (\d+)", text)
    return int(match[1]) if match else _NO_TRUST_KEY


def _launch(
    record: Record, name: str, words: tuple[str, ...], environ: Mapping[str, str], reap: ExitStack
) -> subprocess.Popen[bytes]:
    """Start a daemon that Ctrl-C does not reach: it is ours to end."""
    # nsenter, not `ip netns exec`, which mounts another /sys and so loses the control groups.
    inside = ("nsenter", f"--net={record.netns}", "--", *words)
    log_file = _log(record, name)
    log_file.touch(mode=0o600)
    with log_file.open("wb") as log:
        process = subprocess.Popen(
            kept(record, *inside),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            env=environ,
            start_new_session=True,
        )
    reap.callback(process.wait, 5)
    return process


def _environment(path: Path) -> dict[str, str]:
    """Our environment, less the proxies on the host's loopback: the namespace has another."""
    environ = {
        key: value
        for key, value in without_secrets(os.environ).items()
        if not (key.lower().endswith("_proxy") and on_loopback(value))
    }
    return {**environ, "PATH": f"{path}:{os.environ.get('PATH', os.defpath)}"}


def on_loopback(proxy: str) -> bool:
    """Whether a proxy's address is one that only the host itself can reach."""
    host = urlsplit(proxy if "//" in proxy else f"//{proxy}").hostname or ""
    return host == "localhost" or host.startswith("127.") or host == "::1"


def _answers(record: Record) -> bool:
    """Whether the engine serves: it listens earlier, and lets callers wait."""
    connection = http.client.HTTPConnection("localhost", timeout=_START_LIMIT)
    with socket.socket(socket.AF_UNIX) as channel:
        channel.settimeout(_START_LIMIT)
        try:
            channel.connect(str(record.socket))
            connection.sock = channel
            connection.request("GET", "/_ping")
            return connection.getresponse().status == http.client.OK
        except (OSError, http.client.HTTPException):
            return False


def _complaint(record: Record) -> str:
    """What the engine said last, in its own words."""
    for name in ("dockerd", "containerd"):
        text = _log(record, name).read_text(errors="replace")
        if text.strip():
            words = last_words(text)
            match = re.search(r'msg="((?:[^"\\]|\\.)*)"', words)
            return match[1] if match else words
    return "it said nothing"


def _log(record: Record, name: str) -> Path:
    return record.run_dir / f"{name}.log"
