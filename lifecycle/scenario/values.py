"""How the text of a scenario becomes typed values.

Each type is an annotation for a pydantic field. Text that holds ``${{ }}`` passes untouched where
a type says so, and is checked when it has been rendered.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Annotated, Any, Literal, NamedTuple

from pydantic import BeforeValidator, PlainValidator

from lifecycle.machine.patterns import MOST_PATTERN
from lifecycle.terminal.keys import KEYS, known_key, known_keys
from lifecycle.text.lines import nearest, one_line

HOLE = re.compile(r"\$\{\{.*?\}\}", re.DOTALL)
UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}
SIDES = range(2, 501)
"""Columns and rows that a window may have."""
MAX_DIGITS = 15


class Size(NamedTuple):
    """A window's size."""

    cols: int
    rows: int

    def __str__(self) -> str:
        """As people write it: ``80x24``."""
        return f"{self.cols}x{self.rows}"


class BadValueError(ValueError):
    """A value that does not fit; ``key`` names the entry of a mapping that is meant.

    ``renamed`` is that entry as it should be: its right name, and the value as given.
    """

    def __init__(
        self,
        problem: str,
        expected: str,
        corrected: str = "",
        *,
        key: str = "",
        renamed: tuple[str, object] | None = None,
    ) -> None:
        super().__init__(problem)
        self.problem = problem
        self.expected = expected
        self.corrected = corrected
        self.key = key
        self.renamed = renamed


def has_hole(value: object) -> bool:
    """Whether a value waits for its variables."""
    return isinstance(value, str) and "${{" in value


def described(value: object) -> str:
    """A value as an error names it."""
    if value is None or value == "":
        return "nothing"
    if isinstance(value, Mapping):
        return "a mapping"
    if isinstance(value, (list, tuple)):
        return "a list"
    return f"`{one_line(str(value), 60)}`"


def text(value: Any) -> str:
    """Text; numbers and truth values come from rendering and are written as YAML writes them."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return str(value)
    raise BadValueError(f"found {described(value)}", "text")


def _some_text(value: Any) -> str:
    if not text(value).strip():
        raise BadValueError("found nothing", "text")
    return text(value)


def number(value: Any) -> int | str:
    """A whole number, or text that renders to one."""
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    if isinstance(value, str):
        if has_hole(value):
            return value
        if re.fullmatch(r"-?[0-9]+", value) and len(value) <= MAX_DIGITS:
            return int(value)
    raise BadValueError(f"found {described(value)}", "a whole number", "0")


def flag(value: Any) -> bool | str:
    """``true`` or ``false``, or text that renders to one."""
    return value if has_hole(value) else switch(value)


def switch(value: Any) -> bool:
    """``true`` or ``false``."""
    if isinstance(value, bool):
        return value
    if value in ("true", "false"):
        return bool(value == "true")
    right = {"yes": "true", "on": "true", "no": "false", "off": "false"}
    near = right.get(str(value).lower(), nearest(str(value).lower(), ("true", "false")))
    raise BadValueError(f"found {described(value)}", "true or false", near)


def duration(value: Any) -> float:
    """Seconds, from ``500ms``, ``30s``, ``1m`` or ``2h``."""
    if isinstance(value, float):
        return value
    match = re.fullmatch(r"([0-9]{1,9}(?:\.[0-9]{1,9})?) ?(ms|s|m|h)", str(value))
    if match and float(match[1]) > 0:
        return float(match[1]) * UNITS[match[2]]
    bare = re.fullmatch(r"[0-9]+", str(value))
    expected = "a time above zero with its unit (ms, s, m, h)"
    raise BadValueError(f"found {described(value)}", expected, f"{value}s" if bare else "30s")


def mode(value: Any) -> str:
    """A file mode as four octal digits."""
    if has_hole(value):
        return str(value)
    if isinstance(value, str) and re.fullmatch(r"[0-7]{3,4}", value):
        return value.zfill(4)
    raise BadValueError(f"found {described(value)}", "a file mode in octal digits", '"0600"')


def work_path(value: Any) -> str:
    """A path below the work folder, which nothing is written outside of."""
    path = _some_text(value)
    beginning = path.partition("${{")[0]
    if beginning.startswith(("/", "~")) or ".." in HOLE.sub("X", path).split("/"):
        problem, expected = f"found {described(value)}", "a path below the work folder"
        raise BadValueError(problem, expected, path.rsplit("/", 1)[-1].strip(".") or "file")
    return path


def regex(value: Any) -> str:
    """A regular expression; its variables are filled in before it is used."""
    pattern = text(value)
    if len(pattern) > MOST_PATTERN:
        expected = f"at most {MOST_PATTERN} characters"
        raise BadValueError(f"found a pattern of {len(pattern)} characters", expected)
    try:
        re.compile(HOLE.sub("X", pattern))
    except (re.error, RecursionError, OverflowError) as error:
        raise BadValueError(f"found {described(value)} ({error})", "a regular expression") from None
    return pattern


def press(value: Any) -> str:
    """A key: ``ctrl-p``, ``enter``, ``q``, ..."""
    name = text(value)
    name = name if len(name) == 1 else name.lower()
    if known_key(name):
        return name
    near = nearest(name.replace("+", "-").replace("^", "ctrl-"), KEYS)
    raise BadValueError(f"found {described(value)}", f"a key: {known_keys()}", near)


def window(value: Any) -> Size:
    """A window's size as ``80x24``: columns, then rows."""
    if isinstance(value, tuple):
        return Size(*value)
    match = re.fullmatch(r"([0-9]{1,4})x([0-9]{1,4})", str(value))
    if match and {int(match[1]), int(match[2])} <= {*SIDES}:
        return Size(int(match[1]), int(match[2]))
    expected = f"columns x rows, each from {SIDES[0]} to {SIDES[-1]}"
    numbers = re.findall(r"[0-9]{1,3}", str(value))
    both = "x".join(numbers) if len(numbers) == len(Size._fields) else "80x24"
    raise BadValueError(f"found {described(value)}", expected, both)


def port(value: Any) -> str:
    """A port of the container: ``8080`` or ``53/udp``."""
    if has_hole(value) or re.fullmatch(r"[0-9]{1,5}(/(tcp|udp|sctp))?", text(value)):
        return text(value)
    raise BadValueError(f"found {described(value)}", "a port of the container", "8080")


def identifier(value: Any) -> str:
    """A name that an expression can use."""
    name = text(value)
    words = ("and", "or", "not", "in", "is", "if", "else", "true", "false", "none")
    if re.fullmatch(r"[A-Za-z][A-Za-z0-9_]*", name) and name.lower() not in words:
        return name
    near = re.sub(r"\W", "_", name, flags=re.ASCII).strip("_")
    raise BadValueError(f"found {described(value)}", "a name of letters, digits and _", near)


def gpus(value: Any) -> int | str:
    """How many GPUs, or ``host``: as many as the host has."""
    if value == "host":
        return "host"
    try:
        return number(value)
    except BadValueError:
        raise BadValueError(f"found {described(value)}", "a number or `host`", "host") from None


def opens(value: Any) -> str | Literal[False]:
    """The name of the terminal that a command leaves open, or ``false`` when it runs to its end."""
    if value is False or value == "false":
        return False
    if value is True or not isinstance(value, str) or value in ("", "true"):
        raise BadValueError(f"found {described(value)}", "a terminal's name, or false")
    return value


def processes(value: Any) -> dict[str, int | str | None]:
    """Patterns of command lines; how many of each, or None for at least one."""
    if isinstance(value, Mapping) and value:
        return {regex(k): None if v is None else number(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)) and value:
        return dict.fromkeys(map(regex, value))
    raise BadValueError(f"found {described(value)}", "a list of patterns", "[sshd]")


def anything(value: Any) -> Any:
    """A variable's value: text, a list or a mapping."""
    return value


def choice(*names: str) -> Callable[[Any], str]:
    """One of a few words."""

    def chosen(value: Any) -> str:
        if isinstance(value, str) and value in names:
            return value
        near = nearest(str(value), names)
        raise BadValueError(f"found {described(value)}", f"one of {', '.join(names)}", near)

    return chosen


def listed(value: Any) -> Any:
    """A list; a single variable may render to one."""
    if isinstance(value, (list, tuple)):
        return value
    if has_hole(value) and HOLE.fullmatch(value.strip()):
        return [value]
    expected = "a list"
    corrected = f"[{value}]" if isinstance(value, str) and value else ""
    raise BadValueError(f"found {described(value)}", expected, corrected)


def numbers(value: Any) -> Any:
    """One number or a list of them."""
    return value if isinstance(value, (list, tuple)) else [value]


Scalar = str | int | float | bool
"""What an editor, which resolves YAML's types, may see where we see text."""

String = Annotated[str, PlainValidator(text, json_schema_input_type=Scalar)]
Name = Annotated[str, PlainValidator(_some_text, json_schema_input_type=Scalar)]
Number = Annotated[int | str, PlainValidator(number, json_schema_input_type=int | str)]
Flag = Annotated[bool | str, PlainValidator(flag, json_schema_input_type=bool | str)]
Switch = Annotated[bool, PlainValidator(switch, json_schema_input_type=bool)]
Duration = Annotated[float, PlainValidator(duration, json_schema_input_type=str)]
Window = Annotated[Size, PlainValidator(window, json_schema_input_type=str)]
FileMode = Annotated[str, PlainValidator(mode, json_schema_input_type=str | int)]
WorkPath = Annotated[str, PlainValidator(work_path, json_schema_input_type=Scalar)]
Regex = Annotated[str, PlainValidator(regex, json_schema_input_type=Scalar)]
Press = Annotated[str, PlainValidator(press, json_schema_input_type=str)]
Keys = Annotated[tuple[Press, ...], BeforeValidator(listed)]
Strings = Annotated[tuple[String, ...], BeforeValidator(listed)]
Numbers = Annotated[tuple[Number, ...], BeforeValidator(numbers)]
PortName = Annotated[str, PlainValidator(port, json_schema_input_type=str)]
Identifier = Annotated[str, PlainValidator(identifier, json_schema_input_type=str)]
Gpus = Annotated[int | str, PlainValidator(gpus, json_schema_input_type=int | str)]
Opens = Annotated[
    str | Literal[False], PlainValidator(opens, json_schema_input_type=str | Literal[False])
]
Processes = Annotated[
    dict[str, int | str | None],
    PlainValidator(processes, json_schema_input_type=list[str] | dict[str, int | str]),
]
Anything = Annotated[Any, PlainValidator(anything)]
GpuNeed = Annotated[
    Literal["none", "optional", "required"],
    PlainValidator(
        choice("none", "optional", "required"),
        json_schema_input_type=Literal["none", "optional", "required"],
    ),
]
EngineUse = Annotated[
    Literal["as-written"],
    PlainValidator(choice("as-written"), json_schema_input_type=Literal["as-written"]),
]
State = Annotated[
    Literal["created", "running", "paused", "restarting", "exited", "dead"],
    PlainValidator(
        choice("created", "running", "paused", "restarting", "exited", "dead"),
        json_schema_input_type=Literal[
            "created", "running", "paused", "restarting", "exited", "dead"
        ],
    ),
]
