"""Flags that limit, secure and time a container: kept and broken, by the real CLI and daemon."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from lifecycle.hold.hold import hold
from tests.engine.flags_limits import CONTAINERS, ROWS, UNTRUE
from tests.engine.harness import Place, docker
from tests.engine.held import Held, Row, holding

pytestmark = pytest.mark.engine


def _missing() -> dict[str, str]:
    """What this CLI can't make: a container with a flag that is newer."""
    flag = "--use-api-socket"
    known = flag in docker("run", "--help")
    reason = f"this docker CLI has no {flag}"
    return {} if known else {on: reason for on, flags in CONTAINERS.items() if flag in flags}


def _disk() -> str:
    found = (
        Path("/dev") / path.name for path in sorted(Path("/sys/block").iterdir(), reverse=True)
    )
    return str(next(path for path in found if path.is_block_device()))


@pytest.fixture(scope="module")
def held(shared_place: Place, base_image: str) -> Iterator[Held]:
    """Every container once, by the CLI; the tests only look."""
    template = "{{.Os}}/{{.Architecture}}"
    platform = docker("image", "inspect", "-f", template, base_image)
    named = {"DISK": _disk(), "PLATFORM": platform}
    with holding(shared_place, base_image, named=named, missing=_missing()) as made:
        for name, flags in CONTAINERS.items():
            made.make(name, flags)
        yield made


@pytest.mark.parametrize("row", ROWS, ids=str)
def test_what_a_flag_promises_is_kept_everywhere_it_is_seen(held: Held, row: Row) -> None:
    held.assert_kept(row)


@pytest.mark.parametrize("row", ROWS, ids=str)
def test_another_value_is_broken_everywhere_it_is_seen(held: Held, row: Row) -> None:
    held.assert_broken(row)


@pytest.mark.parametrize(("on", "flags", "broken"), UNTRUE)
def test_what_was_not_asked_for_is_broken(held: Held, on: str, flags: str, broken: int) -> None:
    found = held.asked(on, flags)
    assert [c.status for c in found].count("broken") == broken, found


@pytest.mark.parametrize("on", CONTAINERS)
def test_a_container_is_held_to_the_limits_and_rights_of_its_own_inspect(
    held: Held, on: str
) -> None:
    held.needs(on)
    checks = hold(held.daemon, held.name(on), None, held.world, inside=True)
    assert [c for c in checks if c.status == "broken"] == []
    if on == "limits":
        flags = {c.about.partition(":")[0] for c in checks if c.status == "kept"}
        assert flags >= {"--memory", "--pids-limit", "--ulimit", "--oom-score-adj", "--cpu-quota"}
