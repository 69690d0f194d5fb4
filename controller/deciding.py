"""What a ``decide`` contributes in the place of an agent."""

from __future__ import annotations

from typing import TYPE_CHECKING

from blackboard.commit import At, Guard, Put
from blackboard.errors import BlackboardError
from blackboard.record import FULL_TRUST, Stamp
from controller.activation import own_triggers
from controller.candidates import excluded_by, exclusions

if TYPE_CHECKING:
    from blackboard.control_records import Activation
    from blackboard.group import Packed
    from controller.desk import Desk
    from controller.overrides import Effect


def decision(
    desk: Desk, effect: Effect, activation: str, record: Activation, author: str
) -> tuple[Packed, list[Guard]]:
    """The write of a ``decide`` about ``record``, guarded as the agent's own contribution would be.

    Raises :class:`BlackboardError` where it is none that the agent could make.
    """
    source = desk.sources.get(record["agent"])
    if source is None:
        raise BlackboardError(f"decide: the agent {record['agent']} is not here")
    captures = record["captures"]
    key = effect.key or (source.target.bind(captures) if source.target is not None else None)
    if not key:
        raise BlackboardError(f"decide: {source.name} contributes to several keys; say which one")
    if not any(pattern.match_key(key) is not None for pattern in source.contributes):
        raise BlackboardError(f"decide: {source.name} does not contribute to {key}")
    excluded = excluded_by(desk.replica, source.unless, captures)
    if excluded is not None:
        raise BlackboardError(f"decide: {source.name} does not fire where {excluded.key} is")
    guards: list[Guard] = [At(k, commit) for _, k, commit in own_triggers(record)]
    guards += exclusions(desk.replica, source.unless, captures)
    causes = tuple(f"{k}@{commit}" for _, k, commit in record["triggers"])
    present = [trigger for _, k, _ in record["triggers"] if (trigger := desk.replica.get(k)) is not None]
    depth = max((trigger.depth for trigger in present), default=0) + 1
    trust = min((trigger.trust for trigger in present), default=FULL_TRUST)
    stamp = Stamp(author, activation, record["case"], causes, depth, trust)
    return desk.board.pack(Put(key, effect.value), stamp), guards
