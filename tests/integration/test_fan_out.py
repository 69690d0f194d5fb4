"""Claims about shapes of work: what waits for another takes the sum, what does not takes as long as the slowest."""

from __future__ import annotations

import asyncio
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from knowledge_sources import Collect, knowledge_source
from tests.leading import activations, going_on, leading, run, values
from tests.waiting import eventually

if TYPE_CHECKING:
    from blackboard.board import Board

NAMES = ("first", "second", "third")


async def test_in_a_pipeline_each_begins_when_the_one_before_has_ended_so_the_whole_takes_the_sum(board: Board) -> None:
    def step(name: str, watched: str, written: str) -> object:
        @knowledge_source({"item": watched}, contributes=written, name=name)
        async def work(item: Any) -> Any:
            await asyncio.sleep(0.02)
            return item + 1

        return work

    await board.put("a/1", 0)
    await run(board, step("first", "a/{x}", "b/{x}"), step("second", "b/{x}", "c/{x}"), step("third", "c/{x}", "d/{x}"))
    by_name = {one["agent"]: one for one in await activations(board)}
    for before, after in pairwise(NAMES):
        assert by_name[after]["decision"]["revision"] > by_name[before]["decision"]["revision"]
        ((_, key, commit),) = by_name[after]["triggers"]
        written = await board.get(key)
        assert written is not None
        assert (written.activation, written.commit) == (by_name[before]["id"], commit)


async def test_a_fan_out_has_all_at_work_at_once_so_the_whole_takes_as_long_as_the_slowest(board: Board) -> None:
    """None of the three ends before all have begun: one that waited for another would wait for ever."""
    inside: set[str] = set()
    together = asyncio.Event()

    def check(name: str) -> object:
        @knowledge_source({"item": "a/{x}"}, contributes=f"part/{{x}}/{name}", name=name)
        async def work(item: Any) -> Any:
            inside.add(name)
            await together.wait()
            return name

        return work

    @knowledge_source({"parts": Collect("part/{x}/*", at_least=3)}, contributes="whole/{x}")
    async def aggregate(parts: list[str]) -> Any:
        return sorted(parts)

    await board.put("a/1", {})
    async with leading(board, *map(check, NAMES), aggregate) as controller, going_on(controller) as end:
        await eventually(lambda: inside == set(NAMES), "all three are at work")
        together.set()
        await end
    assert await values(board, "whole/*") == {"whole/1": ["first", "second", "third"]}
    done = {one["agent"]: one for one in await activations(board)}
    parts = await board.find("part/1/*")
    assert done["aggregate"]["eligible_ms"] == max(part.time_ms for part in parts)
    assert done["aggregate"]["decision"]["revision"] >= max(part.revision for part in parts)
