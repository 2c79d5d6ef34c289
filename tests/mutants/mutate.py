"""What a mutant is, and the mutants of a file: mutmut's mutations, and three of our own."""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from random import Random

import libcst as cst
from libcst.metadata import CodeRange, MetadataWrapper, PositionProvider
from mutmut.mutation.mutators import mutation_operators

_NO_CODE = (cst.Annotation, cst.Decorator, cst.Import, cst.ImportFrom)
_TYPES_ONLY = frozenset({"cast", "TypeVar", "ParamSpec", "Literal"})


@dataclass(frozen=True)
class Place:
    """A piece of code that has mutants, of lines ``first`` to ``last``."""

    path: Path
    first: int
    last: int


@dataclass(frozen=True)
class Mutant:
    """A file's text with one change."""

    place: Place
    text: str
    diff: str


class Source:
    """A file's code, and all of its places that can be changed, in its order."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._wrapper = MetadataWrapper(cst.parse_module(_text(path)))
        visitor = _Places()
        self._wrapper.visit(visitor)
        self._found = visitor.found

    def __len__(self) -> int:
        return len(self._found)

    def mutant(self, number: int, chance: Random) -> Mutant:
        """One of the mutants of a place."""
        node, at = self._found[number]
        before, changes = _text(self._path), list(_changes(node))
        changed = self._wrapper.module.deep_replace(node, chance.choice(changes))
        assert isinstance(changed, cst.Module)
        old, new = before.splitlines(), changed.code.splitlines()
        lines = difflib.unified_diff(old, new, lineterm="", n=1, fromfile=str(self._path))
        diff = "\n".join(line for line in lines if line[:3] != "+++")
        return Mutant(Place(self._path, at.start.line, at.end.line), changed.code, diff)


def control(place: Place) -> Mutant:
    """The file as it is: what a test notices of this, it would notice of anything."""
    return Mutant(place, _text(place.path), "")


def _text(path: Path) -> str:
    return path.read_text("utf-8")


class _Places(cst.CSTVisitor):
    """Code that does something: no annotations, and no words that only a type checker reads."""

    METADATA_DEPENDENCIES = (PositionProvider,)

    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[cst.CSTNode, CodeRange]] = []

    def on_visit(self, node: cst.CSTNode) -> bool:
        if isinstance(node, _NO_CODE) or _is_for_types(node):
            return False
        if next(_changes(node), None) is not None:
            at = self.get_metadata(PositionProvider, node, None)
            if isinstance(at, CodeRange):
                self.found.append((node, at))
        return True


def _is_for_types(node: cst.CSTNode) -> bool:
    named = node.func if isinstance(node, cst.Call) else getattr(node, "value", None)
    if isinstance(node, cst.Call | cst.Subscript):
        return isinstance(named, cst.Name) and named.value in _TYPES_ONLY
    if isinstance(node, cst.If):
        return isinstance(node.test, cst.Name) and node.test.value == "TYPE_CHECKING"
    targets = node.targets if isinstance(node, cst.Assign) else ()
    return any(isinstance(t.target, cst.Name) and t.target.value == "__all__" for t in targets)


def _changes(node: cst.CSTNode) -> Iterator[cst.CSTNode]:
    if isinstance(node, cst.Expr) and isinstance(node.value, cst.BaseString):
        return  # a docstring
    for kind, change in mutation_operators:
        if isinstance(node, kind):
            yield from change(node)
    yield from _ours(node)


def _ours(node: cst.CSTNode) -> Iterator[cst.CSTNode]:
    """A result that is none, a condition that is turned round, a call that is not made."""
    if isinstance(node, cst.Return) and node.value is not None and not _is_none(node.value):
        yield node.with_changes(value=cst.Name("None"))
    if isinstance(node, cst.If):
        yield node.with_changes(
            test=_not(node.test), whitespace_before_test=cst.SimpleWhitespace(" ")
        )
    if isinstance(node, cst.Expr) and isinstance(node.value, cst.Call):
        yield cst.Pass()


def _is_none(node: cst.BaseExpression) -> bool:
    return isinstance(node, cst.Name) and node.value == "None"


def _not(test: cst.BaseExpression) -> cst.BaseExpression:
    inner = test.with_changes(lpar=[cst.LeftParen()], rpar=[cst.RightParen()])
    return cst.UnaryOperation(cst.Not(), inner)
