"""``run``, ``check`` and ``schema``."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import Any

from lifecycle.cli import UsageError
from lifecycle.cli.ask_secrets import given_secrets
from lifecycle.machine.subject import (
    Subject,
    SubjectError,
    current_subject,
    environment,
    spawn_identity,
)
from lifecycle.report.text import as_json
from lifecycle.run.plan.build import plan
from lifecycle.run.plan.steps import Plan
from lifecycle.run.plan.variables import RunValues
from lifecycle.run.secrets.secrets import Secrets
from lifecycle.run.session.option_rows import ROWS
from lifecycle.run.session.options import Options, options_from
from lifecycle.run.session.person import Person, places
from lifecycle.run.session.who import StartError, find_subject, personal, read_lab
from lifecycle.sandbox.info import load_info
from lifecycle.scenario.errors import ScenarioError
from lifecycle.scenario.load import load
from lifecycle.scenario.recognise import is_scenario
from lifecycle.scenario.templates import library
from lifecycle.text.lines import nearest, one_line

_VALIDATION_FOLDER = "/work-folder-of-the-run"
_ONLY_IF_ASKED = (
    *("debugging", "doctest", "junitxml", "legacypath", "pastebin", "recwarn", "setuponly"),
    *("setupplan", "stepwise", "subtests", "unittest"),
)
"""Plugins of pytest's own that have nothing to do in a run, and take their time to be loaded."""


def find_files(paths: Iterable[str]) -> list[Path]:
    """Scenario files from paths, folders and ``@names``; raises UsageError."""
    files: list[Path] = []
    for text in paths:
        files += [_named(text[1:])] if text.startswith("@") else _at(Path(text))
    if not files:
        message = "no scenario was named: give a file, a folder, or one of the library, as @my-env"
        raise UsageError(message)
    return list(dict.fromkeys(files))


def _named(name: str) -> Path:
    path = library() / f"{name}.yaml"
    if path.is_file():
        return path
    known = sorted(p.stem for p in library().glob("*.yaml"))
    near = nearest(name, known)
    hint = f"did you mean @{near}?" if near else f"there are {', '.join('@' + k for k in known)}"
    message = f"no scenario of the library is named @{name}; {hint}"
    raise UsageError(message)


def _at(path: Path) -> list[Path]:
    if path.is_dir():
        files = sorted(p for p in path.rglob("*.y*ml") if is_scenario(p))
        if not files:
            message = f"{path}: no scenario file in this folder (a YAML file with `scenario:`)"
            raise UsageError(message)
        return files
    return [path]


def validated(path: Path, options: Options, environ: Mapping[str, str], secrets: Secrets) -> Plan:
    """The plan of a file as it would run here, without a daemon; raises ScenarioError.

    An error may quote a value, so ``secrets`` are not the real ones.
    """
    scenario = load(path)
    subject = _for_whom(options, environ)
    lab = personal(
        read_lab(options, environ, subject), subject.as_template_values(), _VALIDATION_FOLDER
    )
    nas = lab.nas_home or f"{_VALIDATION_FOLDER}/nas"
    lab = lab.model_copy(update={"nas_home": nas})
    me = Person(subject, environ, Path(_VALIDATION_FOLDER), lab)
    people = {name: replace(me, subject=replace(subject, name=name)) for name in scenario.people}
    sandbox = load_info(environ)
    registry = sandbox.registry if sandbox else "registry.example"
    values = RunValues("run", _VALIDATION_FOLDER, _VALIDATION_FOLDER, registry, os.uname().release)
    known_places = places(me, people, values, secrets)
    return plan(scenario, known_places, "run", as_written=options.as_written)


def _for_whom(options: Options, environ: Mapping[str, str]) -> Subject:
    """Whose eyes see the files that a scenario names; a run says what is wrong with the name."""
    try:
        return find_subject(options, environ)
    except StartError:
        return current_subject()


def check(args: argparse.Namespace) -> int:
    """Validate; every file's first error is a line, and any makes it exit 4."""
    options = Options(as_written=args.as_written)
    plans, errors = _plans(find_files(args.paths), options, Secrets({}))
    for error in errors:
        sys.stderr.write(f"{error}\n")
    if errors:
        return 4
    for path, planned in plans.items():
        sys.stdout.write(f"{path}: ok\n")
        sys.stdout.writelines(f"{path}:{note}\n" for note in _notes(planned))
    return 0


def _notes(planned: Plan) -> Iterator[str]:
    """What the lines that are not plain docker will do about the engine, each with its place."""
    for step in planned.steps:
        if step.note:
            yield f"{step.step.mark.line}: {one_line(step.note)}"


def _plans(
    files: Iterable[Path], options: Options, secrets: Secrets
) -> tuple[dict[Path, Plan], list[str]]:
    """The plan of each file that has one, and the error of each other."""
    plans: dict[Path, Plan] = {}
    errors = []
    for path in files:
        try:
            plans[path] = validated(path, options, os.environ, secrets)
        except ScenarioError as error:
            errors.append(str(error))
    return plans, errors


def schema(args: argparse.Namespace) -> int:
    """Print the JSON Schema of a document."""
    made = import_module(f"lifecycle.{args.of}.schema").schema()
    sys.stdout.write(as_json(made))
    return 0


def run(args: argparse.Namespace) -> int:
    """Validate everything, run pytest in the middle, sweep last."""
    files = find_files(args.paths)
    for text in args.set:
        _expect_pair(text)
    options = options_from(vars(args))
    _known_people(args.user, options)
    named = Secrets({})
    _, errors = _plans(files, options, named)
    if errors:
        raise UsageError("\n".join(errors))
    _known_context(options)
    if args.dry_run:
        return _dry_run(files, options)
    _known_people(args.user or [""], options)
    os.environ.update(given_secrets(args.ask_secret, named.asked_for, os.environ))
    import pytest

    from lifecycle.cli.sweep import sweep_quietly

    sweep_quietly()
    leaving = _Leaving()
    code = pytest.main([*_pytest_words(args, files), *map(str, files)], plugins=[leaving])
    if not leaving.asked:
        sweep_quietly(again=True)
    return int(code)


class _Leaving:
    """A plugin that knows whether the person asked twice for an end; then we wait for nothing."""

    asked = False

    def pytest_unconfigure(self, config: Any) -> None:
        """Look at the signals of this process, at its end."""
        from lifecycle.plugin.interrupts import KEY

        self.asked = KEY in config.stash and config.stash[KEY].leaving


def _known_people(names: Iterable[str], options: Options) -> None:
    """Nobody of that name, somebody we may not become, root for no one: mistakes of the line."""
    for name in names:
        try:
            spawn_identity(find_subject(replace(options, user=name), os.environ))
        except (StartError, SubjectError) as error:
            raise UsageError(str(error)) from error


def _known_context(options: Options) -> None:
    """A context that does not exist is a mistake of the command line."""
    if not options.context:
        return
    from lifecycle.run.session.discover import find_address

    try:
        subject = find_subject(options, os.environ, "/")
        find_address(options, environment(subject, os.environ), subject)
    except StartError as error:
        message = f"--context {options.context}: {error}"
        raise UsageError(message) from error


def _expect_pair(text: str) -> None:
    key, equals, _ = text.partition("=")
    if not equals or not key.startswith("lab."):
        message = f"--set {text}: expected lab.K=V, for example --set lab.nas_home=/mnt/nas/me"
        raise UsageError(message)


def _pytest_words(args: argparse.Namespace, files: Iterable[Path]) -> list[str]:
    """The options of this run in pytest's words; its own output gives way to ours."""
    words = ["-qq", "--no-header", "--no-summary", "--lifecycle-progress"]
    # Workers would be given a temporary folder each, which pytest leaves where it is.
    words += ["-p", "no:tmpdir", "-p", "no:cacheprovider", "-o", "console_output_style=classic"]
    words += ["--rootdir", os.path.commonpath([Path.cwd(), *(f.resolve().parent for f in files)])]
    words += ["--noconftest"]
    words += ["-c", _no_config()]
    # No plugin of the environment's either: one may change the run, or take a second to import.
    words += ["--disable-plugin-autoload", "-p", "lifecycle.plugin"]
    # With words of pytest's own any of these may be meant.
    words += ["-p", "xdist.plugin"] if args.n or args.rest else []
    words += [w for name in _ONLY_IF_ASKED if not args.rest for w in ("-p", f"no:{name}")]
    words += [word for row in ROWS for word in row.words(getattr(args, row.key))]
    if args.n:
        words += ["-n", str(args.n), "--dist", "loadfile", "--max-worker-restart=0"]
    return words + list(args.rest)


def _no_config() -> str:
    """Not the configuration of whatever project the person stands in."""
    return "/dev/null"


def _dry_run(files: Iterable[Path], options: Options) -> int:
    from lifecycle.cli.promises_and_hold import promise_lines

    for path in files:
        planned = validated(path, options, os.environ, Secrets({}))
        sys.stdout.write(f"{planned.scenario.name}  ({path})\n")
        for step in planned.steps:
            sys.stdout.write(f"  {step.index + 1}. {step.command}\n")
            sys.stdout.write(f"       {one_line(step.note)}\n" if step.note else "")
            sys.stdout.write("".join(f"       {line}\n" for line in promise_lines(step.promises)))
    return 0
