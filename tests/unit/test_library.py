"""What scenarios of the library do with the lab's values, as far as a plan shows it."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

import noxfile
from lifecycle.cli.running import validated
from lifecycle.machine.gpus import Gpus
from lifecycle.run.plan.steps import PlannedStep
from lifecycle.run.secrets.secrets import Secrets
from lifecycle.run.session.options import Options
from lifecycle.run.steps.guard import not_for_here

SCENARIOS = Path(noxfile.__file__).parent / "scenarios"
OUTSIDE = ("lab.outside", "http://outside.example.org:8080/page")
MIRROR = ("lab.apt_mirror", "https://mirror.example.org")
PROXY = ("lab.proxy.http", "http://192.0.2.7:3128")


UNSET = tuple((key, "") for key, _ in (OUTSIDE, MIRROR, PROXY))
"""Whatever the person's own file says."""
Ask = Callable[..., PlannedStep]


@pytest.fixture
def ask(tmp_path: Path) -> Ask:
    """The step that asks for a page, planned with these values and no file's."""
    (tmp_path / "lab.toml").touch()
    environ = {**os.environ, "LIFECYCLE_LAB": str(tmp_path / "lab.toml")}
    file = SCENARIOS / "network-goes-out.yaml"

    def planned(*sets: tuple[str, str]) -> PlannedStep:
        return validated(file, Options(sets=(*UNSET, *sets)), environ, Secrets({})).steps[1]

    return planned


@pytest.mark.parametrize(
    ("sets", "place", "url"),
    [
        ([OUTSIDE], "outside.example.org/8080", OUTSIDE[1]),
        ([OUTSIDE, MIRROR], "outside.example.org/8080", OUTSIDE[1]),
        ([MIRROR], "mirror.example.org/443", MIRROR[1]),
        ([OUTSIDE, PROXY], "192.0.2.7/3128", OUTSIDE[1]),
    ],
)
def test_the_network_is_asked_for_an_address_of_the_labs(
    ask: Ask, sets: list[tuple[str, str]], place: str, url: str
) -> None:
    step = ask(*sets)
    script = step.words[-1]
    assert f"/dev/tcp/{place} " in script
    assert f" {url} " in script
    assert not_for_here(step, "", Gpus("none", ())) is None


@pytest.mark.parametrize("sets", [[], [PROXY], [PROXY, MIRROR]])
def test_without_an_address_outside_nothing_is_asked(ask: Ask, sets: list[tuple[str, str]]) -> None:
    skip = not_for_here(ask(*sets), "", Gpus("none", ()))
    assert skip is not None
    assert skip.lacks == "condition"
    assert "lab.outside" in skip.reason
