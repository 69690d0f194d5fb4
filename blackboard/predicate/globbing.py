"""The one wildcard of predicates, matched in time linear in the text."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


def compile_glob(pattern: str) -> Callable[[str], bool]:
    """A test for texts like ``pattern``, in which ``*`` stands for any run of characters.

    Each piece between stars is looked for once, from where the one before it ended: the earliest
    place is always good enough, so nothing is tried twice.
    """
    first, *rest = pattern.split("*")
    if not rest:
        return pattern.__eq__
    *middle, last = rest
    pieces = [piece for piece in middle if piece]
    at_least = len(first) + len(last)

    def matches(text: str) -> bool:
        if len(text) < at_least or not text.startswith(first) or not text.endswith(last):
            return False
        at, end = len(first), len(text) - len(last)
        for piece in pieces:
            found = text.find(piece, at, end)
            if found < 0:
                return False
            at = found + len(piece)
        return True

    return matches
