"""Facts are what the machine says."""

import hashlib
import json
import socket
from dataclasses import replace
from pathlib import Path

import pytest

from lifecycle.command.host.tables import DEFAULT_SOCKET
from lifecycle.diagnosis import sockets
from lifecycle.diagnosis.groups import SystemNames
from lifecycle.diagnosis.machine_facts import MachineFacts
from lifecycle.diagnosis.sockets import SocketInfo, look_at_socket
from lifecycle.machine.subject import current_subject
from tests.unit.diagnosis.machine import TCP_TABLE, Container, Machine


def test_a_socket_with_a_listener_answers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)  # a socket's path has to be short
    with socket.socket(socket.AF_UNIX) as server:
        server.bind("d.sock")
        assert look_at_socket("d.sock").answers == "refused"
        server.listen()
        assert look_at_socket("d.sock").answers == "yes"
    assert look_at_socket("d.sock").answers == "refused"
    assert look_at_socket("none.sock").answers == "absent"


@pytest.mark.parametrize(
    ("mode", "uid", "groups", "admitted"),
    [
        (0o660, 1000, (999,), True),
        (0o660, 1000, (1000,), False),
        (0o666, 1000, (1000,), True),
        (0o600, 1000, (999,), False),
        (0o606, 1000, (999,), False),
        (0o000, 0, (), True),
    ],
)
def test_a_sockets_mode_decides_who_is_admitted(
    mode: int,
    uid: int,
    groups: tuple[int, ...],
    admitted: bool,  # noqa: FBT001
) -> None:
    assert SocketInfo("s", "yes", 0, 999, mode).admits(uid, groups) is admitted


def test_listeners_are_found_with_address_owner_and_process(machine: Machine) -> None:
    machine.file("proc/net/tcp", TCP_TABLE)
    machine.file("proc/77/comm", "jupyter-lab\n")
    (machine.root / "proc/77/fd").mkdir()
    (machine.root / "proc/77/fd/3").symlink_to("socket:[4242]")
    assert sockets.listeners(machine.root, 8080) == [
        sockets.Listener("127.0.0.1", 8080, 1001, 77, "jupyter-lab")
    ]


def test_a_listener_whose_process_is_hidden_is_still_found(machine: Machine) -> None:
    machine.file("proc/net/tcp", TCP_TABLE)
    assert sockets.listeners(machine.root, 8081) == [sockets.Listener("127.0.0.1", 8081, 0)]


def test_a_listener_on_every_ipv6_address_is_found(machine: Machine) -> None:
    row = f"   0: {'0' * 32}:1F90 {'0' * 32}:0000 0A 0:0 0:0 0 1001 0 4242\n"
    machine.file("proc/net/tcp6", f"header\n{row}")
    assert [one.address for one in sockets.listeners(machine.root, 8080)] == ["::"]


def test_the_ports_of_an_engine_in_a_network_of_its_own_are_looked_up_there(
    machine: Machine,
) -> None:
    machine.environ["DOCKER_HOST"] = "unix:///run/sandbox.sock"
    machine.file("proc/42/comm", "dockerd\n")
    machine.file("proc/42/cmdline", "dockerd\0-H\0unix:///run/sandbox.sock\0")
    machine.file("proc/net/tcp", TCP_TABLE)
    assert machine.facts().listeners(8080) == []
    machine.file("proc/42/net/tcp", TCP_TABLE)
    assert [one.address for one in machine.facts().listeners(8080)] == ["127.0.0.1"]


def test_nobody_listens_where_there_is_no_proc(tmp_path: Path) -> None:
    assert sockets.listeners(tmp_path, 8080) == []
    assert sockets.daemons(tmp_path) == []


def test_a_daemon_tells_its_sockets_and_data_root(machine: Machine) -> None:
    machine.file("proc/42/comm", "dockerd\n")
    machine.file("proc/42/cmdline", "dockerd\0-H\0unix:///a\0--host=tcp://b\0--data-root\0/srv\0")
    machine.file("proc/43/comm", "bash\n")
    (daemon,) = machine.facts().daemons
    assert daemon.hosts == ("unix:///a", "tcp://b")
    assert daemon.data_root == "/srv"


def test_the_address_is_docker_hosts_then_the_contexts_then_the_default(machine: Machine) -> None:
    assert machine.facts().address == (f"unix://{DEFAULT_SOCKET}", "the default")
    digest = hashlib.sha256(b"gpu1").hexdigest()
    machine.file("home/kim/.docker/config.json", json.dumps({"currentContext": "gpu1"}))
    machine.file(
        f"home/kim/.docker/contexts/meta/{digest}/meta.json",
        json.dumps({"Endpoints": {"docker": {"Host": "ssh://gpu1"}}}),
    )
    assert machine.facts().address == ("ssh://gpu1", "context gpu1 (by docker context use)")
    machine.environ["DOCKER_CONTEXT"] = "default"
    assert machine.facts().address[1] == "the default"
    machine.environ["DOCKER_HOST"] = "tcp://b:2375"
    assert machine.facts().address == ("tcp://b:2375", "DOCKER_HOST")


def test_a_broken_config_file_is_no_config(machine: Machine) -> None:
    machine.file("home/kim/.docker/config.json", "{")
    assert machine.facts().client_config == {}


def test_a_local_group_is_read_from_etc_group_only(machine: Machine) -> None:
    found = machine.facts().local_group("docker")
    assert found is not None
    assert (found.gid, found.members) == (999, ("lee", "kim"))
    assert machine.facts().local_group("gusers") is None


def test_a_container_is_found_by_name_or_by_a_long_enough_id(
    machine: Machine, container: Container
) -> None:
    machine.containers = [container("my_test_c", Ports=[{"PublicPort": 53, "Type": "udp"}])]
    facts = machine.facts()
    assert facts.container("my_test_c") == facts.container("41f2ec5f38f4")
    assert facts.container("/my_test_c") is not None
    assert facts.container("41") is None
    assert facts.container_on_port(53, "udp") is not None
    assert facts.container_on_port(53, "tcp") is None


def test_an_engine_that_can_not_be_asked_is_told_from_one_without_containers(
    machine: Machine,
) -> None:
    assert machine.facts().containers is None
    machine.containers = []
    assert machine.facts().containers == []


def test_gpus_are_counted_by_driver_and_by_bus(machine: Machine) -> None:
    assert machine.facts().gpus is None
    assert machine.facts().gpu_hardware == 0
    machine.file("sys/bus/pci/devices/0000:65:00.0/vendor", "0x10de\n")
    machine.file("sys/bus/pci/devices/0000:65:00.0/class", "0x030200\n")
    machine.file("sys/bus/pci/devices/0000:66:00.0/vendor", "0x10de\n")
    machine.file("sys/bus/pci/devices/0000:66:00.0/class", "0x040300\n")
    machine.file("proc/driver/nvidia/gpus/0000:65:00.0/information")
    assert machine.facts().gpus == 1
    assert machine.facts().gpu_hardware == 1


def test_a_mount_is_the_innermost_one(machine: Machine) -> None:
    machine.file(
        "proc/self/mountinfo",
        "1 0 8:1 / / rw - ext4 /dev/sda1 rw\n9 1 0:5 / /mnt/nas ro - nfs4 nas:/export rw\n",
    )
    inner = machine.facts().mount_of("/mnt/nas/kim")
    assert inner is not None
    assert (inner.source, inner.readonly) == ("nas:/export", True)
    outer = machine.facts().mount_of("/mnt/nas2")
    assert outer is not None
    assert outer.point == "/"


def test_nothing_is_looked_at_before_it_is_asked_for() -> None:
    def fail(_: object) -> SocketInfo:
        raise AssertionError

    MachineFacts(look=fail, ask=fail, containers=lambda: fail(None))  # type: ignore[arg-type,return-value]


def test_the_systems_names_are_those_of_nss() -> None:
    names = SystemNames()
    root = names.group_named("root")
    assert root is not None
    assert names.group_numbered(0) == root
    assert names.user_named(0) == "root"
    assert 0 in names.groups_of("root")
    assert names.group_named("no-such-group") is None
    assert names.groups_of("no-such-user") == ()
    assert names.user_named(4_000_000_000) == "4000000000"


@pytest.mark.parametrize("variable", [True, False])
def test_a_plugin_of_the_person_s_own_stands_before_the_machine_s(
    tmp_path: Path,
    variable: bool,  # noqa: FBT001
) -> None:
    home, root = tmp_path / "home", tmp_path / "root"
    config = tmp_path / "config" if variable else home / ".docker"
    own = config / "cli-plugins" / "docker-buildx"
    shared = root / "usr/libexec/docker/cli-plugins/docker-buildx"
    environ = {"DOCKER_CONFIG": str(config)} if variable else {}
    facts = MachineFacts(replace(current_subject(), home=str(home)), environ=environ, root=root)
    assert facts.cli_plugin("buildx") is None
    for one in (shared, own):
        one.parent.mkdir(parents=True)
        one.touch()
        assert facts.cli_plugin("buildx") == one
    assert facts.cli_plugin("compose") is None
