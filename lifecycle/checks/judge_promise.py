"""From a promise and the facts to a check.

A promise whose thing does not exist is unverified, so that one cause gives one failure.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from lifecycle.checks.check import Check, unverified
from lifecycle.checks.rules import PHRASE, ThingRule
from lifecycle.checks.table import RULES, row_of
from lifecycle.checks.wording import about, seen_at, simulated
from lifecycle.command.promise import Promise, Where
from lifecycle.facts.model import ContainerFacts, Facts


def judge(promise: Promise, facts: Facts) -> Check:
    """Say whether one promise was kept."""
    on = facts.containers.get(promise.about.name if promise.about else "")
    check = _judge(promise, facts, on)
    from_outside = bool(on and on.inside.unseen) and check.status != "unverified"
    place = "host" if promise.where == "inside" and from_outside else promise.where
    return _named(promise, check, place)


def _named(promise: Promise, check: Check, place: Where) -> Check:
    """The check, called as people read it."""
    row = row_of(promise.field)
    phrase = RULES[row].phrase if row == promise.field else ""
    name = about(promise, row, check.about or phrase)
    return replace(check, about=f"{name}{seen_at(place)}{simulated(check.gpu)}")


def _judge(promise: Promise, facts: Facts, on: ContainerFacts | None) -> Check:
    """The check, called by a detail or not at all."""
    rule = RULES.get(row_of(promise.field))
    if promise.unverified:
        return unverified(PHRASE, promise.expected, promise.unverified)
    if rule is None:
        return unverified(PHRASE, promise.expected, f"nothing checks {promise.field} yet")
    if isinstance(rule, ThingRule):
        return rule.judge(promise, facts)
    if on is None:
        return unverified(PHRASE, promise.expected, "the container was not looked at")
    if on.inspect is None and not rule.when_gone:
        return unverified(PHRASE, promise.expected, f"container {on.name} does not exist")
    return rule.judge(promise, on, facts)


def not_judged(promises: Iterable[Promise], why: str) -> list[Check]:
    """Say of each why nobody can tell."""
    return [_named(p, unverified(PHRASE, p.expected, why), p.where) for p in promises]


def judge_all(promises: Iterable[Promise], facts: Facts) -> list[Check]:
    """Judge several, in order."""
    return [judge(p, facts) for p in promises]
