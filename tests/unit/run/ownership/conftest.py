"""A person's folder of ledgers, and a ledger of a run in it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from lifecycle.run.ownership.ledger import Ledger

RUN = "r0123abcd"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "state" / "ledgers"


@pytest.fixture
def ledger(folder: Path) -> Iterator[Ledger]:
    made = Ledger(folder, RUN, "ENGINE", "unix:///run/docker.sock")
    yield made
    made.path.unlink(missing_ok=True)
