"""The pages about the code itself, for whoever changes it: its layers and its errors."""

from __future__ import annotations

from collections.abc import Iterator

from markdown_text import code, page, prose, table
from own_source import Error, Module, errors, importers, layers, modules


def layers_page() -> str:
    """Each folder of the package: what it is, what it imports, and what it may not."""
    intro = (
        "The folders of `lifecycle/`, the topmost first. A folder may import those below it and "
        "none above: `nox -s lint` proves it, by the contract in pyproject.toml. What each does "
        "import now stands beside it. How they work together: "
        "[../architecture.md](../architecture.md).\n\n"
    )
    rows = ((code(f"{layer}/"), _said(layer), _uses(layer)) for layer in layers())
    parts = ((code(m.file.rpartition("/")[0] + "/"), prose(m.said)) for m in _folders_within())
    systems = (
        (code(system), ", ".join(map(code, who)) or "nobody at all")
        for system, who in importers().items()
    )
    return page(
        *("Layers", intro, table(("folder", "what it is", "imports of ours"), rows)),
        "\n## Folders within them\n\n",
        table(("folder", "what it is"), parts),
        "\n## Outside systems\n\nEach has few importers, so that few places know it.\n\n",
        table(("package", "imported by"), systems),
    )


def _said(layer: str) -> str:
    return prose(modules()[f"lifecycle.{layer}"].said)


def _uses(layer: str) -> str:
    """The layers that a layer's modules import, in the contract's order."""
    used = set()
    for module in modules().values():
        if module.layer == layer:
            ours = (m.split(".") for m in module.imported.values() if m.startswith("lifecycle."))
            used |= {parts[1] for parts in ours}
    return ", ".join(code(one) for one in layers() if one in used and one != layer)


def _folders_within() -> Iterator[Module]:
    return (
        m for m in modules().values() if m.file.endswith("/__init__.py") and "/" in m.file[:-12]
    )


def limits_page() -> str:
    """Every time limit: where it is, how long, and of what."""
    intro = (
        "How long what may take. A step's own limit (its `timeout`) counts for all "
        "that it does and looks at; these are those of single things, by the layer that waits. "
        "To change one, change the constant.\n\n"
    )
    by_layer = sorted(modules().values(), key=lambda m: (order(m.layer), m.file))
    rows = (
        (f"{seconds:g}", prose(told), code(f"{module.file}: {name}"))
        for module in by_layer
        for name, seconds, told in module.limits()
    )
    return page("Time limits", intro, table(("s", "what it is", "where"), rows))


def order(layer: str) -> int:
    """Where a layer stands, from the topmost down."""
    known = list(layers())
    return known.index(layer) if layer in known else len(known)


def errors_page() -> str:
    """The tree of the exceptions: what each means, where it is made, where it is caught."""
    intro = (
        "Every exception class of ours below the one that it derives from, with the file it is "
        "in, the first sentence of its docstring, the files that make one, and those that catch "
        "it by its own name. What catches a class catches all below it, too. How an error "
        "becomes a sentence for a person: [../architecture.md](../architecture.md#errors).\n\n"
    )
    roots = dict.fromkeys(b for e in errors().values() for b in e.bases if b not in errors())
    known: set[str] = set()
    return page("Errors", intro, *(line for root in roots for line in _tree(root, 0, known)))


def _tree(name: str, depth: int, known: set[str]) -> Iterator[str]:
    """A class and those below it; one with two bases is told of below the first."""
    error = errors().get(name)
    told = _told(error, again=name in known) if error else code(name)
    known.add(name)
    yield f"{'  ' * depth}- {told}\n"
    for below, one in sorted(errors().items(), key=lambda pair: pair[1].module.file):
        if name in one.bases:
            yield from _tree(below, depth + 1, known)


def _told(error: Error, *, again: bool) -> str:
    if again:
        return f"**{prose(error.name)}**, as above."
    made, caught = (", ".join(map(code, sorted(w))) for w in (error.made_in, error.caught_in))
    where = code(error.module.file)
    caught = f"caught in {caught}" if caught else "caught by a base class only"
    return (
        f"**{prose(error.name)}** ({where}): {prose(error.said)} "
        f"Made in {made or 'none'}; {caught}."
    )
