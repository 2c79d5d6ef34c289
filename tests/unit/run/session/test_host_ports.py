"""A port is asked for, and another is given where somebody has it."""

from __future__ import annotations

import os
import socket
import subprocess
from pathlib import Path

import pytest

from lifecycle.run.locks import Locks
from lifecycle.run.session import host_ports
from lifecycle.run.session.host_ports import Ports
from tests.fakes.daemon import FakeDaemon


class Busy(FakeDaemon):
    """An engine on which a container has published a port."""

    def __init__(self, *published: int) -> None:
        super().__init__()
        ports = {f"{p}/tcp": [{"HostIp": "0.0.0.0", "HostPort": str(p)}] for p in published}
        self.add("container", "theirs", NetworkSettings={"Ports": {**ports, "22/tcp": None}})


@pytest.fixture
def free(monkeypatch: pytest.MonkeyPatch) -> set[int]:
    """Ports that this machine's own processes have; all others are free."""
    taken: set[int] = set()
    monkeypatch.setattr(host_ports, "_bindable", lambda port: port not in taken)
    return taken


def chooser(engine: FakeDaemon, locks: Locks, said: list[str], *, local: bool = True) -> Ports:
    return Ports(engine, locks, said.append, local=local)


def test_a_free_port_is_given_as_asked(locks: Locks, said: list[str], free: set[int]) -> None:
    assert free == set()
    ports = chooser(Busy(), locks, said)
    assert ports.port(8080) == ports.port(8080) == 8080
    assert said == []


def test_a_port_of_a_container_is_passed_over_and_its_holder_named(
    locks: Locks, said: list[str], free: set[int]
) -> None:
    free.add(8082)
    ports = chooser(Busy(8080, 8081), locks, said)
    assert ports.port(8080) == ports.port(8080) == 8083
    assert said == ["port 8080 is held by container theirs; using 8083"]


def test_two_ports_of_one_run_are_different(locks: Locks, said: list[str], free: set[int]) -> None:
    assert free == set()
    ports = chooser(Busy(8080), locks, said)
    assert (ports.port(8080), ports.port(8081)) == (8081, 8082)


def test_a_port_of_another_run_is_passed_over(
    locks: Locks, said: list[str], free: set[int], holder: subprocess.Popen[str]
) -> None:
    assert free == set()
    assert chooser(Busy(), locks, said).port(8080) == 8081
    assert said == ["port 8080 is held by a process of this machine, or another run; using 8081"]
    assert holder.poll() is None


def test_the_processes_here_do_not_matter_to_an_engine_elsewhere(
    locks: Locks, said: list[str], free: set[int]
) -> None:
    free.add(8080)
    assert chooser(Busy(), locks, said, local=False).port(8080) == 8080


def test_no_port_at_all_is_a_sentence(locks: Locks, said: list[str], free: set[int]) -> None:
    free |= {65534, 65535}
    with pytest.raises(ValueError, match="no port from 65534 to 65535 is free"):
        chooser(Busy(), locks, said).port(65534)


def test_a_bound_port_is_not_bindable() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        assert not host_ports._bindable(port)
    assert host_ports._bindable(port)


def test_a_port_whose_lock_is_spoiled_is_still_given(
    shared: Path, locks: Locks, said: list[str], free: set[int]
) -> None:
    assert free == set()
    os.mkfifo(shared / locks._file("port-8080"))
    assert chooser(Busy(), locks, said).port(8080) == 8080
    assert "is a pipe and no lock" in said[0]
