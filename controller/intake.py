"""Who becomes pending, and who no longer is: what the matcher tells, what is tried again, what is refused its call."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from controller.aftermath import refuse_call
from controller.entering import entry_for
from controller.entry import FOREVER
from controller.grouping import Grouping
from controller.matching import Match, Matcher
from controller.standstill import hold_back
from controller.stored_match import stored_match
from controller.takeover import obviate, pass_on

if TYPE_CHECKING:
    from collections.abc import Container

    from blackboard.control_records import Activation, FailureClass, State
    from blackboard.log import Change
    from controller.desk import Desk
    from controller.entry import Entry
    from controller.lineup import Lineup
    from controller.overseer import Overseer
    from controller.registration import Registration
    from controller.side_work import SideWork
    from controller.stalling import Refusal
    from knowledge_sources.source import KnowledgeSource


class Intake:
    """Keeps the line-up as the board is, and knows who waits without being on it."""

    def __init__(
        self,
        desk: Desk,
        registration: Registration,
        lineup: Lineup,
        *,
        firings: Container[str],
        overseer: Overseer,
        side: SideWork,
    ) -> None:
        self.matcher = Matcher(desk.replica, self)
        self.awaited: set[str] = set()
        """activations that wait for a person"""
        self.proposed: set[str] = set()
        """activations whose contribution waits for a validator"""
        self.orphans: dict[str, str] = {}
        """activations that wait for an agent which is not here"""
        self.resting: dict[str, tuple[Activation, str]] = {}
        """activations that are to be tried again once there are members enough, each with its record's commit"""
        self._desk = desk
        self._registration = registration
        self._lineup = lineup
        self._firings = firings
        """by activation: these are not pending"""
        self._overseer = overseer
        self._side = side
        settings = desk.settings
        self._grouping = Grouping.needed(settings.running, settings.policy.fair, settings.case)

    def matched(self, match: Match) -> None:
        if match.activation in self._firings:
            return
        if match.source.name in self._desk.reserve.groups:
            self.offer(match)
            return
        self._queue(match, attempt=1, not_before_ms=0)

    def offer(self, match: Match, *, queued: bool = False) -> None:
        """Tell the reserve of a match; ``queued``: it is on the agenda, or fires."""
        first = (tuple(match.records.values()) or self.matcher.membership.first(match))[0]
        self._desk.reserve.offer(match, first.case or first.key, queued=queued)

    def settle_reserve(self) -> None:
        """Put those on the agenda whose turn has come, and take off it those whose turn is over."""
        releases, recalls = self._desk.reserve.settle()
        for activation, heir, because in recalls:
            self._lineup.remove(activation)
            self._overseer.forget(activation)
            stored = self._lineup.stored.pop(activation, None)
            if stored is not None:
                self.matcher.drop(activation)
                self._side.do(pass_on(self._desk, activation, *stored, heir=heir, because=because))
        for match, since_ms in releases:
            self._queue(match, attempt=1, not_before_ms=0, since_ms=since_ms)

    def unmatched(self, match: Match, change: Change) -> None:
        activation = match.activation
        if match.source.name in self._desk.reserve.groups:
            self._desk.reserve.withdraw(activation)
        self._lineup.remove(activation)
        self._overseer.forget(activation)
        stored = self._lineup.stored.pop(activation, None) or self.resting.pop(activation, None)
        if stored is not None:
            self._side.do(obviate(self._desk, activation, *stored, change))

    def keeps(self, activation: str) -> bool:
        return activation in self._lineup.stored or activation in self.resting

    def moved(self, match: Match) -> None:
        """Give ``match`` another place on the agenda; one that lacks members has none."""
        activation = match.activation
        if match.source.name in self._desk.reserve.groups and self._lineup.get(activation) is None:
            self._desk.reserve.withdraw(activation)
            self.matched(match)
            return
        self._lineup.remove(activation)
        self._overseer.expect_no_more(activation)
        stored = self._lineup.stored.pop(activation, None) or self.resting.pop(activation, None)
        if stored is None:
            self._queue(match, attempt=1, not_before_ms=0)
        else:
            self._queue_again(match, *stored)

    def lapsed(self, entry: Entry) -> None:
        """``entry``, picked, has lost members whose time was over: it is pending again once there are enough."""
        match = self.matcher.live().get(entry.activation)
        stored = self._lineup.stored.pop(entry.activation, None)
        self.matcher.drop(entry.activation)
        if match is None:
            return
        if stored is None:
            self.matcher.again(match.source, match.captures)
        else:
            self.requeue(entry.activation, *stored)

    def misjudged(self, source: KnowledgeSource, error: BaseException) -> None:
        self._side.do(self._registration.report_misjudged(source, error))

    def _queue(self, match: Match, *, attempt: int, not_before_ms: int, since_ms: int = 0) -> None:
        """Make ``match`` pending; it waits from ``since_ms`` on where that is later than what set it off."""
        source, ready = match.source, match.ready
        entry = entry_for(
            match,
            tuple(match.records.values()) or self.matcher.membership.first(match),
            level=self._desk.level_of(source),
            rating=self._rating(match) if source.rating else 0.0,
            grouping=self._grouping,
            attempt=attempt,
            not_before_ms=not_before_ms,
            since_ms=since_ms,
        )
        if source.token_budget is not None and self._lineup.undigested.hold(entry, source.token_budget):
            return
        self._lineup.add(entry)
        if ready is not None and ready.not_before_ms == FOREVER:
            self._overseer.expect_by(match.activation, ready.overdue_ms)
        elif source.respond_within_ms is not None and source.kind == "agent":
            self._overseer.expect(match.activation, source, entry.eligible_ms)

    def digested(self, key: str) -> None:
        """The digest at ``key`` has changed: those that wait for it may be within their budget now."""
        undigested = self._lineup.undigested
        for entry in undigested.touched(key):
            source = self._desk.sources[entry.agent]
            if source.token_budget is None or undigested.hold(entry, source.token_budget):
                continue
            self._lineup.add(entry)
            if source.respond_within_ms is not None and source.kind == "agent":
                self._overseer.expect(entry.activation, source, entry.eligible_ms)

    def _rating(self, match: Match) -> float:
        """An agent's own code: where it raises or gives no number the match counts as unrated, and people are told."""
        try:
            rating = match.source.rating_of(match.records, match.captures)
        except (Exception, SystemExit) as error:  # noqa: BLE001  # whatever it raises
            self.misjudged(match.source, error)
            return 0.0
        if math.isfinite(rating):
            return rating
        self.misjudged(match.source, ValueError(f"{rating!r} is not a finite number"))
        return 0.0

    def take_up(self, activation: str, record: Activation, commit: str) -> None:
        """Go on with an activation that another controller left: it is to be tried again, or waits for a person."""
        self.note(activation, record["state"])
        self._desk.reserve.note(activation, record)
        if record["state"] == "pending":
            self.requeue(activation, record, commit)

    def requeue(self, activation: str, record: Activation, commit: str) -> None:
        """Put an activation that is to be tried again on the agenda; one whose agent is not here waits for it."""
        if record["agent"] not in self._desk.sources:
            self.orphans[activation] = record["agent"]
            return
        found = stored_match(self._desk, activation, record)
        match = self.matcher.assessed(found) if found is not None else None
        if match is None:
            self._side.do(obviate(self._desk, activation, record, commit, None))
            return
        self.matcher.hold(match)
        self._queue_again(match, record, commit)

    def _queue_again(self, match: Match, record: Activation, commit: str) -> None:
        if match.ready is not None and match.ready.rests:
            self.resting[match.activation] = (record, commit)
            return
        self._lineup.stored[match.activation] = (record, commit)
        self._queue(match, attempt=record["attempt"] + 1, not_before_ms=record.get("not_before_ms", 0))

    def expected_no_more(self, agent: str) -> None:
        """``agent`` is here: nobody waits for it to come."""
        self.orphans = {waiting: awaited for waiting, awaited in self.orphans.items() if awaited != agent}

    def note(self, activation: str, state: State) -> None:
        """Keep count of those that wait for a person, and of those that wait for a validator."""
        if state == "escalated":
            self.awaited.add(activation)
        elif self.awaited:
            self.awaited.discard(activation)
        if state == "proposed":
            self.proposed.add(activation)
        elif self.proposed:
            self.proposed.discard(activation)

    def hold_back(self, entry: Entry, refusal: Refusal) -> None:
        """This one would only go round once more: its supervisor decides."""
        self._side.do(hold_back(self._desk, entry, self._taken_out(entry), refusal))

    def turn_away(self, entry: Entry, failure: FailureClass, why: str) -> None:
        """A limit is used up for this one: a person decides."""
        self._side.do(refuse_call(self._desk, entry, self._taken_out(entry), failure=failure, why=why))

    def _taken_out(self, entry: Entry) -> tuple[Activation, str] | None:
        """``entry`` is not to fire: nobody waits for it.  Returns its record and commit, if it has one."""
        self.matcher.drop(entry.activation)
        self._overseer.forget(entry.activation)
        return self._lineup.stored.pop(entry.activation, None)
