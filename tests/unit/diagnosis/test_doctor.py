"""The doctor's visit: what is checked, and what a broken check leads to."""

import json
from dataclasses import dataclass
from typing import Any

import pytest

from lifecycle.checks.check import Check
from lifecycle.command.host.tables import DEFAULT_SOCKET
from lifecycle.diagnosis.doctor import DoctorReport, doctor
from lifecycle.diagnosis.groups import Group
from lifecycle.diagnosis.sockets import SocketInfo
from tests.unit.diagnosis.machine import Machine

INFO: dict[str, Any] = {
    "Driver": "overlay2",
    "CgroupVersion": "2",
    "DockerRootDir": "/var/lib/docker",
    "Runtimes": {"runc": {}},
}
GIB = 1 << 30
VERSION = {"Version": "20.10.24", "ApiVersion": "1.41", "MinAPIVersion": "1.12"}


def visit(machine: Machine, answer: Any = None, **promised: int) -> DoctorReport:
    engine = answer or {"info": INFO, "version": VERSION}
    return doctor(machine.facts(), lambda: engine, gpus_promised=promised.get("gpus"))


def check(report: DoctorReport, about: str) -> Check:
    (found,) = [check for check in report.checks if check.about.startswith(about)]
    return found


def ids(report: DoctorReport) -> list[str]:
    return [finding.id for finding in report.findings]


@dataclass
class Disk:
    total: int = 100 * GIB
    free: int = 50 * GIB


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch) -> Disk:
    described = Disk()
    monkeypatch.setattr("shutil.disk_usage", lambda _: described)
    return described


@pytest.fixture
def well(machine: Machine, disk: Disk) -> Machine:  # noqa: ARG001
    machine.file("sys/fs/cgroup/cgroup.controllers")
    machine.file("var/lib/docker/keep")
    return machine


def test_a_sound_machine_has_no_finding(well: Machine) -> None:
    report = visit(well)
    assert report.ok
    assert report.findings == []
    assert check(report, "docker engine").actual == "20.10.24 (API 1.41)"
    assert check(report, "docker CLI version").actual == "20.10.24"
    assert check(report, f"{DEFAULT_SOCKET}: may be used by kim").status == "kept"
    assert check(report, "kim is in the socket's group (docker)").status == "kept"


def test_what_was_not_looked_at_is_unverified_with_the_reason(well: Machine) -> None:
    report = visit(well)
    for about in ("GPUs of the server", "proxy of the engine", "buildx"):
        assert check(report, about).status == "unverified"
        assert check(report, about).source


def test_no_docker_command(well: Machine) -> None:
    (well.root / "usr/bin/docker").unlink()
    report = visit(well)
    assert not report.ok
    assert ids(report) == ["docker-cli-missing"]


def test_a_cli_without_gpus_is_too_old(well: Machine) -> None:
    well.version = "Docker version 18.09.1, build 4c52b90\n"
    assert check(visit(well), "docker CLI version").status == "broken"


def test_no_engine(well: Machine) -> None:
    well.sockets = {}
    report = visit(well, "No such file or directory")
    assert check(report, "docker engine").actual == "No such file or directory"
    assert ids(report) == ["daemon-not-running"]
    assert report.findings[0].evidence[0] == "printed: No such file or directory"


def test_a_docker_host_that_leads_nowhere(well: Machine) -> None:
    well.environ["DOCKER_HOST"] = "unix:///run/user/1000/docker.sock"
    assert ids(visit(well, "No such file or directory")) == ["wrong-docker-host"]


def test_a_person_outside_the_group(well: Machine) -> None:
    well.login = well.process = (1000,)
    well.groups = {"docker": Group("docker", 999)}
    report = visit(well, "Permission denied")
    assert ids(report) == ["docker-sock-permission-denied"]
    assert check(report, "kim is in the socket's group").actual == {
        "now": False,
        "after login": False,
    }


def test_a_login_older_than_the_group(well: Machine) -> None:
    well.process = (1000,)
    report = visit(well, "Permission denied")
    assert ids(report) == ["docker-group-needs-relogin"]
    assert check(report, "kim is in the socket's group").actual == {
        "now": False,
        "after login": True,
    }


def test_root_needs_no_group(well: Machine) -> None:
    well.uid = 0
    assert check(visit(well), "kim is in the socket's group").status == "unverified"


def test_a_group_only_in_ldap(well: Machine) -> None:
    well.file("etc/group", "root:x:0:\n")
    well.groups = {"docker": Group("docker", 5000, ("kim",)), "root": Group("root", 0)}
    well.login = well.process = (1000, 5000)
    well.sockets = {DEFAULT_SOCKET: SocketInfo(DEFAULT_SOCKET, "denied", 0, 0, 0o660)}
    assert ids(visit(well, "Permission denied")) == ["docker-group-in-ldap"]


def test_an_api_version_that_the_engine_does_not_speak(well: Machine) -> None:
    well.environ["DOCKER_API_VERSION"] = "1.50"
    assert ids(visit(well)) == ["client-server-api-version"]
    well.environ["DOCKER_API_VERSION"] = "1.40"
    assert visit(well).ok


def test_a_slow_storage_driver(well: Machine) -> None:
    report = visit(well, {"info": {**INFO, "Driver": "vfs"}, "version": VERSION})
    assert check(report, "storage driver").status == "broken"


def test_a_disk_without_room(well: Machine, disk: Disk) -> None:
    disk.free = 2 * GIB
    report = visit(well)
    assert check(report, "free disk at /var/lib/docker").actual == "2.0 GiB"
    assert ids(report) == ["disk-full-docker-root"]


def test_a_shell_with_a_proxy_beside_an_engine_without(well: Machine) -> None:
    well.environ["https_proxy"] = "http://kim:hunter2@192.0.2.1:3128"
    report = visit(well)
    assert ids(report) == ["daemon-proxy-missing"]
    assert check(report, "proxy of builds and containers").status == "unverified"
    assert "hunter2" not in json.dumps(report.to_json())


def test_a_proxy_that_all_know(well: Machine) -> None:
    well.environ["https_proxy"] = "http://192.0.2.1:3128"
    well.file("home/kim/.docker/config.json", '{"proxies": {"default": {"httpsProxy": "x"}}}')
    report = visit(well, {"info": {**INFO, "HttpsProxy": "http://p"}, "version": VERSION})
    assert report.ok
    assert check(report, "proxy of builds and containers").status == "kept"


def test_fewer_gpus_than_the_lab_promises(well: Machine) -> None:
    well.file("proc/driver/nvidia/gpus/0000:65:00.0/information")
    report = visit(well, {"info": {**INFO, "Runtimes": {"nvidia": {}}}, "version": VERSION}, gpus=8)
    assert check(report, "GPUs of the server").actual == 1
    assert not report.ok


def test_gpus_without_the_toolkit(well: Machine) -> None:
    well.file("proc/driver/nvidia/gpus/0000:65:00.0/information")
    assert ids(visit(well, gpus=1)) == ["gpu-no-toolkit"]
    well.command("nvidia-container-runtime-hook")
    assert visit(well, gpus=1).ok


def test_gpus_without_the_driver(well: Machine) -> None:
    well.file("sys/bus/pci/devices/0000:65:00.0/vendor", "0x10de\n")
    well.file("sys/bus/pci/devices/0000:65:00.0/class", "0x030200\n")
    assert ids(visit(well)) == ["gpu-driver-missing"]


def test_a_promise_of_gpus_on_a_machine_without_any_is_broken(well: Machine) -> None:
    assert check(visit(well, gpus=8), "GPUs of the server").status == "broken"


def test_buildx_is_found_among_the_plugins(well: Machine) -> None:
    well.file("usr/libexec/docker/cli-plugins/docker-buildx")
    assert check(visit(well), "buildx").status == "kept"


def test_every_finding_has_evidence_and_a_remedy(well: Machine) -> None:
    well.sockets = {}
    (well.root / "usr/bin/docker").unlink()
    for finding in visit(well, "Connection refused").findings:
        assert finding.evidence
        assert finding.remedies


def test_the_document_has_findings_and_checks(well: Machine) -> None:
    document = visit(well).to_json()
    assert document.keys() == {"findings", "checks"}
    keys = {"about", "expected", "actual", "status", "source", "gpu"}
    assert document["checks"][0].keys() == keys
