"""What tests on a real engine share: the base image, and a corner of the engine each."""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from lifecycle.sandbox.info import SandboxInfo, load_info
from lifecycle.scenario.lab import default_lab_files, load_lab
from tests.engine.harness import Place, docker


@pytest.fixture(scope="session")
def base_image() -> str:
    """The lab's base image, pulled."""
    image = load_lab(default_lab_files(Path.home(), os.environ), {}).base_image
    docker("pull", "-q", image)
    return image


@pytest.fixture(scope="session")
def in_sandbox() -> SandboxInfo:
    """The sandbox that these tests run in; they are not for an engine that others use."""
    info = load_info(os.environ)
    if info is None:
        pytest.skip("needs the sandbox: lifecycle sandbox -- pytest ...")
    return info


@pytest.fixture(scope="module")
def sandboxes_alone() -> Iterator[None]:
    """No other worker starts or ends a sandbox meanwhile; this machine's state is compared."""
    folder = os.open(Path(__file__).parent, os.O_RDONLY)
    fcntl.flock(folder, fcntl.LOCK_EX)
    yield
    os.close(folder)


def _place() -> Iterator[Place]:
    # Not tmp_path: a person of the run must be able to come in.
    folder = Path(tempfile.mkdtemp(prefix="lifecycle-test-"))
    folder.chmod(0o755)
    place = Place(folder)
    yield place
    left = place.left()
    for thing in left:
        kind, _, name = thing.partition(" ")
        force = ("-f",) if kind in {"container", "image"} else ()
        docker(kind, "rm", *force, name, check=False)
    shutil.rmtree(folder, ignore_errors=True)
    assert left == [], "the test has left something on the engine"


@pytest.fixture
def place(base_image: str) -> Iterator[Place]:
    """A corner of the engine for one test; what bears its word and stays fails the test."""
    assert base_image
    yield from _place()


@pytest.fixture(scope="module")
def shared_place(base_image: str) -> Iterator[Place]:
    """The same for the tests of a module that read one run together."""
    assert base_image
    yield from _place()
