"""Whatever comes when: from the log, nothing stood where others look, or set anybody off, that no validator had passed."""

from __future__ import annotations

import asyncio
import random
from hashlib import blake2b
from typing import TYPE_CHECKING, Any

import pytest

from blackboard.control_records import ACTIVATIONS, PROPOSALS
from blackboard.log import entries_after
from knowledge_sources import Context, Pass, Reject, knowledge_source
from tests.leading import going_on, leading, states, values

if TYPE_CHECKING:
    from blackboard.board import Board

TOPICS = 12
STEPS = 25
SOON = {"attempts": 3, "backoff": "1ms", "cap": "2ms"}


def chance(*of: object) -> int:
    """A number from 0 to 99 that follows from ``of``."""
    return int.from_bytes(blake2b(repr(of).encode(), digest_size=4).digest(), "big") % 100


@knowledge_source("topic/{t}", contributes=["draft/{t}", "title/{t}"], proposed=True, retry=SOON, name="writer")
async def writer(topic: Any, ctx: Context) -> dict[str, Any]:
    tone = await ctx.get("tone/{t}")
    await asyncio.sleep(0)
    text = [topic, ctx.attempt, None if tone is None else tone.value]
    return {"draft/{t}": text, "title/{t}": text} if chance(*text) % 2 else {"draft/{t}": text}


@knowledge_source("topic/{t}", unless="draft/{t}", contributes="draft/{t}", proposed=True, retry=SOON, name="rival")
async def rival(topic: Any, ctx: Context) -> dict[str, Any]:
    return {"draft/{t}": ["rival", topic, ctx.attempt]}


@knowledge_source(validates="draft/{t}", name="of_drafts")
async def of_drafts(draft: Any, ctx: Context) -> Pass | Reject:
    await ctx.get("mood/{t}")
    await asyncio.sleep(chance(draft) / 20_000)
    return Reject(f"not {draft}") if chance("draft", draft) < 35 else Pass()


@knowledge_source(validates="title/{t}", name="of_titles")
async def of_titles(title: Any) -> Pass | Reject:
    return Reject(f"not {title}") if chance("title", title) < 25 else Pass()


@knowledge_source("draft/{t}", contributes="sent/{t}", name="sender")
async def sender(draft: Any) -> Any:
    return draft


@pytest.mark.parametrize("seed", range(4))
async def test_nothing_is_seen_that_no_validator_had_passed(seed: int, board: Board) -> None:
    dice = random.Random(seed)
    async with leading(board, writer, rival, of_drafts, of_titles, sender) as controller:
        with controller.expecting():
            async with going_on(controller):
                for step in range(STEPS):
                    region = dice.choice(["topic", "topic", "tone", "mood"])
                    key = f"{region}/{dice.randrange(TOPICS)}"
                    await (board.delete(key) if dice.random() < 0.2 else board.put(key, step))
        async with going_on(controller) as going:
            await going
    passed: set[tuple[str, str]] = set()
    stood: set[str] = set()
    async for entry in entries_after(board.store, 0):
        for change in entry.changes:
            if change.key.startswith(ACTIVATIONS) and change.record is not None:
                verdict = change.record.value.get("verdict")
                if verdict is not None and verdict["passed"]:
                    passed.add((verdict["activation"], verdict["key"]))
        for change in entry.changes:
            if change.key.startswith(("draft/", "title/")) and change.record is not None:
                assert (change.record.activation, change.key) in passed
                assert change.record.status == f"passed by of_{change.key.partition('/')[0]}s"
                stood.add(change.record.reference)
            elif change.key.startswith(ACTIVATIONS) and change.record is not None:
                for _, key, commit in change.record.value["triggers"]:
                    assert not key.startswith("draft/") or f"{key}@{commit}" in stood
    assert stood
    assert "proposed" not in await states(board)
    assert await values(board, PROPOSALS + "**") == {}
