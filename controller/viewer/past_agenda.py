"""The agenda as the records of a board tell it: as it was at a moment of the past, or where nobody leads.

It is what the leader derives from the same records, by the same matching, ordering and reserve, with these exceptions,
which are why it can name more as eligible than a decision of that moment counts:

- what the leader had picked and not yet dispatched: its activation has no record yet;
- preconditions and ratings are code and are not asked: every match counts, with the rating that the run's settings
  state, else 0; so among equals of a level the order is that of waiting;
- what the registry does not say: an agent's token budget and, where it is not in the run's settings, how often it may
  run at once;
- budgets: what waits because other calls hold them.

Nothing here looks at more records than it was told to; of many records of one region only some are looked at then.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any, Final

from blackboard.control_records import ACTIVATIONS, AGENTS, BREAKERS, FLOW, FOCUS, LEADER, RUN
from blackboard.errors import BlackboardError, Corrupt
from controller.agenda_view import SHOWN, agenda_document, at
from controller.breakers import OPEN
from controller.collecting import shortfall
from controller.entering import entry_for
from controller.entry import FOREVER, Entry
from controller.focus import Focus
from controller.grouping import Grouping
from controller.lineup import Lineup
from controller.matching import Match, Matcher
from controller.occupancy import Occupancy
from controller.ordering import orders_on
from controller.reserve import Reserve
from controller.settings import Settings
from controller.stored_match import stored_match
from controller.viewer.counted_records import CountedRecords, GaveUp
from controller.viewer.registered import registered_source
from controller.viewer.run_settings import document_of, of_agent, settings_told

if TYPE_CHECKING:
    from blackboard.control_records import Activation, Agent
    from blackboard.log import Change
    from blackboard.record import Record
    from controller.grouping import Group
    from controller.viewer.counted_records import Board
    from knowledge_sources.source import KnowledgeSource

MOST_STEPS: Final = 100_000
"""looks at records before the rest is left out"""
LEFT_OUT: Final = ("preconditions and ratings, which are code, were not asked",)
MORE: Final = "there are more records than were looked at"


def agenda_from(board: Board, now_ms: int, *, most: int = SHOWN, steps: int = MOST_STEPS) -> dict[str, Any]:
    """What is pending by the records of ``board`` at ``now_ms``, the server's time, as JSON can say it.

    Its shape is that of :class:`controller.agenda_view.Agenda`, and besides: ``told_from`` is ``"records"``,
    ``eligible`` how many of the agents' could fire, ``left_out`` what is not told, in sentences, and ``gave_up``
    whether there were more records than ``steps`` looks go to.  At most ``most`` are shown of each part.
    """
    records = CountedRecords(board, now_ms, steps)
    told = _Telling(records, now_ms)
    with contextlib.suppress(GaveUp):
        told.look()
    records.count_no_more()
    return told.document(most)


class _Telling:
    """One look at a board: a line-up as the leader's, filled from the records."""

    def __init__(self, records: CountedRecords, now_ms: int) -> None:
        self.replica = records
        self.sources: dict[str, KnowledgeSource] = {}
        self.settings = Settings()
        self._now_ms = now_ms
        self._running: dict[str, Activation] = {}
        self._apart: dict[str, str] = {}
        self._focus: Focus | None = None
        self._grouping: Grouping | None = None
        self._lineup = Lineup(self, self.settings.policy)
        self._matcher = Matcher(records, self)
        self._reserve = Reserve()

    def look(self) -> None:
        """Find out what is pending."""
        self._register()
        self._heed_orders()
        again = self._note_activations()
        self._reserve.blocked = self._heed_breakers()
        self._occupy()
        for activation, record in again.items():
            self._queue_again(activation, record)
        for source in self._by_urgency():
            self._matcher.add(source)

    def document(self, most: int) -> dict[str, Any]:
        """What was found."""
        self._settle_reserve()
        settings, lineup, now_ms = self.settings, self._lineup, self._now_ms
        choice = lineup.agents.pick(now_ms)
        flow = self.replica.value(FLOW)
        leader = self.replica.value(LEADER)
        shown = agenda_document(lineup, (), settings.levels, now_ms, self._shortfall, most=most)
        return {
            "told_from": "records",
            "gave_up": self.replica.gave_up,
            "left_out": [*LEFT_OUT, *([MORE] if self.replica.gave_up else ())],
            "eligible": choice.eligible if choice is not None else 0,
            "member": leader["member"] if leader is not None else "",
            "at_ms": now_ms,
            **at(shown, settings.policy, now_ms),
            "running": [_running(activation, one) for activation, one in list(self._running.items())[:most]],
            "max_running": settings.max_running,
            "apart": dict(list({**self._reserve.waiting(most), **self._apart}.items())[:most]),
            **({"flow": flow} if flow is not None and flow["mode"] != "running" else {}),
            **({"focus": self._focus.describe()} if self._focus is not None else {}),
        }

    def matched(self, match: Match) -> None:
        triggers = self._triggers(match)
        if not triggers:
            return  # nothing that a decorator takes fires on nothing
        if match.source.name in self._reserve.groups:
            self._reserve.offer(match, triggers[0].case or triggers[0].key)
        else:
            self._queue(match)

    def unmatched(self, match: Match, change: Change) -> None: ...

    def moved(self, match: Match) -> None: ...

    def keeps(self, activation: str) -> bool:
        return False

    def misjudged(self, source: KnowledgeSource, error: BaseException) -> None: ...

    def _register(self) -> None:
        """The settings of the run and the agents that are ready, in the order in which they came."""
        run = self.replica.value(RUN)
        document = document_of(run)
        found = sorted(self.replica.control(AGENTS), key=lambda one: one[1].revision)
        told: list[Agent] = [agent for _, record in found if (agent := self.replica.sound(record)) is not None]
        settings = self.settings = settings_told(run, [agent["level"] for agent in told])
        for agent in told:
            if agent["status"] == "ready":
                rating, max_running = of_agent(document, agent["name"])
                with contextlib.suppress(BlackboardError):  # patterns that no decorator would take
                    source = registered_source(agent, rating=rating or 0.0, max_running=max_running)
                    self.sources[source.name] = source
        self._lineup = Lineup(self, settings.policy)
        self._grouping = Grouping.needed(settings.running, settings.policy.fair, settings.case)
        self._reserve = Reserve(settings.reroute_off)
        self._reserve.arrange(self.sources.values())
        self._reserve.pending = lambda activation: self._lineup.get(activation) is not None

    def _by_urgency(self) -> list[KnowledgeSource]:
        """Supervisors, then agents by level, so that what is left out where there is too much is the least urgent."""
        level_of = self.settings.level_of
        return sorted(self.sources.values(), key=lambda one: (one.kind != "supervisor", level_of(one.level), one.name))

    def _heed_orders(self) -> None:
        """The orders that stand, and the focus."""
        orders = orders_on(self.replica, self.settings.levels)
        for order in list(orders):
            if order.expires_ms is not None and order.expires_ms <= self._now_ms:
                orders.remove(order.key)
        self._lineup.rulings.orders = orders
        record = self.replica.get(FOCUS)
        if record is not None:
            with contextlib.suppress(Corrupt):
                self._focus = Focus.of(record.value, lapses=bool(record.expires_ms))
                self._lineup.refocus(self._focus)

    def _note_activations(self) -> dict[str, Activation]:
        """What runs, what was shared and who has had his turn; returns those that are to be tried again."""
        again: dict[str, Activation] = {}
        of_concern = bool(self._reserve.groups or self.settings.policy.fair)
        decisions = []
        for activation, record in self.replica.control(ACTIVATIONS):
            state = record.value.get("state") if isinstance(record.value, dict) else None
            if not of_concern and state not in ("running", "pending"):
                continue  # there may be many
            value: Activation | None = self.replica.sound(record)
            if value is None:
                continue
            if state == "running":
                self._running[activation] = value
            elif state == "pending":
                again[activation] = value
            self._reserve.note(activation, value)
            decisions.append(value["decision"])
        self._lineup.recall(decisions)
        return again

    def _heed_breakers(self) -> list[str]:
        """Keep off the agenda whose breaker is open; returns them."""
        probed = {record["agent"] for record in self._running.values()}
        open_ = []
        for agent, record in self.replica.control(BREAKERS):
            breaker = self.replica.sound(record)
            state = breaker["state"] if breaker is not None else "closed"
            if agent in self.sources and (state == "open" or (state == "half_open" and agent in probed)):
                self._lineup.of(agent).block(agent, OPEN)
                if state == "open":
                    open_.append(agent)
        return open_

    def _occupy(self) -> None:
        """Keep off the agenda of what as many run as may."""
        occupancy = Occupancy(self.settings.running)
        for activation, record in self._running.items():
            source = self.sources.get(record["agent"])
            if source is not None:
                for full in occupancy.begin(self._entry_of_running(activation, record, source), source.max_running):
                    self._lineup.of(source.name).block(*full)

    def _entry_of_running(self, activation: str, record: Activation, source: KnowledgeSource) -> Entry:
        groups: tuple[Group, ...] = ()
        if self._grouping is not None and source.kind == "agent":
            groups, _ = self._grouping.of(source.provides, record["captures"], record["case"])
        return Entry(
            activation, source.name, source.provides, record["case"], level=0, rating=0.0, eligible_ms=0, sequence=0,
            captures=record["captures"], triggers={}, groups=groups,
        )  # fmt: skip

    def _triggers(self, match: Match) -> tuple[Record[Any], ...]:
        return tuple(match.records.values()) or self._matcher.membership.first(match)

    def _queue(self, match: Match, attempt: int = 1, not_before_ms: int = 0, since_ms: int = 0) -> None:
        self._lineup.add(self._entry(match, attempt, not_before_ms, since_ms))

    def _entry(self, match: Match, attempt: int, not_before_ms: int, since_ms: int) -> Entry:
        return entry_for(
            match,
            self._triggers(match),
            level=self.settings.level_of(match.source.level),
            rating=match.source.rating if isinstance(match.source.rating, float) else 0.0,
            grouping=self._grouping,
            attempt=attempt,
            not_before_ms=not_before_ms,
            since_ms=since_ms,
        )

    def _queue_again(self, activation: str, record: Activation) -> None:
        """One that is to be tried again; one whose triggers have moved on is about to be obviated."""
        if record["agent"] not in self.sources:
            self._apart[activation] = f"its agent {record['agent']} is not here"
            return
        found = stored_match(self, activation, record)
        match = self._matcher.assessed(found) if found is not None else None
        rests = match is not None and match.ready is not None and match.ready.rests
        if match is not None and not rests and self._triggers(match):
            self._matcher.hold(match)
            self._queue(match, record["attempt"] + 1, record.get("not_before_ms", 0))

    def _settle_reserve(self) -> None:
        releases, recalls = self._reserve.settle()
        for recall in recalls:
            self._lineup.remove(recall.activation)
        for match, since_ms in releases:
            self._queue(match, since_ms=since_ms)

    def _shortfall(self, activation: str) -> str:
        match = self._matcher.live().get(activation)
        if match is None or match.ready is None or match.ready.not_before_ms != FOREVER:
            return ""
        return shortfall(match.source, self._matcher.membership.members(match.source, match.captures))


def _running(activation: str, record: Activation) -> dict[str, Any]:
    return {
        "activation": activation,
        "agent": record["agent"],
        "case": record["case"],
        "eligible_ms": record["eligible_ms"],
        "attempt": record["attempt"],
    }
