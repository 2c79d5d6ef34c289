"""A container's output is shown in a CI's log, and obeyed by no CI."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.engine.harness import Place
from tests.unit.report.test_github import obeyed
from tests.unit.report.test_inert import commands

pytestmark = pytest.mark.engine

LINES = (
    "::set-output name=x::y",
    "   ::add-mask::abcdef",
    "::stop-commands::guess",
    "::error::x",
    "##[group]x",
    "##vso[task.setvariable variable=a]b",
    "##teamcity[buildStop]",
    "--- folded",
    "+++ open",
    "%0A::warning::x",
    "\\033[0Ksection_start:1:evil\\r\\033[0Kx",
)
PRINTS = f"""
scenario: prints
steps:
  - {{write: out.sh, content: "printf '%b\\\\n' {" ".join(f"'{x}'" for x in LINES)}; exit 3"}}
  - name: "::error::a name"
    command: >-
      docker run --rm --name=MINE-c -v ${{{{ run.folder }}}}/out.sh:/out.sh
      ${{{{ lab.base_image }}}} sh /out.sh
    expect: {{output: "nothing\\n::error::expected"}}
""".replace("\\033", "\\\\033").replace("\\r\\\\033", "\\\\r\\\\033")


@pytest.mark.parametrize("how", ["run", "pytest"])
def test_no_line_of_a_container_is_obeyed_and_ours_are(
    place: Place, how: str, tmp_path: Path
) -> None:
    summary = tmp_path / "summary.md"
    place.environ |= {"GITHUB_ACTIONS": "true", "GITHUB_STEP_SUMMARY": str(summary)}
    file = str(place.write("a.yaml", PRINTS))
    ran = place.run(file) if how == "run" else place.pytest("-v", "-rA", file)
    assert ran.exit_code == 1, ran.said
    assert "set-output" in ran.out, "it is shown"
    done = obeyed(ran.out)
    assert done
    where = ("::error file=a.yaml,line=", "::error title=")
    assert [line for line in done if not line.startswith(where)] == []
    ours = {f"::{word}" for word in ("error ", "warning ", "stop-commands::")}
    theirs = [line for line in commands(ran.out) if not line.startswith(tuple(ours))]
    assert len(theirs) <= 2, "only the word that ends the stop, each time"
    assert all(len(line) == 2 + 32 + 2 for line in theirs), theirs
    assert "\x1b" not in ran.out
    assert "section_start:1" not in ran.out
    assert obeyed(summary.read_text()) == []


def test_commands_are_obeyed_again_after_the_run(place: Place) -> None:
    place.environ["GITHUB_ACTIONS"] = "true"
    ran = place.run(str(place.write("a.yaml", "scenario: s\nsteps: [id]\n")))
    assert obeyed(f"{ran.out}::notice::next in the job\n") == ["::notice::next in the job"]


def test_elsewhere_nothing_is_obeyed_either(place: Place) -> None:
    ran = place.run(str(place.write("a.yaml", PRINTS)))
    assert commands(ran.out) == []
    assert "stop-commands::guess" in ran.out
