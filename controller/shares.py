"""Who has been served how much: fair sharing of firings among the values of one capture.

Start-time fair queueing (Goyal, Vin and Cheng, 1996) with calls of equal length and equal weights.  Each priority
level keeps a virtual time, the tag of the latest that fired in its turn.  A *flow*, that is a value of the capture,
has the tag ``max(virtual time, tag of its latest firing + 1)``, and of those that are eligible the least tag fires.

So the tags of two flows that both are eligible differ by 1 at most, whatever they have had before, and while both
stay eligible at one level the numbers of their firings differ by 2 at most; by 1 from a moment when their tags are
equal.  Who was away saves nothing up, and who comes is not made to wait for what others had in the past.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

KEPT: Final = 10_000
"""Flows that are ahead of the virtual time and remembered; of more the half that was served longest ago is forgotten,
which costs the others one firing for each that comes again."""


class Shares:
    """What each flow has had, by priority level.  What is needed to go on is in the decisions: see :meth:`rebuild`."""

    def __init__(self) -> None:
        self._next: dict[tuple[int, str], int] = {}
        self._virtual: dict[int, int] = {}

    def tag(self, level: int, flow: str) -> int:
        """What ``flow`` stands at in the order of ``level``; the least is first."""
        return max(self._next.get((level, flow), 0), self._virtual.get(level, 0))

    def serve(self, level: int, flow: str, tag: int, *, in_turn: bool) -> None:
        """One of ``flow``, which stood at ``tag``, fires.

        Where an override put it in front, ``in_turn`` is false: it is counted, and the others do not fall behind.
        """
        before = self._next.pop((level, flow), 0)
        self._next[level, flow] = max(tag + 1, before)  # the latest is last
        if in_turn:
            self._virtual[level] = max(tag, self._virtual.get(level, 0))
        if len(self._next) > KEPT:
            self._prune()

    def _prune(self) -> None:
        """Drop the marks of those who stand where one stands that never was served, then the oldest ones."""
        ahead = [(at, tag) for at, tag in self._next.items() if tag > self._virtual.get(at[0], 0)]
        self._next = dict(ahead[-KEPT // 2 :])

    def rebuild(self, decisions: Iterable[tuple[int, str, int, bool]]) -> None:
        """What the decisions of a run tell, the latest last: level, flow, tag, and whether it was in its turn."""
        self._next, self._virtual = {}, {}
        for level, flow, tag, in_turn in decisions:
            self.serve(level, flow, tag, in_turn=in_turn)
