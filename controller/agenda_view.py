"""The leader's view of its agenda, for viewers in other processes: bounded, outside the log, and seldom written."""

from __future__ import annotations

import asyncio
import contextlib
import json
from time import perf_counter
from typing import TYPE_CHECKING, Any, Final, Literal, TypedDict

from blackboard.control_shapes import wrong_in
from blackboard.errors import BlackboardError, InvalidInput
from blackboard.strict_json import parse_json

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from blackboard.log import Change
    from controller.desk import Desk
    from controller.entry import Entry
    from controller.firing import Firing
    from controller.lineup import Lineup

SHOWN: Final = 50
"""pending ones, and running ones, that are shown"""
EVERY_S: Final = 0.5
SETTLES_WITHIN_S: Final = 0.05
"""from a change of the board until the agenda shows what it means"""
SHARE: Final = 50
"""Looking at the agenda takes at most one part in so many of the time: it is sorted for people alone."""
KEPT_MS: Final = 24 * 3600 * 1000


class Pending(TypedDict):
    """One that is pending, as it is published."""

    activation: str
    agent: str
    case: str
    level: str
    rating: float
    eligible_ms: int
    attempt: int
    state: Literal["ready", "delayed"]
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
    pending: list[Pending]
    running: list[Running]


def parse_agenda(raw: bytes) -> dict[str, Any] | None:
    """The published agenda in ``raw``, ``None`` where it is not what a leader publishes: a view is not worth an end."""
    try:
        found: Any = parse_json(raw.decode(), place="the agenda")
    except (InvalidInput, UnicodeDecodeError):
        return None
    return found if not wrong_in(found, Agenda) else None


def agenda_document(
    pending: Iterable[Entry], running: Iterable[Firing], levels: tuple[str, ...], *, pending_count: int, now_ms: int
) -> dict[str, Any]:
    """What is pending, in the order in which it would fire, and what runs, as JSON can say it.

    ``state`` is ``ready`` for what could fire now and ``delayed`` for what is to be tried again later.
    Instants are milliseconds since 1970 of the server.
    """
    return {
        "pending_count": pending_count,
        "pending": [
            {
                "activation": entry.activation,
                "agent": entry.agent,
                "case": entry.case,
                "level": levels[entry.level],
                "rating": entry.rating,
                "eligible_ms": entry.eligible_ms,
                "attempt": entry.attempt,
                "state": "delayed" if entry.not_before_ms > now_ms else "ready",
            }
            for entry in pending
        ],
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


class AgendaView:
    """Publishes the agenda at the board's ``agenda`` key, at most twice a second and only when it has changed.

    It looks after changes of the board, without which no agenda changes.
    """

    def __init__(self, desk: Desk, lineup: Lineup, firings: Mapping[str, Firing]) -> None:
        self._desk = desk
        self._lineup = lineup
        self._firings = firings
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
        document = agenda_document(
            self._lineup.first(SHOWN, now_ms),
            list(self._firings.values())[:SHOWN],
            self._desk.settings.levels,
            pending_count=len(self._lineup),
            now_ms=now_ms,
        )
        if document != self._published:
            self._published = document
            self._task = self._loop.create_task(self._publish(now_ms, document), name="blackboard-agenda")
        took = perf_counter() - started
        self._desk.meter.tracing += took
        self._not_before = self._loop.time() + max(EVERY_S, SHARE * took)

    async def _publish(self, now_ms: int, document: dict[str, Any]) -> None:
        pending = [{**one, "waited_ms": now_ms - one["eligible_ms"]} for one in document["pending"]]
        text = json.dumps({"member": self._desk.member, "at_ms": now_ms, **document, "pending": pending})
        store = self._desk.store
        with contextlib.suppress(BlackboardError):  # a view that cannot be written must not end the run
            await store.read("SET", store.keys.agenda, text, "PX", KEPT_MS)
