"""Passwords that no scenario names and that programs print all the same: proxies', registries'."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from lifecycle.machine.regular_files import MAX_SIZE, beginning
from lifecycle.run.secrets.secrets import Secrets
from lifecycle.run.session.person import Person
from lifecycle.text.credentials import secrets_of


def hide_all(secrets: Secrets, people: Iterable[Person]) -> None:
    """Have redacted what is secret in the lab's addresses and in these people's own settings."""
    people = list(people)
    names = {person.subject.name for person in people}
    for person in people:
        for address in person.lab.addresses:
            for word in secrets_of(address, names):
                secrets.hide(word)
        config = _config(person)
        for address in (*_proxies(person.env), *_proxies_of(config)):
            for word in secrets_of(address, names):
                secrets.hide(word, everywhere=False)
        for word in _logins(config):
            if word not in names:
                secrets.hide(word, everywhere=False)


def _proxies(env: Mapping[str, str]) -> Iterator[str]:
    """Those of the environment, in whatever case they are written."""
    return (value for key, value in env.items() if key.lower().endswith("_proxy"))


def _config(person: Person) -> Mapping[str, Any]:
    """The person's own docker configuration; empty where there is none that can be read."""
    folder = person.env.get("DOCKER_CONFIG") or Path(person.env.get("HOME", "/")) / ".docker"
    try:
        config = json.loads(beginning(Path(folder) / "config.json", MAX_SIZE))
    except (OSError, ValueError, RecursionError):
        return {}
    return config if isinstance(config, dict) else {}


def _proxies_of(config: Mapping[str, Any]) -> Iterator[str]:
    """The proxies that docker gives to builds and containers, by engine."""
    return (text for one in _mappings(config.get("proxies")) for text in _texts(one))


def _logins(config: Mapping[str, Any]) -> Iterator[str]:
    """Passwords and tokens of registries that stand in the file itself."""
    for login in _mappings(config.get("auths")):
        for key in ("password", "identitytoken", "registrytoken"):
            if isinstance(login.get(key), str):
                yield login[key]
        try:
            given = base64.b64decode(str(login.get("auth") or "")).decode()
        except ValueError:
            continue
        yield given.partition(":")[2].rstrip("\0")


def _mappings(value: Any) -> list[Mapping[str, Any]]:
    values = value.values() if isinstance(value, dict) else ()
    return [one for one in values if isinstance(one, dict)]


def _texts(value: Mapping[str, Any]) -> list[str]:
    return [one for one in value.values() if isinstance(one, str)]
