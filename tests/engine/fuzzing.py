"""A fuzz of the gate: random lines and requests through real runs, and what they left.

All is drawn first and run then, many lines in one script of one step, so that one run of the
harness serves many. What the engine holds is compared before and after, all of it.
"""

from __future__ import annotations

import io
import json
import random
import re
import tarfile
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from lifecycle.command.flags import VERBS
from lifecycle.run.ownership.ownership import Refusal
from lifecycle.sandbox.info import SandboxInfo
from tests.engine.flag_values import FILES, Site
from tests.engine.fuzz_lines import ARCHIVES, FORMS, Fuzzed, Lines, hands, shares
from tests.engine.fuzz_requests import CLIENT, Raw, Requests, every_endpoint
from tests.engine.harness import Place, Ran
from tests.engine.neighbourhood import WRITE, Engine, Neighbourhood
from tests.engine.whole_picture import differences, look

T = TypeVar("T")
A_SCRIPT = 25
"""Lines of one script."""
AS_A_STEP = FORMS[0]
STEP = "-step"
LINE_LIMIT = 5
"""Seconds that a line may take: one that waits for something is cut short, which is a case, too."""
RUN_LIMIT = 900.0
_SCRIPT = """
cd "$(mktemp -d)"
one() { timeout -k 1 LIMIT bash -c "$2" < /dev/null > LOG.$1 2>&1; echo "exit $?" >> LOG.$1; }
job() { while [ $(jobs -rp | wc -l) -ge 3 ]; do wait -n; done; one "$@" & }
"""
_REFUSED = re.compile(r"lifts this|is left alone|is not let through|can't be (read|judged|known)")
_NO_SUCH = re.compile(r"(?i)no such|not found|does not exist")


@dataclass
class Told:
    """What came of all lines."""

    counts: Counter[str] = field(default_factory=Counter)

    def __str__(self) -> str:
        return ", ".join(f"{count} {what}" for what, count in sorted(self.counts.items()))

    def line(self, said: str) -> None:
        """Count a line by what its log says."""
        text, _, code = said.rpartition("exit ")
        self.counts["lines"] += 1
        if _REFUSED.search(text):
            what = "refused by the gate"
        elif code.strip() == "0":
            what = "done"
        elif code.strip() in {"124", "137"}:
            what = "cut short"
        else:
            what = "names nothing" if _NO_SUCH.search(text) else "other errors"
        self.counts[f"lines {what}"] += 1

    def step(self, step: Mapping[str, Any]) -> None:
        """Count a line that was a step of its own."""
        about = {c["about"] for c in step["checks"] if c["status"] == "broken"}
        self.counts["lines"] += 1
        refused = "refused by the gate" if Refusal.about in about else step["status"]
        self.counts[f"lines as steps {refused}"] += 1

    def request(self, said: str) -> None:
        """Count a request by the beginning of its answer."""
        status = said.split(" ", 2)[1] if said.startswith("HTTP/") else "no answer"
        self.counts["requests"] += 1
        self.counts[f"requests {'refused' if _REFUSED.search(said) else status}"] += 1


@dataclass
class Fuzz:
    """A neighbourhood, and what is drawn to be tried on it."""

    there: Neighbourhood
    place: Place
    start: int
    told: Told = field(default_factory=Told)
    _turn: int = 0

    def __post_init__(self) -> None:
        """Make what lines name besides things of the engine."""
        self.place.folder.chmod(0o755)
        _files(self.there, self.place)
        self.lines = Lines(self.there, self.place.word, str(self.place.folder))
        self.requests = Requests(self.there, self.lines)

    def draw_lines(self, count: int) -> list[Fuzzed]:
        """So many lines: of every verb, and of every flag where there are enough."""
        found: list[Fuzzed] = []
        for name, share in shares(count).items():
            dealt = hands(VERBS[name], share) or [()]
            for at, hand in enumerate(dealt):
                number = share // len(dealt) + (at < share % len(dealt))
                wanted = hand if share > len(VERBS[name].flags) / 4 else ()
                found += self._drawn(self.lines.of(VERBS[name], wanted), number)
        found += self._drawn(self.lines.unread(), max(1, count // 75))
        changing = [self.lines.of(VERBS[name]) for name in ("run", "rm", "rmi", "cp", "build")]
        while len(found) < count:
            found += self._drawn(st.one_of(changing), count - len(found))
        random.Random(self.start).shuffle(found)
        return found[:count]

    def draw_requests(self, count: int) -> list[Raw]:
        """So many requests, to every endpoint where there are enough."""
        endpoints = every_endpoint()[:count]
        more = count - len(endpoints)
        found = [
            raw
            for at, endpoint in enumerate(endpoints)
            for raw in self._drawn(
                self.requests.of(endpoint),
                1 + more // len(endpoints) + (at < more % len(endpoints)),
            )
        ]
        random.Random(self.start).shuffle(found)
        return found[:count]

    def _drawn(self, strategy: st.SearchStrategy[T], count: int) -> list[T]:
        """So many, or all that there are; the first is left out, since it is always the same."""
        found: list[T] = []

        self._turn += 1  # else all strategies would draw alike

        @seed(self.start * 100_000 + self._turn)
        @settings(
            max_examples=count + 1,
            database=None,
            deadline=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(strategy)
        def take(one: T) -> None:
            found.append(one)

        if count:
            take()
        return found[1 : count + 1] or found

    def run(self, lines: Sequence[Fuzzed], requests: Sequence[Raw]) -> Ran:
        """One run of the harness that tries them all."""
        self.place.folder.joinpath("all").mkdir(exist_ok=True)
        last = ("all/*", "logs/*", "script-*.sh")
        for old in (file for pattern in last for file in self.place.folder.glob(pattern)):
            old.unlink()
        logs = self.place.folder / "logs"
        logs.mkdir(exist_ok=True)
        logs.chmod(0o777)
        steps = self._steps([line for line in lines if line.form == AS_A_STEP])
        rest = [line for line in lines if line not in steps.values()]
        scripts = [rest[at : at + A_SCRIPT] for at in range(0, len(rest), A_SCRIPT)]
        for number, script in enumerate(scripts):
            self._script(number, script, logs)
        self._client(requests, logs)
        with self.place.started(*self.place.run_words("--remove-pulled", "all")) as process:
            ran = self.place.ended(process, RUN_LIMIT)
        self._count(logs)
        for name in steps:
            self.told.step(ran.scenario(name)["steps"][0])
        return ran

    def _steps(self, lines: Sequence[Fuzzed]) -> dict[str, Fuzzed]:
        """Make steps of lines, one scenario each, but for those that no scenario may have."""
        written = {f"{at:03}{STEP}": line for at, line in enumerate(lines)}
        for name, line in written.items():
            self._scenario(name, str(line), "10s")
        told = self.place.lifecycle("check", "all").said
        wrong = set(re.findall(rf"(\d+{STEP})\.yaml:\d", told))
        for name in wrong:
            (self.place.folder / "all" / f"{name}.yaml").unlink()
        return {name: line for name, line in written.items() if name not in wrong}

    def _script(self, number: int, lines: Sequence[Fuzzed], logs: Path) -> None:
        log = str(logs / f"line-{number}")
        text = _SCRIPT.replace("LIMIT", str(LINE_LIMIT)).replace("LOG", log)
        text += "".join(f"job {at} {_quoted(str(line))}\n" for at, line in enumerate(lines))
        script = self.place.write(f"script-{number}.sh", f"{text}wait\n")
        self._scenario(f"{number:03}-script", f"bash {script}")

    def _client(self, requests: Sequence[Raw], logs: Path) -> None:
        client = self.place.write("client.py", CLIENT)
        asked = self.place.write("requests", "".join(f"{raw}\n" for raw in requests))
        answers = logs / "requests"
        line = f"bash -c 'python3 {client} {asked} > {answers} 2>&1'"
        self._scenario("999-requests", line)

    def _scenario(self, name: str, command: str, limit: str = "10m") -> None:
        step = json.dumps({"command": command, "timeout": limit})
        self.place.write(f"all/{name}.yaml", f"scenario: {name}\nsteps: [{step}]\n")

    def tell(self) -> None:
        """Print what was tried last, and what each line said."""
        for file in sorted(self.place.folder.glob("script-*.sh")):
            print(file.name, file.read_text(), sep="\n")  # noqa: T201 - shown where a test fails
        for file in sorted(self.place.folder.glob("logs/*")):
            print(file.name, file.read_text(errors="replace")[:2000])  # noqa: T201

    def _count(self, logs: Path) -> None:
        for log in logs.iterdir():
            said = log.read_text(errors="replace")
            if log.name == "requests":
                for line in said.splitlines():
                    self.told.request(line)
            else:
                self.told.line(said)


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "'\\''") + "'"


def site(place: Place, image: dict[str, str]) -> Site:
    """What values of flags name: things of others, by the word of these."""
    mine = Site.here(place, image)
    return Site(f"n{place.word[1:]}", mine.folder, mine.disk, mine.platform)


def moved_in(place: Place, info: SandboxInfo) -> Neighbourhood:
    """Somebody else's things on an engine that is ours alone."""
    engine = Engine(info)
    engine.docker("pull", "-q", info.base_image)
    shown = json.loads(engine.docker("image", "inspect", info.base_image))[0]
    there = Neighbourhood(engine, site(place, shown), info.base_image)
    there.make()
    return there


def _files(there: Neighbourhood, place: Place) -> None:
    """The files that lines name: contexts of builds, archives, and what flags read."""
    for name, text in FILES.items():
        place.write(name, text)
    for name in ("open", "other", "peer"):
        (place.folder / name).mkdir(exist_ok=True)
        (place.folder / name).chmod(0o777)
    for number, text in enumerate(_dockerfiles(there)):
        place.write(f"context-{number}/Dockerfile", text)
    word, small = there.site.word, there.small
    archive = _saved(there)
    named = {
        "theirs": {small: [f"{word}/solo:1"]},
        "new": {small: ["MINE/a:1"]},
        "both": {small: ["MINE/b:1", f"{word}/app:latest"]},
    }
    for name in ARCHIVES[:3]:
        tags = [tag.replace("MINE", place.word) for tag in named[name][small]]
        (place.folder / f"{name}.tar").write_bytes(_retagged(archive, tags))
    (place.folder / "junk.tar").write_bytes(random.Random(0).randbytes(5000))
    (place.folder / "files.tar").write_bytes(_plain_archive())


def _dockerfiles(there: Neighbourhood) -> Iterator[str]:
    word, small = there.site.word, there.small
    moved, remote = there.remote
    victim = there.ids[there.containers[0]][:12]
    yield f"FROM {small}\nRUN {WRITE}\n"
    yield f"FROM {moved}\nLABEL x=1\nRUN true\n"
    stages = f"FROM {small} AS one\nRUN echo one > /one\nFROM {word}/app:1 AS two\n"
    yield f"{stages}COPY --from=one /one /one\nCOPY --from={word}/solo:1 /etc/passwd /p\n"
    yield f'FROM {small}\nRUN echo " ---> Running in {victim}"; false\n'
    yield f"ARG BASE={small}\nFROM $BASE\nRUN true\n"
    yield f"FROM {remote}\nVOLUME /v\nRUN {WRITE}\n"


def _saved(there: Neighbourhood) -> bytes:
    with there.engine.piped("save", there.small) as saved:
        assert saved.stdout is not None
        return saved.stdout.read()


def _retagged(archive: bytes, tags: list[str]) -> bytes:
    """An archive of an image that gives it other tags."""
    made = io.BytesIO()
    with (
        tarfile.open(fileobj=io.BytesIO(archive)) as old,
        tarfile.open(fileobj=made, mode="w") as new,
    ):
        for one in old:
            file = old.extractfile(one) if one.isreg() else None
            held = file.read() if file else b""
            if one.name == "repositories":
                continue
            if one.name == "manifest.json":
                manifest = json.loads(held)
                manifest[0]["RepoTags"] = tags
                held = json.dumps(manifest).encode()
                one.size = len(held)
            new.addfile(one, io.BytesIO(held) if file else None)
    return made.getvalue()


def _plain_archive() -> bytes:
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w") as new:
        new.addfile(tarfile.TarInfo("file"))
    return made.getvalue()


A_RUN = 300
"""Lines of one run: after each, all is compared."""


def tried(fuzz: Fuzz, lines: int, requests: int) -> list[Fuzzed]:
    """Try so many, and hold what the engine has against what it had; returns the lines."""
    every, asked = fuzz.draw_lines(lines), fuzz.draw_requests(requests)
    before = look(fuzz.there)
    for at in range(0, lines, A_RUN):
        end = at + A_RUN
        ran = fuzz.run(every[at:end], asked[at * requests // lines : end * requests // lines])
        for kept in ran.report["kept_on_purpose"]:  # said, and left for the person to remove
            fuzz.there.engine.docker("rmi", kept.partition(" ")[2].partition(": ")[0])
        found = {
            "left behind": ran.report["left_behind"],
            "touched": ran.report["foreign_touched"],
            "faults": faults(ran),
            "differences": differences(before, look(fuzz.there)),
            "ledgers": fuzz.place.ledgers(),
        }
        wrong = {what: one for what, one in found.items() if one}
        if wrong:
            fuzz.tell()
        assert wrong == {}, f"LIFECYCLE_FUZZ={fuzz.start}, of lines {at} to {end}: {wrong}"
    print(f"LIFECYCLE_FUZZ={fuzz.start}: {fuzz.told}")  # noqa: T201 - for who asks with -s
    assert fuzz.told.counts["lines"] == lines
    assert fuzz.told.counts["lines refused by the gate"] > lines / 10, fuzz.told
    assert fuzz.told.counts["lines done"] > lines / 10, fuzz.told
    return every


def faults(ran: Ran) -> list[str]:
    """What of a run is not a refusal: a script fails for no other reason."""
    steps = [(s["name"], step) for s in ran.report["scenarios"] for step in s["steps"]]
    found = [str(step) for _, step in steps if step["status"] == "error"]
    for name, step in steps:
        checks = [c for c in step["checks"] if c["status"] == "broken"]
        ours = [c for c in checks if c["about"] != Refusal.about]
        found += [] if name.endswith(STEP) else map(str, ours)
    return found


def flags_of(lines: Sequence[Fuzzed]) -> set[tuple[str, str]]:
    """The flags that lines have, with their verbs."""
    return {(line.verb, flag) for line in lines for flag in line.flags}
