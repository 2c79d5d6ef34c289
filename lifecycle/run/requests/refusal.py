"""Why a request is not let through, in the sentence that the client shows."""

from __future__ import annotations


class Refused(Exception):  # noqa: N818 - a decision, not a fault
    """It would touch what the run did not make."""


class Absent(Exception):  # noqa: N818 - as the engine says it
    """What it names is not there; the message is the engine's."""


def not_ours(kind: str, known: str, asked: str) -> Refused:
    """A thing that was there, or that somebody made meanwhile, by the name that its owner uses."""
    name = known or asked
    also = f" ({asked})" if asked != name else ""
    # An image that was asked for by its id has all its tags for a name: none of them lifts this.
    lifts = asked if ", " in name else name
    return Refused(
        f"{kind} {name}{also} was not made by this run, so it is left alone "
        f"(if it is yours, --allow-foreign {lifts} lifts this)"
    )


def everybodys(asked: str, why: str, name: str) -> Refused:
    """A request that is never let through: what lifts it is told to who can answer for all."""
    return Refused(
        f"{asked} is not let through: {why} "
        f"(where the engine is yours alone, --allow-foreign {name} lifts this)"
    )
