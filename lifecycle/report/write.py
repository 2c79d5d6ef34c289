"""The report directory: where it is, and its files written whole or not at all."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from functools import partial
from pathlib import Path

import platformdirs

from lifecycle.machine.as_subject import is_other
from lifecycle.machine.private_folders import why_unsafe
from lifecycle.machine.subject import Subject
from lifecycle.report.behalf import Put, write_for
from lifecycle.report.bounds import LADDER, prepare
from lifecycle.report.document import to_json
from lifecycle.report.folder import LATEST, point_latest, put
from lifecycle.report.junit import render_junit
from lifecycle.report.model import RunReport
from lifecycle.report.page import render_page
from lifecycle.report.transcript import render_transcript

_NO_PLACE = (OSError, RuntimeError, ValueError)
"""A loop of links is a RuntimeError before Python 3.13, a NUL in the name a ValueError."""
MOST_BYTES = 10_000_000
_PRIVATE, _PUBLIC = (0o700, 0o600), (0o755, 0o644)
"""Modes of a report's folder and of its files."""
_REPORTS = "reports"


class ReportError(Exception):
    """The report could not be written; one sentence that says what to do."""


def choose_directory(option: Path | None, cwd: Path | None, run: str) -> Path:
    """Where a run's report goes: as asked, else ``reports/<run>`` here or in the user's state.

    Without ``cwd``, where we stand. Raises ReportError when that folder is gone.
    """
    try:
        cwd = cwd or Path.cwd()
    except OSError as error:
        if option is None:
            return _state() / run
        if not option.is_absolute():
            message = f"there is no folder {option}: the one that it would be in is gone"
            raise ReportError(f"{message}; choose another place with --report DIR") from error
        return option
    if option is not None:
        return cwd / option
    reports = cwd / _REPORTS
    if os.access(reports if reports.exists() else cwd, os.W_OK | os.X_OK):
        return reports / run
    return _state() / run


def _state() -> Path:
    return platformdirs.user_state_path("lifecycle") / _REPORTS


def write_report(
    report: RunReport,
    directory: Path,
    redact: Callable[[str], str],
    *,
    owner: Subject | None = None,
    publish: bool = False,
) -> Path:
    """Write the four files and return the path of the page.

    Only their owner may read them, or with ``publish`` everybody. Each appears whole or not at
    all. In a folder called ``reports`` the link ``latest`` is moved to this one. Root writes as
    ``owner``, whose they are then. Raises ReportError.
    """
    what = (render_files(report, redact), *(_PUBLIC if publish else _PRIVATE))
    behalf = owner if owner is not None and is_other(owner) else None
    try:
        reason = why_unsafe(directory) if directory.is_relative_to(_state()) else ""
        # Where a person's links lead is for the person to follow.
        directory = Path(os.path.abspath(directory)) if behalf else directory.resolve()  # noqa: PTH100
    except _NO_PLACE as error:
        raise _cannot(directory, error) from error
    if reason:
        raise ReportError(f"{reason}, or choose another place for the report with --report DIR")
    with ExitStack() as opened:
        point = _write(directory, what, behalf, opened)
        if directory.parent.name == _REPORTS and directory.name != LATEST:
            _point(point, directory)
    return directory / "index.html"


def _write(
    directory: Path, what: Put, behalf: Subject | None, opened: ExitStack
) -> Callable[[], None]:
    try:
        if behalf is not None:
            return write_for(behalf, directory, what, opened)
        put(str(directory), *what)
    except _NO_PLACE as error:
        raise _cannot(directory, error) from error
    return partial(point_latest, str(directory))


def _cannot(directory: Path, error: Exception) -> ReportError:
    why = getattr(error, "strerror", None) or str(error)
    return ReportError(
        f"the report could not be written to {directory}: {why}; "
        "make room there or choose another place with --report DIR"
    )


def _point(point: Callable[[], None], directory: Path) -> None:
    try:
        point()
    except OSError as error:
        latest, why = directory.parent / LATEST, error.strerror or str(error)
        raise ReportError(
            f"the report is in {directory}, but {latest} does not point at it: {why}; "
            "see whose that is"
        ) from error


def render_files(report: RunReport, redact: Callable[[str], str]) -> Mapping[str, str]:
    """The text of the four files, cut as little as makes them fit together."""
    files: dict[str, str] = {}
    for limits in LADDER:
        safe = prepare(report, redact, limits)
        document = json.dumps(to_json(safe), ensure_ascii=False, indent=1)
        files = {
            "report.json": document + "\n",
            "junit.xml": render_junit(safe),
            "transcript.sh": render_transcript(safe),
            "index.html": render_page(safe),
        }
        if sum(len(text.encode()) for text in files.values()) < MOST_BYTES:
            break
    return files
