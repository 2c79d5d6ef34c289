"""However a sandbox ends, nothing of it stays, and nobody beside it notices."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from lifecycle.sandbox.cache import user_cache
from lifecycle.sandbox.claim import locked, records
from lifecycle.sandbox.info import SandboxInfo
from lifecycle.sandbox.open import open_sandbox, sweep_sandboxes
from lifecycle.sandbox.shell import wait_until
from tests.engine.test_sandbox import IMAGE, docker

pytestmark = [
    pytest.mark.engine,
    pytest.mark.skipif(os.geteuid() != 0, reason="a sandbox needs root"),
]

# Opens a sandbox, tells what it is, and keeps it until its input ends.
HOLDER = """
import json, sys
from lifecycle.sandbox.open import open_sandbox, sweep_sandboxes
def say(text):
    print("say", text, flush=True)
if sys.argv[1:] == ["sweep"]:
    print(json.dumps(sweep_sandboxes(say=say)))
    sys.exit()
with open_sandbox(say=say) as info:
    print("up", json.dumps(info.to_json()), flush=True)
    if sys.stdin.readline() == "fail\\n":
        raise RuntimeError("as the test wanted")
"""
ELSEWHERE = "lifecycle-tests-elsewhere"
ROOTS = [Path("/run/lifecycle-sandbox"), Path("/var/lib/lifecycle-sandbox")]
FOLDERS = [Path(p) for p in ("/etc/docker", "/opt/containerd", "/run/containerd", "/run/docker")]


@dataclass
class Machine:
    """A network namespace that stands for a machine nobody else is at."""

    net: str

    def words(self, *words: str) -> list[str]:
        """A command, to be run on this machine."""
        return ["nsenter", f"--net={self.net}", "--", *words]

    def run(self, *words: str) -> str:
        """Run a command on this machine and return what it printed."""
        return subprocess.run(self.words(*words), check=True, text=True, capture_output=True).stdout

    def forwarding(self) -> list[str]:
        """What is forwarded: the setting for all, and each device's own."""
        conf = "/proc/sys/net/ipv4/conf"
        said = self.run("sh", "-c", f"grep . /proc/sys/net/ipv4/ip_forward {conf}/*/forwarding")
        return sorted(said.replace(conf, "").splitlines())

    def state(self) -> dict[str, Any]:
        """All that a sandbox could change."""
        rules = re.sub(r"\[\d+:\d+\]|^#.*$", "", self.run("iptables-save"), flags=re.MULTILINE)
        return {
            "rules": rules.split("\n"),
            "links": re.findall(r"^\d+: (\S+?)[@:]", self.run("ip", "-o", "link"), re.MULTILINE),
            "forward": self.forwarding(),
            "namespaces": self.run("ip", "netns"),
            "folders": [str(path) for path in FOLDERS if path.exists()],
            "sockets": [str(path) for path in Path("/run/containerd/s").glob("*") if stale(path)],
        }


def stale(path: Path) -> bool:
    """Whether a socket is one that nobody listens at any longer."""
    with socket.socket(socket.AF_UNIX) as channel:
        try:
            channel.connect(str(path))
        except ConnectionRefusedError:
            return True
        except FileNotFoundError:
            pass
        return False


@pytest.fixture
def machine() -> Iterator[Machine]:
    """A machine of the test's own, with no way out: all that is needed is in the cache."""
    with subprocess.Popen(["unshare", "--net", "cat"], stdin=subprocess.PIPE) as keeper:
        net = f"/proc/{keeper.pid}/ns/net"
        ours = Path("/proc/self/ns/net")
        assert wait_until(lambda: not Path(net).samefile(ours), limit=5)
        machine = Machine(net)
        machine.run("ip", "link", "set", "lo", "up")
        machine.run("sh", "-c", "echo 0 > /proc/sys/net/ipv4/ip_forward")
        yield machine
        assert keeper.stdin
        keeper.stdin.close()


@pytest.fixture(scope="module", autouse=True)
def _cached(sandboxes_alone: None) -> None:
    """The artifacts are in the cache, so that a machine without a way out can have a sandbox."""
    assert sandboxes_alone is None
    with open_sandbox(say=print):
        pass


@dataclass
class Holder:
    """A process that holds a sandbox open."""

    process: subprocess.Popen[str]
    info: SandboxInfo | None = None

    def wait_for(self, word: str) -> str:
        """Read until it says a line that begins so."""
        assert self.process.stdout
        said = []
        for line in self.process.stdout:
            said.append(line)
            if line.startswith(word):
                return line.removeprefix(word)
        raise AssertionError("".join(said))

    def up(self) -> SandboxInfo:
        """Wait until the sandbox is up."""
        said = json.loads(self.wait_for("up"))
        return SandboxInfo(**{**said, "gpus": ()})

    def end(self, line: str) -> int:
        """Have it end by itself."""
        self.process.communicate(line, timeout=30)
        return self.process.returncode


@pytest.fixture
def hold(machine: Machine) -> Iterator[Callable[..., Holder]]:
    """Starts holders on the machine, which has no lab: ours may lie where they can't see it."""
    started: list[subprocess.Popen[str]] = []
    env = {key: value for key, value in os.environ.items() if key != "LIFECYCLE_LAB"}

    def start(*prefix: str) -> Holder:
        words = machine.words(*prefix, sys.executable, "-c", HOLDER)
        pipe = subprocess.PIPE
        process = subprocess.Popen(words, text=True, env=env, stdin=pipe, stdout=pipe, stderr=pipe)
        started.append(process)
        return Holder(process)

    yield start
    for process in started:
        process.terminate()
        process.communicate(timeout=30)


def use(info: SandboxInfo) -> None:
    """Leave a bit of everything: containers, one paused, a volume, a network, a port, a cgroup."""
    docker(info, "network", "create", "net")
    docker(info, "run", "-d", "--name=first", "-p8080:5000", "-vvol:/vol", "--network=net", IMAGE)
    other = ("--network=host", f"--cgroup-parent=/{ELSEWHERE}", "-eREGISTRY_HTTP_ADDR=:5001")
    docker(info, "run", "-d", "--name=second", *other, IMAGE)
    docker(info, "run", "-d", "--name=third", IMAGE)
    docker(info, "pause", "third")
    assert docker(info, "ps", "-q").count("\n") == 3


def remove_elsewhere() -> None:
    """Remove the cgroups that a container was told to be in, which nobody can know for ours."""
    for mount in Path("/sys/fs/cgroup").iterdir():
        for folder, _, _ in os.walk(mount / ELSEWHERE, topdown=False):
            Path(folder).rmdir()


def traces(sandbox: str) -> list[str]:
    """Whatever on the machine bears a sandbox's id."""
    found = [str(root / sandbox) for root in ROOTS if (root / sandbox).exists()]
    found += [
        line for line in Path("/proc/self/mounts").read_text().splitlines() if sandbox in line
    ]
    found += [str(path) for path in Path("/sys/fs/cgroup").glob(f"*/lifecycle-{sandbox}")]
    for process in Path("/proc").glob("[0-9]*"):
        try:
            words = (process / "cmdline").read_bytes()
        except OSError:
            continue
        if sandbox.encode() in words:
            found.append(words.replace(b"\0", b" ").decode(errors="replace"))
    return found


def assert_gone(sandbox: str, machine: Machine, before: dict[str, Any]) -> None:
    """Nothing of the sandbox is there; others' that come and go meanwhile are waited out."""
    wait_until(lambda: machine.state() == before, limit=5)
    assert (machine.state(), traces(sandbox)) == (before, [])


def test_a_sandbox_that_ends_leaves_the_machine_as_it_was(
    machine: Machine, hold: Callable[..., Holder]
) -> None:
    before = machine.state()
    holder = hold()
    info = holder.up()
    use(info)
    assert machine.state()["rules"] != before["rules"]
    assert holder.end("\n") == 0
    remove_elsewhere()
    assert_gone(info.id, machine, before)


def test_so_does_one_whose_user_failed(machine: Machine, hold: Callable[..., Holder]) -> None:
    before = machine.state()
    holder = hold()
    info = holder.up()
    assert holder.end("fail\n") == 1
    assert_gone(info.id, machine, before)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
@pytest.mark.parametrize("at", ["say Starting", "up"])
def test_so_does_one_that_is_told_to_end(
    machine: Machine, hold: Callable[..., Holder], number: signal.Signals, at: str
) -> None:
    before = machine.state()
    holder = hold()
    holder.wait_for(at)
    [sandbox] = [r.id for r in records() if r.pid == holder.process.pid]
    holder.process.send_signal(number)
    holder.process.send_signal(number)  # people press Ctrl-C twice
    said, complaint = holder.process.communicate(timeout=60)
    assert holder.process.returncode not in {0, None}
    assert "left something behind" not in said, said + complaint
    assert_gone(sandbox, machine, before)


def test_what_a_killed_one_left_is_swept(machine: Machine, hold: Callable[..., Holder]) -> None:
    before = machine.state()
    live, dead = hold(), hold()
    kept, left = live.up(), dead.up()
    use(left)
    dead.process.kill()
    dead.process.wait(30)
    docker(left, "ps")  # the engine lives on, with nobody to end it
    words = machine.words(sys.executable, "-c", HOLDER, "sweep")
    swept = subprocess.run(words, check=True, text=True, capture_output=True).stdout
    # Another test's sandbox may have come first.
    assert set(json.loads(swept.splitlines()[-1])) <= {left.id}
    remove_elsewhere()
    assert wait_until(lambda: traces(left.id) == [], limit=10), traces(left.id)
    assert "lifecycle-registry" in docker(kept, "ps")
    assert live.end("\n") == 0
    assert_gone(kept.id, machine, before)


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder whose path is short: an engine's sockets lie deep in it, and theirs is limited."""
    path = Path(tempfile.mkdtemp())
    yield path
    shutil.rmtree(path)


@pytest.fixture
def other_engine(machine: Machine, folder: Path) -> Iterator[dict[str, str]]:
    """A plain engine of somebody else's on the machine, with a container that runs."""
    absent = [path for path in FOLDERS if not path.exists()]
    (folder / "daemon.json").write_text("{}")
    where = {
        "--host": f"unix://{folder}/docker.sock",
        "--config-file": f"{folder}/daemon.json",
        "--data-root": f"{folder}/data",
        "--exec-root": f"{folder}/exec",
        "--pidfile": f"{folder}/pid",
        "--cgroup-parent": f"/{ELSEWHERE}",
    }
    words = machine.words("dockerd", *(f"{flag}={value}" for flag, value in where.items()))
    environ = {**os.environ, "DOCKER_HOST": where["--host"], "DOCKER_CONFIG": str(folder)}
    with (folder / "log").open("wb") as log, subprocess.Popen(words, stderr=log) as process:
        try:
            assert wait_until(lambda: plain(environ, "ps", check=False) != "", limit=30)
            image = next(user_cache(os.environ).folder.glob("registry-*.tar"))
            entry = 'ENTRYPOINT ["/usr/bin/docker-registry", "serve", "/etc/registry.yml"]'
            plain(environ, "import", "--change", entry, str(image), "theirs")
            plain(environ, "run", "-d", "--name=theirs", "-p8080:5000", "theirs")
            yield environ
            plain(environ, "rm", "-f", "theirs")
        finally:
            process.terminate()
    # Where mounts are private the engine binds its data folder to itself, and may leave that.
    subprocess.run(["umount", "--lazy", folder / "data"], check=False, capture_output=True)
    remove_elsewhere()
    for path in absent:
        shutil.rmtree(path, ignore_errors=True)


def plain(environ: Mapping[str, str], *words: str, check: bool = True) -> str:
    """Run docker on another engine, and return what it printed."""
    ran = subprocess.run(
        ["docker", *words], check=False, text=True, capture_output=True, env=environ
    )
    assert ran.returncode == 0 or not check, ran.stderr
    return ran.stdout


def test_an_engine_that_is_there_already_notices_nothing(
    machine: Machine, other_engine: dict[str, str], hold: Callable[..., Holder]
) -> None:
    def noticed() -> tuple[dict[str, Any], str, str]:
        running = plain(other_engine, "inspect", "theirs", "--format", "{{json .State}}")
        return machine.state(), running, plain(other_engine, "images", "-q")

    before = noticed()
    assert "docker0" in before[0]["links"]
    holder = hold()
    use(holder.up())
    assert holder.end("\n") == 0
    assert noticed() == before


def test_the_record_of_another_version_is_left_alone() -> None:
    with locked():
        folder = ROOTS[0] / "another-version"
        folder.mkdir()
        (folder / "owner.json").write_text('{"id": "another-version"}')
    try:
        assert "another-version" not in sweep_sandboxes(say=print)
        assert folder.exists()
    finally:
        shutil.rmtree(folder)
        sweep_sandboxes(say=print)
