"""The entries of one priority level, kept so that the next to fire is found without sorting them.

All that age do so at one rate, so the order among them never changes: it is that of
``rating - rate x eligible``.  Those whose ageing has reached its cap are ordered by rating.  Two heaps,
``ageing`` and ``capped``, therefore hold the whole order, and an entry changes from the one to the other
once, when it comes to the top: below the top its place in ``ageing`` is never too low.

Each agent has such a pair, its *lane*, or one for each set of groups that its entries are in; the level has one
over the heads of its lanes.  A lane that may not run now has its heads dropped from the level's pair when they
surface and put back when it may, so its entries cost the others nothing.  What is taken out stays in the heaps as
an item whose ticket is no longer its entry's, until it surfaces.
"""

from __future__ import annotations

from heapq import heappop, heappush
from itertools import count
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Container, Iterator

    from controller.entry import Entry
    from controller.grouping import Lane
    from controller.strategy import Policy

_Item: TypeAlias = "tuple[int, int, str, int, Entry]"
"""Minus the score's fixed part, arrival, id, ticket, entry.  No two have one ticket: entries are not compared."""

_Node: TypeAlias = tuple[int, int, str, int, _Item, list[_Item], int, bool]
"""Minus the best score that the item may have, arrival, id, serial, the item, its heap and index, whether it ages."""


class Pair:
    """Two heaps of items: those that still gain by waiting, and those that do not."""

    __slots__ = ("ageing", "capped")

    def __init__(self) -> None:
        self.ageing: list[_Item] = []
        self.capped: list[_Item] = []


class Level:
    """The entries of one level by lane.  ``items`` counts what the heaps hold, dead items included.

    ``blocked`` are the lanes that may not run, and ``tickets`` numbers that no other item has; both are
    shared with the other levels.
    """

    __slots__ = ("_blocked", "_heads", "_lanes", "_offered", "_policy", "_tickets", "items")

    def __init__(self, policy: Policy, blocked: Container[Lane], tickets: Iterator[int]) -> None:
        self._policy = policy
        self._blocked = blocked
        self._tickets = tickets
        self._heads = Pair()
        self._offered: set[int] = set()
        self._lanes: dict[Lane, Pair] = {}
        self.items = 0

    def put(self, entry: Entry) -> None:
        """Add ``entry`` under a new ticket; an item that it had elsewhere is dead from now on."""
        lane = self._lanes.get(entry.lane)
        if lane is None:
            lane = self._lanes[entry.lane] = Pair()
        fixed = entry.rating_units - self._policy.rate_units_per_ms * entry.eligible_ms
        self._push(lane.ageing, self._heads.ageing, fixed, entry)

    def unblock(self, lane: Lane) -> None:
        """``lane``, which is no longer in ``blocked``, takes part again."""
        pair = self._lanes.get(lane)
        if pair is not None:
            self._offer(pair.ageing, self._heads.ageing)
            self._offer(pair.capped, self._heads.capped)

    @property
    def empty(self) -> bool:
        """Whether it has no lane."""
        return not self._lanes

    def release(self, lane: Lane) -> Pair | None:
        """Let ``lane`` go, with what is in it; its heads are dropped when they surface."""
        pair = self._lanes.pop(lane, None)
        if pair is not None:
            self.items -= len(pair.ageing) + len(pair.capped)
        return pair

    def admit(self, lane: Lane, pair: Pair) -> None:
        """Take in what another level has let go; ``lane`` is not here yet."""
        self._lanes[lane] = pair
        self.items += len(pair.ageing) + len(pair.capped)
        if lane not in self._blocked:
            self.unblock(lane)

    def first(self, now_ms: int, enough: int) -> list[Entry]:
        """The first ``enough`` entries in firing order, or as many as there are; ``now_ms`` never falls."""
        heads = self._heads
        capped_since_ms = self._capped_since_ms(now_ms)
        self._settle(heads.ageing, capped_since_ms)
        self._settle(heads.capped, None)
        if not heads.ageing and not heads.capped:
            return []
        return self._walk(self._policy.rate_units_per_ms * now_ms, capped_since_ms, enough)

    def _push(self, lane_heap: list[_Item], heads: list[_Item], fixed: int, entry: Entry) -> None:
        entry.ticket = ticket = next(self._tickets)
        item = (-fixed, self._policy.arrival(entry), entry.activation, ticket, entry)
        heappush(lane_heap, item)
        self.items += 1
        if lane_heap[0] is item and entry.lane not in self._blocked:
            heappush(heads, item)
            self._offered.add(ticket)
            self.items += 1

    def _offer(self, lane_heap: list[_Item], heads: list[_Item]) -> None:
        """See that the lane's head is among the level's heads."""
        while lane_heap and lane_heap[0][4].ticket != lane_heap[0][3]:
            heappop(lane_heap)
            self.items -= 1
        if lane_heap and lane_heap[0][3] not in self._offered:
            heappush(heads, lane_heap[0])
            self._offered.add(lane_heap[0][3])
            self.items += 1

    def _settle(self, heads: list[_Item], capped_since_ms: int | None) -> None:
        """Make the first of ``heads`` one that may fire and is in the right heap."""
        ageing = heads is self._heads.ageing
        while heads:
            _, _, _, ticket, entry = heads[0]
            lane = self._lanes.get(entry.lane)
            alive = entry.ticket == ticket
            crossed = capped_since_ms is not None and entry.eligible_ms <= capped_since_ms
            absent = lane is None or entry.lane in self._blocked
            if alive and not crossed and not absent:
                return
            heappop(heads)
            self.items -= 1
            self._offered.discard(ticket)
            if lane is None or absent:
                continue
            if alive:
                self._push(lane.capped, self._heads.capped, self._capped_units(entry), entry)
            self._offer(lane.ageing if ageing else lane.capped, heads)

    def _walk(self, aged: int, capped_since_ms: int | None, enough: int) -> list[Entry]:
        """The best entries in order; the heaps stay as they are.

        Heaps are followed from their roots, children after parents: the two of heads, and those of each
        lane from where its head is met.
        """
        heads, serial = self._heads, count()
        found: list[Entry] = []
        frontier: list[_Node] = []

        def visit(heap: list[_Item], at: int, ageing: bool) -> None:
            if at < len(heap):
                item = heap[at]
                bound = item[0] - aged if ageing else item[0]
                heappush(frontier, (bound, item[1], item[2], next(serial), item, heap, at, ageing))

        visit(heads.ageing, 0, True)
        visit(heads.capped, 0, False)
        seen: set[int] = set()
        met: set[tuple[Lane, bool]] = set()
        while frontier:
            _, arrival, name, _, item, heap, at, ageing = heappop(frontier)
            ticket, entry = item[3], item[4]
            lane = self._lanes.get(entry.lane)
            absent = lane is None or entry.lane in self._blocked
            if entry.ticket == ticket and not absent and ticket not in seen:
                if not ageing or capped_since_ms is None or entry.eligible_ms > capped_since_ms:
                    seen.add(ticket)
                    found.append(entry)
                    if len(found) == enough:
                        break
                else:
                    # Its place was that of one without a cap: it comes up again where it truly belongs.
                    bound = -self._capped_units(entry)
                    heappush(frontier, (bound, arrival, name, next(serial), item, [], 0, False))
            visit(heap, 2 * at + 1, ageing)
            visit(heap, 2 * at + 2, ageing)
            of_heads = heap is heads.ageing or heap is heads.capped
            if lane is not None and not absent and of_heads and (entry.lane, ageing) not in met:
                met.add((entry.lane, ageing))
                visit(lane.ageing if ageing else lane.capped, 0, ageing)
        return found

    def _capped_since_ms(self, now_ms: int) -> int | None:
        """Those eligible at this time or before gain no more by waiting; ``None``: all do."""
        until_ms = self._policy.ages_until_ms
        return None if until_ms is None else now_ms - until_ms

    def _capped_units(self, entry: Entry) -> int:
        return entry.rating_units + (self._policy.cap_units or 0)
