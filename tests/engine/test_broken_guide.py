"""The guide, broken on purpose: the right step fails, for the right reason."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from lifecycle.sandbox.info import SandboxInfo
from tests.engine.harness import Place, Ran, broken, docker, findings

pytestmark = pytest.mark.engine

# One run does them all; a step named "the mistake" is the one that must fail.
MISTAKES = {
    "en dash": r"""
  - name: before
    write: dockerfile
    content: "FROM ${{ lab.base_image }}\nRUN apt install –y sudo\n"
  - {name: the mistake, command: docker build -t MINE/dash . -f dockerfile}
  - {name: after, command: docker run --rm --name=MINE-dash MINE/dash true}
""",
    "uid taken": r"""
  - {name: before, write: dockerfile, content: "FROM ${{ lab.base_image }}\nRUN useradd -u 1 me\n"}
  - {name: the mistake, command: docker build -t MINE/uid . -f dockerfile}
""",
    "gid taken": r"""
  - {name: before, write: dockerfile, content: "FROM ${{ lab.base_image }}\nRUN groupadd -g 1 me\n"}
  - {name: the mistake, command: docker build -t MINE/gid . -f dockerfile}
""",
    "read-only mount": """
  - name: the mistake
    command: >-
      docker run -d --name=MINE-ro -v ${{ lab.nas_home }}:/workspace:ro
      ${{ lab.base_image }} sleep 300
    expect: {inside: {files: {/workspace: {writable: true}}}}
""",
    "a folder of somebody else's": """
  - name: the mistake
    command: >-
      docker run -d --name=MINE-theirs -u ${{ me.uid }}:${{ me.gid }} -v FOLDER/theirs:/workspace
      ${{ lab.base_image }} sleep 300
""",
    "a folder that docker made": """
  - name: the mistake
    command: >-
      docker run -d --name=MINE-roots -u ${{ me.uid }}:${{ me.gid }} -v FOLDER/roots:/workspace
      ${{ lab.base_image }} sleep 300
""",
    "misspelled image": """
  - {name: the mistake, command: "docker pull ${{ lab.base_image }}-MINE"}
""",
    "misspelled repository": """
  - {name: the mistake, command: "docker run --rm --name=MINE-r 127.0.0.1:5000/no/MINE true"}
""",
    "two passwords": """
  - {name: before, command: "docker run -d --name=MINE-pw ${{ lab.base_image }} sleep 300"}
  - name: the mistake
    command: docker exec -u 0 -ti MINE-pw passwd daemon
    dialogue:
      - {expect: "(?i)new.*password:", send: "${{ secret.password }}"}
      - {expect: "(?i)retype.*:", send: "${{ secret.other }}"}
    expect: {password_changed: daemon}
""",
    "no such folder": """
  - name: the mistake
    command: >-
      docker run -d --name=MINE-nas -v FOLDER/missing:/workspace ${{ lab.base_image }} sleep 300
""",
    "no such dockerfile": r"""
  - {name: before, write: dockerfile, content: "FROM ${{ lab.base_image }}\n"}
  - {name: the mistake, command: docker build -t MINE/file . -f Dockerfile}
""",
    "a container's port": """
  - name: the mistake
    command: docker run -d --name=MINE-p -p PORT:8080 ${{ lab.base_image }} sleep 300
""",
    "a process's port": """
  - name: the mistake
    command: docker run -d --name=MINE-h -p LISTEN:8080 ${{ lab.base_image }} sleep 300
""",
    "a left proxy's port": """
  - name: the mistake
    command: docker run -d --name=MINE-l -p LEFT:8080 ${{ lab.base_image }} sleep 300
""",
    "no such command": """
  - {name: before, command: "docker run -d --name=MINE-cmd ${{ lab.base_image }} sleep 300"}
  - {name: the mistake, command: docker exec MINE-cmd nvidia-smi-of-mine}
""",
    "a stopped container": """
  - {name: before, command: "docker create --name=MINE-s ${{ lab.base_image }} sleep 300"}
  - {name: the mistake, command: docker exec MINE-s true}
""",
    "a running container": """
  - {name: before, command: "docker run -d --name=MINE-up ${{ lab.base_image }} sleep 300"}
  - {name: the mistake, command: docker rm MINE-up}
""",
}
LISTENER = """
import socket
listener = socket.create_server(("", 0))
print(listener.getsockname()[1], flush=True)
input()
"""


@contextmanager
def left_proxy(netns: str) -> Iterator[str]:
    """A docker-proxy that no dockerd has started; the port that it listens on."""
    inside = ["nsenter", f"--net={netns}", "--"]
    free = "import socket; print(socket.create_server(('', 0)).getsockname()[1])"
    port = subprocess.check_output([*inside, "python3", "-c", free], text=True).strip()
    here, there = os.pipe()
    # It says on descriptor 3 that it listens.
    proxy = 'exec docker-proxy -proto tcp -host-ip 0.0.0.0 -host-port "$1" -container-ip 192.0.2.9 '
    words = ["bash", "-c", f'{proxy} -container-port 8080 3>&"$2"', "bash", port, str(there)]
    with subprocess.Popen([*inside, *words], pass_fds=[there]) as process:
        os.close(there)
        assert os.read(here, 9) == b"0\n"
        yield port
        process.terminate()
    os.close(here)


@dataclass
class Done:
    """The one run, and what was round it."""

    ran: Ran
    place: Place

    def step(self, scenario: str) -> dict[str, Any]:
        """The step that must have failed, after seeing that it alone did."""
        told = self.ran.statuses(scenario)
        others = {k: v for k, v in told.items() if k != "the mistake"}
        assert told["the mistake"] == "failed", self.ran.said
        assert set(others.values()) <= {"passed", "not-run"}
        assert others.get("before", "passed") == others["Clean-up"] == "passed"
        assert others.get("after", "not-run") == "not-run"
        return self.ran.step("the mistake", scenario)


@pytest.fixture(scope="module")
def done(shared_place: Place, base_image: str, in_sandbox: SandboxInfo) -> Iterator[Done]:
    """All the mistakes, made in one run."""
    place = shared_place
    (place.folder / "theirs").mkdir(mode=0o755)
    os.chown(place.folder / "theirs", 4321, 4321)
    (place.folder / "roots").mkdir(mode=0o755)
    holder = f"{place.word}-holder"
    docker("run", "-d", f"--name={holder}", "-p", "8080", base_image, "sleep", "300")
    port = docker("port", holder, "8080").splitlines()[0].rpartition(":")[2]
    net = ["nsenter", f"--net={in_sandbox.netns}", "--", "python3", "-c", LISTENER]
    with (
        left_proxy(str(in_sandbox.netns)) as left_port,
        subprocess.Popen(net, stdin=-1, stdout=-1, text=True) as process,
    ):
        assert process.stdin
        assert process.stdout
        listen = process.stdout.readline().strip()
        for name, steps in MISTAKES.items():
            text = steps.replace("PORT", port).replace("LISTEN", listen).replace("LEFT", left_port)
            text = text.replace("FOLDER", str(place.folder))
            place.write(f"guide/{name}.yaml", f"scenario: {name}\nsteps:{text}")
        ran = place.run("guide")
        process.stdin.close()
    left = [thing for thing in place.left() if holder not in thing]
    yield Done(ran, place)
    docker("rm", "-f", holder)
    assert left == []


def test_each_of_them_fails_and_nothing_is_left(done: Done) -> None:
    assert done.ran.exit_code == 1
    told = {s["name"]: s["status"] for s in done.ran.report["scenarios"]}
    assert told == dict.fromkeys(MISTAKES, "failed")
    assert done.ran.report["left_behind"] == []
    assert done.ran.report["foreign_touched"] == []
    assert "Traceback" not in done.ran.said


@pytest.mark.parametrize(
    ("mistake", "finding"),
    [
        ("en dash", "en-dash-apt"),
        ("uid taken", "uid-already-exists"),
        ("gid taken", "gid-already-exists"),
        ("misspelled image", "pull-tag-not-found"),
        ("misspelled repository", "pull-tag-not-found"),
        ("two passwords", "passwd-no-tty-or-mismatch"),
        ("no such dockerfile", "dockerfile-not-found"),
        ("a container's port", "port-used-by-container"),
        ("a process's port", "port-used-by-host-process"),
        ("a left proxy's port", "port-held-by-left-proxy"),
        ("no such command", "exec-command-not-found"),
        ("a stopped container", "exec-stopped-container"),
        ("a running container", "rm-running-container"),
    ],
)
def test_a_command_that_fails_is_diagnosed(done: Done, mistake: str, finding: str) -> None:
    step = done.step(mistake)
    assert broken(step)[0] == "exit code"
    assert findings(step) == [finding]
    assert all(f["evidence"] and f["remedies"] for f in step["findings"])


def test_one_cause_is_one_failure(done: Done) -> None:
    for mistake in ("en dash", "a container's port", "no such command"):
        assert broken(done.step(mistake)) == ["exit code"]


def test_the_report_names_who_holds_the_port(done: Done) -> None:
    (finding,) = done.step("a container's port")["findings"]
    assert f"{done.place.word}-holder" in str(finding)
    (finding,) = done.step("a process's port")["findings"]
    assert "python3" in str(finding["evidence"])


def test_what_the_run_made_is_not_told_to_be_removed_by_hand(done: Done) -> None:
    """The report has its written name, and by the time it is read another may have that."""
    (finding,) = done.step("a running container")["findings"]
    assert "it was made by this run" in str(finding["evidence"])
    commands = [command for remedy in finding["remedies"] for command in remedy["commands"]]
    assert commands == []


def test_a_read_only_mount_is_as_written_but_not_as_expected(done: Done) -> None:
    step = done.step("read-only mount")
    assert len(broken(step)) == 1
    assert "/workspace" in broken(step)[0]
    assert "writable" in broken(step)[0]
    access = [c for c in step["checks"] if "refuses writes" in c["about"] or "read" in c["about"]]
    assert "kept" in {c["status"] for c in access}, step["checks"]


@pytest.mark.parametrize(
    ("mistake", "finding"),
    [
        ("a folder of somebody else's", "mount-owned-by-another"),
        ("a folder that docker made", "bind-source-created-as-root"),
    ],
)
def test_a_folder_that_the_person_may_not_write_breaks_the_mounts_promise(
    done: Done, mistake: str, finding: str
) -> None:
    step = done.step(mistake)
    assert any("/workspace" in about and about.startswith("-v") for about in broken(step))
    assert "exit code" not in broken(step)
    assert findings(step) == [finding]


def test_a_password_that_was_refused_has_not_changed(done: Done) -> None:
    assert any("password" in about for about in broken(done.step("two passwords")))


def test_a_missing_source_stops_the_line_before_docker_makes_it(done: Done) -> None:
    step = done.step("no such folder")
    assert broken(step) == [f"-v {done.place.folder}/missing: the folder is there"]
    assert findings(step) == ["bind-source-missing"]
    assert not Path(done.place.folder / "missing").exists()


def test_a_failed_build_leaves_neither_container_nor_image(done: Done) -> None:
    for mistake in ("en dash", "uid taken", "gid taken"):
        assert done.step(mistake)
        cleaned = done.ran.step("Clean-up", mistake)["checks"]
        assert {c["status"] for c in cleaned} <= {"kept"}
        assert any(c["about"].startswith("container") for c in cleaned)


def test_a_name_that_is_taken_when_names_are_kept_literal(place: Place, base_image: str) -> None:
    theirs = docker("create", f"--name={place.word}-c", base_image, "sleep", "300")
    text = """
scenario: taken
steps:
  - {name: the mistake, command: "docker run -d --name=MINE-c ${{ lab.base_image }} sleep 300"}
  - {name: after, command: docker rm -f MINE-c}
finally:
  - {name: also not, command: docker rm -f MINE-c}
"""
    ran = place.run("--as-written", str(place.write("a.yaml", text)))
    assert ran.exit_code == 1
    assert broken(ran.step("the mistake")) == ["exit code"]
    assert findings(ran.step("the mistake"))[0] in {
        "name-left-by-failed-run",
        "container-name-conflict",
    }
    assert ran.step("also not")["status"] == "failed"
    assert docker("inspect", "-f", "{{.Id}} {{.State.Status}}", theirs) == f"{theirs} created"
    assert ran.report["foreign_touched"] == []
    docker("rm", theirs)


def test_the_same_scenario_runs_beside_a_taken_name_under_a_name_of_its_own(
    place: Place, base_image: str
) -> None:
    theirs = docker("create", f"--name={place.word}-c", base_image, "sleep", "300")
    text = """
scenario: apart
steps:
  - docker run -d --name=MINE-c ${{ lab.base_image }} sleep 300
  - docker rm -f MINE-c
"""
    ran = place.run(str(place.write("a.yaml", text)))
    assert ran.exit_code == 0, ran.said
    assert docker("inspect", "-f", "{{.State.Status}}", theirs) == "created"
    docker("rm", theirs)
