"""A run's private copy of a person's Docker configuration.

What a step logs in to, logs out of or chooses is written to the copy, which goes with the run.
Credential helpers write to a store of the person's own, wherever that is: so the steps find one of
the run's before each of them, which asks the person's and keeps what is new to itself.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from lifecycle.machine.as_subject import call
from lifecycle.machine.remove_tree import remove_tree
from lifecycle.machine.subject import Subject, make_owned
from lifecycle.run.session.docker_copy import BUILDX, copy, put_before
from lifecycle.run.session.who import StartError

_FOLDERS = ("docker", "helpers")


def private_copy(subject: Subject, corner: Path, env: Mapping[str, str]) -> dict[str, str]:
    """The environment of a person's steps, in which docker has a configuration of the run's.

    Raises StartError where theirs is too large to be copied.
    """
    config, helpers = (_owned(corner / name, subject) for name in _FOLDERS)
    source = env.get("DOCKER_CONFIG") or str(Path(env.get("HOME") or subject.home) / ".docker")
    path = env.get("PATH", os.defpath)
    buildx = env.get("BUILDX_CONFIG") or f"{source}/{BUILDX}"
    try:
        call(subject, copy, source, str(config), buildx)
        has_helpers = call(subject, put_before, path, str(helpers))
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        message = f"the Docker configuration in {source} can't be copied for the run: {reason}"
        raise StartError(message) from error
    changed = {"DOCKER_CONFIG": str(config)} | (
        {"PATH": f"{helpers}:{path}"} if has_helpers else {}
    )
    return {k: v for k, v in env.items() if k != "BUILDX_CONFIG"} | changed


def forget(config: str) -> None:
    """Remove a copy, also of a run whose folder is kept: passwords may be in it."""
    for name in _FOLDERS:
        remove_tree(Path(config).parent / name)


def _owned(path: Path, subject: Subject) -> Path:
    make_owned(path, subject, 0o700)
    return path
