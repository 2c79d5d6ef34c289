"""Who a run acts as, and the lab's values as they see them; nothing is asked of an engine."""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lifecycle.diagnosis.finding import Symptom
from lifecycle.machine import file_actions
from lifecycle.machine.as_subject import call, files_of
from lifecycle.machine.subject import (
    Subject,
    SubjectError,
    current_subject,
    subject_named,
    synthetic_subject,
)
from lifecycle.run.session.options import Options
from lifecycle.sandbox.info import load_info
from lifecycle.scenario.errors import Mark
from lifecycle.scenario.lab import Lab, load_lab, own_lab_file, shared_lab_files
from lifecycle.scenario.render import Context, render

SYNTHETIC_NAME, SYNTHETIC_UID = "member", 12345


class StartError(Exception):
    """The run can't begin: a sentence, and the symptom that diagnosis starts from."""

    def __init__(self, message: str, symptom: Symptom | None = None) -> None:
        super().__init__(message)
        self.symptom = symptom or Symptom(message)


def find_subject(options: Options, environ: Mapping[str, str], home: str = "") -> Subject:
    """Who the run acts as; root must say, except in the sandbox. Raises StartError."""
    try:
        if options.user:
            return subject_named(options.user)
        if os.geteuid() != 0:
            return current_subject()
        if environ.get("SUDO_USER"):
            return subject_named(environ["SUDO_USER"])
        member = sandbox_member(environ, SYNTHETIC_NAME, 0, home or "/")
        if member is not None:
            return member
    except SubjectError as error:
        raise StartError(str(error)) from error
    message = (
        "you are root, and the guide is for people who are not: say whose environment to check, "
        "for example --user alice"
    )
    raise StartError(message)


def sandbox_member(environ: Mapping[str, str], name: str, number: int, home: str) -> Subject | None:
    """A person made for the sandbox, each number another uid; None on any other engine."""
    sandbox = load_info(environ)
    if sandbox is None:
        return None
    uid = SYNTHETIC_UID + number
    return synthetic_subject(name, uid, uid, sandbox.socket_gid, home)


def read_lab(options: Options, environ: Mapping[str, str], subject: Subject) -> Lab:
    """The lab's values, in their order; raises ScenarioError for a bad file or key.

    The person's own file is read as that person; the others are whoever's choice who runs this.
    """
    if options.lab:
        return load_lab([Path(options.lab)], dict(options.sets))
    own = own_lab_file(Path(subject.home))
    there = _is_file(own, subject)
    files = shared_lab_files(environ)
    return load_lab(files, dict(options.sets), own if there else None, files_of(subject))


def _is_file(path: Path, subject: Subject) -> bool:
    try:
        return stat.S_ISREG(call(subject, file_actions.look, str(path))[2])
    except OSError:
        return False


def personal(lab: Lab, me: Mapping[str, Any], cwd: str) -> Lab:
    """The lab's values with ``${{ me.name }}`` filled in, so that one file serves everybody."""
    context = Context({"me": me}, cwd=cwd, me=me)
    return Lab.model_validate(render(lab.model_dump(), context, Mark("lab", 1, 1)))
