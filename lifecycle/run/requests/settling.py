"""What an answer of the engine means for the ledger."""

from __future__ import annotations

from lifecycle.gate.gate import Answer, Call
from lifecycle.run.ownership.ledger import Kind
from lifecycle.run.ownership.ownership import Ownership


def settled(ownership: Ownership, kind: Kind, name: str, answer: Answer, *, known: bool) -> str:
    """Write down what was made, or that nothing was; returns its id.

    Where the engine has not answered, the intent stays: it may have made it. So it does where
    one of this name was ``known`` before.
    """
    if answer.made:
        ownership.made(kind, name, answer.made)
    elif answer.known and not known:
        ownership.gone(kind, name)
    return answer.made


def removed(ownership: Ownership, call: Call, kind: Kind, identity: str, where: str) -> None:
    """Let a removal through, and write down that the thing is gone where it succeeds.

    Called in the turn of the thing's names.
    """
    answer = call.relay_and_wait(where)
    try:
        if answer.ok:
            ownership.gone_by_id(kind, identity)
    finally:
        call.release()


def named(ownership: Ownership, kind: Kind, identity: str) -> set[tuple[str, str]]:
    """By which names a thing of ours is written down."""
    return {(kind, e.name) for e in ownership.entries() if (e.kind, e.id) == (kind, identity)}
