"""Shows one mutant after the other to the tests, in a copy of the checkout.

The copy is where the process stands: what is edited in the checkout meanwhile does not matter.
"""

from __future__ import annotations

import functools
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import grimp

from tests.mutants.coverage_map import Runs
from tests.mutants.mutate import Mutant

Verdict = Literal["killed", "survived", "seen by no test"]
_COPIED = ("lifecycle", "tests", "scenarios", "docs")
_START_UP_S = 30.0
"""Seconds that pytest itself may take, on a busy machine."""
_SLOWER = 3
"""How many times as long as usual the tests of a mutant may take: one that hangs is killed."""
_LONGEST_S = 30
"""Seconds after which one test is taken to hang."""
_MOST_S = 60.0
"""Seconds of tests that a mutant is shown, those nearest to it first."""
_FAR, _ENOUGH = 4, 300
"""How many imports away tests are looked for, and how many are enough."""
_CODES = {1, 2, 3, 4}
"""Pytest's exit codes where a test failed, or could not even be begun."""


@dataclass(frozen=True)
class Trial:
    """What came of a mutant, and how many tests were to look at it."""

    mutant: Mutant
    verdict: Verdict
    tests: int


class Trials:
    """One file at a time is another than it was."""

    def __init__(self, runs: Runs) -> None:
        self._runs = runs
        self._stamp = int(time.time())

    def show(self, mutant: Mutant) -> Trial:
        """Run the tests that can see it, the nearest first, until one fails.

        Those that run its lines, then others that run anything near: what is kept once it is made
        (a cache, a module's own values) was run for the first test only that needed it.
        """
        place, runs = mutant.place, self._runs
        those = runs.of(place.path, place.first, place.last)
        rounds = [those, _that_import(place.path, runs) - those]
        text, looked = place.path.read_text("utf-8"), 0
        self._write(place.path, mutant.text)
        try:
            for tests in (in_order(place.path, one, runs.seconds) for one in rounds):
                looked += len(tests)
                if tests and self._fails(tests, sum(runs.seconds[t] for t in tests)):
                    return Trial(mutant, "killed", looked)
        finally:
            self._write(place.path, text)
        return Trial(mutant, "survived" if looked else "seen by no test", looked)

    def _write(self, path: Path, text: str) -> None:
        path.write_text(text, "utf-8")
        # What Python compiled is known by the second of its source and the length of that.
        self._stamp += 2
        os.utime(path, (self._stamp, self._stamp))

    def _fails(self, tests: Sequence[str], usual: float) -> bool:
        chosen = Path("chosen.txt")
        chosen.write_text("\n".join(tests))
        words = ["-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", "-p", "no:xdist"]
        words += ["-o", f"faulthandler_timeout={_LONGEST_S}"]
        words += ["-o", "faulthandler_exit_on_timeout=true", f"@{chosen}"]
        with subprocess.Popen(
            [sys.executable, *words],
            env={**os.environ, "PYTHONPATH": str(Path.cwd())},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        ) as process:
            try:
                code = process.wait(_START_UP_S + _SLOWER * usual)
            except subprocess.TimeoutExpired:
                return True
            finally:
                if process.poll() is None:
                    os.killpg(process.pid, signal.SIGKILL)
        return code in _CODES or code < 0


@contextmanager
def in_a_copy() -> Iterator[None]:
    """Stand in a copy of the checkout, which is removed again."""
    checkout = Path.cwd()
    with tempfile.TemporaryDirectory(prefix="lifecycle-mutants-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        for part in _COPIED:
            shutil.copytree(part, folder / part, ignore=shutil.ignore_patterns("__pycache__"))
        for file in (p for p in checkout.iterdir() if p.is_file()):
            shutil.copy2(file, folder)
        os.chdir(folder)
        try:
            yield
        finally:
            os.chdir(checkout)


def in_order(path: Path, tests: Iterable[str], seconds: Mapping[str, float]) -> list[str]:
    """Those of a module's own file, then of each other test one case, for as long as there is time.

    Of a test with a thousand cases the second tells less than another test does.
    """
    cases: Counter[str] = Counter()
    ranked = []
    for test in sorted(tests, key=lambda t: (seconds[t], t)):
        function, far = test.partition("[")[0], _distance(path, test)
        ranked.append((far > 0 and cases[function] + 1, far, seconds[test], test))
        cases[function] += 1
    found: list[str] = []
    took = 0.0
    for *_, test in sorted(ranked):
        took += seconds[test]
        if found and took > _MOST_S:
            break
        found.append(test)
    return found


def _that_import(path: Path, runs: Runs) -> set[str]:
    """The tests that run anything of a module, or of those that import it, as far as it takes."""
    graph = _graph()
    near = {".".join(path.with_suffix("").parts).removesuffix(".__init__")}
    found: set[str] = set()
    for _ in range(_FAR):
        for name in near:
            file = Path(*name.split("."))
            found |= runs.of_file(file.with_suffix(".py")) | runs.of_file(file / "__init__.py")
        if len(found) >= _ENOUGH:
            break
        near = near.union(*map(graph.find_modules_that_directly_import, near))
    return found


@functools.cache
def _graph() -> grimp.ImportGraph:
    return grimp.build_graph("lifecycle", cache_dir=None)


def _distance(path: Path, test: str) -> int:
    """How far a test stands from the place that mirrors a module: 0 for the module's own file."""
    own = ("tests", "unit", *path.parts[1:-1], f"test_{path.stem}")
    there = Path(test.partition("::")[0]).with_suffix("").parts
    shared = sum(1 for _ in _begin(own, there))
    return len(own) - shared


def _begin(one: Sequence[str], other: Sequence[str]) -> Iterator[str]:
    for a, b in zip(one, other, strict=False):
        if a != b:
            return
        yield a
