"""What the manifests of an archive of images name, in every spelling that an engine reads."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from lifecycle.command.references import familiar
from lifecycle.command.values import ImpossibleError
from lifecycle.run.ownership.refusing import Refused

_REF_NAME = "org.opencontainers.image.ref.name"


def of_archive(told: Mapping[str, Any]) -> tuple[dict[str, frozenset[str]], set[str]]:
    """The tags of an archive with the ids that each may have, and the ids of all its images."""
    tags: dict[str, frozenset[str]] = {}
    images: set[str] = set()
    for tag, identity in _named(told):
        if identity:
            images.add(identity)
        if tag:
            try:
                name = familiar(tag)
            except ImpossibleError as error:
                raise Refused(
                    f"the archive names an image that can't be: {error.message}"
                ) from None
            tags[name] = tags.get(name, frozenset()) | {identity}
    return tags, images


def _named(told: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Each tag of each manifest with its image's id, and images without a tag."""
    try:
        for manifest in told.get("manifest.json", ()):
            for image in manifest:
                config = str(image.get("config") or "").rpartition("/")[2].removesuffix(".json")
                yield from ((str(t), f"sha256:{config}") for t in image.get("repotags") or [""])
        for repositories in told.get("repositories", ()):
            for name, of_name in repositories.items():
                yield from ((f"{name}:{tag}", str(layer)) for tag, layer in of_name.items())
        for index in told.get("index.json", ()):
            for one in index.get("manifests") or ():
                notes = one.get("annotations") or {}
                name = notes.get("io.containerd.image.name") or notes.get(_REF_NAME)
                yield str(name or ""), str(one.get("digest") or "")
    except (AttributeError, TypeError) as error:
        raise Refused(f"the archive's manifest is not of the known shape: {error}") from None
