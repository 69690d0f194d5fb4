"""Which activations are overdue, and when the next one will be."""

from __future__ import annotations

from heapq import heapify, heappop, heappush


class DeadlineHeap:
    """One deadline per activation id, in milliseconds since 1970; moving and removing cost next to nothing."""

    def __init__(self) -> None:
        self._deadline_of: dict[str, int] = {}
        self._heap: list[tuple[int, str]] = []

    def __len__(self) -> int:
        return len(self._deadline_of)

    def get(self, activation: str) -> int | None:
        """The deadline of that activation, if it has one."""
        return self._deadline_of.get(activation)

    def set(self, activation: str, deadline_ms: int) -> None:
        """Give the activation its deadline, in place of an earlier one."""
        if self._deadline_of.get(activation) != deadline_ms:
            self._deadline_of[activation] = deadline_ms
            heappush(self._heap, (deadline_ms, activation))
            self._sweep()

    def remove(self, activation: str) -> None:
        """The activation has no deadline any more; nothing happens if it had none."""
        if self._deadline_of.pop(activation, None) is not None:
            self._sweep()

    def due(self, now_ms: int) -> list[tuple[str, int]]:
        """Take out all whose deadline has come, as ``(activation, deadline_ms)``, the earliest first."""
        found = []
        while self._heap and self._heap[0][0] <= now_ms:
            deadline_ms, activation = heappop(self._heap)
            if self._deadline_of.get(activation) == deadline_ms:
                del self._deadline_of[activation]
                found.append((activation, deadline_ms))
        return found

    def next_ms(self) -> int | None:
        """The earliest deadline, ``None`` without any."""
        while self._heap and self._deadline_of.get(self._heap[0][1]) != self._heap[0][0]:
            heappop(self._heap)
        return self._heap[0][0] if self._heap else None

    def _sweep(self) -> None:
        if len(self._heap) > 2 * len(self._deadline_of) + 64:
            self._heap = [(deadline_ms, activation) for activation, deadline_ms in self._deadline_of.items()]
            heapify(self._heap)
