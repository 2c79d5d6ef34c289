"""Which tags an archive of images brings, and which image each would mean, before it is loaded.

An engine reads one of its manifests, by its store: ``index.json`` where images are kept by
containerd and the archive says that it is an OCI layout, else ``manifest.json``, and of old
archives ``repositories``. All of them name tags; only the one that counts tells of which image.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from lifecycle.command.references import familiar
from lifecycle.command.values.basic import ImpossibleError
from lifecycle.run.requests.bodies import BodyError, Shape, read_any
from lifecycle.run.requests.refusal import Refused

_MANIFEST: list[Shape] = [{"Config": None, "RepoTags": None}]
_INDEX: Shape = {"manifests": [{"digest": None, "annotations": None}]}
_LAYOUT: Shape = {"imageLayoutVersion": None}
_NAMES = ("io.containerd.image.name", "org.opencontainers.image.ref.name")
"""Annotations that name an image, the first that is there."""


@dataclass(frozen=True)
class Named:
    """One image of an archive: a tag or none, and the id it has, empty where that is not sure."""

    tag: str
    id: str


def named(contents: Mapping[str, Any], *, by_containerd: bool) -> list[Named]:
    """Every tag of every manifest, and images without one. Raises Refused."""
    problem = contents.get("problem")
    if problem:
        raise Refused(f"the archive can't be read, so its tags are not known: {problem}")
    try:
        as_oci = by_containerd and _is_layout(contents)
        images = [
            *(_sure(n, certain=not as_oci) for n in _of_manifest(contents)),
            *(_sure(n, certain=as_oci) for n in _of_index(contents)),
            *_of_repositories(contents),
        ]
    except (BodyError, AttributeError, TypeError) as error:
        raise Refused(f"the archive's manifest is not of the known shape: {error}") from None
    try:
        return [Named(familiar(n.tag) if n.tag else "", n.id) for n in images]
    except ImpossibleError as error:
        raise Refused(f"the archive names an image that can't be: {error.message}") from None


def _sure(image: Named, *, certain: bool) -> Named:
    return image if certain else Named(image.tag, "")


def _is_layout(contents: Mapping[str, Any]) -> bool:
    layouts = [read_any(text, _LAYOUT) for text in contents.get("oci-layout", ())]
    return len(layouts) == 1 and layouts[0].get("imageLayoutVersion") == "1.0.0"


def _of_manifest(contents: Mapping[str, Any]) -> Iterator[Named]:
    """Docker's own: an image is its configuration, which is a file named by its digest, or not."""
    true = frozenset(contents.get("true", ()))
    for text in contents.get("manifest.json", ()):
        for image in read_any(text, _MANIFEST):
            config = str(image.get("Config") or "").rpartition("/")[2].removesuffix(".json")
            for tag in _texts(image.get("RepoTags")) or [""]:
                yield Named(tag, f"sha256:{config}" if config in true else "")


def _of_index(contents: Mapping[str, Any]) -> Iterator[Named]:
    """OCI's: containerd takes no content whose digest is another."""
    for text in contents.get("index.json", ()):
        for one in read_any(text, _INDEX).get("manifests") or ():
            notes = one.get("annotations") or {}
            tag = next((str(notes[name]) for name in _NAMES if notes.get(name)), "")
            yield Named(tag, str(one.get("digest") or ""))


def _of_repositories(contents: Mapping[str, Any]) -> Iterator[Named]:
    """Of old archives: layers, from which the engine makes an image that nobody knows before."""
    for text in contents.get("repositories", ()):
        for name, tags in read_any(text, {}).items():
            yield from (Named(f"{name}:{tag}", "") for tag in tags)


def _texts(value: Any) -> list[str]:
    if not isinstance(value, list | None):
        raise TypeError("RepoTags is no list")
    return [str(one) for one in value or []]
