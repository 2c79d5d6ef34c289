"""Files that a ``write`` step makes: Jinja2 templates from the scenario's folder or the library."""

from __future__ import annotations

import traceback
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jinja2 import BaseLoader, TemplateError, TemplateNotFound, TemplateSyntaxError, meta, nodes

from lifecycle.machine.regular_files import beginning
from lifecycle.scenario.authored_file import content
from lifecycle.scenario.errors import Mark, ScenarioError
from lifecycle.scenario.expressions import (
    RECOVERED,
    Sandbox,
    TooMuchError,
    call_functions,
    chains,
    first_unknown,
    refuse_private,
    undefined,
)
from lifecycle.text.lines import nearest

if TYPE_CHECKING:
    from collections.abc import Mapping

    from jinja2 import Environment

Read = Callable[[str, int], bytes]
MAX_TEMPLATE = 1024 * 1024
MAX_INCLUDES = 100
REFUSED: dict[type[nodes.Node], str] = {
    nodes.Macro: "a macro",
    nodes.CallBlock: "a call block",
    nodes.AssignBlock: "a set block",
    nodes.Import: "an import",
    nodes.FromImport: "an import",
    nodes.Concat: "`~` (write +)",
}
"""What could grow text without bound."""


def library() -> Path:
    """The folder of the scenarios that come with the package: packaged, or in the checkout."""
    package = Path(__file__).resolve().parents[1]
    packaged = package / "library"
    return packaged if packaged.is_dir() else package.parent / "scenarios"


def find_template(name: str, folder: Path, mark: Mark) -> Path:
    """The template's file; raises ScenarioError where it is missing or outside its folder."""
    for root in (folder, library()):
        file = _inside(root, name)
        if file is not None:
            return file
    beside = [p.name for p in _listed(folder)] + [p.name for p in _listed(library())]
    outside = Path(name).is_absolute() or ".." in Path(name).parts
    problem = f"the template `{name}` {'is outside the folder' if outside else 'is missing'}"
    expected = "a file in the scenario's folder, or a template of the library"
    near = nearest(name, beside)
    raise ScenarioError(mark, problem, expected, f"template: {near}" if near else "")


def _listed(folder: Path) -> list[Path]:
    try:
        return sorted(p for p in folder.iterdir() if p.suffix == ".j2")
    except OSError:
        return []


def _inside(root: Path, name: str) -> Path | None:
    try:
        base = root.resolve()
        path = (base / name).resolve()
        ok = path.is_relative_to(base) and path.is_file()
    except (OSError, ValueError, RuntimeError):
        return None
    return path if ok and not Path(name).is_absolute() and ".." not in Path(name).parts else None


class _FolderLoader(BaseLoader):
    """Reads templates below one folder, then from the library, and nothing else."""

    def __init__(self, folder: Path, read: Read) -> None:
        self.folder, self.read = folder, read

    def get_source(
        self, environment: Environment, template: str
    ) -> tuple[str, str, Callable[[], bool]]:
        path = _inside(self.folder, template) or _inside(library(), template)
        if path is None:
            raise TemplateNotFound(template, f"the template `{template}` is missing")
        source = _text(path, self.read)
        refuse(environment.parse(source, template, str(path)))
        return source, str(path), lambda: True


def _text(path: Path, read: Read = beginning) -> str:
    try:
        return content(path, "a template", read).decode()
    except UnicodeDecodeError:
        raise ScenarioError(Mark(str(path), 1, 1), "text that is not UTF-8", "UTF-8") from None


class _TemplateSandbox(Sandbox):
    """The sandbox of expressions, with the folder's templates and a limit on includes."""

    def __init__(self, folder: Path, read: Read) -> None:
        super().__init__(
            loader=_FolderLoader(folder, read),
            keep_trailing_newline=True,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self.included = 0

    def join_path(self, template: str, parent: str) -> str:
        """Called once for every include."""
        self.included += 1
        if self.included > MAX_INCLUDES:
            raise TooMuchError(f"more than {MAX_INCLUDES} includes")
        return super().join_path(template, parent)


def refuse(tree: nodes.Template) -> None:
    """Names that are private and constructs without a bound are template errors."""
    refuse_private(tree)
    for node in tree.find_all(tuple(REFUSED)):
        raise TemplateSyntaxError(f"{REFUSED[type(node)]} in a template", node.lineno)
    for loop in tree.find_all(nodes.For):
        if loop.recursive:
            raise TemplateSyntaxError("a recursive loop in a template", loop.lineno)


@cache
def _parser() -> Sandbox:
    return Sandbox(trim_blocks=True, lstrip_blocks=True)


def template_names(path: Path, read: Read = beginning) -> set[tuple[str, ...]]:
    """The dotted names that a template needs from its scenario; it must be a template."""
    try:
        tree = _parser().parse(_text(path, read))
        refuse(tree)
        call_functions(tree)
        needed = meta.find_undeclared_variables(tree)
        return {chain for chain in chains(tree) if chain[0] in needed}
    except (TemplateError, *RECOVERED) as error:
        raise _error(error, path) from None


def render_file(
    name: str, folder: Path, values: Mapping[str, Any], mark: Mark, read: Read = beginning
) -> str:
    """The text that a template makes of these variables; ``read`` gives the beginning of a file."""
    path = find_template(name, folder, mark)
    size, pieces = 0, []
    try:
        for piece in _TemplateSandbox(folder, read).get_template(name).generate(values):
            size += len(piece)
            if size > MAX_TEMPLATE:
                raise TooMuchError("more than 1 MiB of text")
            pieces.append(piece)
    except (TemplateError, MemoryError, *RECOVERED) as error:
        failed = _error(error, path)
        unknown = first_unknown(tuple(sorted(template_names(path, read))), values)
        raise undefined(failed.mark, *unknown) if unknown else failed from None
    return "".join(pieces)


def _error(error: BaseException, path: Path) -> ScenarioError:
    lines = [
        frame.lineno
        for frame in traceback.extract_tb(error.__traceback__)
        if frame.filename in (str(path), "<template>")
    ]
    line = getattr(error, "lineno", None) or (lines[-1] if lines else 1)
    file = getattr(error, "filename", None) or str(path)
    message = "too deeply nested" if isinstance(error, RecursionError) else str(error)
    return ScenarioError(Mark(file, line or 1, 1), message, "a Jinja2 template")
