"""A link through redis-py's connection, where the connection is a driver of ours that misbehaves."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Any

from blackboard.connect import connect
from blackboard.link import ClientLink, LinkLost


class Swallowing:
    """A driver that has its answer at the moment when it is cancelled, and returns it."""

    def __init__(self) -> None:
        self.reading = asyncio.Event()

    async def send_command(self, *arguments: Any) -> None:
        return

    async def read_response(self) -> bytes:
        self.reading.set()
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.Event().wait()
        return b"OK"

    async def disconnect(self, nowait: bool = False) -> None:
        return


async def test_a_link_that_is_closed_ends_though_its_driver_swallows_the_cancellation() -> None:
    """Its task waited for more to send, for ever, and whoever closed the loop waited for it."""
    driver, answers = Swallowing(), list[Any]()
    link = ClientLink(driver)
    link.send(["GET", "a"], answers.append)
    link.send(["GET", "b"], answers.append)
    await driver.reading.wait()
    tasks = asyncio.all_tasks() - {asyncio.current_task()}
    link.close()
    ended, still_running = await asyncio.wait(tasks, timeout=5)
    assert (len(ended), still_running) == (1, set())
    assert [type(answer) for answer in answers] == [LinkLost, LinkLost]


async def test_an_answer_that_comes_after_closing_is_told_to_nobody() -> None:
    """The commits of a call that had been sent again, or given up, were settled a second time by it."""
    driver, answers = Swallowing(), list[Any]()
    link = ClientLink(driver)
    link.send(["EVALSHA", "commit"], answers.append)
    await driver.reading.wait()
    link.close()
    await asyncio.wait(asyncio.all_tasks() - {asyncio.current_task()}, timeout=5)
    (told,) = answers
    assert isinstance(told, LinkLost)


async def test_opening_a_link_that_is_cancelled_leaves_none_behind_however_far_it_was() -> None:
    """Cancelled in its last step, it left a connection that nobody knew of and nobody closed."""
    async with await connect("memory:") as backend:
        for turns in range(12):
            opening = asyncio.create_task(ClientLink.open(backend))
            for _ in range(turns):
                await asyncio.sleep(0)
            opening.cancel()
            await asyncio.wait([opening])
            if not opening.cancelled():  # it was done, or the driver swallowed that
                opening.result().close()
            links = [task for task in asyncio.all_tasks() if task.get_name() == "blackboard-link"]
            left = (await asyncio.wait(links, timeout=0.5))[1] if links else set()
            assert left == set(), f"cancelled after {turns} turns"
