"""``python -m tests.mutants``: draws mutants of the code and says which the unit tests notice."""

from __future__ import annotations

import argparse
import os
import random
import sys
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from tests.mutants.coverage_map import traced
from tests.mutants.mutate import Mutant, Source, control
from tests.mutants.trial import Trial, Trials, in_a_copy

LAYERS = ("checks", "command", "diagnosis", "facts", "run", "plugin")
ABOVE = ("hold", "report", "cli")
"""Layers whose tests see one of those as well; what a lower one imports is none of them."""


EVERY = 20
"""After so many mutants the code is shown as it is: no test may fail of that."""


def main(words: Sequence[str]) -> int:
    """Draw, show, tell; 1 when fewer than ``--least`` per cent were noticed."""
    asked = _asked(words)
    os.nice(10)
    trials: list[Trial] = []
    false_alarms = 0
    with in_a_copy():
        files = [f for part in asked.of for f in _python(Path("lifecycle", part))]
        drawn = draw(files, asked.count, asked.seed)
        shown = Trials(traced(sorted(f for p in asked.tests for f in _tests(Path(p)))))
        for number, one in enumerate(drawn, 1):
            begun = time.monotonic()
            trials.append(shown.show(one))
            told, at = trials[-1], one.place
            took = f"{told.tests} tests, {time.monotonic() - begun:.0f} s"
            print(f"{number:4} {told.verdict:15} {at.path}:{at.first}  ({took})", flush=True)
            if told.verdict != "killed":
                print(told.mutant.diff, flush=True)
            if number % EVERY == 0:
                false_alarms += shown.show(control(at)).verdict == "killed"
    print(f"\n{false_alarms} of {len(drawn) // EVERY} times a test failed of the code as it is")
    return _tell(trials, asked.least)


def draw(files: Sequence[Path], count: int, seed: int) -> list[Mutant]:
    """So many mutants, each place as likely as any other, of a place one of its mutants."""
    chance = random.Random(seed)
    sources = list(map(Source, files))
    found = [(source, number) for source in sources for number in range(len(source))]
    chosen = chance.sample(found, min(count, len(found)))
    return [source.mutant(number, chance) for source, number in chosen]


def _tell(trials: Sequence[Trial], least: float) -> int:
    survivors = [t for t in trials if t.verdict != "killed"]
    every = Counter(_layer(t) for t in trials)
    left = Counter(_layer(t) for t in survivors)
    for layer, number in sorted(every.items()):
        print(f"{layer:12} {number - left[layer]:4} of {number:4} killed")
    share = 100 * (1 - len(survivors) / max(1, len(trials)))
    print(f"{'all':12} {len(trials) - len(survivors):4} of {len(trials):4} killed: {share:.1f} %")
    return int(share < least)


def _layer(trial: Trial) -> str:
    return trial.mutant.place.path.parts[1]


def _asked(words: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser("nox -s mutants --", description=__doc__)
    parser.add_argument("count", nargs="?", type=int, default=200, help="how many (200)")
    parser.add_argument("--seed", type=int, default=1, help="which (1)")
    parser.add_argument("--of", nargs="+", default=LAYERS, metavar="LAYER[/PART]")
    parser.add_argument("--tests", nargs="+", default=_who_see(), metavar="FOLDER")
    parser.add_argument("--least", type=float, default=92, help="per cent that must be killed (92)")
    return parser.parse_args(words)


def _who_see() -> list[str]:
    """The unit tests that can see a mutant at all."""
    unit = Path("tests/unit")
    folders = (unit / layer for layer in (*LAYERS, *ABOVE))
    return [str(p) for p in (*folders, *unit.glob("test_*.py")) if p.exists()]


def _python(path: Path) -> list[Path]:
    return [path] if path.suffix == ".py" else sorted(path.rglob("*.py"))


def _tests(path: Path) -> list[Path]:
    return [path] if path.suffix == ".py" else sorted(path.rglob("test_*.py"))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
