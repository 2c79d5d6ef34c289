"""The row of a promise field: who judges it, what its checks are called, what a look must read.

Each subject's file has the rows of its fields in ``RULES``, those that are not of a container in
``THING_RULES``; ``table`` puts them together.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from lifecycle.checks.check import Check
from lifecycle.command.promise import Promise
from lifecycle.facts.inside import Probe
from lifecycle.facts.model import ContainerFacts, Facts

Judge = Callable[[Promise, ContainerFacts, Facts], Check]
"""Judges a promise about a container; its check is called after the rule, or by a detail."""
ThingJudge = Callable[[Promise, Facts], Check]
"""The same of a promise about anything else."""
Reads = Callable[[Promise], Probe]
"""What a look inside must cover for a promise that is not seen by inspect alone."""

PHRASE = ""
"""The name of a check that says no more than its rule's phrase."""


def nothing(_promise: Promise) -> Probe:
    """Every look covers it."""
    return Probe()


@dataclass(frozen=True)
class Rule:
    """How a promise about a container is judged.

    ``phrase`` is what its checks are called where the field's own name does not say it;
    ``when_gone`` says that it is judged also of a container that is no more.
    """

    judge: Judge
    phrase: str = ""
    reads: Reads = nothing
    when_gone: bool = False


@dataclass(frozen=True)
class ThingRule:
    """How a promise about an image, a volume, a network, a file or an exec is judged."""

    judge: ThingJudge
    phrase: str = ""


def kernel(*files: str) -> Reads:
    """These files of the kernel, for what is seen inside."""
    return lambda promise: Probe(proc=files) if promise.where == "inside" else Probe()


def texts(*files: str) -> Reads:
    """The text of these files, for what is seen inside."""
    return lambda promise: Probe(texts=files) if promise.where == "inside" else Probe()


def of_process(file: str) -> tuple[str, str]:
    """A file of the first process, and of the look itself where number 1 is another's."""
    return f"/proc/1/{file}", f"/proc/self/{file}"


STATUS = of_process("status")
