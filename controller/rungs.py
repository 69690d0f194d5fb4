"""Whose turn a piece of work is among the agents of one capability that stand in for each other: a pure function."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from blackboard.control_records import Activation

Stand: TypeAlias = Literal["done", "busy", "asked", "ended", "queued", "ready", "blocked", "passed"]
"""How one agent stands with one piece of work.

``done``: it has contributed.  ``busy``: it runs, is to be tried again, or
waits for a validator.  ``asked``: a person or a supervisor has its
failure before them.  ``ended``: somebody's order ended it.  ``queued``: it is on the agenda.  ``ready``: it could be.
``blocked``: it could be, and its breaker is open.  ``passed``: it has failed for good or declined.
"""

FIRST_OF: Sequence[Stand] = ("done", "busy", "asked", "ended", "queued", "ready", "blocked", "passed")
"""What counts for an agent that has several activations of one piece of work: the first that any of them has."""

_SAYS: Mapping[Stand, str] = {
    "done": "has done it",
    "busy": "is at it",
    "asked": "failed, and somebody is asked about it",
    "ended": "was stopped by an order",
    "queued": "is at it",
    "ready": "is at it",
    "blocked": "waits for its breaker",
    "passed": "has passed it on",
}


class Turn(NamedTuple):
    """Who may go on the agenda now, and for the others why not: who has the work, and how."""

    agents: tuple[str, ...]
    holder: str
    because: str


def turn(ranks: Sequence[Sequence[str]], stands: Mapping[str, Stand]) -> Turn:
    """Whose turn it is.  ``ranks`` are the agents in order, those that race side by side; ``stands`` those that can.

    An agent that is not in ``stands`` has no match: it is passed over.  Nobody new starts while one has the work or
    has done it, but for those of its own rank.  Where all that are left are blocked, the first of them wait.
    """
    holder = next((name for name, stand in stands.items() if stand in ("done", "ended")), "")
    if holder:
        return Turn((), holder, f"{holder} {_SAYS[stands[holder]]}")
    for rank in ranks:
        busy = [name for name in rank if stands.get(name) in ("busy", "asked")]
        if busy:
            started = tuple(name for name in rank if stands.get(name) in ("queued", "ready"))
            return Turn(started, busy[0], f"{busy[0]} {_SAYS[stands[busy[0]]]}")
    for wanted in (("queued", "ready"), ("blocked",)):
        for rank in ranks:
            able = tuple(name for name in rank if stands.get(name) in wanted)
            if able:
                return Turn(able, able[0], f"{able[0]} {_SAYS[stands[able[0]]]}")
    passed = next((name for rank in reversed(ranks) for name in rank if name in stands), "")
    return Turn((), passed, f"{passed} {_SAYS['passed']}" if passed else "")


def stand_of(record: Activation) -> Stand | None:
    """How an activation's record says that its agent stands; ``None`` where it says nothing of the work."""
    state = record["state"]
    if "withdrawn" in record:  # what it let stand was taken back, and its match may fire anew
        return None
    if state == "executed":
        return "done" if record.get("wrote") else "passed"
    if record.get("passed_to"):
        return "passed"
    if state in ("running", "pending", "held", "proposed"):
        return "busy"
    if state in ("escalated", "failed"):
        return "asked"
    return None if state == "obviated" else "ended"


def ranks_of(instead_of: Mapping[str, Iterable[str]]) -> tuple[tuple[str, ...], ...]:
    """The agents of one capability in the order of their turns; ``instead_of`` says whom each of them stands in for.

    Whoever names one that is not here is not behind it.  Of a circle the first by name goes first.
    """
    behind = {name: frozenset(before) - {name} for name, before in instead_of.items()}
    left, ranks = sorted(behind), []
    while left:
        rank = tuple(name for name in left if not behind[name] & set(left)) or (left[0],)
        ranks.append(rank)
        left = [name for name in left if name not in rank]
    return tuple(ranks)
