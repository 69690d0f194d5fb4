"""The orders of supervisors and people about activations: each is judged, and applied or refused in one commit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, TypeAlias

from blackboard.commit import At, Guard, Put
from blackboard.control_records import ACTIVATIONS, AGENTS, LEADER
from blackboard.errors import BlackboardError
from blackboard.record import FULL_TRUST, Stamp
from controller.activation import advance
from controller.aftermath import Aftermath
from controller.desk import packed_control
from controller.matching import excluded_by, exclusions
from controller.overrides import Effect, Refused, judge
from controller.standing import Standing, standing_of

if TYPE_CHECKING:
    from blackboard.control_records import Activation, Override
    from blackboard.group import Packed
    from blackboard.log import Change
    from blackboard.record import Record
    from controller.desk import Desk
    from controller.overseer import Overseer
    from controller.standing import Floor

Settled: TypeAlias = Literal["applied", "refused"]


class Orders:
    """The open overrides of one board."""

    def __init__(self, desk: Desk, floor: Floor, overseer: Overseer) -> None:
        self._desk = desk
        self._floor = floor
        self._overseer = overseer
        self._open: dict[str, Record] = {}
        """by key"""

    def __len__(self) -> int:
        return len(self._open)

    def changed(self, change: Change) -> None:
        """Take in a change of an override."""
        if change.record is not None and change.record.value["status"] == "open":
            self._open[change.key] = change.record
        else:
            self._open.pop(change.key, None)

    async def apply(self) -> None:
        """Apply or refuse those that are open; one that cannot be judged yet stays open."""
        for key, record in list(self._open.items()):
            self._open.pop(key, None)
            await self._apply(record)

    async def _apply(self, order: Record) -> None:
        desk = self._desk
        desk.hit("controller.before_override")
        override: Override = order.fresh().value
        activation = override["activation"]
        standing = standing_of(desk, self._floor, activation)
        if standing is None and self._floor.fires(activation):
            self._open.setdefault(order.key, order)
            return
        author = desk.replica.get(AGENTS + override["author"])
        effect = judge(
            override,
            standing.record if standing is not None else None,
            author.value if author is not None else None,
            desk.now_ms(),
        )
        if isinstance(effect, Refused) or standing is None:
            await self._refuse(order, effect.reason if isinstance(effect, Refused) else "")
        elif effect.deadline_ms is not None:
            self._overseer.extend(activation, effect.deadline_ms)
            await self._answer(order, "applied", effect.sentence)
        else:
            await self._end_by_order(order, effect, activation, standing)

    async def _end_by_order(self, order: Record, effect: Effect, activation: str, standing: Standing) -> None:
        desk = self._desk
        record = standing.record
        for state in effect.path:
            record = advance(record, state)
        author = str(order.value["author"])
        record["ended_ms"], record["decided_by"], record["reason"] = desk.now_ms(), author, effect.sentence
        writes: list[Packed] = [self._answered(order, "applied", effect.sentence)]
        guards: list[Guard] = [At(order.key, order.commit)]
        if effect.verb == "decide":
            try:
                write, on = _decision(desk, effect, activation, record, author)
            except BlackboardError as error:
                await self._refuse(order, str(error))
                return
            record["wrote"] = [write.key]
            writes.append(write)
            guards += on
        refused = await self._overseer.end(activation, standing, Aftermath(record, tuple(writes)), guards)
        if refused is None:
            return
        keys = {getattr(failure.guard, "key", "") for failure in refused.failures}
        void = {LEADER, order.key, *(key for _, key, _ in record["triggers"])}
        if ACTIVATIONS + activation in keys or not keys & void:
            # It was dispatched or ended at that moment, or what excludes it may have come: judged again on what is now.
            await desk.caught_up(refused)
            self._open.setdefault(order.key, order)
        else:
            await self._refuse(order, str(refused))

    def _answered(self, order: Record, status: Settled, outcome: str) -> Packed:
        value: Override = order.fresh().value
        value["status"], value["outcome"] = status, outcome
        return packed_control(order.key, value, self._desk.member, order.case)

    async def _refuse(self, order: Record, reason: str) -> None:
        """Tell its author; where that is who was asked, the matter goes on to the next supervisor at once."""
        await self._answer(order, "refused", reason)
        self._overseer.overruled(order.value["activation"], order.value["author"])

    async def _answer(self, order: Record, status: Settled, outcome: str) -> None:
        await self._desk.commit_leading([At(order.key, order.commit)], [self._answered(order, status, outcome)])


def _decision(
    desk: Desk, effect: Effect, activation: str, record: Activation, author: str
) -> tuple[Packed, list[Guard]]:
    """What a ``decide`` contributes, guarded as the agent's own contribution would be."""
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
    guards: list[Guard] = [At(k, commit) for _, k, commit in record["triggers"]]
    guards += exclusions(desk.replica, source.unless, captures)
    causes = tuple(f"{k}@{commit}" for _, k, commit in record["triggers"])
    present = [trigger for _, k, _ in record["triggers"] if (trigger := desk.replica.get(k)) is not None]
    depth = max((trigger.depth for trigger in present), default=0) + 1
    trust = min((trigger.trust for trigger in present), default=FULL_TRUST)
    stamp = Stamp(author, activation, record["case"], causes, depth, trust)
    return desk.board.pack(Put(key, effect.value), stamp), guards
