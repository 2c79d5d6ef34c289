"""Which tags an archive of images brings, and which image each would mean, before it is loaded.

An engine reads one of its manifests, by its store: ``index.json`` where images are kept by
containerd and the archive says that it is an OCI layout, else ``manifest.json``, and of old
archives ``repositories``. All of them name tags; only the one that counts tells of which image.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from lifecycle.command.references import familiar
from lifecycle.command.values.basic import ImpossibleError
from lifecycle.gate.archive import file_name
from lifecycle.run.requests.bodies import BodyError, Shape, read_any
from lifecycle.run.requests.refusal import Refused

_MANIFEST: list[Shape] = [{"Config": None, "RepoTags": None, "Parent": None}]
_INDEX: Shape = {"manifests": [{"digest": None, "annotations": None}]}
_LAYOUT: Shape = {"imageLayoutVersion": None}
_NAMES = ("io.containerd.image.name", "org.opencontainers.image.ref.name")
"""Annotations that name an image, the first that is there."""


@dataclass(frozen=True)
class Named:
    """One image of an archive: a tag or none, and the id it has, empty where that is not sure."""

    tag: str
    id: str
    parent: str = ""
    """The image on which the archive makes it stand; the engine writes that down of one it has."""


def named(contents: Mapping[str, Any], *, by_containerd: bool) -> list[Named]:
    """Every tag of every manifest, and images without one. Raises Refused."""
    problem = contents.get("problem")
    if problem:
        raise Refused(f"the archive can't be read, so its tags are not known: {problem}")
    try:
        as_oci = by_containerd and _is_layout(contents)
        dockers = [*map(_familiar, _of_manifest(contents))]
        ocis = [*map(_familiar, _of_index(contents))]
        old = [*map(_familiar, _of_repositories(contents))]
    except (BodyError, AttributeError, TypeError) as error:
        raise Refused(f"the archive's manifest is not of the known shape: {error}") from None
    except ImpossibleError as error:
        raise Refused(f"the archive names an image that can't be: {error.message}") from None
    if as_oci:
        _refuse_unknown(ocis)
        return [*ocis, *_unsure(dockers), *old]
    # Of an archive of Docker's own kind containerd makes manifests, whose digests are the ids.
    _refuse_unknown(_unsure(dockers) if by_containerd else dockers)
    return [*dockers, *_unsure(ocis), *old]


def _familiar(image: Named) -> Named:
    return replace(image, tag=familiar(image.tag) if image.tag else "")


def _unsure(images: Iterable[Named]) -> list[Named]:
    return [replace(image, id="", parent="") for image in images]


def _refuse_unknown(images: list[Named]) -> None:
    """Raise Refused for an image that has no name after, and whose id is not known before.

    That is one without a tag, and one whose tag another image of the archive gets.
    """
    tags = Counter(image.tag for image in images)
    for image in images:
        if not image.id and (not image.tag or tags[image.tag] > 1):
            raise Refused(
                "the archive has an image that is left without a tag, and whose id is not known "
                "before it is loaded, so it could not be removed after the run: give each image a "
                "tag of its own"
            )


def _is_layout(contents: Mapping[str, Any]) -> bool:
    layouts = [read_any(text, _LAYOUT) for text in contents.get("oci-layout", ())]
    return len(layouts) == 1 and layouts[0].get("imageLayoutVersion") == "1.0.0"


def _of_manifest(contents: Mapping[str, Any]) -> Iterator[Named]:
    """Docker's own: an image is its configuration, and has that file's digest for its id."""
    digests = contents.get("digests", {})
    for text in contents.get("manifest.json", ()):
        for image in read_any(text, _MANIFEST):
            digest = digests.get(file_name(str(image.get("Config") or "")), "")
            for tag in _texts(image.get("RepoTags")) or [""]:
                identity = f"sha256:{digest}" if digest else ""
                yield Named(tag, identity, str(image.get("Parent") or ""))


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
