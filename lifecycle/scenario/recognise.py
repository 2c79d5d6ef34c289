"""Which files are scenarios, told by their names and beginnings alone."""

from __future__ import annotations

import re
from pathlib import Path

from lifecycle.machine.regular_files import beginning

SUFFIXES = (".yaml", ".yml")
HEAD = 64 * 1024


def is_scenario(path: Path) -> bool:
    """Whether a file claims to be a scenario: YAML by its name, with a top-level ``scenario:``."""
    if path.suffix not in SUFFIXES:
        return False
    try:
        head = beginning(path, HEAD)
    except OSError:
        return False
    return (
        re.search(rb"^(\xef\xbb\xbf)?[\"']?scenario[\"']?[ \t]*:", head, re.MULTILINE) is not None
    )
