"""Whether a password really changed: another hash, and the new one authenticates."""

from __future__ import annotations

import re
from dataclasses import dataclass

from lifecycle.checks.check import Check, compare, unverified
from lifecycle.engine.daemon import Daemon, EngineError

SHADOW = "/etc/shadow"
NOBODY = "65534"
_MARK = "lifecycle-authenticated"
_HOW = "su from an unprivileged uid"


@dataclass(frozen=True)
class PasswordFacts:
    """A user's hash before and after (None where there is no such line), and a login's outcome."""

    user: str
    before: str | None
    after: str | None
    authenticated: bool | None
    how: str


def shadow_hash(daemon: Daemon, container: str, user: str) -> str | None:
    """The hash of one user in the container's /etc/shadow; works without a shell."""
    raw = daemon.read_file(container, SHADOW) or b""
    rows = (line.split(":") for line in raw.decode("utf-8", "replace").splitlines())
    return next((r[1] for r in rows if r[0] == user and len(r) > 1), None)


def authenticate(
    daemon: Daemon, container: str, user: str, password: str
) -> tuple[bool | None, str]:
    """Log in by ``su`` from an unprivileged uid, typing the password at its prompt."""
    argv = ["su", "-s", "/bin/sh", "-c", f"echo {_MARK}", user]
    try:
        outcome = daemon.talk_inside(
            container, argv, user=NOBODY, prompt=b":", answer=password.encode(), env={"LC_ALL": "C"}
        )
    except EngineError as error:
        return None, f"su could not be run inside: {error}"
    if outcome.exit_code in {126, 127}:
        return None, "there is no su in the image"
    if _MARK in outcome.output:
        return True, _HOW
    said = " ".join(outcome.output.split())
    refused = re.search("(?i)authentication failure|incorrect password|authentication token", said)
    # An account without a login shell, say, refuses the right password too.
    return (False, _HOW) if refused else (None, f"su said: {said[:200]}")


def password_changed(facts: PasswordFacts) -> list[Check]:
    """Two checks: the hash differs, and the new password is accepted."""
    about = f"password of {facts.user}"
    if facts.after is None:
        return [compare(f"{about}: hash", "a new one", f"no such user in {SHADOW}", SHADOW)]
    changed = "a new one" if facts.after != facts.before else "the old one"
    checks = [compare(f"{about}: hash", "a new one", changed, SHADOW)]
    label = f"{about}: the new one"
    if facts.authenticated is None:
        return [*checks, unverified(label, "accepted", facts.how)]
    actual = "accepted" if facts.authenticated else "refused"
    return [*checks, compare(label, "accepted", actual, facts.how)]
