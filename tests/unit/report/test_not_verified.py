"""What the verdict counts as unverified is listed with its reason, on screen and page."""

from __future__ import annotations

import pytest

from lifecycle.checks.check import unverified
from lifecycle.report.labels import LANGUAGES
from lifecycle.run.outcome import Skip, StepResult
from tests.unit.report.samples import GPU, PULL, RUN, WRITE, report
from tests.unit.report.test_page import page
from tests.unit.report.test_summary import summary

REMOVED = StepResult(
    "docker rmi debian",
    9,
    command="docker rmi debian",
    skipped=Skip("it was here before the run", "ours"),
)
PORT = unverified("-p 8080:80 answers", True, "nothing listens there")
OWN = StepResult("Run it", 4, skipped=Skip("no GPU", "gpu"), checks=[PORT])


def told(steps: list[StepResult], lang: str) -> str:
    """The list on the screen, in one line."""
    _, title, rest = summary(report(*steps, lang=lang)).partition(
        LANGUAGES[lang]["what_unverified"]
    )
    assert title
    return " ".join(rest.partition("\n\n")[0].split())


@pytest.mark.parametrize("lang", LANGUAGES)
def test_a_skipped_step_is_in_the_list_with_its_reason(lang: str) -> None:
    assert told([PULL, REMOVED], lang) == "docker rmi debian: it was here before the run"
    run = report(PULL, REMOVED, lang=lang)
    assert run.verdict == "PASS WITH 1 UNVERIFIED"
    shown = page(run).text.partition(LANGUAGES[lang]["what_unverified"])[2]
    assert "docker rmi debian: it was here before the run" in " ".join(shown.split())


def test_one_that_lists_its_own_promises_is_there_with_those() -> None:
    assert told([PULL, OWN], "en") == "-p 8080:80 answers: nothing listens there"


def test_the_list_has_as_many_as_the_verdict_counts_or_says_how_many_more() -> None:
    assert "See the GPUs: no GPU" in told([PULL, GPU, REMOVED], "en")
    many = [PULL, *[REMOVED] * 11, RUN]
    assert told(many, "en").endswith("and 2 more in the report")
    assert "and 2 more in the report" in page(report(*many)).text


def test_without_any_there_is_no_list() -> None:
    title = LANGUAGES["en"]["what_unverified"]
    assert title not in summary(report(PULL, WRITE))
    assert title not in page(report(PULL, WRITE)).text
