"""Lines that a CI would obey or fold its log at, made lines that it only shows.

Whatever a container prints ends up in the log of a CI. GitHub, Azure and TeamCity take commands
from it, GitLab and Buildkite make sections of it, and none of them asks who has printed a line.
"""

from __future__ import annotations

import re

_START = r"(?:^|(?<=[\r\n]))"
_STYLES = r"(?:\x1b\[[0-9;]*m)*"
_BLANKS = r"(?:[^\S\r\n]|\x1b\[[0-9;]*m)*"
_COMMAND = re.compile(
    # GitHub's, which may stand after blanks.
    rf"(?P<begin>{_START}{_BLANKS}(?=::)"
    # Buildkite's groups, which may not.
    rf"|{_START}{_STYLES}(?=(?:---|\+\+\+|~~~)(?:\s|\x1b|$)|\^\^\^ +\+\+\+))"
    # Azure's and TeamCity's (##vso[...], ##teamcity[...]) and GitHub's older ones, anywhere.
    r"|(?P<hashes>#)(?=#\w*\[)"
    # GitLab's, which end with a carriage return that is not in a text of ours.
    r"|(?P<section>section_(?:start|end):)(?=\d)"
)
_REMEMBERED = 64


def inert(text: str) -> str:
    """A whole text with nothing in it that a CI obeys."""
    return Inert().make(text)


class Inert:
    """The same for a text that comes in pieces, none of which need be a line."""

    def __init__(self) -> None:
        self._line = ""
        """The last part of the line that is being written."""

    def make(self, text: str) -> str:
        """The next piece, made inert."""
        before = self._line
        whole = before + text
        cut = {match.end() for match in _COMMAND.finditer(before)}
        out: list[str] = []
        done = len(before)
        for match in _COMMAND.finditer(whole):
            if match.end() in cut:
                continue
            # What was written stays: a command that it began is cut in two.
            place = max(match.end(), len(before))
            out += [whole[done:place], _cut(match)]
            done = place
        out.append(whole[done:])
        self._remember(whole)
        return "".join(out)

    def passed(self, text: str) -> str:
        """The next piece as it is, since it is ours."""
        self._remember(self._line + text)
        return text

    def _remember(self, whole: str) -> None:
        line = re.split(r"[\r\n]", whole)[-1]
        # Of a long line only the end matters; it has begun, and no longer with blanks alone.
        self._line = line if len(line) <= _REMEMBERED else "." + line[-_REMEMBERED:]


def _cut(match: re.Match[str]) -> str:
    return "| " if match["begin"] is not None else " "
