"""Token budgets and the compressor, led on a real server."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from blackboard.cli import main
from knowledge_sources import Context, Record, knowledge_source
from knowledge_sources.library import compressor
from knowledge_sources.tokens import tokens_in
from tests.leading import activations, leading, only, quiescent, run, states, values

if TYPE_CHECKING:
    import pytest

    from blackboard.board import Board

LONG = "The customer asks for a refund. " * 300


@knowledge_source("note/{n}", contributes="read/{n}", token_budget=500)
async def reader(note: Any) -> Any:
    return {"tokens": tokens_in(note), "of": note.get("of", "") if isinstance(note, dict) else ""}


SMALL = compressor(watches="note/{n}", over=500, to=100)


async def test_within_its_budget_an_agent_is_given_the_record_itself(board: Board) -> None:
    await board.put("note/1", {"text": "short"})
    await run(board, reader, SMALL)
    assert (await values(board, "read/*"))["read/1"]["of"] == ""
    assert await values(board, "digest/**") == {}


async def test_over_its_budget_it_waits_for_the_digest_and_is_given_that(board: Board) -> None:
    note = await board.put("note/1", {"text": LONG})
    end = await run(board, reader, SMALL)
    assert end.status == "finished"
    digest = (await values(board, "digest/**"))["digest/note/1"]
    assert digest["of"] == f"note/1@{note.commit}"
    assert digest["tokens"] == tokens_in({"text": LONG})
    assert digest["digest"]["text"].endswith("…")
    assert tokens_in(digest) <= 100
    read = (await values(board, "read/*"))["read/1"]
    assert (read["of"], read["tokens"]) == (f"note/1@{note.commit}", tokens_in(digest))
    assert (await values(board, "note/1"))["note/1"] == {"text": LONG}
    assert "digest/note/1" in [key for key, _ in (await only(board, "reader"))["read"]]


async def test_without_a_compressor_nothing_over_the_budget_is_given_and_the_run_says_what_is_missing(
    board: Board,
) -> None:
    await board.put("note/1", {"text": LONG})
    await board.put("note/2", {"text": LONG})
    end = await run(board, reader)
    assert end.status == "stalled"
    assert end.reason.startswith("2 wait for digests, among them reader: 2,")
    assert end.reason.endswith("tokens are over its budget of 500; it waits for digest/note/1")
    assert await activations(board) == []


async def test_the_original_is_fetched_by_the_pointer_of_its_digest(board: Board) -> None:
    @knowledge_source("note/{n}", contributes="read/{n}", token_budget=500)
    async def curious(note: Any, ctx: Context) -> Any:
        return {"length": len((await ctx.fetch(note["of"])).value["text"])}

    await board.put("note/1", {"text": LONG})
    await run(board, curious, SMALL)
    assert await values(board, "read/*") == {"read/1": {"length": len(LONG)}}


async def test_a_newer_version_is_given_by_a_newer_digest(board: Board) -> None:
    await board.put("note/1", {"text": LONG})
    async with leading(board, reader, SMALL) as controller:
        await quiescent(controller)
        newer = await board.put("note/1", {"text": LONG + "Now."})
        await quiescent(controller)
        assert (await values(board, "read/*"))["read/1"]["of"] == f"note/1@{newer.commit}"
        await board.put("note/1", {"text": "never mind"})
        await quiescent(controller)
        assert (await values(board, "read/*"))["read/1"]["of"] == ""


async def test_who_waits_for_a_digest_waits_no_longer_when_the_record_has_gone(board: Board) -> None:
    await board.put("note/1", {"text": LONG})
    async with leading(board, reader) as controller:
        assert (await quiescent(controller)).status == "stalled"
        await board.delete("note/1")
        assert (await quiescent(controller)).status == "finished"


async def test_another_controller_goes_on_with_what_waited_for_a_digest(board: Board) -> None:
    await board.put("note/1", {"text": LONG})
    assert (await run(board, reader)).status == "stalled"
    assert (await run(board, reader, SMALL)).status == "finished"
    assert await states(board, "reader") == ["executed"]


async def test_of_several_records_the_largest_are_digested(board: Board) -> None:
    @knowledge_source({"note": "note/{n}", "other": "other/{n}"}, contributes="read/{n}", token_budget=500)
    async def both(note: Record[Any], other: Record[Any]) -> Any:
        return [note.key, other.key]

    await board.put("note/1", {"text": LONG})
    await board.put("other/1", {"text": "x" * 800})
    await run(board, both, SMALL)
    assert await values(board, "read/*") == {"read/1": ["digest/note/1", "other/1"]}


async def test_a_function_makes_the_digest_and_one_that_is_too_long_is_refused(board: Board) -> None:
    def short(value: Any, tokens: int, key: str, ctx: Any) -> str:
        ctx.usage("pretend", 2_000, 10, 0.01)
        return f"{key} in {tokens}"

    await board.put("note/1", {"text": LONG})
    await run(board, reader, compressor(watches="note/{n}", over=500, to=100, how=short))
    assert (await values(board, "digest/**"))["digest/note/1"]["digest"].startswith("note/1 in ")
    await board.put("note/2", {"text": LONG})
    lengthy = compressor(watches="note/{n}", over=500, to=100, how=lambda value: value, retry={"attempts": 1})
    await run(board, lengthy)
    (refused,) = [one["reason"] for one in await activations(board) if one["state"] == "escalated"]
    assert "made a digest of" in refused


async def test_a_counter_of_the_users_own_counts_for_agents_and_compressor(board: Board) -> None:
    def words(value: Any) -> int:
        return len(str(value).split())

    await board.put("note/1", {"text": "word " * 600})
    own = compressor(watches="note/{n}", over=500, to=100, counter=words)
    end = await run(board, reader, own, token_counter=words)
    assert end.status == "finished"
    assert (await values(board, "digest/**"))["digest/note/1"]["tokens"] == 602


async def test_a_digest_that_another_has_written_wrongly_stands_for_nothing(board: Board) -> None:
    await board.put("note/1", {"text": LONG})
    wrong: list[Any] = [None, [], "of", {"of": 7}, {"of": "note/1@1-999", "digest": ""}, {"x": "of"}]
    for value in wrong:
        await board.put("digest/note/1", value)
        assert (await run(board, reader)).status == "stalled"


async def test_the_agenda_shows_who_waits_for_which_digest(
    board: Board, redis_url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    await board.put("note/1", {"text": LONG})
    async with leading(board, reader) as controller:
        with controller.expecting():
            task = asyncio.create_task(controller.run_until_quiescent())
            words = ["agenda", "--url", redis_url, "--board", board.name, "-o", "json"]

            async def shown() -> str:
                await asyncio.to_thread(main, words)
                return capsys.readouterr().out

            async with asyncio.timeout(10):
                while "it waits for digest/note/1" not in await shown():  # noqa: ASYNC110 - a command tells of no event
                    await asyncio.sleep(0.01)
        assert (await task).status == "stalled"
