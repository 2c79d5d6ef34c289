"""Promises about who a container runs as."""

from __future__ import annotations

from lifecycle.checks.check import Check, compare, unverified
from lifecycle.checks.rules import PHRASE, Rule
from lifecycle.command.promise import Promise
from lifecycle.facts.inside import Inside
from lifecycle.facts.model import ContainerFacts, Facts


def user(promise: Promise, c: ContainerFacts, _: Facts) -> Check:
    """``-u``: declared as written, and the uid (and gid) that processes inside have."""
    if promise.where == "inspect":
        actual = (c.inspect or {})["Config"].get("User", "")
        return compare(PHRASE, promise.expected, actual, "inspect .Config.User")
    hidden = c.inside.hides("id")
    if hidden:
        return unverified(PHRASE, promise.expected, hidden)
    wanted = promise.expected_as(str)
    return compare(PHRASE, wanted, as_written(wanted, c.inside), c.inside.place("id"))


def as_written(written: str, inside: Inside) -> str:
    """The identity inside, in the form in which ``written`` names it (uid or name, with gid).

    A name stands for the uid of its passwd line.
    """
    user_part, colon, group_part = written.partition(":")
    shown_user = str(inside.uid) if user_part.isdigit() else inside.user_name
    if not user_part:  # ":GROUP" says nothing of the user
        shown_user = ""
    if not colon:
        return shown_user
    name = inside.groups.get(inside.gid, "")
    return f"{shown_user}:{inside.gid if group_part.isdigit() else name}"


RULES: dict[str, Rule] = {
    "container.user": Rule(user, "runs as"),
}
