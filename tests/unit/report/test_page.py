"""The page shows everything, loads nothing and runs nothing, whatever it is told to show."""

from __future__ import annotations

import base64
import hashlib
import re
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lifecycle.report.bounds import prepare
from lifecycle.report.labels import LANGUAGES, language
from lifecycle.report.model import RunReport
from lifecycle.report.page import render_page
from lifecycle.report.text import clean
from lifecycle.run.outcome import StepResult
from tests.unit.report.samples import FAILED, HOSTILE_NAMES, PASSED, PULL, hostile, report

ELEMENTS = """
    html head meta title style body header main nav section p h1 h2 h3 ul li b a br bdi span
    div dl dt dd details summary pre code table thead tbody tr th td
"""
ATTRIBUTES = """
    lang charset http-equiv content name class aria-label href id open title data-label
"""


class Page(HTMLParser):
    """What a browser would make of the page: its elements, attributes and text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.open: list[str] = []
        self.text = ""
        self.style = ""
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {key: value or "" for key, value in attrs}))
        if tag not in ("meta", "br"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] == "style":
            self.style += data
        else:
            self.text += data

    def handle_comment(self, data: str) -> None:
        raise AssertionError(data)

    def details(self) -> list[bool]:
        """Which steps are open."""
        return ["open" in attributes for tag, attributes in self.elements if tag == "details"]


def page(run: RunReport) -> Page:
    """The parsed page of a run."""
    return Page(render_page(prepare(run)))


def assert_inert(seen: Page) -> None:
    """Only our own elements and attributes, all closed, and links only within the page."""
    assert seen.open == []
    for tag, attributes in seen.elements:
        assert tag in ELEMENTS.split()
        assert set(attributes) <= set(ATTRIBUTES.split())
        assert attributes.get("href", "#").startswith("#")


@pytest.mark.parametrize("name", HOSTILE_NAMES)
def test_a_hostile_name_is_shown_as_text_and_makes_no_element(name: str) -> None:
    seen, harmless = page(hostile(name)), page(hostile("harmless"))
    assert_inert(seen)
    assert [tag for tag, _ in seen.elements] == [tag for tag, _ in harmless.elements]
    assert clean(name) in seen.text


@given(st.text(st.characters(exclude_categories=()), min_size=1))
def test_no_text_at_all_makes_an_element(text: str) -> None:
    assert_inert(page(hostile(text)))


def test_the_content_policy_allows_nothing_but_this_style() -> None:
    seen = page(report(*FAILED))
    digest = base64.b64encode(hashlib.sha256(seen.style.encode()).digest()).decode()
    [policy] = [
        a["content"] for _, a in seen.elements if a.get("http-equiv") == "Content-Security-Policy"
    ]
    assert policy == (
        f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    )
    assert not re.search(r"url\(|@import", seen.style)


def test_failed_steps_are_open_and_the_others_closed() -> None:
    assert page(report(*FAILED)).details() == [False, False, True, False, False]


def test_every_link_leads_to_a_step_of_the_page() -> None:
    seen = page(report(*FAILED, *FAILED))
    links = [a["href"][1:] for tag, a in seen.elements if tag == "a"]
    assert len(set(links)) == 2
    assert set(links) == {a["id"] for _, a in seen.elements if "id" in a}


def test_a_step_shows_commands_checks_findings_screen_and_time() -> None:
    text = page(report(*FAILED)).text
    for told in (
        "docker run -ti --name=my_test_c -v '/mnt/my nas:/workspace' me/test",
        "docker run -ti --name=my_test_c-k3x9",
        "test -w inside",
        '{"container": "8080/tcp"}',
        "The NAS is mounted read-only on this server",
        "root_squash is on",
        "Ask an admin for this",
        "mount -o remount,rw /mnt/nas100",
        "touch: Read-only file system",
        "1.4 s",
        "no GPU",
        "mina",
        "28.5.1",
    ):
        assert told in text


def test_simulated_gpus_are_called_simulated() -> None:
    assert "nothing here was proved on a real one" not in page(report(*PASSED)).text
    text = page(report(*PASSED, gpu_checks={"simulated": 2})).text
    assert "SIMULATED" in text
    assert "nothing here was proved on a real one" in text


def test_a_cut_screen_says_so() -> None:
    step = StepResult("Log", 1, ran=True, screen="x" * 10**5)
    assert "bytes of this screen were cut" in page(report(step)).text


def test_the_page_speaks_korean() -> None:
    seen = page(report(*FAILED, lang="ko_KR.UTF-8"))
    assert seen.elements[0] == ("html", {"lang": "ko"})
    for told in ("FAIL", "실패한 단계", "기대한 값", "관리자에게 요청하세요"):
        assert told in seen.text


def test_an_unknown_language_is_answered_in_english() -> None:
    assert language("fr") == "en"


def test_all_languages_have_the_same_words() -> None:
    assert {frozenset(words) for words in LANGUAGES.values()} == {frozenset(LANGUAGES["en"])}


def test_a_step_without_anything_to_show_is_shown() -> None:
    assert "Bare" in page(report(PULL, StepResult("Bare", 2, ran=True), engine={})).text
