"""What a run takes for itself before it begins, and what it leaves to others."""

from __future__ import annotations

import pytest

from lifecycle.machine.gpus import Gpu, Gpus
from lifecycle.run.plan.reservations import reserved
from tests.unit.run.conftest import Planner

TWO = Gpus("nvml", (Gpu(0, "GPU-aa", "A"), Gpu(1, "GPU-bb", "B")))
NONE = Gpus("none", (), "none here")


def step(flags: str) -> str:
    return f"- docker run -d --name=box {flags} me/test sleep 9\n"


@pytest.mark.parametrize(
    ("flags", "taken"),
    [
        ("-p 8080:80", ["port-8080"]),
        ("-p 9000:1 -p 127.0.0.1:8080:80", ["port-8080", "port-9000"]),
        ("-p 80", []),
        ("-p ${{ run.port(8080) }}:80", ["port-8081"]),
        ("""--gpus '"device=0,1"'""", ["gpu-0", "gpu-1"]),
        ("--gpus device=GPU-bb", ["gpu-1"]),
        ("--gpus all", []),
        ("--gpus device=7", []),
    ],
)
def test_what_a_line_fixes_is_taken(planned: Planner, flags: str, taken: list[str]) -> None:
    assert reserved(planned(step(flags)), TWO) == taken


def test_a_gpu_that_is_not_here_is_not_taken(planned: Planner) -> None:
    assert reserved(planned(step("--gpus device=0")), NONE) == []


def test_a_name_is_taken_only_where_it_is_kept_as_written(planned: Planner) -> None:
    text = step("-v data:/d") + "- docker tag me/test me/other:1\n"
    assert reserved(planned(text), NONE) == []
    assert reserved(planned(text, as_written=True), NONE) == [
        "container-box",
        "image-me%2Fother%3A1",
        "volume-data",
    ]
