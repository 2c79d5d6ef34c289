"""A row for each option of a run: it feeds the command line, and pytest's options.

Importing it costs ``lifecycle --help`` next to nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal, NamedTuple


def _same(value: Any) -> Any:
    return value


def _pairs(texts: list[str]) -> tuple[tuple[str, str], ...]:
    return tuple((key, value) for key, _, value in (text.partition("=") for text in texts))


class Row(NamedTuple):
    """One option: its spelling after the dashes, what it takes, what its help says.

    ``field`` of :class:`Options` gets what ``read`` makes of the value; an empty one is no option
    of the run itself.
    """

    name: str
    help: str
    field: str
    kind: Literal["switch", "value", "list"] = "value"
    choices: tuple[str, ...] = ()
    default: str = ""
    metavar: str = ""
    read: Callable[[Any], Any] = _same

    @property
    def key(self) -> str:
        """Its name in a namespace of parsed arguments."""
        return self.name.replace("-", "_")

    def argument(self) -> dict[str, Any]:
        """The words that argparse, and so pytest, takes of it."""
        if self.kind == "switch":
            return {"action": "store_true", "help": self.help}
        if self.kind == "list":
            return {"action": "append", "default": [], "metavar": self.metavar, "help": self.help}
        given: dict[str, Any] = {"default": self.default, "help": self.help}
        return given | ({"choices": self.choices} if self.choices else {"metavar": self.metavar})

    def words(self, value: Any) -> list[str]:
        """The same option in pytest's words, as often as it was given."""
        flag = f"--lifecycle-{self.name}"
        if self.kind == "switch":
            return [flag] if value else []
        values = value if self.kind == "list" else [value] if value else []
        return [word for one in values for word in (flag, one)]


ROWS = (
    Row(
        "gpu",
        "auto: skip what needs one where there is none; require: fail; off: always skip",
        "gpu",
        choices=("auto", "require", "off"),
        default="auto",
    ),
    Row("strict", "unverified promises fail the run", "strict", "switch"),
    Row(
        "user",
        "act as this person (root only); with several, each scenario once for each",
        "user",
        "list",
        metavar="NAME",
        read=lambda names: names[0] if names else "",
    ),
    Row("as-written", "keep names literal", "as_written", "switch"),
    Row("context", "docker context to use", "context", metavar="NAME"),
    Row("set", "one of the lab's values", "sets", "list", metavar="lab.K=V", read=_pairs),
    Row("lab", "the lab's values (TOML)", "lab", metavar="FILE"),
    Row("report", "default: reports/<run>/", "", metavar="DIR"),
    Row("publish", "let everybody read the report", "publish", "switch"),
    Row(
        "keep",
        "keep what a failed run made",
        "keep_on_failure",
        choices=("on-failure",),
        read=lambda when: when == "on-failure",
    ),
    Row("remove-pulled", "remove pulled base images too", "remove_pulled", "switch"),
    Row(
        "allow-foreign",
        "let steps touch this thing, though the run did not make it, or send the engine a kind of "
        "request that it never gets (api:METHOD/PATH, as the refusal says)",
        "allow_foreign",
        "list",
        metavar="NAME",
        read=frozenset,
    ),
    Row("lang", "language of the report", "lang", choices=("en", "ko")),
)
