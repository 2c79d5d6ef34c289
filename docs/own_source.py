"""The package's own source, read and never run: modules, what they import, raise and catch."""

from __future__ import annotations

import ast
import builtins
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache, cached_property
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = "lifecycle"


@dataclass(frozen=True)
class Module:
    """One file of the package; ``name`` is dotted."""

    name: str
    path: Path
    tree: ast.Module = field(repr=False)

    @property
    def file(self) -> str:
        """Its path below ``lifecycle/``."""
        return str(self.path.relative_to(ROOT / PACKAGE))

    @property
    def layer(self) -> str:
        """The folder of ``lifecycle/`` that it is in; empty for the package itself."""
        return self.file.partition("/")[0] if "/" in self.file else ""

    @property
    def said(self) -> str:
        """The first sentence or paragraph of its docstring."""
        return summary(self.tree)

    @cached_property
    def imported(self) -> dict[str, str]:
        """What each name of an import means, dotted, wherever in the file it stands."""
        found: dict[str, str] = {}
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Import):
                found |= {(a.asname or a.name.partition(".")[0]): a.name for a in node.names}
            elif isinstance(node, ast.ImportFrom):
                found |= {(a.asname or a.name): f"{node.module}.{a.name}" for a in node.names}
        return found

    def limits(self) -> Iterator[tuple[str, float, str]]:
        """Its time limits: the constant, its seconds, and the docstring below it."""
        for node, below in zip(self.tree.body, [*self.tree.body[1:], None], strict=True):
            match node:
                case ast.Assign(
                    targets=[ast.Name(id=name)], value=ast.Constant(value=int() | float() as limit)
                ) if name.endswith(("LIMIT", "GRACE")):
                    told = below.value if isinstance(below, ast.Expr) else None
                    yield name, limit, str(told.value) if isinstance(told, ast.Constant) else ""

    def meaning(self, node: ast.AST) -> str:
        """What a name or an attribute of a module means, dotted; empty for anything else."""
        if isinstance(node, ast.Name):
            return self.imported.get(node.id, f"{self.name}.{node.id}")
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            of = self.imported.get(node.value.id)
            return f"{of}.{node.attr}" if of else ""
        return ""


def summary(node: ast.Module | ast.ClassDef) -> str:
    """The first paragraph of a docstring."""
    return " ".join((ast.get_docstring(node) or "").partition("\n\n")[0].split())


@cache
def modules() -> dict[str, Module]:
    """Every module of the package by its dotted name."""
    found = {}
    for path in sorted((ROOT / PACKAGE).rglob("*.py")):
        parts = path.relative_to(ROOT).with_suffix("").parts
        name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
        found[name] = Module(name, path, ast.parse(path.read_text("utf-8")))
    return found


@cache
def layers() -> tuple[str, ...]:
    """The layers of the contract in pyproject.toml, the topmost first."""
    return tuple(_contract("layers")["layers"])


def importers() -> dict[str, list[str]]:
    """Each outside system of the contract, with the modules that may import it."""
    outside = _contract("forbidden")
    found: dict[str, list[str]] = {name: [] for name in outside["forbidden_modules"]}
    for line in outside["ignore_imports"]:
        module, _, system = line.partition(" -> ")
        found[system].append(module)
    return found


def _contract(kind: str) -> dict[str, list[str]]:
    told = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    contracts = told["tool"]["importlinter"]["contracts"]
    return next(c for c in contracts if c["type"] == kind)


# -- errors ----------------------------------------------------------------------------------------


@dataclass
class Error:
    """An exception class of ours: ``bases`` are dotted, or names of Python's own."""

    name: str
    module: Module
    said: str
    bases: tuple[str, ...]
    made_in: set[str] = field(default_factory=set)
    caught_in: set[str] = field(default_factory=set)


@cache
def errors() -> dict[str, Error]:
    """Every exception class of the package by its dotted name, with where it is met."""
    classes = {
        f"{module.name}.{node.name}": (module, node)
        for module in modules().values()
        for node in ast.walk(module.tree)
        if isinstance(node, ast.ClassDef)
    }
    found: dict[str, Error] = {}
    for name, (module, node) in classes.items():
        if _is_error(name, classes):
            bases = tuple(_base(module, b, classes) for b in node.bases)
            found[name] = Error(node.name, module, summary(node), bases)
    for module in modules().values():
        _meet(module, found)
    return found


_Classes = dict[str, tuple[Module, ast.ClassDef]]


def _base(module: Module, node: ast.AST, classes: _Classes) -> str:
    """A class of ours by its dotted name, wherever it is imported from; else its bare name."""
    meant = _origin(module.meaning(node))
    return meant if meant in classes else meant.rpartition(".")[2]


def _origin(meant: str) -> str:
    """Where a name that another module only passes on is made."""
    of, _, name = meant.rpartition(".")
    passed_on = modules()[of].imported.get(name) if of in modules() else None
    return _origin(passed_on) if passed_on else meant


def _is_error(name: str, classes: _Classes) -> bool:
    if name in classes:
        module, node = classes[name]
        return any(_is_error(_base(module, base, classes), classes) for base in node.bases)
    python = getattr(builtins, name, None)
    return isinstance(python, type) and issubclass(python, BaseException)


def _meet(module: Module, found: dict[str, Error]) -> None:
    """Note where a module makes an error, and where it catches one by its name."""
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Call):
            if error := found.get(_origin(module.meaning(node.func))):
                error.made_in.add(module.file)
            if module.meaning(node.func).endswith(".suppress"):
                _catch(module, node.args, found)
        elif isinstance(node, ast.Raise) and node.exc is not None:
            if error := found.get(_origin(module.meaning(node.exc))):
                error.made_in.add(module.file)
        elif isinstance(node, ast.ExceptHandler) and node.type is not None:
            _catch(module, [node.type], found)


def _catch(module: Module, types: list[ast.expr], found: dict[str, Error]) -> None:
    for one in _each(module, types):
        if error := found.get(one):
            error.caught_in.add(module.file)


def _each(module: Module, types: list[ast.expr]) -> Iterator[str]:
    """The classes of a handler: one, a tuple of them, or a constant that is such a tuple."""
    for node in types:
        if isinstance(node, ast.Tuple):
            yield from _each(module, node.elts)
            continue
        meant = _origin(module.meaning(node))
        yield meant
        of, _, name = meant.rpartition(".")
        for made in modules()[of].tree.body if of in modules() else ():
            if isinstance(made, ast.Assign) and ast.unparse(made.targets[0]) == name:
                yield from _each(modules()[of], [made.value])
