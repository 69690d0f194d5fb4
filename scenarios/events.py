"""A scenario's timed events: each happens once, however often the run is stopped and taken up again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from blackboard.commit import Absent, Delete, Put
from blackboard.control_records import EVENTS
from blackboard.errors import Conflict
from blackboard.record import Stamp
from scenarios.event_models import PostEvent
from scenarios.feeding import case_of_key

if TYPE_CHECKING:
    from blackboard.board import Board
    from blackboard.commit import Write
    from blackboard.control_records import EventMark
    from scenarios.event_models import Event
    from scenarios.scenario import Scenario

AUTHOR: Final = "event"


async def let_happen(board: Board, scenario: Scenario, started_ms: int) -> None:
    """Let every event of ``scenario`` happen at its time after ``started_ms``, and return after the last one.

    ``started_ms`` is the start of the run in milliseconds since 1970, by the server's clock.  An event whose
    time has passed happens at once, one that has happened before does not again: the mark of event n, counted
    from 0 in the order of the file, is written in its own commit.  Those of one time keep the order of the file.
    """
    for number, event in sorted(enumerate(scenario.events), key=lambda numbered: numbered[1].at_ms):
        while (wait_ms := started_ms + event.at_ms - board.store.server_now_ms()) > 0:
            await board.store.clock.sleep(wait_ms / 1000)
        await _happen(board, scenario, number, event)


async def _happen(board: Board, scenario: Scenario, number: int, event: Event) -> None:
    key, marked = event.key.fill({}), EVENTS + str(number)
    mark: EventMark = {"at_ms": event.at_ms, "key": key, "done": "retracted"}
    write: Write = Delete(key)
    if isinstance(event, PostEvent):
        mark["done"] = "posted"
        write = Put(key, event.post.value, event.post.ttl_ms)
    present = await board.get(key)
    # What takes a record's place goes on with its case.
    case = present.case if present is not None and present.case else case_of_key(scenario)(key)
    packed = [board.pack(write, Stamp(AUTHOR, case=case)), board.pack(Put(marked, mark), Stamp(AUTHOR))]
    try:
        await board.store.submit([Absent(marked)], packed, AUTHOR)
    except Conflict:
        return  # it happened before the run was taken up again
