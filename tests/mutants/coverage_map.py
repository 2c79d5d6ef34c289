"""Which test runs which line: found out once for each state of the code and of a test file."""

from __future__ import annotations

import hashlib
import json
import re
import subprocess
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

KEPT = Path(".nox/mutants").absolute()
_HELPER = re.compile(r"^from (tests(?:\.\w+)+) import (.+)$", re.MULTILINE)


@dataclass
class Runs:
    """Seconds of each test that passes, and the tests that run each line of each file."""

    seconds: dict[str, float] = field(default_factory=dict)
    lines: dict[str, dict[int, set[str]]] = field(default_factory=dict)

    def of(self, path: Path, first: int, last: int) -> set[str]:
        """The tests that run one of these lines."""
        lines = self.lines.get(str(path), {})
        return {t for line in range(first, last + 1) for t in lines.get(line, ())}

    def of_file(self, path: Path) -> set[str]:
        """The tests that run anything in a file."""
        return set().union(*self.lines.get(str(path), {}).values())


def traced(files: Sequence[Path]) -> Runs:
    """What these test files run; only those are run again that changed, or whose code did."""
    code = _digest(sorted(Path("lifecycle").rglob("*.py")))
    KEPT.mkdir(parents=True, exist_ok=True)
    kept = {f: KEPT / f"{_digest(_with_helpers(f), code)}.json" for f in files}
    stale = [f for f, at in kept.items() if not at.exists()]
    if stale:
        print(f"mutants: looking which lines {len(stale)} test files run", flush=True)
        words = (*map(str, stale), "--", *(str(kept[f]) for f in stale))
        subprocess.run([sys.executable, "-m", "tests.mutants.trace", *words], check=True)
    runs = Runs()
    for at in kept.values():
        _add(runs, json.loads(at.read_text()))
    return runs


def _add(runs: Runs, told: Mapping[str, Mapping[str, object]]) -> None:
    for test, seconds in told["seconds"].items():
        runs.seconds[test] = float(str(seconds))
    for test, files in told["lines"].items():
        assert isinstance(files, dict)
        if test in runs.seconds:
            for file, numbers in files.items():
                for number in numbers:
                    runs.lines.setdefault(file, {}).setdefault(number, set()).add(test)


def _with_helpers(file: Path) -> list[Path]:
    """A test file and all of tests/ that it stands on."""
    found, left = set(), [file]
    while left:
        one = left.pop()
        if one not in found and one.is_file():
            found.add(one)
            left += [folder / "conftest.py" for folder in one.parents]
            for module, names in _HELPER.findall(one.read_text("utf-8")):
                at = Path(*module.split("."))
                left += [at.with_suffix(".py"), *(at / f"{n.strip()}.py" for n in names.split(","))]
    return sorted(found)


def _digest(files: Iterable[Path], begin: str = "") -> str:
    said = hashlib.sha256(begin.encode())
    for file in files:
        said.update(f"{file}\0".encode() + file.read_bytes() + b"\0")
    return said.hexdigest()[:16]
