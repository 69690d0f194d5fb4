"""Seeing that the orders that stand are heeded, for as long as they stand."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from blackboard.commit import At
from blackboard.control_records import ACTIVATIONS, AGENTS
from controller.activation import FINAL
from controller.aftermath import Aftermath
from controller.deadlines import DeadlineHeap
from controller.desk import packed_control
from controller.ordering import standing_order
from controller.overrides import Effect, ended_by
from controller.standing import standing_of
from controller.standing_orders import Target, target_of

if TYPE_CHECKING:
    from typing import Literal

    from blackboard.control_records import Activation, Agent, Override
    from blackboard.record import Record
    from controller.desk import Desk
    from controller.lineup import Lineup
    from controller.overseer import Overseer
    from controller.standing import Floor

_log = logging.getLogger(__name__)


class Enforcement:
    """The orders of one board that stand.  What they hold and move is the line-up's; what they forbid is ended here."""

    def __init__(self, desk: Desk, floor: Floor, lineup: Lineup, overseer: Overseer) -> None:
        self._desk = desk
        self._floor = floor
        self._lineup = lineup
        self._rulings = lineup.rulings
        self._overseer = overseer
        self._records: dict[str, Record] = {}
        """by key"""
        self._expiries = DeadlineHeap()
        self._spent: set[str] = set()
        """keys of those that stand for one activation which has ended"""

    def __len__(self) -> int:
        """How many are to be attended to."""
        return len(self._spent) + len(self._rulings.condemned)

    def next_ms(self) -> int | None:
        """When the next of them expires."""
        return self._expiries.next_ms()

    def heed(self, order: Record) -> None:
        """Let ``order`` count from now on; nothing happens where it does already."""
        known = self._records.get(order.key)
        if known is not None and known.commit == order.commit:
            return
        override: Override = order.value
        levels = self._desk.settings.levels
        standing = standing_order(order.key, override, author_of(self._desk, override), order.revision, levels)
        if standing is None:
            _log.warning("passed over: %s does not say what the runtime lets stand", order.key)
            return
        self._records[order.key] = order
        self._rulings.orders.add(standing)
        if standing.expires_ms is not None:
            self._expiries.set(order.key, standing.expires_ms)
        self._lineup.revise(lambda entry: standing.covers(target_of(entry)))
        self._overseer.heed(standing)

    def lapse(self, key: str) -> None:
        """Let the order at ``key`` count no longer; nothing happens where it did not."""
        if self._records.pop(key, None) is None:
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

    def ended(self, activation: str) -> None:
        """``activation`` has come to its end: orders about it alone have done what they could."""
        if self._rulings.orders:
            self._spent.update(order.key for order in self._rulings.orders.about(activation))

    def late_not_before(self, activation: str, record: Activation) -> int:
        """Until when orders let ``activation`` take its time, in milliseconds since 1970; 0 where none does."""
        orders = self._rulings.orders
        return orders.late_not_before(target_in(self._desk, activation, record)) if orders else 0

    def take_up(self) -> None:
        """Find among those that another controller left standing the ones about what has ended since."""
        for order in list(self._rulings.orders):
            activation = order.scope.get("activation", "")
            if not order.is_narrow or self._floor.pending(activation) or self._floor.fires(activation):
                continue
            record = self._desk.replica.get(ACTIVATIONS + activation)
            if record is None or record.value["state"] in FINAL:
                self._spent.add(order.key)

    async def attend(self) -> None:
        """End those whose time or activation is over, and what those that forbid have met."""
        for key, _ in self._expiries.due(self._desk.now_ms()):
            await self._close(key, "expired")
        while self._spent:
            await self._close(self._spent.pop(), "applied")
        await asyncio.gather(*[self._veto(activation) for activation in list(self._rulings.condemned)])

    async def _close(self, key: str, status: Literal["applied", "expired"]) -> None:
        desk, order = self._desk, self._records.get(key)
        if order is None:
            return
        override: Override = order.fresh().value
        came = "its time is over"
        if status == "applied":
            activation = override.get("moved_to") or override["activation"]
            record = desk.replica.get(ACTIVATIONS + activation)
            came = f"it is {record.value['state']}" if record is not None else "what set it off has changed"
        override["status"] = status
        override["outcome"] = f"{override.get('outcome', '')}; {came}"
        write = packed_control(key, override, desk.member, order.case)
        await desk.commit_leading([At(key, order.commit)], [write])

    async def _veto(self, activation: str) -> None:
        """End a pending one that a veto covers."""
        desk, ruled = self._desk, self._rulings.condemned[activation]
        order = self._records.get(ruled.key)
        standing = standing_of(desk, self._floor, activation)
        if order is not None and standing is not None:
            override: Override = order.value
            sentence = (
                f"{override['author']} ordered veto for {ruled.entry.agent} on {ruled.entry.case}: {override['reason']}"
            )
            effect = Effect("veto", ("vetoed",), None, None, "", sentence)
            record = ended_by(standing.record, effect, order.key, override["author"], desk.now_ms())
            guards = [At(order.key, order.commit)]
            refused = await self._overseer.end(activation, standing, Aftermath(record, ()), guards)
            if refused is None:
                return
            await desk.caught_up(refused)
        if self._rulings.condemned.pop(activation, None) is not None:
            self._lineup.add(ruled.entry)


def author_of(desk: Desk, override: Override) -> Agent | None:
    """The author's entry in the registry; a person has none."""
    record = desk.replica.get(AGENTS + override["author"])
    return record.value if record is not None else None


def target_in(desk: Desk, activation: str, record: Activation) -> Target:
    """An activation as orders see it: of its triggers, those that are still as they set it off."""
    present = [(desk.replica.get(key), commit) for _, key, commit in record["triggers"]]
    records = tuple(one for one, commit in present if one is not None and one.commit == commit)
    return Target(activation, record["agent"], record["capability"], record["case"], records)
