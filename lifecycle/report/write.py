"""The report directory: where it is, and its files written whole or not at all."""

from __future__ import annotations

import json
import os
import secrets
import stat
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

import platformdirs

from lifecycle.engine.private import why_unsafe
from lifecycle.report.bounds import LADDER, prepare
from lifecycle.report.document import to_json
from lifecycle.report.junit import render_junit
from lifecycle.report.model import RunReport
from lifecycle.report.page import render_page
from lifecycle.report.transcript import render_transcript

Owner = tuple[int, int]

MOST_BYTES = 10_000_000
_PRIVATE, _PUBLIC = (0o700, 0o600), (0o755, 0o644)
"""Modes of a report's folder and of its files."""
_REPORTS = "reports"
_LATEST = "latest"


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
    owner: Owner | None = None,
    publish: bool = False,
) -> Path:
    """Write the four files and return the path of the page.

    Only their owner may read them, or with ``publish`` everybody. Each appears whole or not at
    all. In a folder called ``reports`` the link ``latest`` is moved to this one. Root gives what
    it makes to ``owner`` (uid, gid). Raises ReportError.
    """
    files = render_files(report, redact)
    folder_mode, mode = _PUBLIC if publish else _PRIVATE
    try:
        reason = why_unsafe(directory) if directory.is_relative_to(_state()) else ""
        if reason:
            raise ReportError(f"{reason}, or choose another place for the report with --report DIR")
        directory = directory.resolve()
        made = _make(directory, owner)
        with _opened(directory, owner, made=made) as folder:
            given = stat.S_IMODE(os.fstat(folder).st_mode)
            if given & folder_mode != folder_mode:
                os.fchmod(folder, given | folder_mode)
            for name, text in files.items():
                _write(folder, name, text, mode, owner)
    # A loop of links is a RuntimeError before Python 3.13, a NUL in the name a ValueError.
    except (OSError, RuntimeError, ValueError) as error:
        why = getattr(error, "strerror", None) or str(error)
        raise ReportError(
            f"the report could not be written to {directory}: {why}; "
            "make room there or choose another place with --report DIR"
        ) from error
    if directory.parent.name == _REPORTS and directory.name != _LATEST:
        _point_latest(directory, owner)
    return directory / "index.html"


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


def _make(directory: Path, owner: Owner | None) -> bool:
    """Make the folder and those above it; whether it was not there."""
    missing = [path for path in (directory, *directory.parents) if not path.exists()]
    for path in reversed(missing):
        # Only the run's own folder is private: who may list ``reports`` is the umask's matter.
        path.mkdir(mode=0o700 if path == directory else 0o777, exist_ok=True)
        if owner is not None:
            os.chown(path, *owner, follow_symlinks=False)
    return bool(missing)


@contextmanager
def _opened(directory: Path, owner: Owner | None, *, made: bool) -> Iterator[int]:
    """The folder itself, held open: nobody can put another in its place while we write."""
    folder = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        # Root that writes for somebody writes into that person's folders, not through a link
        # of theirs into one of its own.
        wanted = owner[0] if owner is not None else os.geteuid()
        if (made or owner is not None) and os.fstat(folder).st_uid != wanted:
            raise PermissionError(0, f"the folder does not belong to user {wanted}")
        yield folder
    finally:
        os.close(folder)


def _write(folder: int, name: str, text: str, mode: int, owner: Owner | None) -> None:
    draft = f".{name}.{secrets.token_hex(8)}"
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    try:
        with os.fdopen(os.open(draft, flags, 0o600, dir_fd=folder), "w", encoding="utf-8") as file:
            file.write(text)
            if owner is not None:
                os.fchown(file.fileno(), *owner)
            os.fchmod(file.fileno(), mode)
        os.replace(draft, name, src_dir_fd=folder, dst_dir_fd=folder)
    except OSError:
        with suppress(OSError):
            os.unlink(draft, dir_fd=folder)
        raise


def _point_latest(directory: Path, owner: Owner | None) -> None:
    latest = directory.parent / _LATEST
    draft = directory.parent / f".{_LATEST}.{secrets.token_hex(8)}"
    try:
        if latest.exists() and not stat.S_ISLNK(latest.lstat().st_mode):
            raise FileExistsError(0, "it is no link of ours")
        draft.symlink_to(directory.name)
        if owner is not None:
            os.chown(draft, *owner, follow_symlinks=False)
        draft.replace(latest)
    except OSError as error:
        with suppress(OSError):
            draft.unlink()
        why = error.strerror or str(error)
        raise ReportError(
            f"the report is in {directory}, but {latest} does not point at it: {why}; remove that"
        ) from error
