"""Flags that limit, secure and time a container: kept and broken, by the real CLI and daemon."""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from lifecycle.checks.check import Check
from lifecycle.checks.facts import World
from lifecycle.command.parse import parse
from lifecycle.engine.daemon import Daemon
from lifecycle.engine.gpu import Gpus
from lifecycle.engine.subject import current_subject
from lifecycle.run.hold import hold
from tests.engine.flags_limits import CONTAINERS, ROWS, UNTRUE, Row
from tests.engine.harness import Place, docker

pytestmark = pytest.mark.engine


@dataclass
class Made:
    """The containers, and how lines about them are written."""

    daemon: Daemon
    world: World
    image: str
    named: dict[str, str]

    def words(self, flags: str) -> list[str]:
        """The words of some flags."""
        for word, value in self.named.items():
            flags = flags.replace(word, value)
        return shlex.split(flags)

    def asked(self, on: str, flags: str) -> list[Check]:
        """What is found of one flag: the checks that are about it."""
        line = parse(["docker", "run", *self.words(flags), self.image])
        name = f"{self.named['MINE']}-{on}"
        checks = hold(self.daemon, name, line, self.world, inside=True)
        return [c for c in checks if c.about.startswith(f"{line.options[0].written}:")]


def _why_not(on: str) -> str:
    """Why a container can't be made with this CLI: one of its flags is newer."""
    flag = "--use-api-socket"
    asked = flag in CONTAINERS[on]
    return f"this docker CLI has no {flag}" if asked and flag not in docker("run", "--help") else ""


def _needs(on: str) -> None:
    if _why_not(on):
        pytest.skip(_why_not(on))


def _disk() -> str:
    found = (
        Path("/dev") / path.name for path in sorted(Path("/sys/block").iterdir(), reverse=True)
    )
    return str(next(path for path in found if path.is_block_device()))


@pytest.fixture(scope="module")
def made(shared_place: Place, base_image: str) -> Iterator[Made]:
    """Every container once, by the CLI; the tests only look."""
    daemon = Daemon(os.environ["DOCKER_HOST"], os.environ)
    world = World(
        current_subject(),
        Gpus("none", (), "not asked"),
        shares_machine=daemon.shares_machine,
    )
    seen = daemon.image(base_image) or {}
    platform = f"{seen['Os']}/{seen['Architecture']}"
    named = {"MINE": shared_place.word, "DISK": _disk(), "PLATFORM": platform}
    made = Made(daemon, world, base_image, named)
    for name, flags in CONTAINERS.items():
        if _why_not(name):
            continue
        words = ["-d", f"--name={shared_place.word}-{name}", *made.words(flags)]
        docker("run", *words, base_image, "sleep", "600")
    yield made
    docker("rm", "-f", *(f"{shared_place.word}-{name}" for name in CONTAINERS))
    daemon.close()


@pytest.mark.parametrize("row", ROWS, ids=str)
def test_what_a_flag_promises_is_kept_everywhere_it_is_seen(made: Made, row: Row) -> None:
    _needs(row.on)
    found = made.asked(row.on, row.true)
    statuses = [c.status for c in found]
    assert statuses.count("kept") >= row.kept, found
    assert "broken" not in statuses, found


@pytest.mark.parametrize("row", ROWS, ids=str)
def test_another_value_is_broken_everywhere_it_is_seen(made: Made, row: Row) -> None:
    _needs(row.on)
    found = made.asked(row.untrue_on or row.on, row.untrue)
    assert [c.status for c in found].count("broken") >= (row.broken or row.kept), found


@pytest.mark.parametrize(("on", "flags", "broken"), UNTRUE)
def test_what_was_not_asked_for_is_broken(made: Made, on: str, flags: str, broken: int) -> None:
    found = made.asked(on, flags)
    assert [c.status for c in found].count("broken") == broken, found


@pytest.mark.parametrize("on", CONTAINERS)
def test_a_container_is_held_to_the_limits_and_rights_of_its_own_inspect(
    made: Made, on: str
) -> None:
    _needs(on)
    checks = hold(made.daemon, f"{made.named['MINE']}-{on}", None, made.world, inside=True)
    assert [c for c in checks if c.status == "broken"] == []
    if on == "limits":
        flags = {c.about.partition(":")[0] for c in checks if c.status == "kept"}
        assert flags >= {"--memory", "--pids-limit", "--ulimit", "--oom-score-adj", "--cpu-quota"}
