"""The docker CLI itself as a witness: it reads its flags without a daemon."""

from __future__ import annotations

import functools
import os
import shutil
import subprocess
from collections.abc import Callable

import pytest

Cli = Callable[..., subprocess.CompletedProcess[str]]
NOWHERE = "unix:///nonexistent/docker.sock"


@pytest.fixture(scope="session")
def cli28() -> Cli:
    """Run the CLI against an engine that can't exist; skip where it isn't version 28."""
    path = shutil.which("docker")
    if path is None:
        pytest.skip("no docker CLI to compare with")

    @functools.cache
    def run(*words: str) -> subprocess.CompletedProcess[str]:
        env = {**os.environ, "DOCKER_HOST": NOWHERE, "COLUMNS": "200"}
        env.pop("DOCKER_CONTEXT", None)
        return subprocess.run(
            [path, *words],
            capture_output=True,
            check=False,
            env=env,
            stdin=subprocess.DEVNULL,
            text=True,
            timeout=30,
        )

    version = run("--version").stdout
    if "version 28." not in version:
        pytest.skip(f"the table is of Docker 28, and here is {version.strip() or 'another CLI'}")
    return run
