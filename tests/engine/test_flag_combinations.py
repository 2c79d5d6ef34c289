"""Many flags at once, by the real CLI and daemon: every promise kept, and every lie found out.

``HYPOTHESIS_PROFILE=soak`` draws many more lines, other ones each time; what fails there comes
again with the ``--hypothesis-seed`` that pytest prints.
"""

from __future__ import annotations

import os
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from lifecycle.checks.check import Check
from lifecycle.checks.judge_promise import judge_all
from lifecycle.command.flags import VERBS
from lifecycle.command.parse import parse
from lifecycle.command.promises import promises
from lifecycle.engine.daemon import Daemon
from lifecycle.facts.exec_process import exec_facts
from lifecycle.facts.inside import Probe
from lifecycle.facts.look_inside import look_inside
from lifecycle.facts.model import ContainerFacts, Facts, World
from lifecycle.hold.hold import hold
from lifecycle.machine.gpus import Gpus
from lifecycle.machine.subject import current_subject
from tests.engine.flag_rules import EXEC_NOT_DRAWN, HONEST, NOT_DRAWN
from tests.engine.flag_strategies import Combinations, Drawn, hands
from tests.engine.flag_values import FILES, SILENT, Case, Site, cases, exec_cases
from tests.engine.harness import Place, docker

_COMMON = settings(
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
_IN_CI = settings(_COMMON, derandomize=True, phases=[Phase.generate])
_SOAK = settings(_COMMON, print_blob=True)
PROFILES = {
    "engine": {
        "hands": settings(_IN_CI, max_examples=3),
        "lines": settings(_IN_CI, max_examples=8),
    },
    "soak": {
        "hands": settings(_SOAK, max_examples=30),
        "lines": settings(_SOAK, max_examples=300),
    },
}
PROFILE = PROFILES[os.environ.get("HYPOTHESIS_PROFILE", "engine")]
ANYWHERE = Site("cafe", "/folder", "/dev/disk", "linux/amd64")
HANDS = hands(ANYWHERE, size=14)
VERB_WORDS = ("run", "create", "exec")
LISTED = r"(?<=\s)--[a-z][\w-]+"


class Shop:
    """Where the lines are run, and what has been shown there."""

    def __init__(self, daemon: Daemon, combinations: Combinations, site: Site) -> None:
        none = Gpus("none", (), "not asked")
        self.daemon, self.combinations, self.peer = daemon, combinations, site.peer
        self.world = World(current_subject(), none, shares_machine=daemon.shares_machine)
        self.names = (f"{site.word}-{number}" for number in count())
        self.kept: dict[str, set[str]] = defaultdict(set)
        self.broken: dict[str, set[str]] = defaultdict(set)

    @contextmanager
    def container(self, drawn: Drawn, name: str) -> Iterator[None]:
        """The container that a line makes, as long as it is looked at."""
        try:
            docker(*drawn.words[1:])
            state = "created" if drawn.verb == "create" else "running"
            assert (self.daemon.container(name) or {})["State"]["Status"] == state
            yield
        finally:
            docker("rm", "-fv", name, check=False)

    def held(self, name: str, words: Sequence[str]) -> Found:
        """What a container's checks against a line find."""
        return Found.of(words, hold(self.daemon, name, parse(words), self.world, inside=True))

    def executed(self, words: Sequence[str], exec_id: str) -> Found:
        """What the checks of an exec against a line find."""
        line = parse(words)
        seen = self.daemon.container(self.peer) or {}
        on = ContainerFacts(self.peer, now=seen)
        on.inside = look_inside(self.daemon, self.peer, Probe(), line.last("--user") or "")
        one = exec_facts(self.daemon, exec_id, seen["State"]["Pid"], self.world)
        facts = Facts(self.world, containers={self.peer: on}, exec=one)
        wanted = promises(line, read_file=lambda p: Path(p).read_text("utf-8"))
        return Found.of(words, judge_all(wanted, facts))

    def execs(self) -> set[str]:
        """The execs that run in the peer."""
        return set((self.daemon.container(self.peer) or {}).get("ExecIDs") or [])

    def note(self, drawn: Drawn, true: Found, lying: Found) -> None:
        """Remember which flags were kept, and which lies were found out."""
        self.kept[drawn.verb] |= set(true.with_status("kept"))
        self.broken[drawn.verb] |= set(lying.with_status("broken"))


@dataclass(frozen=True)
class Found:
    """The checks of a line, by the flag that they are about."""

    checks: dict[str, list[Check]]

    @classmethod
    def of(cls, words: Sequence[str], checks: Sequence[Check]) -> Found:
        """Sort checks by the flags of their line; what the verb itself promises is the verb's."""
        line = parse(words)
        long = {o.written: o.flag for o in line.options} | {line.verb: line.verb}
        found = defaultdict(list)
        for check in checks:
            found[long[check.about.partition(":")[0]]].append(check)
        return cls(found)

    def with_status(self, status: str) -> dict[str, list[Check]]:
        """The flags that have a check of this status, with those checks."""
        found = {f: [c for c in checks if c.status == status] for f, checks in self.checks.items()}
        return {flag: checks for flag, checks in found.items() if checks}

    def verdicts(self) -> dict[tuple[str, str], str]:
        """What was said of each promise."""
        every = (c for checks in self.checks.values() for c in checks)
        return {(c.about, repr(c.expected)): c.status for c in every}


def assert_kept(drawn: Drawn, true: Found) -> None:
    """Nothing is broken, each flag that promises was seen, and what was not has its reason."""
    assert true.with_status("broken") == {}, str(drawn)
    assert sorted(true.checks.keys() - true.with_status("kept").keys()) == [], str(drawn)
    unseen = [c for checks in true.with_status("unverified").values() for c in checks]
    dishonest = [c for c in unseen if not any(re.search(why, c.source) for why in HONEST)]
    assert dishonest == [], str(drawn)


def assert_found_out(drawn: Drawn, lying: Found, flags: Iterable[str]) -> None:
    """Each of the flags that lie has a broken check."""
    missed = set(flags) - lying.with_status("broken").keys()
    assert {flag: lying.checks.get(flag) for flag in missed} == {}, str(drawn)


def assert_alone(drawn: Drawn, true: Found, lying: Found) -> None:
    """One lie changes nothing that is said of the promises that both lines make."""
    before, after = true.verdicts(), lying.verdicts()
    both = before.keys() & after.keys()
    assert {p: after[p] for p in both} == {p: before[p] for p in both}, str(drawn)


@pytest.fixture(scope="module")
def shop(shared_place: Place, base_image: str) -> Iterator[Shop]:
    """The network, the container and the files that the lines name."""
    daemon = Daemon(os.environ["DOCKER_HOST"], os.environ)
    site = Site.here(shared_place, daemon.image(base_image) or {})
    for folder in ("open", "other", "peer"):
        (shared_place.folder / folder).mkdir()
    for name, text in FILES.items():
        (shared_place.folder / name).write_text(text, encoding="utf-8")
    four, six = site.prefixes
    subnets = ("--ipv6", "--subnet", f"{six}/64", "--subnet", f"{four}0/24")
    docker("network", "create", *subnets, site.network)
    volumes = ("-v", f"{site.folder}/peer:/peer", "-v", f"{site.word}-p:/named")
    peer = ("-d", f"--name={site.peer}", "--ipc=shareable", *volumes)
    docker("run", *peer, base_image, "sleep", "3600")
    docker("network", "connect", "--ip", f"{four}2", site.network, site.peer)
    listed = {verb: set(re.findall(LISTED, docker(verb, "--help"))) for verb in VERB_WORDS}
    yield Shop(daemon, Combinations(site, base_image, listed), site)
    docker("rm", "-fv", site.peer)
    docker("network", "rm", site.network)
    docker("volume", "rm", *docker("volume", "ls", "-qf", f"name={site.word}").split())
    daemon.close()


def hold_to_truth_and_lies(
    shop: Shop, data: st.DataObject, verbs: Sequence[str], hand: Sequence[str] = ()
) -> None:
    """Make a container by a line; its promises are kept, and nothing that is not true of it."""
    name = next(shop.names)
    drawn = data.draw(shop.combinations.lines(verbs, name, hand))
    one = data.draw(st.sampled_from(sorted(drawn.lies)))
    absent = shop.combinations.absent(drawn)
    with shop.container(drawn, name):
        true = shop.held(name, drawn.words)
        assert_kept(drawn, true)
        alone = shop.held(name, drawn.lying(one))
        assert_found_out(drawn, alone, drawn.told(one))
        assert_alone(drawn, true, alone)
        lying = shop.held(name, drawn.lying(*drawn.lies, absent=absent))
        assert_found_out(drawn, lying, drawn.told(*drawn.lies).keys() | absent.keys())
        shop.note(drawn, true, lying)


@pytest.mark.engine
@pytest.mark.parametrize("hand", HANDS, ids=lambda hand: f"{hand[0]} and {len(hand) - 1} more")
@PROFILE["hands"]
@given(data=st.data())
def test_each_flag_beside_others_is_kept_and_a_lie_about_it_is_found_out(
    shop: Shop, hand: Sequence[str], data: st.DataObject
) -> None:
    hold_to_truth_and_lies(shop, data, ["run"], hand)


@pytest.mark.engine
@PROFILE["lines"]
@given(data=st.data())
def test_a_line_of_any_flags_is_kept_and_its_lies_are_found_out(
    shop: Shop, data: st.DataObject
) -> None:
    hold_to_truth_and_lies(shop, data, ["run", "create"])


@pytest.mark.engine
@PROFILE["lines"]
@given(data=st.data())
def test_an_exec_keeps_all_that_its_line_promises_and_no_lie(
    shop: Shop, data: st.DataObject
) -> None:
    drawn = data.draw(shop.combinations.lines(("exec",)))
    before = shop.execs()
    docker(*drawn.words[1:])
    (exec_id,) = shop.execs() - before
    true = shop.executed(drawn.words, exec_id)
    assert_kept(drawn, true)
    lying = shop.executed(drawn.lying(*drawn.lies), exec_id)
    assert_found_out(drawn, lying, drawn.told(*drawn.lies))
    shop.note(drawn, true, lying)


@pytest.mark.engine
@pytest.mark.parametrize("verb", ["run", "exec"])
def test_every_flag_was_kept_and_found_out_in_some_line(shop: Shop, verb: str) -> None:
    if not shop.kept:
        pytest.skip("no line was drawn before this test")
    every = shop.combinations.shown(verb)
    assert sorted(every - shop.kept[verb]) == []
    assert sorted(every - shop.broken[verb]) == []


@pytest.mark.parametrize(
    ("verb", "drawn", "not_drawn"),
    [
        ("run", cases(ANYWHERE), NOT_DRAWN),
        ("create", cases(ANYWHERE), NOT_DRAWN),
        ("exec", exec_cases(ANYWHERE), EXEC_NOT_DRAWN),
    ],
)
def test_every_flag_that_promises_is_drawn_or_says_why_it_is_not(
    verb: str, drawn: Mapping[str, Case], not_drawn: Mapping[str, str]
) -> None:
    promising = {f.long for f in VERBS[verb].flags if f.says and not f.untested}
    assert sorted([*drawn, *not_drawn]) == sorted(promising)


def test_no_flag_that_is_drawn_as_silent_promises_anything() -> None:
    assert [f.long for f in VERBS["run"].flags if f.long in SILENT and f.says] == []
