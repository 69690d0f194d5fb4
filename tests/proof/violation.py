"""A promise that was broken."""

from __future__ import annotations

from typing import NamedTuple


class Violation(NamedTuple):
    """Which oracle found it, and what it found, in a sentence."""

    oracle: str
    sentence: str
