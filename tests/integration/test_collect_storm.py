"""Claims about collecting while members come, change and go and one controller takes over from another."""

from __future__ import annotations

import asyncio
import random
from typing import TYPE_CHECKING, Any

import pytest

from knowledge_sources import Collect, Record, knowledge_source
from tests.leading import activations, going_on, leading, run

if TYPE_CHECKING:
    from blackboard.board import Board

GROUPS = 8


@knowledge_source({"votes": Collect("vote/{g}/*", at_least=2)}, contributes="sum/{g}")
async def summing(votes: list[Record[int]]) -> Any:
    await asyncio.sleep(0.002)
    return {vote.key: [vote.commit, vote.value] for vote in votes}


@knowledge_source(
    {"ask": "ask/{g}", "votes": Collect("vote/{g}/*", at_least=0, of=3, within="50ms")}, contributes="all/{g}"
)
async def waiting(votes: list[Record[int]]) -> Any:
    await asyncio.sleep(0.002)
    return {vote.key: [vote.commit, vote.value] for vote in votes}


async def storm(board: Board, chance: random.Random, changes: int) -> None:
    """Votes that come, change and go."""
    for _ in range(changes):
        key = f"vote/{chance.randrange(GROUPS)}/{chance.randrange(4)}"
        if chance.random() < 0.3:
            await board.delete(key)
        else:
            await board.put(key, chance.randrange(100))


@pytest.mark.parametrize("seed", range(2))
async def test_each_group_is_summed_once_on_members_as_they_stood_whoever_leads(board: Board, seed: int) -> None:
    chance = random.Random(seed)
    for group in range(GROUPS):
        await board.put(f"ask/{group}", {})
    for _ in range(3):
        async with leading(board, summing, waiting) as controller, going_on(controller):
            await asyncio.gather(*(storm(board, random.Random(chance.random()), 15) for _ in range(3)))
    for group in range(GROUPS):
        for name in "01":
            await board.put(f"vote/{group}/{name}", 1)
    assert (await run(board, summing, waiting)).status == "finished"
    found = await activations(board)
    for agent, region in (("summing", "sum"), ("waiting", "all")):
        done = {one["captures"]["g"]: one for one in found if one["agent"] == agent}
        assert len(done) == sum(one["agent"] == agent for one in found) == GROUPS, "one activation a group"
        for group, one in done.items():
            assert one["state"] == "executed", one
            written = await board.get(f"{region}/{group}")
            assert written is not None
            assert written.version == 1
            members = {key: commit for alias, key, commit in one["triggers"] if alias == "votes"}
            assert {key: commit for key, (commit, _) in written.value.items()} == members
            assert len(members) == one["collected"]["votes"]["taken"] >= one["collected"]["votes"]["at_least"]
            for key, (commit, value) in written.value.items():
                versions = {change.commit: change.record.value for change in await board.history(key) if change.record}
                assert versions[commit] == value
