"""Sees that what is late or has failed gets an answer: one supervisor after another, then a person.

Every step is a record, so it can be followed, replayed and taken up by the next controller: the attention
record names whose turn it is and until when, the override is that supervisor's order, the escalation asks a person.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal, TypeAlias

from blackboard.commit import At, Guard
from blackboard.control_records import ATTENTION
from blackboard.errors import Conflict
from controller.activation import FINAL, advance
from controller.aftermath import Aftermath, ask_person, ladder_of, pass_on_late, subject_of
from controller.deadlines import DeadlineHeap
from controller.desk import packed_control, removal
from controller.orders import Orders
from controller.standing import standing_of
from controller.standing_orders import Target
from controller.supervision import AskSupervisor, attention, attention_key

if TYPE_CHECKING:
    from collections.abc import Sequence

    from blackboard.control_records import Attention, FailureClass, Override
    from blackboard.group import Packed
    from blackboard.log import Change
    from blackboard.record import Record
    from controller.desk import Desk
    from controller.lineup import Lineup
    from controller.recovery import AskPerson
    from controller.standing import Floor, Standing
    from controller.standing_orders import StandingOrder
    from controller.supervision import Kind, Subject
    from knowledge_sources.source import KnowledgeSource

Looked: TypeAlias = Literal["seen to", "moved"]
SEEN_TO: Final = "seen to"
MOVED: Final = "moved"
"""the activation was just being dispatched, or came to something else: look again soon"""
LOOK_AGAIN_MS: Final = 10


class Overseer:
    """The deadlines of one controller's activations, and the orders about them."""

    def __init__(self, desk: Desk, floor: Floor, lineup: Lineup) -> None:
        self._desk = desk
        self._floor = floor
        self._lineup = lineup
        self._deadlines = DeadlineHeap()
        self._answers = DeadlineHeap()
        self._attention: dict[str, Record] = {}
        """activation → the attention record that stands for it"""
        self._orders = Orders(desk, floor, lineup, self)
        self._moot: set[str] = set()
        """activations that have ended while somebody was asked about them"""

    def expect(self, activation: str, source: KnowledgeSource, eligible_ms: int) -> None:
        """Hold ``activation`` to its agent's ``respond_within``, counted from its eligibility."""
        deadline_ms = ladder_of(source).first_deadline(eligible_ms)
        if deadline_ms is None or activation in self._attention or self._deadlines.get(activation) is not None:
            return
        self._deadlines.set(activation, deadline_ms)

    def expect_by(self, activation: str, deadline_ms: int | None) -> None:
        """See at ``deadline_ms`` what becomes of ``activation``, which lacks members that it waits for."""
        if deadline_ms is not None and activation not in self._attention:
            self._deadlines.set(activation, deadline_ms)

    def expect_no_more(self, activation: str) -> None:
        """``activation`` is held to no time for now."""
        self._deadlines.remove(activation)

    def forget(self, activation: str) -> None:
        """The activation has come to an end, or is nobody's to wait for: whoever is asked about it no longer is."""
        self._orders.enforcement.ended(activation)
        self._deadlines.remove(activation)
        if activation in self._attention:
            self._answers.remove(activation)
            self._moot.add(activation)

    def declined(self, subject: str, asked_at: str) -> None:
        """The supervisor that the commit ``asked_at`` asked about ``subject`` gives no order: the next one is asked."""
        record = self._attention.get(subject)
        if record is not None and record.commit == asked_at and self._answers.get(subject) is not None:
            self._answers.set(subject, 0)

    def overruled(self, subject: str, author: str) -> None:
        """An order of ``author`` about ``subject`` was refused; where that is who was asked, it goes on at once."""
        record = self._attention.get(subject)
        if record is not None and record.value["addressed"] == author:
            self.declined(subject, record.commit)

    def extend(self, activation: str, deadline_ms: int) -> None:
        """Give an activation until ``deadline_ms``; who is asked about it need not answer."""
        self._deadlines.set(activation, deadline_ms)
        self._answers.remove(activation)

    def heed(self, order: StandingOrder) -> None:
        """``order`` stands from now on: what it holds is not late, and who was asked and gave it has answered."""
        if order.verb == "hold":
            for activation, ruled in self._lineup.held.items():
                if ruled.key == order.key:
                    self._deadlines.remove(activation)
                    if activation in self._attention:
                        self._answers.remove(activation)
                        self._moot.add(activation)
            return
        for activation, record in self._attention.items():
            note: Attention = record.value
            target = Target(activation, note["agent"], note["capability"], note["case"], ())
            if not order.covers(target) or not self._may_fire(activation):
                continue
            if order.verb == "extend" and order.expires_ms is not None:
                self.extend(activation, order.expires_ms)
                continue
            answers = order.authority.is_person or order.authority.author == note["addressed"]
            if answers and self.renew(activation):
                self._answers.remove(activation)

    def _may_fire(self, activation: str) -> bool:
        """Whether it fires, or is pending: what has failed or was held back waits for an answer to its question."""
        return self._floor.fires(activation) or self._floor.pending(activation) is not None

    def author_of(self, order: str) -> str:
        """Who gave the order at that key, which stands."""
        standing = self._lineup.rulings.orders.get(order)
        return standing.authority.author if standing is not None else ""

    def renew(self, activation: str) -> bool:
        """A pending one has its agent's ``respond_within`` from now on: it was held, or its place has changed.

        Returns whether it has: one that waits for members, or runs, is held to no time of that kind.
        """
        entry = self._floor.pending(activation)
        source = self._desk.sources.get(entry.agent) if entry is not None else None
        if source is not None and source.kind == "agent" and source.respond_within_ms is not None:
            self._deadlines.set(activation, self._desk.now_ms() + source.respond_within_ms)
            return True
        return False

    def changed(self, change: Change) -> None:
        """Take in a change of an attention record or an override."""
        if change.key.startswith(ATTENTION):
            activation = change.key.rpartition("/")[2]
            if change.record is None:
                self._attention.pop(activation, None)
                self._answers.remove(activation)
            else:
                self._attention[activation] = change.record
                self._answers.set(activation, change.record.value["deadline_ms"])
        else:
            self._orders.changed(change)

    def resume(self, override: Record) -> None:
        """Take in an order that another controller applied: an extension goes on."""
        order: Override = override.value
        if (order["verb"], order["status"]) == ("extend", "applied"):
            self.extend(order["activation"], override.time_ms + order["by_ms"])

    def next_ms(self) -> int | None:
        """When there is something to do next; 0: now."""
        if len(self._orders) or self._moot:
            return 0
        dues = (self._deadlines.next_ms(), self._answers.next_ms(), self._orders.enforcement.next_ms())
        return min((due_ms for due_ms in dues if due_ms is not None), default=None)

    @property
    def busy(self) -> bool:
        """Whether somebody is still to answer."""
        return bool(self._attention or len(self._orders))

    async def take_up(self) -> None:
        """Before anybody fires: heed the orders that were given while nobody led."""
        self._orders.enforcement.take_up()
        await self._orders.apply()

    async def attend(self, *, late: bool = True) -> None:
        """Apply the orders that were given, then ask about what is late, unless that is to wait."""
        await self._orders.apply()
        for activation in list(self._moot):
            self._moot.discard(activation)
            await self._clear(activation)
        if not late:
            return
        now_ms = self._desk.now_ms()
        for activation, _ in self._deadlines.due(now_ms):
            if await self._overdue(activation) is MOVED:
                self._deadlines.set(activation, now_ms + LOOK_AGAIN_MS)
        for activation, _ in self._answers.due(now_ms):
            if await self._unanswered(activation) is MOVED:
                self._answers.set(activation, now_ms + LOOK_AGAIN_MS)

    def _settled(self, activation: str) -> list[Packed]:
        """The removal of the attention record of an activation that has ended, as a write."""
        record = self._attention.get(activation)
        return [] if record is None else [removal(record.key)]

    async def _clear(self, activation: str) -> None:
        """Withdraw the question about an activation that has ended by itself."""
        record = self._attention.get(activation)
        if record is not None:
            await self._desk.commit_leading([At(record.key, record.commit)], [removal(record.key)])

    async def _overdue(self, activation: str) -> Looked:
        standing = standing_of(self._desk, self._floor, activation)
        if standing is None:
            return MOVED if self._floor.fires(activation) else SEEN_TO
        source = self._desk.sources.get(standing.record["agent"])
        if source is None or standing.record["state"] not in ("pending", "running") or activation in self._lineup.held:
            return SEEN_TO
        until_ms = self._orders.enforcement.late_not_before(activation, standing.record)
        if until_ms > self._desk.now_ms():
            self._deadlines.set(activation, until_ms)
            return SEEN_TO
        last = self._attention.get(activation)
        subject = subject_of(activation, standing.record)
        subject = subject._replace(tale=self._floor.shortfall(activation) or subject.tale)
        asked = ladder_of(source).ask(
            subject, self._desk.now_ms(), self._desk.roster(), last.value if last is not None else None
        )
        return await self._ask(standing, source, subject, asked, "overdue")

    async def _unanswered(self, activation: str) -> Looked:
        record = self._attention.get(activation)
        standing = standing_of(self._desk, self._floor, activation)
        if record is None:
            return SEEN_TO
        if standing is None and self._floor.fires(activation):
            return MOVED
        note: Attention = record.value
        source = self._desk.sources.get(note["agent"])
        if standing is None or source is None or standing.record["state"] in FINAL | {"escalated"}:
            await self._clear(activation)
            return SEEN_TO
        subject = subject_of(activation, standing.record)
        subject = subject._replace(tale=self._floor.shortfall(activation) or subject.tale)
        # Whoever is asked has had the time, or does without an order.
        had_time: Attention = {**note, "deadline_ms": 0}
        asked = ladder_of(source).step(had_time, subject, self._desk.now_ms(), self._desk.roster())
        return SEEN_TO if asked is None else await self._ask(standing, source, subject, asked, note["kind"])

    async def _ask(
        self,
        standing: Standing,
        source: KnowledgeSource,
        subject: Subject,
        asked: AskSupervisor | AskPerson,
        kind: Kind,
    ) -> Looked:
        desk, activation = self._desk, subject.activation
        if isinstance(asked, AskSupervisor):
            last = self._attention.get(activation)
            cause: FailureClass = last.value["failure"] if last is not None else "slow"
            told = kind == "stalled" or self._floor.shortfall(activation)
            reason = f"{subject.tale}; {asked.supervisor} decides" if told else ""
            note = attention(asked, subject, desk.now_ms(), kind=kind, failure=cause, reason=reason)
            key = last.key if last is not None else attention_key(kind, activation)
            done = await self._desk.commit_leading(
                [standing.guard(activation)], [packed_control(key, note, desk.member, subject.case)]
            )
            return MOVED if isinstance(done, Conflict) else SEEN_TO
        record = standing.record
        if record["state"] == "running":
            record = advance(record, "failed")
        failure = record.get("failure") or "slow"
        passed = pass_on_late(desk, source, activation, standing.record) if kind == "overdue" else None
        aftermath = passed or ask_person(desk, source, activation, record, failure=failure, sentence=asked.sentence)
        desk.hit("controller.before_escalation")
        return SEEN_TO if await self.end(activation, standing, aftermath, []) is None else MOVED

    async def end(
        self, activation: str, standing: Standing, aftermath: Aftermath, guards: Sequence[Guard]
    ) -> Conflict | None:
        """Write over the activation; ``None`` if that was done, else what stood against it."""
        writes = [*aftermath.writes, *self._settled(activation)]
        writes += self._desk.written_over(activation, aftermath.record)
        done = await self._desk.commit_leading([standing.guard(activation), *guards], writes)
        if isinstance(done, Conflict):
            return done
        if aftermath.record["state"] == "pending":  # nobody worked on it, and somebody may by now: the log has told
            return None
        self.forget(activation)
        self._floor.taken_away(activation, aftermath.record, done)
        return None
