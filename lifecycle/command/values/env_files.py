"""Files of ``KEY=VALUE`` lines: ``--env-file`` and ``--label-file``, read as the CLI does."""

from __future__ import annotations

from lifecycle.command.values.basic import ImpossibleError

Pairs = list[tuple[str, str | None]]


def variables(text: str) -> Pairs:
    """Environment variables; a lone name takes its value from the caller's environment."""
    return _lines(text)


def labels(text: str) -> Pairs:
    """Labels; the CLI passes over a line with a lone name."""
    return [(key, value) for key, value in _lines(text) if value is not None]


def _lines(text: str) -> Pairs:
    pairs: Pairs = []
    for number, written in enumerate(text.removeprefix("\ufeff").split("\n"), start=1):
        line = written.removesuffix("\r").lstrip()
        if not line or line.startswith("#"):
            continue
        key, equals, value = line.partition("=")
        if not key:
            raise ImpossibleError(f"line {number} has no name before its =", "write NAME=VALUE")
        if " " in key or "\t" in key:
            raise ImpossibleError(
                f"line {number}: the name {key!r} has a space in it", "write NAME=VALUE"
            )
        pairs.append((key, value if equals else None))
    return pairs
