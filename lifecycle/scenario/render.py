"""Variables put in their places, after the file is read and before anything is run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import BaseModel, ValidationError

from lifecycle.machine.regular_files import OWN, Files
from lifecycle.scenario.errors import Mark, ScenarioError
from lifecycle.scenario.expressions import Hole, as_text, evaluate, holes
from lifecycle.scenario.located import located
from lifecycle.scenario.marks import Text, mark_of
from lifecycle.scenario.split_line import Part, Pasted, PastedName, Word, split
from lifecycle.scenario.templates import render_file

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

MAX_TEXT = 1024 * 1024
MAX_TOTAL = 4 * MAX_TEXT
UNPLACED = Mark("<value>", 1, 1)
FALSE = ("", "false", "0", "none")

T = TypeVar("T")


@dataclass(frozen=True)
class Context:
    """What a run's variables and pasted shell words stand for.

    ``values`` is what expressions see: ``me``, ``lab``, ``run``, ``secret``, the scenario's vars;
    ``files`` reads what is named, as whoever the run is for.
    """

    values: Mapping[str, Any]
    cwd: str
    me: Mapping[str, Any]
    files: Files = OWN

    @cached_property
    def plain(self) -> dict[str, Any]:
        """The values as plain data, so that an expression reaches no object's methods."""
        return {str(name): _plain(value) for name, value in self.values.items()}

    @cached_property
    def pasted(self) -> dict[PastedName, str]:
        """What ``$(pwd)``, ``$(id -u)`` and their like stand for."""
        return {
            "pwd": self.cwd,
            "uid": str(self.me["uid"]),
            "gid": str(self.me["gid"]),
            "user": str(self.me["name"]),
            "home": str(self.me["home"]),
        }


def _plain(value: Any) -> Any:
    if isinstance(value, BaseModel):
        return _plain(value.model_dump())
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    # Any other mapping answers for itself: secrets are made when their name is asked for.
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    return value


def with_vars(variables: Mapping[str, Any], context: Context) -> Context:
    """The context with a scenario's ``vars``, each of which sees those before it."""
    values = dict(context.values)
    own = replace(context, values=values)
    renderer = _Renderer(own)
    for name, value in variables.items():
        rendered = renderer.render(value, mark_of(value, UNPLACED))
        # What has been made of the others stays: each is looked at once, however many there are.
        own.plain[str(name)] = _plain(rendered)
        values[name] = rendered
    return own


def render(value: T, context: Context, mark: Mark = UNPLACED) -> T:
    """The value with every ``${{ }}`` inside it filled in.

    Text that is one hole may become any plain value, and a model is validated again.
    """
    rendered: T = _Renderer(context).render(value, mark_of(value, mark))
    return rendered


def render_words(words: Sequence[Word], context: Context) -> list[str]:
    """The arguments of a command; a word that is one hole holding a list becomes several."""
    arguments: list[str] = []
    renderer = _Renderer(context)
    for word in words:
        only = word.parts[0] if len(word.parts) == 1 else None
        if isinstance(only, Hole):
            value = evaluate(only, context.plain)
            items = value if isinstance(value, (list, tuple)) else [value]
            arguments.extend(renderer.as_text(item, only) for item in items)
        else:
            arguments.append("".join(renderer.part(part) for part in word.parts))
    return arguments


def truth(text: str, context: Context) -> bool:
    """Whether a ``when:`` holds: its expression's value, where empty text is false."""
    pieces = holes(text, mark_of(text, UNPLACED))
    if len(pieces) == 1 and isinstance(pieces[0], Hole):
        value = evaluate(pieces[0], context.plain)
        return value.lower() not in FALSE if isinstance(value, str) else bool(value)
    return str(render(text, context)).strip().lower() not in FALSE


def render_template(path: str, context: Context, folder: Path, mark: Mark | None = None) -> str:
    """The text of a template beside the scenario, or of one of the library's."""
    place = mark or mark_of(path, UNPLACED)
    return render_file(path, folder, context.plain, place, context.files.template)


class _Renderer:
    """Renders deep, and stops before the result outgrows memory."""

    def __init__(self, context: Context) -> None:
        self.context = context
        self.total = 0

    def render(self, value: Any, mark: Mark) -> Any:
        if isinstance(value, str):
            return self._string(value, mark_of(value, mark))
        if isinstance(value, BaseModel):
            return self._model(value, mark)
        if isinstance(value, Mapping):
            return {
                k if not isinstance(k, str) else self._whole(k, mark): self.render(v, mark)
                for k, v in value.items()
            }
        if isinstance(value, (list, tuple)):
            items: list[Any] = []
            for item in value:
                rendered = self.render(item, mark)
                spread = isinstance(item, str) and isinstance(rendered, (list, tuple))
                items.extend(rendered if spread else [rendered])
            return type(value)(items)
        return value

    def _string(self, text: str, mark: Mark) -> Any:
        pieces = holes(text, mark)
        if len(pieces) == 1 and isinstance(pieces[0], Hole):
            value = evaluate(pieces[0], self.context.plain)
            if value is None:
                raise _no_value(pieces[0])
            return value
        return self._whole(text, mark)

    def _whole(self, text: str, mark: Mark) -> str:
        rendered = "".join(self.part(p) for p in holes(text, mark_of(text, mark)))
        if rendered == text:
            return text
        return Text(rendered, text.mark) if isinstance(text, Text) else rendered

    def part(self, part: Part) -> str:
        if isinstance(part, Hole):
            return self.as_text(evaluate(part, self.context.plain), part)
        return self._counted(self.context.pasted[part.name] if isinstance(part, Pasted) else part)

    def as_text(self, value: Any, hole: Hole) -> str:
        if value is None:
            raise _no_value(hole)
        try:
            return self._counted(as_text(value))
        except TypeError as error:
            raise ScenarioError(hole.mark, f"`{hole.expression}`: {error}", "text") from None

    def _counted(self, text: str) -> str:
        self.total += len(text)
        if self.total > MAX_TOTAL:
            raise ScenarioError(UNPLACED, "variables that make more than 4 MiB of text", "less")
        return text

    def _model(self, model: BaseModel, mark: Mark) -> BaseModel:
        fields = type(model).model_fields
        data = {
            fields[name].alias or name: self.render(getattr(model, name), mark)
            for name in fields
            if name in model.model_fields_set
        }
        try:
            rendered = type(model).model_validate(data)
        except ValidationError as error:
            raise located(error, lambda path, _: _place(model, path, mark), data) from None
        for name in model.__private_attributes__:
            setattr(rendered, name, getattr(model, name))
        return rendered


def _no_value(hole: Hole) -> ScenarioError:
    return ScenarioError(
        hole.mark,
        f"`{hole.expression}` has no value here",
        "a value; `when:` runs a step only where there is one",
    )


def _place(value: Any, path: tuple[str | int, ...], mark: Mark) -> Mark:
    """The mark of what the path leads to in the model before it was rendered."""
    mark = mark_of(value, mark)
    if not path:
        return mark
    inner: Any = None
    if isinstance(value, BaseModel):
        names = {f.alias or n: n for n, f in type(value).model_fields.items()}
        inner = getattr(value, names.get(str(path[0]), ""), None)
    elif isinstance(value, Mapping):
        inner = value.get(path[0])
    elif isinstance(value, (list, tuple)) and isinstance(path[0], int) and path[0] < len(value):
        inner = value[path[0]]
    return _place(inner, path[1:], mark)


__all__ = [
    "Context",
    "Word",
    "render",
    "render_template",
    "render_words",
    "split",
    "truth",
    "with_vars",
]
