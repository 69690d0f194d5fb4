"""The pending ones, in the order in which they would fire."""

from __future__ import annotations

from heapq import heappop, heappush
from itertools import count
from typing import TYPE_CHECKING

from controller.entry import Entry
from controller.lanes import Level
from controller.strategy import SHOWN, Choice, Lift, choose, order, rank_without_overrides

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from collections.abc import Set as AbstractSet

    from controller.strategy import Policy

__all__ = ["Agenda", "Entry"]


class Agenda:
    """Pending entries in the order of :func:`controller.strategy.pick`, which it always agrees with.

    Adding, removing and picking take time that grows with the logarithm of the number of entries; each
    entry whose place an override changes adds a constant to every pick.  Time does not run back here:
    an earlier ``now_ms`` counts as the latest one seen.
    """

    def __init__(self, policy: Policy) -> None:
        self.policy = policy
        self._now_ms = 0
        self._entries: dict[str, Entry] = {}
        self._levels: dict[int, Level] = {}
        self._delayed: list[tuple[int, int, Entry]] = []
        self._promotions: list[tuple[int, int, Entry]] = []
        self._blocked: dict[str, set[str]] = {}
        """agent → what keeps it from firing"""
        self._overrides: dict[str, Lift] = {}
        self._lifted: dict[str, Entry] = {}
        self._ready_of: dict[str, int] = {}
        self._eligible = 0
        self._state = 0
        """rises with everything but a removal and the passing of time"""
        self._tickets = count(1)

    def __len__(self) -> int:
        return len(self._entries)

    def __iter__(self) -> Iterator[Entry]:
        return iter(self._entries.values())

    def __contains__(self, activation_id: object) -> bool:
        return activation_id in self._entries

    def get(self, activation_id: str) -> Entry | None:
        """The entry of that id, if it is pending."""
        return self._entries.get(activation_id)

    @property
    def eligible(self) -> int:
        """How many could be picked, as of the last pick's time."""
        return self._eligible

    @property
    def blocked(self) -> Mapping[str, AbstractSet[str]]:
        """The agents whose entries are not eligible now, each with the reasons."""
        return self._blocked

    @property
    def overrides(self) -> Mapping[str, Lift]:
        """What was lifted or lowered, by activation id."""
        return self._overrides

    def add(self, entry: Entry) -> bool:
        """Make ``entry`` pending; false, and nothing happens, if one of its id already is."""
        if entry.activation in self._entries:
            return False
        self._entries[entry.activation] = entry
        self._state += 1
        if entry.not_before_ms > self._now_ms:
            self._delay(entry)
        else:
            self._make_ready(entry)
        return True

    def remove(self, activation_id: str) -> Entry | None:
        """Take the entry of that id out and return it; ``None`` if none is pending."""
        entry = self._entries.pop(activation_id, None)
        if entry is None:
            return None
        entry.ticket = 0
        self._lifted.pop(activation_id, None)
        if entry.not_before_ms <= self._now_ms:
            self._ready_of[entry.agent] -= 1
            self._eligible -= entry.agent not in self._blocked
        if self._items() > 4 * len(self._entries) + 64:
            self._sweep()
        return entry

    def block(self, agent: str, reason: str) -> None:
        """From now on no entry of ``agent`` is eligible, until each ``reason`` given for that is taken back."""
        reasons = self._blocked.get(agent)
        if reasons is None:
            self._state += 1
            self._blocked[agent] = {reason}
            self._eligible -= self._ready_of.get(agent, 0)
        else:
            reasons.add(reason)

    def unblock(self, agent: str, reason: str) -> None:
        """Take ``reason`` back; the entries of ``agent`` are eligible again where it was the last one."""
        reasons = self._blocked.get(agent)
        if reasons is None or reason not in reasons:
            return
        reasons.discard(reason)
        if not reasons:
            self._state += 1
            del self._blocked[agent]
            self._eligible += self._ready_of.get(agent, 0)
            for level in self._levels.values():
                level.unblock(agent)

    def lift(self, activation_id: str, lift: Lift) -> None:
        """Let an override move that entry, now or when it becomes pending."""
        self._state += 1
        self._overrides[activation_id] = lift
        entry = self._entries.get(activation_id)
        if entry is not None and entry.not_before_ms <= self._now_ms:
            entry.ticket = 0
            self._lifted[activation_id] = entry

    def drop_lift(self, activation_id: str) -> None:
        """The override has expired, is withdrawn, or its activation has ended."""
        self._state += 1
        self._overrides.pop(activation_id, None)
        entry = self._lifted.pop(activation_id, None)
        if entry is not None:
            self._place(entry)

    def next_ms(self) -> int | None:
        """When the next of the delayed entries becomes eligible; ``None`` if none is delayed."""
        while self._delayed and self._delayed[0][2].ticket != self._delayed[0][1]:
            heappop(self._delayed)
        return self._delayed[0][0] if self._delayed else None

    def picks(self, now_ms: int, most: int) -> Iterator[Choice]:
        """At most ``most`` picks, each of which the caller removes before it asks for the next.

        They are those of :meth:`pick`, called as often; without an override the order is looked up once for all.
        """
        while most > 0 and not self._lifted:
            self._advance(now_ms)
            state, first = self._state, self._first(most + SHOWN - 1)
            for at in range(min(most, len(first))):
                shown = first[at : at + SHOWN]
                yield choose(shown, self.policy, {}, self._now_ms, eligible=self._eligible, rank=1)
                most -= 1
                if self._state != state:
                    break
            else:
                return
        for _ in range(most):
            choice = self.pick(now_ms)
            if choice is None:
                return
            yield choice

    def pick(self, now_ms: int) -> Choice | None:
        """The entry that fires next, which stays on the agenda until it is removed; ``None`` if none may."""
        self._advance(now_ms)
        if self._eligible == 0:
            return None
        now_ms, policy = self._now_ms, self.policy
        first = self._first(SHOWN)
        if not self._lifted:
            return choose(first, policy, {}, now_ms, eligible=self._eligible, rank=1)
        first += [entry for entry in self._lifted.values() if entry.agent not in self._blocked]
        first = order(first, policy, self._overrides, now_ms, SHOWN)
        eligible = (e for e in self if e.not_before_ms <= now_ms and e.agent not in self._blocked)
        rank = rank_without_overrides(first[0], eligible, policy, now_ms)
        return choose(first, policy, self._overrides, now_ms, eligible=self._eligible, rank=rank)

    def first(self, limit: int, now_ms: int) -> list[Entry]:
        """The first ``limit`` entries in firing order, blocked and delayed ones among them: for people to look at."""
        return order(self, self.policy, self._overrides, max(now_ms, self._now_ms), limit)

    def _first(self, enough: int) -> list[Entry]:
        """The first ``enough`` eligible entries, those that an override moves left out."""
        first: list[Entry] = []
        for level in self._levels.values():
            first += level.first(self._now_ms, enough - len(first))
            if len(first) == enough:
                break
        return first

    def _advance(self, now_ms: int) -> None:
        """Let time pass: what was delayed becomes ready, what has waited long is promoted."""
        self._now_ms = now_ms = max(now_ms, self._now_ms)
        while self._delayed and self._delayed[0][0] <= now_ms:
            _, ticket, entry = heappop(self._delayed)
            if entry.ticket == ticket:
                self._make_ready(entry)
        while self._promotions and self._promotions[0][0] <= now_ms:
            _, _, entry = heappop(self._promotions)
            if entry.ticket and self._entries.get(entry.activation) is entry and entry.not_before_ms <= now_ms:
                self._place(entry)

    def _delay(self, entry: Entry) -> None:
        entry.ticket = ticket = next(self._tickets)
        heappush(self._delayed, (entry.not_before_ms, ticket, entry))

    def _make_ready(self, entry: Entry) -> None:
        self._ready_of[entry.agent] = self._ready_of.get(entry.agent, 0) + 1
        self._eligible += entry.agent not in self._blocked
        if self._overrides and entry.activation in self._overrides:
            self._lifted[entry.activation] = entry
        else:
            self._place(entry)

    def _place(self, entry: Entry) -> None:
        """Put ``entry`` where it competes now, and see that it rises when it has waited long enough."""
        after_ms, index = self.policy.promote_after_ms, entry.level
        if after_ms is not None:
            index = self.policy.level_of(entry, self._now_ms)
            if index > 0:
                due_ms = entry.eligible_ms + after_ms * (entry.level - index + 1)
                heappush(self._promotions, (due_ms, next(self._tickets), entry))
        level = self._levels.get(index)
        if level is None:
            self._levels[index] = level = Level(self.policy, self._blocked, self._tickets)
            self._levels = dict(sorted(self._levels.items()))
        level.put(entry)

    def _items(self) -> int:
        """What all heaps hold, dead items included."""
        total = len(self._delayed) + len(self._promotions)
        for level in self._levels.values():
            total += level.items
        return total

    def _sweep(self) -> None:
        """Build the heaps anew from the entries alone, without the dead items."""
        self._levels.clear()
        self._delayed.clear()
        self._promotions.clear()
        for entry in self._entries.values():
            if entry.not_before_ms > self._now_ms:
                self._delay(entry)
            elif entry.activation not in self._lifted:
                self._place(entry)
