"""Exit codes are the contract with whoever runs this from a script."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from lifecycle.cli import main
from tests.engine.harness import Place
from tests.plugin.test_items import PASSING

pytestmark = pytest.mark.engine

UNVERIFIED = """
scenario: unverified
steps:
  - docker run --rm --name=MINE-c --cpu-shares 512 ${{ lab.base_image }} true
"""


def test_1_when_something_does_not_hold_though_nothing_broke(place: Place) -> None:
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
        ((), "no scenario was named"),
        (("a.yaml", "--context", "no-such-context"), "no-such-context"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_4_for_usage_in_one_sentence(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    words: tuple[str, ...],
    says: str,
) -> None:
    (tmp_path / "a.yaml").write_text(PASSING)
    monkeypatch.chdir(tmp_path)
    assert main(["run", "--report", "report", *words]) == 4
    told = capsys.readouterr()
    assert told.out == ""
    assert re.search(says, told.err)
    assert [p.name for p in tmp_path.iterdir()] == ["a.yaml"]


@pytest.mark.parametrize("words", [("--no-such-option",), ("--", "--no-such-option")])
def test_4_for_an_option_that_neither_we_nor_pytest_know(
    place: Place, words: tuple[str, ...]
) -> None:
    ran = place.run(str(place.write("a.yaml", PASSING)), *words)
    assert ran.exit_code == 4, ran.said
    assert "--no-such-option" in ran.err
    assert "Traceback" not in ran.said
    assert not ran.folder.exists()


def test_5_when_nothing_was_chosen(place: Place) -> None:
    ran = place.run(str(place.write("a.yaml", PASSING)), "--", "-k", "nothing-of-that-name")
    assert ran.exit_code == 5


def test_a_gpu_that_was_promised_must_be_looked_at(place: Place) -> None:
    file = str(place.write("a.yaml", PASSING))
    ran = place.run("--gpu", "require", file)
    assert set(ran.statuses().values()) == {"passed"}
    assert (ran.exit_code, ran.report["verdict"]) == (1, "FAIL")
    assert ran.report["gpu_checks"] == {"real": 0, "simulated": 0, "skipped": 0}
    assert re.search("no GPU|GPU check", ran.out), ran.out


def test_a_malformed_file_is_a_sentence_to_plain_pytest_too(place: Place) -> None:
    place.write("a.yaml", PASSING)
    ran = place.pytest(str(place.write("b.yaml", PASSING.replace("First,", "First, gpu: no,"))))
    assert ran.exit_code == 2
    assert re.search(r"b\.yaml:4:\d+: .*gpu", ran.out)
    assert "Traceback" not in ran.said
    assert "site-packages" not in ran.said
