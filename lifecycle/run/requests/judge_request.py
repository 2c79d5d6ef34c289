"""What the gate lets through: each request held against what the run made, by id.

The engine is asked which thing a name means, and the request goes on with that thing's id: what
was judged is what is touched. What would be made is written to the ledger before, and its id
before the client knows.
"""

from __future__ import annotations

import itertools
import secrets
from collections.abc import Callable, Iterable, Mapping
from contextlib import nullcontext, suppress

from lifecycle.command.values.basic import ImpossibleError
from lifecycle.engine.daemon import Daemon, EngineError
from lifecycle.gate.frames import ClosedError
from lifecycle.gate.gate import Answer, Call
from lifecycle.gate.request import target
from lifecycle.gate.table import Act
from lifecycle.run.ownership.inventory import identity_of
from lifecycle.run.ownership.ledger import Kind, LedgerError
from lifecycle.run.ownership.ownership import Ownership
from lifecycle.run.requests import bodies, container_bodies, mounts
from lifecycle.run.requests.bodies import BodyError, Join
from lifecycle.run.requests.buildkit import BuildKit
from lifecycle.run.requests.images import Images
from lifecycle.run.requests.names import (
    refuse_a_bridge,
    refuse_an_id,
    refuse_unknown_options,
)
from lifecycle.run.requests.refusal import Absent, Refused, everybodys, not_ours
from lifecycle.run.requests.things import BUILT_IN, Things
from lifecycle.text.json_object import Json

_OK = range(200, 300)
_MOUNTING = frozenset({"start", "restart", "archive"})
"""Requests at which the engine looks up anew what a container mounts and joins."""


class Judge:
    """Decides for one run; called from a thread of its own for each request."""

    def __init__(
        self, ownership: Ownership, daemon: Daemon, *, own: tuple[str, ...], as_written: bool
    ) -> None:
        """``own`` are the engine's own places on its machine: no container may hold them.

        ``as_written``: the scenario says that it goes round the gate.
        """
        self._own, self._as_written = own, as_written
        self._o, self._daemon = ownership, daemon
        self._things = Things(ownership, daemon)
        self._images = Images(ownership, daemon)
        self._buildkit = BuildKit(ownership, daemon, self._images)
        self._unnamed = itertools.count(1)
        self._acts: Mapping[Act, Callable[[Call], None]] = {
            Act.CREATE_CONTAINER: self._create_container,
            Act.TOUCH_CONTAINER: self._touch_container,
            Act.REMOVE_CONTAINER: self._remove_container,
            Act.RENAME_CONTAINER: self._rename_container,
            Act.UPDATE_CONTAINER: self._update_container,
            Act.CREATE_EXEC: self._create_exec,
            Act.TOUCH_EXEC: self._touch_exec,
            Act.COMMIT: self._commit,
            Act.PULL: self._images.pull,
            Act.LOAD: self._images.load,
            Act.TAG: self._images.tag,
            Act.PUSH: self._images.push,
            Act.REMOVE_IMAGE: self._images.remove,
            Act.BUILD: self._build,
            Act.SESSION: self._buildkit.session,
            Act.GRPC: self._buildkit.grpc,
            Act.CANCEL_BUILD: self._cancel_build,
            Act.CREATE_NETWORK: self._create_network,
            Act.REMOVE_NETWORK: self._remove_network,
            Act.JOIN_NETWORK: self._join_network,
            Act.CREATE_VOLUME: self._create_volume,
            Act.REMOVE_VOLUME: self._remove_volume,
        }

    def __call__(self, call: Call) -> None:
        """Let a request through, or answer it in the engine's place."""
        if call.unreadable:
            self._o.refused(f"a request that can't be read: {call.unreadable}")
            return
        endpoint = call.request.endpoint
        # A client may hold a connection to BuildKit for as long as it lives.
        holds = endpoint is not None and endpoint.act is Act.GRPC
        with nullcontext() if holds else self._o.under_way():
            try:
                self._judge(call)
            except Refused as refused:
                self._o.refused(str(refused))
                call.refuse(str(refused))
            except Absent as absent:
                call.refuse(str(absent), 404)
            except ImpossibleError as error:
                self._o.refused(f"a name that can't be: {error}")
                call.refuse(str(error), 400)
            except BodyError as error:
                self._o.refused(f"a body that can't be judged: {error}")
                call.refuse(f"the request's body can't be judged: {error}", 400)
            except (EngineError, LedgerError) as error:
                call.refuse(str(error), 500)
                if isinstance(error, LedgerError):
                    self._o.refused(str(error), "the ledger")
            except ClosedError:
                raise  # the gate was closed before the request was let through
            except Exception as error:
                message = f"a fault of the gate itself, please report it: {error!r}"
                self._o.refused(message, "the gate")
                call.refuse(message, 500)
                raise

    def _judge(self, call: Call) -> None:
        endpoint, request = call.request.endpoint, call.request
        act = self._acts.get(endpoint.act) if endpoint else None
        if act is not None:
            act(call)
            return
        name = f"api:{endpoint or f'{request.method}{request.path}'}"
        if self._o.allows(name):
            call.relay()
            return
        why = endpoint.why if endpoint else "what it does is not known"
        asked = f"{request.method} {request.path}"
        raise everybodys(asked, why, name)

    # -- containers -----------------------------------------------------------------------------

    def _touch_container(self, call: Call) -> None:
        identity = self._things.container(call.request.names["id"])
        what = call.request.path.rpartition("/")[2]
        if what in _MOUNTING and self._o.owns("container", identity):
            self._look_again(identity)
        call.relay(self._with_id(call, identity))

    def _look_again(self, identity: str) -> None:
        """What a container shares is looked up by its words whenever it starts: so do we.

        A link may lead elsewhere by now, and a name mean another thing: that of a network of ours
        which is gone may be how the id of another one begins.
        """
        container = self._daemon.container(identity) or {}
        try:
            self._shares_what_it_may(container)
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
                self._joined(join, body)
        self._refuse_own_places(mounts.folders(body))
        for mount in container_bodies.volumes(container):
            volume = self._daemon.volume(str(mount.get("Name"))) or {}
            options = bodies.options_of(volume, "Options")
            self._refuse_own_places(mounts.behind(options))
            self._refuse_kinds([options])

    def _with_id(self, call: Call, identity: str, key: str = "id") -> str:
        """The request's target with a full id in place of the name."""
        endpoint, request = call.request.endpoint, call.request
        path = (endpoint.path if endpoint else "").format_map({**request.names, key: identity})
        return target(request.version, path, request.query)

    def _create_container(self, call: Call) -> None:
        request = call.request
        body = bodies.read(call.body, bodies.CONTAINER)
        self._refuse_own_places(mounts.folders(body))
        if bodies.restarts(body):
            self._refuse_links(mounts.folders(body))
        self._refuse_kinds(bodies.volume_options(body))
        self._things.control_group(bodies.control_group(body))
        for address in bodies.mac_addresses(body):
            self._things.hardware_address(address)
        volumes = [j.name for j in bodies.joins(body) if not self._joined(j, body)]
        query = list(request.query)
        name = request.get("name").lstrip("/")
        if not name:
            name = f"unnamed-0{next(self._unnamed)}-{self._o.run}"
            query = [(k, v) for k, v in query if k != "name"] + [("name", name)]
        refuse_an_id(self._daemon.container, "container", name)
        for volume in volumes:
            self._o.intend("volume", volume)
        known = self._o.intends("container", name)
        self._o.intend("container", name)
        self._o.engine_may_make(self._missing_folders(body))
        answer = call.relay_and_wait(
            target(request.version, request.path, query), bodies.written(body)
        )
        try:
            self._created(name, answer, known)
            for volume in volumes:
                self._made_if_there(volume)
        finally:
            call.release()

    def _missing_folders(self, body: Json) -> set[str]:
        """What the engine would make of the machine's folders; they are no one's of the run's."""
        if not self._daemon.shares_machine:
            return set()
        return {mounts.first_missing(source) for source in bodies.folders_to_make(body)} - {""}

    def _joined(self, join: Join, body: Json) -> bool:
        """Whether what a container would share is there; raises Refused where it is another's."""
        if join.kind == "container":
            self._things.container(join.name)
        elif join.kind == "network":
            _, ours = self._things.network(join.name)
            if not ours:
                container_bodies.drop_aliases(body, join.name)
        else:
            return self._things.volume(join.name)
        return True

    def _settled(self, kind: Kind, name: str, answer: Answer, known: bool) -> str:  # noqa: FBT001
        """Write down what was made, or that nothing was; returns its id.

        Where the engine has not answered, the intent stays: it may have made it. So it does where
        one of this name was ``known`` before.
        """
        if answer.made:
            self._o.made(kind, name, answer.made)
        elif answer.known and not known:
            self._o.gone(kind, name)
        return answer.made

    def _created(self, name: str, answer: Answer, known: bool) -> None:  # noqa: FBT001
        """Write down a container that was made, as it is before anything else happens to it."""
        identity = self._settled("container", name, answer, known)
        if not identity:
            return
        container = self._daemon.container(identity)
        if container is None:
            return
        self._o.created[name] = container
        for mount in container_bodies.volumes(container):
            if container_bodies.is_anonymous(container, mount):
                self._made_if_there(str(mount["Name"]))

    def _refuse_own_places(self, sources: Iterable[str]) -> None:
        if self._as_written:
            return
        for source in sources:
            why = mounts.objection(source, self._own, real=self._daemon.shares_machine)
            if why:
                raise Refused(f"{why} (`engine: as-written` in the scenario lifts this)")

    def _update_container(self, call: Call) -> None:
        identity = self._things.container(call.request.names["id"])
        body = bodies.read(call.body, bodies.UPDATE)
        if bodies.restarts({"HostConfig": body}):
            container = self._daemon.container(identity) or {}
            self._refuse_links(mounts.folders({"HostConfig": container.get("HostConfig")}))
        call.relay(self._with_id(call, identity), bodies.written(body))

    def _refuse_links(self, sources: Iterable[str]) -> None:
        """The engine starts a container again by itself, and follows a link anew each time."""
        real = self._daemon.shares_machine and not self._as_written
        for source in sources if real else ():
            if why := mounts.link_objection(source):
                raise Refused(f"{why} (`engine: as-written` in the scenario lifts this)")

    def _refuse_kinds(self, volumes: Iterable[Mapping[str, str]]) -> None:
        if self._as_written:
            return
        for options in volumes:
            if why := mounts.kind_objection(options):
                raise Refused(f"{why} (`engine: as-written` in the scenario lifts this)")

    def _remove_container(self, call: Call) -> None:
        if call.request.get("link") not in {"", "0", "false", "False"}:
            raise Refused("a link between containers is not removed: it has no id")
        identity = self._things.container(call.request.names["id"])
        self._removed(call, "container", identity, self._with_id(call, identity))

    def _rename_container(self, call: Call) -> None:
        identity, new = self._things.container(call.request.names["id"]), call.request.get("name")
        new = new.lstrip("/")
        ours = self._o.owns("container", identity)
        refuse_an_id(self._daemon.container, "container", new)
        known = self._o.intends("container", new)
        if ours:
            self._o.intend("container", new)
        answer = call.relay_and_wait(self._with_id(call, identity))
        try:
            if ours and answer.status in _OK:
                old = [e.name for e in self._o.entries() if e.id == identity]
                self._o.made("container", new, identity)
                for name in old:
                    self._o.gone("container", name)
            elif ours and answer.known and not known:
                self._o.gone("container", new)
        finally:
            call.release()

    def _create_exec(self, call: Call) -> None:
        bodies.read(call.body, bodies.NOTHING)
        identity = self._things.container(call.request.names["id"])
        answer = call.relay_and_wait(self._with_id(call, identity))
        try:
            if answer.made:
                self._o.made_exec(answer.made)
        finally:
            call.release()

    def _touch_exec(self, call: Call) -> None:
        identity = call.request.names["id"]
        if not (self._o.owns_exec(identity) or self._o.allows(identity)):
            if self._daemon.exec(identity) is None:
                raise Absent(f"No such exec instance: {identity}")
            raise not_ours("exec", identity, identity)
        call.relay()

    def _commit(self, call: Call) -> None:
        identity = self._things.container(call.request.get("container"))
        self._images.commit(call, identity)

    def _build(self, call: Call) -> None:
        mode = call.request.get("networkmode")
        if mode.startswith("container:"):
            self._things.container(mode.removeprefix("container:"))
        elif mode not in BUILT_IN:
            self._things.network(mode)
        self._things.control_group(call.request.get("cgroupparent"))
        self._images.build(call)

    def _cancel_build(self, call: Call) -> None:
        if not self._o.owns_build(call.request.get("id")):
            raise Refused("a build that this run did not begin is not cancelled")
        call.relay()

    # -- networks and volumes ---------------------------------------------------------------------

    def _create_network(self, call: Call) -> None:
        body = bodies.read(call.body, bodies.NETWORK)
        name = str(body.get("Name") or "")
        refuse_an_id(self._daemon.network, "network", name)
        options = bodies.options_of(body, "Options")
        refuse_a_bridge(self._daemon, name, options)
        refuse_unknown_options(name, options)
        if source := bodies.config_from(body):
            self._things.network(source)
        self._things.interface(options.get("parent", ""))
        for subnet in bodies.subnets(body):
            self._things.addresses(subnet)
        body["CheckDuplicate"] = True  # else its owner could not use a network by its name
        known = self._o.intends("network", name)
        self._o.intend("network", name)
        answer = call.relay_and_wait(body=bodies.written(body))
        try:
            self._settled("network", name, answer, known)
        finally:
            call.release()

    def _remove_network(self, call: Call) -> None:
        identity, _ = self._things.network(call.request.names["id"])
        self._removed(call, "network", identity, self._with_id(call, identity))

    def _join_network(self, call: Call) -> None:
        body = bodies.read(call.body, bodies.CONNECT)
        identity, ours = self._things.joinable(call.request.names["id"])
        body["Container"] = self._things.container(str(body.get("Container") or ""))
        endpoint = body.get("EndpointConfig")
        for join in bodies.links(endpoint) if isinstance(endpoint, dict) else ():
            self._joined(join, {})
        for address in bodies.mac_addresses(endpoint) if isinstance(endpoint, dict) else ():
            self._things.hardware_address(address)
        if endpoint is not None and not ours:
            body["EndpointConfig"] = bodies.without_aliases(endpoint)
        call.relay(self._with_id(call, identity), bodies.written(body))

    def _create_volume(self, call: Call) -> None:
        body = bodies.read(call.body, bodies.VOLUME)
        options = bodies.options_of(body, "DriverOpts")
        self._refuse_own_places(mounts.behind(options))
        self._refuse_kinds([options])
        # Docker would choose a name itself, which nobody knows before.
        name = body["Name"] = str(body.get("Name") or "") or secrets.token_hex(32)
        there = self._things.volume(name)
        if not there:
            self._o.intend("volume", name)
        call.relay_and_wait(body=bodies.written(body))
        try:
            if not there:
                self._made_if_there(name)
        finally:
            call.release()

    def _remove_volume(self, call: Call) -> None:
        name = call.request.names["name"]
        if not self._things.volume(name):
            raise Absent(f"get {name}: no such volume")
        self._removed(call, "volume", self._o.id_of("volume", name), "")

    def _removed(self, call: Call, kind: Kind, identity: str, where: str) -> None:
        answer = call.relay_and_wait(where)
        try:
            if answer.status in _OK:
                self._o.gone_by_id(kind, identity)
        finally:
            call.release()

    def _made_if_there(self, name: str) -> None:
        """A volume that was not there before our request, and is after it."""
        volume = self._daemon.volume(name)
        if volume is not None:
            self._o.made("volume", name, identity_of(volume))
        else:
            self._o.gone("volume", name)
