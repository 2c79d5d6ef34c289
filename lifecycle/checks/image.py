"""Promises about images, and about the plain existence of volumes, networks and files."""

from __future__ import annotations

import re

from lifecycle.checks.check import Check, compare, unverified
from lifecycle.checks.rules import PHRASE, Rule, ThingRule
from lifecycle.command.promise import Promise
from lifecycle.facts.model import ContainerFacts, Facts


def _name(promise: Promise) -> str:
    return promise.about.name if promise.about else ""


def exists(promise: Promise, facts: Facts) -> Check:
    """The tag is there, or after rmi is not."""
    if _name(promise) not in facts.images:
        return unverified(PHRASE, promise.expected, "the image was not looked at")
    there = facts.images[_name(promise)] is not None
    return compare(PHRASE, promise.expected, there, "image inspect")


def same_as(promise: Promise, facts: Facts) -> Check:
    """``tag A B``: both names stand for one id."""
    mine = facts.images.get(_name(promise))
    other = facts.images.get(str(promise.expected))
    if other is None:
        return unverified(PHRASE, promise.expected, f"{promise.expected} was not found")
    same = mine is not None and mine["Id"] == other["Id"]
    actual = promise.expected if same else (mine or {}).get("Id")
    return compare(PHRASE, promise.expected, actual, "image inspect .Id")


def digest(promise: Promise, facts: Facts) -> Check:
    """``pull NAME@sha256:...``: the image carries that very digest."""
    image = facts.images.get(_name(promise)) or {}
    digests = [d.partition("@")[2] for d in image.get("RepoDigests") or []]
    actual = promise.expected if promise.expected in digests else (digests or None)
    return compare(PHRASE, promise.expected, actual, "image inspect .RepoDigests")


def user(promise: Promise, facts: Facts) -> Check:
    """``build``: the image's user is the Dockerfile's last USER."""
    image = facts.images.get(_name(promise))
    if image is None:
        return unverified(PHRASE, promise.expected, "the image was not made")
    actual = (image.get("Config") or {}).get("User", "")
    return compare(PHRASE, promise.expected, actual, "image inspect .Config.User")


def build_arg(promise: Promise, facts: Facts) -> Check:
    """``--build-arg``: a RUN of the image's history had that value of the argument."""
    name = promise.field.removeprefix("image.build_arg.")
    image, history = facts.images.get(_name(promise)), facts.histories.get(_name(promise))
    if image is None or history is None:
        return unverified(PHRASE, promise.expected, "the image was not made")
    declared = (image.get("Config") or {}).get("Env") or []
    if any(e.startswith(f"{name}=") for e in declared):
        reason = f"an ENV {name} hides the argument from the image's history"
        return unverified(PHRASE, promise.expected, reason)
    wanted = promise.expected if promise.expected is not None else (facts.environ or {}).get(name)
    if wanted is None:
        return unverified(PHRASE, None, f"{name} is not set here, so it says nothing")
    had = [m[1] for m in map(_ARGUMENTS.match, history) if m]
    values = [
        m[1] for text in had for m in [re.search(rf"(?:^| ){re.escape(name)}=(\S*)", text)] if m
    ]
    kept = any(f" {name}={wanted} " in f" {text} " for text in had)
    if promise.expected is None:  # the caller's own is not shown, as it may be secret
        return compare(PHRASE, _CALLERS, _CALLERS if kept else "another value", "history")
    actual = wanted if kept else (values[0] if values else None)
    return compare(PHRASE, wanted, actual, "image history")


_ARGUMENTS = re.compile(r"(?:RUN )?\|[0-9]+ (.*)", re.DOTALL)
"""How both builders write a RUN that had arguments."""
_CALLERS = "as the caller has it"


def stage(promise: Promise, facts: Facts) -> Check:
    """``--target``: the image's newest steps are those that the Dockerfile has for the stage."""
    history = facts.histories.get(_name(promise))
    if history is None:
        return unverified(PHRASE, promise.expected, "the image was not made")
    made, steps = [_step(text) for text in history], promise.expected_as(tuple)
    if made[-1:] == [("LABEL", "")] and steps[-1] != "LABEL":
        made.pop()  # the old builder makes a step of --label
    wanted = [tuple(str(step).partition(" ")[::2]) for step in steps]
    newest = made[-len(wanted) :]
    kept = len(newest) == len(wanted) and all(
        w[0] == f[0] and f[1].endswith(w[1]) for w, f in zip(wanted, newest, strict=True)
    )
    actual = steps if kept else [" ".join(filter(None, step)) for step in newest]
    return compare(PHRASE, steps, actual, "image history")


_WHOLE = frozenset({"RUN", "USER"})


def _step(text: str) -> tuple[str, str]:
    """One entry of a history as the instruction that made it; of most only the word."""
    _, nop, rest = text.partition("#(nop) ")
    plain = " ".join((rest if nop else text).split()).removesuffix(" # buildkit")
    word, _, arguments = plain.partition(" ")
    if not nop and not (word.isupper() and word.isalpha()):
        word, arguments = "RUN", plain  # the old builder has the command alone
    return word, arguments if word in _WHOLE else ""


def id_file(promise: Promise, facts: Facts) -> Check:
    """``--iidfile``: what the file holds is the image's id."""
    image = facts.images.get(_name(promise))
    if image is None:
        reason = "the image was not made" if promise.about else "the image has no name"
        return unverified(PHRASE, promise.expected, reason)
    return _holds(promise, str(image["Id"]), facts)


def container_id_file(promise: Promise, c: ContainerFacts, facts: Facts) -> Check:
    """``--cidfile``: what the file holds is the container's id."""
    return _holds(promise, str((c.inspect or {})["Id"]), facts)


def _holds(promise: Promise, wanted: str, facts: Facts) -> Check:
    path = str(promise.expected)
    if path not in facts.texts:
        return unverified(PHRASE, path, "the file was not read")
    label = f"{path} holds its id"
    return compare(label, wanted, facts.texts[path].strip() or None, "the file")


def pushed(promise: Promise, facts: Facts) -> Check:
    """``push``: the registry itself answers for the name."""
    if _name(promise) not in facts.pushed:
        return unverified(PHRASE, promise.expected, "the registry was not asked")
    return compare(
        PHRASE, promise.expected, bool(facts.pushed[_name(promise)]), "registry manifest"
    )


def file_exists(promise: Promise, facts: Facts) -> Check:
    """``save -o``, ``export -o``, ``cp``: the file is there."""
    path = str(promise.expected)
    if path not in facts.files:
        return unverified(PHRASE, path, "the file was not looked at")
    return compare(PHRASE, path, path if facts.files[path] else "missing", "stat")


def volume_exists(promise: Promise, facts: Facts) -> Check:
    """The volume is there, or after rm is not."""
    if _name(promise) not in facts.volumes:
        return unverified(PHRASE, promise.expected, "the volume was not looked at")
    there = facts.volumes[_name(promise)] is not None
    return compare(PHRASE, promise.expected, there, "volume inspect")


def network_exists(promise: Promise, facts: Facts) -> Check:
    """The network is there, or after rm is not."""
    if _name(promise) not in facts.networks:
        return unverified(PHRASE, promise.expected, "the network was not looked at")
    there = facts.networks[_name(promise)] is not None
    return compare(PHRASE, promise.expected, there, "network inspect")


RULES: dict[str, Rule] = {
    "container.id_file": Rule(container_id_file, "the file holds its id"),
}


THING_RULES: dict[str, ThingRule] = {
    "image.exists": ThingRule(exists, "is there"),
    "image.same_as": ThingRule(same_as, "is the same as"),
    "image.digest": ThingRule(digest, "has the digest"),
    "image.user": ThingRule(user, "has the Dockerfile's last user"),
    "image.stage": ThingRule(stage, "is made of the stage's steps"),
    "image.build_arg": ThingRule(build_arg, "was built with the argument"),
    "image.id_file": ThingRule(id_file, "the file holds its id"),
    "image.pushed": ThingRule(pushed, "is in the registry"),
    "file.exists": ThingRule(file_exists, "the file is there"),
    "volume.exists": ThingRule(volume_exists, "is there"),
    "network.exists": ThingRule(network_exists, "is there"),
}
