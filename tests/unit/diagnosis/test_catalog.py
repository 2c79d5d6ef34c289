"""The catalogue is sound as data."""

import re

import pytest

from lifecycle.diagnosis import catalog
from lifecycle.diagnosis.catalog import Advice, Entry
from lifecycle.diagnosis.evidence import PROBES
from lifecycle.diagnosis.rules import RULES

ENTRIES = catalog.entries()
EACH = pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.id)
QUOTED = re.compile(r"'[^']*\{\w+\}[^']*'|\"[^\"]*\{\w+\}[^\"]*\"")


def test_ids_are_unique() -> None:
    assert len({entry.id for entry in ENTRIES}) == len(ENTRIES)


@EACH
def test_a_finding_says_what_to_do_and_who_can(entry: Entry) -> None:
    assert entry.remedies
    assert all(advice.who in ("user", "admin") for advice in entry.remedies)
    assert all(advice.do and advice.do_ko for advice in entry.remedies)


@EACH
def test_a_finding_is_told_in_english_and_in_korean(entry: Entry) -> None:
    assert entry.cause
    assert re.search("[가-힣]", entry.cause_ko)
    assert not re.search("[가-힣]", entry.cause)


@EACH
def test_a_finding_can_be_matched(entry: Entry) -> None:
    assert entry.patterns or entry.hints


@EACH
def test_a_finding_names_only_rules_probes_and_findings_that_exist(entry: Entry) -> None:
    assert set(entry.probes) <= PROBES.keys()
    assert entry.when in RULES or not entry.when
    assert bool(entry.when) == bool(entry.rivals)
    assert set(entry.beats) <= {other.id for other in ENTRIES}


@EACH
def test_no_hole_of_a_command_lies_within_quotes(entry: Entry) -> None:
    """A value is quoted as one word; within quotes of our own that would end them."""
    for advice in entry.remedies:
        for command in advice.commands:
            holes = [found for found in QUOTED.findall(command) if "{port}" not in found]
            assert not holes, command


def test_what_an_error_says_is_quoted_in_a_command() -> None:
    advice = Advice("user", "mine", "Remove {name}.", "{name} 삭제.", ("docker rm {name}",))
    filled = advice.fill(lambda _: "x; rm -rf ~", "en")
    assert filled.commands == ("docker rm 'x; rm -rf ~'",)


def test_a_hole_that_nothing_fills_reads_as_a_placeholder() -> None:
    advice = Advice("user", "mine", "Start {name}.", "{name} 시작.", ("docker start {name}",))
    assert advice.fill(lambda _: None, "ko").do == "NAME 시작."
    assert advice.fill(lambda _: None, "en").commands == ("docker start NAME",)


def test_go_templates_are_no_holes() -> None:
    advice = Advice("user", "nothing", "", "", ("docker inspect -f '{{.State.Error}}' {name}",))
    assert advice.fill(lambda _: "c", "en").commands == ("docker inspect -f '{{.State.Error}}' c",)


def test_an_unknown_id_is_an_error() -> None:
    with pytest.raises(KeyError):
        catalog.entry("no-such-finding")
