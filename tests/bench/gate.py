"""What the gate adds: the same docker commands through it and straight to the engine, in turn."""

from __future__ import annotations

import os
import re
import subprocess
import tarfile
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO

from lifecycle.gate.gate import Call, Gate, GateProcess
from lifecycle.machine.subject import current_subject
from tests.bench.timing import median, row, timed

TIMES = 50
LARGE_TIMES = 3
ADDED_BOUND_S = 0.003
LARGE_BOUND = 1.15
MEMORY_BOUND_MB = 30
GIB = 1 << 30
IMAGE = "lifecycle-bench/gib:1"


def gate() -> Iterator[str]:
    """``docker ps``, a gibibyte of ``save``, and a gibibyte of a container's output."""
    yield f"The gate, medians of {TIMES}; of a gibibyte each, of {LARGE_TIMES}"
    straight = dict(os.environ)
    with tempfile.TemporaryDirectory() as folder:
        address, process = straight["DOCKER_HOST"], GateProcess()
        opened = Gate(current_subject(), straight, address, Path(folder), _let, process=process)
        try:
            opened.ready()
            yield from _tables(opened, straight, opened.environ(straight))
        finally:
            opened.close()


def _tables(opened: Gate, straight: Mapping[str, str], through: Mapping[str, str]) -> Iterator[str]:
    direct, gated = _in_turn(["docker", "ps"], straight, through, TIMES)
    added = f"gate adds {1000 * (gated - direct):.1f} ms   bound {1000 * ADDED_BOUND_S:g} ms"
    yield row("docker ps, straight", direct)
    yield row("docker ps, through the gate", gated, added)
    _make_image()
    try:
        base = _base_image()
        lines = {
            "docker save, 1 GiB": ["docker", "save", IMAGE],
            "docker run, 1 GiB of output": [
                *("docker", "run", "--rm", "--log-driver=none", base),
                *("head", "-c", str(GIB), "/dev/zero"),
            ],
        }
        for name, words in lines.items():
            direct, gated = _in_turn(words, straight, through, LARGE_TIMES)
            yield row(f"{name}, straight", direct)
            told = f"gate / straight {gated / direct:5.2f}   bound {LARGE_BOUND:.2f}"
            yield row(f"{name}, through the gate", gated, told)
    finally:
        _docker("rmi", IMAGE)
    most = re.search(r"VmHWM:\s*(\d+)", Path(f"/proc/{opened.pid}/status").read_text())
    held = int(most[1]) / 1024 if most else 0.0
    yield f"{'the gate at its largest':<46} {held:8.1f} MB  bound {MEMORY_BOUND_MB} MB"


def _in_turn(
    words: Sequence[str], straight: Mapping[str, str], through: Mapping[str, str], times: int
) -> tuple[float, float]:
    """Median seconds of a command, straight and through the gate."""
    taken: tuple[list[float], list[float]] = ([], [])
    for _ in range(times):
        for env, seconds in zip((straight, through), taken, strict=True):
            seconds.append(timed(lambda env=env: _quietly(words, env))[0])  # type: ignore[misc]
    return median(taken[0]), median(taken[1])


def _quietly(words: Sequence[str], env: Mapping[str, str]) -> None:
    subprocess.run(words, env=env, stdout=subprocess.DEVNULL, check=True)


def _docker(*words: str, stdin: IO[bytes] | None = None) -> str:
    done = subprocess.run(["docker", *words], stdin=stdin, capture_output=True, check=True)
    return str(done.stdout.decode())


def _base_image() -> str:
    """The lab's base image, which is there afterwards."""
    lab = Path(os.environ["LIFECYCLE_LAB"]).read_text()
    found = re.search(r'base_image = "([^"]+)"', lab)
    image = found[1] if found else "debian"
    _docker("pull", "-q", image)
    return image


def _make_image() -> None:
    """An image of one file of a gibibyte, which is no hole for the engine."""
    with tempfile.TemporaryFile() as file:
        with tarfile.open(fileobj=file, mode="w") as archive:
            member = tarfile.TarInfo("zeros")
            member.size = GIB
            with Path("/dev/zero").open("rb") as zeros:
                archive.addfile(member, zeros)
        file.seek(0)
        _docker("import", "-", IMAGE, stdin=file)


def _let(call: Call) -> None:
    """Everything here is the bench's own."""
    call.relay()
