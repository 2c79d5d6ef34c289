"""Requests that make or remove volumes."""

from __future__ import annotations

import secrets

from lifecycle.checks.check import unverified
from lifecycle.engine.daemon import Daemon, EngineAway, EngineError
from lifecycle.gate.gate import Call
from lifecycle.run.ownership.inventory import MARK, identity_of
from lifecycle.run.ownership.ownership import Ownership
from lifecycle.run.requests import bodies, mounts
from lifecycle.run.requests.bodies import NewVolume
from lifecycle.run.requests.mounts import Mounts
from lifecycle.run.requests.refusal import Absent, not_ours
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
        asked = str(body.get("Name") or "")
        name = body["Name"] = asked or secrets.token_hex(32)
        with self._o.turns.of([("volume", name)]):
            there = self._things.volume(name)
            if not there and asked:
                self.make(name, bodies.new_volume(body))
            elif not there:
                self._o.intend("volume", name)
            call.relay_and_wait(body=bodies.written(body))
            try:
                if not there:
                    self.made_if_there(name, guessable=bool(asked))
            finally:
                call.release()

    def remove(self, call: Call) -> None:
        """``DELETE /volumes/NAME``."""
        name = call.request.names["name"]
        with self._o.turns.of([("volume", name)]):
            if not self._things.volume(name):
                raise Absent(f"get {name}: no such volume")
            identity = self._o.id_of("volume", name)
            removed(self._o, call, "volume", identity, "")

    def make(self, name: str, new: NewVolume) -> None:
        """Make a volume that is not there, with a mark, before a request that would make it.

        Whoever asks the engine for a name gets the volume that is there, also one that somebody
        made a moment ago, and is not told which. Raises Refused where it is not ours.
        """
        self._o.intend("volume", name)
        if self._o.run in name:
            return  # nobody else could know it
        mark = f"{self._o.run}-{secrets.token_hex(16)}"
        labels = {**new.labels, MARK: mark}
        try:
            self._daemon.create_volume(name, driver=new.driver, options=new.options, labels=labels)
        except EngineAway:
            raise
        except EngineError:
            return  # the engine says to the client why there can't be such a volume
        volume = self._daemon.volume(name)
        if volume is None:
            return
        if (volume.get("Labels") or {}).get(MARK) != mark:
            self._o.gone("volume", name)
            raise not_ours("volume", name, name)
        self._o.made("volume", name, identity_of(volume))

    def made_if_there(self, name: str, *, guessable: bool = True) -> None:
        """A volume that was not there before our request, and is after it."""
        volume = self._daemon.volume(name)
        if volume is None:
            self._o.gone("volume", name)
        elif not guessable or self._o.run in name:
            self._o.made("volume", name, identity_of(volume))
        elif not self._o.owns("volume", identity_of(volume)):
            self._o.gone("volume", name)
            who = "it can't be told whether this run made it or somebody else, so it is left"
            self._o.note(unverified(f"volume {name}", "made by this run", who))
