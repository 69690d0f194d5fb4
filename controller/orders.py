"""The orders of supervisors and people: each is judged, and applied, left to stand, or refused in one commit."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Literal, TypeAlias

from blackboard.commit import At, Guard
from blackboard.control_records import ACTIVATIONS, AGENTS, LEADER
from blackboard.errors import BlackboardError, Conflict
from blackboard.keys import CONTROL_REGION
from blackboard.record import revision_of
from blackboard.wording import counted
from controller.activation import FINAL, advance
from controller.aftermath import Aftermath
from controller.authority import authority_of
from controller.deadlines import DeadlineHeap
from controller.deciding import decision
from controller.desk import packed_control
from controller.overrides import (
    STANDING,
    STANDING_WHERE_WIDE,
    Effect,
    Refused,
    is_narrow,
    judge,
    judge_scope,
    scope_of,
    standing_order,
)
from controller.reassigning import heir_of
from controller.standing import Standing, standing_of
from controller.standing_orders import StandingOrder, Target, target_of

if TYPE_CHECKING:
    from blackboard.control_records import Activation, Agent, Override
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

_log = logging.getLogger(__name__)


class Orders:
    """The overrides of one board: those that are open, and those that stand."""

    def __init__(self, desk: Desk, floor: Floor, lineup: Lineup, overseer: Overseer) -> None:
        self._desk = desk
        self._floor = floor
        self._lineup = lineup
        self._rulings = lineup.rulings
        self._overseer = overseer
        self._open: dict[str, Record] = {}
        """by key"""
        self._stands: dict[str, Record] = {}
        """by key"""
        self._expiries = DeadlineHeap()
        self._spent: set[str] = set()
        """keys of those that stand for one activation which has ended"""

    def __len__(self) -> int:
        """How many are still to be attended to."""
        return len(self._open) + len(self._spent) + len(self._rulings.condemned)

    def next_ms(self) -> int | None:
        """When the next of those that stand expires."""
        return self._expiries.next_ms()

    def changed(self, change: Change) -> None:
        """Take in a change of an override."""
        record = change.record
        status = record.value["status"] if record is not None else ""
        if record is not None and status == "open":
            self._open[change.key] = record
        else:
            self._open.pop(change.key, None)
        if record is not None and status == "standing":
            self._enforce(record)
        else:
            self._lapse(change.key)

    def ended(self, activation: str) -> None:
        """``activation`` has come to its end: orders about it alone have done what they could."""
        if self._rulings.orders:
            self._spent.update(order.key for order in self._rulings.orders.about(activation))

    def late_not_before(self, activation: str, record: Activation) -> int:
        """Until when orders let ``activation`` take its time, in milliseconds since 1970; 0 where none does."""
        orders = self._rulings.orders
        return orders.late_not_before(self._target(activation, record)) if orders else 0

    async def apply(self) -> None:
        """Apply or refuse those that are open; one that cannot be judged yet stays open."""
        for key, record in sorted(self._open.items(), key=lambda item: item[1].revision):
            if self._open.pop(key, None) is not None:
                await self._apply(record)
        for key, _ in self._expiries.due(self._desk.now_ms()):
            await self._close(key, "expired", "its time is over")
        while self._spent:
            await self._close(self._spent.pop(), "applied", "")
        await asyncio.gather(*[self._veto(activation) for activation in list(self._rulings.condemned)])

    def take_up(self) -> None:
        """Find among those that another controller left standing the ones about what has ended since."""
        for order in list(self._rulings.orders):
            activation = order.scope.get("activation", "")
            if not order.is_narrow or self._floor.pending(activation) or self._floor.fires(activation):
                continue
            record = self._desk.replica.get(ACTIVATIONS + activation)
            if record is None or record.value["state"] in FINAL:
                self._spent.add(order.key)

    async def _apply(self, order: Record) -> None:
        desk = self._desk
        desk.hit("controller.before_override")
        override: Override = order.fresh().value
        if override.get("expires_ms", desk.now_ms() + 1) <= desk.now_ms():
            await self._answer(order, "expired", "its time was over before anybody could heed it")
        elif not is_narrow(override):
            await self._apply_widely(order, override)
        else:
            came = await self._apply_to(order, override, override["activation"] or scope_of(override)["activation"])
            if came == "again":
                self._open.setdefault(order.key, order)
            elif isinstance(came, Refused):
                await self._refuse(order, came.reason)

    async def _apply_widely(self, order: Record, override: Override) -> None:
        desk, author = self._desk, self._author(override)
        authority = judge_scope(override, author, levels=desk.settings.levels)
        if isinstance(authority, Refused):
            await self._refuse(order, authority.reason)
            return
        verb, sentence = override["verb"], f"{override['author']} ordered {override['verb']}: {override['reason']}"
        if verb in STANDING_WHERE_WIDE:
            if verb == "extend":
                override["expires_ms"] = desk.now_ms() + override["by_ms"]
            await self._stand(order, override, sentence)
            return
        scope = standing_order(order.key, override, authority, order.revision, desk.settings.levels)
        if verb == "reassign":
            scope = scope._replace(scope=scope_of(override))
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
        replica = self._desk.replica
        found = dict.fromkeys(
            entry.activation
            for entry in (*self._lineup.entries(), *self._floor.firing())
            if scope.covers(target_of(entry))
        )
        for key, record in replica.region(CONTROL_REGION).items():
            if key.startswith(ACTIVATIONS) and record.value["state"] not in FINAL:
                activation = key.removeprefix(ACTIVATIONS)
                if activation not in found and scope.covers(self._target(activation, record.value)):
                    found[activation] = None
        return list(found)

    def _target(self, activation: str, record: Activation) -> Target:
        """An activation as orders see it: of its triggers, those that are still as they set it off."""
        present = [(self._desk.replica.get(key), commit) for _, key, commit in record["triggers"]]
        records = tuple(one for one, commit in present if one is not None and one.commit == commit)
        return Target(activation, record["agent"], record["capability"], record["case"], records)

    async def _apply_to(self, order: Record, override: Override, activation: str, *, wide: bool = False) -> Came:
        """Do what ``override`` says to one activation; where that is all it is about, answer it."""
        desk = self._desk
        standing = standing_of(desk, self._floor, activation)
        if standing is None and self._floor.fires(activation):
            return "again"
        record = standing.record if standing is not None else None
        orders = self._rulings.orders
        ruling = orders.ruling(self._target(activation, record)) if orders and record is not None else None
        effect = judge(
            override, record, self._author(override), desk.now_ms(), levels=desk.settings.levels, ruling=ruling
        )
        if isinstance(effect, Refused) or standing is None:
            return effect if isinstance(effect, Refused) else Refused("")
        if effect.deadline_ms is not None:
            self._overseer.extend(activation, effect.deadline_ms)
            await self._answer(order, "applied", effect.sentence)
            return "done"
        if override["verb"] in STANDING:
            await self._stand(order, override, effect.sentence)
            return "done"
        return await self._end_by_order(order, override, effect, activation, standing, wide=wide)

    async def _end_by_order(
        self, order: Record, override: Override, effect: Effect, activation: str, standing: Standing, *, wide: bool
    ) -> Came:
        desk, author = self._desk, override["author"]
        record = _ended(standing.record, effect, order.key, author, desk.now_ms())
        writes: list[Packed] = []
        guards: list[Guard] = [At(order.key, order.commit)]
        status: Settled = "applied"
        try:
            if effect.verb == "decide":
                write, on = decision(desk, effect, activation, record, author)
                record["wrote"] = [write.key]
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

    async def _veto(self, activation: str) -> None:
        """End a pending one that a standing veto covers."""
        desk, ruled = self._desk, self._rulings.condemned[activation]
        order = self._stands.get(ruled.key)
        standing = standing_of(desk, self._floor, activation)
        if order is not None and standing is not None:
            override: Override = order.value
            sentence = (
                f"{override['author']} ordered veto for {ruled.entry.agent} on {ruled.entry.case}: {override['reason']}"
            )
            effect = Effect("veto", ("vetoed",), None, None, "", sentence)
            record = _ended(standing.record, effect, order.key, override["author"], desk.now_ms())
            refused = await self._overseer.end(
                activation, standing, Aftermath(record, ()), [At(order.key, order.commit)]
            )
            if refused is None:
                return
            await desk.caught_up(refused)
        if self._rulings.condemned.pop(activation, None) is not None:
            self._lineup.add(ruled.entry)

    async def _stand(self, order: Record, override: Override, sentence: str) -> None:
        """Let ``order`` stand from now on."""
        override["status"], override["outcome"] = "standing", sentence
        write = packed_control(order.key, override, self._desk.member, order.case)
        done = await self._desk.commit_leading([At(order.key, order.commit)], [write])
        if not isinstance(done, Conflict):
            await self._desk.replica.caught_up(revision_of(done))

    def _enforce(self, order: Record) -> None:
        """Heed an order that stands; nothing happens where it is heeded already."""
        if self._stands.get(order.key) is not None and self._stands[order.key].commit == order.commit:
            return
        override: Override = order.value
        levels = self._desk.settings.levels
        authority = authority_of(override["author"], self._author(override), levels)
        try:
            standing = standing_order(order.key, override, authority, order.revision, levels) if authority else None
        except (BlackboardError, ValueError, OverflowError):
            standing = None
        if standing is None:
            _log.warning("passed over: %s does not say what the runtime lets stand", order.key)
            return
        self._stands[order.key] = order
        self._rulings.orders.add(standing)
        if standing.expires_ms is not None:
            self._expiries.set(order.key, standing.expires_ms)
        self._lineup.revise(lambda entry: standing.covers(target_of(entry)))
        self._overseer.heed(standing)

    def _lapse(self, key: str) -> None:
        """Heed the order at ``key`` no longer; nothing happens where it was not heeded."""
        if self._stands.pop(key, None) is None:
            return
        self._spent.discard(key)
        self._expiries.remove(key)
        held = [activation for activation, ruled in self._rulings.held.items() if ruled.key == key]
        standing = self._rulings.orders.remove(key)
        if standing is not None:
            self._lineup.revise(lambda entry: standing.covers(target_of(entry)))
        for activation in held:
            if activation not in self._rulings.held:
                self._overseer.renew(activation)

    async def _close(self, key: str, status: Settled, outcome: str) -> None:
        """End what an order stands for: its time is over, or its activation has ended."""
        order = self._stands.get(key)
        if order is None:
            return
        if status == "applied":
            activation = order.value.get("moved_to") or order.value["activation"]
            record = self._desk.replica.get(ACTIVATIONS + activation)
            came = record.value["state"] if record is not None else "gone, for what set it off has changed"
            outcome = f"{order.value.get('outcome', '')}; it is {came}"
        await self._answer(order, status, outcome)

    def _author(self, override: Override) -> Agent | None:
        record = self._desk.replica.get(AGENTS + override["author"])
        return record.value if record is not None else None

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


def _ended(record: Activation, effect: Effect, key: str, author: str, now_ms: int) -> Activation:
    """``record`` after the path of ``effect``, with who ended it and by which order."""
    for state in effect.path:
        record = advance(record, state)
    record["ended_ms"], record["decided_by"], record["reason"] = now_ms, author, effect.sentence
    record["override"] = key
    return record
