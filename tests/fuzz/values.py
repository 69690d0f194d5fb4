"""Values that records hold, at random, with those that are easily taken for each other."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Sequence
    from random import Random

SCALARS: Final = (
    None, True, False, 0, 1, -1, 2**53, 2**53 + 1, 2**63, 2**64 - 1, -(2**63), 0.0, -0.0, 1.0, 0.5, float(2**53), 1e308, 5e-324,
    "", "a", "b", "1", "true", "null", "x y", "ab", "aba", "abba", "é😀", "\x00", "\x1b[31m", "status", b"", b"a", b"\xff\x00",
)  # fmt: skip
NAMES: Final = ("a", "b", "c", "status", "amount", "tags", "", "value", "record", "content-type", "é")


def random_value(
    chance: Random, depth: int = 0, *, scalars: Sequence[Any] = SCALARS, names: Sequence[str] = NAMES
) -> Any:
    """A value of at most five levels, of these scalars and field names."""
    kind = chance.random()
    if depth >= 4 or (kind < 0.5 and depth):
        return chance.choice(scalars)
    if kind < 0.15 or 0.5 < kind < 0.6:
        below = chance.randint(0, 3)
        return [random_value(chance, depth + 1, scalars=scalars, names=names) for _ in range(below)]
    if kind < 0.2:
        return chance.choice(scalars)
    fields = chance.choices(names, k=chance.randint(0, 5))
    return {name: random_value(chance, depth + 1, scalars=scalars, names=names) for name in fields}


def exactly(value: object) -> str:
    """A text that tells 1 from 1.0 and True, and 0.0 from -0.0."""
    return repr(value)
