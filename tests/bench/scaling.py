"""Scenarios that mostly wait: on as many workers as there are of them, and one after another."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from tests.bench.timing import row, timed

SCENARIOS = 8
WAIT_S = 8
BOUND = 5.0
TEXT = """\
scenario: Waits {number}
steps:
  - docker run -d --name=waiting ${{{{ lab.base_image }}}} sleep 60
  - docker exec waiting sleep {wait}
  - docker rm -f waiting
"""


def scaling() -> Iterator[str]:
    """``-n 8`` beside one after the other."""
    yield f"Side by side, {SCENARIOS} scenarios that wait {WAIT_S} s each"
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for number in range(SCENARIOS):
            (folder / f"waits-{number}.yaml").write_text(TEXT.format(number=number, wait=WAIT_S))
        serial = timed(lambda: _run(folder))[0]
        wide = timed(lambda: _run(folder, "-n", str(SCENARIOS)))[0]
    yield row("one after the other", serial)
    yield row(f"-n {SCENARIOS}", wide, f"{serial / wide:.1f} times quicker   bound {BOUND:g}")


def _run(folder: Path, *words: str) -> None:
    command = [sys.executable, "-m", "lifecycle.cli", "run", str(folder), *words]
    report = ["--report", str(folder / "report")]
    done = subprocess.run(
        [*command, *report], env=os.environ, capture_output=True, text=True, check=False
    )
    if done.returncode:
        sys.exit(f"the scenarios did not pass, so their time says nothing: {done.stdout}")
