"""The records of a model in an order: those that a filter accepts, by region, kept up with every change.

A board may hold a hundred thousand: to look at all of them, for another order or a filter, takes longer than a key
may wait.  :meth:`Arrangement.work` does a part of it at a time, and what is found so far is shown.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeAlias

from blackboard.errors import Corrupt
from blackboard.keys import CONTROL_REGION
from controller.viewer.ordered import Ordered

if TYPE_CHECKING:
    from collections.abc import Callable

    from blackboard.record import Record
    from controller.viewer.filtering import Filter
    from controller.viewer.model import Model


class Order(NamedTuple):
    """What a record is sorted by, before its key."""

    of: Callable[[Record[Any]], int | str]
    steps: int = 2
    """how long it takes to sort one in"""


Group: TypeAlias = Ordered[tuple[Any, str]]
STEPS_DECODED: Final = 5
STEPS_IN_JSON: Final = 10
"""to look into a small record, where a step is some 2 µs"""
BYTES_A_STEP: Final = 1_024
"""a large one takes one step more for each of so many"""


def group_of(key: str) -> str:
    """The region that ``key`` is shown under; keys of one segment, each a region of its own, share the group ``""``."""
    region, slash, _ = key.partition("/")
    return region if slash else ""


def author_or_nobody(record: Record[Any]) -> str:
    """Who wrote it, ``""`` where that does not decode."""
    try:
        return record.fresh().author  # a copy, as where a filter looks
    except Corrupt:
        return ""


ORDERS: Final = {
    "key": Order(lambda _: ""),
    "newest": Order(lambda record: -record.revision),
    "version": Order(lambda record: -record.version),
    "author": Order(author_or_nobody, steps=4),
    "size": Order(lambda record: -len(record.packed)),
}
"""by name: the greatest, the newest and the most often written come first"""


class Arrangement:
    """Groups of ``(order, key)``, as :func:`group_of` names them, or one of name ``""`` where none are wanted.

    Groups in ``without`` are left out.
    """

    def __init__(
        self,
        model: Model,
        order: Order,
        wanted: Filter | None = None,
        *,
        grouped: bool = True,
        without: frozenset[str] = frozenset(),
    ) -> None:
        self.groups: dict[str, Group] = {}
        self.count = 0
        """how many are accepted so far"""
        self.moves = 0
        """rises whenever a group has become longer or shorter"""
        self._model = model
        self._order = order
        self._wanted = wanted
        self._grouped = grouped
        self._without = without
        self._orders: dict[str, int | str] = {}
        """of each that is in, what it is sorted by"""
        regions = sorted(model.regions.items(), key=lambda one: one[0] == CONTROL_REGION, reverse=True)
        kept = (records if region not in without else records.keys() & {region} for region, records in regions)
        self._left = [key for keys in kept for key in keys]
        self._all = len(self._left)

    @classmethod
    def by_key(cls, model: Model) -> Arrangement:
        """All records by region and key, at once: the one that needs no record looked at."""
        made = cls(model, ORDERS["key"])
        alone = [region for region, keys in model.regions.items() if region in keys]
        by_group = {"": alone} if alone else {}
        by_group |= {name: sorted(keys) for name, keys in model.regions.items() if len(keys) > (name in keys)}
        for name in set(alone) & by_group.keys():
            by_group[name].remove(name)
        made.groups = {name: Ordered(("", key) for key in keys) for name, keys in by_group.items()}
        made._orders = dict.fromkeys(made._left, "")
        made.count = len(made._left)
        made._left.clear()
        return made

    @property
    def done(self) -> float:
        """The share of the records that has been looked at; 1 once all were."""
        return 1 - len(self._left) / self._all if self._left else 1.0

    def item(self, key: str) -> tuple[str, tuple[int | str, str]] | None:
        """The group that holds ``key`` and the item there; ``None`` where none does."""
        order = self._orders.get(key)
        return None if order is None else (self._group(key), (order, key))

    def place(self, key: str) -> int:
        """Put the record at ``key`` where it belongs by now, or take it out; returns how many steps that took."""
        record = self._model.get(key)
        order: int | str | None = None
        steps = 1
        if record is not None and not (self._without and group_of(key) in self._without):
            accepted, steps = self._judge(record)
            order = self._order.of(record) if accepted else None
        before = self._orders.get(key)
        if order != before:
            self._move(key, before, order)
        return steps

    def _judge(self, record: Record[Any]) -> tuple[bool, int]:
        """Whether ``record`` is accepted, and how many steps it took to find out."""
        if self._wanted is None:
            return True, self._order.steps
        if not self._wanted.may_accept_record(record):
            return False, 1 + len(record.packed) // (64 * BYTES_A_STEP)
        # A copy, since a record keeps what was decoded: all of them would take more memory than the board.
        steps = STEPS_IN_JSON if self._wanted.words else STEPS_DECODED
        return self._wanted.accepts_record(record.fresh()), steps + len(record.packed) // BYTES_A_STEP

    def work(self, steps: int) -> None:
        """Look at some more of the records, for about so many steps."""
        left = self._left
        while left and steps > 0:
            steps -= self.place(left.pop())

    def _move(self, key: str, before: int | str | None, order: int | str | None) -> None:
        name = self._group(key)
        self.moves += before is None or order is None
        if before is not None:
            group = self.groups[name]
            group.remove((before, key))
            del self._orders[key]
            self.count -= 1
            if not group:
                del self.groups[name]
        if order is not None:
            self.groups.setdefault(name, Ordered()).add((order, key))
            self._orders[key] = order
            self.count += 1

    def _group(self, key: str) -> str:
        return group_of(key) if self._grouped else ""
