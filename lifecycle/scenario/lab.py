"""What a lab says of itself once, for all its scenarios: a closed model with defaults."""

from __future__ import annotations

import json
import re
import shlex
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import AfterValidator, Field, PlainValidator, ValidationError

from lifecycle.machine.regular_files import OWN, Files
from lifecycle.scenario.authored_file import content
from lifecycle.scenario.closed_mapping import Closed
from lifecycle.scenario.errors import Mark, ScenarioError
from lifecycle.scenario.located import Marks, Write, located
from lifecycle.scenario.located import Path as Keys
from lifecycle.scenario.values import BadValueError, String, described, number

if TYPE_CHECKING:
    from collections.abc import Sequence

MAX_PORT = 65535


def _line(value: str) -> str:
    if not value.isprintable():
        raise BadValueError(f"found {described(value)}", "one line of text")
    return value


def _url(value: str) -> str:
    """An address that may stand in a Dockerfile and in a shell line without being read as code."""
    if value and not re.fullmatch(r"[a-z][a-z0-9+.-]*://[^\s\"'`$\\<>|;&#]+", value):
        raise BadValueError(f"found {described(value)}", "a URL", "http://proxy.example:3128")
    return value


def _port(value: Any) -> int:
    given = number(value)
    if isinstance(given, str) or not 1 <= given <= MAX_PORT:
        raise BadValueError(f"found {described(value)}", "a port from 1 to 65535", "8080")
    return given


def _count(value: Any) -> int:
    given = number(value)
    if isinstance(given, str) or given < 0:
        raise BadValueError(f"found {described(value)}", "a number of GPUs", "8")
    return given


Line = Annotated[String, AfterValidator(_line)]
Url = Annotated[String, AfterValidator(_url)]
Port = Annotated[int, PlainValidator(_port, json_schema_input_type=int)]
Count = Annotated[int, PlainValidator(_count, json_schema_input_type=int)]


class Proxy(Closed):
    """The way out of the lab's network; empty where there is none to go through."""

    http: Url = ""
    https: Url = ""
    no_proxy: Line = ""

    def environment(self) -> dict[str, str]:
        """The variables that tell programs of the proxy; all programs read the lower-case ones."""
        named = {"http_proxy": self.http, "https_proxy": self.https, "no_proxy": self.no_proxy}
        return {name: value for name, value in named.items() if value}


class Lab(Closed):
    """The lab's own values; without a file everything still runs on these defaults."""

    base_image: Line = "debian:bookworm"
    nas_home: Line = ""
    proxy: Proxy = Field(default_factory=Proxy)
    ca: Line = ""
    apt_mirror: Url = ""
    pip_index: Url = ""
    outside: Url = ""
    port: Port = 8080
    gpus: Count | None = None
    contact: Line = ""
    lang: Line = ""
    people: tuple[Line, ...] = ()

    @property
    def addresses(self) -> tuple[str, ...]:
        """Those that may hold a password."""
        proxies = (self.proxy.http, self.proxy.https)
        return (*proxies, self.apt_mirror, self.pip_index, self.outside)


def default_lab_files(home: Path, environment: Mapping[str, str]) -> tuple[Path, ...]:
    """The lab's file, or the one that LIFECYCLE_LAB names, then the person's own."""
    own = own_lab_file(home)
    return (*shared_lab_files(environment), *([own] if own.is_file() else []))


def shared_lab_files(environment: Mapping[str, str]) -> tuple[Path, ...]:
    """The lab's file, or the one that LIFECYCLE_LAB names: chosen by whoever runs this."""
    named = environment.get("LIFECYCLE_LAB", "")
    first = Path(named) if named else Path("/etc/lifecycle/lab.toml")
    return (first,) if named or first.is_file() else ()


def own_lab_file(home: Path) -> Path:
    """The person's own, which may not be there."""
    return home / ".config" / "lifecycle" / "my-env.toml"


def load_lab(
    files: Sequence[Path], sets: Mapping[str, str], own: Path | None = None, read: Files = OWN
) -> Lab:
    """The defaults, overridden by each file in turn, then by each ``lab.K=V``.

    The person's ``own`` file is the last one, and read as them.
    """
    merged: dict[str, Any] = {}
    for file in files:
        merged = _merge(merged, _read(file, OWN))
    if own is not None:
        merged = _merge(merged, _read(own, read))
    for name, value in sets.items():
        entry: Any = value
        keys = name.split(".")
        mark = Mark(f"--set {name}", 1, 1)
        if keys[0] != "lab" or not all(keys) or len(keys) == 1:
            raise ScenarioError(mark, f"`{name}`", "a name of the lab's", "lab.port=8080")
        for key in reversed(keys[1:]):
            entry = {key: entry}
        _validated(entry, _always(mark), _in_words)
        merged = _merge(merged, entry)
    return Lab.model_validate(merged)


def _always(mark: Mark) -> Marks:
    return lambda _path, _of: mark


def _validated(data: Any, mark: Marks, write: Write) -> None:
    try:
        Lab.model_validate(data)
    except ValidationError as error:
        raise located(error, mark, data, write) from None


def _in_words(path: Keys, value: Any) -> str:
    """An entry on the command line."""
    shown = value if isinstance(value, str) else "..."
    return shlex.join(("--set", f"lab.{'.'.join(map(str, path))}={shown}"))


def _in_toml(path: Keys, value: Any) -> str:
    """An entry in a file; a table by its head."""
    if isinstance(value, Mapping):
        return f"[{'.'.join(map(str, path))}]"
    # JSON's texts, numbers and lists of them are TOML's, too.
    return f"{path[-1]} = {json.dumps(value, ensure_ascii=False, default=str)}"


def _merge(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(below)
    for key, value in above.items():
        old = merged.get(key)
        if isinstance(old, Mapping) and isinstance(value, Mapping):
            merged[key] = _merge(old, value)
        else:
            merged[key] = value
    return merged


def _read(file: Path, files: Files) -> dict[str, Any]:
    raw = content(file, "a lab file (TOML)", files.beginning)
    try:
        text = raw.decode()
        data = tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        at = re.search(r"line (\d+), column (\d+)", str(error))
        mark = Mark(str(file), int(at[1]), int(at[2])) if at else Mark(str(file), 1, 1)
        raise ScenarioError(mark, f"this is not TOML ({error})", 'KEY = "VALUE"') from None
    _validated(data, lambda path, _: _place(text, str(file), path), _in_toml)
    return data


def _place(text: str, file: str, path: tuple[str | int, ...]) -> Mark:
    """The line that sets a key, by search: TOML's reader keeps no places."""
    for key in reversed(path):
        for number_, line in enumerate(text.splitlines(), 1):
            match = re.match(rf"\s*\[?\s*(?:[\w.]+\.)?[\"']?({re.escape(str(key))})\b", line)
            if match:
                return Mark(file, number_, match.start(1) + 1)
    return Mark(file, 1, 1)
