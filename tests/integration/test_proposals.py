"""What is proposed is seen by nobody but its validators until one of them has passed it."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from blackboard.commit import Put
from blackboard.control_records import PROPOSALS
from blackboard.pattern import Pattern
from blackboard.record import Stamp
from knowledge_sources import Context, Escalate, Pass, Record, Reject, knowledge_source
from tests.leading import activations, going_on, leading, only, run, states, values

if TYPE_CHECKING:
    from collections.abc import Callable

    from blackboard.board import Board

ROOT = Path(__file__).parents[2]
SOON = {"attempts": 3, "backoff": "1ms", "cap": "1ms"}


@knowledge_source("topic/{t}", contributes="draft/{t}", proposed=True, retry=SOON)
async def writer(topic: Any, t: str, ctx: Context) -> dict[str, Any]:
    ctx.usage("small", input_tokens=10, cost=0.25)
    return {"text": f"{topic} {ctx.attempt}", "told": [attempt["error"] for attempt in ctx.earlier]}


@knowledge_source(validates="draft/{t}")
async def strict(draft: Record[Any], t: str) -> Pass | Reject:
    assert draft.key == f"draft/{t}"
    assert draft.status == "proposed"
    if draft.value["text"].endswith(" 1"):
        return Reject("too thin", score=0.2)
    return Pass(0.9, "reads well")


@knowledge_source("draft/{t}", contributes="sent/{t}")
async def sender(draft: Any) -> Any:
    return draft["text"]


async def test_a_rejected_proposal_fails_its_author_who_is_told_why_and_only_what_passed_is_seen(board: Board) -> None:
    await board.put("topic/a", "tea")
    assert (await run(board, writer, strict, sender)).status == "finished"
    told = "strict rejected draft/a (score 0.2): too thin"
    assert await values(board, "draft/*") == {"draft/a": {"text": "tea 2", "told": [told]}}
    assert await values(board, "sent/*") == {"sent/a": "tea 2"}
    author = await only(board, "writer")
    assert (author["state"], author["attempt"], author["wrote"]) == ("executed", 2, ["draft/a"])
    assert author["reason"] == "passed by strict"
    assert [(one["failure"], one["error"], one["cost"]) for one in author["attempts"]] == [("invalid", told, 0.25)]
    verdicts = [one["verdict"] for one in await activations(board, "strict")]
    assert [(one["passed"], one["score"]) for one in verdicts] == [(False, 0.2), (True, 0.9)]
    assert await values(board, PROPOSALS + "**") == {}


async def test_what_passed_keeps_its_author_and_names_its_validator(board: Board) -> None:
    await board.put("topic/a", "tea", stamp=Stamp("ada", case="topic/a"))
    await run(board, writer, strict)
    record = await board.get("draft/a")
    assert record is not None
    assert (record.author, record.status, record.case) == ("writer", "passed by strict", "topic/a")
    assert record.activation == (await only(board, "writer"))["id"]
    assert (await board.history("draft/a"))[-1].author == "strict"


async def test_no_version_of_a_proposed_record_ever_stood_where_others_look(board: Board) -> None:
    """From the log: at no commit was anything at ``draft/`` that no validator had passed."""
    for n in range(12):
        await board.put(f"topic/{n}", f"t{n}")
    await run(board, writer, strict, sender)
    seen = []
    async with asyncio.timeout(10):
        upto = await board.revision()
        async for change in board.changes("draft/*"):
            assert change.record is not None
            assert change.record.status == "passed by strict"
            assert not change.record.value["text"].endswith(" 1")
            seen.append(change.key)
            if change.revision >= upto or len(seen) == 12:
                break
    assert sorted(seen) == sorted(f"draft/{n}" for n in range(12))


async def test_a_validator_that_is_missing_leaves_the_run_stalled_and_the_proposal_unseen(board: Board) -> None:
    await board.put("topic/a", "tea")
    end = await run(board, writer, sender)
    assert (end.status, end.reason) == ("stalled", "without a verdict of a validator: 1 proposal")
    assert await states(board) == ["proposed"]
    assert await values(board, "draft/*") == {}
    assert (await run(board, writer, strict, sender)).status == "finished"
    assert await values(board, "sent/*") == {"sent/a": "tea 2"}


async def test_an_author_that_is_rejected_each_time_goes_to_a_person(board: Board) -> None:
    @knowledge_source(validates="draft/{t}")
    async def never(draft: Any) -> Reject:
        return Reject(f"not {draft['text']}")

    await board.put("topic/a", "tea")
    assert (await run(board, writer, never)).status == "awaiting"
    author = await only(board, "writer")
    assert author["state"] == "escalated"
    assert [one["failure"] for one in author["attempts"]] == ["invalid"] * 3
    assert await values(board, "draft/*") == {}


async def test_a_rule_for_a_key_holds_whoever_contributes_there(board: Board) -> None:
    @knowledge_source("topic/{t}", contributes=["draft/{t}", "note/{t}"])
    async def plain(topic: Any, ctx: Context) -> None:
        ctx.post("draft/{t}", {"text": topic})
        ctx.post("note/{t}", "held with it", ttl="1h")

    @knowledge_source(validates="draft/{t}")
    async def lenient(draft: Any, ctx: Context) -> Pass:
        assert await ctx.get("note/{t}") is None
        return Pass()

    await board.put("topic/a", "tea")
    await run(board, plain, lenient, validate=(Pattern.parse("draft/*"),))
    assert await values(board, "note/*") == {"note/a": "held with it"}
    note, draft = await board.get("note/a"), await board.get("draft/a")
    assert note is not None
    assert draft is not None
    assert note.commit == draft.commit
    assert note.expires_ms > 0
    assert (note.status, draft.status) == ("", "passed by lenient")


async def test_several_records_of_one_contribution_are_written_together_when_the_last_is_passed(board: Board) -> None:
    free = asyncio.Event()

    @knowledge_source("topic/{t}", contributes=["draft/{t}", "title/{t}"], proposed=True)
    async def both(topic: Any) -> dict[str, Any]:
        return {"draft/{t}": topic, "title/{t}": topic}

    @knowledge_source(validates="draft/{t}")
    async def of_draft(draft: Any) -> Pass:
        return Pass()

    @knowledge_source(validates="title/{t}")
    async def of_title(title: Any) -> Pass:
        await free.wait()
        return Pass()

    await board.put("topic/a", "tea")
    async with leading(board, both, of_draft, of_title) as controller, going_on(controller) as going:
        await board.wait_for('control/activations/* where agent == "of_draft" && state == "executed"')
        assert await values(board, "draft/*") == {}
        free.set()
        assert (await going).status == "finished"
    draft, title = await board.get("draft/a"), await board.get("title/a")
    assert draft is not None
    assert title is not None
    assert draft.commit == title.commit


async def test_what_was_made_from_a_record_that_has_changed_since_is_not_written(board: Board) -> None:
    asked, free = asyncio.Event(), asyncio.Event()

    @knowledge_source(validates="draft/{t}")
    async def slow(draft: Any) -> Pass:
        asked.set()
        await free.wait()
        return Pass()

    await board.put("topic/a", "tea")
    async with leading(board, writer, slow) as controller, going_on(controller) as going:
        await asked.wait()
        await board.put("topic/a", "coffee")
        free.set()
        assert (await going).status == "finished"
    assert [one["state"] for one in await activations(board, "writer")] == ["obviated", "executed"]
    draft = await board.get("draft/a")
    assert draft is not None
    assert draft.value["text"] == "coffee 1"


async def test_an_author_that_read_what_has_changed_runs_again_and_that_is_no_failed_call(board: Board) -> None:
    asked, free = asyncio.Event(), asyncio.Event()

    @knowledge_source("topic/{t}", contributes="draft/{t}", proposed=True)
    async def reader(topic: Any, ctx: Context) -> Any:
        tone = await ctx.get("tone/now")
        return tone.value if tone is not None else "plain"

    @knowledge_source(validates="draft/{t}")
    async def slow(draft: Any) -> Pass:
        asked.set()
        await free.wait()
        return Pass()

    await board.put("topic/a", "tea")
    async with leading(board, reader, slow) as controller, going_on(controller) as going:
        await asked.wait()
        await board.put("tone/now", "warm")
        free.set()
        assert (await going).status == "finished"
    assert await values(board, "draft/*") == {"draft/a": "warm"}
    author = await only(board, "reader")
    assert (author["state"], author["attempt"], author.get("attempts", [])) == ("executed", 1, [])


async def test_others_neither_read_nor_find_what_is_proposed(board: Board) -> None:
    found: list[Any] = []
    asked, free = asyncio.Event(), asyncio.Event()

    @knowledge_source(validates="draft/{t}")
    async def slow(draft: Any) -> Pass:
        asked.set()
        await free.wait()
        return Pass()

    @knowledge_source("look/{n}")
    async def nosy(look: Any, ctx: Context) -> None:
        found.append(await ctx.get("draft/a", guard=False))
        found.extend(await ctx.find("draft/*", guard=False))
        found.extend(await ctx.find("control/proposals/**", guard=False))
        (lies,) = await board.find(PROPOSALS + "**")
        found.append(await ctx.get(lies.key, guard=False))
        free.set()

    await board.put("topic/a", "tea")
    async with leading(board, writer, slow, nosy) as controller, going_on(controller) as going:
        await asked.wait()
        await board.put("look/1", 1)
        await going
    assert [one for one in found if one is not None] == []


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (lambda: None, "returned nothing; a validator returns Pass() or Reject(reason)"),
        (lambda: Escalate("?"), "returned Escalate; a validator returns Pass() or Reject(reason)"),
    ],
)
async def test_a_validator_that_gives_no_verdict_has_failed(
    board: Board, answer: Callable[[], object], told: str
) -> None:
    @knowledge_source(validates="draft/{t}", retry={"attempts": 1})
    async def mute(draft: Any) -> Any:
        return answer()

    await board.put("topic/a", "tea")
    assert (await run(board, writer, mute)).status == "awaiting"
    assert told in (await only(board, "mute"))["attempts"][0]["error"]
    assert await states(board, "writer") == ["proposed"]


async def test_a_verdict_of_who_validates_nothing_is_invalid(board: Board) -> None:
    @knowledge_source("topic/{t}", retry={"attempts": 1})
    async def judge(topic: Any) -> Pass:
        return Pass()

    await board.put("topic/a", "tea")
    await run(board, judge)
    assert "declares no validates" in (await only(board, "judge"))["attempts"][0]["error"]


async def test_an_update_cannot_wait_for_a_validator(board: Board) -> None:
    @knowledge_source("topic/{t}", contributes=["draft/{t}", "count/{t}"], proposed=True, retry={"attempts": 1})
    async def counting(topic: Any, ctx: Context) -> None:
        ctx.post("draft/{t}", topic)
        ctx.update("count/{t}", lambda count: (count or 0) + 1)

    await board.put("topic/a", "tea")
    await run(board, counting, strict)
    failed = (await only(board, "counting"))["attempts"][0]
    assert failed["failure"] == "invalid"
    assert "updates count/a in a contribution that waits for a validator" in failed["error"]


async def test_a_proposal_that_nobody_made_is_removed_and_writes_nothing(board: Board) -> None:
    """Somebody with the server's credentials puts a record there by hand."""
    forged = f"{PROPOSALS}0123456789abcdef01234567/draft/x"
    await board.commit([], [Put(forged, {"text": "forged"}, status="proposed")])
    assert (await run(board, strict)).status == "finished"
    assert await values(board, "draft/*") == {}
    assert await board.get(forged) is None
    assert (await only(board, "strict"))["reason"].endswith("nobody waits for that any more")


async def test_keys_and_values_of_any_kind_can_be_proposed(board: Board) -> None:
    """The longest key that there can be has a longer one while it waits."""
    long = "draft/" + "é" * 253

    @knowledge_source("topic/{t}", contributes=["draft/*", "gone/{t}"], proposed=True)
    async def any_kind(topic: Any, ctx: Context) -> None:
        ctx.post(long, "")
        ctx.post("draft/none", None)
        ctx.post("draft/large", "x" * 1_000_000)
        ctx.delete("gone/{t}")

    @knowledge_source(validates="draft/{d}")
    async def lenient(draft: Record[Any], d: str) -> Pass:
        assert draft.key == f"draft/{d}"
        return Pass(-1e300, "y" * 50_000)

    await board.put("gone/a", 1)
    await board.put("topic/a", "tea")
    assert (await run(board, any_kind, lenient)).status == "finished"
    assert {key: value and len(value) for key, value in (await values(board, "draft/*")).items()} == {
        long: "", "draft/none": None, "draft/large": 1_000_000
    }  # fmt: skip
    assert await values(board, "gone/*") == {}


async def test_an_author_that_is_cancelled_takes_its_proposals_along(board: Board) -> None:
    asked, free = asyncio.Event(), asyncio.Event()

    @knowledge_source(validates="draft/{t}")
    async def slow(draft: Any) -> Pass:
        asked.set()
        await free.wait()
        return Pass()

    await board.put("topic/a", "tea")
    async with leading(board, writer, slow) as controller, going_on(controller) as going:
        await asked.wait()
        (author,) = await activations(board, "writer")
        order: dict[str, Any] = {
            "verb": "cancel", "activation": author["id"], "author": "human/ada", "reason": "no", "status": "open"
        }  # fmt: skip
        await board.put("control/overrides/by-ada", order, stamp=Stamp("human/ada"))
        await board.wait_for(f'control/activations/{author["id"]} where state == "cancelled"')
        free.set()
        assert (await going).status == "finished"
    assert (await only(board, "writer"))["state"] == "cancelled"
    assert await values(board, PROPOSALS + "**") == {}
    assert await states(board, "slow") == ["obviated"]


@pytest.mark.parametrize("failpoint", ["controller.after_proposal", "controller.before_verdict"])
async def test_a_kill_between_proposal_and_verdict_passes_each_record_once(
    failpoint: str, board: Board, redis_url: str, board_name: str
) -> None:
    for n in range(6):
        await board.put(f"topic/{n}", f"t{n}")
    environment = {**os.environ, "BLACKBOARD_FAILPOINTS": f"{failpoint}:3", "PYTHONPATH": str(ROOT)}
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", LED, redis_url, board_name, env=environment, cwd=ROOT
    )
    assert await asyncio.wait_for(process.wait(), 30) == -signal.SIGKILL
    await run(board, writer, strict, sender)
    assert await states(board, "writer") == ["executed"] * 6
    assert len(await values(board, "draft/*")) == 6
    for n in range(6):
        assert len(await board.history(f"draft/{n}")) == 1
        assert len(await board.history(f"sent/{n}")) == 1
    assert await values(board, PROPOSALS + "**") == {}


LED = """
import asyncio, sys
from blackboard.board import Board
from tests.leading import run
from tests.integration.test_proposals import sender, strict, writer

async def lead():
    async with await Board.open(sys.argv[1], sys.argv[2]) as board:
        await run(board, writer, strict, sender)

asyncio.run(lead())
"""
