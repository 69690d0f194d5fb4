"""Which board a run works on: a new one, the last that is not finished, or the one that was named."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Final, NamedTuple, TypeAlias

from blackboard import boards
from blackboard.board import Board
from blackboard.commit import Absent, Put
from blackboard.control_records import RUN, Run
from blackboard.control_shapes import checked
from blackboard.errors import Conflict, NothingSelected, UsageError
from blackboard.keys import check_board_name
from blackboard.record import Stamp

if TYPE_CHECKING:
    from blackboard.backend import Backend

RunAt: TypeAlias = Callable[[int], Run]
"""the record of a run that begins at that instant, in milliseconds since 1970"""
RUNNER: Final = "run"
"""the author of ``control/run``"""
_FOREIGN: Final = re.compile(r"[^A-Za-z0-9_.\-]+")


class Claimed(NamedTuple):
    """An open board and the run on it; ``resumed`` where it held that before."""

    board: Board
    run: Run
    resumed: bool


def board_stem(scenario: str) -> str:
    """What the boards of the scenario with that name are called before the ``@``."""
    return _FOREIGN.sub("-", scenario)[:64] or "scenario"


async def claim_new(backend: Backend, scenario: str, run_at: RunAt) -> Claimed:
    """The board ``scenario@n`` with the next free n; who writes ``control/run`` first has it, the other one goes on."""
    stem = board_stem(scenario)
    number = max([0, *await _numbers(backend, stem)])
    while True:
        number += 1
        board = await Board.open(backend, f"{stem}@{number}")
        try:
            run = run_at(board.store.server_now_ms())
            if await _claimed(board, run):
                return Claimed(board, run, resumed=False)
        except BaseException:
            await board.close()
            raise
        await board.close()


async def claim_named(backend: Backend, name: str, run_at: RunAt, *, resume: bool) -> Claimed:
    """The board ``name``, made if need be.  One that holds a run already is taken only to ``resume`` that.

    Raises :class:`UsageError` where it holds one, and :class:`NothingSelected` where there is none to resume.
    """
    if resume and await boards.read_meta(backend, check_board_name(name)) is None:
        raise NothingSelected(f"no board {name!r} at {backend.url}, so there is no run to go on with")
    board = await Board.open(backend, name)
    try:
        while True:
            run = run_at(board.store.server_now_ms())
            if await _claimed(board, run):
                return Claimed(board, run, resumed=False)
            present = await board.get(RUN)
            if present is not None:
                break
        before: Run = checked(present).fresh().value
    except BaseException:
        await board.close()
        raise
    if not resume:
        await board.close()
        raise UsageError(
            f"board {name} holds a run of {before['scenario']} already, which is {before['status']}: "
            "--resume goes on with it; leave out --board for a new board"
        )
    return Claimed(board, before, resumed=True)


async def claim_unfinished(backend: Backend, scenario: str, run_at: RunAt) -> Claimed:
    """The last board of ``scenario`` whose run did not finish; raises :class:`NothingSelected`.

    One that was killed before it had said what it runs counts too.
    """
    stem = board_stem(scenario)
    for number in sorted(await _numbers(backend, stem), reverse=True):
        record = await boards.read_control(backend, f"{stem}@{number}", RUN)
        if record is None or record.value["status"] != "finished":
            return await claim_named(backend, f"{stem}@{number}", run_at, resume=True)
    raise NothingSelected(f"no run of {scenario} at {backend.url} is unfinished; without --resume a new one is made")


async def _claimed(board: Board, run: Run) -> bool:
    try:
        await board.commit([Absent(RUN)], [Put(RUN, run)], stamp=Stamp(author=RUNNER))
    except Conflict:
        return False
    return True


async def _numbers(backend: Backend, stem: str) -> list[int]:
    names = [meta.name.rpartition("@") for meta in await boards.list_boards(backend)]
    return [int(number) for found, _, number in names if found == stem and number.isdigit()]
