"""Whatever was done to a text, a secret in it is found where it stands."""

from __future__ import annotations

import html
import json
import re
import shlex
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lifecycle.run.secrets.secrets import HIDDEN, Secrets

VALUE = "Xq7/it's <a> pass+word é&"
LONG = "Xq7/canary+Sesame"


def knowing(*values: str) -> Secrets:
    """The secrets of a run that has used these values."""
    environ = {f"LIFECYCLE_SECRET_N{at}": value for at, value in enumerate(values)}
    made = Secrets(environ)
    assert [made[f"n{at}"] for at in range(len(values))] == [*values]
    return made


@pytest.mark.parametrize(
    "form",
    [
        re.sub("%..", lambda code: code[0].lower(), quote(VALUE, safe="")),
        "".join(f"%{byte:02x}" for byte in VALUE.encode()),
        html.escape(VALUE),
        "".join(f"&#{ord(c)};" for c in VALUE),
        "".join(f"&#x{ord(c):X};" for c in VALUE),
        json.dumps(VALUE).replace("/", r"\/"),
        json.dumps(json.dumps(VALUE)),
        html.escape(quote(VALUE)),
        shlex.quote(VALUE),
        "Xq7/it'\\''s <a> pass+word é&",
        "".join(c if c.isalnum() else f"\\{c}" for c in VALUE),
        "$'" + repr(VALUE.encode())[2:-1].replace("'", r"\'") + "'",
        repr(VALUE),
        VALUE.replace(" ", "+"),
        f"\x1b[1m{VALUE[:5]}\x1b[0;31m{VALUE[5:]}\x1b[0m",
        "\n".join((VALUE[:5], VALUE[5:12], VALUE[12:])),
        "\r\n".join((VALUE[:5], VALUE[5:])),
        VALUE.replace(" pass", "\npass"),
        "\b\0".join(VALUE),
        f"{VALUE[:4]}\x1b]0;a title\x07{VALUE[4:]}",
    ],
)
def test_a_disguised_secret_is_hidden(form: str) -> None:
    redacted = knowing(VALUE).redact(f"before <{form}> after")
    assert redacted.replace("\n", "").strip("'\"$") != form
    assert HIDDEN in redacted
    assert "word" not in redacted
    assert redacted.startswith("before <")
    assert redacted.endswith("> after")


def test_a_screen_keeps_its_lines() -> None:
    screen = f"one\n{'.' * 110}{LONG[:10]}\n{LONG[10:]}\nlast"
    assert knowing(LONG).redact(screen) == f"one\n{'.' * 110}{HIDDEN}\n\nlast"


PLAIN = st.text(
    st.characters(exclude_categories=("Cc", "Cs"), exclude_characters="\\"), max_size=40
)


@given(PLAIN, PLAIN, st.integers(1, len(LONG) - 1))
def test_the_text_round_a_split_secret_stays(before: str, after: str, at: int) -> None:
    split = f"{before}{LONG[:at]}\x1b[31m{LONG[at:]}{after}"
    assert knowing(LONG).redact(split) == f"{before}{HIDDEN}{after}"


@given(st.text(st.sampled_from("%&\\'\x1b[]0aX;#u41\n-"), max_size=60))
def test_no_text_is_changed_that_holds_no_secret(text: str) -> None:
    assert knowing(LONG).redact(text) == text


@pytest.mark.parametrize("text", ["\\" * 200_000, "%41" * 100_000, "&amp;" * 50_000, "a" * 500_000])
def test_a_hostile_text_takes_no_long_time(text: str) -> None:
    assert knowing(LONG).redact(text) == text


def test_overlapping_secrets_are_hidden_as_one() -> None:
    assert knowing("abcdefgh", "fghijkl").redact("<abcdefghijkl>") == f"<{HIDDEN}>"


@pytest.mark.parametrize(
    ("text", "redacted"),
    [
        (f"pw={LONG[:10]}", f"pw={HIDDEN}"),
        (f"pw={LONG[:10]}  \nnext", f"pw={HIDDEN}  \nnext"),
        (f"{LONG[-10:]}: typed", f"{HIDDEN}: typed"),
        (f"first\n{LONG[-8:]}", f"first\n{HIDDEN}"),
        (f"{LONG[:9]}\n[... 5 bytes were cut here ...]\n{LONG[-9:]}", None),
        (LONG[1:], HIDDEN),
    ],
)
def test_half_a_secret_at_the_edge_of_a_line_is_hidden(text: str, redacted: str | None) -> None:
    shown = knowing(LONG).redact_printed(text)
    assert shown == redacted or (redacted is None and shown.count(HIDDEN) == 2)


@pytest.mark.parametrize("text", [LONG[:7], LONG[-7:], f"x{LONG[-10:]}", f"{LONG[:10]}x"])
def test_a_word_that_is_only_like_a_part_of_it_stays(text: str) -> None:
    assert knowing(LONG).redact_printed(text) == text
    assert knowing(LONG).redact(LONG[:-1]) == LONG[:-1]
