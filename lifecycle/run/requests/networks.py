"""Requests that make, join or remove networks."""

from __future__ import annotations

from lifecycle.engine.daemon import Daemon
from lifecycle.gate.gate import Call
from lifecycle.run.ownership.ownership import Ownership
from lifecycle.run.requests import bodies, network_bodies
from lifecycle.run.requests.names import refuse_a_bridge, refuse_an_id, refuse_unknown_options
from lifecycle.run.requests.pools import (
    refuse_another_scope,
    refuse_other_givers,
    refuse_parts_outside,
)
from lifecycle.run.requests.settling import named, removed, settled
from lifecycle.run.requests.things import Things
from lifecycle.text.json_object import Json


class Networks:
    """Decides on networks for one run."""

    def __init__(self, ownership: Ownership, daemon: Daemon, things: Things) -> None:
        self._o, self._daemon, self._things = ownership, daemon, things

    def create(self, call: Call) -> None:
        """``POST /networks/create``: with addresses and settings that take nothing from others."""
        body = bodies.read(call.body, bodies.NETWORK)
        name = str(body.get("Name") or "")
        refuse_an_id(self._daemon.network, "network", name)
        refuse_another_scope(name, network_bodies.scope(body))
        self._judge_settings(name, body)
        if source := network_bodies.config_from(body):
            identity, ours = self._things.network(source)
            if ours:  # what they mean may have become another's since they were written down
                self._judge_settings(name, self._daemon.network(identity) or {}, source=identity)
        body["CheckDuplicate"] = True  # else its owner could not use a network by its name
        with self._o.turns.of([("network", name)]):
            known = self._o.intends("network", name)
            self._o.intend("network", name)
            answer = call.relay_and_wait(body=bodies.written(body))
            try:
                settled(self._o, "network", name, answer, known=known)
            finally:
                call.release()

    def _judge_settings(self, name: str, network: Json, *, source: str = "") -> None:
        """Whether a network may have these options and addresses.

        ``source`` is the id of the settings that they are from; else they are a request's.
        """
        only = bool(network.get("ConfigOnly")) and not source
        options = bodies.options_of(network, "Options")
        refuse_a_bridge(self._daemon, name, options, source=source)
        refuse_unknown_options(name, options)
        self._things.interface(options.get("parent", ""))
        refuse_other_givers(name, *network_bodies.addresses_by(network), only=only)
        for pool in network_bodies.pools(network):
            refuse_parts_outside(name, pool)
            if pool.subnet:
                self._things.addresses(pool.subnet)

    def remove(self, call: Call) -> None:
        """``DELETE /networks/ID``."""
        identity, _ = self._things.network(call.request.names["id"])
        with self._o.turns.of(named(self._o, "network", identity)):
            removed(self._o, call, "network", identity, call.request.target_of(identity))

    def join(self, call: Call) -> None:
        """``POST /networks/ID/connect`` and ``disconnect``."""
        body = bodies.read(call.body, bodies.CONNECT)
        identity, ours = self._things.joinable(call.request.names["id"])
        body["Container"] = self._things.container(str(body.get("Container") or ""))
        endpoint = body.get("EndpointConfig")
        for join in bodies.links(endpoint) if isinstance(endpoint, dict) else ():
            self._things.joined(join, {})
        for address in bodies.mac_addresses(endpoint) if isinstance(endpoint, dict) else ():
            self._things.hardware_address(address)
        if endpoint is not None and not ours:
            body["EndpointConfig"] = bodies.without_aliases(endpoint)
        call.relay(call.request.target_of(identity), bodies.written(body))
