"""Builds by BuildKit: the gate reads each request, and each result, from its own message.

The image that a build has made is known by the id in the engine's answer, which no RUN can print.
"""

from __future__ import annotations

import time
from contextlib import ExitStack
from dataclasses import dataclass

from lifecycle.engine.daemon import Daemon
from lifecycle.gate.gate import Call, Heard
from lifecycle.gate.methods import HISTORY, METHODS, PART, SOLVE, UNKNOWN, Does
from lifecycle.run.ownership.ownership import Ownership
from lifecycle.run.requests.bodies import BodyError
from lifecycle.run.requests.image_names import named
from lifecycle.run.requests.images import Images
from lifecycle.run.requests.refusal import Absent, Refused, everybodys, not_ours
from lifecycle.run.requests.solve import (
    Solve,
    read_part,
    read_recorded,
    read_solve,
    read_solved,
)
from lifecycle.run.requests.things import Things


@dataclass(frozen=True)
class _Begun:
    """A build that was let through: its tags that are ours, and what they meant before."""

    solve: Solve
    mine: tuple[str, ...]
    was: dict[str, str]
    under_way: ExitStack
    at: float
    """When it was judged, in epoch seconds."""


class BuildKit:
    """Decides on connections to BuildKit for one run."""

    def __init__(
        self, ownership: Ownership, daemon: Daemon, things: Things, images: Images
    ) -> None:
        """``images`` claims the tags."""
        self._o, self._daemon, self._things, self._images = ownership, daemon, things, images

    def session(self, call: Call) -> None:
        """``POST /session``: where the engine asks for a build's files; alone it does nothing."""
        call.relay()

    def grpc(self, call: Call) -> None:
        """``POST /grpc``: calls of BuildKit's methods."""
        if self._o.allows("api:POST/grpc"):
            self._o.tags.look_before()
            call.relay()
            return
        builds: dict[int, _Begun] = {}
        try:
            for heard in call.relay_and_hear():
                try:
                    call.reply(build=self._heard(heard, builds))
                except (Refused, Absent, BodyError) as refused:
                    self._o.refused(str(refused))
                    call.refuse(str(refused))
        finally:
            # Of one that was never answered nothing is known: what it meant to make is on the
            # ledger, and is removed where nobody else can have made it.
            for begun in builds.values():
                begun.under_way.close()

    def _heard(self, heard: Heard, builds: dict[int, _Begun]) -> str:
        """Judge a request, or write down its answer; returns the id of a build that begins."""
        if heard.what == "given up":
            raise Refused(f"a connection to BuildKit is given up: {heard.text}")
        if heard.what == "answers":
            begun = builds.pop(heard.stream, None)
            if begun is not None:
                with begun.under_way:
                    self._answered(begun, heard.message)
            return ""
        if heard.text == SOLVE and heard.stream not in builds:
            builds[heard.stream] = begun = self._begin(read_solve(heard.message))
            return begun.solve.build
        if heard.text == PART and heard.message:
            places = read_part(heard.message)
            self._things.build_places(places.control_group, places.network)
            return ""
        if heard.text == HISTORY:
            self._history(read_recorded(heard.message))
            return ""
        self._other(heard.text)
        return ""

    def _other(self, method: str) -> None:
        """A method that the table does not let through. Raises Refused."""
        if not method:
            raise Refused("a call to BuildKit that names no method, or several, is not let through")
        name = f"api:{method.removeprefix('/')}"
        if self._o.allows(name):
            return
        known = METHODS.get(method, UNKNOWN)
        why = known.why
        if known.does in {Does.IN_A_BUILD, Does.ASKS_IN_A_BUILD}:
            why = "it is part of a build that this run did not begin"
        elif known.does is Does.ASKS:
            why = "it asks twice"
        raise everybodys(method, why, name)

    def _begin(self, solve: Solve) -> _Begun:
        """Write down what a build is to make. Raises Refused."""
        if solve.problem:
            raise Refused(f"a build is not let through: {solve.problem}")
        self._things.build_places(solve.places.control_group, solve.places.network)
        tags = [named(name) for name in solve.names]
        for tag in map(named, solve.caches):
            image = self._daemon.image(tag)
            if image is not None and not self._o.owns_tag(tag, image):
                raise not_ours("image", tag, tag)
        was, at = self._images.ids(tags), time.time()
        mine = tuple(tag for tag in tags if self._images.claim(tag))
        self._o.build_known_as(solve.build)
        under_way = ExitStack()
        under_way.enter_context(self._o.under_way("image"))
        return _Begun(solve, mine, was, under_way, at)

    def _answered(self, begun: _Begun, message: bytes) -> None:
        made = read_solved(message)
        if made:
            self._images.tagged(
                begun.mine,
                begun.was,
                lambda _, now: now in made,
                complete=True,
                since=begun.at,
                given=lambda _: made,
            )
            if begun.solve.stores and not begun.solve.names:
                for identity in made:
                    self._images.made_by_id(identity)
            return
        for tag in begun.mine:
            # One that is there all the same is somebody's, or an export's that came before the
            # one that failed: its intent stays, and the clean-up asks whose it can be.
            if not begun.was.get(tag) and self._daemon.image(tag) is None:
                self._o.gone("image", tag)

    def _history(self, build: str) -> None:
        if not self._o.owns_build(build):
            raise Refused("what is recorded of a build that this run did not begin is not changed")
