"""Which programs a line runs: best effort, through wrappers and the words of shells.

It never raises. What it can't follow it says, and then every word counts as a program.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Sequence
from itertools import pairwise

from lifecycle.command.host.tables import RESERVED, SHELLS, WRAPPERS, Wrapper

Words = tuple[str, ...]

MOST = 300
"""Programs of a line that are followed."""
LONGEST = 1 << 16
"""Characters of a script that are read."""
_SEPARATOR = re.compile(r"[;&|()]+")
_REDIRECTION = re.compile(r"[<>&|]*[<>][<>&|]*")
_ASSIGNMENT = re.compile(r"[A-Za-z_]\w*\+?=.*", re.DOTALL)
_SUBSTITUTED = re.compile(r"\$\(|`|[<>]\(")
_BLANK = re.compile(r"\s")
_RAW = re.compile(r"[\s;&|()<>`'\"]+")
_TOKEN = re.compile(r"[\w.@+~:/-]+")
_SIGNS = ("-", "+")
_SHELL_VALUES = frozenset({"--rcfile", "--init-file"})
_LINES = frozenset({"eval", "trap"})
_RUNS = frozenset({"-exec", "-execdir", "-ok", "-okdir"})


def program(word: str) -> str:
    """The name of a program, without the folder that it is in."""
    return word.rstrip("/").rpartition("/")[2]


def tokens(words: Sequence[str]) -> Iterator[str]:
    """Whatever may be a program's name, wherever it stands."""
    for word in words:
        for token in _TOKEN.findall(word):
            yield program(token)


def runs(line: Sequence[str]) -> tuple[list[Words], bool]:
    """Each program that a line runs with its arguments, and whether that is all of them.

    Of a wrapper's words those that are its own.
    """
    programs: list[Words] = []
    waiting: list[Words] = [tuple(line)]
    whole = True
    for _ in range(MOST):
        if not waiting:
            break
        words = waiting.pop()
        now = _command(words)
        for assigned in words[: len(words) - len(now)]:
            if _SUBSTITUTED.search(assigned):  # id="$(docker ...)"
                inner, read = script(assigned)
                waiting += (one for one in inner if one not in ((), words))
                whole = whole and read
        if not now:
            continue
        if _BLANK.search(now[0]):  # a whole line in one word
            inner, read = script(" ".join(now))
            own = now if inner == [now] else ()
        else:
            own, inner, read = _inner(now)
        programs += [own] if own else []
        waiting += (one for one in inner if one not in ((), now))
        whole = whole and read
    return programs, whole and not waiting


def script(text: str) -> tuple[list[Words], bool]:
    """The commands of a text for a shell, and whether the text could be read."""
    if len(text) > LONGEST:
        return [], False
    flat = text.replace("\\\n", " ").replace("\n", " ; ").replace("`", " ; ")
    lexer = shlex.shlex(flat, posix=True, punctuation_chars="();<>|&")
    lexer.commenters = ""
    lexer.whitespace_split = True
    try:
        read = list(lexer)
    except ValueError:
        return [(w,) for w in _RAW.split(text) if w], False
    return list(_commands(read)), True


def _commands(read: Sequence[str]) -> Iterator[Words]:
    now: list[str] = []
    into = False
    for piece in read:
        if _REDIRECTION.fullmatch(piece):
            into = True
        elif _SEPARATOR.search(piece) and not _SEPARATOR.sub("", piece).strip("<>"):
            yield tuple(now)
            now, into = [], False
        elif into:
            into = False
        elif piece != "$":
            now.append(piece)
    yield tuple(now)


def _command(words: Words) -> Words:
    """The words from the program on: without assignments and a shell's reserved words."""
    at = 0
    while at < len(words) and (words[at] in RESERVED or _ASSIGNMENT.fullmatch(words[at])):
        at += 1
    return words[at:]


def _inner(words: Words) -> tuple[Words, list[Words], bool]:
    """A program with its own words, what it runs in its turn, and whether that is all."""
    name, own = program(words[0]), words
    inside: list[Words] = []
    texts: list[str] = []
    if name in SHELLS:
        texts = _after_c(words)
    elif name in _LINES:
        texts = [" ".join(words[1:])]
    elif name == "find":
        at = [i for i, w in enumerate(words) if w in _RUNS]
        inside = [words[i + 1 : end] for i, end in pairwise((*at, len(words)))]
    elif name in WRAPPERS:
        rest, texts = _wrapped(words, WRAPPERS[name])
        inside, own = [rest], words[: len(words) - len(rest)]
    whole = True
    for text in (*texts, *(w for w in own if _SUBSTITUTED.search(w))):
        inner, read = script(text)
        inside += inner
        whole = whole and read
    return own, inside, whole


def _after_c(words: Words) -> list[str]:
    """The text after a shell's ``-c``."""
    is_script = False
    before = ""
    for word in words[1:]:
        takes = before in _SHELL_VALUES or (before[:1] in _SIGNS and before[-1:] in {"o", "O"})
        before = word
        if takes:
            continue
        if not word.startswith(_SIGNS):
            return [word] if is_script else []
        is_script = is_script or (not word.startswith("--") and "c" in word)
    return []


def takes_script(words: Words) -> bool:
    """Whether a shell is told what to do in its own words, not by a file or its input."""
    return bool(_after_c(words))


def _wrapped(words: Words, wrapper: Wrapper) -> tuple[Words, list[str]]:
    """The words of the program that a wrapper runs, and the lines that it gives a shell."""
    at, operands, texts = 1, wrapper.operands, []
    while at < len(words):
        word = words[at]
        option, value, width = _option(word, words[at + 1 : at + 2], wrapper)
        if option in wrapper.script:
            rest = " ".join(shlex.quote(w) for w in words[at + width :])
            texts.append(f"{value} {rest}")
            at += width
        elif option or word == "--":
            at += width
        elif _ASSIGNMENT.fullmatch(word) and words[0].endswith("env"):
            at += 1
        elif operands:
            operands, at = operands - 1, at + 1
        else:
            break
    return words[at:], texts


def _option(word: str, following: Words, wrapper: Wrapper) -> tuple[str, str, int]:
    """An option with its value and how many words it takes; empty for another word."""
    after = following[0] if following else ""
    if word.startswith("--"):
        name, equals, value = word.partition("=")
        if equals or name not in wrapper.longs:
            return (name, value, 1) if word != "--" else ("", "", 1)
        return name, after, 2
    if not word.startswith("-"):
        return "", "", 1
    for index, letter in enumerate(word[1:], 1):
        if letter in wrapper.values:
            rest = word[index + 1 :]
            return (f"-{letter}", rest, 1) if rest else (f"-{letter}", after, 2)
    return word, "", 1
