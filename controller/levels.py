"""The priority levels of an agenda, the most urgent first, and within each, where firings are shared, who has had least.

Entries that compete by their scores are in one :class:`~controller.lanes.Level`: those of a level, or, where a
capture is shared, those of a level whose flows stand at the same tag.  A flow that is served moves on with its lanes
alone, whatever waits in them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from controller.lanes import Level

if TYPE_CHECKING:
    from collections.abc import Container, Iterator

    from controller.entry import Entry
    from controller.grouping import Lane
    from controller.lanes import Pair
    from controller.shares import Shares
    from controller.strategy import Policy

_Seat: TypeAlias = "tuple[int, Lane]"


class Levels:
    """Ready entries by level.  ``shares`` says what each flow stands at; ``None``: nothing is shared."""

    def __init__(self, policy: Policy, blocked: Container[Lane], tickets: Iterator[int], shares: Shares | None) -> None:
        self._policy = policy
        self._blocked = blocked
        self._tickets = tickets
        self._shares = shares
        self._levels: dict[tuple[int, int], Level] = {}
        """by level and tag, sorted"""
        self._seats: dict[_Seat, tuple[int, str]] = {}
        """where firings are shared: the tag at which a lane is on a level, and its flow"""
        self._of_flow: dict[tuple[int, str], dict[Lane, None]] = {}

    @property
    def items(self) -> int:
        """What the heaps hold, dead items included."""
        total = 0
        for level in self._levels.values():
            total += level.items
        return total

    def put(self, index: int, entry: Entry) -> None:
        """Add ``entry`` to level ``index``."""
        tag = 0 if self._shares is None else self._seated(index, entry.lane, entry.flow)
        (self._levels.get((index, tag)) or self._new(index, tag)).put(entry)

    def first(self, now_ms: int, enough: int) -> list[Entry]:
        """The first ``enough`` entries in firing order, or as many as there are; ``now_ms`` never falls."""
        first: list[Entry] = []
        for level in self._levels.values():
            first += level.first(now_ms, enough - len(first))
            if len(first) == enough:
                break
        return first

    def unblock(self, lane: Lane) -> None:
        """``lane``, which is no longer blocked, takes part again, at what its flow stands at by now."""
        if self._shares is None:
            for level in self._levels.values():
                level.unblock(lane)
            return
        for index in {index for index, _ in self._levels}:
            seat = self._seats.get((index, lane))
            if seat is not None:
                self._levels[index, self._seated(index, lane, seat[1])].unblock(lane)

    def serve(self, index: int, flow: str, tag: int, *, in_turn: bool) -> None:
        """One of ``flow`` fires from level ``index``, where it stood at ``tag``."""
        assert self._shares is not None  # noqa: S101  # who has a tag has shares
        self._shares.serve(index, flow, tag, in_turn=in_turn)
        for lane in list(self._of_flow.get((index, flow), ())):
            self._seated(index, lane, flow)

    def forget(self, lane: Lane) -> None:
        """``lane`` has no entries any more."""
        if self._shares is None:
            for level in self._levels.values():
                level.release(lane)
            return
        for index in {index for index, _ in self._levels}:
            seat = self._seats.get((index, lane))
            if seat is not None:
                tag, flow = seat
                self._release(index, tag, lane)
                del self._seats[index, lane]
                lanes = self._of_flow[index, flow]
                del lanes[lane]
                if not lanes:
                    del self._of_flow[index, flow]

    def clear(self) -> None:
        """Hold nothing."""
        self._levels.clear()
        self._seats.clear()
        self._of_flow.clear()

    def _seated(self, index: int, lane: Lane, flow: str) -> int:
        """The tag at which ``lane`` is to be on level ``index``; it is there from now on, with what is in it."""
        assert self._shares is not None  # noqa: S101
        tag = self._shares.tag(index, flow)
        seat = self._seats.get((index, lane))
        if seat is None:
            self._of_flow.setdefault((index, flow), {})[lane] = None
        elif seat[0] != tag:
            pair = self._release(index, seat[0], lane)
            if pair is not None:
                (self._levels.get((index, tag)) or self._new(index, tag)).admit(lane, pair)
        self._seats[index, lane] = (tag, flow)
        return tag

    def _release(self, index: int, tag: int, lane: Lane) -> Pair | None:
        level = self._levels[index, tag]
        pair = level.release(lane)
        if level.empty:
            del self._levels[index, tag]
        return pair

    def _new(self, index: int, tag: int) -> Level:
        level = self._levels[index, tag] = Level(self._policy, self._blocked, self._tickets)
        self._levels = dict(sorted(self._levels.items(), key=lambda item: item[0]))
        return level
