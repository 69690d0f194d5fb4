"""What has been opened: read beside the keys, closed where it cannot be read, and gone back through."""

from __future__ import annotations

import asyncio

import pytest

from blackboard.errors import NothingSelected
from controller.viewer.app.trail import Trail
from controller.viewer.line import line
from controller.viewer.plain_detail import Entry, PlainDetail


class Slow(PlainDetail):
    """A detail that is read when it is let, and knows how often it was."""

    def __init__(self, title: str, error: Exception | None = None) -> None:
        super().__init__(title, [])
        self.may_read = asyncio.Event()
        self.times = 0
        self._error = error

    async def load(self) -> None:
        await self.may_read.wait()
        if self._error is not None:
            raise self._error
        self.times += 1
        self.entries = [Entry("read", line("read"))]

    def concerns(self, key: str) -> bool:
        return key == "a/b"


def quick(title: str, error: Exception | None = None) -> Slow:
    detail = Slow(title, error)
    detail.may_read.set()
    return detail


async def freshened(trail: Trail, times: int = 1) -> None:
    """Return once so many of what was begun have been read."""
    for _ in range(1_000):
        times -= await trail.freshen()
        if not times:
            return
        await asyncio.sleep(0)
    raise AssertionError("nothing was read")


async def test_what_takes_long_to_read_is_open_meanwhile_and_shown_when_it_is_read() -> None:
    trail, slow = Trail(), Slow("slow")
    await trail.open(slow, 80)
    assert trail.top is slow
    assert not len(slow)
    assert not await trail.freshen()
    slow.may_read.set()
    await freshened(trail)
    assert len(slow) == 1


async def test_what_cannot_be_read_is_not_opened_whether_that_is_known_soon_or_late() -> None:
    trail, below = Trail(), quick("below")
    await trail.open(below, 80)
    with pytest.raises(NothingSelected):
        await trail.open(quick("gone", NothingSelected("gone")), 80)
    assert trail.top is below
    late = Slow("late", NothingSelected("late"))
    await trail.open(late, 80)
    late.may_read.set()
    with pytest.raises(NothingSelected):
        await freshened(trail)
    assert trail.top is below


async def test_what_was_asked_for_last_is_read_last() -> None:
    trail, slow, second = Trail(), Slow("slow"), quick("second")
    await trail.open(slow, 80)
    await trail.open(second, 80)
    assert not len(second)
    slow.may_read.set()
    await freshened(trail, 2)
    assert (len(slow), len(second)) == (1, 1)


async def test_going_back_gives_where_one_was_and_reads_again_what_may_have_changed() -> None:
    trail, first, second = Trail(), quick("first"), quick("second")
    await trail.open(first, 80)
    await trail.open(second, 80, "row 7")
    assert trail.back() == "row 7"
    assert trail.top is first
    await freshened(trail)
    assert first.times == 2
    assert trail.back() == ""
    assert trail.top is None


async def test_only_what_concerns_the_one_on_top_has_it_read_again_and_another_moment_always_does() -> None:
    trail, detail = Trail(), quick("it")
    await trail.open(detail, 80)
    trail.note("c/d")
    trail._not_before = 0.0
    assert not await trail.freshen()
    trail.note("a/b")
    await freshened(trail)
    trail.moved()
    trail._not_before = 0.0
    await freshened(trail)
    assert detail.times == 3


async def test_a_key_and_the_timer_at_once_read_one_after_the_other_and_what_fails_is_raised_once() -> None:
    trail, slow = Trail(), Slow("slow")
    under_way = most = 0

    async def read(error: Exception | None = None) -> None:
        nonlocal under_way, most
        under_way += 1
        most = max(most, under_way)
        for _ in range(3):
            await asyncio.sleep(0)
        under_way -= 1
        if error is not None:
            raise error

    await trail.open(slow, 80)
    await asyncio.gather(trail.read(read(NothingSelected("key"))), trail.read(read()), trail.read(read()))
    slow.may_read.set()
    with pytest.raises(NothingSelected, match="key"):
        await freshened(trail, 9)
    await freshened(trail, 2)  # the others: nothing is raised twice
    assert most == 1


@pytest.mark.parametrize("above", [True, False])
async def test_what_fails_late_is_closed_itself_and_nothing_that_is_on_top_by_then(above: bool) -> None:
    trail, below, late, other = Trail(), quick("below"), Slow("late", NothingSelected("late")), quick("other")
    await trail.open(below, 80)
    await trail.open(late, 80, "row of below")
    if not above:
        assert trail.back() == "row of below"
    await trail.open(other, 80, "row of late" if above else "row of below")
    late.may_read.set()
    with pytest.raises(NothingSelected):
        await freshened(trail, 9)
    assert trail.top is other
    assert trail.back() == "row of below"
    assert trail.top is below


async def test_at_the_end_nothing_is_read_any_more() -> None:
    trail = Trail()
    await trail.open(Slow("one"), 80)
    await trail.open(Slow("two"), 80)
    trail.close()
    await trail.aclose()
    assert not [task for task in asyncio.all_tasks() if task.get_name() == "blackboard-detail"]
