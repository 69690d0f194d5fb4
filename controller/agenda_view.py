"""The leader's view of its agenda, for viewers in other processes: bounded, outside the log, and seldom written."""

from __future__ import annotations

import asyncio
import contextlib
import json
from time import perf_counter
from typing import TYPE_CHECKING, Any, Final, NotRequired, TypedDict

from blackboard.control_records import Flow  # noqa: TC001  # the shapes below are looked up at run time
from blackboard.control_shapes import wrong_in
from blackboard.errors import BlackboardError, InvalidInput
from blackboard.strict_json import parse_json
from controller.entry import POINT
from controller.outlook import Prospect, outlooks

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from blackboard.log import Change
    from controller.cycle import Cycle
    from controller.desk import Desk
    from controller.firing import Firing
    from controller.lineup import Lineup
    from controller.strategy import Policy

SHOWN: Final = 50
"""pending ones, and running ones, that are shown"""
EVERY_S: Final = 0.5
SETTLES_WITHIN_S: Final = 0.05
"""from a change of the board until the agenda shows what it means"""
SHARE: Final = 50
"""Looking at the agenda takes at most one part in so many of the time: it is sorted for people alone."""
KEPT_MS: Final = 24 * 3600 * 1000


class Pending(TypedDict):
    """One that is pending, as it is published: what it is ordered by, and what it waits for."""

    activation: str
    agent: str
    case: str
    level: str
    promoted_from: NotRequired[str]
    """its own level, where waiting has lifted it to another"""
    rating: float
    aged: float
    """points that it has by waiting"""
    score: float
    flow: NotRequired[str]
    share: NotRequired[int]
    """where firings are shared: its value of the capture, and what that stands at, the least first"""
    override: NotRequired[str]
    """the order that moves it"""
    eligible_ms: int
    attempt: int
    state: Prospect
    because: list[str]
    not_before_ms: NotRequired[int]
    waited_ms: int


class Running(TypedDict):
    """One that runs, as it is published."""

    activation: str
    agent: str
    case: str
    eligible_ms: int
    attempt: int


class Agenda(TypedDict):
    """What is published: who leads, when it looked, and what it saw."""

    member: str
    at_ms: int
    pending_count: int
    max_running: int
    supervisors: list[Pending]
    pending: list[Pending]
    running: list[Running]
    apart: dict[str, str]
    """matches that are on no agenda, by activation, each with why: in reserve, or over a budget of tokens"""
    flow: NotRequired[Flow]
    """where it is stopped"""
    focus: NotRequired[str]


def parse_agenda(raw: bytes) -> dict[str, Any] | None:
    """The published agenda in ``raw``, ``None`` where it is not what a leader publishes: a view is not worth an end."""
    try:
        found: Any = parse_json(raw.decode(), place="the agenda")
    except (InvalidInput, UnicodeDecodeError):
        return None
    return found if not wrong_in(found, Agenda) else None


def agenda_document(
    lineup: Lineup,
    running: Iterable[Firing],
    levels: tuple[str, ...],
    now_ms: int,
    shortfall: Callable[[str], str],
    *,
    most: int = SHOWN,
) -> dict[str, Any]:
    """What is pending, in the order in which it would fire, and what runs, as JSON can say it; ``most`` of each.

    Instants are milliseconds since 1970 of the server.  What time alone changes is left out: see :func:`at`.
    """
    supervisors = outlooks(lineup.supervisors, most, now_ms)
    pending = outlooks(lineup.agents, most, now_ms, shortfall)
    pending += lineup.aside(most - len(pending))
    return {
        "pending_count": lineup.pending,
        "supervisors": [one.document(levels, now_ms) for one in supervisors],
        "pending": [one.document(levels, now_ms) for one in pending],
        "running": [
            {
                "activation": firing.activation,
                "agent": firing.entry.agent,
                "case": firing.entry.case,
                "eligible_ms": firing.entry.eligible_ms,
                "attempt": firing.entry.attempt,
            }
            for firing in running
        ],
    }


def at(document: dict[str, Any], policy: Policy, now_ms: int) -> dict[str, Any]:
    """``document`` with what its entries have by waiting until ``now_ms``."""

    def aged(one: dict[str, Any]) -> dict[str, Any]:
        waited_ms = max(0, now_ms - one["eligible_ms"])
        points = policy.aged_units(waited_ms) / POINT
        return {**one, "waited_ms": waited_ms, "aged": points, "score": one["rating"] + points}

    return {**document, **{part: [aged(one) for one in document[part]] for part in ("supervisors", "pending")}}


class AgendaView:
    """Publishes the agenda at the board's ``agenda`` key, at most twice a second and only when it has changed.

    It looks after changes of the board, without which no agenda changes.
    """

    def __init__(self, desk: Desk, cycle: Cycle) -> None:
        self._desk = desk
        self._cycle = cycle
        self._published: dict[str, Any] | None = None
        self._not_before = 0.0
        self._timer: asyncio.TimerHandle | None = None
        self._task: asyncio.Task[None] | None = None
        self._loop = asyncio.get_running_loop()
        self._unsubscribe = desk.replica.subscribe(self._changed)

    async def close(self) -> None:
        """Publish no more, and take away what was published: whoever leads next has another agenda."""
        self._unsubscribe()
        if self._timer is not None:
            self._timer.cancel()
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        if self._published is not None:
            await self._desk.store.read("DEL", self._desk.store.keys.agenda)

    def _changed(self, change: Change) -> None:
        """Look soon; costs one comparison where a look is due already."""
        if self._timer is None:
            self._timer = self._loop.call_at(max(self._not_before, self._loop.time() + SETTLES_WITHIN_S), self._look)

    def _look(self) -> None:
        if self._task is not None and not self._task.done():  # the server is slow or away
            self._timer = self._loop.call_later(EVERY_S, self._look)
            return
        self._timer = None
        started = perf_counter()
        now_ms = self._desk.now_ms()
        document = self._document(now_ms)
        if document != self._published:
            self._published = document
            self._task = self._loop.create_task(self._publish(now_ms, document), name="blackboard-agenda")
        took = perf_counter() - started
        self._desk.meter.tracing += took
        self._not_before = self._loop.time() + max(EVERY_S, SHARE * took)

    def _document(self, now_ms: int) -> dict[str, Any]:
        cycle, settings = self._cycle, self._desk.settings
        running = list(cycle.crew.firings.values())[:SHOWN]
        short = {
            activation: shortage.sentence()
            for activation, (_, shortage) in list(cycle.lineup.undigested.waiting.items())[:SHOWN]
        }
        return {
            **agenda_document(cycle.lineup, running, settings.levels, now_ms, cycle.shortfall),
            **cycle.gate.document(),
            "max_running": settings.max_running,
            "apart": {**self._desk.reserve.waiting(SHOWN), **short},
        }

    async def _publish(self, now_ms: int, document: dict[str, Any]) -> None:
        shown = at(document, self._desk.settings.policy, now_ms)
        text = json.dumps({"member": self._desk.member, "at_ms": now_ms, **shown})
        store = self._desk.store
        with contextlib.suppress(BlackboardError):  # a view that cannot be written must not end the run
            await store.read("SET", store.keys.agenda, text, "PX", KEPT_MS)
