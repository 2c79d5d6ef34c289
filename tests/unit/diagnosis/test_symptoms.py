"""A symptom whose cause is known where it was met needs no words for a pattern."""

from __future__ import annotations

import pytest

from lifecycle.diagnosis import match
from lifecycle.diagnosis.finding import Symptom
from lifecycle.diagnosis.machine_facts import MachineFacts
from lifecycle.diagnosis.symptoms import (
    of_engine,
    of_missing_cli,
    of_missing_source,
    of_refused_write,
)
from lifecycle.engine.errors import (
    EngineAbsent,
    EngineAway,
    EngineDeniedError,
    EngineError,
    EngineSilent,
)

SOCKET = "unix:///run/docker.sock"


def considered(symptom: Symptom) -> set[str]:
    """The findings among which the machine's facts decide."""
    return {one.entry.id for one in match._known(symptom)}


@pytest.mark.parametrize(
    ("error", "finding"),
    [
        (EngineSilent("no answer"), "engine-hangs"),
        (EngineDeniedError("Permission denied"), "docker-sock-permission-denied"),
        (EngineAbsent("Connection refused"), "daemon-not-running"),
        (EngineAway("Connection reset by peer"), ""),
        (EngineError("no such container: x"), ""),
    ],
)
def test_how_an_engine_gave_no_answer_is_told_by_its_kind(error: EngineError, finding: str) -> None:
    symptom = of_engine(error, SOCKET)
    assert symptom.finding == finding
    assert bool(symptom.output) is not bool(finding)


@pytest.mark.parametrize(
    ("said", "findings"),
    [
        (
            "Permission denied",
            {
                *("bind-source-created-as-root", "mount-owned-by-another", "path-not-ones-own"),
                *("nfs-root-squash", "selinux-label"),
            },
        ),
        ("Read-only file system", {"mount-read-only"}),
        ("Stale file handle", {"nfs-stale-handle"}),
        ("No space left on device", {"disk-full-docker-root", "huge-uid-login-log"}),
    ],
)
def test_a_write_that_the_kernel_refused_has_the_causes_of_that_refusal(
    said: str, findings: set[str]
) -> None:
    assert considered(of_refused_write("/workspace/x", said, (), 1000)) == findings


def test_a_refusal_that_nobody_knows_is_read_as_it_was_printed() -> None:
    symptom = of_refused_write("/workspace/x", "Input/output error", (), None)
    assert (symptom.finding, symptom.output) == ("", "Input/output error")


def test_what_is_missing_before_anything_runs_is_named() -> None:
    assert considered(of_missing_source("/nas/kim", ())) == {"bind-source-missing"}
    assert considered(of_missing_cli()) == {"docker-cli-missing"}


def test_what_a_known_cause_caught_fills_its_sentences() -> None:
    (finding,) = match.diagnose(of_missing_source("/nas/kim", ()), MachineFacts())
    commands = [c for remedy in finding.remedies for c in remedy.commands]
    assert finding.id == "bind-source-missing"
    assert any("/nas/kim" in command for command in commands)
    assert not any("printed:" in line for line in finding.evidence)
