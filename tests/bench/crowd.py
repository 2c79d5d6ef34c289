"""What a run costs on an engine full of other people's things, beside the same engine empty.

Only ever against a sandbox: it makes hundreds of containers and images, and removes them.
"""

from __future__ import annotations

import io
import os
import secrets
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from lifecycle.sandbox.info import load_info
from lifecycle.scenario.lab import default_lab_files, load_lab
from tests.bench.timing import median, row, timed

CONTAINERS, IMAGES = 300, 500
TIMES = 5
BOUND = 1.20
SCENARIO = "@my-env"


def crowd() -> Iterator[str]:
    """The same scenario on the engine before and after it is filled."""
    yield f"A crowded engine, medians of {TIMES}: {CONTAINERS} containers, {IMAGES} images"
    if load_info(os.environ) is None:
        yield "not run: it fills the engine, so it needs the sandbox"
        return
    _run()  # the build cache is warm for both
    empty = median(timed(_run)[0] for _ in range(TIMES))
    with _filled():
        full = median(timed(_run)[0] for _ in range(TIMES))
    yield row(f"lifecycle run {SCENARIO}, empty engine", empty)
    yield row("the same, crowded", full, f"crowded / empty {full / empty:5.2f}   bound {BOUND:.2f}")


def _run() -> None:
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "lifecycle.cli", "run", SCENARIO, "--report", folder]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"{SCENARIO} did not pass, so its time says nothing: {done.stdout}")


@contextmanager
def _filled() -> Iterator[None]:
    word = f"crowd-{secrets.token_hex(4)}"
    base = load_lab(default_lab_files(Path.home(), os.environ), {}).base_image
    images = [f"{word}/i{n}:1" for n in range(IMAGES)]
    containers = [f"{word}-c{n}" for n in range(CONTAINERS)]
    with ThreadPoolExecutor(4) as pool:
        try:
            list(pool.map(_import, images))
            list(pool.map(lambda name: _docker("create", f"--name={name}", base), containers))
            yield
        finally:
            _docker("rm", "-f", *containers, check=False)
            _docker("rmi", "-f", *images, check=False)


def _import(name: str) -> None:
    """An image of its own: one file, with its name in it."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        data = name.encode()
        entry = tarfile.TarInfo("name")
        entry.size = len(data)
        tar.addfile(entry, io.BytesIO(data))
    _docker("import", "-", name, stdin=buffer.getvalue())


def _docker(*words: str, stdin: bytes = b"", check: bool = True) -> None:
    done = subprocess.run(["docker", *words], input=stdin, capture_output=True, check=False)
    if check and done.returncode:
        sys.exit(f"docker {words[0]}: {done.stderr.decode()}")
