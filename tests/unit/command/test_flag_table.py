from __future__ import annotations

import re
import subprocess
from collections.abc import Callable

import pytest

from lifecycle.checks import lifetime, limits, namespaces, security
from lifecycle.command.flags import SPELLINGS, VERBS, Flag, Verb
from tests.engine.flags_limits import ROWS, UNTRUE

Cli = Callable[..., subprocess.CompletedProcess[str]]

LISTED = re.compile(r"^  (?:(-\w), |    )(--[\w-]+)(?: (\S+))?(?:  |$)")
COMMON = "-t -i --gpus --name -v -p --rm -e -u -w --entrypoint --label --network --hostname"
BUILT = {
    "run": f"{COMMON} --shm-size --cidfile --mount",
    "create": f"{COMMON} --shm-size",
    "exec": "-u -t -i -w -e",
    "save": "-o",
    "export": "-o",
}
KINDS = {
    "": "bool",
    "list": "list",
    "strings": "list",
    "ulimit": "list",
    "mount": "list",
    "network": "list",
    "gpu-request": "list",
    "filter": "list",
    "map": "map",
}
LEGACY_BUILDER_ONLY = {"--platform"}  # one platform there, a list with buildx


def listed(cli: Cli, verb: str) -> dict[str, tuple[str, str]]:
    """The flags that the CLI lists: long spelling, short spelling, type."""
    found = {}
    for line in cli(*verb.split(), "--help").stdout.splitlines():
        match = LISTED.match(line)
        if match:
            found[match[2]] = (match[1] or "", match[3] or "")
    found.pop("--help", None)
    return found


@pytest.mark.parametrize("verb", VERBS.values(), ids=lambda v: v.name)
def test_the_table_has_exactly_the_flags_that_the_cli_lists(cli28: Cli, verb: Verb) -> None:
    known = {f.long: f.short for f in verb.flags if f.source == "cli"}
    assert known == {long: short for long, (short, _) in listed(cli28, verb.name).items()}


@pytest.mark.parametrize("verb", VERBS.values(), ids=lambda v: v.name)
def test_the_table_knows_how_often_each_flag_may_be_given(cli28: Cli, verb: Verb) -> None:
    types = listed(cli28, verb.name)
    wrong = {
        f.long: f.kind
        for f in verb.flags
        if f.source == "cli"
        and f.long not in LEGACY_BUILDER_ONLY
        and f.kind != KINDS.get(types[f.long][1], "value")
    }
    assert not wrong


@pytest.mark.parametrize("verb", VERBS.values(), ids=lambda v: v.name)
def test_every_alias_that_the_cli_lists_is_read(cli28: Cli, verb: Verb) -> None:
    text = cli28(*verb.name.split(), "--help").stdout
    match = re.search(r"^Aliases:\n(.*)$", text, re.MULTILINE)
    for alias in match[1].split(",") if match else ():
        assert SPELLINGS[alias.strip().removeprefix("docker ")] is verb


def test_every_hidden_spelling_is_taken_by_the_cli(cli28: Cli) -> None:
    for words in (
        ("run", "--net", "host", "x"),
        ("run", "--dns-opt", "a", "x"),
        ("run", "--net", "n", "--net-alias", "a", "x"),
        ("stop", "--time", "1", "x"),
        ("update", "--kernel-memory", "5m", "x"),
        ("volume", "create", "--name", "xx"),
    ):
        assert "Cannot connect" in cli28(*words).stderr


def test_no_spelling_belongs_to_two_flags() -> None:
    for verb in VERBS.values():
        spellings = [s for f in verb.flags for s in (f.long, f.short, *f.aliases) if s]
        assert len(spellings) == len(set(spellings)), verb.name


def test_no_row_both_promises_and_says_that_it_promises_nothing() -> None:
    assert not [f for v in VERBS.values() for f in v.flags if f.says and f.none]


@pytest.mark.parametrize("verb", sorted(BUILT))
def test_the_guides_flags_have_their_promises(verb: str) -> None:
    flags: list[Flag] = [VERBS[verb].spellings[s] for s in BUILT[verb].split()]
    assert [f.long for f in flags if not f.says] == []


def test_only_the_last_positional_may_be_left_out_or_repeated() -> None:
    for verb in VERBS.values():
        needed = [not a.optional for a in verb.args]
        assert needed == sorted(needed, reverse=True), verb.name
        assert not any(a.many for a in verb.args[:-1]), verb.name


def test_every_prune_is_known_and_refused() -> None:
    pruned = {name for name in VERBS if name.endswith("prune")}
    assert pruned == {v.name for v in VERBS.values() if v.refused}
    assert len(pruned) == 6


def test_every_limit_and_right_is_shown_kept_on_an_engine_or_says_why_it_can_not_be() -> None:
    judged = {**limits.RULES, **security.RULES, **namespaces.RULES, **lifetime.RULES}
    flags = {f.long: f for f in VERBS["run"].flags if {s.field for s in f.says} & set(judged)}
    shown = {row.flag for row in ROWS}
    assert {name for name, f in flags.items() if f.untested} == set(flags) - shown
    broken = {row.untrue.partition(" ")[0].partition("=")[0] for row in ROWS}
    broken |= {words.partition(" ")[0].partition("=")[0] for _, words, _ in UNTRUE}
    assert set(flags) <= broken
