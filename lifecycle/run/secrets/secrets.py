"""Secrets: from the environment or random for the run, and redacted from all that is written."""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Iterable, Iterator, Mapping

from lifecycle.machine.secret_variables import variable
from lifecycle.run.secrets.encodings import Span, base64_cores, joined, plain_texts, same_alphabet
from lifecycle.text.credentials import SHORTEST

HIDDEN = "[redacted]"
_LEAST_PART, _MOST_PART = 4, 8
"""A part of a secret is looked for from half its length on, within these bounds."""


class SecretError(ValueError):
    """A secret that can't be kept."""


def refuse_short(name: str, value: str) -> None:
    """Raise SecretError for a value that can't be hidden."""
    if len(value) < SHORTEST:
        message = (
            f"{variable(name)} has under {SHORTEST} characters, which can't be redacted "
            "without destroying other words: use a longer one, or unset it for a random one"
        )
        raise SecretError(message)


class Secrets:
    """The namespace ``secret``: a value for any name, made when it is first asked for.

    No Mapping on purpose: nothing can list or copy the values.
    """

    def __init__(self, environ: Mapping[str, str]) -> None:
        """Values come from LIFECYCLE_SECRET_NAME in ``environ`` where set."""
        self._environ = environ
        self._values: dict[str, str] = {}
        self._in_output_only: dict[str, str] = {}

    def __getitem__(self, name: str) -> str:
        """The value of ``secret.NAME``; raises SecretError for one too short to hide."""
        if name.startswith("_"):
            raise KeyError(name)
        if name not in self._values:
            given = self._environ.get(variable(name))
            if given is not None:
                refuse_short(name, given)
            # The tail satisfies the password policies that ask for four kinds of character.
            self._values[name] = given or f"{os.urandom(8).hex()}-Aq7"
        return self._values[name]

    def hide(self, value: str, *, everywhere: bool = True) -> None:
        """Redact a value that is no scenario's secret; one too short to hide stays.

        Without ``everywhere`` only output hides it, and a command may hold it: the author does not
        know of it.
        """
        if len(value) >= SHORTEST:
            (self._values if everywhere else self._in_output_only).setdefault(f"-{value}", value)

    @property
    def asked_for(self) -> frozenset[str]:
        """The names that were asked for so far."""
        return frozenset(self._values)

    def inside(self, text: str) -> bool:
        """Whether any secret stands in a text, in whatever disguise."""
        return bool(_spans(text, self._values.values()))

    def redact(self, text: str) -> str:
        """A text with every secret replaced, also where it is encoded, escaped or split."""
        return _without(text, self.spans(text))

    def redact_printed(self, text: str) -> str:
        """The same for what a program printed, whose lines may begin or end within a secret.

        A screen's edge, a full buffer or a program that was stopped cuts one in two. A small
        part is not looked for: it would be found in innocent words.
        """
        parts = [part for value in self._all_values for part in _parts(value, text)]
        return _without(text, _apart([*self.spans(text), *parts]))

    def spans(self, text: str) -> list[Span]:
        """Where the secrets stand in a text, in order and apart."""
        return _spans(text, self._all_values)

    @property
    def _all_values(self) -> list[str]:
        return [*self._values.values(), *self._in_output_only.values()]


def _spans(text: str, values: Collection[str]) -> list[Span]:
    if not values:
        return []
    words = {form for value in values for form in _as_shown(value)}
    cores = {core for value in values for core in base64_cores(value)}
    spans: list[Span] = []
    for plain in plain_texts(text):
        spans += (plain.origin(*at) for word in words for at in _all(word, plain.text))
        coded = same_alphabet(plain.text)
        spans += (plain.origin(*at) for core in cores for at in _all(core, coded))
    return _apart(spans)


def _as_shown(value: str) -> Iterator[str]:
    """The value, as a form's field has it, and how a screen shows it whose edge splits it."""
    yield value
    yield value.replace(" ", "+")
    whole = joined(value)
    if len(whole) >= SHORTEST:
        yield whole
        # A blank at a screen's edge is not shown at all.
        for blank in re.finditer(" ", whole):
            yield whole[: blank.start()] + whole[blank.end() :]


def _all(word: str, text: str) -> Iterator[Span]:
    """Every place of a word, those that overlap too."""
    at = text.find(word)
    while at >= 0:
        yield at, at + len(word)
        at = text.find(word, at + 1)


def _parts(value: str, text: str) -> Iterator[Span]:
    """Where a line ends with the beginning of the value, or begins with its end."""
    least = max(_LEAST_PART, min(_MOST_PART, (len(value) + 1) // 2))
    for line in re.finditer(r"[^\r\n]+", text):
        shown = line.group().rstrip()
        if len(shown) < least:
            continue
        for at, _ in _all(shown[-least:], value):
            beginning = value[: at + least]
            if shown.endswith(beginning):
                yield line.start() + len(shown) - len(beginning), line.start() + len(shown)
        for at, _ in _all(shown[:least], value):
            if shown.startswith(value[at:]):
                yield line.start(), line.start() + len(value) - at


def _apart(spans: Iterable[Span]) -> list[Span]:
    """The same places in order, those that overlap made one."""
    apart: list[Span] = []
    for start, end in sorted(spans):
        if apart and start < apart[-1][1]:
            apart[-1] = (apart[-1][0], max(end, apart[-1][1]))
        else:
            apart.append((start, end))
    return apart


def _without(text: str, spans: Iterable[Span]) -> str:
    pieces, done = [], 0
    for start, end in spans:
        # Line ends stay, so that a screen keeps its shape.
        pieces += [text[done:start], HIDDEN, "\n" * text.count("\n", start, end)]
        done = end
    return "".join([*pieces, text[done:]])
