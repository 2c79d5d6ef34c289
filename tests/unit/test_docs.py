"""The documentation says what the code says."""

from __future__ import annotations

import ast
import re
import shlex
from pathlib import Path

import pytest

import code_pages
import generate
import noxfile
import own_source
from lifecycle.cli import INTERRUPTED, USAGE_ERROR, parser
from lifecycle.command.flags import VERBS
from lifecycle.command.parse import parse
from lifecycle.scenario.closed_mapping import Closed
from lifecycle.scenario.lab import Lab
from lifecycle.scenario.load import load
from lifecycle.scenario.model import Expect, Inside, Scenario, Step

ROOT = Path(noxfile.__file__).parent
README = ROOT / "README.md"
WRITTEN = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").glob("*.md"))]
PAGES = [*WRITTEN, *sorted((ROOT / "docs" / "reference").glob("*.md"))]
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
CODE = re.compile(r"`([^`\n]+)`")
LINK = re.compile(r"\[[^\]\n]*\]\(([^)\s]+)\)")
OURS = re.compile(r"(?:[\w-]+/)+(?:[\w-]+\.(?:py|yaml|j2|sh|json))?")
TYPED = re.compile(r"(?:^|\|\s|sudo )((?:lifecycle|nox|\./noxw) .*)$")


def typed(page: Path, program: str) -> list[list[str]]:
    """What a page tells a person to type, cut into words; ``2>&1 |`` before it is passed over."""
    text = page.read_text("utf-8")
    lines = [line for _, block in FENCE.findall(text) for line in block.splitlines()]
    lines += CODE.findall(FENCE.sub("", text))
    found = (TYPED.search(line.partition("  #")[0].strip()) for line in lines)
    words = [shlex.split(match[1]) for match in found if match]
    return [w for w in words if w[0] == program]


def headings(page: Path) -> set[str]:
    """The anchors of a page, as GitHub makes them of its headings."""
    text = FENCE.sub("", page.read_text("utf-8"))
    titles = re.findall(r"^#+ (.*)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


def exit_codes(page: Path) -> dict[int, str]:
    rows = re.findall(r"^\| (\d+) \| (.+) \|$", page.read_text("utf-8"), re.MULTILINE)
    return {int(code): meaning for code, meaning in rows}


def test_the_generated_pages_are_current() -> None:
    assert generate.stale_pages() == []


def test_a_stale_page_is_named_and_fails_the_check(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(generate, "REFERENCE", tmp_path / "reference")
    assert generate.main([]) == 0
    assert generate.main(["--check"]) == 0
    (tmp_path / "reference" / "flags.md").write_text("of yesterday")
    capsys.readouterr()
    assert generate.main(["--check"]) == 1
    assert "flags.md is stale" in capsys.readouterr().out


def test_every_verb_that_is_read_has_its_section() -> None:
    text = (ROOT / "docs" / "reference" / "flags.md").read_text("utf-8")
    missing = [v.name for v in VERBS.values() if f"docker {v.name}" not in text]
    assert missing == []


def test_a_class_is_below_its_base_and_met_where_it_is_made_and_caught() -> None:
    known = own_source.errors()
    away = known["lifecycle.engine.errors.EngineAway"]
    assert away.bases == ("lifecycle.engine.errors.EngineError",)
    assert "engine/retry.py" in away.made_in
    # It is caught as one of a tuple that has a name.
    ledger = known["lifecycle.run.ownership.ledger_folder.LedgerError"]
    assert "run/scenario_run.py" in ledger.caught_in


def test_every_time_limit_says_what_it_is_the_limit_of() -> None:
    told = {
        f"{m.file}: {name}": text
        for m in own_source.modules().values()
        for name, _, text in m.limits()
    }
    assert len(told) > 20
    assert [name for name, text in told.items() if not text.startswith("Seconds")] == []


def test_every_layer_is_told_with_what_it_is() -> None:
    rows = [line for line in code_pages.layers_page().splitlines() if line.startswith("| `")]
    told = {cells[1].strip(" `/"): cells[2].strip() for cells in (r.split("|") for r in rows)}
    assert all(told[layer] for layer in own_source.layers())


@pytest.mark.parametrize("page", WRITTEN, ids=lambda p: str(p.relative_to(ROOT)))
def test_every_file_of_ours_that_is_named_is_there(page: Path) -> None:
    named = [word for word in CODE.findall(page.read_text("utf-8")) if OURS.fullmatch(word)]
    places = (ROOT, ROOT / "lifecycle")
    assert [one for one in named if not any((p / one).exists() for p in places)] == []


def test_every_function_of_a_steps_life_is_in_the_file_beside_it() -> None:
    text = (ROOT / "docs" / "architecture.md").read_text("utf-8")
    life = text.partition("## The life of a step")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| `([\w/]+\.py)` \| `([\w.]+)` \|", life, re.MULTILINE)
    assert len(rows) > 10
    for file, name in rows:
        tree = ast.parse((ROOT / "lifecycle" / file).read_text("utf-8"))
        made = {n.name for n in ast.walk(tree) if isinstance(n, ast.ClassDef | ast.FunctionDef)}
        assert set(name.split(".")) <= made, (file, name)


@pytest.mark.parametrize("page", PAGES, ids=lambda p: str(p.relative_to(ROOT)))
def test_every_relative_link_leads_somewhere(page: Path) -> None:
    links = LINK.findall(FENCE.sub("", page.read_text("utf-8")))
    for link in (one for one in links if "://" not in one):
        name, _, anchor = link.partition("#")
        target = (page.parent / name).resolve() if name else page
        assert target.exists(), link
        assert not anchor or anchor in headings(target), link


@pytest.mark.parametrize("page", WRITTEN, ids=lambda p: str(p.relative_to(ROOT)))
def test_every_lifecycle_command_is_one_that_parses(page: Path) -> None:
    for _, *words in typed(page, "lifecycle"):
        at = words.index("--") if "--" in words else len(words)
        given = parser().parse_args(words[:at])
        rest = words[at + 1 :]
        if given.command in {"promises", "hold"} and "..." not in rest:
            parse(rest)


def test_readme_names_the_commands() -> None:
    """So that the test above does not pass for want of commands."""
    named = {words[1] for words in typed(README, "lifecycle")}
    assert {"run", "check", "promises", "hold", "doctor", "explain", "sandbox", "sweep"} <= named


@pytest.mark.parametrize("page", WRITTEN, ids=lambda p: str(p.relative_to(ROOT)))
def test_every_nox_session_that_is_named_is_there(page: Path) -> None:
    source = Path(noxfile.__file__).read_text("utf-8")
    known = re.findall(r'^@session(?:\(name="(.+)"\))?\ndef (\w+)', source, re.MULTILINE)
    sessions = {name or function for name, function in known} | {"NAME"}
    for _, *words in [*typed(page, "nox"), *typed(page, "./noxw")]:
        if words[0] == "-s":
            assert words[1] in sessions


def test_readmes_exit_codes_are_the_codes() -> None:
    codes = exit_codes(README)
    pytests = [code for code in pytest.ExitCode if code <= pytest.ExitCode.NO_TESTS_COLLECTED]
    assert set(codes) == {*map(int, pytests), USAGE_ERROR, INTERRUPTED}
    assert "usage" in codes[USAGE_ERROR]
    assert "nothing was started" in codes[USAGE_ERROR]
    assert "broken" in codes[pytest.ExitCode.TESTS_FAILED]
    assert "interrupted" in codes[pytest.ExitCode.INTERRUPTED]
    assert "interrupted" in codes[INTERRUPTED]


def test_readmes_scenario_is_one(tmp_path: Path) -> None:
    written = [block for kind, block in FENCE.findall(README.read_text("utf-8")) if kind == "yaml"]
    file = tmp_path / "shown.yaml"
    file.write_text(written[0], "utf-8")
    assert load(file).steps


@pytest.mark.parametrize("model", [Scenario, Step, Expect, Inside])
def test_every_key_of_the_format_is_explained(model: type[Closed]) -> None:
    text = (ROOT / "docs" / "scenario-format.md").read_text("utf-8")
    assert [key for key in model.keys() if f"`{key}`" not in text] == []  # noqa: SIM118 - ours


def test_every_value_of_the_lab_is_explained() -> None:
    text = (ROOT / "docs" / "admins.md").read_text("utf-8")
    missing = [key for key in Lab.keys() if f"`{key}`" not in text and f"`{key}." not in text]  # noqa: SIM118 - ours
    assert missing == []


@pytest.mark.parametrize("page", PAGES, ids=lambda p: str(p.relative_to(ROOT)))
def test_no_page_names_a_place_of_the_machine_it_was_written_on(page: Path) -> None:
    assert str(ROOT) not in page.read_text("utf-8")
