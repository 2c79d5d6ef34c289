"""Files sent both ways through the bind mounts of a container."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from lifecycle.facts.host_files import State, remove, state_of, touch
from lifecycle.facts.inside import TOUCHED, Inside, Probe
from lifecycle.facts.model import RoundTrip, World

Note = Callable[[str], None]
"""Told of every file before it is written, or when it is gone, so that the ledger knows it."""


class RoundTrips:
    """Files sent both ways through the bind mounts of one container.

    Use: make the outside files, look inside with :meth:`extend`'s probe, then :meth:`finish`.
    """

    def __init__(
        self, mounts: Mapping[str, str], world: World, probe: Probe, note: Note, gone: Note
    ) -> None:
        """``mounts`` maps the targets to the sources on this host."""
        self._mounts = mounts if probe.token and not world.no_host_side else {}
        self._world, self._probe, self._note, self._gone = world, probe, note, gone
        self._errors: dict[str, str] = {}

    def _outside(self, target: str) -> Path:
        return Path(self._mounts[target]) / f"{TOUCHED}{self._probe.token}-out"

    def _inside(self, target: str) -> Path:
        return Path(self._mounts[target]) / f"{TOUCHED}{self._probe.token}-in"

    def make_outside(self) -> None:
        """Write one file a source as the subject."""
        for target, source in self._mounts.items():
            state = self._state(Path(source))
            if state is None or not state.is_folder:
                self._errors[target] = "not a folder"
                continue
            self._note(str(self._outside(target)))
            self._note(str(self._inside(target)))
            try:
                touch(self._outside(target), self._world.subject)
            except OSError as error:
                self._errors[target] = f"the subject can't write outside: {error.strerror}"

    def _state(self, path: Path) -> State | None:
        try:
            return state_of(path, self._world.subject)
        except OSError:
            return None

    def extend(self) -> Probe:
        """The probe with the outside files to describe."""
        names = tuple(
            f"{t.rstrip('/')}/{TOUCHED}{self._probe.token}-out"
            for t in self._mounts
            if t not in self._errors
        )
        return Probe(**{**vars(self._probe), "files": self._probe.files + names})

    def finish(self, inside: Inside) -> dict[str, RoundTrip]:
        """Compare and remove what was written; returns the outcome by target."""
        return {target: self._one(target, inside) for target in self._mounts}

    def _one(self, target: str, inside: Inside) -> RoundTrip:
        error = self._errors.get(target, "")
        if error == "not a folder":
            return RoundTrip(inside.uid, None, None, untested="the source is no folder")
        made = inside.writes.get(target, "it was not tried")
        file = inside.files.get(f"{target.rstrip('/')}/{TOUCHED}{self._probe.token}-out")
        state = self._state(self._inside(target))
        owner = state.uid if state else None
        for path in (self._inside(target), self._outside(target)):
            if remove(path, self._world.subject):
                self._gone(str(path))
        if not error and made:
            error = f"uid {inside.uid} can't write inside: {made}"
        return RoundTrip(inside.uid, owner, file.owner if file else None, error)
