"""The words in a record's status: what the runtime knows of whether it stands, beside its value.

A status is text, words separated by ``, ``; most records have none.
"""

from __future__ import annotations

from typing import Final

PROPOSED: Final = "proposed"
"""waits for a validator"""
SUPPORTED: Final = "supported"
"""stands only while what it rests on does"""


def passed_by(validator: str) -> str:
    """The word for what ``validator`` has passed."""
    return f"passed by {validator}"


def status_of(*words: str) -> str:
    """The status of these words; empty ones say nothing."""
    return ", ".join(word for word in words if word)


def is_supported(status: str) -> bool:
    """Whether a record of that status stands only while what it rests on does."""
    return bool(status) and SUPPORTED in status.split(", ")
