"""The orders of supervisors and people: each is judged, and applied, left to stand, or refused in one commit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, TypeAlias

from blackboard.commit import At, Guard
from blackboard.control_records import ACTIVATIONS, LEADER
from blackboard.errors import BlackboardError, Conflict
from blackboard.keys import CONTROL_REGION
from blackboard.record import revision_of
from blackboard.wording import counted
from controller.activation import FINAL
from controller.aftermath import Aftermath
from controller.approval import critical_keys, note_decided
from controller.deciding import decision
from controller.desk import contents, packed_control
from controller.enforcing import Enforcement, author_of, target_in
from controller.ordering import scope_of, standing_order
from controller.overrides import (
    STANDING,
    STANDING_WHERE_WIDE,
    Effect,
    Refused,
    ended_by,
    is_narrow,
    judge,
    judge_scope,
)
from controller.reassigning import heir_of
from controller.standing import Standing, standing_of
from controller.standing_orders import StandingOrder, target_of

if TYPE_CHECKING:
    from blackboard.control_records import Activation, Escalation, Override
    from blackboard.group import Packed
    from blackboard.log import Change
    from blackboard.record import Record
    from controller.desk import Desk
    from controller.lineup import Lineup
    from controller.overseer import Overseer
    from controller.standing import Floor

Settled: TypeAlias = Literal["applied", "standing", "refused", "expired"]
Came: TypeAlias = Literal["done", "again"] | Refused
"""what came of an order about one activation: it is done, it is to be looked at again, or it is refused"""


class Orders:
    """The overrides of one board: those that are open here, those that stand in :attr:`enforcement`."""

    def __init__(self, desk: Desk, floor: Floor, lineup: Lineup, overseer: Overseer) -> None:
        self._desk = desk
        self._floor = floor
        self._lineup = lineup
        self._overseer = overseer
        self._open: dict[str, Record] = {}
        """by key"""
        self.enforcement = Enforcement(desk, floor, lineup, overseer)

    def __len__(self) -> int:
        """How many are still to be attended to."""
        return len(self._open) + len(self.enforcement)

    def changed(self, change: Change) -> None:
        """Take in a change of an override."""
        record = change.record
        status = record.value["status"] if record is not None else ""
        if record is not None and status == "open":
            self._open[change.key] = record
        else:
            self._open.pop(change.key, None)
        if record is not None and status == "standing":
            self.enforcement.heed(record)
        else:
            self.enforcement.lapse(change.key)

    async def apply(self) -> None:
        """Apply or refuse those that are open; one that cannot be judged yet stays open."""
        for key, record in sorted(self._open.items(), key=lambda item: item[1].revision):
            if self._open.pop(key, None) is not None:
                await self._apply(record)
        await self.enforcement.attend()

    async def _apply(self, order: Record) -> None:
        desk = self._desk
        desk.hit("controller.before_override")
        override: Override = order.fresh().value
        expires_ms = override.get("expires_ms")
        if expires_ms is not None and expires_ms <= desk.now_ms():
            await self._answer(order, "expired", "its time was over before anybody could heed it")
        elif not is_narrow(override):
            await self._apply_widely(order, override)
        else:
            came = await self._apply_to(order, override, scope_of(override)["activation"])
            if came == "again":
                self._open.setdefault(order.key, order)
            elif isinstance(came, Refused):
                await self._refuse(order, came.reason)

    async def _apply_widely(self, order: Record, override: Override) -> None:
        desk, verb = self._desk, override["verb"]
        author, levels = author_of(desk, override), desk.settings.levels
        refusal = judge_scope(override, author, levels=levels)
        scope = standing_order(order.key, override, author, order.revision, levels)
        if refusal or scope is None:
            await self._refuse(order, refusal)
            return
        sentence = f"{override['author']} ordered {verb}: {override['reason']}"
        if verb in STANDING_WHERE_WIDE:
            if verb == "extend":
                override["expires_ms"] = desk.now_ms() + override["by_ms"]
            await self._stand(order, override, sentence)
            return
        done, again, refused = 0, False, ""
        for activation in self._present(scope):
            came = await self._apply_to(order, override, activation, wide=True)
            done, again = done + (came == "done"), again or came == "again"
            refused = refused or (came.reason if isinstance(came, Refused) else "")
        if again:
            self._open.setdefault(order.key, order)
        elif not done:
            await self._refuse(order, refused or f"{verb}: nothing that it covers is there")
        else:
            rest = f"; not for others: {refused}" if refused else ""
            await self._answer(order, "applied", f"{sentence} ({counted(done, 'activation')}{rest})")

    def _present(self, scope: StandingOrder) -> list[str]:
        """The activations that are there, not at their end, and within ``scope``."""
        entries = (*self._lineup.entries(), *self._floor.firing())
        found = dict.fromkeys(entry.activation for entry in entries if scope.covers(target_of(entry)))
        for key, record in self._desk.replica.region(CONTROL_REGION).items():
            if key.startswith(ACTIVATIONS) and record.value["state"] not in FINAL:
                activation = key.removeprefix(ACTIVATIONS)
                if activation not in found and scope.covers(target_in(self._desk, activation, record.value)):
                    found[activation] = None
        return list(found)

    async def _apply_to(self, order: Record, override: Override, activation: str, *, wide: bool = False) -> Came:
        """Do what ``override`` says to one activation; where that is all it is about, answer it."""
        desk = self._desk
        standing = standing_of(desk, self._floor, activation)
        if standing is None and self._floor.fires(activation):
            return "again"
        record = standing.record if standing is not None else None
        orders = self._lineup.rulings.orders
        ruling = orders.ruling(target_in(desk, activation, record)) if orders and record is not None else None
        effect = judge(
            override, record, author_of(desk, override), desk.now_ms(), levels=desk.settings.levels, ruling=ruling
        )
        if isinstance(effect, Refused) or standing is None:
            return effect if isinstance(effect, Refused) else Refused("")
        if effect.deadline_ms is not None:
            self._overseer.extend(activation, effect.deadline_ms)
            await self._answer(order, "applied", effect.sentence)
            return "done"
        if effect.path:
            return await self._take(order, override, effect, activation, standing, wide=wide)
        await self._stand(order, override, effect.sentence)
        return "done"

    async def _take(
        self, order: Record, override: Override, effect: Effect, activation: str, standing: Standing, *, wide: bool
    ) -> Came:
        """Take an activation through the path of ``effect``, in one commit with all that goes with it."""
        desk, author = self._desk, override["author"]
        record = ended_by(standing.record, effect, order.key, author, desk.now_ms())
        writes = self._question_closed(standing.record, effect.sentence)
        guards: list[Guard] = [At(order.key, order.commit)]
        status: Settled = "standing" if override["verb"] in STANDING else "applied"
        try:
            if effect.verb == "decide":
                write, on = decision(desk, effect, activation, record, author)
                record["wrote"] = [write.key]
                note_decided(record, author, critical_keys(desk.settings.review.critical, contents([write])))
                writes.append(write)
                guards += on
            elif effect.verb == "reassign":
                heir = heir_of(record, override["to"], desk.sources, self._floor.matches_of(override["to"]))
                status, override["moved_to"] = "standing", heir.activation
                record["reassigned_to"] = heir.activation
        except BlackboardError as error:
            return Refused(str(error))
        if not wide:
            writes.append(self._answered(order, override, status, effect.sentence))
        refused = await self._overseer.end(activation, standing, Aftermath(record, tuple(writes)), guards)
        if refused is None:
            return "done"
        keys = {getattr(failure.guard, "key", "") for failure in refused.failures}
        void = {LEADER, order.key, *(key for _, key, _ in record["triggers"])}
        if ACTIVATIONS + activation in keys or not keys & void:
            # It was dispatched or ended at that moment, or what excludes it may have come: judged again on what is now.
            await desk.caught_up(refused)
            return "again"
        return Refused(str(refused))

    def _question_closed(self, record: Activation, because: str) -> list[Packed]:
        """The question that an activation waits for, as one that nobody need answer any more."""
        asked = self._desk.replica.get(record.get("escalation", "")) if record["state"] == "escalated" else None
        if asked is None or asked.value["status"] != "open":
            return []
        question: Escalation = asked.fresh().value
        question["status"], question["reason"] = "stale", because
        return [packed_control(asked.key, question, self._desk.member, asked.case)]

    async def _stand(self, order: Record, override: Override, sentence: str) -> None:
        """Let ``order`` stand from now on."""
        write = self._answered(order, override, "standing", sentence)
        done = await self._desk.commit_leading([At(order.key, order.commit)], [write])
        if not isinstance(done, Conflict):
            await self._desk.replica.caught_up(revision_of(done))

    def _answered(self, order: Record, override: Override, status: Settled, outcome: str) -> Packed:
        value: Override = {**override, "status": status, "outcome": outcome}
        return packed_control(order.key, value, self._desk.member, order.case)

    async def _refuse(self, order: Record, reason: str) -> None:
        """Tell its author; where that is who was asked, the matter goes on to the next supervisor at once."""
        await self._answer(order, "refused", reason)
        self._overseer.overruled(order.value["activation"], order.value["author"])

    async def _answer(self, order: Record, status: Settled, outcome: str) -> None:
        write = self._answered(order, order.fresh().value, status, outcome)
        await self._desk.commit_leading([At(order.key, order.commit)], [write])
