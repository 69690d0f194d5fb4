"""Attending to what is late: the overseer's turn comes when something is due, and only one goes on at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from controller.gate import Gate
    from controller.overseer import Overseer
    from controller.side_work import SideWork


class Attending:
    """Lets the overseer see to what is due, beside the cycle."""

    def __init__(self, overseer: Overseer, gate: Gate, side: SideWork) -> None:
        self.busy = False
        """whether the overseer is at it"""
        self._overseer = overseer
        self._gate = gate
        self._side = side

    def next_ms(self) -> int | None:
        """When the overseer has something to do next; what is late waits while people have stopped the flow."""
        due = self._overseer.next_ms()
        return due if due == 0 or not self._gate.closed else None

    def attend(self, now_ms: int) -> None:
        """Let the overseer begin with what is due by ``now_ms``."""
        due = self.next_ms()
        if due is not None and due <= now_ms and not self.busy:
            self.busy = True
            self._side.do(self._attend())

    async def _attend(self) -> None:
        try:
            await self._overseer.attend(late=not self._gate.closed)
        finally:
            self.busy = False
