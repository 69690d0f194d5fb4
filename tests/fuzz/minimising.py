"""The smallest input, nearly, that still shows what a larger one showed."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


def minimised(data: bytes, still_fails: Callable[[bytes], bool], seconds: float) -> bytes:
    """``data`` without the pieces that can be left out one after the other, for at most ``seconds``."""
    deadline = time.monotonic() + seconds
    size = max(len(data) // 2, 1)
    while size and time.monotonic() < deadline:
        at, shrunk = 0, False
        while at < len(data) and time.monotonic() < deadline:
            shorter = data[:at] + data[at + size :]
            if still_fails(shorter):
                data, shrunk = shorter, True
            else:
                at += size
        if not shrunk:
            size //= 2
    return data
