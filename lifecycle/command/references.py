"""Image references, read and normalised as the docker CLI does."""

from __future__ import annotations

import re
from dataclasses import dataclass

from lifecycle.command.values.basic import ImpossibleError

_DOMAIN_PART = r"(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9])"
_DOMAIN = rf"(?:{_DOMAIN_PART}(?:\.{_DOMAIN_PART})*|\[[a-fA-F0-9:]+\])(?::[0-9]+)?"
_PATH_PART = r"[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*"
_NAME = rf"{_DOMAIN}(?:/{_PATH_PART})+"
_REFERENCE = re.compile(
    rf"(?P<name>{_NAME})(?::(?P<tag>[A-Za-z0-9_][A-Za-z0-9_.-]{{0,127}}))?"
    r"(?:@(?P<digest>[A-Za-z][A-Za-z0-9]*(?:[-_+.][A-Za-z][A-Za-z0-9]*)*:[0-9a-fA-F]{32,}))?"
)
_ID = re.compile(r"sha256:[0-9a-f]{64}|[0-9a-f]{64}|[0-9a-f]{12}")
_WHOLE_ID = re.compile("[0-9a-f]{64}")
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}|sha384:[0-9a-f]{96}|sha512:[0-9a-f]{128}")
_HUB = "docker.io"
_LONGEST_NAME = 255


@dataclass(frozen=True)
class Reference:
    """An image reference: the familiar name, and a tag, a digest, or both."""

    name: str
    tag: str = ""
    digest: str = ""

    def __str__(self) -> str:
        tag = f":{self.tag}" if self.tag else ""
        digest = f"@{self.digest}" if self.digest else ""
        return f"{self.name}{tag}{digest}"


def is_whole_id(text: str) -> bool:
    """Whether a text is 64 digits: a whole id, or a name that only the engine gives."""
    return _WHOLE_ID.fullmatch(text) is not None


def is_image_id(text: str) -> bool:
    """Whether a text is an image's id (full, or the 12 digits that docker prints)."""
    return _ID.fullmatch(text) is not None


def parse_reference(text: str) -> Reference:
    """Read a named reference; without a tag or digest it gets the tag ``latest``."""
    domain, path = _split_domain(text)
    repository = re.split("[:@]", path, maxsplit=1)[0]
    if repository != repository.lower():
        raise ImpossibleError(
            f'invalid image name "{text}": repository name ({repository}) must be lowercase',
            f"write {_lower_path(text, repository.removeprefix('library/'))}",
        )
    match = _REFERENCE.fullmatch(f"{domain}/{path}")
    if match is None or len(match["name"]) > _LONGEST_NAME:
        raise ImpossibleError(
            f'invalid image name "{text}"',
            "a name is [HOST[:PORT]/]PATH[:TAG][@DIGEST], for example me/test:latest",
        )
    tag, digest = match["tag"] or "", match["digest"] or ""
    if digest and _DIGEST.fullmatch(digest) is None:
        raise ImpossibleError(
            f'invalid digest "{digest}"', "a digest is sha256: and 64 hexadecimal digits"
        )
    if not tag and not digest:
        tag = "latest"
    return Reference(_familiar(match["name"]), tag, digest)


def familiar(text: str) -> str:
    """The name that everyone uses for an image: familiar, with its tag; ids stay as they are."""
    return text if is_image_id(text) else str(parse_reference(text))


def has_tag(text: str) -> bool:
    """Whether a written reference says a tag or digest itself."""
    return "@" in text or ":" in text.rsplit("/", 1)[-1]


def _split_domain(text: str) -> tuple[str, str]:
    """The registry and the rest; what has no registry is on the hub."""
    first, slash, rest = text.partition("/")
    is_domain = any(c in first for c in ".:") or first == "localhost" or first != first.lower()
    domain, path = (first, rest) if slash and is_domain else (_HUB, text)
    if domain == f"index.{_HUB}":
        domain = _HUB
    if domain == _HUB and "/" not in path:
        path = f"library/{path}"
    return domain, path


def _lower_path(text: str, path: str) -> str:
    at = text.rindex(path)
    return text[:at] + path.lower() + text[at + len(path) :]


def _familiar(name: str) -> str:
    on_hub = name.startswith(f"{_HUB}/")
    return name.removeprefix(f"{_HUB}/").removeprefix("library/") if on_hub else name
