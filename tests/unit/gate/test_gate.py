"""A gate is its subject's, ends with its harness, and is noticed when it is not the one opened."""

from __future__ import annotations

import os
import signal
import socket
import stat
import struct
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from lifecycle.gate.gate import Answer, Call, Gate, GateError, GateProcess
from lifecycle.machine.subject import Subject, current_subject, synthetic_subject
from tests.unit.gate.fakes import (
    LIMIT,
    OK,
    Client,
    Engine,
    Heard,
    Opened,
    ask_as,
    request,
    wait_until,
)

INFO = request("GET /v1.41/info")
STOP = request("POST /v1.41/containers/x/stop")
AS_ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="only root becomes somebody else")


def hold(heard: Heard) -> None:
    """An answer that does not end before the client hangs up."""
    heard.send(b"HTTP/1.1 200 OK\r\n\r\nfirst")
    while heard.channel.recv(1 << 16):
        pass


# -- whose it is -----------------------------------------------------------------------------------


def test_its_socket_is_its_subject_s_alone(gate: Opened) -> None:
    seen = gate.gate.path.lstat()
    assert stat.S_ISSOCK(seen.st_mode)
    assert stat.S_IMODE(seen.st_mode) == 0o600
    assert (seen.st_uid, seen.st_gid) == (os.geteuid(), os.getegid())


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that everybody can enter."""
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o755)
        yield Path(name)


@pytest.fixture
def somebody() -> Subject:
    return synthetic_subject("kim", 54321, 54322, 54323, "/nonexistent")


@AS_ROOT
def test_it_comes_to_the_engine_as_its_subject(open_folder: Path, somebody: Subject) -> None:
    with (
        Engine(open_folder / "engine.sock") as engine,
        Opened(open_folder, engine.address, somebody) as gate,
    ):
        for asked in (INFO, STOP):
            assert ask_as(54321, 54322, gate.gate.path, asked) == OK
        peers = [struct.unpack("3i", heard.peer) for heard in engine.heard]
        assert peers == [(gate.gate.pid, 54321, 54322)] * 2
        status = Path(f"/proc/{gate.gate.pid}/status").read_text("ascii")
        ids = {k: v.split() for k, _, v in (line.partition(":") for line in status.splitlines())}
        assert ids["Uid"] == ["54321"] * 4
        assert ids["Gid"] == ["54322"] * 4
        assert ids["Groups"] == ["54322", "54323"]
        assert set(ids["CapEff"]) | set(ids["CapPrm"]) == {"0" * 16}
        assert gate.gate.path.lstat().st_uid == 54321


@AS_ROOT
def test_a_subject_who_may_not_use_the_engine_is_told_so_in_the_cli_s_words(
    open_folder: Path, somebody: Subject
) -> None:
    with Engine(open_folder / "engine.sock") as engine:
        engine.path.chmod(0o600)
        with Opened(open_folder, engine.address, somebody) as gate:
            assert gate.gate.refusal == (
                "permission denied while trying to connect to the Docker daemon socket at "
                f"{engine.address}: dial unix {engine.path}: connect: permission denied"
            )
            assert gate.gate.address() == engine.address, "their commands run straight"
            assert b"permission denied" in ask_as(54321, 54322, gate.gate.path, INFO)
            engine.path.chmod(0o777)
            assert gate.gate.address() == f"unix://{gate.gate.path}"


def test_a_folder_that_is_not_there_is_told(tmp_path: Path) -> None:
    gate = Gate(
        current_subject(), {}, "unix:///x", tmp_path / "none", lambda _: None, process=GateProcess()
    )
    with pytest.raises(GateError, match=r"could not be opened at .*: No such file"):
        gate.ready()
    gate.close()


def test_a_path_that_is_too_long_for_a_socket_is_told(tmp_path: Path) -> None:
    folder = tmp_path / ("x" * 100)
    folder.mkdir()
    gate = Gate(current_subject(), {}, "unix:///x", folder, lambda _: None, process=GateProcess())
    with pytest.raises(GateError, match="path too long"):
        gate.ready()
    gate.close()


@pytest.mark.parametrize("address", ["tcp://127.0.0.1:x", "tcp://[", "unix://", "x", ""])
def test_an_address_that_leads_nowhere_is_a_refusal(tmp_path: Path, address: str) -> None:
    with Opened(tmp_path, address, environ={"PATH": "/nonexistent"}) as gate:
        assert address in gate.gate.refusal
        assert gate.gate.address() == address
        assert gate.ask(INFO).startswith(b"HTTP/1.1 503 ")


# -- an engine that is away ----------------------------------------------------------------------


def test_an_engine_that_is_away_is_told_in_the_cli_s_words(gate: Opened, engine: Engine) -> None:
    seen: list[Answer] = []

    def judge(call: Call) -> None:
        seen.append(call.relay_and_wait())
        call.release()

    def follow(call: Call) -> None:
        seen.append(Answer(len(list(call.relay_and_follow())), ""))
        call.release()

    engine.close()
    for decide in (gate.judge, judge, follow):
        gate.judge = decide
        for asked in (INFO, STOP):
            answer = gate.ask(asked)
            assert answer.startswith(b"HTTP/1.1 503 ")
            told = f"Cannot connect to the Docker daemon at {engine.address}. Is the docker daemon"
            assert told.encode() in answer
            assert str(gate.gate.path).encode() not in answer
    wait_until(lambda: [one.status for one in seen] == [0, 0], "both judges heard of it")
    assert "Cannot connect" in seen[0].body


def test_an_engine_that_comes_back_is_reached_again(gate: Opened, engine: Engine) -> None:
    engine.close()
    gate.ask(INFO)
    with Engine(engine.path):
        assert gate.ask(INFO) == OK
        assert gate.gate.address() == f"unix://{gate.gate.path}"


def test_where_there_is_no_engine_commands_run_straight_until_there_is(tmp_path: Path) -> None:
    path = tmp_path / "engine.sock"
    with Opened(tmp_path, f"unix://{path}") as gate:
        env = {"DOCKER_HOST": "x", "DOCKER_TLS_VERIFY": "1", "DOCKER_CONTEXT": "y", "A": "b"}
        assert gate.gate.environ(env) == {**env, "DOCKER_HOST": f"unix://{path}"}
        with Engine(path):
            own = {"A": "b", "DOCKER_HOST": f"unix://{gate.gate.path}"}
            assert gate.gate.environ(env) == own


def test_an_engine_at_an_address_of_the_network_is_reached(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            for _ in range(2):  # it is asked whether it is there, too
                channel, _ = listener.accept()
                with channel:
                    channel.recv(1 << 16)
                    channel.sendall(OK)

        threading.Thread(target=serve, daemon=True).start()
        port = listener.getsockname()[1]
        with Opened(tmp_path, f"tcp://127.0.0.1:{port}", environ={}) as gate:
            assert gate.gate.refusal == ""
            assert gate.ask(INFO) == OK


def test_no_text_shows_the_gate_s_address(gate: Opened, engine: Engine) -> None:
    path = gate.gate.path
    text = f"at unix://{path}: dial unix {path}: connect"
    assert gate.gate.shown(text) == f"at {engine.address}: dial unix {engine.path}: connect"


# -- its end ---------------------------------------------------------------------------------------


def is_gone(pid: int) -> bool:
    try:
        return "State:\tZ" in Path(f"/proc/{pid}/status").read_text("ascii")
    except OSError:
        return True


HARNESS = """
import sys, os
from pathlib import Path
from tests.unit.gate.fakes import Opened
gate = Opened(Path(sys.argv[1]), sys.argv[2])
print(gate.gate.pid, flush=True)
sys.stdin.read()
"""


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM, None])
def test_where_the_harness_is_gone_nothing_is_relayed_any_more(
    tmp_path: Path, engine: Engine, how: signal.Signals | None
) -> None:
    engine.handler = hold
    with subprocess.Popen(
        [sys.executable, "-c", HARNESS, tmp_path, engine.address],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as harness:
        assert harness.stdout
        assert harness.stdin
        pid = int(harness.stdout.readline())
        clients = [Client(tmp_path / "gate" / "docker.sock") for _ in range(3)]
        for client, asked in zip(clients, (INFO, STOP, STOP[:20]), strict=True):
            client.send(asked)
        wait_until(lambda: len(engine.heard) == 2, "two are relayed")
        if how is None:
            harness.stdin.close()
        else:
            harness.send_signal(how)
        harness.wait(LIMIT)
        wait_until(lambda: is_gone(pid), "its gate ends")
        assert all(heard.ended.wait(LIMIT) for heard in engine.heard)
        for client in clients:
            with client:
                client.read_all()
        assert harness.stderr
        assert "lifecycle/gate" not in harness.stderr.read()
    with pytest.raises(ConnectionRefusedError):
        Client(tmp_path / "gate" / "docker.sock")


def test_a_gate_that_is_closed_ends_what_goes_through_it(gate: Opened, engine: Engine) -> None:
    engine.handler = hold
    with gate.connect() as client:
        client.send(STOP).read_until(b"first")
        gate.gate.close()
        assert client.read_all() == b""
    assert engine.heard[0].ended.wait(LIMIT)
    with pytest.raises(ConnectionRefusedError):
        gate.connect()
    gate.gate.close()  # twice is once


def test_a_judge_that_follows_when_it_is_closed_has_what_came_and_no_more(
    gate: Opened, engine: Engine
) -> None:
    pieces: list[bytes] = []
    over = threading.Event()

    def follow(call: Call) -> None:
        pieces.extend(call.relay_and_follow())
        over.set()

    gate.judge, engine.handler = follow, hold
    with gate.connect() as client:
        client.send(STOP).read_until(b"first")
        gate.gate.close()
    assert over.wait(LIMIT)
    assert b"".join(pieces).endswith(b"first")


def test_a_judge_that_waits_when_it_is_closed_knows_of_no_answer(
    gate: Opened, engine: Engine
) -> None:
    answers: list[Answer] = []
    over = threading.Event()

    def wait(call: Call) -> None:
        answers.append(call.relay_and_wait())
        over.set()

    gate.judge, engine.handler = wait, hold
    with gate.connect() as client:
        client.send(STOP)
        wait_until(lambda: bool(engine.heard))
        gate.gate.close()
    assert over.wait(LIMIT)
    assert not answers[0].known


def test_a_judge_that_goes_away_lets_nothing_through(gate: Opened, engine: Engine) -> None:
    def go(_call: Call) -> None:
        """No decision."""

    gate.judge = go
    assert gate.ask(STOP) == b""
    assert engine.heard == []
    gate.gate.check()


def test_a_judge_that_is_gone_in_the_middle_ends_the_answer(gate: Opened, engine: Engine) -> None:
    def go(call: Call) -> None:
        next(iter(call.relay_and_follow()))

    def endless(heard: Heard) -> None:
        heard.send(b"HTTP/1.1 200 OK\r\n\r\n")
        while True:
            heard.send(b"x" * 1000)

    gate.judge, engine.handler = go, endless
    gate.ask(STOP)
    assert engine.heard[0].ended.wait(LIMIT)


# -- whether it is the one that was opened ---------------------------------------------------------


def kill(gate: Opened) -> None:
    os.kill(gate.gate.pid, signal.SIGKILL)
    wait_until(lambda: gate.gate._process.popen.poll() is not None, "it is dead")


def replace(gate: Opened) -> None:
    gate.gate.path.unlink()
    with socket.socket(socket.AF_UNIX) as another:
        another.bind(str(gate.gate.path))


def remove(gate: Opened) -> None:
    gate.gate.path.unlink()


def link(gate: Opened) -> None:
    gate.gate.path.unlink()
    gate.gate.path.symlink_to("/run/docker.sock")


def stop(gate: Opened) -> None:
    os.kill(gate.gate.pid, signal.SIGSTOP)
    os.waitid(os.P_PID, gate.gate.pid, os.WSTOPPED | os.WNOWAIT)


def move(gate: Opened) -> None:
    gate.gate.path.rename(gate.gate.path.with_name("other"))
    gate.gate.path.write_text("")


@pytest.mark.parametrize(
    ("harm", "told"),
    [
        (kill, "the gate was ended by signal 9: nothing reaches the engine any more"),
        (stop, "the gate was stopped by a signal: nothing reaches the engine any more"),
        (replace, "the gate's socket was taken away or replaced"),
        (remove, "the gate's socket was taken away or replaced"),
        (link, "the gate's socket was taken away or replaced"),
        (move, "the gate's socket was taken away or replaced"),
    ],
)
def test_a_gate_that_is_not_the_one_that_was_opened_is_noticed(
    gate: Opened, harm: Callable[[Opened], None], told: str
) -> None:
    gate.gate.check()
    harm(gate)
    asks: list[Callable[[], object]] = [
        gate.gate.check,
        gate.gate.address,
        lambda: gate.gate.environ({}),
    ]
    for ask in asks:
        with pytest.raises(GateError, match=told):
            ask()


def test_a_gate_that_goes_on_after_it_was_stopped_is_the_one_that_was_opened(gate: Opened) -> None:
    stop(gate)
    os.kill(gate.gate.pid, signal.SIGCONT)
    os.waitid(os.P_PID, gate.gate.pid, os.WCONTINUED)
    gate.gate.check()
    assert gate.ask(INFO) == OK


def test_a_file_in_the_place_of_the_first_never_gets_its_number(gate: Opened) -> None:
    for _ in range(50):
        replace(gate)
        with pytest.raises(GateError, match="replaced"):
            gate.gate.check()
