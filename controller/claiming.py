"""What a contribution leaves behind for later: the claim that is to come true, and what would undo it.

Both are worked out when the agent contributes, so that a later controller, or none at all, can go on with them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from blackboard import codec
from blackboard.commit import Delete, Put
from blackboard.control_records import CLAIMS
from blackboard.errors import BlackboardError
from blackboard.record import Record, Stamp
from controller.desk import packed_control
from knowledge_sources.errors import InvalidContribution
from knowledge_sources.result_binding import VALUE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from blackboard.commit import Write
    from blackboard.control_records import Activation, Claim, Reversal
    from blackboard.group import Packed
    from controller.firing import Firing
    from knowledge_sources.claim import ClaimTerms
    from knowledge_sources.compensation import Compensation

MAX_COMPENSATION_BYTES: Final = 64 * 1024
"""a compensation is kept in its activation's record"""


def claim_of(terms: ClaimTerms, record: Activation, wrote: Sequence[str]) -> Claim:
    """The claim that a contribution of ``record`` makes with what it ``wrote``."""
    return {
        "status": "open",
        "agent": record["agent"],
        "capability": record["capability"],
        "captures": record["captures"],
        "triggers": record["triggers"],
        "wrote": list(wrote),
        "within_ms": terms.within_ms,
    }


def packed_claim(activation: str, claim: Claim, case: str) -> Packed:
    """A claim as a write: in the commit of the contribution that makes it."""
    return packed_control(CLAIMS + activation, claim, claim["agent"], case, activation)


def given_up(claim: Record[Claim], reason: str, ended_ms: int) -> Claim:
    """The open ``claim`` of a contribution that stands no more: nothing is to come true of it, and nothing has failed."""
    return {**claim.fresh().value, "status": "unconfirmed", "reason": reason, "ended_ms": ended_ms}


def reversal_of(firing: Firing, compensation: Compensation, writes: Sequence[Write]) -> Reversal | None:
    """What undoes the contribution that ``writes``; ``None`` where the agent's function says that nothing does.

    Raises :class:`InvalidContribution` where it cannot be told: who cannot say how to undo it does not do it.
    """
    source, entry = firing.source, firing.entry
    value: Any = {
        "agent": source.name,
        "activation": firing.activation,
        "undoes": {write.key: write.value if isinstance(write, Put) else None for write in writes},
    }
    try:
        key = compensation.key.fill(entry.captures)
        if compensation.compensate is not None and compensation.binding is not None:
            records = {**entry.triggers, VALUE: _written(writes)}
            value = compensation.binding.call(compensation.compensate, (), records, entry.captures, None)
            if value is None:
                return None
        size = len(codec.pack_value(value))
    except (Exception, SystemExit) as error:
        told = str(error) if isinstance(error, BlackboardError) else repr(error)
        raise InvalidContribution(source.name, f"what would undo it cannot be told: {told}") from error
    if size > MAX_COMPENSATION_BYTES:
        reason = (
            f"what would undo it has {size:,} bytes, more than {MAX_COMPENSATION_BYTES:,}: give compensate a function"
        )
        raise InvalidContribution(source.name, reason)
    return {"key": key, "value": value}


def _written(writes: Sequence[Write]) -> Record:
    """What was contributed, as the record that a function is given as ``value``: the first that is written."""
    first = next((write for write in writes if not isinstance(write, Delete)), None)
    value = first.value if first is not None else None
    data, _ = codec.pack_record(Stamp(), "", 0, codec.pack_value(value))
    return Record(first.key if first is not None else "", "", 0, 0, 0, data)
