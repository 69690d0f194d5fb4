"""A contribution that waits: kept as a record, exactly as it would have been committed, until a person has looked at it."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Final

from blackboard import codec
from blackboard.commit import Absent, At, Delete, Present, Put, Unchanged
from blackboard.errors import InvalidValue
from blackboard.terminal import format_json
from blackboard.wording import first_line
from controller.approval import threshold_of
from knowledge_sources.errors import InvalidContribution

if TYPE_CHECKING:
    from collections.abc import Iterable

    from blackboard.commit import Guard, Write
    from blackboard.control_records import Proposal, ProposedWrite
    from blackboard.record import Stamp
    from controller.approval import Review
    from knowledge_sources.outcome import Contribution
    from knowledge_sources.source import KnowledgeSource

ROOM: Final = 64 * 1024
"""bytes that are left to the rest of the record that a proposal is kept in"""
SHOWN: Final = 200
"""characters of a proposal in the question's text"""


def held_contribution(source: KnowledgeSource, made: Contribution, guards: Iterable[Guard], stamp: Stamp) -> Proposal:
    """``made`` as it waits, with what it rests on; ``guards`` without that of the activation itself.

    One that is too large for a record is left out, and the proposal says so: it can be decided, not approved.
    Raises :class:`InvalidContribution` for one with updates: they are functions, which no record holds.
    """
    if made.updates:
        keys = ", ".join(update.key for update in made.updates)
        reason = f"updates {keys} by a function, which no record can hold while it waits for a person: post a value"
        raise InvalidContribution(source.name, reason, key=made.updates[0].key)
    proposal: Proposal = {
        "writes": [_kept(write) for write in made.writes],
        "guards": [_named(guard) for guard in guards],
        "author": stamp.author,
        "causes": list(stamp.causes),
        "depth": stamp.depth,
        "trust": stamp.trust,
    }
    if made.confidence is not None:
        proposal["confidence"] = made.confidence
        proposal["because"] = made.because
    too_large = _too_large(proposal)
    if too_large:
        proposal["writes"] = []
        proposal["omitted"] = f"what it would have written cannot be kept: {too_large}"
    return proposal


def _too_large(proposal: Proposal) -> str:
    try:
        codec.check_value(proposal)
        size = len(codec.pack_value(proposal))
    except InvalidValue as error:
        return str(error)
    most = codec.MAX_VALUE_BYTES - ROOM
    return f"{size:,} bytes, {most:,} at most" if size > most else ""


def _kept(write: Write) -> ProposedWrite:
    if isinstance(write, Delete):
        return {"key": write.key}
    kept: ProposedWrite = {"key": write.key, "value": write.value}
    if write.ttl_ms is not None:
        kept["ttl_ms"] = write.ttl_ms
    if write.status:
        kept["status"] = write.status
    return kept


def writes_in(proposal: Proposal) -> list[Write]:
    """What the contribution would have written."""
    return [
        Put(one["key"], one["value"], one.get("ttl_ms"), one.get("status", ""))
        if "value" in one
        else Delete(one["key"])
        for one in proposal["writes"]
    ]


def _named(guard: Guard) -> list[str]:
    if isinstance(guard, At):
        return ["at", guard.key, guard.commit]
    if isinstance(guard, Absent):
        return ["absent", guard.key, ""]
    if isinstance(guard, Present):
        return ["present", guard.key, ""]
    if isinstance(guard, Unchanged):
        return ["unchanged", guard.region, str(guard.since)]
    raise TypeError(f"a contribution is not guarded by {guard!r}")


def guards_in(proposal: Proposal) -> list[Guard]:
    """What the contribution would have been guarded by; one that is none is passed over."""
    found: list[Guard] = []
    for kind, name, commit in proposal["guards"]:
        if kind == "at":
            found.append(At(name, commit))
        elif kind == "absent":
            found.append(Absent(name))
        elif kind == "present":
            found.append(Present(name))
        elif kind == "unchanged":
            found.append(Unchanged(name, commit))
    return found


def shortly(proposal: Proposal) -> str:
    """What would be written, for a sentence."""
    told = [
        f"{one['key']} = {_short(one['value'])}" if "value" in one else f"no {one['key']}" for one in proposal["writes"]
    ]
    return first_line("; ".join(told), SHOWN) or "nothing"


def _short(value: Any) -> str:
    return first_line(format_json(value), SHOWN)


def question_about(agent: str, case: str, proposal: Proposal, why: str) -> str:
    """What a person is asked; ``why`` is for which the agent does not contribute by itself."""
    return f"{agent} wants to write {shortly(proposal)} for {case}{f', {first_line(why)}' if why else ''}. Approve?"


def how_sure(confidence: float, because: str) -> str:
    """``sure to 0.62: two teams fit``; rounded down, so that what is under a threshold is not shown as at it."""
    return f"sure to {math.floor(confidence * 1000) / 1000:g}" + (f": {first_line(because)}" if because.strip() else "")


def unsure_because(source: KnowledgeSource, review: Review, made: Contribution) -> str:
    """Why a call ended as unsure."""
    told = how_sure(made.confidence or 0.0, made.because)
    return f"only {told} (it needs {threshold_of(source.threshold, review) or 0.0:g})"
