"""Whatever is typed, the parser answers with a line or with its own error."""

from __future__ import annotations

import json

from hypothesis import given, settings
from hypothesis import strategies as st

from lifecycle.command.flags import SPELLINGS, VERBS
from lifecycle.command.line import CommandError, DockerLine
from lifecycle.command.name_map import NameMap, isolate
from lifecycle.command.parse import parse
from lifecycle.command.promises import promises

TYPED = r"""
all device=0 "device=0,2" " a=b = : :: /a:/b:ro ./a:/b vol:/x 8080:80 [::1]:80:80 1-2:3-4/udp 512m
1.5 -1 name=n,alias=a net type=volume,src=vv,dst=/x type=bind,"source=/a",dst=/b container:c 5s
x@sha256:a me/test 127.0.0.1:5000/me/test:1 c:/path - -- 0123456789ab UPPER
"""
VALUES = [*TYPED.split(), "\u2013ti", ""]
FLAGS = sorted({s for v in VERBS.values() for s in v.spellings} | {"--help", "-h", "--nope", "-zz"})

word = st.sampled_from(VALUES) | st.text(max_size=8)
flag = st.sampled_from(FLAGS)
piece = (
    word
    | flag
    | st.tuples(flag, word).map("=".join)
    | st.tuples(flag, word).map("".join)
    | st.tuples(flag, word).map("".join)
)
verb = st.sampled_from(sorted(SPELLINGS)).map(str.split)
line_like = st.builds(lambda v, rest: ["docker", *v, *rest], verb, st.lists(piece, max_size=8))


def read(words: list[str]) -> DockerLine | None:
    try:
        return parse(words)
    except CommandError as e:
        caught = e
    assert 0 <= caught.word < max(len(words), 1)
    assert caught.message
    return None


@settings(deadline=None)
@given(st.lists(st.text(max_size=12) | piece, max_size=8))
def test_words_of_any_kind_are_a_line_or_an_error(words: list[str]) -> None:
    read(words)
    read(["docker", *words])


@settings(deadline=None)
@given(line_like)
def test_a_line_that_parses_has_its_promises_and_names(words: list[str]) -> None:
    line = read(words)
    if line is None:
        return
    for promise in promises(line, read_file=lambda _: "FROM x\nUSER me\n", cwd="/home/me"):
        assert json.loads(json.dumps(promise.to_json()))["field"] == promise.field
    for name in line.names:
        assert 0 <= name.start < name.end <= len(line.words[name.word])


@settings(deadline=None)
@given(st.lists(line_like, max_size=3))
def test_real_names_parse_again_and_stand_for_the_same_things(lines: list[list[str]]) -> None:
    read_lines = [line for words in lines if (line := read(words))]
    names = NameMap("k3x9q2", as_written=False, isolated=isolate(read_lines))
    for line in read_lines:
        if line.on("--help"):
            continue
        real = parse(names.apply(line))
        assert real.verb == line.verb
        if not names.is_unnamed(line):
            assert {r.kind for r in real.creates} == {r.kind for r in line.creates}
