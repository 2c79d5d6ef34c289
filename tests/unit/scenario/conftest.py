"""A scenario file from text, and a context as a run makes it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from lifecycle.scenario.errors import ScenarioError
from lifecycle.scenario.expressions import function
from lifecycle.scenario.lab import Lab
from lifecycle.scenario.load import load
from lifecycle.scenario.render import Context

if TYPE_CHECKING:
    from collections.abc import Callable

HERE = Path(__file__).parent
collect_ignore = ["example.yaml"]  # text for these tests, not a scenario to run
ME = {
    "name": "kim",
    "uid": 1500,
    "gid": 1600,
    "group": "lab",
    "groups": ["kim", "docker"],
    "home": "/home/kim",
}


@pytest.fixture
def context() -> Context:
    values: dict[str, Any] = {
        "me": ME,
        "lab": Lab(base_image="debian:bookworm"),
        "run": {"port": lambda number: number + 1, "id": "ab12"},
        "secret": {"password": "s3cret"},
        function("image"): lambda name: f"{name}-ab12",
    }
    return Context(values, "/work folder", ME)


@pytest.fixture
def refused(tmp_path: Path) -> Callable[[str], tuple[str, str]]:
    """Loads a file that must be refused; gives its line:col and the rest of the error."""

    def load_it(source: str) -> tuple[str, str]:
        file = tmp_path / "a.yaml"
        file.write_bytes(source.encode("utf-8", "surrogateescape"))
        with pytest.raises(ScenarioError) as caught:
            load(file)
        said = str(caught.value)
        assert "\n" not in said
        assert said.startswith(f"{file}:")
        line, column, rest = said.removeprefix(f"{file}:").split(":", 2)
        return f"{line}:{column}", rest.strip()

    return load_it


@pytest.fixture
def example() -> str:
    return (HERE / "example.yaml").read_text()
