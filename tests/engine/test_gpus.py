"""GPUs where there are none, and simulated ones that say so."""

from __future__ import annotations

import json
import os
import sys
from typing import Any

import pytest

from lifecycle.machine.gpus import host_gpus
from lifecycle.sandbox.info import SandboxInfo
from tests.engine.harness import Place, Ran, broken, findings

pytestmark = pytest.mark.engine

CHAIN = """
scenario: chain
steps:
  - {name: Pull, command: "docker pull ${{ lab.base_image }}"}
  - {name: Run, command: "docker run -d --gpus all --name=MINE-g ${{ lab.base_image }} sleep 300"}
  - {name: Use, command: docker exec MINE-g nvidia-smi}
  - {name: Keep, command: docker commit MINE-g MINE/kept}
  - {name: Use again, command: "docker run --rm --name=MINE-k MINE/kept true"}
  - {name: Apart, command: "docker run --rm --name=MINE-a ${{ lab.base_image }} true"}
  - {name: Look, check: {container: {running: true}}, on: MINE-g}
  - {name: Remove, command: docker rm -f MINE-g}
"""
OPTIONAL = """
scenario: optional
gpu: optional
steps:
  - {name: Run, command: "docker run -d --gpus all --name=MINE-g ${{ lab.base_image }} sleep 300"}
  - {name: Use, command: docker exec MINE-g true}
  - {name: Must, gpu: required, command: docker exec MINE-g nvidia-smi}
  - {name: Remove, command: docker rm -f MINE-g}
"""
WHOLE = """
scenario: whole
gpu: required
steps: [id]
finally: [id]
"""
SIMULATED = """
scenario: simulated
gpu: required
steps:
  - name: All
    command: docker run -d --gpus all --name=MINE-all ${{ lab.base_image }} sleep 300
    expect: {inside: {gpus: 2}}
  - name: One
    command: >-
      docker run -d --gpus '"device=1"' --name=MINE-one ${{ lab.base_image }} sleep 300
    expect: {inside: {gpus: 1}}
  - {name: Seen, command: docker exec MINE-all nvidia-smi -L, expect: {output: SIMULATED}}
  - name: Three of two
    command: docker run -d --gpus all --name=MINE-three ${{ lab.base_image }} sleep 300
    expect: {inside: {gpus: 3}}
"""

without_gpus = pytest.mark.skipif(
    bool(host_gpus(None).items), reason="this machine has GPUs: nothing is skipped here"
)


@without_gpus
def test_what_needs_a_gpu_is_skipped_and_so_is_what_it_would_have_made(place: Place) -> None:
    ran = place.run(str(place.write("a.yaml", CHAIN)))
    assert ran.exit_code == 0, ran.said
    assert ran.statuses() == {
        **dict.fromkeys(("Pull", "Apart", "Clean-up"), "passed"),
        **dict.fromkeys(("Run", "Use", "Keep", "Use again", "Look", "Remove"), "skipped"),
    }
    for name in ("Run", "Use", "Keep", "Use again", "Look", "Remove"):
        assert "it needs a GPU: " in ran.step(name)["reason"]
    assert ran.report["verdict"].endswith("UNVERIFIED")
    assert ran.report["gpu_checks"]["skipped"] >= 1
    assert ran.report["gpu_checks"]["real"] == 0


@without_gpus
def test_a_required_gpu_turns_the_skip_into_a_failure(place: Place) -> None:
    ran = place.run("--gpu", "require", str(place.write("a.yaml", CHAIN)))
    assert ran.exit_code == 1
    step = ran.step("Run")
    assert (step["status"], broken(step)) == ("failed", ["GPUs of this machine"])
    assert ran.step("Use")["status"] == "not-run"
    assert ran.report["verdict"] == "FAIL"


@without_gpus
def test_a_scenario_that_requires_one_is_skipped_whole_or_fails(place: Place) -> None:
    file = str(place.write("a.yaml", WHOLE))
    ran = place.run(file)
    assert {s["status"] for s in ran.scenario()["steps"][:2]} == {"skipped"}
    assert ran.report["verdict"] == "FAIL", "a run that looked at nothing is no pass"
    assert place.run("--gpu", "require", file).exit_code == 1


@without_gpus
def test_where_it_is_optional_the_rest_runs_without_it(place: Place) -> None:
    ran = place.run(str(place.write("a.yaml", OPTIONAL)))
    assert ran.exit_code == 0, ran.said
    assert ran.statuses() == {
        **dict.fromkeys(("Run", "Use", "Remove", "Clean-up"), "passed"),
        "Must": "skipped",
    }
    step = ran.step("Run")
    assert "--gpus all" in step["command"]
    assert "--gpus" not in step["actual_command"]
    assert f"--name={place.word}-g-r" in step["actual_command"]
    assert [c["status"] for c in step["checks"] if c["about"].startswith("--gpus")] == [
        "unverified"
    ]
    required = place.run("--gpu", "require", str(place.folder / "a.yaml"))
    assert required.exit_code == 1
    assert required.step("Run")["status"] == "failed"


def test_turned_off_they_are_skipped_wherever_one_is(place: Place) -> None:
    ran = place.run("--gpu", "off", str(place.write("a.yaml", CHAIN)))
    assert ran.step("Run")["status"] == "skipped"
    assert "--gpu off" in ran.step("Run")["reason"]


def test_a_gpu_without_the_toolkit_fails_with_that_finding(
    place: Place, in_sandbox: SandboxInfo
) -> None:
    if in_sandbox.gpus:
        pytest.skip("this sandbox has simulated GPUs, and so their toolkit")
    gpu = {"index": 0, "uuid": "GPU-0", "name": "SIMULATED"}
    told = json.dumps({**in_sandbox.to_json(), "gpus": [gpu]})
    place.environ["LIFECYCLE_SANDBOX"] = str(place.write("sandbox.json", told))
    ran = place.run("--gpu", "require", str(place.write("a.yaml", CHAIN)))
    assert ran.exit_code == 1
    step = ran.step("Run")
    assert broken(step) == ["exit code"]
    assert findings(step) == ["gpu-no-toolkit"]
    assert ran.report["left_behind"] == []


@pytest.mark.skipif(os.geteuid() != 0, reason="a sandbox needs root")
@pytest.mark.usefixtures("sandboxes_alone")
def test_simulated_gpus_are_held_to_the_line_and_called_simulated(place: Place) -> None:
    file = str(place.write("a.yaml", SIMULATED))
    pull = "scenario: pull\nsteps:\n  - docker pull ${{ lab.base_image }}\n"
    words = ("sandbox", "--gpus", "2", "--", sys.executable, "-m", "lifecycle.cli", "run")
    report = place.folder / "report-0"
    ran = place.lifecycle(
        *words, "--report", str(report), str(place.write("0.yaml", pull)), file, "--", "-v"
    )
    assert ran.exit_code == 1, ran.said
    one = Ran(ran.exit_code, ran.out, ran.err, report)
    told = one.statuses("simulated")
    assert told == {
        **dict.fromkeys(("All", "One", "Seen", "Clean-up"), "passed"),
        "Three of two": "failed",
    }
    visible = [c for c in gpu_checks(one, "One") if c["status"] == "kept"]
    assert visible
    assert "SIMULATED" in str(visible)
    assert len(broken(one.step("Three of two", "simulated"))) == 1
    assert one.report["gpu_checks"]["simulated"] >= 3
    assert one.report["gpu_checks"]["real"] == 0
    assert "SIMULATED" in (report / "index.html").read_text()
    assert "SIMULATED" in ran.out


def gpu_checks(ran: Ran, step: str) -> list[dict[str, Any]]:
    """A step's checks of what GPUs are seen."""
    return [c for c in ran.step(step, "simulated")["checks"] if "GPU" in c["about"]]
