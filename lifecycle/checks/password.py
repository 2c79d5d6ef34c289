"""Whether a password really changed: another hash, and the new one authenticates."""

from __future__ import annotations

from lifecycle.checks.check import Check, compare, unverified
from lifecycle.facts.model import SHADOW, PasswordFacts


def password_changed(facts: PasswordFacts) -> list[Check]:
    """Two checks: the hash differs, and the new password is accepted; one when it does not."""
    about = f"password of {facts.user}"
    if facts.after is None:
        return [compare(f"{about}: hash", "a new one", f"no such user in {SHADOW}", SHADOW)]
    if facts.after == facts.before:
        return [compare(f"{about}: hash", "a new one", "the old one", SHADOW)]
    checks = [compare(f"{about}: hash", "a new one", "a new one", SHADOW)]
    label = f"{about}: the new one"
    if facts.authenticated is None:
        return [*checks, unverified(label, "accepted", facts.how)]
    actual = "accepted" if facts.authenticated else "refused"
    return [*checks, compare(label, "accepted", actual, facts.how)]
