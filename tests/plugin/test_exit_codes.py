"""Exit codes are the contract with whoever runs this from a script."""

from __future__ import annotations

import re

import pytest

from tests.engine.harness import Place
from tests.plugin.test_items import PASSING

pytestmark = pytest.mark.engine

UNVERIFIED = """
scenario: unverified
steps:
  - docker run --rm --name=MINE-c --cpu-shares 512 ${{ lab.base_image }} true
"""


def test_0_when_everything_holds(place: Place) -> None:
    ran = place.run(str(place.write("a.yaml", PASSING)))
    assert (ran.exit_code, ran.report["verdict"]) == (0, "PASS")


def test_1_when_something_does_not(place: Place) -> None:
    ran = place.run(str(place.write("a.yaml", PASSING.replace("command: id", "command: 'false'"))))
    assert (ran.exit_code, ran.report["verdict"]) == (1, "FAIL")
    assert ran.statuses() == {"First": "failed", "Clean-up": "passed"}


def test_strict_alone_turns_unverified_into_1(place: Place) -> None:
    file = str(place.write("a.yaml", UNVERIFIED))
    loose, strict = place.run(file), place.run(file, "--strict")
    assert (loose.exit_code, loose.report["verdict"]) == (0, "PASS WITH 1 UNVERIFIED")
    assert (strict.exit_code, strict.report["verdict"]) == (1, "FAIL")


def test_4_for_a_malformed_file_and_nothing_was_started(place: Place) -> None:
    making = PASSING.replace("command: id", "command: docker volume create MINE-v")
    good = place.write("a.yaml", making)
    bad = place.write("b.yaml", PASSING.replace("command: id", "comand: id"))
    other = place.write("c.yaml", making)
    ran = place.run(str(good), str(bad), str(other), "-n", "2")
    assert ran.exit_code == 4
    assert re.fullmatch(r".*b\.yaml:4:\d+: unknown key `comand`.*command: id\n", ran.err), ran.err
    assert ran.out == ""
    assert not ran.folder.exists()
    assert place.ledgers() == []
    assert place.left() == []


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("missing.yaml",), r"missing\.yaml"),
        (("@my-evn",), r"did you mean @my-env\?"),
        (("--set", "lab.prot=1", "a.yaml"), "port"),
        (("--set", "port=1", "a.yaml"), r"expected lab\.K=V"),
        (("--lab", "none.toml", "a.yaml"), r"none\.toml"),
        (("--no-such-option", "a.yaml"), "--no-such-option"),
        ((), "no scenario was named"),
        (("a.yaml", "--", "--no-such-option-of-pytest"), "--no-such-option-of-pytest"),
        (("a.yaml", "--context", "none-MINE"), "none-"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_4_for_usage_in_one_sentence(place: Place, words: tuple[str, ...], says: str) -> None:
    place.write("a.yaml", PASSING)
    ran = place.run(*words)
    assert ran.exit_code == 4, ran.said
    assert re.search(says, ran.err)
    assert "Traceback" not in ran.said
    assert not ran.folder.exists()


def test_5_when_nothing_was_chosen(place: Place) -> None:
    ran = place.run(str(place.write("a.yaml", PASSING)), "--", "-k", "nothing-of-that-name")
    assert ran.exit_code == 5


def test_a_malformed_file_is_a_sentence_to_plain_pytest_too(place: Place) -> None:
    place.write("a.yaml", PASSING)
    ran = place.pytest(str(place.write("b.yaml", PASSING.replace("First,", "First, gpu: no,"))))
    assert ran.exit_code == 2
    assert re.search(r"b\.yaml:4:\d+: .*gpu", ran.out)
    assert "Traceback" not in ran.said
    assert "site-packages" not in ran.said
