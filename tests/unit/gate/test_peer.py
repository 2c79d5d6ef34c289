"""A gate serves its person's processes that run beside it, and nobody else's."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from lifecycle.gate.peer import objection
from lifecycle.machine.procfs import namespace_pids
from lifecycle.machine.subject import synthetic_subject
from tests.unit.gate.fakes import OK, Engine, Opened, ask_as, request

INFO = request("GET /v1.41/info")
REMOVE = request("DELETE /v1.41/containers/x?force=1")
AS_ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="only root is somebody else, or elsewhere")
ASK = """
import socket, sys
channel = socket.socket(socket.AF_UNIX)
channel.connect(sys.argv[1])
channel.sendall(sys.argv[2].encode())
while piece := channel.recv(1 << 16):
    sys.stdout.write(piece.decode())
"""


@pytest.fixture
def reached() -> Iterator[tuple[Opened, Engine]]:
    """A gate whose socket everybody can open, as root of a container can."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        with Engine(folder / "engine.sock") as engine, Opened(folder, engine.address) as gate:
            gate.gate.path.parent.chmod(0o755)
            gate.gate.path.chmod(0o666)
            yield gate, engine


def is_refused(gate: Opened, engine: Engine, answer: bytes, why: str) -> None:
    assert answer.startswith(b"HTTP/1.1 403 ")
    assert why.encode() in answer
    assert (gate.calls, engine.heard) == ([], []), "it is not this run's doing"
    assert gate.ask(INFO) == OK, "its own processes are served"


@AS_ROOT
@pytest.mark.parametrize("asked", [INFO, REMOVE])
def test_another_person_is_not_served(reached: tuple[Opened, Engine], asked: bytes) -> None:
    gate, engine = reached
    answer = ask_as(54321, 54321, gate.gate.path, asked)
    is_refused(gate, engine, answer, "of uid 0, and uid 54321 is not served")


@AS_ROOT
def test_root_is_another_person_at_a_person_s_gate(tmp_path: Path, passable: Path) -> None:
    somebody = synthetic_subject("kim", 54321, 54322, 54322, str(tmp_path))
    with (
        Engine(passable / "engine.sock") as engine,
        Opened(passable, engine.address, somebody) as gate,
    ):
        assert b"of uid 54321, and uid 0 is not served" in gate.ask(REMOVE)
        assert (gate.calls, engine.heard) == ([], [])
        assert ask_as(54321, 54322, gate.gate.path, INFO) == OK
        assert ask_as(54321, 7, gate.gate.path, INFO) == OK, "with another group, as by sg"


@AS_ROOT
@pytest.mark.parametrize("asked", [INFO, REMOVE])
def test_a_process_of_another_namespace_is_not_served(
    reached: tuple[Opened, Engine], asked: bytes
) -> None:
    gate, engine = reached
    apart = ("unshare", "--pid", "--fork", "--kill-child", "--mount-proc", sys.executable, "-c")
    words = (*apart, ASK, str(gate.gate.path), asked.decode())
    answer = subprocess.run(words, capture_output=True, check=True, timeout=60).stdout
    is_refused(gate, engine, answer, "a process in a container")


@pytest.fixture
def listener(tmp_path: Path) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX) as made:
        made.bind(str(tmp_path / "s"))
        made.listen()
        yield made


def test_a_process_that_has_gone_is_not_served(listener: socket.socket) -> None:
    child = os.fork()
    if not child:
        try:
            socket.socket(socket.AF_UNIX).connect(listener.getsockname())
        finally:
            os._exit(0)
    os.waitpid(child, 0)
    with listener.accept()[0] as client:
        assert "can't be looked at" in objection(client)


def test_a_process_of_ours_is_served(listener: socket.socket) -> None:
    with socket.socket(socket.AF_UNIX) as near:
        near.connect(listener.getsockname())
        with listener.accept()[0] as client:
            assert objection(client) == ""


@pytest.mark.parametrize("seen", [{"self": [9, 1]}, {"self": []}, {os.getpid(): [7]}])
def test_nobody_is_served_where_processes_are_not_what_their_numbers_say(
    listener: socket.socket, monkeypatch: pytest.MonkeyPatch, seen: dict[int | str, list[int]]
) -> None:
    """As in a namespace of one's own with another one's /proc."""

    def pids(process: int | str) -> list[int]:
        return seen.get(process, namespace_pids(process))

    monkeypatch.setattr("lifecycle.gate.peer.namespace_pids", pids)
    with socket.socket(socket.AF_UNIX) as near:
        near.connect(listener.getsockname())
        with listener.accept()[0] as client:
            assert objection(client)
