"""Who made what: the one place that answers "is this ours", and keeps the ledger of an open run.

The gate asks it before it lets a request through, the clean-up what to remove, the report what was
left. It goes by ids: a name and a label are anybody's, and so is what a program prints.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from lifecycle.checks.check import Check, unverified
from lifecycle.command.references import is_whole_id
from lifecycle.engine.daemon import Daemon, EngineError
from lifecycle.engine.events import Event
from lifecycle.run.ownership.build_layers import above_others, tags_of
from lifecycle.run.ownership.in_doubt import Requests
from lifecycle.run.ownership.inventory import Inventory, had_image, identity_of, key_of
from lifecycle.run.ownership.ledger import Begun, Entry, Kind, Ledger
from lifecycle.run.ownership.tag_watch import TagWatch
from lifecycle.run.ownership.turns import Turns
from lifecycle.text.json_object import Json

PULLED = "a pulled base image, which others may use by now; --remove-pulled takes it away again"
NAMELESS = "was there before this run, without a tag"
_IN_EVENTS = ("container", "execID", "imageID")
SETTLE_LIMIT = 30.0
"""Seconds that what a command made gets to be written down, once the command has ended."""


@dataclass(frozen=True)
class Refusal:
    """A request that the gate refused, and the sentence that its client got."""

    sentence: str
    about: str = "touches only what this run made"


class Ownership:
    """What one run has made. Safe to use from several threads."""

    def __init__(
        self,
        daemon: Daemon,
        ledger: Ledger,
        before: Inventory,
        *,
        allowed: Collection[str] = (),
        remove_pulled: bool = False,
    ) -> None:
        """``before`` is what was there; ``allowed`` are names that the person gave leave for."""
        self.daemon, self.before = daemon, before
        self._ledger = ledger
        self._allowed = frozenset(allowed)
        self._remove_pulled = remove_pulled
        self._changed = threading.Condition(threading.RLock())
        self._under_way = 0
        self._refusals: list[Refusal] = []
        self._notes: list[Check] = []
        self._execs: set[str] = set()
        self._builds: set[str] = set()
        self._named: set[str] = set()
        self._ever: dict[tuple[str, str], str] = {}
        self._ids: set[str] = set()
        """All that anything of ours ever had: a tag that is built twice means two images."""
        self._pulled: set[str] = set()
        self._touched: set[tuple[str, str]] = set()
        self._leave_used: set[str] = set()
        self._found: set[str] = set()
        self._folders: set[str] = set()
        self._begun: list[Begun] = []
        self._untold = False
        self.requests = Requests()
        self.tags = TagWatch(daemon, lambda tag: self.owns("image", tag), self._ids.__contains__)
        self.turns = Turns()
        self.created: dict[str, Json] = {}
        """Containers as they were when they had been created, by their names of then."""

    # -- is it ours? ----------------------------------------------------------------------

    @property
    def run(self) -> str:
        """The run's id."""
        return self._ledger.run

    def owns(self, kind: Kind, key: str) -> bool:
        """Whether this run made it; images by their name, others by their whole id.

        What was there before has an id that nothing of ours can have, whatever is written down.
        """
        was_there = kind in {"container", "network"} and (kind, key) in self.before
        return self._ledger.holds(kind, key) and not was_there

    def allows(self, *names: str) -> bool:
        """Whether the person gave leave to touch a thing of one of these names, which is noted."""
        given = self._allowed & set(names)
        with self._changed:
            self._leave_used |= given
        return bool(given)

    def may_touch(self, kind: Kind, identity: str, *names: str) -> bool:
        """Whether a thing is ours, or may be touched though it is not."""
        return self.owns(kind, identity) or self.has_leave(kind, identity, *names)

    def has_leave(self, kind: Kind, identity: str, *names: str) -> bool:
        """Whether the person gave leave to touch a thing that is not ours, which is noted."""
        if self.allows(identity, *names):
            with self._changed:
                self._touched.add((kind, identity))
            return True
        return False

    def objects(self, container: str) -> str:
        """Why we ourselves may not look into a container; empty where we may."""
        if is_whole_id(container) and self.owns("container", container):
            return ""
        inspect = self.daemon.container(container)
        if inspect is None:
            return ""  # the engine says so itself
        identity, name = str(inspect["Id"]), str(inspect.get("Name") or "").lstrip("/")
        if self.may_touch("container", identity, container, name):
            return ""
        return f"container {name} was not made by this run, so it is not looked into"

    def owns_volume(self, volume: Json) -> bool:
        """Whether this run made a volume: this very one, or one whose name has the run's id."""
        name = str(volume["Name"])
        unknown = self.run in name and self.intends("volume", name)
        return unknown or self.owns("volume", identity_of(volume))

    def owns_tag(self, tag: str, image: Json) -> bool:
        """Whether this run made a tag, and it means the image that the run gave it.

        Somebody may have taken it away and given it anew; a name with the run's id nobody knows.
        """
        same = self.run in tag or self._ledger.id_of("image", tag) == image["Id"]
        return same and self.owns("image", tag)

    def came_upon(self, image: Json) -> None:
        """A request of ours came upon an image: what is not ours by now is somebody else's.

        An inventory tells neither of what came since, nor of what others' images stand on.
        """
        identity = str(image["Id"])
        tagged = any(self.owns_tag(tag, image) for tag in tags_of(image))
        if not (tagged or self.owns("image", identity)):
            with self._changed:
                self._found.add(identity)

    def had(self, identity: str) -> bool:
        """Whether an image was there without our doing."""
        return identity in self._found or had_image(self.before, identity)

    def owns_image(self, image: Json) -> bool:
        """Whether an image is this run's whole: under whatever id and tag."""
        identity, tags = str(image["Id"]), tags_of(image)
        if self.had(identity):
            return False
        return all(self.owns_tag(t, image) for t in tags) and (
            bool(tags) or self.owns("image", identity)
        )

    def owns_exec(self, identity: str) -> bool:
        """Whether a command of this run made an exec."""
        return identity in self._execs

    def owns_build(self, identity: str) -> bool:
        """Whether a command of this run began a build."""
        return identity in self._builds

    def was_ours(self, tag: str) -> bool:
        """Whether this run made a tag at some time, though it may be gone now."""
        return tag in self._named

    # -- the ledger -------------------------------------------------------------------------

    def intend(self, kind: Kind, name: str) -> None:
        """Call before it may be made; raises LedgerError."""
        self._ledger.intend(kind, name)

    def made(self, kind: Kind, name: str, identity: str) -> None:
        """It is there now, by this id."""
        if kind == "image":
            self._named.add(name)
        self._ever[key_of(kind, name, identity)] = identity
        self._ids |= {identity, name} if kind == "volume" else {identity}
        if kind == "image" and name != identity and self._goes_with_ours(name, identity):
            why = f"its image {NAMELESS}, and would go with it"
            self._ledger.keep(kind, name, why, identity)
        else:
            self._ledger.made(kind, name, identity)

    def _goes_with_ours(self, tag: str, identity: str) -> bool:
        if not self.had(identity):
            return False
        try:
            image = self.daemon.image(tag)
        except EngineError:
            return True  # a tag too many is better than an image too few
        return image is not None and image["Id"] == identity and self.goes_with(tag, image)

    def goes_with(self, tag: str, image: Json) -> bool:
        """Whether an image that was there before would go when a tag of ours is taken away.

        Docker takes it with its last tag, and with a tag the digests of the same repository.
        """
        identity, repository = str(image["Id"]), tag.rpartition(":")[0]
        had = [t for t in self.before.values() if t.kind == "image" and t.state == identity]
        if not self.had(identity) or any(t.id != identity for t in had):
            return False
        digests = [d for d in image.get("RepoDigests") or [] if d.partition("@")[0] != repository]
        return not digests and all(t == tag or self.owns_tag(t, image) for t in tags_of(image))

    def gone(self, kind: Kind, name: str) -> None:
        """It is no longer there."""
        self._ledger.gone(kind, name)

    def gone_by_id(self, kind: Kind, identity: str) -> None:
        """The thing of this id is no longer there."""
        for entry in self.entries():
            if (entry.kind, entry.id) == (kind, identity):
                self._ledger.gone(kind, entry.name, identity)

    def keep(self, entry: Entry, why: str) -> None:
        """It stays on purpose."""
        self._ledger.keep(entry.kind, entry.name, why, entry.id)

    def began(self, pid: int) -> None:
        """A command of ours runs in this process, and may outlive us. Raises LedgerError."""
        self._ledger.cli(pid)

    def began_build(self, stages: Iterable[Iterable[str]]) -> None:
        """A build of these stages begins. Raises LedgerError."""
        begun = Begun(time.time(), tuple(map(tuple, stages)))
        self._ledger.build(begun)
        self._begun.append(begun)

    def build_untold(self) -> None:
        """A build of ours may have made more than we heard of: the engine went away meanwhile."""
        self._untold = True

    @property
    def untold_builds(self) -> tuple[Begun, ...]:
        """The builds that may have made more than we heard of."""
        return tuple(self._begun) if self._untold else ()

    def intends(self, kind: Kind, name: str) -> bool:
        """Whether it was to be made by a request of ours."""
        return self._ledger.intends(kind, name)

    def id_of(self, kind: Kind, name: str) -> str:
        """The id by which it was made last; empty where that is not known."""
        return self._ledger.id_of(kind, name)

    def entries(self) -> list[Entry]:
        """What must be removed or is kept on purpose, in the order of removal."""
        return self._ledger.entries()

    def asked_for(self, name: str) -> None:
        """A pull of ours: the engine tells of it by this name, also where nothing came of it."""
        self._pulled.add(name)

    def pulled(self, name: str, identity: str) -> None:
        """A base image that this run pulled: kept, unless the person wants it gone."""
        if self._remove_pulled or self.was_ours(name):
            self.made("image", name, identity)
        else:
            self.asked_for(name)
            self._ledger.keep("image", name, PULLED, identity)

    def own_without_a_name(self, identity: str) -> None:
        """An image of ours whose tag has moved on is ours without a name, unless it was there."""
        if not identity or self.had(identity):
            return
        left = self.daemon.image(identity)
        if left is not None and not tags_of(left):
            self.made("image", identity, identity)

    def stands_on_others(self, name: str) -> bool:
        """Whether a layer that was there before is below an image; what is ours there is noted."""
        own = above_others(self.daemon, name, lambda one: self.had(str(one["Id"])))
        for entry in own or ():
            self.made(entry.kind, entry.name, entry.id)
        return own is not None

    # -- what comes of requests ---------------------------------------------------------------

    def refused(self, sentence: str, about: str = Refusal.about) -> None:
        """A request was not let through."""
        # It may quote what is no text, which no report could be written with.
        text = sentence.encode("utf-8", "backslashreplace").decode()
        with self._changed:
            self._refusals.append(Refusal(text, about))

    def note(self, check: Check) -> None:
        """Something about what a request did that its step must tell."""
        with self._changed:
            self._notes.append(check)

    def engine_may_make(self, folders: Iterable[str]) -> None:
        """Folders of this machine that are not there, and that a container of ours mounts.

        The engine makes them when it starts the container.
        """
        with self._changed:
            self._folders |= set(folders)

    def made_exec(self, identity: str) -> None:
        """An exec was made by a request of ours."""
        self._execs.add(identity)

    def build_known_as(self, identity: str) -> None:
        """A build of ours has this id of its client's."""
        self._builds.add(identity)

    @contextmanager
    def under_way(self, kind: Kind | None = None) -> Iterator[None]:
        """While what a request makes is not written down yet.

        ``kind`` are the things of others that it could change, if it were not judged well.
        """
        with self._changed:
            self._under_way += 1
        try:
            with self.requests.about(kind):
                yield
        finally:
            with self._changed:
                self._under_way -= 1
                self._changed.notify_all()

    # -- one step -----------------------------------------------------------------------------

    def settle(self) -> tuple[list[Refusal], list[Check]]:
        """What the gate refused and noted since the last call, once all of it is written down."""
        deadline = time.monotonic() + SETTLE_LIMIT
        with self._changed:
            while self._under_way and time.monotonic() < deadline:
                self._changed.wait(deadline - time.monotonic())
            if self._under_way:
                late = f"a request was not answered within {SETTLE_LIMIT:g} s"
                self._notes.append(unverified("what its requests made", "written down", late))
            refusals = list(dict.fromkeys(self._refusals))
            notes = list(dict.fromkeys(self._notes))
            self._refusals.clear()
            self._notes.clear()
        self.tags.compare()
        return refusals, notes

    # -- the measure --------------------------------------------------------------------------

    @property
    def folders_of_the_engine(self) -> list[str]:
        """Folders that the engine made for a mount, and that are still there: root's."""
        with self._changed:
            return sorted(one for one in self._folders if _is_of_root(one))

    @property
    def touched_with_leave(self) -> list[str]:
        """What ``--allow-foreign`` named and something of ours then touched, as it was named."""
        return sorted(self._leave_used)

    @property
    def all_ids(self) -> list[str]:
        """The ids and names of all that was ever made, pulled or touched with leave."""
        return sorted(self._known)

    @property
    def ever_made(self) -> Mapping[tuple[str, str], str]:
        """The ids of all that this run made, by their keys in an inventory."""
        return dict(self._ever)

    def of_others(self, events: Iterable[Event]) -> list[Event]:
        """The events of what this run neither made nor pulled nor touched with leave."""
        known = self._known
        return [event for event in events if known.isdisjoint(_ids_of(event))]

    @property
    def _known(self) -> set[str]:
        with self._changed:
            touched = {identity for _, identity in self._touched}
        return touched | self._ids | self._named | self._pulled


def _ids_of(event: Event) -> set[str]:
    return {event.id, event.name, *(event.attributes.get(k, "") for k in _IN_EVENTS)} - {""}


def _is_of_root(path: str) -> bool:
    try:
        return Path(path).lstat().st_uid == 0
    except OSError:
        return False
