"""A command line cut into words as a shell would, with values in place of shell syntax."""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import groupby
from typing import Literal

from lifecycle.scenario.errors import Mark, ScenarioError
from lifecycle.scenario.expressions import Hole, hole_end
from lifecycle.scenario.marks import Text, place

PastedName = Literal["pwd", "uid", "gid", "user", "home"]

PASTED: dict[str, PastedName] = {
    **dict.fromkeys(("$(pwd)", "${PWD}", "$PWD"), "pwd"),
    **dict.fromkeys(("$(id -u)", "${UID}", "$UID"), "uid"),
    "$(id -g)": "gid",
    **dict.fromkeys(
        ("$(id -un)", "$(whoami)", "${USER}", "$USER", "${LOGNAME}", "$LOGNAME"), "user"
    ),
    **dict.fromkeys(("${HOME}", "$HOME"), "home"),
}
"""What people paste from a shell's command line and mean as a value."""

WHOLE = "bash -c '...' round the whole line"
BASH = f"{WHOLE} or round the container's command, or one step for each command"
ALTERNATIVES = {
    "|": ("a pipe", BASH),
    ">": ("a redirection", "`expect: {output: ...}` to look at it, or bash -c '...'"),
    "<": ("a redirection", "`stdin:` for the step, or bash -c '...'"),
    "&": ("`&`", f"{BASH}; `-d` runs a container in the background"),
    ";": ("`;`", BASH),
    "(": ("`(`", f"quotes round it, or {WHOLE}"),
    ")": ("`)`", f"quotes round it, or {WHOLE}"),
    "`": ("a backtick", "`vars:` and ${{ }}, or $(pwd), $(id -u), $(id -g), $(id -un)"),
    "*": ("`*`, which a shell fills in", "the names written out, or quotes round it"),
    "?": ("`?`, which a shell fills in", "quotes round it"),
    "[": ("`[`, which a shell fills in", "quotes round it"),
}
DOLLAR = "${{ }}, one of $PWD $HOME $USER $(pwd) $(id -u) $(id -g) $(id -un), or single quotes"
SUBSTITUTED = f"its value written out, $(pwd), $(id -u), $(id -g), $(id -un), or {WHOLE}"
EDITORS = ("vi", "vim", "nano", "emacs", "ed")
PROMPT = re.compile(
    r"\s*(?P<prompt>(?:\([\w.-]+\)\s+)?"
    r"(?:\[[\w.-]+@[\w.-]+[^\]\n]*\]|[\w.-]+@[\w.-]+(?::\S*?)?|(?:ba|da|z|k)?sh-[\d.]+)?"
    r"\s?[$#%>\u276f\u279c\xbb])\s+(?P<line>\S.*)",
    re.DOTALL,
)
"""A shell's prompt that was copied with the command after it."""
# Runs of characters that mean nothing to a shell, outside quotes and inside either kind.
_ORDINARY = re.compile(r"[^\s'\"\\$|<>&;()`*?\[#~{]+")
_SINGLE = re.compile(r"[^'$]+")
_DOUBLE = re.compile(r'[^"\\$`]+')
BRACES = re.compile(r"\{[^{}\s]*(,|\.\.)[^{}\s]*\}")


@dataclass(frozen=True)
class Pasted:
    """A shell word that stands for a value: ``$(pwd)``, ``~`` and their like."""

    name: PastedName


Part = str | Hole | Pasted


@dataclass(frozen=True)
class Word:
    """One argument: literal text, holes and pasted values, joined; ``mark`` is its first place."""

    parts: tuple[Part, ...]
    mark: Mark

    @property
    def literal(self) -> str | None:
        """The word's text when nothing in it waits for a value."""
        return None if any(not isinstance(p, str) for p in self.parts) else "".join(self.parts)  # type: ignore[arg-type]


def split(text: str, mark: Mark) -> tuple[Word, ...]:
    """The words of a command; raises ScenarioError for syntax that needs a shell."""
    prompt = PROMPT.match(text)
    if prompt:
        problem = f"`{prompt['prompt'].strip()}`, a shell's prompt copied with the line"
        raise ScenarioError(mark, problem, "the command alone", prompt["line"].strip())
    words = _Splitter(text, mark).words()
    if not words:
        raise ScenarioError(mark, "an empty command", "a command", "docker ps")
    _first_word(words)
    return words


class _Splitter:
    """Walks the text once, keeping the word that is being read."""

    def __init__(self, text: str, mark: Mark) -> None:
        self.text = text
        self.end = len(text.rstrip(" \t\r\n"))
        self.mark = mark
        self.at = 0
        self.start: int | None = None
        self.parts: list[Part] = []
        self.done: list[Word] = []

    def words(self) -> tuple[Word, ...]:
        while self.at < self.end:
            self._step()
        self._close()
        return tuple(self.done)

    def _step(self) -> None:
        char = self.text[self.at]
        if run := _ORDINARY.match(self.text, self.at, self.end):
            self._take(run[0], len(run[0]))
        elif self.text.startswith("${{", self.at):
            self._hole()
        elif char == "'":
            self._single()
        elif char == '"':
            self._double()
        elif char == "\\":
            self._backslash()
        elif char in " \t\r":
            self._blank()
        elif char == "\n":
            self._newline()
        else:
            self._plain(char)

    def _plain(self, char: str) -> None:
        if char in ALTERNATIVES:
            what, instead = ALTERNATIVES[char]
            raise self._error(f"{what} outside quotes; commands go through no shell", instead)
        if char.isspace():
            raise self._error(f"a blank that no shell knows (U+{ord(char):04X})", "a plain space")
        if char == "#" and self.start is None:
            raise self._error("`#`, which begins a comment", "a YAML comment above the step", r"\#")
        if char == "~" and self.start is None:
            self._tilde()
        elif char == "$":
            self._dollar()
        elif char == "{" and BRACES.match(self.text, self.at):
            raise self._error(
                "braces that a shell would spread", "the words written out, or quotes"
            )
        else:
            self._take(char)

    def _take(self, part: Part, width: int = 1) -> None:
        if self.start is None:
            self.start = self.at
        self.parts.append(part)
        self.at += width

    def _close(self) -> None:
        if self.start is not None:
            mark = place(self.text, self.mark, self.start)
            self.done.append(Word(_joined(self.parts), mark))
        self.start, self.parts = None, []

    def _blank(self) -> None:
        self._close()
        self.at += 1

    def _newline(self) -> None:
        # In a folded block (`>`) the author only indented a line further; elsewhere it is a break.
        if not (isinstance(self.text, Text) and self.text.style == ">"):
            self.at += 1
            while self.at < self.end and self.text[self.at].isspace():
                self.at += 1
            raise self._error(
                "a second line, which a shell would run as another command",
                "one step for each command, or a backslash at the end of the line before",
            )
        self._blank()

    def _hole(self) -> None:
        end = hole_end(self.text, self.at, self.mark)
        expression = self.text[self.at + 3 : end - 2].strip()
        self._take(Hole(expression, place(self.text, self.mark, self.at)), end - self.at)

    def _backslash(self) -> None:
        following = self.text[self.at + 1 : self.at + 2]
        folded = isinstance(self.text, Text) and self.text.ends_line(self.at)
        if following in ("", "\n") or folded or self.text.startswith("\\\r\n", self.at):
            self._close()
            self.at += 3 if following == "\r" else 2
        else:
            self._take(following, 2)

    def _single(self) -> None:
        self._take("", 1)
        while self.at < len(self.text):
            if self.text.startswith("${{", self.at):
                self._hole()
            elif self.text[self.at] == "'":
                self.at += 1
                return
            else:
                run = _SINGLE.match(self.text, self.at)
                self._take(run[0] if run else "$", len(run[0]) if run else 1)
        raise self._unclosed("'")

    def _double(self) -> None:
        self._take("", 1)
        while self.at < len(self.text):
            char = self.text[self.at]
            following = self.text[self.at + 1 : self.at + 2]
            if self.text.startswith("${{", self.at):
                self._hole()
            elif char == '"':
                self.at += 1
                return
            elif char == "\\" and following == "\n":
                self.at += 2
            elif char == "\\" and following and following in '$`"\\':
                self._take(following, 2)
            elif char == "$":
                self._dollar()
            elif char == "`":
                raise self._error("a backtick inside double quotes", "single quotes, or $(pwd)")
            else:
                run = _DOUBLE.match(self.text, self.at)
                self._take(run[0] if run else char, len(run[0]) if run else 1)
        raise self._unclosed('"')

    def _unclosed(self, quote: str) -> ScenarioError:
        self.at = max(self.text.rfind(quote, 0, self.at), 0)
        return self._error(f"a {quote} that is never closed", "the quote closed")

    def _dollar(self) -> None:
        for written, name in PASTED.items():
            after = self.at + len(written)
            if self.text.startswith(written, self.at) and (
                written[-1] in ")}" or not re.match(r"\w", self.text[after : after + 1])
            ):
                self._take(Pasted(name), len(written))
                return
        shell = re.compile(r"\$(\w+|\([^)\n]{0,60}\)?|\{[^}\s]*\}?|[?$!#@*'\"-])").match(
            self.text, self.at
        )
        if shell is None:
            self._take("$")
            return
        instead = SUBSTITUTED if shell[1].startswith("(") else DOLLAR
        raise self._error(f"`{shell[0]}`, which only a shell can fill in", instead)

    def _tilde(self) -> None:
        following = self.text[self.at + 1 : self.at + 2]
        if following and following not in "/ \t\r\n":
            raise self._error("`~` of another user", "the whole path, or ~/ for your own home")
        self._take(Pasted("home"))

    def _error(self, problem: str, expected: str, corrected: str = "") -> ScenarioError:
        return ScenarioError(place(self.text, self.mark, self.at), problem, expected, corrected)


def _joined(parts: list[Part]) -> tuple[Part, ...]:
    if len(parts) == 1:
        return tuple(parts)
    joined: list[Part] = []
    for is_text, group in groupby(parts, lambda part: isinstance(part, str)):
        run = list(group)
        joined += ["".join(map(str, run))] if is_text else run
    return tuple(p for p in joined if p != "") or ("",)


def _first_word(words: tuple[Word, ...]) -> None:
    first = words[0].literal or ""
    second = words[1].literal if len(words) > 1 else ""
    at = words[0].mark
    if first in ("cd", "pushd"):
        raise ScenarioError(
            at,
            f"`{first}`, which moves only a shell",
            "full paths: every command runs in the run's own work folder",
        )
    if first in EDITORS:
        target = second or "FILE"
        raise ScenarioError(
            at,
            f"`{first}`, an editor that waits for a person",
            "a `write` step with `template` or `content`",
            f"- {{write: {target}, content: ...}}",
        )
    if first in ("export", "source", ".", "alias", "unset") or re.match(r"[A-Za-z_]\w*=", first):
        raise ScenarioError(
            at,
            f"`{first}`, which changes only a shell",
            "`-e NAME=VALUE` on the docker line, `vars:` for values, or bash -c '...'",
        )
    if first == "sudo" and second == "docker":
        raise ScenarioError(
            at,
            "`sudo docker`",
            "docker without sudo: the person is in the docker group (`id` shows it)",
            "docker ...",
        )
