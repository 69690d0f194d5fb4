"""The merge agent, led on a real server."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from knowledge_sources import Collect, DeclarationError
from knowledge_sources.library import merge
from tests.leading import leading, only, quiescent, run, values

if TYPE_CHECKING:
    from blackboard.board import Board

WATCHES = {"order": "order/{id}", "customer": "customer/{id}"}


async def test_records_are_merged_and_merged_again_when_one_of_them_changes(board: Board) -> None:
    await board.put("order/1", {"sku": "mug", "by": "ada"})
    await board.put("customer/1", {"name": "Ada", "by": "web"})
    async with leading(board, merge(watches=WATCHES, contributes="file/{id}")) as controller:
        await quiescent(controller)
        assert await values(board, "file/*") == {"file/1": {"sku": "mug", "by": "ada", "name": "Ada"}}
        await board.put("customer/1", {"name": "Ada L."})
        await quiescent(controller)
    assert (await values(board, "file/*"))["file/1"]["name"] == "Ada L."


async def test_what_else_is_there_is_merged_in_behind_and_a_missing_input_can_be_supplied_once(board: Board) -> None:
    await board.put("order/1", {"sku": "mug"})
    await board.put("note/1/b", {"sku": "cup", "note": "b"})
    await board.put("note/1/a", {"note": "a"})
    agent = merge(watches="order/{id}", also=["note/{id}/*"], contributes="c/{id}", unless="c/{id}", how="deep")
    assert (await run(board, agent)).status == "finished"
    assert await values(board, "c/*") == {"c/1": {"sku": "mug", "note": "a"}}


async def test_a_function_merges(board: Board) -> None:
    def joined(values: dict[str, Any], captures: dict[str, str]) -> Any:
        return {"who": values["customer"]["name"], "what": values["order"]["sku"], **captures}

    await board.put("order/1", {"sku": "mug"})
    await board.put("customer/1", {"name": "Ada"})
    await run(board, merge(watches=WATCHES, contributes="file/{id}", how=joined))
    assert await values(board, "file/*") == {"file/1": {"who": "Ada", "what": "mug", "id": "1"}}


async def test_what_cannot_be_merged_fails_as_invalid_and_says_what(board: Board) -> None:
    await board.put("order/1", ["mug"])
    await board.put("customer/1", {"name": "Ada"})
    await run(board, merge(watches=WATCHES, contributes="file/{id}", retry={"attempts": 1}))
    failed = await only(board)
    assert failed["failure"] == "invalid"
    assert "cannot merge order, customer" in failed["reason"]


def test_a_way_of_merging_that_there_is_not_is_refused_with_the_nearest() -> None:
    with pytest.raises(DeclarationError, match="how: 'unoin' is no way of merging; did you mean 'union'"):
        merge(watches=WATCHES, contributes="file/{id}", how="unoin")


async def test_what_is_collected_is_merged_member_by_member(board: Board) -> None:
    watches = {"order": "order/{id}", "notes": Collect("note/{id}/*", at_least=2)}
    await board.put("order/1", {"sku": "mug"})
    await board.put("note/1/b", {"b": 1})
    await board.put("note/1/a", {"a": 2, "sku": "cup"})
    await run(board, merge(watches=watches, contributes="file/{id}"))
    assert await values(board, "file/*") == {"file/1": {"sku": "mug", "b": 1, "a": 2}}
