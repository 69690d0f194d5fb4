"""What ``/`` takes: a bare word, a pattern of records, or a condition of the predicate language."""

from __future__ import annotations

from typing import NamedTuple


class Filter(NamedTuple):
    """What is to be shown."""

    text: str
