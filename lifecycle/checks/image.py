"""Promises about images, and about the plain existence of volumes, networks and files."""

from __future__ import annotations

from lifecycle.checks.check import Check, compare, unverified
from lifecycle.checks.facts import Facts
from lifecycle.checks.wording import about
from lifecycle.command.promise import Promise


def _name(promise: Promise) -> str:
    return promise.about.name if promise.about else ""


def exists(promise: Promise, facts: Facts) -> Check:
    """The tag is there, or after rmi is not."""
    if _name(promise) not in facts.images:
        return unverified(about(promise), promise.expected, "the image was not looked at")
    there = facts.images[_name(promise)] is not None
    return compare(about(promise), promise.expected, there, "image inspect")


def same_as(promise: Promise, facts: Facts) -> Check:
    """``tag A B``: both names stand for one id."""
    mine = facts.images.get(_name(promise))
    other = facts.images.get(str(promise.expected))
    if other is None:
        return unverified(about(promise), promise.expected, f"{promise.expected} was not found")
    same = mine is not None and mine["Id"] == other["Id"]
    actual = promise.expected if same else (mine or {}).get("Id")
    return compare(about(promise), promise.expected, actual, "image inspect .Id")


def digest(promise: Promise, facts: Facts) -> Check:
    """``pull NAME@sha256:...``: the image carries that very digest."""
    image = facts.images.get(_name(promise)) or {}
    digests = [d.partition("@")[2] for d in image.get("RepoDigests") or []]
    actual = promise.expected if promise.expected in digests else (digests or None)
    return compare(about(promise), promise.expected, actual, "image inspect .RepoDigests")


def user(promise: Promise, facts: Facts) -> Check:
    """``build``: the image's user is the Dockerfile's last USER."""
    image = facts.images.get(_name(promise))
    if image is None:
        return unverified(about(promise), promise.expected, "the image was not made")
    actual = (image.get("Config") or {}).get("User", "")
    return compare(about(promise), promise.expected, actual, "image inspect .Config.User")


def pushed(promise: Promise, facts: Facts) -> Check:
    """``push``: the registry itself answers for the name."""
    if _name(promise) not in facts.pushed:
        return unverified(about(promise), promise.expected, "the registry was not asked")
    return compare(
        about(promise), promise.expected, bool(facts.pushed[_name(promise)]), "registry manifest"
    )


def file_exists(promise: Promise, facts: Facts) -> Check:
    """``save -o``, ``export -o``, ``cp``: the file is there."""
    path = str(promise.expected)
    if path not in facts.files:
        return unverified(about(promise), path, "the file was not looked at")
    return compare(about(promise), path, path if facts.files[path] else "missing", "stat")


def volume_exists(promise: Promise, facts: Facts) -> Check:
    """The volume is there, or after rm is not."""
    if _name(promise) not in facts.volumes:
        return unverified(about(promise), promise.expected, "the volume was not looked at")
    there = facts.volumes[_name(promise)] is not None
    return compare(about(promise), promise.expected, there, "volume inspect")


def network_exists(promise: Promise, facts: Facts) -> Check:
    """The network is there, or after rm is not."""
    if _name(promise) not in facts.networks:
        return unverified(about(promise), promise.expected, "the network was not looked at")
    there = facts.networks[_name(promise)] is not None
    return compare(about(promise), promise.expected, there, "network inspect")
