"""What the generated pages are made of: headings, tables and text that Markdown leaves alone."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

HEADER = "<!-- Made by docs/generate.py from the code: change that, then run it. -->\n\n# "


def page(title: str, *parts: str) -> str:
    """A page with its title and the note that it is made."""
    return "".join((HEADER, title, "\n\n", *parts))


def table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table; what would end a cell is escaped."""
    lines = [heads, ["---"] * len(heads), *rows]
    return "".join(f"| {' | '.join(map(_cell, line))} |\n" for line in lines)


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", r"\|")


def code(text: str) -> str:
    """A text as code, if there is one."""
    return f"`{text}`" if text else ""


def prose(text: str) -> str:
    """Text that Markdown shows letter for letter, but for what stands between backquotes."""
    text = " ".join(text.split()).replace("``", "`")
    return text.replace("<", "&lt;").replace("*", r"\*").replace("_", r"\_")
