"""Who does a step, with what is theirs, and what their steps see."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from lifecycle.machine.as_subject import files_of
from lifecycle.machine.subject import Subject
from lifecycle.run.plan.variables import Place, RunValues, variables
from lifecycle.run.secrets.secrets import Secrets
from lifecycle.scenario.lab import Lab


@dataclass(frozen=True)
class Person:
    """Who does a step, and what is theirs: environment, work folder, the lab's values.

    ``stand_in`` is the temporary folder in place of a NAS that lab.nas_home does not name;
    ``missing`` says why nobody can play this part here.
    """

    subject: Subject
    env: Mapping[str, str]
    folder: Path
    lab: Lab
    stand_in: str = ""
    missing: str = ""


def places(
    me: Person, people: Mapping[str, Person], values: RunValues, secrets: Secrets
) -> dict[str, Place]:
    """What the steps of each see; ``me`` stands under no name."""
    others = {name: _values(person) for name, person in people.items()}
    return {
        name: Place(
            variables(
                person.subject.as_template_values(),
                person.lab.model_dump(),
                replace(values, folder=str(person.folder)),
                secrets,
                others,
            ),
            str(person.folder),
            files_of(person.subject),
        )
        for name, person in {"": me, **people}.items()
    }


def _values(person: Person) -> dict[str, Any]:
    own = {"folder": str(person.folder), "nas_home": person.lab.nas_home}
    return {**person.subject.as_template_values(), **own}
