"""Requests that bring an image from a registry or a file, under a name that they say."""

from __future__ import annotations

from lifecycle.checks.check import unverified
from lifecycle.command.references import has_tag, parse_reference
from lifecycle.engine.daemon import Daemon
from lifecycle.gate.gate import Call
from lifecycle.gate.request import target
from lifecycle.run.ownership.ownership import Ownership
from lifecycle.run.requests import late_tags
from lifecycle.run.requests.image_names import bare, joined
from lifecycle.run.requests.images import Images
from lifecycle.run.requests.late_tags import LateTags
from lifecycle.run.requests.messages import followed
from lifecycle.run.requests.names import refuse_an_id
from lifecycle.run.requests.refusal import Refused
from lifecycle.text.json_object import Json


class Pulls:
    """Decides on pulls and imports for one run."""

    def __init__(self, ownership: Ownership, daemon: Daemon, images: Images) -> None:
        self._o, self._daemon, self._images = ownership, daemon, images
        self._late = LateTags(ownership, daemon)

    def pull(self, call: Call) -> None:
        """``POST /images/create``: a pull, or an import where something is the source."""
        image, tag = call.request.get("fromImage").removesuffix(":"), call.request.get("tag")
        if image and call.request.get("fromSrc"):
            raise Refused("a request says both what to pull and what to import")
        if not image:
            self._import(call)
            return
        if not (tag or has_tag(image)):
            self._pull_all(call, image)
            return
        name = joined(image, tag)
        present = self._daemon.image(name)
        if present is None or "@" in name or self._may_move(name, present):
            self._pull_as(call, name, was=str(present["Id"]) if present else "")
        else:
            self._pull_beside(call, name, present)

    def _may_move(self, tag: str, image: Json) -> bool:
        """Whether a tag that is there is ours, or may be moved though it is not."""
        return self._o.owns_tag(tag, image) or self._o.has_leave("image", tag, str(image["Id"]))

    def _pull_as(self, call: Call, name: str, was: str, where: str = "") -> None:
        self._o.asked_for(name)
        if not was:
            refuse_an_id(self._daemon.image, "image", name)
            self._o.intend("image", name)
        messages = followed(call, where)
        try:
            now = self._daemon.image(name)
            if not was and messages.ended and (now is None or messages.failed):
                self._o.gone("image", name)
            elif now is not None and not was and messages.succeeded:
                self._o.pulled(name, str(now["Id"]))
            elif now is not None and self._o.owns("image", name) and now["Id"] != was:
                self._o.own_without_a_name(was)
                self._o.made("image", name, str(now["Id"]))
        finally:
            call.release()

    def _pull_beside(self, call: Call, name: str, present: Json) -> None:
        """A tag that is here stays where it is: what it means in the registry comes by digest."""
        digest = self._daemon.registry_digest(name, call.request.header("x-registry-auth"))
        if not digest:
            raise Refused(f"image {name} is here, and its registry does not tell which it has")
        reference = parse_reference(name)
        by_digest = f"{reference.name}@{digest}"
        known = any(d.endswith(digest) for d in present.get("RepoDigests") or [])
        if not known:
            reason = (
                f"the tag was here before and has moved; pulled by digest, so that {name} stays"
            )
            self._o.note(unverified(f"pull: {name} is the registry's", digest, reason))
        request = call.request
        image = request.get("fromImage")
        query = [(k, v) for k, v in request.query if k not in {"fromImage", "tag"}]
        query += [("fromImage", bare(image)), ("tag", digest)]
        was = self._daemon.image(by_digest)
        where = target(request.version, request.path, query)
        self._pull_as(call, by_digest, was=str(was["Id"]) if was else "", where=where)

    def _pull_all(self, call: Call, image: str) -> None:
        there = ((t, self._daemon.image(t)) for t in self._images.tags_of_repository(image))
        theirs = [t for t, now in there if now is not None and not self._o.owns_tag(t, now)]
        theirs = [t for t in theirs if not self._o.has_leave("image", t)]
        if theirs:
            raise Refused(
                f"pulling every tag of {image} could move {', '.join(sorted(theirs))}, which this "
                "run did not make: pull the tags by their names"
            )
        before = set(self._images.tags_of_repository(image))
        succeeded = followed(call).succeeded
        try:
            for tag in set(self._images.tags_of_repository(image)) - before if succeeded else ():
                self._o.pulled(tag, str((self._daemon.image(tag) or {}).get("Id", "")))
        finally:
            call.release()

    def _import(self, call: Call) -> None:
        repository = call.request.get("repo")
        tags = [joined(repository, call.request.get("tag"))] if repository else []
        was = self._images.ids(tags)
        mine = [tag for tag in tags if self._images.claim(tag)]
        late = self._late.of(mine)
        query = [(k, v) for k, v in call.request.query if not (late and k in {"repo", "tag"})]
        statuses: list[str] = []
        messages = followed(
            call,
            target(call.request.version, call.request.path, query),
            hear=lambda message: statuses.append(str(message.get("status") or "")),
        )
        why = ""
        try:
            made = statuses[-1] if statuses and messages.succeeded else ""  # the image's id
            why = self._late.give(late, made) if messages.succeeded else ""
            self._images.tagged(mine, was, lambda _, now: now == made, complete=messages.ended)
            if why or not tags:
                self._images.made_by_id(made)
        finally:
            call.release(late_tags.failure(why))
