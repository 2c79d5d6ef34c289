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
    return Refused(
        f"{kind} {name}{also} was not made by this run, so it is left alone "
        f"(--allow-foreign {name} lifts this)"
    )
