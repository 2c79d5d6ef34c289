"""What one run of one scenario holds open, from before its first step to after its clean-up."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from lifecycle.command.line import Ref
from lifecycle.command.name_map import Unnamed
from lifecycle.engine.daemon import Daemon
from lifecycle.engine.events import EventLog
from lifecycle.facts.model import World
from lifecycle.run.inside.at_start import Witness
from lifecycle.run.inside.shells import Looks
from lifecycle.run.ownership.ownership import Ownership
from lifecycle.run.plan.steps import Plan
from lifecycle.run.secrets.secrets import Secrets
from lifecycle.run.session.gates import Gates
from lifecycle.run.session.made_by_lines import MadeByLines
from lifecycle.run.session.open_terminals import Terminals
from lifecycle.run.session.options import Options
from lifecycle.run.session.person import Person
from lifecycle.run.session.skipped import Skipped

Say = Callable[[str], None]


@dataclass(frozen=True, repr=False)  # a debugger's or pytest's view of it would hold the passwords
class Session:
    """Everything that the steps of one run share, and the person whose steps see it."""

    plan: Plan
    options: Options
    daemon: Daemon
    events: EventLog
    witness: Witness
    world: World
    ownership: Ownership
    gates: Gates
    secrets: Secrets
    say: Say
    looks: Looks
    person: Person
    people: Mapping[str, Person] = field(default_factory=dict)
    """The scenario's people besides ``me``, by the names that it gives them."""
    terminals: Terminals = field(default_factory=Terminals)
    skipped: Skipped = field(default_factory=Skipped)
    made_by_lines: MadeByLines = field(default_factory=MadeByLines)

    @property
    def env(self) -> Mapping[str, str]:
        """The environment of this person's commands."""
        return self.person.env

    def through_gate(self) -> dict[str, str]:
        """The same for a command that is about to run. Raises GateError."""
        return self.gates.environ(self.person.subject, self.person.folder, self.person.env)

    @property
    def folder(self) -> Path:
        """This person's work folder."""
        return self.person.folder

    def seen_by(self, name: str) -> Session:
        """The same run for one of its people; all of them share what they make."""
        if name not in self.people:
            return self
        person = self.people[name]
        return replace(self, person=person, world=replace(self.world, subject=person.subject))

    @property
    def run(self) -> str:
        """The run's id, which is in every name that it makes."""
        return self.plan.names.run

    def real(self, kind: Any, name: str) -> str:
        """The engine's name of a written one."""
        if isinstance(name, Unnamed):
            return self.plan.names.unnamed(name.step)
        return self.plan.names.real(Ref(kind, name))

    def shown(self, text: str) -> str:
        """A text for people: written names, no secrets."""
        return self.secrets.redact(self.plan.names.restore(self.gates.shown(text)))

    def printed(self, text: str) -> str:
        """The same for what a program printed, which may begin or end within a secret."""
        return self.secrets.redact_printed(self.plan.names.restore(self.gates.shown(text)))
