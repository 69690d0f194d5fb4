"""A plug-in of pytest that fails a test which does not end: under some bugs a call waits for ever."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING, Final

import pytest

if TYPE_CHECKING:
    from collections.abc import Generator
    from types import FrameType

PHASE_WITHIN_S: Final = 30.0
"""for the test, and as much again for what sets it up and what clears up after it"""
AGAIN_S: Final = 2.0
"""where the code that was interrupted went on all the same"""


class NoEnd(SystemExit):
    """A test takes too long.  Of this family because an event loop keeps every other error of a callback to itself."""


def _give_up(number: int, frame: FrameType | None) -> None:
    raise NoEnd(f"it did not end within {PHASE_WITHIN_S:g} s")


def _limited() -> Generator[None, object, object]:
    before = signal.signal(signal.SIGALRM, _give_up)
    signal.setitimer(signal.ITIMER_REAL, PHASE_WITHIN_S, AGAIN_S)
    try:
        return (yield)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_setup() -> Generator[None, object, object]:
    """Limit what sets a test up."""
    return (yield from _limited())


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call() -> Generator[None, object, object]:
    """Limit the test."""
    return (yield from _limited())


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown() -> Generator[None, object, object]:
    """Limit what clears up after it."""
    return (yield from _limited())
