"""Which engine is used, and what is said when it can't be."""

from __future__ import annotations

import os
import pwd
import re
from pathlib import Path

import pytest

from lifecycle.sandbox.info import SandboxInfo
from tests.engine.harness import Place, broken, docker, findings

pytestmark = pytest.mark.engine

ONE = """
scenario: one
steps:
  - {name: Ask, command: docker version}
  - {name: Make, command: "docker create --name=MINE-c ${{ lab.base_image }} sleep 300"}
"""
NOWHERE = "unix:///nonexistent/of-this-test/docker.sock"


@pytest.fixture
def contexts(place: Place) -> str:
    """A docker configuration with two contexts: `good` leads here, `bad` nowhere."""
    folder = place.folder / "docker-config"
    folder.mkdir()
    config = ("--config", str(folder), "context", "create")
    docker(*config, "good", "--docker", f"host={os.environ['DOCKER_HOST']}")
    docker(*config, "bad", "--docker", f"host={NOWHERE}")
    for path in [folder, *folder.rglob("*")]:
        path.chmod(0o755 if path.is_dir() else 0o644)
    place.environ["DOCKER_CONFIG"] = str(folder)
    return os.environ["DOCKER_HOST"]


def test_docker_host_is_honoured(place: Place) -> None:
    ran = place.run(str(place.write("a.yaml", ONE)))
    assert ran.exit_code == 0, ran.said
    assert ran.report["engine"]["address"] == os.environ["DOCKER_HOST"]


def test_the_context_that_was_asked_for_is_used_instead(place: Place, contexts: str) -> None:
    place.environ["DOCKER_HOST"] = NOWHERE
    ran = place.run("--context", "good", str(place.write("a.yaml", ONE)))
    assert ran.exit_code == 0, ran.said
    assert ran.report["engine"]["address"] == contexts


@pytest.mark.parametrize("how", ["DOCKER_CONTEXT", "currentContext"])
def test_the_context_in_use_is_honoured_without_docker_host(
    place: Place, contexts: str, how: str
) -> None:
    place.environ["DOCKER_HOST"] = ""
    if how == "DOCKER_CONTEXT":
        place.environ[how] = "good"
    else:
        docker("--config", place.environ["DOCKER_CONFIG"], "context", "use", "good")
        config = Path(place.environ["DOCKER_CONFIG"]) / "config.json"
        config.chmod(0o644)
    ran = place.run(str(place.write("a.yaml", ONE)))
    assert ran.exit_code == 0, ran.said
    assert ran.report["engine"]["address"] == contexts


@pytest.mark.parametrize("context", ["bad", "unknown"])
def test_a_context_that_leads_nowhere_is_a_sentence(
    place: Place, contexts: str, context: str
) -> None:
    assert contexts
    ran = place.run("--context", context, str(place.write("a.yaml", ONE)))
    assert ran.exit_code in {1, 4}
    assert "Traceback" not in ran.said
    assert re.search(r"not[\s│]+answer|not[\s│]+found|does[\s│]+not[\s│]+exist", ran.said), ran.said
    assert "permission denied" not in ran.said


def test_without_an_engine_the_check_fails_with_what_to_do(place: Place) -> None:
    place.environ["DOCKER_HOST"] = NOWHERE
    ran = place.run(str(place.write("a.yaml", ONE)))
    assert ran.exit_code == 1
    assert "Traceback" not in ran.said
    step = ran.step("Ask")
    assert broken(step) == ["the run can begin"]
    assert findings(step) in (["daemon-not-running"], ["wrong-docker-host"])
    assert ran.step("Make")["status"] == "not-run"
    assert "lifecycle sandbox" in ran.said
    assert ran.report["verdict"] == "FAIL"
    assert place.ledgers() == []


def test_a_docker_command_that_is_not_on_the_path_is_the_finding(place: Place) -> None:
    place.environ["PATH"] = str(place.folder / "bin")
    ran = place.run(str(place.write("a.yaml", ONE)))
    assert ran.exit_code == 1
    assert "Traceback" not in ran.said
    assert broken(ran.step("Ask")) == ["the run can begin"]
    assert findings(ran.step("Ask")) == ["docker-cli-missing"]
    assert ran.step("Make")["status"] == "not-run"


@pytest.mark.parametrize(
    "words",
    [("doctor",), ("doctor", "--json"), ("hold", "x", "--", "docker", "run", "x"), ("sweep",)],
    ids=" ".join,
)
def test_no_command_shows_a_traceback_without_an_engine(
    place: Place, words: tuple[str, ...]
) -> None:
    place.environ["DOCKER_HOST"] = NOWHERE
    ran = place.lifecycle(*words)
    assert "Traceback" not in ran.said
    assert ran.exit_code in {"doctor": {1}, "hold": {1, 4}, "sweep": {0}}[words[0]]


def test_validation_and_promises_need_no_engine(place: Place) -> None:
    place.environ["DOCKER_HOST"] = NOWHERE
    assert place.lifecycle("check", str(place.write("a.yaml", ONE))).exit_code == 0
    assert place.lifecycle("promises", "--", "docker", "run", "-ti", "x").exit_code == 0
    assert place.lifecycle("run", "--dry-run", str(place.folder / "a.yaml")).exit_code == 0


@pytest.mark.skipif(os.geteuid() != 0, reason="acting as somebody else takes root")
def test_a_person_outside_the_sockets_group_is_told_so(
    place: Place, in_sandbox: SandboxInfo
) -> None:
    person = pwd.getpwnam("nobody")
    assert in_sandbox.socket_gid not in os.getgrouplist(person.pw_name, person.pw_gid)
    ran = place.run("--user", person.pw_name, str(place.write("a.yaml", ONE)))
    assert ran.exit_code == 1
    step = ran.step("Ask")
    assert step["status"] == "failed"
    assert findings(step)[0] in {
        "docker-sock-permission-denied",
        "docker-group-needs-relogin",
        "docker-group-in-ldap",
    }
    assert ran.report["subject"]["name"] == "nobody"
    assert ran.step("Make")["status"] == "not-run"


@pytest.mark.skipif(os.geteuid() != 0, reason="root is who must say")
def test_root_must_say_whom_to_act_for_outside_the_sandbox(place: Place) -> None:
    place.environ["LIFECYCLE_SANDBOX"] = ""
    place.environ["SUDO_USER"] = ""
    ran = place.run(str(place.write("a.yaml", ONE)))
    assert ran.exit_code == 4
    assert "--user" in ran.err
    assert not ran.folder.exists()
    assert place.left() == []


def test_nobody_of_that_name_is_a_sentence(place: Place) -> None:
    ran = place.run("--user", "nobdy", str(place.write("a.yaml", ONE)))
    assert ran.exit_code == 4
    assert "nobdy" in ran.err
    assert "Traceback" not in ran.said


def test_commands_act_as_the_person_and_not_as_root(place: Place) -> None:
    text = """
scenario: who
steps:
  - {name: Who, command: id -u, expect: {output: "^${{ me.uid }}$"}}
  - {name: Groups, command: id}
  - {name: Where, command: touch here}
  - {name: Look, command: stat -c %u here, expect: {output: "^${{ me.uid }}$"}}
"""
    ran = place.run(str(place.write("a.yaml", text)))
    assert ran.exit_code == 0, ran.said
    assert ran.report["subject"]["uid"] != 0
