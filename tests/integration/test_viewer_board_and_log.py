"""The Board and the Log of a real run, followed while it happens and built from what it left."""

from __future__ import annotations

from typing import TYPE_CHECKING

from blackboard.log import entries_after
from controller.viewer.filtering import Filter
from controller.viewer.model import Model
from controller.viewer.panes.board import BoardPane
from controller.viewer.panes.log import LogPane
from tests.returns_run import work
from tests.viewed import identities, picture

if TYPE_CHECKING:
    from blackboard.board import Board


async def followed(board: Board) -> Model:
    """A model of ``board`` that goes on with it."""
    replica = await board.replica()
    model = Model(board.name, replica.records(), replica.revision)
    replica.subscribe(model.apply)
    return model


async def test_a_run_that_is_followed_shows_the_board_that_it_left(board: Board) -> None:
    model = await followed(board)
    pane = BoardPane(model)
    pane.folded.clear()
    await work(board)
    replica = await board.replica()
    await replica.caught_up(await board.revision())
    pane.refresh()
    assert not model.unsound
    after = BoardPane(Model(board.name, replica.records(), replica.revision))
    after.folded.clear()
    after.refresh()
    assert identities(pane) == identities(after)
    keys = {record.key for record in replica.records()}
    assert {one for one in identities(pane) if not one.startswith("region ")} == keys
    assert identities(pane)[0] == "region check"
    pane.filter_by(Filter.parse("refund/{rma} where credit == true"))
    assert identities(pane)[0] == "region refund"
    assert set(identities(pane)[1:]) <= {"refund/R-1", "refund/R-2", "refund/R-4"}
    assert "refund/R-2" in identities(pane)


async def test_the_log_of_a_run_tells_who_was_chosen_and_what_came_of_it(board: Board) -> None:
    model = await followed(board)
    pane = LogPane(model)
    await work(board)
    await (await board.replica()).caught_up(await board.revision())
    pane.refresh()
    entries = [entry async for entry in entries_after(board.store, 0)]
    assert identities(pane) == [f"{entry.commit} {change.key}" for entry in entries for change in entry.changes]
    told = [line.partition("  ")[2] for line in picture(pane, width=200)]
    for words in (
        "chose check for return/R-1, 1 of 5 eligible, level high",
        "level normal, call 2",
        "check for return/R-1 executed: wrote check/R-1",
        "pending (error): refund failed for return/R-1 (call 1 of 2)",
        "boss orders decide for return/R-2, applied: store credit",
        "refund for return/R-3 asks, open: Refund 900? (approve, reject)",
        "refund_late for return/R-2 obviated: too late: refund/R-2 was to be absent",
        "written by boss; 1 contribution refused",
        "nobody leads",
    ):
        assert any(words in line for line in told), words
    pane.filter_by(Filter.parse('case == "return/R-3" && state == "escalated"'))
    assert [line.split("  ")[-1].strip() for line in picture(pane, width=200)] == [
        "refund for return/R-3 escalated: refund asks: Refund 900?"
    ]
    pane.filter_by(Filter.parse('case == "return/R-2" && verb == "decide"'))
    assert len(pane) == 2
