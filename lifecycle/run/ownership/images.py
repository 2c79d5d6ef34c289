"""Requests that make, move or remove images and tags.

A tag that was there, or that somebody else made, is never moved. What can't be read (BuildKit) is
held against the tags as they were before it.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping
from typing import Any

from lifecycle.checks.check import unverified
from lifecycle.command.references import familiar, has_tag, parse_reference
from lifecycle.command.values import ImpossibleError
from lifecycle.engine.daemon import Daemon
from lifecycle.gate.gate import Call
from lifecycle.gate.request import target
from lifecycle.run.inventory import had_image
from lifecycle.run.layers import tags_of
from lifecycle.run.ledger import Entry
from lifecycle.run.ownership import bodies
from lifecycle.run.ownership.archives import of_archive
from lifecycle.run.ownership.classic_build import ClassicBuild
from lifecycle.run.ownership.names import names_a_tag, refuse_an_id
from lifecycle.run.ownership.ownership import Ownership
from lifecycle.run.ownership.refusing import Absent, Refused, not_ours

Json = dict[str, Any]
_OFF = frozenset({"", "0", "false", "False"})
_OK = range(200, 300)
_BUILDKIT = "2"


class Images:
    """Decides on images for one run."""

    def __init__(self, ownership: Ownership, daemon: Daemon) -> None:
        self._o, self._daemon = ownership, daemon

    # -- tags ---------------------------------------------------------------------------------

    def _claim(self, tag: str, meant: str = "") -> bool:
        """Write down that a tag is to be made; whether it will be ours.

        One that means the image ``meant`` already does not move. Raises Refused.
        """
        seen = self._daemon.image(tag)
        if seen is None:
            refuse_an_id(self._daemon.image, "image", tag.removesuffix(":latest"))
        if seen is None or self._o.owns("image", tag):
            self._o.intend("image", tag)
            return True
        if seen["Id"] != meant and not self._o.has_leave("image", str(seen["Id"]), tag):
            raise Refused(
                f"image {tag} was there before this run; making it anew would move its tag "
                f"(--allow-foreign {tag} lifts this)"
            )
        return False

    def _tagged(self, tags: Iterable[str], was: Mapping[str, str], result: Collection[str]) -> None:
        """After the request: which of the tags that were to be made mean what it made.

        One that means another image is somebody's who gave it meanwhile.
        """
        for tag in tags:
            seen = self._daemon.image(tag)
            if seen is not None and seen["Id"] in result:
                if was.get(tag, "") != seen["Id"]:
                    self._o.disown(was.get(tag, ""))
                self._o.made("image", tag, str(seen["Id"]))
            elif seen is None or seen["Id"] != was.get(tag, ""):
                self._o.gone("image", tag)

    def _ids(self, tags: Iterable[str]) -> dict[str, str]:
        return {tag: self._o.id_of("image", tag) for tag in tags}

    def tag(self, call: Call) -> None:
        """``POST /images/NAME/tag``."""
        seen = self._daemon.image(call.request.names["name"])
        if seen is None:
            raise Absent(f"No such image: {call.request.names['name']}")
        new = _joined(call.request.get("repo"), call.request.get("tag"))
        was = self._ids([new])
        mine = self._claim(new, str(seen["Id"]))
        answer = call.relay_and_wait()
        try:
            result = [str(seen["Id"])] if answer.status in _OK else []
            self._tagged([new] if mine else [], was, result)
        finally:
            call.release()

    def push(self, call: Call) -> None:
        """``POST /images/NAME/push``: what this run made is published, and nothing else."""
        name, tag = call.request.names["name"], call.request.get("tag")
        tags = [_joined(name, tag)] if tag or has_tag(name) else self._tags_of_repository(name)
        for one in tags:
            seen = self._daemon.image(one)
            if seen is not None and not self._o.owns("image", one) and not self._o.allows(one):
                raise not_ours("image", one, one)
        call.relay()

    def _tags_of_repository(self, name: str) -> list[str]:
        repository = parse_reference(name).name
        tags = (t for i in self._daemon.images() for t in tags_of(i))
        return [t for t in tags if t.rpartition(":")[0] == repository]

    def remove(self, call: Call) -> None:
        """``DELETE /images/NAME``: a tag of ours, or an image that is ours under every tag."""
        name = call.request.names["name"]
        seen = self._daemon.image(name)
        if seen is None:
            raise Absent(f"No such image: {name}")
        tag = _as_tag(name, seen)
        ours = self._o.owns("image", tag) if tag else self._o.owns_image(seen)
        if not ours and not self._o.has_leave("image", str(seen["Id"]), name, tag):
            raise not_ours("image", tag or ", ".join(tags_of(seen)), name)
        self._refuse_last_name(seen, tag)
        query = list(call.request.query)
        if self._o.stands_on_others(name):
            query = [(k, v) for k, v in query if k != "noprune"] + [("noprune", "1")]
        # As a whole tag or id: a tag without its colon may be the beginning of an id as well.
        path = f"/images/{tag or seen['Id']}"
        answer = call.relay_and_wait(target(call.request.version, path, query))
        try:
            if answer.status in _OK:
                self._gone(seen)
        finally:
            call.release()

    def _refuse_last_name(self, seen: Json, tag: str) -> None:
        """An image that had no name before this run would go with the one that we gave it."""
        identity = str(seen["Id"])
        had = had_image(self._o.before, identity)
        named = any(t.state == identity and t.name for t in self._o.before.values())
        if had and not named and tags_of(seen) == [tag]:
            raise Refused(
                f"image {identity[:19]} was there without a name, and would go with {tag}"
            )

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
        if call.request.get("fromSrc"):
            if call.request.get("fromImage"):
                raise Refused("a request that says both what to pull and what to import")
            self._import(call)
            return
        if not (tag or has_tag(image)):
            self._pull_all(call, image)
            return
        name = _joined(image, tag)
        seen = self._daemon.image(name)
        if seen is None or "@" in name or self._o.owns("image", name):
            self._pull_as(call, name, was=str(seen["Id"]) if seen else "")
        else:
            self._pull_beside(call, name, seen)

    def _pull_as(self, call: Call, name: str, was: str, where: str = "") -> None:
        if not was:
            self._o.intend("image", name)
        for _ in call.relay_and_follow(where):
            pass
        try:
            now = self._daemon.image(name)
            if now is None:
                self._o.gone("image", name)
            elif not was:
                self._o.pulled(name, str(now["Id"]))
            elif self._o.owns("image", name) and now["Id"] != was:
                self._o.disown(was)
                self._o.made("image", name, str(now["Id"]))
        finally:
            call.release()

    def _pull_beside(self, call: Call, name: str, seen: Json) -> None:
        """A tag that is here stays where it is: what it means in the registry comes by digest."""
        digest = self._daemon.registry_digest(name, call.request.header("x-registry-auth"))
        if not digest:
            raise Refused(f"image {name} is here, and its registry does not tell which it has")
        reference = parse_reference(name)
        by_digest = f"{reference.name}@{digest}"
        known = any(d.endswith(digest) for d in seen.get("RepoDigests") or [])
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
        theirs = [t for t in self._tags_of_repository(image) if not self._o.owns("image", t)]
        theirs = [t for t in theirs if not self._o.allows(t)]
        if theirs:
            raise Refused(
                f"pulling every tag of {image} could move {', '.join(sorted(theirs))}, which this "
                "run did not make: pull the tags by their names"
            )
        self._o.look_before()
        before = set(self._tags_of_repository(image))
        for _ in call.relay_and_follow():
            pass
        try:
            for tag in set(self._tags_of_repository(image)) - before:
                self._o.pulled(tag, str((self._daemon.image(tag) or {}).get("Id", "")))
        finally:
            call.release()

    def _import(self, call: Call) -> None:
        repository = call.request.get("repo")
        tags = [_joined(repository, call.request.get("tag"))] if repository else []
        was = self._ids(tags)
        mine = [tag for tag in tags if self._claim(tag)]
        answer = b"".join(_end_of(call.relay_and_follow()))
        try:
            identity = _status(answer)
            self._tagged(mine, was, [identity])
            if not tags:
                self._made_by_id(identity)
        finally:
            call.release()

    def _made_by_id(self, identity: str) -> None:
        """An image that has no name, by the id that the engine gave it."""
        seen = self._daemon.image(identity) if identity else None
        if seen is not None and not had_image(self._o.before, str(seen["Id"])):
            self._o.made("image", str(seen["Id"]), str(seen["Id"]))

    def load(self, call: Call) -> None:
        """``POST /images/load``: the archive says before which tags it brings."""
        problem = call.archive.get("problem")
        if problem:
            raise Refused(f"the archive can't be read, so its tags are not known: {problem}")
        tags, images = of_archive(call.archive)
        was = self._ids(tags)
        mine = [
            tag for tag, identity in tags.items() if self._claim(tag, self._same(tag, identity))
        ]
        there = {one for one in images if self._daemon.image(one) is not None}
        self._o.look_before()
        for _ in call.relay_and_follow():
            pass
        try:
            self._tagged(mine, was, images)
            for one in images - there:
                seen = self._daemon.image(one)
                if seen is not None and not tags_of(seen):
                    self._made_by_id(one)
        finally:
            call.release()

    def _same(self, tag: str, identities: frozenset[str]) -> str:
        """The id of the image that a tag means, where the archive brings that very one."""
        seen = self._daemon.image(tag) or {}
        known = {str(seen.get("Id"))} | {d.partition("@")[2] for d in seen.get("RepoDigests") or []}
        return str(seen.get("Id")) if known & identities else ""

    # -- made here --------------------------------------------------------------------------------

    def commit(self, call: Call, container: str) -> None:
        """``POST /commit`` of a container that is ours."""
        bodies.read(call.body, bodies.NOTHING)
        repository = call.request.get("repo")
        tags = [_joined(repository, call.request.get("tag"))] if repository else []
        was = self._ids(tags)
        mine = [tag for tag in tags if self._claim(tag)]
        query = [(k, v) for k, v in call.request.query if k != "container"]
        query.append(("container", container))
        answer = call.relay_and_wait(target(call.request.version, call.request.path, query))
        try:
            identity = str(json.loads(answer.body).get("Id") or "") if answer.status in _OK else ""
            self._tagged(mine, was, [identity])
            if not tags:
                self._made_by_id(identity)
        finally:
            call.release()

    def build(self, call: Call) -> None:
        """``POST /build``: the old builder, whose stream is read, or BuildKit's, which is not."""
        request = call.request
        by_buildkit = request.get("version") == _BUILDKIT
        if by_buildkit:
            self._refuse_buildkit()
        if names_a_tag(request.get("outputs")):
            raise Refused("a build that gives its result a tag in another way than by -t")
        if request.get("buildid"):
            self._o.build_known_as(request.get("buildid"))
        tags = [_joined(tag, "") for tag in request.all("t")]
        was = self._ids(tags)
        mine = [tag for tag in tags if self._claim(tag)]
        query = list(request.query)
        if request.get("pull") not in _OFF:
            query = [(k, v) for k, v in query if k != "pull"]
            reason = "left out: the base image's tag would move where its registry has another"
            self._o.note(unverified("--pull: the base is the registry's", "the newest", reason))
        # A quiet build tells nothing of what it makes: it is asked to, and its client is not told.
        quiet = not by_buildkit and request.get("q") not in _OFF
        query = [(k, v) for k, v in query if k != "q" or not quiet]
        self._o.look_before()
        stream = ClassicBuild(self._daemon, self._o.before, self._layer)
        where = target(request.version, request.path, query)
        for piece in call.relay_and_follow(where, hold=quiet):
            if not by_buildkit:
                stream.feed(piece)
        try:
            self._tagged(mine, was, [stream.result])
            if not tags:
                self._made_by_id(stream.result)
            for base in stream.pulled:
                seen = self._daemon.image(base)
                if seen is not None and not self._o.owns("image", base):
                    self._o.pulled(base, str(seen["Id"]))
        finally:
            call.release(_only(stream.result) if quiet else b"")

    def _layer(self, entry: Entry) -> None:
        self._o.made(entry.kind, entry.name, entry.id)

    def buildkit(self, call: Call) -> None:
        """``POST /session`` and ``/grpc``: what goes through them can't be read."""
        self._refuse_buildkit()
        for tag in self._o.build_tags or ():
            self._claim(tag)
        self._o.look_before()
        call.relay()

    def _refuse_buildkit(self) -> None:
        if self._o.build_tags is None and not self._o.allows("api:POST/grpc"):
            raise Refused(
                "a build by BuildKit behind another word can't be read, so its tags are not known: "
                "write it as a step of its own, docker build ... (--allow-foreign api:POST/grpc "
                "lifts this)"
            )


def _only(result: str) -> bytes:
    """What a quiet build answers: its image's id; nothing where it came to none."""
    if not result:
        return b""
    body = json.dumps({"stream": f"{result}\n"}).encode()
    head = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(body)}"
    return f"{head}\r\nConnection: close\r\n\r\n".encode() + body


def _joined(name: str, tag: str) -> str:
    """A name and a tag, or a digest, as one familiar reference. Raises Refused."""
    mark = "@" if ":" in tag else ":"
    try:
        return familiar(f"{_bare(name)}{mark}{tag}" if tag else name)
    except ImpossibleError as error:
        raise Refused(error.message) from None


def _bare(name: str) -> str:
    """A name without its tag and its digest."""
    stem = name.partition("@")[0]
    colon = stem.find(":", stem.rfind("/") + 1)
    return stem if colon < 0 else stem[:colon]


def _as_tag(name: str, seen: Json) -> str:
    """The tag or digest that a name means, empty where it is an id, or the beginning of one."""
    try:
        asked = familiar(name)
    except ImpossibleError:
        return ""
    return asked if asked in {*tags_of(seen), *(seen.get("RepoDigests") or [])} else ""


def _end_of(pieces: Iterable[bytes], most: int = 1 << 16) -> list[bytes]:
    """The last pieces of an answer."""
    kept = bytearray()
    for piece in pieces:
        kept += piece
        del kept[:-most]
    return [bytes(kept)]


def _status(answer: bytes) -> str:
    """The last status of an import's answer, which is the image's id."""
    found = ""
    for line in answer.decode("utf-8", "replace").splitlines():
        try:
            said = json.loads(line)
        except ValueError:
            continue
        status = str(said.get("status") or "") if isinstance(said, dict) else ""
        found = status if status.startswith("sha256:") else found
    return found
