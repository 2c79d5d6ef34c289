"""An engine that is silent or refuses: the facts tell whose business it is."""

import pytest

from lifecycle.command.host.tables import DEFAULT_SOCKET
from lifecycle.diagnosis.finding import Symptom
from lifecycle.diagnosis.groups import Group
from lifecycle.diagnosis.match import diagnose, explain
from lifecycle.diagnosis.sockets import SocketInfo
from tests.unit.diagnosis.machine import Machine, evidence, only

SILENT = "Cannot connect to the Docker daemon at {}. Is the docker daemon running?"
DENIED = (
    "permission denied while trying to connect to the Docker daemon socket at "
    f"unix://{DEFAULT_SOCKET}: dial unix {DEFAULT_SOCKET}: connect: permission denied"
)


# --- the engine went, or hangs ---


def test_what_we_saw_of_the_engine_is_evidence_but_was_not_printed(machine: Machine) -> None:
    seen = ("the engine went away at 14:03:22 and was back at 14:03:27",)
    [found] = diagnose(Symptom("", observed=seen), machine.facts())
    assert found.id == "engine-went-away"
    assert found.evidence[0] == seen[0]
    assert "printed:" not in evidence(found)


def test_an_engine_that_went_explains_that_nobody_can_connect(machine: Machine) -> None:
    output = f"{SILENT.format('unix:///var/run/docker.sock')}\nunexpected EOF"
    assert only(machine, output).id == "engine-went-away"


def test_an_engine_that_hangs_is_the_admins_to_restart(machine: Machine) -> None:
    found = only(
        machine, f"the engine at unix://{DEFAULT_SOCKET} takes connections, but gave no answer"
    )
    assert found.id == "engine-hangs"
    assert f"{DEFAULT_SOCKET}: an engine answers there" not in found.evidence
    assert {remedy.who for remedy in found.remedies} == {"admin", "user"}


# --- the engine is silent ---


@pytest.mark.parametrize("answers", ["absent", "refused"])
def test_no_engine_anywhere_means_that_the_daemon_does_not_run(
    machine: Machine, answers: str
) -> None:
    machine.sockets = {DEFAULT_SOCKET: SocketInfo(DEFAULT_SOCKET, answers)}  # type: ignore[arg-type]
    found = only(machine, SILENT.format(f"unix://{DEFAULT_SOCKET}"))
    assert found.id == "daemon-not-running"
    assert "no dockerd process runs on this machine" in found.evidence
    assert {remedy.who for remedy in found.remedies} == {"admin", "user"}


def test_a_mistyped_docker_host_beside_a_running_engine_is_the_callers_mistake(
    machine: Machine,
) -> None:
    machine.environ["DOCKER_HOST"] = "unix:///run/user/1000/docker.soc"
    found = only(machine, SILENT.format(machine.environ["DOCKER_HOST"]))
    assert found.id == "wrong-docker-host"
    assert "the CLI is pointed at unix:///run/user/1000/docker.soc by DOCKER_HOST" in found.evidence
    assert f"{DEFAULT_SOCKET}: an engine answers there" in found.evidence
    assert {remedy.who for remedy in found.remedies} == {"user"}


def test_a_docker_host_is_evidence_even_when_no_engine_runs_at_all(machine: Machine) -> None:
    machine.sockets = {}
    machine.environ["DOCKER_HOST"] = "unix:///nonexistent/docker.sock"
    found = only(machine, SILENT.format(machine.environ["DOCKER_HOST"]))
    assert found.id == "daemon-not-running"
    assert "DOCKER_HOST" in evidence(found)


def test_a_socket_without_a_listener_is_a_dead_engine_not_a_wrong_address(
    machine: Machine,
) -> None:
    path = "/run/sandbox/docker.sock"
    machine.sockets[path] = SocketInfo(path, "refused", 0, 999, 0o660)
    assert only(machine, SILENT.format(f"unix://{path}")).id == "daemon-not-running"


def test_a_dockerd_on_another_socket_makes_the_address_wrong(machine: Machine) -> None:
    machine.sockets = {}
    machine.file("proc/42/comm", "dockerd\n")
    machine.file("proc/42/cmdline", "dockerd\0-H\0unix:///srv/d.sock\0")
    found = only(machine, SILENT.format("unix:///srv/e.sock"))
    assert found.id == "wrong-docker-host"
    assert "dockerd runs as pid 42 on unix:///srv/d.sock" in found.evidence


def test_the_context_in_use_is_named(machine: Machine) -> None:
    machine.file("home/kim/.docker/config.json", '{"currentContext": "gone"}')
    found = only(machine, 'unable to resolve docker endpoint: context "gone" does not exist')
    assert found.id == "wrong-docker-host"
    assert "context gone (by docker context use), which does not exist" in evidence(found)


# --- the socket refuses ---


def test_who_is_in_no_docker_group_needs_the_admin(machine: Machine) -> None:
    machine.login = machine.process = (1000,)
    machine.groups = {"docker": Group("docker", 999, ("lee",))}
    found = only(machine, DENIED)
    assert found.id == "docker-sock-permission-denied"
    assert "`docker` group (gid 999) has lee" in found.evidence
    assert "this process of kim is in the groups 1000" in found.evidence
    assert found.remedies[0].who == "admin"
    assert found.remedies[0].commands == ("sudo usermod -aG docker kim",)


def test_a_login_older_than_the_group_needs_a_new_login(machine: Machine) -> None:
    machine.process = (1000,)
    found = only(machine, DENIED)
    assert found.id == "docker-group-needs-relogin"
    assert "a new login of kim is in 999, 1000" in found.evidence
    assert {remedy.who for remedy in found.remedies} == {"user"}
    assert found.remedies[0].commands == ("newgrp docker",)
    assert "usermod" not in str(found.remedies)


def test_a_group_only_in_ldap_leaves_the_socket_to_root(machine: Machine) -> None:
    machine.file("etc/group", "root:x:0:\n")
    machine.groups = {"docker": Group("docker", 5000, ("kim",)), "root": Group("root", 0)}
    machine.login = machine.process = (1000, 5000)
    machine.sockets = {DEFAULT_SOCKET: SocketInfo(DEFAULT_SOCKET, "denied", 0, 0, 0o660)}
    found = only(machine, DENIED)
    assert found.id == "docker-group-in-ldap"
    assert "`docker` is gid 5000 by NSS, while /etc/group has none" in found.evidence
    assert "sudo groupadd -g 5000 docker" in found.remedies[0].commands


def test_a_local_group_of_another_gid_is_told_apart_from_ldaps(machine: Machine) -> None:
    machine.groups = {"ldap": Group("docker", 5000, ("kim",)), "local": Group("docker", 999)}
    machine.login = machine.process = (1000, 5000)
    found = only(machine, DENIED)
    assert found.id == "docker-group-in-ldap"
    assert "while /etc/group has gid 999" in evidence(found)


def test_a_socket_that_is_not_here_leaves_every_candidate(machine: Machine) -> None:
    machine.sockets = {}
    found = [finding.id for finding in explain(DENIED, machine.facts())]
    assert found == [
        "docker-sock-permission-denied",
        "docker-group-needs-relogin",
        "docker-group-in-ldap",
    ]


def test_a_pasted_refusal_on_a_machine_that_admits_gives_the_general_finding(
    machine: Machine,
) -> None:
    found = only(machine, DENIED)
    assert found.id == "docker-sock-permission-denied"
    assert "it admits kim" in evidence(found)
