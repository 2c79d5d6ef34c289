"""A password in a container: its hash, and whether what was typed authenticates."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable

from lifecycle.engine.daemon import Daemon, EngineError
from lifecycle.facts.model import PasswordFacts

NOBODY = "65534"
_MARK = "lifecycle-authenticated"
_HOW = "su from an unprivileged uid"
_SU = ("/usr/bin/su", "/bin/su")
_SETUID = 1 << 23
"""The bit as Go's file modes have it."""


def look_at_password(  # noqa: PLR0913 - what there is to look at, and the two ways to do it
    daemon: Daemon,
    container: str,
    user: str,
    hashes: tuple[str | None, str | None],
    typed: str,
    *,
    ask_root: Callable[[str], str] = lambda _script: "",
) -> PasswordFacts:
    """A login with what was typed, where of the hashes before and after the latter is new.

    ``ask_root`` returns what a script prints in a shell of root's that is open inside already,
    empty where there is none.
    """
    before, after = hashes
    if after in {None, before}:
        # PAM answers a wrong password late, and there is nothing left to prove.
        return PasswordFacts(user, before, after, None, "its hash is no new one")
    if not typed:
        reason = "no secret was typed in this container"
        return PasswordFacts(user, before, after, None, reason)
    if "\n" not in typed and _MARK in ask_root(_login(user, typed)):
        return PasswordFacts(user, before, after, authenticated=True, how=_HOW)
    return PasswordFacts(user, before, after, *authenticate(daemon, container, user, typed))


def _login(user: str, password: str) -> str:
    """A script for root's shell: ``su`` from an unprivileged uid, without a terminal.

    Not every image has a ``setpriv`` that can do it, nor every ``su`` reads a password from a
    pipe: only its success says something. The shell's own ``printf`` shows nobody its arguments.
    """
    drop = f"setpriv --reuid={NOBODY} --regid={NOBODY} --clear-groups"
    command = f"su -s /bin/sh -c {shlex.quote(f'echo {_MARK}')} {shlex.quote(user)}"
    return f"printf '%s\\n' {shlex.quote(password)} | LC_ALL=C {drop} {command}; echo over"


def shadow_hash(shadow: str, user: str) -> str | None:
    """The hash of one user in the text of a container's /etc/shadow."""
    rows = (line.split(":") for line in shadow.splitlines())
    return next((r[1] for r in rows if r[0] == user and len(r) > 1), None)


def authenticate(
    daemon: Daemon, container: str, user: str, password: str
) -> tuple[bool | None, str]:
    """Log in by ``su`` from an unprivileged uid, typing the password at its prompt."""
    argv = ["su", "-s", "/bin/sh", "-c", f"echo {_MARK}", user]
    try:
        outcome = daemon.talk_inside(
            container,
            argv,
            user=NOBODY,
            prompt=b":",
            answer=password.encode(),
            enough=_MARK.encode(),
            env={"LC_ALL": "C"},
        )
    except EngineError as error:
        return None, f"su could not be run inside: {error}"
    if outcome.exit_code in {126, 127}:
        return None, "there is no su in the image"
    if _MARK in outcome.output:
        return True, _HOW
    output = " ".join(outcome.output.split())
    if not re.search("(?i)authentication failure|incorrect password|authentication token", output):
        # An account without a login shell, say, refuses the right password too.
        return None, f"su said: {output[:200]}"
    powerless = _powerless(daemon, container)
    return (None, powerless) if powerless else (False, _HOW)


def _powerless(daemon: Daemon, container: str) -> str:
    """Why su can't become root here, so that it refuses the right password as well."""
    try:
        modes = [entry for path in _SU if (entry := daemon.stat(container, path))]
        argv = ["cat", "/proc/self/status", "/proc/self/mountinfo"]
        output = daemon.run_inside(container, argv, user=NOBODY).output
    except EngineError as error:
        return f"whether su may become root could not be looked up: {error}"
    if modes and not any(m["linkTarget"] or m["mode"] & _SETUID for m in modes):
        return "su has lost its setuid bit, and so refuses every password"
    if re.search(r"^NoNewPrivs:\s*1", output, re.MULTILINE):
        return "the container has no-new-privileges, under which su refuses every password"
    if re.search(r"^\S+ \S+ \S+ \S+ / \S*\bnosuid\b", output, re.MULTILINE):
        return "the container's root is mounted nosuid, where su refuses every password"
    return ""
