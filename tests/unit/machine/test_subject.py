"""The person a command runs as."""

from __future__ import annotations

import grp
import os
import pwd
import subprocess
from dataclasses import replace

import pytest

from lifecycle.machine.subject import (
    Subject,
    SubjectError,
    current_subject,
    environment,
    spawn_identity,
    subject_named,
    synthetic_subject,
)

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
ALICE = synthetic_subject("alice", 987654321, 987654322, 987654323, "/home/alice")
ROOTS = {
    "HOME": "/var/admin",
    "USER": "root",
    "LOGNAME": "root",
    "SHELL": "/bin/zsh",
    "PATH": "/var/admin/.local/bin:/opt/docker:/usr/bin",
    "LANG": "ko_KR.UTF-8",
    "LC_ALL": "C.UTF-8",
    "TERM": "xterm",
    "https_proxy": "http://proxy:3128",
    "NO_PROXY": "localhost",
    "DOCKER_HOST": "unix:///run/lab.sock",
    "DOCKER_CONFIG": "/var/admin/.docker",
    "DOCKER_AUTH_CONFIG": "{}",
    "LIFECYCLE_LAB": "/etc/lab.toml",
    "LIFECYCLE_SECRET_PASSWORD": "hunter2",
    "AWS_SECRET_ACCESS_KEY": "root's own",
    "SUDO_USER": "bob",
    "PYTHONPATH": "/var/admin/src",
}


def test_the_caller_is_who_this_process_runs_as() -> None:
    me = current_subject()
    entry = pwd.getpwuid(os.geteuid())
    assert (me.name, me.uid, me.gid) == (entry.pw_name, os.geteuid(), os.getegid())
    assert set(os.getgroups()) <= set(me.groups)
    assert me.gid in me.groups
    assert me.group == grp.getgrgid(me.gid).gr_name
    assert me.umask == int(subprocess.check_output(["sh", "-c", "umask"]), 8)
    assert not me.synthetic


def test_a_person_is_looked_up_with_their_groups() -> None:
    person = subject_named("daemon")
    entry = pwd.getpwnam("daemon")
    assert (person.uid, person.gid, person.home) == (entry.pw_uid, entry.pw_gid, entry.pw_dir)
    assert set(person.groups) == set(os.getgrouplist("daemon", entry.pw_gid))
    assert person.group == "daemon"


def test_an_unknown_person_is_a_sentence_with_the_nearest_name() -> None:
    with pytest.raises(SubjectError, match=r"no user is named 'daemno'.*nearest name is 'daemon'"):
        subject_named("daemno")


def test_a_name_near_nobody_says_what_was_asked() -> None:
    with pytest.raises(SubjectError, match="`getent passwd qqqqqqqqqqqqqq` is empty"):
        subject_named("qqqqqqqqqqqqqq")


def test_a_synthetic_person_is_in_the_sockets_group_and_not_in_passwd() -> None:
    assert ALICE.synthetic
    assert ALICE.groups == (987654322, 987654323)
    assert ALICE.group == "alice"
    assert ALICE.group_names == ("alice", "987654323")
    with pytest.raises(KeyError):
        pwd.getpwuid(ALICE.uid)


def test_me_has_the_values_that_templates_use() -> None:
    assert ALICE.as_template_values() == {
        "name": "alice",
        "uid": 987654321,
        "gid": 987654322,
        "home": "/home/alice",
        "group": "alice",
        "groups": ["alice", "987654323"],
        "shell": ALICE.shell,
        "umask": "022",
    }


def test_the_callers_own_environment_is_theirs_but_for_secrets() -> None:
    own = {key: value for key, value in ROOTS.items() if key != "LIFECYCLE_SECRET_PASSWORD"}
    assert environment(current_subject(), ROOTS) == own


def test_another_person_gets_a_login_and_nothing_of_the_callers() -> None:
    assert environment(ALICE, ROOTS) == {
        "HOME": "/home/alice",
        "USER": "alice",
        "LOGNAME": "alice",
        "SHELL": ALICE.shell,
        "PATH": "/opt/docker:/usr/bin",
        "LANG": "ko_KR.UTF-8",
        "LC_ALL": "C.UTF-8",
        "TERM": "xterm",
        "https_proxy": "http://proxy:3128",
        "NO_PROXY": "localhost",
        "DOCKER_HOST": "unix:///run/lab.sock",
        "LIFECYCLE_LAB": "/etc/lab.toml",
    }


def test_docker_settings_of_the_callers_are_for_no_other_person() -> None:
    callers = ROOTS | {"DOCKER_CONFIG": "/etc/docker-of-root"}
    assert "DOCKER_CONFIG" not in environment(replace(ALICE, synthetic=False), callers)


def test_a_person_of_the_sandbox_has_no_docker_settings_but_the_callers() -> None:
    callers = ROOTS | {"DOCKER_CONFIG": "/etc/docker-of-root"}
    made = synthetic_subject("member", os.geteuid() + 1, 12345, 64100, "/tmp/home")
    assert environment(made, callers)["DOCKER_CONFIG"] == "/etc/docker-of-root"


def test_another_person_always_has_a_path() -> None:
    assert environment(ALICE, {})["PATH"] == "/usr/local/bin:/usr/bin:/bin"
    nothing_left = {"HOME": "/var/admin", "PATH": "/var/admin/bin"}
    assert environment(ALICE, nothing_left)["PATH"] == "/usr/local/bin:/usr/bin:/bin"


def test_a_caller_whose_home_is_the_root_folder_loses_nothing() -> None:
    base = {"HOME": "/", "PATH": "/usr/bin", "DOCKER_HOST": "/run/x"}
    assert environment(ALICE, base)["DOCKER_HOST"] == "/run/x"


def test_being_oneself_needs_no_change_of_identity() -> None:
    assert spawn_identity(current_subject()) == {}


@needs_root
def test_root_becomes_another_person_completely() -> None:
    assert spawn_identity(ALICE) == {
        "user": 987654321,
        "group": 987654322,
        "extra_groups": [987654322, 987654323],
        "umask": 0o022,
    }


@needs_root
def test_root_with_other_groups_is_another_identity() -> None:
    root = subject_named("root")
    wider = Subject(
        root.name,
        root.uid,
        root.gid,
        (*root.groups, 54321),
        (*root.group_names, "54321"),
        root.home,
        root.shell,
        root.umask,
    )
    assert 54321 in spawn_identity(wider)["extra_groups"]


def test_somebody_who_is_not_root_cannot_be_somebody_else(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(SubjectError, match=r"as alice \(uid 987654321\) needs root"):
        spawn_identity(ALICE)


@needs_root
def test_a_process_whose_uid_nobody_names_still_is_somebody() -> None:
    read_end, write_end = os.pipe()
    child = os.fork()
    if child == 0:  # not exec: the interpreter may lie where that uid cannot reach
        os.setgroups([])
        os.setgid(54321)
        os.setuid(54321)
        somebody = current_subject()
        os.write(write_end, f"{somebody.name} {somebody.group} {somebody.groups}".encode())
        os._exit(0)
    os.close(write_end)
    os.waitpid(child, 0)
    assert os.read(read_end, 1000) == b"uid54321 54321 (54321,)"
    os.close(read_end)
