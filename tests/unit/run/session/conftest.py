"""A folder of locks, and the locks of one run in it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from lifecycle.run.locks import Locks


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "locks"


@pytest.fixture
def said() -> list[str]:
    return []


@pytest.fixture
def locks(folder: Path, said: list[str]) -> Iterator[Locks]:
    made = Locks("ENGINE", "r1 (mine)", said.append, folder)
    yield made
    made.release()


@pytest.fixture
def shared(folder: Path) -> Path:
    """The folder, as everybody has it."""
    folder.mkdir()
    folder.chmod(0o1777)
    return folder


HOLDER = """
import sys
from pathlib import Path
from lifecycle.run.locks import Locks
locks = Locks("ENGINE", "r9 (theirs)", print, Path(sys.argv[1]))
locks.take("port-8080")
print("held", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def holder(folder: Path) -> Iterator[subprocess.Popen[str]]:
    """Another process that holds port 8080."""
    child = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(folder)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    with child:
        assert child.stdout is not None
        assert child.stdout.readline() == "held\n"
        yield child
        child.kill()
