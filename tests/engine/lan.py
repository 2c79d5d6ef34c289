"""Machines made of network namespaces: one that has a sandbox, and others that could reach it."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from lifecycle.sandbox.info import SandboxInfo
from lifecycle.sandbox.shell import wait_until
from tests.engine.test_sandbox import IMAGE, docker
from tests.engine.test_sandbox_end import Machine

# Asks each address for a registry; says which answered.
ASK = """
import http.client, sys
for address in sys.argv[1:]:
    host, _, port = address.rpartition(":")
    asked = http.client.HTTPConnection(host.strip("[]"), int(port), timeout=0.7)
    try:
        asked.request("PUT", "/v2/library/debian/manifests/bookworm", "{}")
        print(address, asked.getresponse().status)
    except OSError:
        pass
"""
LISTEN = """
import http.server, sys
http.server.HTTPServer(("0.0.0.0", int(sys.argv[1])), http.server.SimpleHTTPRequestHandler
    ).serve_forever()
"""


@dataclass
class Lan:
    """The machine's neighbour on its way out, and one behind its other cable."""

    machine: Machine
    neighbour: Machine
    behind: Machine

    def answered(self, who: Machine, *addresses: str, prefix: tuple[str, ...] = ()) -> list[str]:
        """The registries that answered somebody at these addresses."""
        said = who.run(*prefix, sys.executable, "-c", ASK, *addresses)
        return [line.split()[0] for line in said.splitlines()]


@pytest.fixture
def lan(machine: Machine) -> Iterator[Lan]:
    """The machine has a neighbour that it goes out by, and another cable, as to a container."""
    with ExitStack() as stack:
        neighbour, behind = (stack.enter_context(namespace()) for _ in range(2))
        cable(machine, "out0", "198.51.100.2/24", neighbour, "198.51.100.1/24")
        cable(machine, "docker9", "203.0.113.1/24", behind, "203.0.113.2/24")
        machine.run("ip", "route", "add", "default", "via", "198.51.100.1")
        for other, way in ((neighbour, "198.51.100.2"), (behind, "203.0.113.1")):
            other.run("ip", "route", "add", "10.0.0.0/8", "via", way)
        neighbour.run("ip", "route", "add", "203.0.113.0/24", "via", "198.51.100.2")
        behind.run("ip", "route", "add", "default", "via", "203.0.113.1")
        yield Lan(machine, neighbour, behind)


@contextmanager
def namespace() -> Iterator[Machine]:
    """A network namespace with its loopback up."""
    with subprocess.Popen(["unshare", "--net", "cat"], stdin=subprocess.PIPE) as keeper:
        net, ours = f"/proc/{keeper.pid}/ns/net", Path("/proc/self/ns/net")
        assert wait_until(lambda: not Path(net).samefile(ours), limit=20)
        one = Machine(net)
        one.run("ip", "link", "set", "lo", "up")
        try:
            yield one
        finally:
            keeper.terminate()


def cable(one: Machine, name: str, address: str, other: Machine, others: str) -> None:
    """Connect two machines."""
    one.run(*f"ip link add {name} type veth peer eth0 netns {other.net}".split())
    for machine, device, net in ((one, name, address), (other, "eth0", others)):
        machine.run("ip", "addr", "add", net, "dev", device)
        machine.run("ip", "link", "set", device, "up")


def publish(info: SandboxInfo) -> str:
    """A registry of the run's own, published; its address in the engine's bridge."""
    docker(info, "run", "-d", "--name=published", "-p8080:5000", IMAGE)
    return docker(info, "inspect", "-f", "{{.NetworkSettings.IPAddress}}", "published")


def base_pulls(info: SandboxInfo) -> None:
    """The engine is there, and so is its registry."""
    docker(info, "pull", "-q", info.base_image)


@contextmanager
def listening(who: Machine, port: int) -> Iterator[None]:
    """Somebody's service, up."""
    words = who.words(sys.executable, "-c", LISTEN, str(port))
    knock = who.words("bash", "-c", f"exec 3<>/dev/tcp/127.0.0.1/{port}")

    def up() -> bool:
        return subprocess.run(knock, check=False, capture_output=True).returncode == 0

    with subprocess.Popen(words, stderr=subprocess.DEVNULL) as server:
        try:
            assert wait_until(up, limit=40)
            yield
        finally:
            server.terminate()
