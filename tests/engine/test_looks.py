"""Looks that are taken again go through a shell that stays, and see what a new one would."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from lifecycle.engine.daemon import Daemon
from lifecycle.facts.inside import Inside, Probe
from lifecycle.run.inside.shells import Looks
from tests.engine.harness import Place, docker, wait_until

pytestmark = pytest.mark.engine
EVERYTHING = Probe(files=("/srv", "/srv/new"), texts=("/etc/hostname",), processes=True)


@dataclass
class Box:
    """A container, and the looks into it."""

    name: str
    daemon: Daemon
    looks: Looks

    @property
    def id(self) -> str:
        seen = self.daemon.container(self.name)
        assert seen is not None
        return str(seen["Id"])

    def look(self, user: str = "", *, again: bool = False) -> Inside:
        return self.looks.inside(self.id, EVERYTHING, user, again=again)

    @property
    def execs(self) -> int:
        """How many execs were made so far."""
        return len(self.daemon.own_execs)


@pytest.fixture
def box(place: Place, base_image: str) -> Iterator[Box]:
    name = f"{place.word}-box"
    docker("run", "-d", f"--name={name}", "-e", "A=1", base_image, "sleep", "600")
    daemon = Daemon(os.environ["DOCKER_HOST"], os.environ)
    looks = Looks(daemon)
    yield Box(name, daemon, looks)
    looks.close()
    docker("rm", "-f", name)
    daemon.close()


def test_looks_that_are_repeated_share_one_exec(box: Box) -> None:
    first = box.look()
    assert [box.look() for _ in range(5)] == [first] * 5
    assert box.execs == 2


def test_what_changes_is_seen_through_the_shell_that_stays(box: Box) -> None:
    assert [box.look().files["/srv/new"].exists for _ in range(2)] == [False, False]
    docker("exec", box.name, "touch", "/srv/new")
    assert box.look().files["/srv/new"].exists
    assert box.execs == 2


def test_each_identity_has_its_own(box: Box) -> None:
    assert [box.look(user).uid for user in ("", "daemon", "", "daemon")] == [0, 1, 0, 1]


def test_a_group_that_was_joined_meanwhile_is_seen(box: Box) -> None:
    assert [sorted(box.look("daemon").groups) for _ in range(2)] == [[1], [1]]
    docker("exec", box.name, "usermod", "-aG", "staff", "daemon")
    assert sorted(box.look("daemon").groups) == [1, 50]


def test_a_restarted_container_is_looked_at_anew(box: Box) -> None:
    for _ in range(2):
        box.look()
    docker("restart", "-t", "0", box.name)
    assert [box.look().unseen for _ in range(3)] == ["", "", ""]


def test_a_shell_that_was_killed_is_replaced(box: Box) -> None:
    for _ in range(2):
        box.look()
    # The bracket keeps the command from finding itself.
    ours = "grep -l '@@[i]d' /proc/[0-9]*/cmdline | cut -d/ -f3"
    docker("exec", box.name, "sh", "-c", f"kill -9 $({ours})")
    assert box.look().unseen == ""


def test_where_another_look_follows_the_first_one_leaves_its_shell(box: Box) -> None:
    assert [box.look(again=True).unseen, box.look().unseen] == ["", ""]
    assert box.execs == 1


def test_an_image_without_a_shell_is_looked_at_from_outside(box: Box) -> None:
    docker("exec", box.name, "rm", "/bin/sh")
    assert box.look(again=True).places


def test_a_file_is_read_by_root_s_shell_where_one_stays(box: Box) -> None:
    docker("exec", box.name, "sh", "-c", "echo secret >/srv/kept; chmod 600 /srv/kept")
    box.look("0", again=True)
    assert box.looks.text(box.id, "/srv/kept") == "secret\n"
    assert box.execs == 1


def test_a_file_is_read_without_a_shell_where_there_is_none(box: Box) -> None:
    docker("exec", box.name, "sh", "-c", "echo secret >/srv/kept")
    box.look("daemon", again=True)
    assert box.looks.text(box.id, "/srv/kept") == "secret\n"
    assert box.looks.text(box.id, "/srv/none") == ""


def test_no_shell_stays_when_the_looks_are_over(box: Box) -> None:
    for _ in range(2):
        box.look()
    assert "@@id" in docker("top", box.name)
    box.looks.close()
    wait_until(lambda: "@@id" not in docker("top", box.name))
