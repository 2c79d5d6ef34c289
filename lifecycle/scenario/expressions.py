"""The language inside ``${{ }}``: Jinja2 expressions, sandboxed, bounded, undefined an error."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Any

from jinja2 import StrictUndefined, TemplateError, Undefined, nodes
from jinja2.filters import FILTERS as JINJA_FILTERS
from jinja2.parser import Parser
from jinja2.sandbox import ImmutableSandboxedEnvironment

from lifecycle.scenario.errors import Mark, ScenarioError
from lifecycle.scenario.marks import place
from lifecycle.text.lines import nearest, one_line

if TYPE_CHECKING:
    from jinja2.runtime import Context as JinjaContext

FUNCTIONS = ("image", "container", "volume", "network")
"""Real names of a run's things. Called, such a name is the function; else it may be a variable."""
MAX_EXPRESSION = 1000
MAX_HOLES = 10_000
"""Expressions in one file."""
MAX_SIZE = 64 * 1024
MAX_NUMBER = 2**63
MAX_DEPTH = 20

FILTERS = (
    *("default", "d", "lower", "upper", "capitalize", "title", "trim", "abs", "min", "max"),
    *("first", "last", "length", "count", "int", "float", "string", "list", "sort", "unique"),
)
"""Jinja's own filters that can't make much out of little; join and replace are ours."""

METHODS: dict[type, frozenset[str]] = {
    str: frozenset(
        (
            *("lower", "upper", "strip", "lstrip", "rstrip", "removeprefix", "removesuffix"),
            *("startswith", "endswith", "find", "count", "isdigit"),
            *("split", "rsplit", "splitlines", "partition", "rpartition"),
        )
    ),
    dict: frozenset(("get", "keys", "values", "items")),
    list: frozenset(("count", "index")),
    tuple: frozenset(("count", "index")),
}
RECOVERED = (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError)


def function(name: str) -> str:
    """The name under which the values hold a function: no expression can write it."""
    return f"_{name}"


class TooMuchError(ValueError):
    """An expression that would make more than a scenario can need."""


@dataclass(frozen=True)
class Hole:
    """One ``${{ expression }}`` and where its ``$`` stands."""

    expression: str
    mark: Mark


def holes(text: str, mark: Mark) -> list[str | Hole]:
    """The text cut into literal pieces and holes."""
    pieces: list[str | Hole] = []
    at = 0
    while True:
        start = text.find("${{", at)
        if start < 0:
            break
        end = hole_end(text, start, mark)
        pieces.extend([text[at:start]] if start > at else [])
        pieces.append(Hole(text[start + 3 : end - 2].strip(), place(text, mark, start)))
        at = end
    pieces.extend([text[at:]] if at < len(text) else [])
    return pieces


def hole_end(text: str, start: int, mark: Mark) -> int:
    """The index after the ``}}`` that closes the hole at ``start``."""
    at, depth, quote = start + 3, 0, ""
    while at < len(text):
        char = text[at]
        if quote:
            at += char == "\\"
            quote = "" if char == quote else quote
        elif char in "'\"":
            quote = char
        elif char == "{":
            depth += 1
        elif char == "}" and depth:
            depth -= 1
        elif text.startswith("}}", at):
            return at + 2
        at += 1
    raise ScenarioError(
        place(text, mark, start), "`${{` without its `}}`", "both", "${{ expression }}"
    )


class Sandbox(ImmutableSandboxedEnvironment):
    """Jinja2 without globals, with few filters, and with bounded operators."""

    intercepted_binops = frozenset(("+", "-", "*", "/", "//", "%", "**"))

    def __init__(self, **options: Any) -> None:
        super().__init__(undefined=StrictUndefined, autoescape=False, **options)
        self.globals.clear()
        self.filters = {name: JINJA_FILTERS[name] for name in FILTERS}
        self.filters |= {"join": _join, "replace": _replace}

    def _generate(
        self,
        source: nodes.Template,
        name: str | None,
        filename: str | None,
        defer_init: bool = False,  # noqa: FBT001, FBT002 - as Jinja2 has it
    ) -> str:
        """What Jinja2 compiles: a call is of the function, whatever a variable is named."""
        call_functions(source)
        return super()._generate(source, name, filename, defer_init)

    def call_binop(self, context: JinjaContext, operator: str, left: Any, right: Any) -> Any:
        """Numbers compute within 64 bits; text and lists can only be added."""
        if isinstance(left, (int, float)) and isinstance(right, (int, float)):
            if operator == "**":
                raise TooMuchError("`**` is not available")
            result = self.binop_table[operator](left, right)
            if abs(result) >= MAX_NUMBER:
                raise TooMuchError("a number beyond 64 bits")
            return result
        if operator != "+" and not isinstance(left, Undefined) and not isinstance(right, Undefined):
            raise TooMuchError(f"`{operator}` between things that are not numbers")
        return bounded(super().call_binop(context, operator, left, right))

    def getattr(self, obj: Any, attribute: str) -> Any:
        """A mapping's entries come before its methods; plain values have the few of METHODS."""
        if isinstance(obj, Mapping) and attribute in obj:
            return obj[attribute]
        for kind, names in METHODS.items():
            if isinstance(obj, kind) and attribute not in names:
                return self.undefined(obj=obj, name=attribute)
        return super().getattr(obj, attribute)

    def getitem(self, obj: Any, argument: Any) -> Any:
        """``x['name']`` reaches nothing that ``x.name`` does not."""
        if isinstance(argument, str):
            return self.getattr(obj, argument)
        return super().getitem(obj, argument)

    def is_safe_callable(self, obj: Any) -> bool:
        """Functions that the run offers, and the few methods of text, lists and mappings."""
        if isinstance(obj, type):
            return False
        owner = getattr(obj, "__self__", None)
        for kind in (str, bytes, dict, list, tuple, set, int, float):
            if isinstance(owner, kind):
                return getattr(obj, "__name__", "") in METHODS.get(kind, frozenset())
        return super().is_safe_callable(obj)


def _join(value: Any, separator: str = "") -> str:
    parts = [as_text(item) for item in value]
    if sum(map(len, parts)) + len(separator) * len(parts) > MAX_SIZE:
        raise TooMuchError(f"text of more than {MAX_SIZE} characters")
    return str(separator).join(parts)


def _replace(value: Any, old: str, new: str) -> str:
    text = str(value)
    if len(text) + text.count(str(old)) * len(str(new)) > MAX_SIZE:
        raise TooMuchError(f"text of more than {MAX_SIZE} characters")
    return text.replace(str(old), str(new))


def bounded(value: Any) -> Any:
    """The value, when it is small enough to be used."""
    if _size(value, 0) > MAX_SIZE:
        raise TooMuchError(f"more than {MAX_SIZE} characters")
    return value


def _size(value: Any, depth: int) -> int:
    if depth > MAX_DEPTH:
        raise TooMuchError(f"nested more than {MAX_DEPTH} deep")
    if isinstance(value, str):
        return len(value) + 1
    if isinstance(value, Mapping):
        return 1 + sum(_size(k, depth + 1) + _size(v, depth + 1) for k, v in value.items())
    if isinstance(value, (list, tuple)):
        return 1 + sum(_size(item, depth + 1) for item in value)
    return 8


def as_text(value: Any) -> str:
    """A value inside text, written as YAML writes it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (str, int, float)):
        return str(value)
    kind = "no value" if value is None else f"a {type(value).__name__}"
    raise TypeError(f"{kind} where text is needed")


@dataclass(frozen=True)
class Expression:
    """A compiled expression and the names it looks up."""

    source: str
    tree: nodes.Node

    @cached_property
    def run(self) -> Callable[[Mapping[str, Any]], Any]:
        """Evaluate with these variables."""
        return SANDBOX.compile_expression(self.source, undefined_to_none=False)

    def value(self, values: Mapping[str, Any]) -> Any:
        """What it comes to; a scenario may have thousands of names, and these are all it sees."""
        return self.run({name: values[name] for name in self.names if name in values})

    @cached_property
    def names(self) -> frozenset[str]:
        """Every name that it mentions."""
        return frozenset(n.name for n in walk(self.tree) if isinstance(n, nodes.Name))

    @cached_property
    def chains(self) -> tuple[tuple[str, ...], ...]:
        """Every dotted name that must be known: ``("lab", "proxy", "http")``."""
        return tuple(chains(self.tree))


SANDBOX = Sandbox()


@lru_cache(maxsize=MAX_HOLES)
def _compiled(source: str) -> Expression:
    if not source:
        raise TemplateError("nothing between the braces")
    if len(source) > MAX_EXPRESSION:
        raise TemplateError(f"an expression of more than {MAX_EXPRESSION} characters")
    parser = Parser(SANDBOX, source, state="variable")
    tree = parser.parse_expression()
    if not parser.stream.eos:
        raise TemplateError(f"`{parser.stream.current.value}` after the expression")
    refuse_private(tree)
    call_functions(tree)
    expression = Expression(source, tree)
    _ = expression.run
    return expression


def compiled(hole: Hole) -> Expression:
    """The hole's expression; raises ScenarioError where it is none."""
    try:
        return _compiled(hole.expression)
    except (TemplateError, SyntaxError, MemoryError, *RECOVERED) as error:
        raise ScenarioError(
            hole.mark, f"`{one_line(hole.expression, 80)}`: {_reason(error)}", *_advice(str(error))
        ) from None


def _reason(error: BaseException) -> str:
    if isinstance(error, (RecursionError, MemoryError)):
        return "too deeply nested"
    return str(getattr(error, "message", None) or error)


def _advice(message: str) -> tuple[str, str]:
    if message.startswith("No filter named"):
        known = [*FILTERS, "join", "replace"]
        return f"one of the filters {', '.join(known)}", nearest(message.split("'")[1], known)
    return "a Jinja2 expression", ""


def refuse_private(tree: nodes.Node) -> None:
    """Names that begin with an underscore are Python's insides."""
    for node in walk(tree):
        name: Any = ""
        if isinstance(node, nodes.Getattr):
            name = node.attr
        elif isinstance(node, nodes.Name):
            name = node.name
        elif isinstance(node, nodes.Getitem) and isinstance(node.arg, nodes.Const):
            name = node.arg.value
        if isinstance(name, str) and name.startswith("_"):
            raise TemplateError(f"`{name}` is private")


def call_functions(tree: nodes.Node) -> None:
    """Make ``image(...)`` a call of the function, where ``image`` alone is a variable."""
    for call in walk(tree):
        called = call.node if isinstance(call, nodes.Call) else None
        if isinstance(called, nodes.Name) and called.name in FUNCTIONS:
            called.name = function(called.name)


def chains(tree: nodes.Node) -> Iterator[tuple[str, ...]]:
    """The dotted names in a syntax tree, but those asked for with ``default`` or ``is defined``."""
    guarded = {
        _dotted(node.node)
        for node in walk(tree)
        if isinstance(node, (nodes.Filter, nodes.Test))
        and node.name in ("default", "d", "defined", "undefined")
    }
    dotted = [_dotted(node) for node in walk(tree)]
    inner = {chain[:-1] for chain in dotted if len(chain) > 1}
    for chain in dotted:
        if chain and chain not in inner and chain not in guarded:
            yield chain


def walk(tree: nodes.Node) -> Iterator[nodes.Node]:
    """Every node of a syntax tree, the root included."""
    yield tree
    yield from tree.find_all(nodes.Node)


def _dotted(node: nodes.Node | None) -> tuple[str, ...]:
    """``lab.proxy.http`` as its parts; empty for a function, or what is no dotted name."""
    if isinstance(node, nodes.Name):
        return (node.name,) if node.ctx == "load" and not node.name.startswith("_") else ()
    if isinstance(node, nodes.Getattr):
        before = _dotted(node.node)
        return (*before, node.attr) if before else ()
    return ()


def evaluate(hole: Hole, values: Mapping[str, Any]) -> Any:
    """The value of a hole; raises ScenarioError for undefined, private or too large values."""
    expression = compiled(hole)
    try:
        result = expression.value(values)
        if not isinstance(result, Undefined):
            return bounded(_usable(result))
    except (TemplateError, MemoryError, *RECOVERED) as error:
        unknown = first_unknown(expression.chains, values)
        if unknown is None:
            shown = one_line(hole.expression, 80)
            raise ScenarioError(hole.mark, f"`{shown}`: {_reason(error)}", "a value") from None
    else:
        unknown = first_unknown(expression.chains, values)
    chain, known = unknown or ((hole.expression,), [])
    raise undefined(hole.mark, chain, known)


def _usable(value: Any) -> Any:
    if value is None or isinstance(value, (str, int, float, list, tuple, Mapping)):
        return value
    if callable(value):
        raise TypeError("a function, which must be called: name(...)")
    raise TypeError(f"a {type(value).__name__}, where text, a number or a list is needed")


def first_unknown(
    wanted: tuple[tuple[str, ...], ...], values: Mapping[str, Any]
) -> tuple[tuple[str, ...], list[str]] | None:
    """The first name that is not there, and the names that are in its place."""
    for chain in wanted:
        at: Any = values
        for index, name in enumerate(chain):
            if not isinstance(at, Mapping):
                break
            if name not in at:
                if index and name in METHODS[dict]:
                    break
                return chain[: index + 1], [str(key) for key in at]
            at = at[name]
    return None


def undefined(mark: Mark, chain: tuple[str, ...], known: list[str]) -> ScenarioError:
    """The error for a name that is not known, with the nearest one that is."""
    if len(chain) == 1 and chain[0] in FUNCTIONS:
        name = chain[0]
        what = f"`{name}` is not defined as a variable, and the function must be called"
        return ScenarioError(mark, what, f"{name}('NAME')", f"${{{{ {name}('NAME') }}}}")
    near = nearest(chain[-1], known)
    offer = f"one of {', '.join(sorted(known)[:20])}" if known else "a name that is known"
    corrected = f"${{{{ {'.'.join((*chain[:-1], near))} }}}}" if near else ""
    return ScenarioError(mark, f"`{'.'.join(chain)}` is not defined", offer, corrected)
