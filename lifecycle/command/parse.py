"""Reads a docker command line as the docker CLI does."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from lifecycle.command import name_rules
from lifecycle.command.flag_row import NameRule, switch
from lifecycle.command.flags import SPELLINGS, UNREAD, VERBS, Flag, Verb
from lifecycle.command.line import CommandError, DockerLine, NameAt, Option
from lifecycle.command.values.basic import ImpossibleError, boolean
from lifecycle.text.lines import nearest

_HELP = switch("--help", none="prints the help and does nothing")
_LEAST = 0.5
"""How alike a word and the one that is meant must be: words of Docker are short."""
_ENGINE_FLAGS = frozenset(
    {"-H", "--host", "-c", "--context", "--config", "--tls", "--tlsverify"}
    | {"--tlscacert", "--tlscert", "--tlskey"}
)
_DASHES = frozenset("\u2010\u2011\u2012\u2013\u2014\u2015\u2212\ufe58\ufe63\uff0d\u00ad")
_EM_DASH = "\u2014"


def parse(words: Sequence[str]) -> DockerLine:
    """Read a command line that is already split into words."""
    line = tuple(words)
    if not line or line[0] != "docker":
        raise CommandError(f'"{line[0] if line else ""}" is not docker', hint=_no_docker(line))
    at = _skip_global_flags(line)
    verb, flags_at = _verb(line, at)
    reading = _Reading(line, verb, flags_at)
    reading.run()
    if any(o.flag == "--help" and o.value == "true" for o in reading.options):
        return DockerLine(
            line, verb.name, tuple(reading.options), (), (), len(line), flags_at=flags_at
        )
    return reading.result()


def _no_docker(line: tuple[str, ...]) -> str:
    """What to write where the first word is not docker."""
    if line[:1] == ("sudo",):
        return "leave sudo out"
    if line and line[0].startswith("docker "):
        return "it is all one word: leave out the quotes round the line"
    return "a docker line starts with docker"


def refusal(line: DockerLine) -> str | None:
    """Why a scenario may not use this verb at all; None when it may."""
    return VERBS[line.verb].refused or None


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """The hint that names the nearest known word; empty when none is near."""
    near = nearest(word, known, _LEAST)
    return f"did you mean {near}?" if near else ""


def _skip_global_flags(line: tuple[str, ...]) -> int:
    """The index of the verb; flags that choose another engine are refused."""
    at = 1
    while at < len(line) and line[at].startswith("-") and line[at] not in SPELLINGS:
        name = line[at].partition("=")[0]
        if name in _ENGINE_FLAGS or name[:2] in ("-H", "-c"):
            raise CommandError(
                f"{name} chooses another engine",
                word=at,
                hint="leave it out and use --context of lifecycle, or DOCKER_HOST",
            )
        if name in ("--help", "-h"):
            raise CommandError(f"docker {name} runs no command", word=at, hint="write its verb")
        if name not in ("-D", "--debug", "-l", "--log-level"):
            raise CommandError(f"unknown flag: {name}", word=at, hint="flags follow the verb")
        at += 2 if line[at] in ("-l", "--log-level") else 1
    return at


def _verb(line: tuple[str, ...], at: int) -> tuple[Verb, int]:
    """The verb and the index of the word after it."""
    if at >= len(line):
        raise CommandError("docker without a command", word=len(line) - 1, hint="write its verb")
    _refuse_dash(line[at], at, ())
    for length in (2, 1):
        verb = SPELLINGS.get(" ".join(line[at : at + length]))
        if verb and at + length <= len(line):
            return verb, at + length
    word = line[at]
    group = [s for s in SPELLINGS if s.startswith(f"{word} ")]
    if group and at + 1 < len(line):
        _refuse_dash(line[at + 1], at + 1, ())
        words = f"{word} {line[at + 1]}"
        raise CommandError(
            f"unknown command: docker {words}", word=at + 1, hint=did_you_mean(words, group)
        )
    if group:
        names = ", ".join(sorted(s.split(" ")[1] for s in group))
        raise CommandError(f"docker {word} needs a command", word=at, hint=f"one of {names}")
    if word in UNREAD:
        way = "; bash -c 'docker compose ...' runs it through the gate, and promises nothing"
        way = way if word == "compose" else ""
        raise CommandError(f"docker {word} is not read by lifecycle yet{way}", word=at)
    single = [s for s in SPELLINGS if " " not in s]
    raise CommandError(f"unknown command: docker {word}", word=at, hint=did_you_mean(word, single))


@dataclass
class _Reading:
    """One pass over the words after the verb."""

    line: tuple[str, ...]
    verb: Verb
    at: int
    options: list[Option] = field(default_factory=list)
    args: list[int] = field(default_factory=list)
    names: list[NameAt] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.flags_at = self.at

    def run(self) -> None:
        """Split the words into options and positionals."""
        while self.at < len(self.line):
            word = self.line[self.at]
            if word == "--":
                self.args += range(self.at + 1, len(self.line))
                return
            if word.startswith("--"):
                self._long(word)
            elif word.startswith("-") and word != "-":
                self._cluster(word)
            else:
                _refuse_dash(word, self.at, self.verb.spellings)
                if not self.verb.interspersed:
                    self.args += range(self.at, len(self.line))
                    return
                self.args.append(self.at)
                self.at += 1

    def _long(self, word: str) -> None:
        name, equals, value = word.partition("=")
        if name == "--" or name.startswith("---"):
            raise CommandError(f"bad flag syntax: {word}", word=self.at)
        flag = _HELP if name == "--help" else self.verb.spellings.get(name)
        if flag is None:
            raise self._unknown(name)
        if equals:
            self._option(flag, name, value, (self.at, len(name) + 1))
        elif flag.kind == "bool":
            self._option(flag, name, "true", (self.at, len(name)))
        else:
            self._next_word(flag, name)
        self.at += 1

    def _cluster(self, word: str) -> None:
        """``-tid``, ``-p8080:80``, ``-p=8080:80`` and ``-p 8080:80``."""
        for index in range(1, len(word)):
            name = f"-{word[index]}"
            flag = self.verb.spellings.get(name) or (_HELP if name == "-h" else None)
            if flag is None:
                raise self._unknown_short(name, word)
            rest = word[index + 1 :]
            if rest.startswith("=") and len(rest) > 1:
                self._option(flag, name, rest[1:], (self.at, index + 2))
                break
            if flag.kind == "bool":
                self._option(flag, name, "true", (self.at, index))
            elif rest:
                self._option(flag, name, rest, (self.at, index + 1))
                break
            else:
                self._next_word(flag, name)
        self.at += 1

    def _next_word(self, flag: Flag, name: str) -> None:
        if self.at + 1 >= len(self.line):
            raise CommandError(f"flag needs an argument: {name}", word=self.at)
        self._option(flag, name, self.line[self.at + 1], (self.at + 1, 0), holder=self.at)
        self.at += 1

    def _option(
        self,
        flag: Flag,
        written: str,
        text: str,
        value_at: tuple[int, int],
        *,
        holder: int | None = None,
    ) -> None:
        word, start = value_at
        try:
            value = str(boolean(text)).lower() if flag.kind == "bool" else text
            if flag.kind != "bool":
                flag.read(text)
            self._add_names(flag.names, text, word, start)
        except ImpossibleError as e:
            raise CommandError(
                f"impossible value of {written}: {text or 'nothing'}: {e.message}",
                word=word,
                hint=e.hint,
            ) from None
        index = word if holder is None else holder
        self.options.append(Option(flag.long, written, value, index, value_at))

    def _add_names(self, rule: NameRule, text: str, word: int, start: int) -> None:
        for ref, role, first, last in rule(text):
            self.names.append(NameAt(ref, role, word, start + first, start + last))

    def result(self) -> DockerLine:
        """The finished line, its positionals counted and named."""
        self._count()
        for index, word in enumerate(self.args):
            try:
                self._add_names(self._rule(index), self.line[word], word, 0)
            except ImpossibleError as e:
                raise CommandError(e.message, word=word, hint=e.hint) from None
        line = DockerLine(
            words=self.line,
            verb=self.verb.name,
            options=tuple(self.options),
            args=tuple(self.line[i] for i in self.args),
            names=tuple(sorted(self.names, key=lambda n: (n.word, n.start))),
            first_arg=self.args[0] if self.args else len(self.line),
            flags_at=self.flags_at,
        )
        self.verb.check(line)
        return line

    def _rule(self, index: int) -> NameRule:
        kinds = [o.value for o in self.options if o.flag == "--type"]
        if self.verb.name == "inspect" and kinds:
            return name_rules.of_type(kinds[-1])
        return self.verb.arg(index).names

    def _count(self) -> None:
        least, most, given = self.verb.at_least, self.verb.at_most, len(self.args)
        if given >= least and (most is None or given <= most):
            return
        usage = " ".join(_usage(self.verb))
        raise CommandError(
            f"docker {self.verb.name} {_wanted(least, most)}",
            word=self.args[most] if most is not None and given > most else len(self.line) - 1,
            hint=f"usage: docker {self.verb.name} {usage}".rstrip(),
        )

    def _unknown(self, name: str) -> CommandError:
        known = [f.long for f in self.verb.flags]
        return CommandError(f"unknown flag: {name}", word=self.at, hint=did_you_mean(name, known))

    def _unknown_short(self, name: str, word: str) -> CommandError:
        long = f"-{word}".partition("=")[0]
        hint = f"write {long}" if long in self.verb.spellings else ""
        return CommandError(
            f"unknown shorthand flag: '{name[1:]}' in {word}", word=self.at, hint=hint
        )


def _usage(verb: Verb) -> Iterator[str]:
    for arg in verb.args:
        title = f"{arg.title}..." if arg.many else arg.title
        yield f"[{title}]" if arg.optional else title


def _wanted(least: int, most: int | None) -> str:
    def counted(number: int) -> str:
        return f"{number} argument{'' if number == 1 else 's'}"

    if most == 0:
        return "accepts no arguments"
    if most is None:
        return f"requires at least {counted(least)}"
    if least == most:
        return f"requires {counted(least)}"
    if least == 0:
        return f"requires at most {counted(most)}"
    return f"requires at least {least} and at most {counted(most)}"


def _refuse_dash(word: str, at: int, known: Iterable[str]) -> None:
    """A dash that a word processor made of a hyphen is no flag to docker."""
    dash = word[:1]
    first = next((c for c in word if c != "-"), "")
    if first not in _DASHES or not first:
        return
    dash = first
    rest = word.lstrip("".join((*_DASHES, "-")))
    long = f"--{rest.partition('=')[0]}" in set(known) or dash == _EM_DASH
    hyphens = "--" if long or len(word) - len(rest) > 1 else "-"
    name = unicodedata.name(dash).lower()
    raise CommandError(
        f'"{word}" starts with the character {name} (U+{ord(dash):04X}), not with a hyphen',
        word=at,
        hint=f"write {hyphens}{rest}",
    )
