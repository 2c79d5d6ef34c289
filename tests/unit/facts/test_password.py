"""A password has changed when its hash has, and the new one is accepted by who can judge it."""

from __future__ import annotations

import shlex
import subprocess
from pathlib import Path
from typing import Any, cast

import pytest

from lifecycle.checks.password import password_changed
from lifecycle.engine.daemon import Daemon, EngineError, ExecOutcome
from lifecycle.facts.model import PasswordFacts
from lifecycle.facts.password import (
    authenticate,
    look_at_password,
    shadow_hash,
)

SHADOW = "root:*:19000:0:99999:7:::\nkim:$6$salt$hash:19000:0:99999:7:::\nbroken\n"
HASH = "$6$salt$hash"
ACCEPTED = ExecOutcome(0, "Password: \r\nlifecycle-authenticated\r\n")
REFUSED = ExecOutcome(1, "Password: \r\nsu: Authentication failure\r\n")
SU = {"mode": 0o755 | 1 << 23, "linkTarget": ""}
FREE = "NoNewPrivs:\t0\n22 21 0:40 / / rw,relatime - overlay overlay rw\n"


class Engine:
    """A container with a shadow file and, in ways, a su."""

    def __init__(self, login: Any = ACCEPTED, *, su: Any = SU, seen: Any = FREE) -> None:
        self.login, self.su, self.seen = login, su, seen
        self.logins: list[str] = []

    def talk_inside(self, _: str, argv: list[str], **how: Any) -> ExecOutcome:
        self.logins.append(f"{how['user']}: {argv[-1]}")
        assert how["answer"].decode() not in argv
        return cast("ExecOutcome", _answer(self.login))

    def stat(self, _: str, path: str) -> Any:
        return self.su if path == "/usr/bin/su" else None

    def run_inside(self, _: str, __: list[str], **___: Any) -> ExecOutcome:
        return ExecOutcome(0, _answer(self.seen))


def _answer(prepared: Any) -> Any:
    if isinstance(prepared, Exception):
        raise prepared
    return prepared


def daemon(*answers: Any, **looks: Any) -> Daemon:
    """An engine with one such container."""
    return cast("Daemon", Engine(*answers, **looks))


def statuses(engine: Daemon, before: str | None, user: str = "kim", typed: str = "s3cret") -> Any:
    """What comes of the expectation, check by check."""
    hashes = before, shadow_hash(SHADOW, user)
    checks = password_changed(look_at_password(engine, "c", user, hashes, typed))
    return [(c.status, c.actual) for c in checks]


def test_the_hash_is_that_of_the_user_s_line() -> None:
    assert shadow_hash(SHADOW, "kim") == HASH
    assert shadow_hash(SHADOW, "broken") is None
    assert shadow_hash(SHADOW, "lee") is None


@pytest.mark.parametrize(
    ("outcome", "accepted", "how"),
    [
        (ACCEPTED, True, "unprivileged"),
        (REFUSED, False, "unprivileged"),
        (ExecOutcome(127, "exec: su: not found"), None, "there is no su"),
        (ExecOutcome(1, "This account is currently not available."), None, "not available"),
        (EngineError("is not running"), None, "su could not be run inside: is not running"),
    ],
)
def test_a_login_is_tried_by_somebody_without_rights(outcome: Any, accepted: Any, how: str) -> None:
    engine = Engine(outcome)
    found, said_how = authenticate(cast("Daemon", engine), "c", "kim", "s3cret")
    assert found is accepted
    assert how in said_how
    assert engine.logins == ["65534: kim"]


@pytest.mark.parametrize(
    ("looks", "how"),
    [
        ({"su": SU | {"mode": 0o755}}, "setuid bit"),
        ({"seen": FREE.replace("\t0", "\t1")}, "no-new-privileges"),
        ({"seen": FREE.replace("relatime", "nosuid")}, "nosuid"),
        ({"seen": EngineError("it was paused")}, "it was paused"),
    ],
)
def test_the_refusal_of_a_su_without_power_proves_nothing(looks: Any, how: str) -> None:
    found, said_how = authenticate(daemon(REFUSED, **looks), "c", "kim", "s3cret")
    assert found is None
    assert how in said_how


MANY_WORDS = "p'a \"ss$(id) \\n"


def in_root_s_shell(tmp_path: Path, typed: str, **programs: str) -> tuple[list[str], PasswordFacts]:
    """What a login by a real shell comes to, and what its programs were called with."""
    for name, text in programs.items():
        path = tmp_path / name
        path.write_text(f'#!/bin/sh\necho "{name} $*" >> {tmp_path}/called\n{text}\n')
        path.chmod(0o755)
    env = {"PATH": f"{tmp_path}:/usr/bin:/bin"}

    def ask_root(script: str) -> str:
        done = subprocess.run(
            ["/bin/sh", "-s"], input=script, env=env, stdout=subprocess.PIPE, text=True, check=False
        )
        return done.stdout

    engine = Engine(REFUSED)
    facts = look_at_password(
        cast("Daemon", engine), "c", "kim", ("!", HASH), typed, ask_root=ask_root
    )
    called = tmp_path / "called"
    return [*(called.read_text().splitlines() if called.exists() else []), *engine.logins], facts


ACCEPTS = (
    f'IFS= read -r line; [ "$line" = {shlex.quote(MANY_WORDS)} ] && echo lifecycle-authenticated'
)


def test_with_a_shell_of_root_s_open_a_login_needs_no_exec_of_its_own(tmp_path: Path) -> None:
    drop = 'while [ "$1" != su ]; do shift; done; exec "$@"'
    called, facts = in_root_s_shell(tmp_path, MANY_WORDS, setpriv=drop, su=ACCEPTS)
    assert facts.authenticated
    dropped, login = called
    assert dropped.startswith("setpriv --reuid=65534 --regid=65534 --clear-groups su ")
    assert login == "su -s /bin/sh -c echo lifecycle-authenticated kim"
    assert MANY_WORDS not in dropped + login, "a password is no argument"


@pytest.mark.parametrize(
    "programs",
    [
        pytest.param({"setpriv": "exit 1"}, id="setpriv can't"),
        pytest.param({"setpriv": "echo no such option", "su": ACCEPTS}, id="another setpriv"),
        pytest.param({"setpriv": 'shift 3; exec "$@"', "su": "exit 1"}, id="su refuses"),
    ],
)
def test_where_that_login_fails_one_on_a_terminal_decides(tmp_path: Path, programs: Any) -> None:
    called, facts = in_root_s_shell(tmp_path, MANY_WORDS, **programs)
    assert (called[-1], facts.authenticated) == ("65534: kim", False)


def test_what_is_not_one_line_is_typed_on_a_terminal(tmp_path: Path) -> None:
    called, _ = in_root_s_shell(tmp_path, "two\nlines", setpriv="echo lifecycle-authenticated")
    assert called == ["65534: kim"]


def test_a_new_hash_and_an_accepted_password_keep_it() -> None:
    assert statuses(daemon(), "!") == [("kept", "a new one"), ("kept", "accepted")]


def test_a_new_hash_whose_password_is_refused_breaks_it() -> None:
    assert statuses(daemon(REFUSED), "!") == [("kept", "a new one"), ("broken", "refused")]


def test_a_new_hash_that_nobody_could_try_is_not_proven() -> None:
    without_su = daemon(ExecOutcome(127, ""))
    assert [status for status, _ in statuses(without_su, "!")] == ["kept", "unverified"]
    assert [status for status, _ in statuses(daemon(), "!", typed="")] == ["kept", "unverified"]


@pytest.mark.parametrize(
    ("user", "before", "actual"),
    [("kim", HASH, "the old one"), ("lee", None, "no such user in /etc/shadow")],
)
def test_no_login_is_tried_where_nothing_has_changed(
    user: str, before: str | None, actual: str
) -> None:
    engine = Engine()
    assert statuses(cast("Daemon", engine), before, user) == [("broken", actual)]
    assert engine.logins == []
