"""The guide: our run of scenarios/guide.yaml beside guide.sh, the same commands as a shell script.

They run in turn, each from nothing (both remove the image that they built). The harness's own
part of our time is what is left of it without the commands, the facts and the clean-up. It counts
from the first command to the last: opening the run comes before, and is the harness's.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lifecycle.gate.ahead import Ahead
from lifecycle.run import scenario_run
from lifecycle.run.scenario_run import LiveRun
from lifecycle.run.session.options import Options
from lifecycle.run.steps import dialogue, execute, runner, type_step
from lifecycle.scenario.load import load
from lifecycle.scenario.templates import library
from lifecycle.terminal.terminal import Terminal
from tests.bench.timing import median, row, timed

TIMES = 9
HARNESS_BOUND_S = 0.30
SCRIPT_BOUND = 1.08
SCRIPT = Path(__file__).with_name("guide.sh")
LIMIT_S = 180


@dataclass
class Clock:
    """Adds up the time that one thread spends in wrapped calls; within one, no other counts."""

    seconds: dict[str, float] = field(default_factory=dict)
    _thread: int = field(default_factory=threading.get_ident)
    _inside: bool = False

    def wrap(self, kind: str, function: Callable[..., Any]) -> Callable[..., Any]:
        """The function, timed."""

        def counted(*args: Any, **kwargs: Any) -> Any:
            if self._inside or threading.get_ident() != self._thread:
                return function(*args, **kwargs)
            self._inside = True
            begun = time.perf_counter()
            try:
                return function(*args, **kwargs)
            finally:
                self._inside = False
                spent = time.perf_counter() - begun
                self.seconds[kind] = self.seconds.get(kind, 0.0) + spent

        return counted


@contextmanager
def timed_parts() -> Iterator[Clock]:
    """Time what a run does for others: the commands themselves, and the facts."""
    clock = Clock()
    places: list[tuple[Any, str, str]] = [
        (execute, "run_to_end", "commands"),
        (execute, "run_on_terminal", "commands"),
        (dialogue, "send", "commands"),
        (Terminal, "wait_end", "commands"),
        (type_step, "wait_until", "commands"),
        (runner, "look_before", "facts"),
        (runner, "look_after", "facts"),
        (type_step, "look_before", "facts"),
        (type_step, "look_after", "facts"),
        (scenario_run, "open_session", "opening"),
        (scenario_run, "clean_up", "clean-up"),
    ]
    kept = [(owner, name, getattr(owner, name)) for owner, name, _ in places]
    for owner, name, kind in places:
        setattr(owner, name, clock.wrap(kind, getattr(owner, name)))
    try:
        yield clock
    finally:
        for owner, name, original in kept:
            setattr(owner, name, original)


def one_run(use: Callable[[LiveRun], None] = lambda _run: None) -> dict[str, float]:
    """Seconds of one run of the guide, by what they went to; ``use`` may look at it after."""
    ahead = Ahead()
    ahead.start()
    scenario = load(library() / "guide.yaml")
    run = LiveRun(scenario, Options(), lambda _text: None, ahead=ahead)
    with timed_parts() as clock:
        begun = time.perf_counter()
        results = [run.step(index) for index in range(len(run.steps))]
        steps = time.perf_counter() - begun
        results.append(run.finish())
        total = time.perf_counter() - begun
        use(run)
        run.close()
    bad = [f"{r.name}: {r.reason}" for r in results if r.status in {"failed", "error", "not-run"}]
    if bad:
        sys.exit(f"the guide did not pass here, so its time says nothing: {bad[0]}")
    kinds = ("commands", "facts", "clean-up")
    parts = {kind: clock.seconds.get(kind, 0.0) for kind in kinds}
    harness, opening = total - sum(parts.values()), clock.seconds["opening"]
    return {"steps": steps - opening, **parts, "harness": harness, "of that: opening": opening}


def guide() -> Iterator[str]:
    """Ours and the script in turn; then what ours went to."""
    yield f"The guide, medians of {TIMES}"
    with tempfile.TemporaryDirectory() as folder:
        env: dict[str, str] = {}
        one_run(lambda run: env.update(_environment(run, Path(folder))))
        _same_commands()
        runs, scripts = [], []
        for _ in range(TIMES):
            runs.append(one_run())
            scripts.append(timed(lambda: _script(env, Path(folder)))[0])
    ours = {part: median(run[part] for run in runs) for part in runs[0]}
    ratio = f"ours / script {ours['steps'] / median(scripts):5.2f}   bound {SCRIPT_BOUND:.2f}"
    yield row("guide.yaml, first command to last", ours.pop("steps"), ratio)
    yield row("guide.sh, the same commands unchecked", median(scripts))
    for part, seconds in ours.items():
        bound = f"bound {HARNESS_BOUND_S:.2f} s" if part == "harness" else ""
        yield row(f"  of guide.yaml: {part}", seconds, bound)


def _environment(run: LiveRun, folder: Path) -> dict[str, str]:
    """What the script is to be given so that it does what our run did."""
    planned = run._session.plan.steps if run._session else ()
    lines = {s.line.verb: s.line for s in planned if s.line}
    (folder / "dockerfile").write_text(next(s.content for s in planned if s.step.write))
    nas = folder / "nas"
    nas.mkdir()
    nas.chmod(0o777)
    subject = run.facts["subject"]
    gpus = {"GPUS": "all"} if run.facts["host"]["gpus"] else {}
    return {
        **os.environ,
        **gpus,
        "BASE_IMAGE": lines["pull"].names[0].ref.name,
        "DOCKERFILE": str(folder / "dockerfile"),
        "NAME": subject["name"],
        "NAS": str(nas),
        "PORT": str(lines["run"].last("--publish")).partition(":")[0],
        "IMAGE": f"guide-sh-{run.id}",
        "CONTAINER": f"guide-sh-{run.id}",
    }


def _same_commands() -> None:
    """The script's docker lines are the guide's, verb by verb."""
    commands = [step.command or "" for step in load(library() / "guide.yaml").steps]
    wanted = [c.split()[1] for c in commands if c.startswith("docker ")]
    found = re.findall(r"^(?:on_terminal )?docker (\w+)", SCRIPT.read_text(), re.MULTILINE)
    if found != wanted:
        sys.exit(f"{SCRIPT} is not the guide any more: {found}, the guide has {wanted}")


def _script(env: Mapping[str, str], folder: Path) -> None:
    """Run it once, in a folder of its own."""
    with tempfile.TemporaryDirectory(dir=folder) as work:
        done = subprocess.run(
            [SCRIPT],
            env=env,
            cwd=work,
            capture_output=True,
            text=True,
            timeout=LIMIT_S,
            check=False,
        )
    if done.returncode:
        for words in (["rm", "-f", env["CONTAINER"]], ["rmi", env["IMAGE"]]):
            subprocess.run(["docker", *words], env=env, capture_output=True, check=False)
        sys.exit(f"{SCRIPT} ended with {done.returncode}: {done.stderr}{done.stdout}")
