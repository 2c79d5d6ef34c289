"""Requests that make, touch or remove containers and what runs inside them."""

from __future__ import annotations

import itertools
from contextlib import suppress

from lifecycle.engine.daemon import Daemon
from lifecycle.gate.gate import Answer, Call
from lifecycle.gate.request import target
from lifecycle.run.ownership.ownership import Ownership
from lifecycle.run.requests import bodies, container_bodies, log_drivers, mounts, names
from lifecycle.run.requests.bodies import Join
from lifecycle.run.requests.refusal import Absent, Refused, not_ours
from lifecycle.run.requests.settling import named, removed, settled
from lifecycle.run.requests.things import Things
from lifecycle.run.requests.volumes import Volumes
from lifecycle.text.json_object import Json

_MOUNTING = frozenset({"start", "restart", "archive"})
"""Requests at which the engine looks up anew what a container mounts and joins."""


class Containers:
    """Decides on containers for one run."""

    def __init__(
        self, ownership: Ownership, daemon: Daemon, things: Things, volumes: Volumes
    ) -> None:
        self._o, self._daemon, self._things = ownership, daemon, things
        self._volumes, self._mounts = volumes, volumes.mounts
        self._unnamed = itertools.count(1)

    def create(self, call: Call) -> None:
        """``POST /containers/create``: of what is ours, or everybody's."""
        request = call.request
        body = bodies.read(call.body, bodies.CONTAINER)
        joins = dict.fromkeys(bodies.joins(body))
        names.refuse_too_many({j.name for j in joins} | set(bodies.sources(body)))
        self._mounts.places(mounts.folders(body))
        if bodies.restarts(body):
            self._mounts.links(mounts.folders(body))
        self._mounts.kinds(bodies.volume_options(body))
        usual = str(self._daemon.info.get("LoggingDriver") or "")
        self._mounts.unless_as_written([log_drivers.objection(body, usual)])
        self._things.control_group(bodies.control_group(body))
        for address in bodies.mac_addresses(body):
            self._things.hardware_address(address)
        query = list(request.query)
        name = request.get("name").lstrip("/")
        if not name:
            name = f"unnamed-0{next(self._unnamed)}-{self._o.run}"
            query = [(k, v) for k, v in query if k != "name"] + [("name", name)]
        names.refuse_an_id(self._daemon.container, "container", name)
        shared = {("volume", j.name) for j in joins if j.kind == "volume"}
        with self._o.turns.of({("container", name), *shared}):
            new = [j.name for j in joins if not self._things.joined(j, body)]
            how = dict(reversed([*bodies.mounted(body)]))  # the first of a name counts
            for volume in new:
                self._volumes.make(volume, how[volume])
            known = self._o.intends("container", name)
            self._o.intend("container", name)
            self._o.engine_may_make(self._missing_folders(body))
            given = self._given(body)
            answer = call.relay_and_wait(
                target(request.version, request.path, query), bodies.written(body)
            )
            try:
                self._created(name, answer, known, given)
                for volume in new:
                    self._volumes.made_if_there(volume)
            finally:
                call.release()

    def _missing_folders(self, body: Json) -> set[str]:
        """What the engine would make of the machine's folders; they are no one's of the run's."""
        if not self._daemon.shares_machine:
            return set()
        return {mounts.first_missing(source) for source in bodies.folders_to_make(body)} - {""}

    def _given(self, container: Json) -> set[str]:
        """The volumes of the containers whose volumes a container has as well."""
        found = (self._daemon.container(one) for one in container_bodies.givers(container))
        return {str(m.get("Name")) for one in found if one for m in container_bodies.volumes(one)}

    def _created(
        self,
        name: str,
        answer: Answer,
        known: bool,  # noqa: FBT001
        given: set[str],
    ) -> None:
        """Write down a container that was made, as it is before anything else happens to it."""
        identity = settled(self._o, "container", name, answer, known=known)
        if not identity:
            return
        container = self._daemon.container(identity)
        if container is None:
            return
        self._o.created[name] = container
        # A giver's name may mean another one by now, of whose volumes none is ours.
        for volume in container_bodies.anonymous(container, given | self._given(container)):
            self._volumes.made_if_there(volume, guessable=False)

    def touch(self, call: Call) -> None:
        """A request that changes or enters a container."""
        names.refuse_a_folder_of_checkpoints(
            call.request.all("checkpoint-dir"), call.request.all("checkpoint")
        )
        identity = self._things.container(call.request.names["id"])
        what = call.request.path.rpartition("/")[2]
        if what in _MOUNTING and self._o.owns("container", identity):
            self._look_again(identity)
        call.relay(call.request.target_of(identity))

    def _look_again(self, identity: str) -> None:
        """What a container shares is looked up by its words whenever it starts: so do we.

        A link may lead elsewhere by now, and a name mean another thing: that of a network of ours
        which is gone may be how the id of another one begins.
        """
        container = self._daemon.container(identity) or {}
        try:
            self._shares_what_it_may(container)
            self._o.engine_may_make(self._missing_folders(container))
        except Refused:
            if container_bodies.is_new_and_temporary(container):
                # Where a start fails the engine removes it: docker run --rm waits for that.
                self._daemon.remove_container(identity)
                self._o.gone_by_id("container", identity)
            raise

    def _shares_what_it_may(self, container: Json) -> None:
        body = {"HostConfig": container.get("HostConfig")}
        networks = (Join("network", name) for name in bodies.networks_of(container))
        for join in (*bodies.joins(body), *networks):
            with suppress(Absent):  # the engine says so itself
                self._things.joined(join, body)
        self._mounts.places(mounts.folders(body))
        lent = self._lent(container)
        for name in (str(mount.get("Name")) for mount in container_bodies.volumes(container)):
            volume = self._daemon.volume(name)
            if volume is None:
                continue  # the engine says so itself
            if name not in lent:
                self._things.mountable(volume)
            options = bodies.options_of(volume, "Options")
            self._mounts.places(mounts.behind(options))
            self._mounts.kinds([options])

    def _lent(self, container: Json) -> set[str]:
        """The volumes of others' containers whose volumes it may have, by the person's leave."""
        found = (self._daemon.container(one) for one in container_bodies.givers(container))
        others = (one for one in found if one and not self._o.owns("container", str(one["Id"])))
        return {str(m.get("Name")) for one in others for m in container_bodies.volumes(one)}

    def checkpoint(self, call: Call) -> None:
        """``/containers/ID/checkpoints``: in the engine's own place only; to list them is free."""
        request = call.request
        body = bodies.read(call.body, bodies.CHECKPOINT)
        name, folder = bodies.checkpoint(body)
        names.refuse_a_folder_of_checkpoints(
            (folder, *request.all("dir")), (name, request.names.get("checkpoint", ""))
        )
        if request.method == "GET":
            call.relay()
            return
        identity = self._things.container(request.names["id"])
        call.relay(request.target_of(identity), bodies.written(body) if body else None)

    def update(self, call: Call) -> None:
        """``POST /containers/ID/update``."""
        identity = self._things.container(call.request.names["id"])
        body = bodies.read(call.body, bodies.UPDATE)
        if bodies.restarts({"HostConfig": body}):
            container = self._daemon.container(identity) or {}
            self._mounts.links(mounts.folders({"HostConfig": container.get("HostConfig")}))
        call.relay(call.request.target_of(identity), bodies.written(body))

    def remove(self, call: Call) -> None:
        """``DELETE /containers/ID``."""
        if call.request.get("link") not in {"", "0", "false", "False"}:
            raise Refused("a link between containers is not removed: it has no id")
        identity = self._things.container(call.request.names["id"])
        with self._o.turns.of(named(self._o, "container", identity)):
            removed(self._o, call, "container", identity, call.request.target_of(identity))

    def rename(self, call: Call) -> None:
        """``POST /containers/ID/rename``: the new name is on the ledger before."""
        identity, new = self._things.container(call.request.names["id"]), call.request.get("name")
        new = new.lstrip("/")
        ours = self._o.owns("container", identity)
        names.refuse_an_id(self._daemon.container, "container", new)
        with self._o.turns.of({("container", new), *named(self._o, "container", identity)}):
            known = self._o.intends("container", new)
            if ours:
                self._o.intend("container", new)
            answer = call.relay_and_wait(call.request.target_of(identity))
            try:
                if ours and answer.ok:
                    old = {name for _, name in named(self._o, "container", identity)} - {new}
                    self._o.made("container", new, identity)
                    for name in old:
                        self._o.gone("container", name)
                elif ours and answer.known and not known:
                    self._o.gone("container", new)
            finally:
                call.release()

    def create_exec(self, call: Call) -> None:
        """``POST /containers/ID/exec``."""
        bodies.read(call.body, bodies.NOTHING)
        identity = self._things.container(call.request.names["id"])
        answer = call.relay_and_wait(call.request.target_of(identity))
        try:
            if answer.made:
                self._o.made_exec(answer.made)
        finally:
            call.release()

    def touch_exec(self, call: Call) -> None:
        """A request about an exec, which has an id of its own."""
        identity = call.request.names["id"]
        if not (self._o.owns_exec(identity) or self._o.allows(identity)):
            if self._daemon.exec(identity) is None:
                raise Absent(f"No such exec instance: {identity}")
            raise not_ours("exec", identity, identity)
        call.relay()
