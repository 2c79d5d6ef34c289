"""Who one is: a NAS that makes root nobody, and uids that are huge."""

import pytest

from lifecycle.diagnosis.finding import Symptom
from lifecycle.diagnosis.match import diagnose
from tests.unit.diagnosis.machine import Machine, evidence, only

DENIED = "touch: cannot touch '/workspace/f': Permission denied"
CHOWN = "chown: changing ownership of '/workspace/f': Operation not permitted"
MOUNTS = "1 0 8:1 / / rw - ext4 /dev/sda1 rw\n9 1 0:5 / /mnt/nas rw - {} nas:/home rw\n"
RUN = (
    "docker",
    "run",
    "-u",
    "{}",
    "--name=my_c",
    "-v",
    "/mnt/nas/kim:/workspace",
    "kim/test",
    "bash",
)
BUILD = ("docker", "build", "-t", "kim/test", ".", "-f", "dockerfile")
FULL = "Error processing tar file(exit status 1): write /var/log/lastlog: no space left on device"


def run_as(user: str) -> tuple[str, ...]:
    return tuple(word.format(user) for word in RUN)


@pytest.fixture
def nas(machine: Machine) -> Machine:
    """Kim's folder lies on the NAS."""
    machine.file("mnt/nas/kim/kept", "data")
    machine.file("proc/self/mountinfo", MOUNTS.format("fuse.nas"))
    return machine


@pytest.mark.parametrize("kind", ["nfs4", "fuse.nas", "cifs", "lustre"])
@pytest.mark.parametrize("said", [DENIED, CHOWN])
def test_root_that_is_refused_on_a_served_file_system_is_squashed(
    nas: Machine, kind: str, said: str
) -> None:
    nas.file("proc/self/mountinfo", MOUNTS.format(kind))
    found = only(nas, said, *run_as("0"))
    assert found.id == "nfs-root-squash"
    assert f"/mnt/nas/kim lies on nas:/home ({kind}, read-write) at /mnt/nas" in found.evidence


def test_root_that_is_refused_on_a_disk_is_not_squashed(nas: Machine) -> None:
    nas.file("proc/self/mountinfo", MOUNTS.format("ext4"))
    assert only(nas, CHOWN, *run_as("0")).id == "chown-needs-root"


def test_an_ordinary_user_may_not_give_files_away_on_the_nas_either(nas: Machine) -> None:
    assert only(nas, CHOWN, *run_as("1000")).id == "chown-needs-root"


def test_a_source_that_the_engine_may_not_see_is_shown_where_it_lies(nas: Machine) -> None:
    said = (
        "docker: Error response from daemon: error while creating mount source path "
        "'/mnt/nas/kim/data': mkdir /mnt/nas/kim/data: permission denied"
    )
    found = only(nas, said, *run_as("1000"))
    assert found.id == "bind-source-denied"
    assert "/mnt/nas/kim/data lies on nas:/home (fuse.nas, read-write) at /mnt/nas" in (
        found.evidence
    )
    assert "mkdir" not in str(found.remedies)  # the folder above it is not shown to be Kim's
    nas.owners = {"/mnt/nas/kim": nas.uid}
    found = only(nas, said, *run_as("1000"))
    assert ("mkdir -p /mnt/nas/kim/data",) in [remedy.commands for remedy in found.remedies]


@pytest.mark.parametrize(
    "line",
    [
        "RUN useradd -m -u 1234567890 kim",
        "RUN groupadd -g 5 g && \\\n    useradd -m \\\n    -u 1234567890 kim",
        "RUN adduser --uid 1234567890 --disabled-password --gecos '' kim",
        "ARG UID\nRUN useradd -u $UID kim",
    ],
)
def test_a_disk_that_a_huge_uid_filled(machine: Machine, line: str) -> None:
    machine.uid = 1234567890
    machine.file("home/kim/dockerfile", f"FROM ubuntu:22.04\n{line}\n")
    found = only(machine, FULL, *BUILD)
    assert found.id == "huge-uid-login-log"
    assert "/var/log/lastlog 360 GB, /var/log/faillog 40 GB" in evidence(found)
    assert "useradd -l -m -u 1234567890" in found.remedies[0].do


@pytest.mark.parametrize(
    "line",
    [
        "RUN useradd -l -m -u 1234567890 kim",
        "RUN useradd -ml -u 1234567890 kim",
        "RUN useradd --no-log-init -u 1234567890 kim",
        "RUN useradd -m -u 12345 kim",
        "RUN apt-get install -y texlive-full",
    ],
)
def test_a_disk_that_something_else_filled(machine: Machine, line: str) -> None:
    machine.file("home/kim/dockerfile", f"FROM ubuntu:22.04\n{line}\n")
    assert only(machine, FULL, *BUILD).id == "disk-full-docker-root"


def test_a_user_without_a_log_line_is_not_blamed_for_a_limit(machine: Machine) -> None:
    said = "The command '/bin/sh -c useradd -l -u 9 kim' returned a non-zero code: 153"
    assert diagnose(Symptom(said, BUILD, 1), machine.facts()) == []
