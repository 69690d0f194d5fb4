"""What standing orders make of the pending: who is held, who is to be vetoed, whose place they move."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from controller.entry import FOREVER
from controller.standing_orders import StandingOrders, target_of

if TYPE_CHECKING:
    from controller.agenda import Agenda
    from controller.entry import Entry


class Ruled(NamedTuple):
    """An entry that an order keeps off the agenda; ``key`` is the order's."""

    entry: Entry
    key: str


class Rulings:
    """The orders that stand on one board, and the entries that they keep off its agendas.

    What is held is derived, as what is pending is: no record says so but the order's.  The next controller finds the
    order and the match, and holds it as well.
    """

    def __init__(self) -> None:
        self.orders = StandingOrders()
        self.held: dict[str, Ruled] = {}
        """by activation"""
        self.condemned: dict[str, Ruled] = {}
        """those that a veto is about to end, by activation"""

    @property
    def waiting(self) -> int:
        """How many the run has to wait for: those to be vetoed, and those held for a time."""
        return len(self.condemned) + sum(self._is_timed(one.key) for one in self.held.values())

    def admit(self, entry: Entry, agenda: Agenda) -> bool:
        """Whether ``entry`` may go onto ``agenda``, where it is given the place that the orders say."""
        ruling = self.orders.ruling(target_of(entry)) if self.orders else None
        if ruling is None:
            if entry.activation in agenda.overrides:
                agenda.drop_lift(entry.activation)
            return True
        if ruling.verb in ("hold", "veto"):
            off = self.held if ruling.verb == "hold" else self.condemned
            off[entry.activation] = Ruled(entry, ruling.key)
            return False
        # The first call waits for nothing but its triggers; what is not there yet cannot be forced to be.
        if ruling.verb != "boost" and entry.attempt > 1 and entry.not_before_ms < FOREVER:
            entry.not_before_ms = 0
        agenda.lift(entry.activation, ruling.lift)
        return True

    def get(self, activation: str) -> Entry | None:
        """The entry of that id, if it is kept off the agenda."""
        ruled = self.held.get(activation) or self.condemned.get(activation)
        return ruled.entry if ruled is not None else None

    def remove(self, activation: str) -> Entry | None:
        """Take the entry of that id out; ``None`` where it is not kept off the agenda."""
        ruled = self.held.pop(activation, None) or self.condemned.pop(activation, None)
        return ruled.entry if ruled is not None else None

    def _is_timed(self, key: str) -> bool:
        order = self.orders.get(key)
        return order is not None and order.expires_ms is not None
