"""What goes wrong inside the viewer ends it and is raised: nothing is shown that may be untrue."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import pytest

from controller.viewer import watching
from controller.viewer.model import Model
from controller.viewer.told_agenda import ToldAgenda
from controller.viewer.watching import Watch
from tests.viewing import viewing
from tests.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Iterable

    from blackboard.board import Board
    from blackboard.log import Change


class Fault(Exception):
    """Such as nobody has thought of."""


class Broken(Model):
    """A model that cannot be recalled to."""

    def recall(self, changes: Iterable[Change]) -> None:
        raise Fault("recalled")


def failing(change: Change | None) -> None:
    raise Fault("nothing new" if change is None else f"of {change.key}")


async def test_a_fault_in_taking_in_a_change_ends_the_watch_and_the_first_counts(board: Board) -> None:
    async with Watch.begin(board) as watch:
        await watch.settled()
        watch.heard = failing
        await board.put("a/1", 1)
        await board.put("a/2", 2)
        await watch.replica.caught_up(await board.revision())
        with pytest.raises(Fault, match="of a/1"):
            watch.check()


async def test_a_fault_in_looking_at_the_agenda_ends_the_watch(board: Board) -> None:
    async with Watch.begin(board) as watch:
        await watch.settled()
        watch.heard = failing
        watch.model.agenda = {"member": "somebody"}
        await eventually(lambda: watch.ended is not None, "it has ended")
        with pytest.raises(Fault, match="nothing new"):
            watch.check()


async def test_a_fault_in_recalling_the_log_ends_the_watch(board: Board, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watching, "Model", Broken)
    async with Watch.begin(board) as watch:
        with pytest.raises(Fault, match="recalled"):
            await watch.settled()


async def test_the_screen_of_a_watch_that_has_failed_is_left(board: Board) -> None:
    async with viewing(board) as eyes:
        eyes.watch.heard = failing
        await board.put("a/1", 1)
        await eyes.until(lambda: not eyes.app.is_running, "it is left")
        with pytest.raises(Fault):
            eyes.watch.check()


async def test_after_a_pause_with_too_many_changes_the_log_reaches_back_all_the_same(
    board: Board, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watching, "MOST_HIDDEN", 5)
    async with Watch.begin(board) as watch:
        await watch.settled()
        watch.pause()
        for n in range(8):
            await board.put("a/1", n)
        await watch.replica.caught_up(await board.revision())
        former = watch.model
        watch.go_on()
        await board.put("a/1", "new")
        await watch.replica.caught_up(await board.revision())
        await watch.settled()
        assert watch.model is not former
        assert [change.revision for change in watch.model.changes] == list(range(1, await board.revision() + 1))


async def test_an_agenda_that_cannot_be_told_is_raised_and_not_told_of_as_done() -> None:
    model = Model("b")
    model.regions["control"] = {"control/agents/clerk": cast("Any", object())}
    told = ToldAgenda()
    told.keep(model, 0)

    def kept_up() -> bool:
        told.keep(model, 0)
        return False

    with pytest.raises(AttributeError):
        await eventually(kept_up, "it is raised")
    assert not told.is_of(model)
    assert model.agenda is None
    await told.close()


async def test_an_agenda_that_was_withdrawn_is_told_anew_at_the_same_revision() -> None:
    model, told = Model("b"), ToldAgenda()

    def there() -> bool:
        told.keep(model, 0)
        return model.agenda is not None

    await eventually(there, "it is told")
    assert told.is_of(model)
    model.agenda = None
    await eventually(there, "it is told again")
    await told.close()
