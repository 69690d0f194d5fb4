"""Sees that what is late or has failed gets an answer: one supervisor after another, then a person.

Every step is a record, so it can be followed, replayed and taken up by the next controller: the attention
record names whose turn it is and until when, the override is that supervisor's order, the escalation asks a person.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal, NamedTuple, Protocol, TypeAlias

from blackboard.commit import Absent, At, Guard, Put
from blackboard.control_records import ACTIVATIONS, AGENTS, ATTENTION, LEADER
from blackboard.errors import BlackboardError, Conflict
from blackboard.record import FULL_TRUST, Stamp
from controller.activation import FINAL, advance
from controller.aftermath import Aftermath, ask_person, ladder_of, subject_of
from controller.deadlines import DeadlineHeap
from controller.desk import packed_control, removal
from controller.matching import excluded_by, exclusions
from controller.opening import undispatched
from controller.overrides import Effect, Refused, judge
from controller.supervision import AskSupervisor, attention, attention_key

if TYPE_CHECKING:
    from collections.abc import Sequence

    from blackboard.control_records import Activation, Attention, FailureClass, Override
    from blackboard.group import Packed
    from blackboard.log import Change
    from blackboard.record import Record
    from controller.desk import Desk
    from controller.entry import Entry
    from controller.recovery import AskPerson
    from controller.supervision import Kind, Subject
    from knowledge_sources.source import KnowledgeSource


class Floor(Protocol):
    """Where the activations are: the controller."""

    def pending(self, activation: str) -> Entry | None:
        """The entry of the agenda, if it is there."""

    def fires(self, activation: str) -> bool:
        """Whether it is being dispatched or runs."""

    def taken_away(self, activation: str, record: Activation, commit: str) -> None:
        """``record`` was written over a pending or running activation: whoever works on it is to stop."""


class Standing(NamedTuple):
    """An activation as it stands; ``commit`` is ``""`` for one that has no record yet."""

    record: Activation
    commit: str


Looked: TypeAlias = Literal["seen to", "moved"]
Settled: TypeAlias = Literal["applied", "refused"]
SEEN_TO: Final = "seen to"
MOVED: Final = "moved"
"""the activation was just being dispatched, or came to something else: look again soon"""
LOOK_AGAIN_MS: Final = 10


class Overseer:
    """The deadlines of one controller's activations, and the orders about them."""

    def __init__(self, desk: Desk, floor: Floor) -> None:
        self._desk = desk
        self._floor = floor
        self._deadlines = DeadlineHeap()
        self._answers = DeadlineHeap()
        self._attention: dict[str, Record] = {}
        """activation → the attention record that stands for it"""
        self._orders: dict[str, Record] = {}
        """open overrides by key"""
        self._moot: set[str] = set()
        """activations that have ended while somebody was asked about them"""

    # -- what is to be watched --------------------------------------------------------------

    def expect(self, activation: str, source: KnowledgeSource, eligible_ms: int) -> None:
        """Hold ``activation`` to its agent's ``respond_within``, counted from its eligibility."""
        deadline_ms = ladder_of(source).first_deadline(eligible_ms)
        if deadline_ms is None or activation in self._attention or self._deadlines.get(activation) is not None:
            return
        self._deadlines.set(activation, deadline_ms)

    def forget(self, activation: str) -> None:
        """The activation has come to an end, or is nobody's to wait for: whoever is asked about it no longer is."""
        self._deadlines.remove(activation)
        if activation in self._attention:
            self._answers.remove(activation)
            self._moot.add(activation)

    def declined(self, subject: str, asked_at: str) -> None:
        """The supervisor that the commit ``asked_at`` asked about ``subject`` gives no order: the next one is asked."""
        record = self._attention.get(subject)
        if record is not None and record.commit == asked_at and self._answers.get(subject) is not None:
            self._answers.set(subject, 0)

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
        elif change.record is not None and change.record.value["status"] == "open":
            self._orders[change.key] = change.record
        else:
            self._orders.pop(change.key, None)

    def resume(self, override: Record) -> None:
        """Take in an order that another controller applied: an extension goes on."""
        order: Override = override.value
        if (order["verb"], order["status"]) == ("extend", "applied"):
            self._extend(order["activation"], override.time_ms + order["by_ms"])

    def next_ms(self) -> int | None:
        """When there is something to do next; 0: now."""
        if self._orders or self._moot:
            return 0
        times = [t for t in (self._deadlines.next_ms(), self._answers.next_ms()) if t is not None]
        return min(times, default=None)

    @property
    def busy(self) -> bool:
        """Whether somebody is still to answer."""
        return bool(self._attention or self._orders)

    # -- doing it ---------------------------------------------------------------------------

    async def attend(self) -> None:
        """Apply the orders that were given, then ask about what is late."""
        for key, record in list(self._orders.items()):
            self._orders.pop(key, None)
            await self._apply(record)
        for activation in list(self._moot):
            self._moot.discard(activation)
            await self._clear(activation)
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
            await self._commit([At(record.key, record.commit)], [removal(record.key)])

    def standing(self, activation: str) -> Standing | None:
        """The activation as it stands: its record, or what its record would be if it is only eligible."""
        record = self._desk.replica.get(ACTIVATIONS + activation)
        if record is not None:
            return Standing(record.fresh().value, record.commit)
        entry = self._floor.pending(activation)
        if entry is None:
            return None
        return Standing(undispatched(entry, self._desk), "")

    async def _overdue(self, activation: str) -> Looked:
        standing = self.standing(activation)
        if standing is None:
            return MOVED if self._floor.fires(activation) else SEEN_TO
        source = self._desk.sources.get(standing.record["agent"])
        if source is None or standing.record["state"] not in ("pending", "running"):
            return SEEN_TO
        last = self._attention.get(activation)
        subject = subject_of(activation, standing.record)
        asked = ladder_of(source).ask(
            subject, self._desk.now_ms(), self._desk.roster(), last.value if last is not None else None
        )
        return await self._ask(standing, source, subject, asked, "overdue")

    async def _unanswered(self, activation: str) -> Looked:
        record = self._attention.get(activation)
        standing = self.standing(activation)
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
            note = attention(asked, subject, desk.now_ms(), kind=kind, failure=cause)
            key = last.key if last is not None else attention_key(kind, activation)
            done = await self._commit(
                [*self._still(activation, standing)], [packed_control(key, note, desk.member, subject.case)]
            )
            return MOVED if isinstance(done, Conflict) else SEEN_TO
        record = standing.record
        if record["state"] == "running":
            record = advance(record, "failed")
        failure = record.get("failure") or "slow"
        aftermath = ask_person(desk, source, activation, record, failure=failure, sentence=asked.sentence)
        desk.hit("controller.before_escalation")
        return SEEN_TO if await self._end(activation, standing, aftermath, []) is None else MOVED

    def _still(self, activation: str, standing: Standing) -> list[Guard]:
        key = ACTIVATIONS + activation
        return [At(key, standing.commit)] if standing.commit else [Absent(key)]

    async def _end(
        self, activation: str, standing: Standing, aftermath: Aftermath, guards: Sequence[Guard]
    ) -> Conflict | None:
        """Write over the activation; ``None`` if that was done, else what stood against it."""
        writes = [*aftermath.writes, *self._settled(activation)]
        writes += self._desk.written_over(activation, aftermath.record)
        done = await self._commit([*self._still(activation, standing), *guards], writes)
        if isinstance(done, Conflict):
            return done
        self.forget(activation)
        self._floor.taken_away(activation, aftermath.record, done)
        return None

    async def _commit(self, guards: Sequence[Guard], writes: Sequence[Packed]) -> str | Conflict:
        """Commit as the leader; returns the commit's name, or the conflict."""
        desk = self._desk
        try:
            done = await desk.store.submit([desk.leadership.guard, *guards], writes, desk.member)
        except Conflict as conflict:
            return conflict
        return done.commit

    # -- orders -----------------------------------------------------------------------------

    async def _apply(self, order: Record) -> None:
        desk = self._desk
        desk.hit("controller.before_override")
        override: Override = order.fresh().value
        activation = override["activation"]
        standing = self.standing(activation)
        if standing is None and self._floor.fires(activation):
            self._orders.setdefault(order.key, order)
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
            self._extend(activation, effect.deadline_ms)
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
                write, on = self._decision(effect, activation, record, author)
            except BlackboardError as error:
                await self._refuse(order, str(error))
                return
            record["wrote"] = [write.key]
            writes.append(write)
            guards += on
        refused = await self._end(activation, standing, Aftermath(record, tuple(writes)), guards)
        if refused is None:
            return
        keys = {getattr(failure.guard, "key", "") for failure in refused.failures}
        void = {LEADER, order.key, *(key for _, key, _ in record["triggers"])}
        if ACTIVATIONS + activation in keys or not keys & void:
            # It was dispatched or ended at that moment, or what excludes it may have come: judged again on what is now.
            await desk.caught_up(refused)
            self._orders.setdefault(order.key, order)
        else:
            await self._refuse(order, str(refused))

    def _decision(self, effect: Effect, activation: str, record: Activation, author: str) -> tuple[Packed, list[Guard]]:
        """What a ``decide`` contributes, guarded as the agent's own contribution would be."""
        source = self._desk.sources.get(record["agent"])
        if source is None:
            raise BlackboardError(f"decide: the agent {record['agent']} is not here")
        captures = record["captures"]
        key = effect.key or (source.target.bind(captures) if source.target is not None else None)
        if not key:
            raise BlackboardError(f"decide: {source.name} contributes to several keys; say which one")
        if not any(pattern.match_key(key) is not None for pattern in source.contributes):
            raise BlackboardError(f"decide: {source.name} does not contribute to {key}")
        excluded = excluded_by(self._desk.replica, source.unless, captures)
        if excluded is not None:
            raise BlackboardError(f"decide: {source.name} does not fire where {excluded.key} is")
        guards: list[Guard] = [At(k, commit) for _, k, commit in record["triggers"]]
        guards += exclusions(self._desk.replica, source.unless, captures)
        causes = tuple(f"{k}@{commit}" for _, k, commit in record["triggers"])
        present = [trigger for _, k, _ in record["triggers"] if (trigger := self._desk.replica.get(k)) is not None]
        depth = max((trigger.depth for trigger in present), default=0) + 1
        trust = min((trigger.trust for trigger in present), default=FULL_TRUST)
        stamp = Stamp(author, activation, record["case"], causes, depth, trust)
        return self._desk.board.pack(Put(key, effect.value), stamp), guards

    def _answered(self, order: Record, status: Settled, outcome: str) -> Packed:
        value: Override = order.fresh().value
        value["status"], value["outcome"] = status, outcome
        return packed_control(order.key, value, self._desk.member, order.case)

    def _extend(self, activation: str, deadline_ms: int) -> None:
        self._deadlines.set(activation, deadline_ms)
        self._answers.remove(activation)

    async def _refuse(self, order: Record, reason: str) -> None:
        """Tell its author; where that is who was asked, the matter goes on to the next supervisor at once."""
        await self._answer(order, "refused", reason)
        activation = order.value["activation"]
        asked = self._attention.get(activation)
        if asked is not None and asked.value["addressed"] == order.value["author"]:
            self.declined(activation, asked.commit)

    async def _answer(self, order: Record, status: Settled, outcome: str) -> None:
        await self._commit([At(order.key, order.commit)], [self._answered(order, status, outcome)])
