"""Who does the steps of a run: the person it is for, and the people that its scenario names.

Each has a corner of the run's own folder: a work folder, a home where they have none, and a
folder that stands in for a NAS where the lab names none. Only they can enter their corner. What
is in it has the modes that a scenario needs: a container that has it mounted, under whatever uid,
does not come through the corner.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from lifecycle.machine.subject import Subject, SubjectError, environment, make_owned, subject_named
from lifecycle.run.session.docker_config import private_copy
from lifecycle.run.session.options import Options
from lifecycle.run.session.person import Person
from lifecycle.run.session.who import personal, read_lab, sandbox_member
from lifecycle.scenario.lab import Lab

_ACCESS = "system.posix_acl_access"
_NO_ID = 0xFFFFFFFF
_ONLY_ROOT = "only root can act as other people; run it as root, with --user for yourself"


def settle(
    subject: Subject, corner: Path, options: Options, environ: Mapping[str, str], address: str
) -> Person:
    """Make a person's corner and what they need in it.

    Raises ScenarioError for a bad lab, StartError for a Docker configuration that can't be copied.
    """
    _owned(corner, subject, 0o700)
    work = _owned(corner / "work", subject)
    if subject.synthetic:
        _owned(corner / "home", subject)
    lab = read_lab(options, environ, subject)
    lab = personal(lab, subject.as_template_values(), str(work))
    stand_in = "" if lab.nas_home else str(_owned(corner / "nas", subject))
    lab = lab.model_copy(update={"nas_home": stand_in}) if stand_in else lab
    env = private_copy(subject, corner, environment(subject, environ))
    env = {**env, **lab.proxy.environment(), "DOCKER_HOST": address}
    return Person(subject, env, work, lab, stand_in)


def settle_all(  # noqa: PLR0913, PLR0917 - as for one, and who they are
    names: Sequence[str],
    me: Person,
    folder: Path,
    options: Options,
    environ: Mapping[str, str],
    address: str,
) -> dict[str, Person]:
    """The scenario's people: made for the sandbox, elsewhere those that lab.people names."""
    people: dict[str, Person] = {}
    for index, name in enumerate(names):
        corner = folder / "people" / name
        subject, missing = _play(name, index, me.lab, environ, str(corner / "home"))
        if subject is None:
            nobody = replace(me.subject, name=name)
            people[name] = replace(me, subject=nobody, missing=missing)
            continue
        corner.parent.mkdir(mode=0o711, exist_ok=True)
        people[name] = settle(subject, corner, options, environ, address)
    return people


def _play(
    name: str, index: int, lab: Lab, environ: Mapping[str, str], home: str
) -> tuple[Subject | None, str]:
    """Who plays a part, or why nobody does."""
    if os.geteuid() != 0:
        return None, f"{name} is another person, and {_ONLY_ROOT}"
    member = sandbox_member(environ, name, index + 1, home)
    if member is not None:
        return member, ""
    if index >= len(lab.people):
        reason = f"lab.people names {len(lab.people)}, and this scenario needs {index + 1}"
        return None, f"nobody plays {name}: {reason}"
    try:
        return subject_named(lab.people[index]), ""
    except SubjectError as error:
        return None, f"nobody plays {name}: {error}"


def common_folder(folder: Path, people: Iterable[Person]) -> Path:
    """A folder in which these people may write, and nobody remove what is another's.

    Nobody else of this machine comes in, where its file system has lists of who may.
    """
    door = folder / "common"
    door.mkdir(mode=0o700)
    try:
        os.setxattr(door, _ACCESS, _passable({one.subject.uid for one in people}))
    except OSError:
        door.chmod(0o711)
    shared = door / "shared"
    shared.mkdir()
    shared.chmod(0o1777)
    return shared


def _passable(uids: Iterable[int]) -> bytes:
    """An access list, as the kernel has it: its owner may all, these users pass, others nothing."""
    owner, user, group, mask, other = 0x01, 0x02, 0x04, 0x10, 0x20
    entries = [(owner, 7, _NO_ID), *((user, 1, uid) for uid in sorted(uids))]
    entries += [(group, 0, _NO_ID), (mask, 1, _NO_ID), (other, 0, _NO_ID)]
    return struct.pack("<I", 2) + b"".join(struct.pack("<HHI", *entry) for entry in entries)


def _owned(path: Path, subject: Subject, mode: int = 0o755) -> Path:
    make_owned(path, subject, mode)
    return path
