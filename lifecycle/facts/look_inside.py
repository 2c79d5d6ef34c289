"""One look inside a container, or from outside where nobody inside can answer."""

from __future__ import annotations

from lifecycle.engine.daemon import Daemon, EngineError
from lifecycle.facts.from_outside import look_outside
from lifecycle.facts.inside import ENDED, Inside, Probe
from lifecycle.facts.inside_output import parse
from lifecycle.facts.inside_script import script


def look_inside(daemon: Daemon, container: str, probe: Probe, user: str = "") -> Inside:
    """One exec as ``user`` (the container's own by default), best effort.

    Where nobody inside can answer, what can be told from outside is told.
    """
    asked = ["/bin/sh", "-c", f"{script(probe)}\nexit 0"]
    try:
        outcome = daemon.run_inside(container, asked, user=user)
    except EngineError as error:
        inside = parse(str(error), probe)
    else:
        inside = parse(outcome.output, probe)
    return _from_outside(daemon, container, probe, inside, user) if inside.unseen else inside


def _from_outside(
    daemon: Daemon, container: str, probe: Probe, inside: Inside, user: str
) -> Inside:
    try:
        inspect = daemon.container(container)
    except EngineError:
        inspect = None
    if inspect is None:
        return inside
    why = inside.unseen if inspect["State"]["Running"] else ENDED
    return look_outside(daemon, inspect, probe, why, user)
