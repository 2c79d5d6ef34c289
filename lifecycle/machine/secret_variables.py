"""The environment variables that hold secrets: how they are called, and who does not get them."""

from __future__ import annotations

import re
from collections.abc import Mapping

PREFIX = "LIFECYCLE_SECRET_"
IN_A_SHELL = re.compile(rf"\$\{{?[#!]?({PREFIX}\w*)")
"""Where a shell, or whatever reads as one does, would put a secret's variable in."""


def variable(name: str) -> str:
    """The environment variable that holds ``secret.NAME``."""
    return PREFIX + name.upper()


def without_secrets(environ: Mapping[str, str]) -> dict[str, str]:
    """The same environment for a program that we start: a secret reaches none of them so."""
    return {key: value for key, value in environ.items() if not key.startswith(PREFIX)}
