"""How long something may take, by the processor time of this process: what else the machine does is not in it."""

from __future__ import annotations

import sys
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

TRACED = 4
"""times as much where each line is traced, as for coverage"""


@contextmanager
def processor_time_below(seconds: float) -> Iterator[None]:
    """Fail where what is in here needs as much as ``seconds``."""
    limit = seconds * (TRACED if sys.gettrace() is not None else 1)
    began = time.process_time()
    yield
    needed = time.process_time() - began
    assert needed < limit, f"it needed {needed:.2f} s of processor time, and was to need less than {limit:g} s"
