"""Values that records hold, at random, with those that are easily taken for each other."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from random import Random

SCALARS: Final = (
    None, True, False, 0, 1, -1, 2**53, 2**53 + 1, 2**63, 2**64 - 1, -(2**63), 0.0, -0.0, 1.0, 0.5, float(2**53), 1e308, 5e-324,
    "", "a", "b", "1", "true", "null", "x y", "ab", "aba", "abba", "é😀", "\x00", "\x1b[31m", "status", b"", b"a", b"\xff\x00",
)  # fmt: skip
NAMES: Final = ("a", "b", "c", "status", "amount", "tags", "", "value", "record", "content-type", "é")


def random_value(chance: Random, depth: int = 0) -> Any:
    """A value of at most five levels."""
    kind = chance.random()
    if depth >= 4 or kind < 0.5:
        return chance.choice(SCALARS)
    if kind < 0.65:
        return [random_value(chance, depth + 1) for _ in range(chance.randint(0, 3))]
    return {chance.choice(NAMES): random_value(chance, depth + 1) for _ in range(chance.randint(0, 4))}


def exactly(value: object) -> str:
    """A text that tells 1 from 1.0 and True, and 0.0 from -0.0."""
    return repr(value)
