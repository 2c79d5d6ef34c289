"""Requests that make an image here: builds, and commits of containers."""

from __future__ import annotations

import json
import time
from collections.abc import Collection

from lifecycle.checks.check import unverified
from lifecycle.engine.daemon import Daemon
from lifecycle.gate.gate import Call
from lifecycle.gate.request import Request, target
from lifecycle.run.ownership.ledger import Entry
from lifecycle.run.ownership.ownership import Ownership
from lifecycle.run.requests import bodies, late_tags
from lifecycle.run.requests.classic_build import ClassicBuild, is_like_a_step, only
from lifecycle.run.requests.image_names import joined, named
from lifecycle.run.requests.images import Images
from lifecycle.run.requests.late_tags import LateTags
from lifecycle.run.requests.messages import followed
from lifecycle.run.requests.refusal import Refused
from lifecycle.run.requests.things import Things

_OFF = frozenset({"", "0", "false", "False"})
_BUILDKIT = "2"
_CACHES = "BUILDKIT_CACHE_MOUNT_NS"
"""What stands before the names of the caches that a build by BuildKit mounts."""


class Builds:
    """Decides on builds and commits for one run."""

    def __init__(
        self, ownership: Ownership, daemon: Daemon, things: Things, images: Images
    ) -> None:
        self._o, self._daemon, self._things, self._images = ownership, daemon, things, images
        self._late = LateTags(ownership, daemon)

    def commit(self, call: Call) -> None:
        """``POST /commit`` of a container that is ours."""
        container = self._things.container(call.request.get("container"))
        seen = self._daemon.container(container) or {}
        base = self._daemon.image(str(seen["Image"])) if seen.get("Image") else None
        if base is not None:
            self._o.came_upon(base)
            if not self._o.owns_image(base) and is_like_a_step(seen, base):
                raise Refused(
                    "a builder's cache would take this container's commit for a step of somebody's "
                    "build: make the container with a label of its own (--label made=by-hand)"
                )
        bodies.read(call.body, bodies.NOTHING)
        repository = call.request.get("repo")
        tags = [joined(repository, call.request.get("tag"))] if repository else []
        was = self._images.ids(tags)
        mine = [tag for tag in tags if self._images.claim(tag)]
        late = self._late.of(mine)
        left_out = {"container", "repo", "tag"} if late else {"container"}
        query = [(k, v) for k, v in call.request.query if k not in left_out]
        query.append(("container", container))
        answer = call.relay_and_wait(target(call.request.version, call.request.path, query))
        why = ""
        try:
            why = self._late.give(late, answer.made) if answer.ok else ""
            self._images.tagged(mine, was, lambda _, now: now == answer.made, complete=answer.known)
            if why or not tags:
                self._images.made_by_id(answer.made)
        finally:
            call.release(late_tags.refusal(why))

    def build(self, call: Call) -> None:
        """``POST /build``: the old builder, or an old client's build by BuildKit."""
        request = call.request
        self._things.build_places(request.get("cgroupparent"), request.get("networkmode"))
        if request.get("buildid"):
            self._o.build_known_as(request.get("buildid"))
        tags = [named(tag) for tag in (*request.all("t"), *bodies.exported(request.get("outputs")))]
        was, since = self._images.ids(tags), time.time()
        mine = [tag for tag in tags if self._images.claim(tag)]
        late = self._late.of(tag for tag in mine if tag in map(named, request.all("t")))
        is_read = request.get("version") != _BUILDKIT
        # A quiet build tells nothing of what it makes: it is asked to, and its client is not told.
        quiet = is_read and request.get("q") not in _OFF
        query = self._query(request, late, is_read=is_read)
        stream = ClassicBuild(self._daemon, self._o.before, self._layer, self._o.came_upon)
        hear = stream.hear if is_read else stream.hear_result
        where = target(request.version, request.path, query)
        messages = followed(call, where, hear, hold=quiet)
        if is_read and (stream.untold or not messages.ended):
            self._o.build_untold()
        built, why = "" if messages.failed else stream.result, ""
        try:
            why = self._late.give(late, built) if late and messages.succeeded else ""
            at_once = [tag for tag in mine if tag not in late]
            for ours, when in ((late, 0.0), (at_once, since)):
                self._images.tagged(
                    ours, was, lambda _, now: now == built, complete=messages.ended, since=when
                )
            if why or not tags:
                self._images.made_by_id(built)
            for base in stream.pulled:
                image = self._daemon.image(base)
                if image is not None and not self._o.owns("image", base):
                    self._o.pulled(base, str(image["Id"]))
        finally:
            if quiet:
                call.release(only(built, late_tags.failure(why)))
            else:
                said = late_tags.lines(late) if is_read and messages.succeeded else b""
                call.release(late_tags.failure(why) or said)

    def _query(
        self, request: Request, late: Collection[str], *, is_read: bool
    ) -> list[tuple[str, str]]:
        """A build's parameters as they may go on; ``is_read``: its answer says what it makes."""
        query = late_tags.without(request, late)
        if request.get("pull") not in _OFF:
            query = [(k, v) for k, v in query if k != "pull"]
            reason = "left out: the base image's tag would move where its registry has another"
            self._o.note(unverified("--pull: the base is the registry's", "the newest", reason))
        if not is_read:
            return _own_caches(query, self._o.run)
        return [(k, v) for k, v in query if k != "q" or v in _OFF]

    def cancel(self, call: Call) -> None:
        """``POST /build/cancel`` of a build of ours."""
        if not self._o.owns_build(call.request.get("id")):
            raise Refused("a build that this run did not begin is not cancelled")
        call.relay()

    def _layer(self, entry: Entry) -> None:
        self._o.made(entry.kind, entry.name, entry.id)


def _own_caches(query: list[tuple[str, str]], run: str) -> list[tuple[str, str]]:
    """A build's parameters by which its RUNs mount caches of the run's own, and nobody else's."""
    written = next((value for key, value in query if key == "buildargs"), "")
    arguments = bodies.mapping(bodies.read_any(written or "{}", bodies.NOTHING), "buildargs")
    kept = [(key, value) for key, value in query if key != "buildargs"]
    return [*kept, ("buildargs", json.dumps({**arguments, _CACHES: run}))]
