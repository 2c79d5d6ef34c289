"""Secrets: from the environment or random for the run, and redacted from all that is written."""

from __future__ import annotations

import base64
import json
import secrets as entropy
from collections.abc import Mapping
from urllib.parse import quote, quote_plus

PREFIX = "LIFECYCLE_SECRET_"
SHORTEST = 6
"""Characters. A shorter one can't be redacted: it would stand in too many innocent words."""
HIDDEN = "[redacted]"


class SecretError(ValueError):
    """A secret that can't be kept."""


class Secrets:
    """The namespace ``secret``: a value for any name, made when it is first asked for.

    No Mapping on purpose: nothing can list or copy it.
    """

    def __init__(self, environ: Mapping[str, str]) -> None:
        """Values come from LIFECYCLE_SECRET_NAME in ``environ`` where set."""
        self._environ = environ
        self._values: dict[str, str] = {}

    def __getitem__(self, name: str) -> str:
        """The value of ``secret.NAME``; raises SecretError for one too short to hide."""
        if name.startswith("_"):
            raise KeyError(name)
        if name not in self._values:
            given = self._environ.get(PREFIX + name.upper())
            if given is not None and len(given) < SHORTEST:
                message = (
                    f"{PREFIX}{name.upper()} has under {SHORTEST} characters: use a longer one"
                )
                raise SecretError(message)
            # The tail satisfies the password policies that ask for four kinds of character.
            self._values[name] = given or f"{entropy.token_hex(8)}-Aq7"
        return self._values[name]

    def inside(self, text: str) -> bool:
        """Whether any secret stands in a text."""
        return any(form in text for form in self._forms())

    def redact(self, text: str) -> str:
        """A text with every secret replaced, also in base64, in a URL and in JSON."""
        for form in self._forms():
            text = text.replace(form, HIDDEN)
        return text

    def _forms(self) -> list[str]:
        forms = set()
        for value in self._values.values():
            forms |= {value, quote(value), quote(value, safe=""), quote_plus(value)}
            forms |= {json.dumps(value)[1:-1], json.dumps(value, ensure_ascii=False)[1:-1]}
            raw = value.encode()
            for shift in range(3):
                # Inside a longer text base64 depends on the offset: keep the characters that
                # only the secret decides.
                for encode in (base64.b64encode, base64.urlsafe_b64encode):
                    coded = encode(b"\0" * shift + raw).decode().rstrip("=")
                    forms.add(coded[(shift * 8 + 5) // 6 : len(coded) - 1])
        return sorted((f for f in forms if len(f) >= SHORTEST), key=len, reverse=True)
