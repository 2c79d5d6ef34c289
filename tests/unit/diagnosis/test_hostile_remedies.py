"""Situations in which the obvious advice would harm somebody else."""

from __future__ import annotations

import os
import re

import pytest

from lifecycle.command.host.tables import DEFAULT_SOCKET
from lifecycle.diagnosis.doctor import doctor
from lifecycle.diagnosis.finding import Finding, Symptom
from lifecycle.diagnosis.groups import Group
from lifecycle.diagnosis.match import diagnose, explain
from lifecycle.diagnosis.sockets import SocketInfo
from tests.unit.diagnosis.acts import PROSE, acts
from tests.unit.diagnosis.machine import TCP_TABLE, Container, Machine, evidence, only

CID = "41f2ec5f38f40eb2340ef00fa45a28df22ef2812baae6d3990eae461ebd2a1b1"
NAME_TAKEN = (
    'docker: Error response from daemon: Conflict. The container name "/my_test_c" is already in '
    f'use by container "{CID}".'
)
PORT_TAKEN = "Error starting userland proxy: listen tcp4 0.0.0.0:8080: bind: address already in use"
ALLOCATED = "Bind for 0.0.0.0:8080 failed: port is already allocated"
IN_USE = (
    'conflict: unable to remove repository reference "kim/test" (must force) - container '
    "41f2ec5f38f4 is using its referenced image 8e9f2f7370a0"
)
RUNNING = f"Error response from daemon: You cannot remove a running container {CID}."
FULL = "Error processing tar file(exit status 1): write /x: no space left on device"
DENIED = "touch: cannot touch '/workspace/f': Permission denied"
CHOWN = "chown: changing ownership of '/workspace/f': Operation not permitted"
MISSING = 'invalid mount config for type "bind": bind source path does not exist: {}.'
SOCKET = (
    "permission denied while trying to connect to the Docker daemon socket at "
    f"unix://{DEFAULT_SOCKET}: dial unix {DEFAULT_SOCKET}: connect: permission denied"
)
RUN = ("docker", "run", "-ti", "--name=my_test_c", "-v", "/mnt/nas/kim:/workspace", "kim/test")
SYSTEM_DISK = "1 0 8:1 / / rw - ext4 /dev/sda1 rw\n"


def bind(source: str, *, writable: bool = True) -> dict[str, object]:
    return {"Type": "bind", "Source": source, "Destination": "/workspace", "RW": writable}


@pytest.fixture
def lab(machine: Machine) -> Machine:
    """Kim and Lee each have a home and a shared folder; a container runs as whom it says."""
    machine.owners = {
        "/home": 0,
        "/home/kim": 1000,
        "/home/kim/work": 1000,
        "/data/kim": 1000,
        "/home/lee": 1001,
        "/mnt": 0,
        "/mnt/nas": 0,
        "/srv": 0,
    }
    machine.inspected = {CID: {"Config": {"User": "kim"}}}
    machine.file("proc/self/mountinfo", SYSTEM_DISK)
    return machine


def harmless(finding: Finding) -> Finding:
    """No remedy has a line that acts on a thing, nor says such a verb; an admin's restart may."""
    for remedy in finding.remedies:
        done = [act for command in remedy.commands for act in acts(command)]
        assert [a for a in done if a.kind != "machine" or remedy.who != "admin"] == [], remedy
        assert not PROSE.search(remedy.do), remedy.do
    return finding


def commands(finding: Finding) -> list[str]:
    return [command for remedy in finding.remedies for command in remedy.commands]


# --- the name ---


@pytest.mark.parametrize("state", ["running", "exited", "created"])
def test_a_name_held_by_a_colleagues_container_leads_to_its_owner(
    lab: Machine, container: Container, state: str
) -> None:
    lab.containers = [container("my_test_c", state, Mounts=[bind("/home/lee")])]
    found = harmless(only(lab, NAME_TAKEN, *RUN))
    assert "my_test_c: it mounts /home/lee, which belongs to lee" in found.evidence
    assert "Ask lee." in str(found.remedies)
    assert any("docker inspect" in command for command in commands(found))


@pytest.mark.parametrize("state", ["running", "exited", "created"])
def test_a_name_held_by_nobody_knows_whose_container_leads_to_a_look(
    lab: Machine, container: Container, state: str
) -> None:
    lab.containers = [container("my_test_c", state)]
    found = harmless(only(lab, NAME_TAKEN, *RUN))
    assert "Docker does not record who made a container" in evidence(found)
    assert "See whose my_test_c is before anything else" in str(found.remedies)


def test_a_created_container_may_hold_what_was_copied_into_it(
    lab: Machine, container: Container
) -> None:
    lab.containers = [container("my_test_c", "created", Mounts=[bind("/home/kim/work")])]
    found = only(lab, NAME_TAKEN, *RUN)
    told = str(found)
    assert "no data" not in told
    assert "docker diff 41f2ec5f38f4" in told
    assert commands(found).index("docker diff 41f2ec5f38f4") < commands(found).index(
        "docker rm 41f2ec5f38f4"
    )


@pytest.mark.parametrize(
    "proof",
    [
        {"Image": "kim/test"},
        {"Labels": {"owner": "kim", "maintainer": "kim"}},
        {"Mounts": [bind("/data/kim")]},
        {"Mounts": [bind("/home/kim/work", writable=False)]},
        {"Mounts": [bind("/home")]},
        {"Mounts": [bind("/home/kim/work"), bind("/srv")]},
        {"Mounts": [bind("/home/kim/work"), bind("/home/lee")]},
        {"Mounts": [bind("/home/kim/work"), bind("/gone")]},
        {"Mounts": [{"Type": "volume", "Name": "kim", "Destination": "/w", "RW": True}]},
    ],
    ids=str,
)
def test_what_anybody_could_have_written_or_mounted_proves_nothing(
    lab: Machine, container: Container, proof: dict[str, object]
) -> None:
    lab.containers = [container("my_test_c", "exited", **proof)]
    harmless(only(lab, NAME_TAKEN, *RUN))
    harmless(only(lab, RUNNING))


@pytest.mark.parametrize("user", ["lee", "1001", "1001:1001", "jovyan"])
def test_a_container_with_ones_folder_that_runs_as_another_is_not_ones_own(
    lab: Machine, container: Container, user: str
) -> None:
    lab.containers = [container("my_test_c", "exited", Mounts=[bind("/home/kim/work")])]
    lab.inspected = {CID: {"Config": {"User": user}}}
    harmless(only(lab, NAME_TAKEN, *RUN))


def test_root_owns_no_container_by_roots_folders(lab: Machine, container: Container) -> None:
    lab.uid = 0
    lab.owners["/home/kim/work"] = 0
    lab.containers = [container("my_test_c", "exited", Mounts=[bind("/home/kim/work")])]
    harmless(only(lab, NAME_TAKEN, *RUN))


def test_what_is_shown_to_be_own_is_named_by_its_id_as_a_name_can_pass_to_another(
    lab: Machine, container: Container
) -> None:
    lab.containers = [container("my_test_c", Mounts=[bind("/home/kim/work")])]
    found = only(lab, RUNNING)
    assert "docker rm 41f2ec5f38f4" in commands(found)
    assert "docker rm my_test_c" not in str(found.remedies)


def test_what_the_run_made_is_its_own_to_take_away(lab: Machine, container: Container) -> None:
    """A report shows the written name, and another may have that when somebody pastes it."""
    lab.containers = [container("my_test_c", Mounts=[bind("/home/kim/work")])]
    lab.made = {CID}
    harmless(only(lab, RUNNING))


def test_a_name_in_an_error_can_not_smuggle_a_command(lab: Machine) -> None:
    said = 'The container name "/x; docker rm -f y" is already in use by container "41f2"'
    found = explain(said, lab.facts())
    assert found
    for finding in found:
        harmless(finding)
    said = "passwd: user 'x; docker rm -f y' does not exist"
    for finding in (*explain(said, lab.facts()), *explain(f"{said}\nNew password:", lab.facts())):
        done = [act for command in commands(finding) for act in acts(command)]
        assert {act.targets for act in done} <= {("CONTAINER",)}  # a word to fill in by hand


# --- ports ---


@pytest.mark.parametrize("said", [PORT_TAKEN, ALLOCATED])
def test_a_port_of_a_colleagues_container_is_not_ones_to_free(
    lab: Machine, container: Container, said: str
) -> None:
    ports = [{"PublicPort": 8080, "Type": "tcp"}]
    lab.containers = [container("lees_web", Ports=ports, Mounts=[bind("/home/lee")])]
    found = harmless(only(lab, said, *RUN))
    assert "ask lee" in str(found.remedies)


def test_a_port_whose_holder_is_hidden_is_not_freed_by_ending_ones_own(
    lab: Machine, container: Container
) -> None:
    """The person's own new container, which the failed line named, is not the port's holder."""
    lab.containers = [container("my_test_c", "created", Mounts=[bind("/home/kim/work")])]
    harmless(only(lab, ALLOCATED, *RUN))


@pytest.mark.parametrize("owner", [1001, 0])
def test_a_port_of_another_persons_process_is_not_ones_to_free(lab: Machine, owner: int) -> None:
    lab.containers = []
    lab.file("proc/net/tcp", TCP_TABLE.replace("1001", str(owner)))
    lab.file("proc/77/comm", "jupyter-lab\n")
    (lab.root / "proc/77/fd").mkdir()
    (lab.root / "proc/77/fd/3").symlink_to("socket:[4242]")
    found = harmless(only(lab, PORT_TAKEN, *RUN))
    assert "The process is yours" not in str(found.remedies)


# --- images, volumes, the disk ---


@pytest.mark.parametrize("state", ["running", "exited"])
@pytest.mark.parametrize("command", ["bash", "/bin/sh -c 'python train.py'"])
def test_an_image_in_anothers_use_stays(
    lab: Machine, container: Container, state: str, command: str
) -> None:
    """A colleague's `docker run IMAGE sh -c ...` looks as what a failed build left."""
    one = container("lees", state, Command=command, Mounts=[bind("/home/lee")])
    lab.containers = [one]
    harmless(only(lab, IN_USE, "docker", "rmi", "kim/test"))


@pytest.mark.parametrize(
    "said",
    [
        "unable to delete 8e9f2f7370a0 (cannot be forced) - image has dependent child images",
        "could not find an available, non-overlapping IPv4 address pool among the defaults",
    ],
)
def test_images_and_networks_of_unknown_people_stay(lab: Machine, said: str) -> None:
    harmless(only(lab, said))


@pytest.mark.parametrize(
    "said",
    [
        FULL,
        "write /home/kim/x: no space left on device",
        "dd: error writing '/dev/shm/x': No space left on device",
    ],
)
def test_a_full_disk_is_looked_at_and_nothing_is_pruned(lab: Machine, said: str) -> None:
    for finding in diagnose(Symptom(said, RUN, 1), lab.facts()):
        harmless(finding)
        assert "prun" not in str(finding.remedies)
        assert "df -h" in commands(finding)


def test_the_doctor_prunes_nothing_either(lab: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.disk_usage", lambda _: type("Disk", (), {"free": 0}))
    lab.file("var/lib/docker/keep")
    info = {"Driver": "overlay2", "CgroupVersion": "1", "DockerRootDir": "/var/lib/docker"}
    report = doctor(lab.facts(), lambda: {"info": info, "version": {"ApiVersion": "1.41"}})
    assert [finding.id for finding in report.findings] == ["disk-full-docker-root"]
    harmless(report.findings[0])


# --- folders ---


@pytest.mark.parametrize("source", ["/mnt/nas/kim", "/mnt/nas/kim/deep/er", "/srv/kim", "/kim"])
@pytest.mark.parametrize(
    "said", [MISSING, "error while creating mount source path '{0}': mkdir {0}: permission denied"]
)
def test_a_folder_on_a_nas_that_is_not_mounted_is_not_made(
    lab: Machine, source: str, said: str
) -> None:
    found = harmless(only(lab, said.format(source), *RUN))
    assert "NAS" in str(found.remedies)
    assert f"findmnt -T {source}" in commands(found)


def test_a_mount_point_of_ones_own_on_the_system_disk_is_no_place_for_it_either(
    lab: Machine,
) -> None:
    lab.owners["/mnt/nas"] = 1000
    harmless(only(lab, MISSING.format("/mnt/nas/kim"), *RUN))


def test_a_missing_folder_in_ones_home_may_be_made(lab: Machine) -> None:
    found = only(lab, MISSING.format("/home/kim/work/new"), *RUN)
    assert "mkdir -p /home/kim/work/new" in commands(found)


def test_a_folder_of_roots_is_neither_removed_nor_given_away(lab: Machine) -> None:
    """A NAS folder without rights looks as one that the engine made."""
    (lab.root / "mnt/nas/kim").mkdir(parents=True)
    lab.owners["/mnt/nas/kim"] = 0
    found = harmless(only(lab, DENIED, *RUN))
    assert found.id == "bind-source-created-as-root"
    assert "a folder on which nobody has been given rights yet looks the same" in found.cause


@pytest.mark.parametrize("said", [DENIED, CHOWN])
def test_a_colleagues_folder_stays_theirs(lab: Machine, container: Container, said: str) -> None:
    lab.file("mnt/nas/kim/kept", "data")
    lab.owners["/mnt/nas/kim"] = 1001
    for containers in (None, [container("my_test_c", Mounts=[bind("/mnt/nas/kim")])]):
        lab.containers = containers
        symptom = Symptom(said, ("docker", "exec", "my_test_c", "x"), 1)
        found = [*diagnose(symptom, lab.facts()), only(lab, said, *RUN)]
        for remedy in (remedy for finding in found for remedy in finding.remedies):
            done = [act.kind for command in remedy.commands for act in acts(command)]
            assert set(done) <= {"enters"}, remedy
            assert not PROSE.search(remedy.do)


def test_selinux_relabels_no_folder_of_another(lab: Machine) -> None:
    lab.file("mnt/nas/kim/kept", "data")
    lab.owners["/mnt/nas/kim"] = 1001
    lab.file("sys/fs/selinux/enforce", "1")
    found = only(lab, DENIED, *RUN)
    assert found.id == "selinux-label"
    assert "On one of somebody else's don't" in str(found.remedies)


def test_the_dockerfile_of_another_is_not_edited(lab: Machine) -> None:
    lab.file("home/kim/dockerfile", "FROM base\nRUN apt install –y sudo\n")
    said, build = "E: Unable to locate package –y", ("docker", "build", ".", "-f", "dockerfile")
    lab.owners["/home/kim/dockerfile"] = 1001
    harmless(only(lab, said, *build))
    lab.owners["/home/kim/dockerfile"] = 1000
    assert "sed -i 's/–/-/g' dockerfile" in commands(only(lab, said, *build))


def test_a_dockerfile_that_is_a_link_is_not_edited(lab: Machine) -> None:
    lab.file("home/lee/dockerfile", "FROM base\nRUN apt install –y sudo\n")
    (lab.root / "home/kim/dockerfile").symlink_to(lab.root / "home/lee/dockerfile")
    lab.uid = os.geteuid() or 1000
    if os.geteuid() == 0:
        for name in ("home/lee/dockerfile", "home/kim/dockerfile"):
            os.chown(lab.root / name, 1000, 1000, follow_symlinks=False)
    found = only(lab, "E: Unable to locate package –y", "docker", "build", ".", "-f", "dockerfile")
    harmless(found)


# --- accounts and the socket ---


def test_the_sockets_own_group_is_named_not_docker(lab: Machine) -> None:
    lab.login = lab.process = (1000,)
    lab.groups = {"usrdock": Group("usrdock", 777, ("lee",))}
    lab.file("etc/group", "root:x:0:\nusrdock:x:777:lee\n")
    lab.sockets = {DEFAULT_SOCKET: SocketInfo(DEFAULT_SOCKET, "denied", 0, 777, 0o660)}
    found = only(lab, SOCKET)
    assert "sudo usermod -aG usrdock kim" in commands(found)
    assert "aG docker" not in str(found.remedies)
    assert "read and change everybody's containers" in found.remedies[0].do


@pytest.mark.parametrize("group", ["root", "sudo", "shadow", "wheel"])
@pytest.mark.parametrize("owner", [0, 1001])
def test_nobody_is_put_into_a_mightier_group(lab: Machine, group: str, owner: int) -> None:
    gid = 0 if group == "root" else 27
    lab.login = lab.process = (1000,)
    lab.groups = {group: Group(group, gid)}
    lab.file("etc/group", f"{group}:x:{gid}:\n")
    lab.sockets = {DEFAULT_SOCKET: SocketInfo(DEFAULT_SOCKET, "denied", owner, gid, 0o660)}
    assert "usermod" not in str(only(lab, SOCKET).remedies)


def test_a_uid_that_is_taken_is_changed_in_ones_own_image_only(lab: Machine) -> None:
    said = "useradd: UID 1000 is not unique"
    found = only(lab, said, "docker", "build", ".")
    assert all(re.search(r"RUN userdel", r.do) for r in found.remedies if "userdel" in r.do)
    assert not [act for command in commands(found) for act in acts(command)]


@pytest.mark.parametrize("lang", ["en", "ko"])
def test_an_engine_that_hangs_is_restarted_by_an_admin_who_knows_what_ends(
    lab: Machine, lang: str
) -> None:
    said = f"the engine at unix://{DEFAULT_SOCKET} takes connections, but gave no answer"
    [found] = diagnose(Symptom(said), lab.facts(), lang=lang)  # type: ignore[arg-type]
    (restart,) = [r for r in found.remedies if "sudo systemctl restart docker" in r.commands]
    assert restart.who == "admin"
    assert "live-restore" in restart.do
