"""A corner of the engine for each test, as the tests of engines have, and engines of their own."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from lifecycle.sandbox.info import SandboxInfo
from lifecycle.sandbox.open import open_sandbox
from tests.engine.conftest import base_image, in_sandbox, place, shared_place
from tests.engine.harness import Place

__all__ = ["base_image", "in_sandbox", "place", "shared_place"]


@pytest.fixture(scope="module")
def own_engine() -> Iterator[SandboxInfo]:
    """An engine of a module's own: nobody else's is restarted, slowed down or filled."""
    with open_sandbox(say=print) as info:
        yield info


@pytest.fixture
def own_place(own_engine: SandboxInfo) -> Iterator[Place]:
    """A corner of that engine for one test."""
    # Not tmp_path: a person of the run must be able to come in.
    folder = Path(tempfile.mkdtemp(prefix="lifecycle-test-"))
    folder.chmod(0o755)
    yield Place(folder, environ=own_engine.environ())
    shutil.rmtree(folder)
