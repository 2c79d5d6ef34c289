"""Writes docs/reference from the code's own tables; ``--check`` only names the stale pages."""

from __future__ import annotations

import argparse
import shlex
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from code_pages import errors_page, layers_page, limits_page
from lifecycle.checks.table import RULES
from lifecycle.cli import parser
from lifecycle.command.flags import UNREAD, VERBS, Flag, Verb
from lifecycle.command.parse import parse
from lifecycle.command.promise import Promise
from lifecycle.command.promises import promises
from lifecycle.command.values.structured import as_json
from lifecycle.diagnosis.allowed_remedies import SHOWN
from lifecycle.diagnosis.catalog import Entry, entries
from markdown_text import code, page, prose, table
from schema_pages import report_page, scenario_page

REFERENCE = Path(__file__).parent / "reference"

PLACES = {"inspect": "inspect", "inside": "inside the container", "host": "outside, on the host"}


def main(words: Sequence[str]) -> int:
    """Write the pages, or with ``--check`` exit 1 when one is not what the code says."""
    check = list(words) == ["--check"]
    if words and not check:
        sys.stderr.write("usage: python docs/generate.py [--check]\n")
        return 4
    stale = stale_pages()
    for name in stale:
        if check:
            sys.stdout.write(f"docs/reference/{name} is stale: run python docs/generate.py\n")
        else:
            REFERENCE.mkdir(exist_ok=True)
            (REFERENCE / name).write_text(PAGES[name](), "utf-8")
            sys.stdout.write(f"wrote docs/reference/{name}\n")
    return int(check and bool(stale))


def stale_pages() -> list[str]:
    """The pages that are missing or differ from what the code says."""
    return [
        name
        for name, page in PAGES.items()
        if not (REFERENCE / name).is_file() or (REFERENCE / name).read_text("utf-8") != page()
    ]


# -- flags ---------------------------------------------------------------------------------------


def flags_page() -> str:
    """Every verb and flag: what it promises and where that is seen, or why it promises nothing."""
    read = [v for v in VERBS.values() if not v.refused]
    rows = [(v, f) for v in read for f in v.flags]
    kinds = [_coverage(f) for _, f in rows]
    intro = (
        f"{len(read)} verbs with {len(rows)} flags are read, as Docker 28's CLI has them. Of the "
        f"flags {kinds.count('promises')} promise something that is checked, "
        f"{kinds.count('nothing')} promise nothing of the engine, and {kinds.count('later')} are "
        "known, but what they promise is not built yet: a line with one of these is unverified "
        "there, saying so.\n\n"
        "What a field means: [promises.md](promises.md).\n\n"
        f"Not read: {', '.join(f'`docker {name}`' for name in sorted(UNREAD))}.\n"
    )
    refused = ((code(f"docker {v.name}"), v.refused) for v in VERBS.values() if v.refused)
    columns = ("verb", "acts on", "makes", "ends", "touches", "terminal opens on", "besides")
    did = (
        "\n## What each verb does\n\nIt touches what it enters, joins, changes or removes; "
        "what it makes anew is not in that column.\n\n"
    )
    table_of_verbs = table(columns, map(_does, VERBS.values()))
    parts = map(_verb, read)
    return page(
        *("Verbs and flags", intro, did, table_of_verbs, *parts),
        *("\n## Refused\n\n", table(("verb", "why"), refused)),
    )


def _does(verb: Verb) -> Sequence[str]:
    """The columns of a verb's row."""
    does = verb.does
    said = {
        "starts a container": does.starts,
        "needs an image": does.needs_image,
        "runs a program of the line": does.command,
        "its name is from elsewhere": does.adopts,
        "may take minutes": does.slow,
    }
    besides = "; ".join(text for text, holds in said.items() if holds)
    about = does.acts_on, does.makes, ", ".join(does.ends), ", ".join(does.touches)
    return code(f"docker {verb.name}"), *about, code(does.opens_on), besides


def _coverage(flag: Flag) -> str:
    return "promises" if flag.says else "nothing" if flag.none else "later"


def _verb(verb: Verb) -> str:
    lines = [f"\n## docker {verb.name}\n\n"]
    if verb.aliases:
        aliases = ", ".join(code(f"docker {a}") for a in verb.aliases)
        lines.append(f"Also written {aliases}.\n\n")
    made = [p for p in sample(verb) if not p.flag.startswith("-")]
    said = "; ".join(f"{code(p.field)} ({_value(p)}; {PLACES[p.where]})" for p in made)
    lines.append(
        f"The command itself promises {said}.\n"
        if said
        else "The command itself promises nothing.\n"
    )
    if verb.flags:
        heads = ("flag", "takes", "promises", "seen in")
        lines += ["\n", table(heads, map(_flag, sorted(verb.flags, key=lambda f: f.long)))]
    return "".join(lines)


def _flag(flag: Flag) -> tuple[str, str, str, str]:
    names = ", ".join(code(n) for n in (flag.long, flag.short) if n)
    takes = {"bool": "", "value": "a value", "list": "values", "map": "KEY=VALUE"}[flag.kind]
    if flag.says:
        fields = ", ".join(dict.fromkeys(code(s.field) for s in flag.says))
        places = dict.fromkeys(PLACES[w] for s in flag.says for w in s.where)
        why = flag.why_untested
        untested = f" (not shown kept by the tests: {why})" if why else ""
        return names, takes, fields, "; ".join(places) + untested
    if flag.none:
        return names, takes, f"nothing: {flag.none}", ""
    return names, takes, "not built yet: unverified", ""


def sample(verb: Verb) -> tuple[Promise, ...]:
    """What the shortest line of a verb promises."""
    words = shlex.split(f"docker {verb.name} {verb.sample}")
    return promises(parse(words), read_file=lambda _: "FROM base\nUSER me\n")


def _value(promise: Promise) -> str:
    held = as_json(promise.expected)
    if promise.unverified:
        return f"unverified: {promise.unverified}"
    return " ".join(held) if isinstance(held, list) else str(held).lower()


# -- promises ------------------------------------------------------------------------------------


def promises_page() -> str:
    """Every field of a promise: how reports word it, where it is seen, which lines make it."""
    found: dict[str, dict[str, dict[str, None]]] = {}
    for field, where, maker in _makers():
        seen = found.setdefault(field, {"where": {}, "by": {}})
        seen["where"][PLACES[where]] = None
        seen["by"][maker] = None
    rows = (
        (code(field), _judged(field), "; ".join(seen["where"]), ", ".join(seen["by"]))
        for field, seen in sorted(found.items())
    )
    intro = (
        "What a docker command line commits the daemon to. A promise is a field, an expected "
        "value and a place where it is observed; it ends kept, broken, or unverified with the "
        "reason. `lifecycle promises -- docker ...` prints those of one line.\n\n"
    )
    heads = ("field", "what is checked", "seen in", "made by")
    return page("Promises", intro, table(heads, rows))


def _makers() -> Iterator[tuple[str, str, str]]:
    for verb in VERBS.values():
        if verb.refused:
            continue
        for promise in sample(verb):
            if not promise.flag.startswith("-"):
                yield promise.field, promise.where, code(verb.name)
        for flag in verb.flags:
            for says in flag.says:
                for where in says.where:
                    yield says.field, where, code(f"{verb.name} {flag.long}")
    # What only another form of the line promises.
    for text in (
        "pull image@sha256:" + "0" * 64,
        "cp file CONTAINER:/path",
        "build --push -t image .",
    ):
        for promise in promises(parse(["docker", *shlex.split(text)]), read_file=lambda _: ""):
            maker = text.partition(" ")[0] if not promise.flag.startswith("-") else "build --push"
            yield promise.field, promise.where, code(maker)


def _judged(field: str) -> str:
    """What the check of a field says that it compares."""
    return (RULES[field].judge.__doc__ or "").replace("``", "`")


# -- findings ------------------------------------------------------------------------------------


def findings_page() -> str:
    """The catalogue: each cause with its id, and what to do."""
    phases: dict[str, list[Entry]] = {}
    for entry in entries():
        phases.setdefault(entry.phase, []).append(entry)
    intro = (
        f"The {len(entries())} causes that a report, `lifecycle explain` and `lifecycle doctor` "
        "can name, by phase. What a remedy changes stands in brackets, with what must have been "
        "seen just now for it to be told at all. A word in capitals is filled in from the error "
        "or the machine. "
        "한국어 설명은 각 항목의 둘째 줄에 있습니다.\n"
    )
    parts = (
        text
        for phase, found in phases.items()
        for text in (f"\n## {phase.capitalize()}\n", *map(_finding, found))
    )
    return page("Findings", intro, *parts)


def _finding(entry: Entry) -> str:
    lines = [f"\n### {entry.id}\n\n", f"{prose(entry.cause_in('en', _unknown))}\n\n"]
    lines.append(f"{prose(entry.cause_in('ko', _unknown))}\n\n")
    for advice in entry.remedies:
        remedy, korean = advice.fill(_unknown, "en"), advice.fill(_unknown, "ko")
        who = "You" if remedy.who == "user" else "An admin"
        only = f", {SHOWN[advice.only][1]}" if advice.only else ""
        about = f"**{who}** ({_CHANGES[advice.changes]}{only})"
        lines.append(f"- {about}: {prose(remedy.do)} / {prose(korean.do)}\n")
        if remedy.commands:
            commands = "".join(f"  {command}\n" for command in remedy.commands)
            lines.append(f"\n  ```sh\n{commands}  ```\n\n")
    return "".join(lines).rstrip("\n") + "\n"


_CHANGES = {
    "nothing": "changes nothing",
    "mine": "changes what is yours or new",
    "others": "changes what is others'",
    "machine": "changes the machine",
}


def _unknown(_: str) -> None:
    return None


# -- commands --------------------------------------------------------------------------------------


def commands_page() -> str:
    """What ``--help`` says of each command, in a layout that no version of Python changes."""
    top = parser()
    parts = [f"{top.description}\n\n```\n{(top.epilog or '').strip()}\n```\n"]
    for name, sub in _subcommands(top).items():
        parts.append(f"\n## lifecycle {name}\n\n{_sentence(sub.description or '')}\n\n")
        parts.append(f"```\n{_usage(name, sub)}\n```\n")
        rows = [_option(a) for a in _actions(sub) if a.dest != "help"]
        if rows:
            parts += ["\n", table(("argument", "means"), rows)]
        if sub.epilog:
            parts.append(f"\nExample: `{sub.epilog.partition(':')[2].strip()}`\n")
    return page("Commands", *parts)


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}."


def _subcommands(top: argparse.ArgumentParser) -> dict[str, argparse.ArgumentParser]:
    found = [a for a in _actions(top) if isinstance(a, argparse._SubParsersAction)]  # noqa: SLF001 - it has no public name
    return dict(found[0].choices)


def _actions(one: argparse.ArgumentParser) -> list[argparse.Action]:
    return one._actions  # noqa: SLF001 - argparse tells them nowhere else


def _usage(name: str, sub: argparse.ArgumentParser) -> str:
    if sub.usage:
        return sub.usage
    rest = [_positional(a) for a in _actions(sub) if not a.option_strings]
    return " ".join((f"lifecycle {name} [OPTIONS]", *rest))


def _positional(action: argparse.Action) -> str:
    shown = str(action.metavar or action.dest)
    return {"?": f"[{shown}]", "+": f"{shown}...", "*": f"[{shown}...]"}.get(
        str(action.nargs), shown
    )


def _option(action: argparse.Action) -> tuple[str, str]:
    names = ", ".join(action.option_strings) or _positional(action)
    takes = "" if action.nargs == 0 or not action.option_strings else f" {_taken(action)}"
    default = f" (default: {action.default})" if action.choices and action.default else ""
    repeated = (
        " May be repeated." if isinstance(action.default, list) and action.option_strings else ""
    )
    return code(names + takes), prose(f"{action.help or ''}{default}{repeated}")


def _taken(action: argparse.Action) -> str:
    return "|".join(map(str, action.choices)) if action.choices else str(action.metavar or "VALUE")


PAGES: dict[str, Callable[[], str]] = {
    "promises.md": promises_page,
    "flags.md": flags_page,
    "findings.md": findings_page,
    "scenario-schema.md": scenario_page,
    "report.md": report_page,
    "commands.md": commands_page,
    "layers.md": layers_page,
    "errors.md": errors_page,
    "limits.md": limits_page,
}

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
