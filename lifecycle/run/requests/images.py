"""Requests that make, move or remove images and tags.

A tag that was there, or that somebody else made, is never moved.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Collection, Iterable, Mapping

from lifecycle.command.references import familiar, has_tag, parse_reference
from lifecycle.command.values.basic import ImpossibleError
from lifecycle.engine.daemon import Daemon
from lifecycle.gate.gate import Call
from lifecycle.gate.request import target
from lifecycle.run.ownership.build_layers import tags_of
from lifecycle.run.ownership.ownership import NAMELESS, Ownership
from lifecycle.run.requests import archives
from lifecycle.run.requests.archives import Named
from lifecycle.run.requests.image_names import joined
from lifecycle.run.requests.messages import followed
from lifecycle.run.requests.names import refuse_an_id
from lifecycle.run.requests.refusal import Absent, Refused, not_ours
from lifecycle.text.json_object import Json

_CONTAINERD = "io.containerd.snapshotter"
"""By what an engine's info tells that containerd keeps its images."""
_LOADED = re.compile(r"Loaded image: (\S+)")


class Images:
    """Decides on images for one run."""

    def __init__(self, ownership: Ownership, daemon: Daemon) -> None:
        self._o, self._daemon = ownership, daemon

    # -- tags ---------------------------------------------------------------------------------

    def claim(self, tag: str, meant: str = "") -> bool:
        """Write down that a tag is to be made; whether it will be ours.

        One that means the image ``meant`` already does not move. Raises Refused.
        """
        image = self._daemon.image(tag)
        if image is None:
            refuse_an_id(self._daemon.image, "image", tag)
        if image is None or self._o.owns_tag(tag, image):
            self._o.intend("image", tag)
            return True
        if image["Id"] != meant and not self._o.has_leave("image", tag, str(image["Id"])):
            raise Refused(
                f"image {tag} was there before this run; making it anew would move its tag "
                f"(if it is yours, --allow-foreign {tag} lifts this)"
            )
        return False

    def tagged(  # noqa: PLR0913 - a request, and what is known of what it gave
        self,
        tags: Iterable[str],
        was: Mapping[str, str],
        is_made: Callable[[str, str], bool],
        *,
        complete: bool,
        since: float = 0.0,
        given: Callable[[str], Collection[str]] = lambda _: (),
    ) -> None:
        """After the request: which of the tags that were to be made are there, by our doing.

        ``is_made`` tells it of a tag and its image's id: somebody else may have given that name
        while a request of ours failed. Where the answer is not ``complete``, the intent stays.
        One that the engine gave, and before it somebody else ``since`` then, is theirs: ``given``
        tells which images the engine gave it, where that is known.
        """
        for tag in tags:
            image = self._daemon.image(tag)
            # Nobody could know a name that holds the run's id before.
            now = str(image["Id"]) if image is not None else ""
            is_ours = self._o.run in tag or (bool(now) and is_made(tag, now))
            if since and is_ours and self._o.run not in tag:
                is_ours = not self._o.tags.was_taken(tag, now, since, given(tag) or {now})
            if image is not None and is_ours:
                if was.get(tag, "") != image["Id"]:
                    self._o.own_without_a_name(was.get(tag, ""))
                self._o.made("image", tag, str(image["Id"]))
            elif complete and not was.get(tag):
                self._o.gone("image", tag)

    def ids(self, tags: Iterable[str]) -> dict[str, str]:
        """What the tags of ours mean before the request."""
        return {tag: self._o.id_of("image", tag) for tag in tags}

    def tag(self, call: Call) -> None:
        """``POST /images/NAME/tag``."""
        image = self._daemon.image(call.request.names["name"])
        if image is None:
            raise Absent(f"No such image: {call.request.names['name']}")
        self._o.came_upon(image)
        new = joined(call.request.get("repo"), call.request.get("tag"))
        if not tags_of(image) and self._o.goes_with(new, image):
            raise Refused(f"image {image['Id'][:19]} {NAMELESS}: it would go with {new}")
        was = self.ids([new])
        mine = [new] if self.claim(new, str(image["Id"])) else []
        # By the id: what the name means may have become another image's meanwhile.
        path = f"/images/{image['Id']}/tag"
        answer = call.relay_and_wait(target(call.request.version, path, call.request.query))
        try:
            done = str(image["Id"]) if answer.ok else ""
            self.tagged(mine, was, lambda _, now: now == done, complete=answer.known)
        finally:
            call.release()

    def push(self, call: Call) -> None:
        """``POST /images/NAME/push``: what this run made is published, and nothing else."""
        name, tag = call.request.names["name"], call.request.get("tag")
        tags = [joined(name, tag)] if tag or has_tag(name) else self.tags_of_repository(name)
        for one in tags:
            image = self._daemon.image(one)
            if image is None or self._o.owns_tag(one, image):
                continue
            if not self._o.has_leave("image", one):
                raise not_ours("image", one, one)
        call.relay()

    def tags_of_repository(self, name: str) -> list[str]:
        """The tags that are here of one repository."""
        repository = parse_reference(name).name
        tags = (t for i in self._daemon.images() for t in tags_of(i))
        return [t for t in tags if t.rpartition(":")[0] == repository]

    def remove(self, call: Call) -> None:
        """``DELETE /images/NAME``: a tag of ours, or an image that is ours under every tag."""
        name = call.request.names["name"]
        image = self._daemon.image(name)
        if image is None:
            raise Absent(f"No such image: {name}")
        tag = _as_tag(name, image)
        ours = self._o.owns_tag(tag, image) if tag else self._o.owns_image(image)
        if not ours and not self._o.has_leave("image", str(image["Id"]), name, tag):
            raise not_ours("image", tag or ", ".join(tags_of(image)), name)
        if tag and self._o.goes_with(tag, image):
            raise Refused(f"image {image['Id'][:19]} {NAMELESS}: it would go with {tag}")
        query = list(call.request.query)
        if self._o.stands_on_others(name):
            query = [(k, v) for k, v in query if k != "noprune"] + [("noprune", "1")]
        # As a whole tag or id: a tag without its colon may be the beginning of an id as well.
        path = f"/images/{tag or image['Id']}"
        answer = call.relay_and_wait(target(call.request.version, path, query))
        try:
            if answer.ok:
                self._gone(image)
        finally:
            call.release()

    def _gone(self, before: Json) -> None:
        """What of an image is no longer there."""
        for entry in self._o.entries():
            named = entry.kind == "image" and entry.name in {*tags_of(before), before["Id"]}
            if named and self._daemon.image(entry.name) is None:
                self._o.gone("image", entry.name)

    def made_by_id(self, identity: str) -> None:
        """An image that has no name, by the id that the engine gave it."""
        image = self._daemon.image(identity) if identity else None
        if image is not None and not self._o.had(str(image["Id"])):
            self._o.made("image", str(image["Id"]), str(image["Id"]))

    def load(self, call: Call) -> None:
        """``POST /images/load``: the archive says before which tags it brings."""
        by_containerd = _CONTAINERD in str(self._daemon.info.get("DriverStatus"))
        brought = archives.named(call.archive, by_containerd=by_containerd)
        self._refuse_parents(brought)
        tags = sorted({one.tag for one in brought} - {""})
        was, since = self.ids(tags), time.time()
        mine = [tag for tag in tags if self.claim(tag, self._same(tag, brought))]
        images = {one.id for one in brought} - {""}
        there = {one for one in images if self._daemon.image(one) is not None}
        before = self._o.tags.now()
        loaded: set[str] = set()
        messages = followed(
            call,
            hear=lambda message: loaded.update(_LOADED.findall(str(message.get("stream") or ""))),
        )
        try:
            done = messages.succeeded
            self.tagged(
                mine,
                was,
                lambda tag, _: done or tag in loaded,
                complete=messages.ended,
                since=since,
                given=lambda tag: {one.id for one in brought if one.tag == tag} - {""},
            )
            # A tag that the manifest did not say, of an archive that is read in two ways.
            self._o.tags.hold_against(before, self._o.tags.now(), map(_as_said, loaded))
            for one in images - there:
                image = self._daemon.image(one)
                if image is not None and not tags_of(image):
                    self.made_by_id(one)
        finally:
            call.release()

    def _refuse_parents(self, brought: Iterable[Named]) -> None:
        """An image would stand on another and hold it, or be found in its builder's cache."""
        for one in brought:
            if not one.parent:
                continue
            if not one.id:
                raise Refused(
                    "the archive has an image with a Parent and a configuration that can't be "
                    "read, so it can't be told whose parent it would change: save it anew"
                )
            image = self._daemon.image(one.id) or {}
            if str(image.get("Parent") or "") != one.parent:
                for changed in filter(None, (image, self._daemon.image(one.parent))):
                    self._refuse_parent(changed)

    def _refuse_parent(self, image: Json) -> None:
        name = next(iter(tags_of(image)), str(image["Id"]))
        if not self._o.owns_image(image) and not self._o.has_leave("image", image["Id"], name):
            raise Refused(
                f"image {name} was not made by this run, and the archive makes it a parent or "
                "gives it one: save each image into an archive of its own "
                f"(if it is yours, --allow-foreign {name} lifts this)"
            )

    def _same(self, tag: str, brought: Iterable[Named]) -> str:
        """The id of the image that a tag means, where the archive surely brings that very one."""
        image = self._daemon.image(tag) or {}
        known = {str(image.get("Id"))} | {
            d.partition("@")[2] for d in image.get("RepoDigests") or []
        }
        ids = {one.id for one in brought if one.tag == tag} - {""}
        return str(image.get("Id")) if ids and ids <= known else ""


def _as_said(name: str) -> str:
    """A name that the engine itself printed."""
    try:
        return familiar(name)
    except ImpossibleError:
        return name


def _as_tag(name: str, image: Json) -> str:
    """The tag or digest that a name means, empty where it is an id, or the beginning of one."""
    try:
        asked = familiar(name)
    except ImpossibleError:
        return ""
    return asked if asked in {*tags_of(image), *(image.get("RepoDigests") or [])} else ""
