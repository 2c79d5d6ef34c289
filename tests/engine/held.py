"""Containers that are made once by the CLI, and lines that are true of them and untrue."""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

import pytest

from lifecycle.checks.check import Check
from lifecycle.command.parse import parse
from lifecycle.engine.daemon import Daemon
from lifecycle.facts.model import World
from lifecycle.hold.hold import hold
from lifecycle.machine.gpus import Gpus
from lifecycle.machine.subject import current_subject
from tests.engine.harness import Place, docker


@dataclass(frozen=True)
class Row:
    """What is true of a container, and what is not."""

    on: str
    true: str
    untrue: str
    kept: int = 2
    """How many promises of the flag are kept at least, and as many broken by the untrue line."""
    broken: int = 0
    """Where it is not as many: how many are broken."""
    untrue_on: str = ""
    """Where the untrue line is of another container."""

    def __str__(self) -> str:
        return f"{self.on}: {self.true}"

    @property
    def flag(self) -> str:
        """The flag that the row is of."""
        return self.true.partition(" ")[0].partition("=")[0]


@dataclass
class Held:
    """The containers, by short names, and how lines about them are written."""

    daemon: Daemon
    world: World
    image: str
    place: Place
    named: Mapping[str, str] = field(default_factory=dict)
    """Words in capitals, and what they stand for."""
    missing: Mapping[str, str] = field(default_factory=dict)
    """Containers that can't be made here, and why."""
    made: list[str] = field(default_factory=list)

    def name(self, on: str) -> str:
        """The engine's name of a container."""
        return f"{self.place.word}-{on}"

    def words(self, flags: str) -> list[str]:
        """The words of some flags."""
        here = {"MINE": self.place.word, "FOLDER": str(self.place.folder), **self.named}
        for word, value in here.items():
            flags = flags.replace(word, value)
        return shlex.split(flags)

    def make(self, on: str, flags: str) -> None:
        """Make a container and leave it running, if it can be made here."""
        if on not in self.missing:
            named = ("-d", f"--name={self.name(on)}", *self.words(flags))
            docker("run", *named, self.image, "sleep", "600")
            self.made.append(self.name(on))

    def needs(self, on: str) -> None:
        """Skip the test where the container could not be made."""
        if on in self.missing:
            pytest.skip(self.missing[on])

    def asked(self, on: str, flags: str) -> list[Check]:
        """What is found of one flag: the checks that are about it."""
        line = parse(["docker", "run", *self.words(flags), self.image])
        checks = hold(self.daemon, self.name(on), line, self.world, inside=True)
        return [c for c in checks if c.about.startswith(f"{line.options[0].written}:")]

    def assert_kept(self, row: Row) -> None:
        """The true line is kept wherever it is seen."""
        self.needs(row.on)
        found = self.asked(row.on, row.true)
        statuses = [c.status for c in found]
        assert statuses.count("kept") >= row.kept, found
        assert "broken" not in statuses, found

    def assert_broken(self, row: Row) -> None:
        """The untrue one is broken wherever it is seen."""
        self.needs(row.on)
        found = self.asked(row.untrue_on or row.on, row.untrue)
        assert [c.status for c in found].count("broken") >= (row.broken or row.kept), found


@contextmanager
def holding(
    place: Place,
    image: str,
    *,
    named: Mapping[str, str] | None = None,
    missing: Mapping[str, str] | None = None,
) -> Iterator[Held]:
    """Something to make containers with, which are removed at the end."""
    daemon = Daemon(os.environ["DOCKER_HOST"], os.environ)
    none = Gpus("none", (), "not asked")
    world = World(current_subject(), none, shares_machine=daemon.shares_machine)
    held = Held(daemon, world, image, place, named or {}, missing or {})
    try:
        yield held
    finally:
        docker("rm", "-fv", *held.made)
        daemon.close()
