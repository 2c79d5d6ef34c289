"""Requests that make, move or remove images and tags.

A tag that was there, or that somebody else made, is never moved.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping

from lifecycle.checks.check import unverified
from lifecycle.command.references import familiar, has_tag, parse_reference
from lifecycle.command.values.basic import ImpossibleError
from lifecycle.engine.daemon import Daemon
from lifecycle.gate.gate import Call
from lifecycle.gate.request import target
from lifecycle.run.ownership.build_layers import tags_of
from lifecycle.run.ownership.ledger import Entry
from lifecycle.run.ownership.ownership import NAMELESS, Ownership
from lifecycle.run.requests import archives, bodies
from lifecycle.run.requests.archives import Named
from lifecycle.run.requests.classic_build import ClassicBuild, only
from lifecycle.run.requests.messages import Messages
from lifecycle.run.requests.names import refuse_an_id
from lifecycle.run.requests.refusal import Absent, Refused, not_ours
from lifecycle.text.json_object import Json

_OFF = frozenset({"", "0", "false", "False"})
_OK = range(200, 300)
_BUILDKIT = "2"
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

    def tagged(
        self,
        tags: Iterable[str],
        was: Mapping[str, str],
        is_made: Callable[[str, str], bool],
        *,
        complete: bool,
    ) -> None:
        """After the request: which of the tags that were to be made are there, by our doing.

        ``is_made`` tells it of a tag and its image's id: somebody else may have given that name
        while a request of ours failed. Where the answer is not ``complete``, the intent stays.
        """
        for tag in tags:
            image = self._daemon.image(tag)
            # Nobody could know a name that holds the run's id before.
            if image is not None and (self._o.run in tag or is_made(tag, str(image["Id"]))):
                if was.get(tag, "") != image["Id"]:
                    self._o.disown(was.get(tag, ""))
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
        self._o.found(image)
        new = _joined(call.request.get("repo"), call.request.get("tag"))
        if not tags_of(image) and self._o.goes_with(new, image):
            raise Refused(f"image {image['Id'][:19]} {NAMELESS}: it would go with {new}")
        was = self.ids([new])
        mine = [new] if self.claim(new, str(image["Id"])) else []
        answer = call.relay_and_wait()
        try:
            done = str(image["Id"]) if answer.status in _OK else ""
            self.tagged(mine, was, lambda _, now: now == done, complete=answer.known)
        finally:
            call.release()

    def push(self, call: Call) -> None:
        """``POST /images/NAME/push``: what this run made is published, and nothing else."""
        name, tag = call.request.names["name"], call.request.get("tag")
        tags = [_joined(name, tag)] if tag or has_tag(name) else self._tags_of_repository(name)
        for one in tags:
            image = self._daemon.image(one)
            if image is None or self._o.owns_tag(one, image):
                continue
            if not self._o.has_leave("image", one):
                raise not_ours("image", one, one)
        call.relay()

    def _tags_of_repository(self, name: str) -> list[str]:
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
            if answer.status in _OK:
                self._gone(image)
        finally:
            call.release()

    def _gone(self, before: Json) -> None:
        """What of an image is no longer there."""
        for entry in self._o.entries():
            named = entry.kind == "image" and entry.name in {*tags_of(before), before["Id"]}
            if named and self._daemon.image(entry.name) is None:
                self._o.gone("image", entry.name)

    # -- from elsewhere -------------------------------------------------------------------------

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
        name = _joined(image, tag)
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
        messages = self._followed(call, where)
        try:
            now = self._daemon.image(name)
            if not was and messages.ended and (now is None or messages.failed):
                self._o.gone("image", name)
            elif now is not None and not was and messages.succeeded:
                self._o.pulled(name, str(now["Id"]))
            elif now is not None and self._o.owns("image", name) and now["Id"] != was:
                self._o.disown(was)
                self._o.made("image", name, str(now["Id"]))
        finally:
            call.release()

    def _followed(
        self,
        call: Call,
        where: str = "",
        hear: Callable[[Json], None] = lambda _: None,
        *,
        hold: bool = False,
    ) -> Messages:
        """Let a request through, and hand each message of the engine to ``hear``, to the end."""
        messages = Messages()
        for piece in call.relay_and_follow(where, hold=hold):
            for message in messages.feed(piece):
                hear(message)
        return messages

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
        query += [("fromImage", _bare(image)), ("tag", digest)]
        was = self._daemon.image(by_digest)
        where = target(request.version, request.path, query)
        self._pull_as(call, by_digest, was=str(was["Id"]) if was else "", where=where)

    def _pull_all(self, call: Call, image: str) -> None:
        there = ((t, self._daemon.image(t)) for t in self._tags_of_repository(image))
        theirs = [t for t, now in there if now is not None and not self._o.owns_tag(t, now)]
        theirs = [t for t in theirs if not self._o.has_leave("image", t)]
        if theirs:
            raise Refused(
                f"pulling every tag of {image} could move {', '.join(sorted(theirs))}, which this "
                "run did not make: pull the tags by their names"
            )
        before = set(self._tags_of_repository(image))
        succeeded = self._followed(call).succeeded
        try:
            for tag in set(self._tags_of_repository(image)) - before if succeeded else ():
                self._o.pulled(tag, str((self._daemon.image(tag) or {}).get("Id", "")))
        finally:
            call.release()

    def _import(self, call: Call) -> None:
        repository = call.request.get("repo")
        tags = [_joined(repository, call.request.get("tag"))] if repository else []
        was = self.ids(tags)
        mine = [tag for tag in tags if self.claim(tag)]
        statuses: list[str] = []
        messages = self._followed(
            call, hear=lambda message: statuses.append(str(message.get("status") or ""))
        )
        try:
            made = statuses[-1] if statuses and messages.succeeded else ""  # the image's id
            self.tagged(mine, was, lambda _, now: now == made, complete=messages.ended)
            if not tags:
                self.made_by_id(made)
        finally:
            call.release()

    def made_by_id(self, identity: str) -> None:
        """An image that has no name, by the id that the engine gave it."""
        image = self._daemon.image(identity) if identity else None
        if image is not None and not self._o.had(str(image["Id"])):
            self._o.made("image", str(image["Id"]), str(image["Id"]))

    def load(self, call: Call) -> None:
        """``POST /images/load``: the archive says before which tags it brings."""
        by_containerd = _CONTAINERD in str(self._daemon.info.get("DriverStatus"))
        brought = archives.named(call.archive, by_containerd=by_containerd)
        tags = sorted({one.tag for one in brought} - {""})
        was = self.ids(tags)
        mine = [tag for tag in tags if self.claim(tag, self._same(tag, brought))]
        images = {one.id for one in brought} - {""}
        there = {one for one in images if self._daemon.image(one) is not None}
        before = self._o.tags()
        loaded: set[str] = set()
        messages = self._followed(
            call,
            hear=lambda message: loaded.update(_LOADED.findall(str(message.get("stream") or ""))),
        )
        try:
            done = messages.succeeded
            self.tagged(mine, was, lambda tag, _: done or tag in loaded, complete=messages.ended)
            # A tag that the manifest did not say, of an archive that is read in two ways.
            self._o.hold_against(before, self._o.tags(), map(_as_said, loaded))
            for one in images - there:
                image = self._daemon.image(one)
                if image is not None and not tags_of(image):
                    self.made_by_id(one)
        finally:
            call.release()

    def _same(self, tag: str, brought: Iterable[Named]) -> str:
        """The id of the image that a tag means, where the archive surely brings that very one."""
        image = self._daemon.image(tag) or {}
        known = {str(image.get("Id"))} | {
            d.partition("@")[2] for d in image.get("RepoDigests") or []
        }
        ids = {one.id for one in brought if one.tag == tag} - {""}
        return str(image.get("Id")) if ids and ids <= known else ""

    # -- made here --------------------------------------------------------------------------------

    def commit(self, call: Call, container: str) -> None:
        """``POST /commit`` of a container that is ours."""
        made_from = (self._daemon.container(container) or {}).get("Image")
        base = self._daemon.image(str(made_from)) if made_from else None
        if base is not None:
            self._o.found(base)
        bodies.read(call.body, bodies.NOTHING)
        repository = call.request.get("repo")
        tags = [_joined(repository, call.request.get("tag"))] if repository else []
        was = self.ids(tags)
        mine = [tag for tag in tags if self.claim(tag)]
        query = [(k, v) for k, v in call.request.query if k != "container"]
        query.append(("container", container))
        answer = call.relay_and_wait(target(call.request.version, call.request.path, query))
        try:
            self.tagged(mine, was, lambda _, now: now == answer.made, complete=answer.known)
            if not tags:
                self.made_by_id(answer.made)
        finally:
            call.release()

    def build(self, call: Call) -> None:
        """``POST /build``: the old builder, or an old client's build by BuildKit."""
        request = call.request
        if request.get("buildid"):
            self._o.build_known_as(request.get("buildid"))
        tags = [named(tag) for tag in (*request.all("t"), *bodies.exported(request.get("outputs")))]
        was = self.ids(tags)
        mine = [tag for tag in tags if self.claim(tag)]
        query = list(request.query)
        if request.get("pull") not in _OFF:
            query = [(k, v) for k, v in query if k != "pull"]
            reason = "left out: the base image's tag would move where its registry has another"
            self._o.note(unverified("--pull: the base is the registry's", "the newest", reason))
        is_read = request.get("version") != _BUILDKIT
        # A quiet build tells nothing of what it makes: it is asked to, and its client is not told.
        quiet = is_read and request.get("q") not in _OFF
        query = [(k, v) for k, v in query if k != "q" or not quiet]
        stream = ClassicBuild(self._daemon, self._o.before, self._layer, self._o.found)
        hear = stream.hear if is_read else stream.hear_result
        where = target(request.version, request.path, query)
        messages = self._followed(call, where, hear, hold=quiet)
        if is_read and (stream.untold or not messages.ended):
            self._o.build_untold()
        built = "" if messages.failed else stream.result
        try:
            self.tagged(mine, was, lambda _, now: now == built, complete=messages.ended)
            if not tags:
                self.made_by_id(built)
            for base in stream.pulled:
                image = self._daemon.image(base)
                if image is not None and not self._o.owns("image", base):
                    self._o.pulled(base, str(image["Id"]))
        finally:
            call.release(only(built) if quiet else b"")

    def _layer(self, entry: Entry) -> None:
        self._o.made(entry.kind, entry.name, entry.id)


def named(name: str) -> str:
    """A name that is given to an image, as everyone uses it. Raises Refused."""
    return _joined(name, "")


def _as_said(name: str) -> str:
    """A name that the engine itself printed."""
    try:
        return familiar(name)
    except ImpossibleError:
        return name


def _joined(name: str, tag: str) -> str:
    """A name and a tag, or a digest, as one familiar reference. Raises Refused."""
    mark = "@" if ":" in tag else ":"
    try:
        # Never an id: what looks like one here is somebody's repository of twelve digits.
        return str(parse_reference(f"{_bare(name)}{mark}{tag}" if tag else name))
    except ImpossibleError as error:
        raise Refused(error.message) from None


def _bare(name: str) -> str:
    """A name without its tag and its digest."""
    stem = name.partition("@")[0]
    colon = stem.find(":", stem.rfind("/") + 1)
    return stem if colon < 0 else stem[:colon]


def _as_tag(name: str, image: Json) -> str:
    """The tag or digest that a name means, empty where it is an id, or the beginning of one."""
    try:
        asked = familiar(name)
    except ImpossibleError:
        return ""
    return asked if asked in {*tags_of(image), *(image.get("RepoDigests") or [])} else ""
