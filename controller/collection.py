"""The garbage collector while a run lasts: a board in memory is many small objects that live long.

With the interpreter's own thresholds it looks through the young ones every 700 allocations, which took a
tenth of the runtime's time on the benchmark's chain; records hold no cycles for it to find.
"""

from __future__ import annotations

import contextlib
import gc
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

YOUNG: Final = 20_000
"""allocations, less deallocations, between two looks"""


@contextlib.contextmanager
def collected_rarely() -> Iterator[None]:
    """Let the collector look less often inside; a process that chose less often still, or never, keeps its choice."""
    before = gc.get_threshold()
    if 0 < before[0] < YOUNG:
        gc.set_threshold(YOUNG, *before[1:])
    try:
        yield
    finally:
        if gc.get_threshold()[0] == YOUNG:
            gc.set_threshold(*before)
