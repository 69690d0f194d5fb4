"""The agents' timers: each tick is a record that its agent is triggered by, so it survives whoever wrote it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from blackboard.commit import Absent, At
from blackboard.control_records import TIMERS
from blackboard.errors import Conflict
from blackboard.record import revision_of
from controller.desk import packed_control
from controller.ticking import due_ms, tick_at

if TYPE_CHECKING:
    from collections.abc import Callable

    from blackboard.control_records import Timer
    from controller.desk import Desk
    from controller.side_work import SideWork
    from knowledge_sources.source import KnowledgeSource


class Timers:
    """Writes the ticks of one controller's agents when they are due, and the start of each timer at once.

    ``busy`` says whether an agent is still at work on its last tick: the next one waits for that.
    """

    def __init__(self, desk: Desk, side: SideWork, busy: Callable[[str], bool]) -> None:
        self._desk = desk
        self._side = side
        self._busy = busy
        self._sources: dict[str, KnowledgeSource] = {}
        self._writing: set[str] = set()

    def __bool__(self) -> bool:
        return bool(self._sources)

    def enter(self, source: KnowledgeSource) -> None:
        """Take an agent in; one without a timer is none of our business."""
        if source.every_ms is not None:
            self._sources[source.name] = source

    @property
    def awaited(self) -> bool:
        """Whether a timer that ticks a stated number of times has not yet done so."""
        return any(source.times is not None and not self._is_over(source) for source in self._sources.values())

    def tick(self, now_ms: int) -> None:
        """Write what is due."""
        for name, source in self._sources.items():
            due = self._due_ms(source)
            if due is not None and due <= now_ms:
                self._writing.add(name)
                self._side.do(self._write(source, now_ms))

    def next_ms(self) -> int | None:
        """When the next is due of those that wait for nothing but the time."""
        times = [due for source in self._sources.values() if (due := self._due_ms(source)) is not None]
        return min(times, default=None)

    def _due_ms(self, source: KnowledgeSource) -> int | None:
        if source.name in self._writing or self._is_over(source) or self._busy(source.name):
            return None
        return due_ms(self._last(source.name), source.every_ms or 0)

    def _is_over(self, source: KnowledgeSource) -> bool:
        last = self._last(source.name)
        return source.times is not None and last is not None and last["n"] >= source.times

    def _last(self, agent: str) -> Timer | None:
        record = self._desk.replica.get(TIMERS + agent)
        return record.value if record is not None else None

    async def _write(self, source: KnowledgeSource, now_ms: int) -> None:
        desk, key = self._desk, TIMERS + source.name
        try:
            present = desk.replica.get(key)
            tick = tick_at(source.name, present.value if present is not None else None, source.every_ms or 0, now_ms)
            guard = At(key, present.commit) if present is not None else Absent(key)
            write = packed_control(key, tick, desk.member, f"timer/{source.name}/{tick['n']}")
            done = await desk.commit_leading([guard], [write])
            if isinstance(done, Conflict):
                await desk.caught_up(done)
            else:
                await desk.replica.caught_up(revision_of(done))
        finally:
            self._writing.discard(source.name)
