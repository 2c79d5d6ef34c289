"""Hypothesis strategies over the flag table: lines that the engine takes, and lies about them."""

from __future__ import annotations

import random
import re
import shlex
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

from lifecycle.command.flags import VERBS, Flag
from lifecycle.command.parse import parse
from lifecycle.command.promise import Promise
from lifecycle.command.promises import promises
from tests.engine.flag_rules import APART
from tests.engine.flag_values import SILENT, Case, Site, cases, exec_cases

TRUE, FALSE = ("true", "1", "T", "True"), ("false", "0", "F", "FALSE")


@dataclass(frozen=True)
class Given:
    """A flag with a value."""

    flag: Flag
    value: str

    @property
    def name(self) -> str:
        """Its long spelling."""
        return self.flag.long


@dataclass(frozen=True)
class Drawn:
    """A line: what is given, in order, how that is written, and what would not be true."""

    verb: str
    on: str
    given: tuple[Given, ...]
    flags: tuple[str, ...]
    lies: Mapping[int, str] = field(default_factory=dict)

    def __str__(self) -> str:
        return f"{shlex.join(self.words)}\nand what is not true: {self.told(*self.lies)}"

    def _repr_pretty_(self, printer: Any, _cycle: bool) -> None:  # noqa: FBT001
        """Show a line as a person reads it, where Hypothesis prints an example."""
        printer.text(str(self))

    def line(self, flags: Iterable[str]) -> list[str]:
        """The whole line with some flags."""
        return ["docker", self.verb, *flags, self.on, "sleep", "600"]

    @property
    def words(self) -> list[str]:
        """The line as it is drawn."""
        return self.line(self.flags)

    def told(self, *lies: int) -> dict[str, str]:
        """The flags of some lies, and their untrue values."""
        return {self.given[at].name: self.lies[at] for at in lies}

    def lying(self, *lies: int, absent: Mapping[str, str] | None = None) -> list[str]:
        """The line with these lies, and flags that it has not; it is written plainly."""
        more = (f"{flag}={value}" for flag, value in (absent or {}).items())
        return self.line([*more, *self._plain({at: self.lies[at] for at in lies})])

    def with_value(self, at: int, value: str) -> list[str]:
        """The line with another value at one place."""
        return self.line(self._plain({at: value}))

    def _plain(self, others: Mapping[int, str]) -> Iterator[str]:
        values = ((g.name, others.get(at, g.value)) for at, g in enumerate(self.given))
        return (f"{name}={value}" for name, value in values)


def hands(site: Site, size: int) -> list[list[str]]:
    """Every flag in one hand, always the same, whose flags go together whatever their values."""
    flags = [*cases(site), *SILENT]
    random.Random(size).shuffle(flags)
    found: list[list[str]] = []
    for flag in flags:
        fitting = (h for h in found if len(h) < size and not any(may_go_apart(flag, o) for o in h))
        home = next(fitting, None)
        if home is None:
            found.append([flag])
        else:
            home.append(flag)
    return found


def said(words: Sequence[str]) -> tuple[Promise, ...]:
    """The promises of a line, whatever the flag was written as."""
    line = parse(words)
    long = {o.written: o.flag for o in line.options}
    return tuple(replace(p, flag=long.get(p.flag, p.flag)) for p in promises(line, read_file=_read))


def _read(path: str) -> str:
    return Path(path).read_text("utf-8")


def _pairs() -> list[tuple[str, str]]:
    pairs = [(apart.one, other) for apart in APART for other in apart.others]
    return [*pairs, *((other, one) for one, other in pairs)]


def go_apart(given: Given, others: Sequence[Given]) -> bool:
    """Whether a flag can't stand beside others in a line whose promises are kept."""
    return any(_is(given, one) and any(_is(g, two) for g in others) for one, two in _pairs())


def may_go_apart(flag: str, other: str) -> bool:
    """Whether some values of two flags can't."""
    names = [(one.partition(" ")[0], two.partition(" ")[0]) for one, two in _pairs()]
    return any(re.fullmatch(one, flag) and re.fullmatch(two, other) for one, two in names)


def _is(given: Given, pattern: str) -> bool:
    flag, _, value = pattern.partition(" ")
    return bool(re.fullmatch(flag, given.name)) and (
        not value or bool(re.fullmatch(value, given.value))
    )


class Combinations:
    """Draws lines of the flags that the CLI has."""

    def __init__(self, site: Site, image: str, listed: Mapping[str, set[str]]) -> None:
        """``listed`` are the flags of each verb that the CLI lists."""
        self._on = {"run": image, "create": image, "exec": site.peer}
        made = cases(site)
        self._cases = {"run": made, "create": made, "exec": exec_cases(site)}
        self._known = {
            verb: [f for f in (*self._cases[verb], *SILENT) if f in names]
            for verb, names in listed.items()
        }

    def shown(self, verb: str) -> set[str]:
        """The flags of a verb that are drawn and promise something."""
        return set(self._known[verb]) - set(SILENT)

    def absent(self, drawn: Drawn) -> dict[str, str]:
        """Flags that can only be lied about by saying them of a container without them."""
        given = {g.name for g in drawn.given}
        made = self._cases[drawn.verb].items()
        return {f: c.said_of_another for f, c in made if c.said_of_another and f not in given}

    def lines(
        self, verbs: Sequence[str], name: str = "", hand: Sequence[str] = ()
    ) -> st.SearchStrategy[Drawn]:
        """Lines of one of these verbs, of the flags of a hand or of any.

        A container that is made gets the name.
        """

        @st.composite
        def one(draw: st.DrawFn) -> Drawn:
            verb = draw(st.sampled_from(verbs))
            given = [*self._given(draw, verb, hand), *_always(verb, name)]
            given = draw(st.permutations(given))
            drawn = Drawn(verb, self._on[verb], tuple(given), tuple(_written(draw, given)))
            return replace(drawn, lies=self._lies(draw, drawn))

        return one().filter(lambda drawn: drawn.lies)

    def _case(self, verb: str, flag: str) -> Case:
        return self._cases[verb].get(flag) or SILENT[flag]

    def _given(self, draw: st.DrawFn, verb: str, hand: Sequence[str]) -> list[Given]:
        known = self._known[verb]
        least = min(8, len(known) // 2)
        names = st.lists(st.sampled_from(known), min_size=least, max_size=18, unique=True)
        found: list[Given] = []
        for flag in [f for f in hand if f in known] or draw(names):
            row = VERBS[verb].spellings[flag]
            for value in draw(self._values(verb, row)):
                wanted = [*self._needed(verb, flag, found), Given(row, value)]
                if not any(go_apart(w, found) for w in wanted):
                    found += wanted
        return found

    def _needed(self, verb: str, flag: str, given: Sequence[Given]) -> list[Given]:
        needed, value = self._case(verb, flag).needs
        if not needed or any(g.name == needed for g in given):
            return []
        return [Given(VERBS[verb].spellings[needed], value)]

    def _values(self, verb: str, row: Flag) -> st.SearchStrategy[list[str]]:
        case = self._case(verb, row.long)
        if row.kind in ("list", "map"):
            return st.lists(case.values, min_size=1, max_size=case.most, unique_by=case.key)
        return st.lists(case.values, min_size=1, max_size=2)

    def _lies(self, draw: st.DrawFn, drawn: Drawn) -> dict[int, str]:
        """For each flag that promises something, the last of it with a value that is untrue."""
        true = said(drawn.words)
        found = {}
        for flag, at in {g.name: at for at, g in enumerate(drawn.given)}.items():
            case = self._cases[drawn.verb].get(flag)
            if case is None or case.said_of_another:
                continue

            def is_untrue(value: str, at: int = at) -> bool:
                return any(p not in true for p in said(drawn.with_value(at, value)))

            values = case.values if case.lies is None else case.lies
            found[at] = draw(values.filter(is_untrue))
        return found


def _always(verb: str, name: str) -> list[Given]:
    """What each line of a verb has, so that it makes what can be looked at."""
    spellings = VERBS[verb].spellings
    named = [Given(spellings["--name"], name)] if name else []
    return named + ([] if verb == "create" else [Given(spellings["--detach"], "true")])


def _written(draw: st.DrawFn, given: Sequence[Given]) -> list[str]:
    """The words of a line, in one of the ways people write them."""
    words: list[str] = []
    cluster = False
    for one in given:
        short = one.flag.short if draw(st.booleans()) else ""
        joins = bool(short) and cluster and draw(st.booleans())
        head = words.pop() + short[1:] if joins else short or _spelling(draw, one.flag)
        if one.flag.kind == "bool":
            written = _switch(draw, head, one.value, bare=joins)
            cluster = bool(short) and written == [head]
        else:
            cluster = False
            written = _valued(draw, head, one.value, short=bool(short))
        words += written
    return words


def _spelling(draw: st.DrawFn, flag: Flag) -> str:
    return draw(st.sampled_from((flag.long, *flag.aliases)))


def _switch(draw: st.DrawFn, head: str, value: str, *, bare: bool) -> list[str]:
    """``-t``, ``--tty`` or ``--tty=1``; only a bare one may have more letters after it."""
    if value == "true" and (bare or draw(st.booleans())):
        return [head]
    return [f"{head}={draw(st.sampled_from(TRUE if value == 'true' else FALSE))}"]


def _valued(draw: st.DrawFn, head: str, value: str, *, short: bool) -> list[str]:
    """``--flag VALUE``, ``--flag=VALUE``, ``-f VALUE``, ``-f=VALUE`` or ``-fVALUE``."""
    joints = (" ", "=", "") if short and value and not value.startswith("=") else (" ", "=")
    joint = draw(st.sampled_from(joints))
    return [head, value] if joint == " " else [f"{head}{joint}{value}"]
