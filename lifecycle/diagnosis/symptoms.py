"""Symptoms whose cause is known where they are met: by its id, not by words for a pattern."""

from __future__ import annotations

from lifecycle.diagnosis.finding import Symptom
from lifecycle.engine.errors import EngineAbsent, EngineDeniedError, EngineError, EngineSilent

_FINDINGS: tuple[tuple[type[EngineError], str], ...] = (
    (EngineSilent, "engine-hangs"),
    (EngineDeniedError, "docker-sock-permission-denied"),
    (EngineAbsent, "daemon-not-running"),
)
_REFUSED_WRITES = {
    "Permission denied": "bind-source-created-as-root",
    "Read-only file system": "mount-read-only",
    "Stale file handle": "nfs-stale-handle",
    "No space left on device": "disk-full-docker-root",
}
"""The first of the findings that may be behind what the kernel says of a write."""


def of_engine(error: EngineError, address: str, words: tuple[str, ...] = ()) -> Symptom:
    """An engine gave no answer; after a refusal, its own words are the symptom."""
    known = next((finding for kind, finding in _FINDINGS if isinstance(error, kind)), "")
    text = "" if known else str(error)
    return Symptom(text, words, finding=known, caught={"host": address}, printed=False)


def of_missing_source(source: str, words: tuple[str, ...]) -> Symptom:
    """A folder to be mounted that is not there."""
    return Symptom(words=words, finding="bind-source-missing", caught={"source": source})


def of_refused_write(path: str, error: str, words: tuple[str, ...], uid: int | None) -> Symptom:
    """A program inside that may not write at a path where its line promised that it could."""
    known = next((f for phrase, f in _REFUSED_WRITES.items() if phrase in error), "")
    text = "" if known else error
    return Symptom(text, words, finding=known, caught={"path": path}, printed=False, uid=uid)


def of_missing_cli() -> Symptom:
    """No docker command on the PATH."""
    return Symptom(words=("docker",), exit_code=127, finding="docker-cli-missing")
