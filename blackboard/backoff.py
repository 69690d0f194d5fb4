"""How long a writer waits that lost a race, so that the next round is not the same race again."""

from __future__ import annotations

import random


def backoff_s(attempt: int) -> float:
    """Seconds to wait after the ``attempt``-th conflict, counted from 0: up to 1 ms, doubling to 50 ms, full jitter."""
    return random.uniform(0, min(0.05, 0.001 * 2**attempt))  # noqa: S311  # spreads writers, guards nothing
