"""Where one message has several causes, the facts tell which."""

from typing import Any

import pytest

from lifecycle.diagnosis.match import explain
from tests.unit.diagnosis.machine import TCP_TABLE, Container, Machine, evidence, only

NAME_TAKEN = (
    'docker: Error response from daemon: Conflict. The container name "/my_test_c" is already in '
    'use by container "41f2ec5f38f40eb2340ef00fa45a28df22ef2812baae6d3990eae461ebd2a1b1".'
)
PORT_TAKEN = "Error starting userland proxy: listen tcp4 0.0.0.0:8080: bind: address already in use"
STOPPED = (
    "Error response from daemon: Container "
    "41f2ec5f38f40eb2340ef00fa45a28df22ef2812baae6d3990eae461ebd2a1b1 is not running"
)
NO_GPU = (
    "docker: Error response from daemon: "
    'could not select device driver "" with capabilities: [[gpu]]'
)
TOKEN = "passwd: Authentication token manipulation error"
PASSWD = ("docker", "exec", "-u", "0", "-ti", "my_test_c", "passwd", "kim")
DENIED_INSIDE = "touch: cannot touch '/workspace/f': Permission denied"
UNRESOLVED = "Temporary failure resolving 'archive.example.org'"
IN_USE = (
    'conflict: unable to remove repository reference "me/test" (must force) - container '
    "41f2ec5f38f4 is using its referenced image 8e9f2f7370a0"
)
RUN = ("docker", "run", "-ti", "--name=my_test_c", "-v", "/mnt/nas:/workspace", "me/test")
BUILD = ("docker", "build", "-t", "me/test", ".", "-f", "dockerfile")


# --- names, ports, images ---


@pytest.mark.parametrize("state", ["running", "exited"])
def test_a_name_is_taken_by_a_container_that_ran(
    machine: Machine, container: Container, state: str
) -> None:
    machine.containers = [container("my_test_c", state)]
    found = only(machine, NAME_TAKEN, *RUN)
    assert found.id == "container-name-conflict"
    assert "container my_test_c (41f2ec5f38f4) of me/test" in evidence(found)
    assert "choose another --name" in found.remedies[0].do.lower()
    assert found.remedies[1].commands[0].endswith(" my_test_c")  # a look


def test_a_name_is_held_by_what_a_failed_run_left(machine: Machine, container: Container) -> None:
    machine.containers = [container("my_test_c", "created")]
    found = only(machine, NAME_TAKEN, *RUN)
    assert found.id == "name-left-by-failed-run"
    assert "docker create" in found.cause
    assert "docker rm" not in str(found.remedies)


def test_a_port_is_taken_by_a_container(machine: Machine, container: Container) -> None:
    machine.containers = [container("lees_web", Ports=[{"PublicPort": 8080, "Type": "tcp"}])]
    found = only(machine, PORT_TAKEN, *RUN)
    assert found.id == "port-used-by-container"
    assert "port 8080 is published by container lees_web" in evidence(found)
    assert "docker stop" not in str(found.remedies)


def listens(machine: Machine, command: str, cgroup: str) -> None:
    """A process (pid 77) of Lee's listens on port 8080."""
    machine.file("proc/net/tcp", TCP_TABLE)
    machine.file("proc/77/comm", f"{command}\n")
    machine.file("proc/77/cgroup", cgroup)
    (machine.root / "proc/77/fd").mkdir()
    (machine.root / "proc/77/fd/3").symlink_to("socket:[4242]")


def test_a_port_is_taken_by_a_process_of_the_server(machine: Machine) -> None:
    listens(machine, "jupyter-lab", "0::/user.slice\n")
    machine.containers = []
    found = only(machine, PORT_TAKEN, *RUN)
    assert found.id == "port-used-by-host-process"
    assert "jupyter-lab (pid 77) of lee listens on 127.0.0.1 port 8080" in found.evidence


def a_proxy_listens(machine: Machine, parent: str) -> None:
    """A docker-proxy listens on port 8080; its parent is process 5."""
    listens(machine, "docker-proxy", "0::/system.slice/docker.service\n")
    machine.file("proc/77/status", "Name:\tdocker-proxy\nPid:\t77\nPPid:\t5\n")
    machine.file("proc/5/comm", f"{parent}\n")
    machine.file("proc/5/net/tcp", TCP_TABLE)
    machine.containers = []


def test_a_port_is_held_by_the_proxy_of_an_engine_that_has_gone(machine: Machine) -> None:
    a_proxy_listens(machine, "systemd")
    found = only(machine, PORT_TAKEN, *RUN)
    assert found.id == "port-held-by-left-proxy"
    assert "its engine has gone: its parent is systemd, not dockerd" in found.evidence


def test_a_port_is_kept_by_an_engine_none_of_whose_containers_has_it(machine: Machine) -> None:
    a_proxy_listens(machine, "dockerd")
    found = only(machine, PORT_TAKEN, *RUN)
    assert found.id == "port-held-by-left-proxy"
    assert "no container of its engine (pid 5) publishes port 8080" in found.evidence


def test_the_proxy_of_another_engine_is_a_containers(machine: Machine) -> None:
    a_proxy_listens(machine, "dockerd")
    machine.file("proc/6/comm", "dockerd\n")
    machine.file("proc/6/cmdline", "dockerd\0-H\0unix:///var/run/docker.sock\0")
    machine.file("proc/6/net/tcp", TCP_TABLE)
    assert only(machine, PORT_TAKEN, *RUN).id == "port-used-by-container"


def test_a_proxy_is_a_containers_when_the_engine_can_not_be_asked(machine: Machine) -> None:
    a_proxy_listens(machine, "dockerd")
    machine.containers = None
    assert only(machine, PORT_TAKEN, *RUN).id == "port-used-by-container"


def test_a_port_of_a_container_on_the_hosts_network_is_a_containers(machine: Machine) -> None:
    listens(machine, "python3", f"0::/system.slice/docker-{'ab' * 32}.scope\n")
    assert only(machine, PORT_TAKEN, *RUN).id == "port-used-by-container"


@pytest.mark.parametrize(
    ("state", "command", "finding"),
    [
        ("running", "bash", "rmi-used-by-running-container"),
        ("exited", "bash", "rmi-used-by-stopped-container"),
        ("exited", "/bin/sh -c 'apt install –y sudo'", "failed-build-leaves-container"),
    ],
)
def test_an_image_in_use_is_told_by_who_uses_it(
    machine: Machine, container: Container, state: str, command: str, finding: str
) -> None:
    machine.containers = [container("c", state, Command=command)]
    assert only(machine, IN_USE, "docker", "rmi", "me/test").id == finding


def test_exit_in_the_first_shell_is_told_from_a_stop(
    machine: Machine, container: Container
) -> None:
    exec_line = ("docker", "exec", "-ti", "my_test_c", "bash")
    machine.containers = [container("my_test_c", "exited")]
    assert only(machine, STOPPED, *exec_line).id == "exec-stopped-container"
    machine.containers = [container("my_test_c", "exited", Status="Exited (0) 2 minutes ago")]
    found = only(machine, STOPPED, *exec_line)
    assert found.id == "attach-exit-stops-container"
    assert "Start what is yours with docker start" in found.remedies[-1].do


def test_a_misspelled_container_has_its_neighbour_named(
    machine: Machine, container: Container
) -> None:
    machine.containers = [container("my_test_c")]
    found = only(machine, "Error: No such container: my_tset_c")
    assert "there is a container named my_test_c" in found.evidence


HIDDEN = ("bash", "-c", "c=my_test_c; docker exec $c ls")
MISSING = (
    "Error response from daemon: No such container: my_test_c",
    'Error: no container with name or ID "my_test_c" found: no such container',
    "Error: No such object: my_test_c",
)


@pytest.mark.parametrize("output", MISSING)
def test_a_name_that_the_run_itself_has_given_is_told_with_what_to_write(
    machine: Machine, container: Container, output: str
) -> None:
    ours = container("my_test_c-r1d79a5bd")
    ours["Names"].append("/my_test_c")
    machine.containers, machine.made = [ours], {ours["Id"]}
    found = only(machine, output, *HIDDEN)
    assert found.id == "name-of-the-run"
    assert "no container" not in "".join(found.evidence[1:])
    assert "${{ container('my_test_c-r1d79a5bd') }}" in found.remedies[0].do
    assert "docker ps -a" not in found.remedies[0].commands


@pytest.mark.parametrize("output", MISSING)
def test_a_name_that_nothing_of_the_run_has_is_missing_as_ever(
    machine: Machine, container: Container, output: str
) -> None:
    wanted = "no-such-object" if "object" in output else "no-such-container"
    assert only(machine, output, *HIDDEN).id == wanted
    machine.containers = [container("my_test_c-r1d79a5bd"), container("my_tset_c")]
    found = only(machine, output, *HIDDEN)
    assert found.id == wanted
    assert "there is a container named my_tset_c" in "".join(found.evidence)
    assert only(machine, output, "docker", "exec", "my_test_c", "ls").id == wanted


def test_a_misspelled_name_is_compared_with_the_written_names_too(
    machine: Machine, container: Container
) -> None:
    ours = container("my_test_c-r1d79a5bd")
    ours["Names"].append("/my_test_c")
    machine.containers = [ours]
    found = only(machine, "Error: No such container: my_tset_c", *HIDDEN)
    assert "named my_test_c" in "".join(found.evidence)


# --- GPUs ---


def test_gpus_without_the_toolkit(machine: Machine) -> None:
    found = only(machine, NO_GPU, *RUN)
    assert found.id == "gpu-no-toolkit"
    assert "NVIDIA Container Toolkit: no part of it on PATH" in found.evidence
    assert found.remedies[0].who == "admin"


def test_gpus_with_a_docker_from_snap(machine: Machine) -> None:
    machine.file("proc/42/comm", "dockerd\n")
    machine.file("proc/42/cmdline", "/snap/docker/2915/bin/dockerd\0")
    assert only(machine, NO_GPU, *RUN).id == "gpu-docker-from-snap"


# --- builds ---


def test_a_build_without_the_shells_proxy(machine: Machine) -> None:
    machine.environ["http_proxy"] = "http://kim:hunter2@192.0.2.1:3128"
    machine.file("home/kim/dockerfile", "FROM base:dev\nRUN apt-get update\n")
    found = only(machine, UNRESOLVED, *BUILD)
    assert found.id == "build-proxy-not-passed"
    assert "proxy variables of the shell: http_proxy" in found.evidence
    assert "hunter2" not in str(found)


def test_a_build_where_no_proxy_is_needed_has_a_resolver_problem(machine: Machine) -> None:
    assert only(machine, UNRESOLVED, *BUILD).id == "container-dns-failure"


def test_an_exec_that_can_not_resolve_has_a_resolver_problem(machine: Machine) -> None:
    machine.environ["http_proxy"] = "http://192.0.2.1:3128"
    words = ("docker", "exec", "c1", "apt-get", "update")
    assert only(machine, UNRESOLVED, *words).id == "container-dns-failure"


def test_a_proxy_by_run_export_is_the_guides_own_mistake(machine: Machine) -> None:
    machine.file(
        "home/kim/dockerfile",
        "FROM base:dev\nRUN export HTTP_PROXY=http://kim:hunter2@192.0.2.1:3128\nRUN apt update\n",
    )
    found = only(machine, UNRESOLVED, *BUILD)
    assert found.id == "proxy-run-export"
    assert "line 2: RUN export HTTP_PROXY" in found.evidence
    assert "hunter2" not in str(found)


def test_a_proxy_by_env_after_the_line_that_needs_it(machine: Machine) -> None:
    machine.file(
        "home/kim/dockerfile", "FROM base:dev\nRUN apt update\nENV http_proxy=http://p:3128\n"
    )
    assert only(machine, UNRESOLVED, *BUILD).id == "proxy-env-after-run"


def test_an_en_dash_is_shown_where_it_stands(machine: Machine) -> None:
    machine.file("home/kim/dockerfile", "FROM base:dev\nRUN apt install –y sudo vim\n")
    found = only(machine, "E: Unable to locate package –y", *BUILD)
    assert found.id == "en-dash-apt"
    assert "dockerfile:2: RUN apt install –y sudo vim" in found.evidence


def test_a_package_that_fetched_lists_do_not_have_is_misspelled(machine: Machine) -> None:
    missing = "E: Unable to locate package sduo"
    assert only(machine, missing, *BUILD).id == "apt-no-update"
    fetched = f"Get:1 http://mirror.example.org/debian bookworm InRelease [151 kB]\n{missing}"
    assert only(machine, fetched, *BUILD).id == "apt-package-unknown"


# --- inside ---


def test_passwd_in_a_build_has_no_keyboard(machine: Machine) -> None:
    assert only(machine, f"New password: {TOKEN}", *BUILD).id == "passwd-in-dockerfile"


def test_passwd_without_a_terminal_gets_no_answer(machine: Machine) -> None:
    output = f"New password: Password change has been aborted.\n{TOKEN}\npasswd: password unchanged"
    words = ("docker", "exec", "-u", "0", "my_test_c", "passwd", "kim")
    found = only(machine, output, *words)
    assert found.id == "passwd-no-tty-or-mismatch"
    assert found.remedies[0].commands == ("docker exec -u 0 -ti my_test_c passwd kim",)


def test_passwd_can_not_replace_a_mounted_shadow_file(
    machine: Machine, container: Container
) -> None:
    mount = {"Type": "bind", "Source": "/etc/shadow", "Destination": "/etc/shadow", "RW": True}
    machine.containers = [container("my_test_c", Mounts=[mount])]
    found = only(machine, f"{TOKEN}\npasswd: password unchanged", *PASSWD)
    assert found.id == "passwd-bind-mounted-etc"
    assert "mounted: /etc/shadow at /etc/shadow" in found.evidence


@pytest.mark.parametrize(
    ("inspected", "why"),
    [
        ({"HostConfig": {"ReadonlyRootfs": True}}, "the container has --read-only"),
        (
            {"Mounts": [{"Type": "volume", "Destination": "/etc", "RW": False}]},
            "the container has a read-only mount at /etc",
        ),
    ],
)
def test_passwd_can_not_write_where_etc_is_read_only(
    machine: Machine, container: Container, inspected: dict[str, Any], why: str
) -> None:
    one = container("my_test_c")
    machine.containers = [one]
    machine.inspected = {one["Id"]: inspected}
    found = only(machine, f"{TOKEN}\npasswd: password unchanged", *PASSWD)
    assert found.id == "passwd-read-only-etc"
    assert why in found.evidence


@pytest.mark.parametrize(
    ("said", "finding"),
    [
        ("You must choose a longer password.", "passwd-too-weak"),
        ("Sorry, passwords do not match.", "passwd-no-tty-or-mismatch"),
        ("BAD PASSWORD: too short\nSorry, passwords do not match.", "passwd-no-tty-or-mismatch"),
        ("passwords do not match\nBAD PASSWORD: too short", "passwd-too-weak"),
        ("더 긴 비밀번호를 선택해 주세요.", "passwd-too-weak"),
        ("죄송합니다. 암호가 일치하지 않습니다.", "passwd-no-tty-or-mismatch"),
    ],
)
def test_what_passwd_says_last_outranks_what_the_container_is_like(
    machine: Machine, container: Container, said: str, finding: str
) -> None:
    mount = {"Type": "bind", "Source": "/etc/shadow", "Destination": "/etc/shadow", "RW": True}
    one = container("my_test_c", Mounts=[mount])
    machine.containers = [one]
    machine.inspected = {one["Id"]: {"HostConfig": {"ReadonlyRootfs": True}}}
    assert only(machine, f"{said}\n{TOKEN}\npasswd: password unchanged", *PASSWD).id == finding


def test_the_korean_passwd_that_lies_is_corrected(machine: Machine) -> None:
    lines = ("암호가 일치하지 않습니다.", "암호: 인증 토근 수정 오류", "passwd: 암호를 바꿨습니다")
    output = "\n".join(lines)
    found = only(machine, output, *PASSWD)
    assert any("mistranslation of `password unchanged`" in line for line in found.evidence)


def test_passwd_that_asks_for_the_current_password_is_not_roots(machine: Machine) -> None:
    output = f"Changing password for kim.\nCurrent password: {TOKEN}\npasswd: password unchanged"
    assert only(machine, output).id == "passwd-not-root"


def test_a_path_of_the_image_is_no_mount_problem(machine: Machine) -> None:
    output = "touch: cannot touch '/opt/f': Permission denied"
    assert only(machine, output, *RUN).id == "path-not-ones-own"


def test_a_mounted_folder_of_another_person(machine: Machine) -> None:
    machine.file("mnt/nas/kept", "data")
    found = only(machine, DENIED_INSIDE, *RUN)
    assert found.id == "mount-owned-by-another"
    assert "/workspace is /mnt/nas of the host, mounted read-write" in found.evidence


def test_selinux_is_told_from_owners(machine: Machine) -> None:
    machine.file("mnt/nas/kept", "data")
    machine.file("sys/fs/selinux/enforce", "1")
    assert only(machine, DENIED_INSIDE, *RUN).id == "selinux-label"


def test_root_is_nobody_on_the_nas(machine: Machine) -> None:
    machine.file("mnt/nas/kept", "data")
    machine.file(
        "proc/self/mountinfo",
        "1 0 8:1 / / rw - ext4 /dev/sda1 rw\n9 1 0:5 / /mnt/nas rw - nfs4 nas:/export rw\n",
    )
    found = only(machine, DENIED_INSIDE, *RUN[:2], "-u", "0", *RUN[2:])
    assert found.id == "nfs-root-squash"
    assert "/mnt/nas lies on nas:/export (nfs4, read-write) at /mnt/nas" in found.evidence


def test_a_read_only_mount_is_shown(machine: Machine) -> None:
    words = ("docker", "run", "-ti", "-v", "/mnt/nas:/workspace:ro", "me/test")
    found = only(machine, "touch: cannot touch '/workspace/f': Read-only file system", *words)
    assert found.id == "mount-read-only"
    assert "/workspace is /mnt/nas of the host, mounted read-only" in found.evidence


# --- how it is told ---


def test_a_pasted_prompt_tells_what_was_typed(machine: Machine) -> None:
    pasted = f"kim@server:~$ docker build -t kim/test . -f dockerfile\nNew password: {TOKEN}\n"
    assert [f.id for f in explain(pasted, machine.facts())] == ["passwd-in-dockerfile"]


def test_a_finding_is_told_in_korean(machine: Machine) -> None:
    found = explain(NO_GPU, machine.facts(), lang="ko")[0]
    assert "엔진이 GPU를" in found.cause
    assert "설치하고" in found.remedies[0].do


def test_the_printed_line_is_the_first_evidence(machine: Machine) -> None:
    found = explain(f"hello\n{NO_GPU}\nbye", machine.facts())[0]
    assert found.evidence[0] == f"printed: {NO_GPU}"


def test_an_unknown_error_gives_no_finding(machine: Machine) -> None:
    assert explain("something else went wrong", machine.facts()) == []


def test_the_earliest_failure_is_told_first(machine: Machine) -> None:
    output = "addgroup: The GID `1000' is already in use.\nuseradd: UID 1000 is not unique\n"
    found = [finding.id for finding in explain(output, machine.facts())]
    assert found == ["gid-already-exists", "uid-already-exists"]
