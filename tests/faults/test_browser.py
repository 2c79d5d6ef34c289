"""In a real browser: nothing that a name or an output says becomes an element or a script."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from html.parser import HTMLParser

import pytest

from lifecycle.report.bounds import prepare
from lifecycle.report.model import RunReport
from lifecycle.report.page import render_page
from tests.engine.harness import Place
from tests.unit.report.samples import HOSTILE_NAMES, hostile

OWNED = "document.title='OWNED';document.documentElement.setAttribute('owned','1')"
SCRIPTS = (
    f"<script>{OWNED}</script>",
    f"</style><script>{OWNED}</script>",
    f"</title><script>{OWNED}</script>",
    f"</pre></details></main><script>{OWNED}</script>",
    f'"><img src=x onerror="{OWNED}">',
    f"'><svg/onload={OWNED}>",
    f'" autofocus onfocus="{OWNED}" x="',
    f'"><iframe srcdoc="<script>parent.{OWNED}</script>"></iframe>',
    f'"><a href="javascript:{OWNED}" id=s1-1-1>click</a>',
    f'"><meta http-equiv=refresh content="0;url=javascript:{OWNED}">',
    '"><base href="https://example.invalid/"><link rel=stylesheet href=x>',
    f'"><form action="javascript:{OWNED}"><input autofocus></form>',
    f'"><object data="data:text/html,<script>{OWNED}</script>"></object>',
    '"><style>@import "https://example.invalid/x.css"; body { display: none }</style>',
    f"<!--<script>--><script>{OWNED}//</script>",
    f"<math><mtext></form><form><mglyph><style></math><img src onerror={OWNED}>",
    f"&lt;script&gt;{OWNED}&lt;/script&gt;",
    f"javascript:{OWNED}",
    f"+ADw-script+AD4-{OWNED}+ADw-/script+AD4-",
    f"\x1b[31m<script>{OWNED}</script>\x1b]8;;javascript:{OWNED}\x07link\x1b]8;;\x07",
    f"\u202e>tpircs<\u2066<script>{OWNED}</script>",
    f"{{{{ 7*7 }}}}{{% raw %}}<script>{OWNED}</script>",
)


class Shape(HTMLParser):
    """What a page came to in the browser: its title, its text, its elements with attributes."""

    def __init__(self, dom: str) -> None:
        super().__init__()
        self.elements: Counter[tuple[str, ...]] = Counter()
        self.links: list[str] = []
        self.inside = ""
        self.title = self.text = ""
        self.feed(dom)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements[tag, *sorted(name for name, _ in attrs)] += 1
        self.links += [value or "" for name, value in attrs if name in {"href", "src"}]
        self.inside = tag

    def handle_endtag(self, _tag: str) -> None:
        self.inside = ""

    def handle_data(self, data: str) -> None:
        if self.inside == "title":
            self.title += data
        elif self.inside != "style":
            self.text += data


Browse = Callable[[str], Shape]


@pytest.fixture(scope="module")
def browse(tmp_path_factory: pytest.TempPathFactory) -> Browse:
    """Opens a page in a browser that reaches nothing, and reads it back as it is then."""
    program = shutil.which("chromium") or shutil.which("google-chrome")
    if program is None:
        pytest.skip("needs a browser; on Debian: apt-get install chromium")
    folder = tmp_path_factory.mktemp("browser")

    def open_page(text: str) -> Shape:
        page = folder / "index.html"
        page.write_text(text, encoding="utf-8")
        flags = (
            *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
            *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
            *("--disable-extensions", "--disable-dev-shm-usage", "--host-rules=MAP * ~NOTFOUND"),
            *(f"--user-data-dir={folder / 'profile'}", "--virtual-time-budget=2000"),
        )
        ran = subprocess.run(
            [program, *flags, "--dump-dom", page.as_uri()],
            capture_output=True,
            text=True,
            timeout=120,
            check=True,
            env={**os.environ, "HOME": str(folder)},
        )
        return Shape(ran.stdout)

    return open_page


def page(report: RunReport) -> str:
    return render_page(prepare(report))


def without_policy(text: str) -> str:
    """The page as it were without what its head forbids: escaping alone must do."""
    bare, replaced = re.subn(r'<meta http-equiv="Content-Security-Policy"[^>]*>', "", text)
    assert replaced == 1
    return bare


def of_each(texts: Sequence[str]) -> RunReport:
    """A report with a scenario for each text, and with all of them in every fact of the run."""
    every = [hostile(text).scenarios[0] for text in texts]
    return replace(hostile("\n".join(texts)), scenarios=every)


@pytest.mark.parametrize("policy", [True, False], ids=["with policy", "without"])
def test_hostile_text_runs_nothing_and_makes_no_element(browse: Browse, *, policy: bool) -> None:
    as_shown: Callable[[str], str] = str if policy else without_policy
    texts = (*SCRIPTS, *HOSTILE_NAMES)
    seen = browse(as_shown(page(of_each(texts))))
    harmless = browse(as_shown(page(of_each(["harmless"] * len(texts)))))
    assert seen.title.startswith("FAIL")
    assert seen.text.count(OWNED) > len(SCRIPTS)
    assert seen.elements == harmless.elements
    assert {link[0] for link in seen.links} == {"#"}


def test_a_script_that_escaping_had_let_through_is_blocked_by_the_policy(browse: Browse) -> None:
    whole = page(hostile("harmless"))
    injected = f"<script>{OWNED}</script><img src=x onerror={OWNED}></body>"
    through = whole.replace("</body>", injected)
    assert browse(without_policy(through)).title == "OWNED"
    blocked = browse(through)
    assert blocked.title.startswith("FAIL")
    assert blocked.elements["script",] == 1


RUN = """
scenario: NAME
steps:
  - name: NAME
    command: >-
      docker run --rm --name=MINE-h ${{ lab.base_image }}
      bash -c 'printf "%b" "$0"; exit 3' 'SAID'
"""


@pytest.mark.engine
def test_what_a_container_printed_is_inert_in_the_report_of_its_run(
    browse: Browse, place: Place
) -> None:
    def ran(word: str, name: str, said: str) -> Shape:
        quoted = name.replace("'", "''")
        text = RUN.replace("SAID", said)
        text = text.replace("NAME", f"'{quoted}'")
        run = place.run(str(place.write(f"{word}.yaml", text)))
        assert run.exit_code == 1, run.said
        assert word in run.step(name)["screen"]
        return browse((run.folder / "index.html").read_text())

    marked = f"owned <script>{OWNED.replace(chr(39), chr(34))}</script>"
    hostile_run = ran("owned", f'"><img src=x onerror="{OWNED}">', f"{marked}\\033[31m\\033]0;t\\a")
    harmless = ran("plain", "harmless", "plain")
    assert hostile_run.title.startswith("FAIL")
    assert hostile_run.elements == harmless.elements
