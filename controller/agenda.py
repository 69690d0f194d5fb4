"""The pending ones, in the order in which they would fire."""

from __future__ import annotations

from heapq import heappop, heappush
from itertools import count
from typing import TYPE_CHECKING

from controller.entry import Entry
from controller.grouping import keys_of
from controller.levels import Levels
from controller.shares import Shares
from controller.strategy import FRONT, SHOWN, Choice, Lift, choose, order, pick, rank_without_overrides, standings

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from collections.abc import Set as AbstractSet

    from controller.grouping import Key, Lane
    from controller.strategy import Policy, Standing

__all__ = ["Agenda", "Entry"]


class Agenda:
    """Pending entries in the order of :func:`controller.strategy.pick`, which it always agrees with.

    Adding, removing and picking take time that grows with the logarithm of the number of entries; each
    entry whose place an override changes adds a constant to every pick.  To block what many lanes have in common
    takes time that grows with their number.  Time does not run back here: an earlier ``now_ms`` counts as the
    latest one seen.
    """

    def __init__(self, policy: Policy) -> None:
        self.policy = policy
        self.shares = Shares() if policy.fair else None
        self._now_ms = 0
        self._entries: dict[str, Entry] = {}
        self._delayed: list[tuple[int, int, Entry]] = []
        self._promotions: list[tuple[int, int, Entry]] = []
        self._blocked: dict[Key, set[str]] = {}
        """agent or group → what keeps it from firing"""
        self._lanes: dict[Key, dict[Lane, None]] = {}
        """agent or group → its lanes that have ready entries"""
        self._off: dict[Lane, int] = {}
        """lane → how many of its keys are blocked, where any is"""
        self._overrides: dict[str, Lift] = {}
        self._lifted: dict[str, Entry] = {}
        self._ready_of: dict[Lane, int] = {}
        self._eligible = 0
        self._state = 0
        """rises with everything but a removal and the passing of time"""
        self._tickets = count(1)
        self._levels = Levels(policy, self._off, self._tickets, self.shares)

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
    def blocked(self) -> Mapping[Key, AbstractSet[str]]:
        """The agents and groups whose entries are not eligible now, each with the reasons."""
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
            self._leave(entry.lane)
        if self._items() > 4 * len(self._entries) + 64:
            self._sweep()
        return entry

    def block(self, key: Key, reason: str) -> None:
        """From now on no entry of ``key`` is eligible, until each ``reason`` given for that is taken back."""
        reasons = self._blocked.get(key)
        if reasons is not None:
            reasons.add(reason)
            return
        self._state += 1
        self._blocked[key] = {reason}
        for lane in self._lanes.get(key, ()):
            off = self._off[lane] = self._off.get(lane, 0) + 1
            if off == 1:
                self._eligible -= self._ready_of[lane]

    def unblock(self, key: Key, reason: str) -> None:
        """Take ``reason`` back; the entries of ``key`` are eligible again where nothing else blocks them."""
        reasons = self._blocked.get(key)
        if reasons is None or reason not in reasons:
            return
        reasons.discard(reason)
        if reasons:
            return
        self._state += 1
        del self._blocked[key]
        for lane in self._lanes.get(key, ()):
            self._off[lane] -= 1
            if not self._off[lane]:
                del self._off[lane]
                self._eligible += self._ready_of[lane]
                self._levels.unblock(lane)

    def served(self, choice: Choice) -> None:
        """``choice`` fires: where firings are shared its flow has had one more."""
        if choice.share is not None:
            self._state += 1
            self._levels.serve(choice.level, choice.entry.flow, choice.share, in_turn=choice.override is None)

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
            state, now_ms = self._state, self._now_ms
            first = self._levels.first(now_ms, most + SHOWN - 1)
            stand: list[Standing] = []
            for at in range(min(most, len(first))):
                stand += standings(first[len(stand) : at + SHOWN], self.policy, {}, now_ms, self.shares)
                yield choose(stand[at : at + SHOWN], {}, now_ms, eligible=self._eligible, rank=1)
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
        now_ms, policy, shares = self._now_ms, self.policy, self.shares
        first = self._levels.first(now_ms, SHOWN)
        if not self._lifted:
            return choose(standings(first, policy, {}, now_ms, shares), {}, now_ms, eligible=self._eligible, rank=1)
        first += [entry for entry in self._lifted.values() if entry.lane not in self._off]
        first = order(first, policy, self._overrides, now_ms, SHOWN, shares=shares)
        eligible = (e for e in self if e.not_before_ms <= now_ms and e.lane not in self._off)
        rank = rank_without_overrides(first[0], eligible, policy, now_ms, shares)
        stand = standings(first, policy, self._overrides, now_ms, shares)
        return choose(stand, self._overrides, now_ms, eligible=self._eligible, rank=rank)

    def chosen(self, activation_id: str, now_ms: int, override: str) -> Choice | None:
        """The choice of that entry, whoever is before it; ``None`` where it is not eligible.

        ``override`` is what the decision names as the one that moved it, if it was not first by itself.
        """
        entry = self._entries.get(activation_id)
        first = self.pick(now_ms)
        if entry is None or first is None or entry.not_before_ms > self._now_ms or entry.lane in self._off:
            return None
        if first.entry is entry:
            return first
        moved = {**self._overrides, activation_id: Lift(FRONT, override)}
        return pick(list(self), self.policy, moved, self._now_ms, blocked=self._blocked, shares=self.shares)

    def first(self, limit: int, now_ms: int) -> list[Entry]:
        """The first ``limit`` entries in firing order, blocked and delayed ones among them: for people to look at."""
        return order(self, self.policy, self._overrides, max(now_ms, self._now_ms), limit, shares=self.shares)

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
        ready = self._ready_of.get(entry.lane)
        if ready is None:
            self._enter(entry.lane)
            ready = 0
        self._ready_of[entry.lane] = ready + 1
        self._eligible += entry.lane not in self._off
        if self._overrides and entry.activation in self._overrides:
            self._lifted[entry.activation] = entry
        else:
            self._place(entry)

    def _enter(self, lane: Lane) -> None:
        """``lane`` has its first ready entry."""
        blocked = 0
        for key in keys_of(lane):
            self._lanes.setdefault(key, {})[lane] = None
            blocked += key in self._blocked
        if blocked:
            self._off[lane] = blocked

    def _leave(self, lane: Lane) -> None:
        """A ready entry of ``lane`` is gone; a lane of groups goes with its last, or they would pile up."""
        self._ready_of[lane] -= 1
        self._eligible -= lane not in self._off
        if not self._ready_of[lane] and not isinstance(lane, str):
            del self._ready_of[lane]
            self._off.pop(lane, None)
            for key in lane:
                lanes = self._lanes[key]
                del lanes[lane]
                if not lanes:
                    del self._lanes[key]
            self._levels.forget(lane)

    def _place(self, entry: Entry) -> None:
        """Put ``entry`` where it competes now, and see that it rises when it has waited long enough."""
        after_ms, index = self.policy.promote_after_ms, entry.level
        if after_ms is not None:
            index = self.policy.level_of(entry, self._now_ms)
            if index > 0:
                due_ms = entry.eligible_ms + after_ms * (entry.level - index + 1)
                heappush(self._promotions, (due_ms, next(self._tickets), entry))
        self._levels.put(index, entry)

    def _items(self) -> int:
        """What all heaps hold, dead items included."""
        return len(self._delayed) + len(self._promotions) + self._levels.items

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
