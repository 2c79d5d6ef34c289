"""Requests that make or remove volumes."""

from __future__ import annotations

import secrets

from lifecycle.engine.daemon import Daemon
from lifecycle.gate.gate import Call
from lifecycle.run.ownership.inventory import identity_of
from lifecycle.run.ownership.ownership import Ownership
from lifecycle.run.requests import bodies, mounts
from lifecycle.run.requests.mounts import Mounts
from lifecycle.run.requests.refusal import Absent
from lifecycle.run.requests.settling import removed
from lifecycle.run.requests.things import Things


class Volumes:
    """Decides on volumes for one run."""

    def __init__(
        self, ownership: Ownership, daemon: Daemon, things: Things, mounts: Mounts
    ) -> None:
        self._o, self._daemon, self._things, self.mounts = ownership, daemon, things, mounts

    def create(self, call: Call) -> None:
        """``POST /volumes/create``."""
        body = bodies.read(call.body, bodies.VOLUME)
        options = bodies.options_of(body, "DriverOpts")
        self.mounts.places(mounts.behind(options))
        self.mounts.kinds([options])
        # Docker would choose a name itself, which nobody knows before.
        name = body["Name"] = str(body.get("Name") or "") or secrets.token_hex(32)
        there = self._things.volume(name)
        if not there:
            self._o.intend("volume", name)
        call.relay_and_wait(body=bodies.written(body))
        try:
            if not there:
                self.made_if_there(name)
        finally:
            call.release()

    def remove(self, call: Call) -> None:
        """``DELETE /volumes/NAME``."""
        name = call.request.names["name"]
        if not self._things.volume(name):
            raise Absent(f"get {name}: no such volume")
        removed(self._o, call, "volume", self._o.id_of("volume", name), "")

    def made_if_there(self, name: str) -> None:
        """A volume that was not there before our request, and is after it."""
        volume = self._daemon.volume(name)
        if volume is not None:
            self._o.made("volume", name, identity_of(volume))
        else:
            self._o.gone("volume", name)
