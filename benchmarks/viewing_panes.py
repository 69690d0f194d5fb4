"""What the panes of the viewer cost: a board of many records in memory, no screen and no server."""

from __future__ import annotations

import gc
import random
from functools import partial
from time import process_time
from typing import TYPE_CHECKING, Any, Final

from blackboard import codec
from blackboard.log import Change
from blackboard.record import Record, Stamp
from controller.viewer.filtering import Filter
from controller.viewer.model import MOST_CHANGES, Model
from controller.viewer.panes.board import BoardPane
from controller.viewer.panes.log import LogPane

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import TypeAlias

    from controller.viewer.pane import Pane

    Note: TypeAlias = Callable[[str, str, float], None]

CHANGES: Final = 1_000
SCREEN: Final = 60
"""rows in sight"""
WIDTH: Final = 200
REGIONS: Final = ("order", "label", "refund", "stock")
FILTERS: Final = {
    "words": "zebra",
    "words that many have": "sale",
    "a pattern": "order/* where amount > 99990",
    "a condition": "amount > 99990",
}


def measure_panes(records: int, note: Note) -> None:
    """Note what each thing that a person may do takes of the processor, and the longest that a key would wait for it."""
    standing = [_record(number % len(REGIONS), number, number + 1) for number in range(records)]
    standing.sort(key=lambda record: record.key)
    model, took = timed(lambda: Model("b", standing, records, records))
    note("a model is built", "ms", took)
    board, took = timed(lambda: BoardPane(model))
    note("the Board is built", "ms", took)
    note("a screen of the Board, the first time", "ms", timed(lambda: drawn(board))[1])
    note("a screen of the Board, again", "ms", timed(lambda: drawn(board))[1])
    changes = _changes(records)
    made = [next(changes) for _ in range(CHANGES)]
    note(f"{CHANGES:,} changes are told to the model", "ms", timed(lambda: [model.apply(change) for change in made])[1])
    for order in board.sorts:
        board.sort_by(order)
        _settled(board, board.refresh)
        _apply(model, changes)
        note(f"{CHANGES:,} changes are taken in, by {order}", "ms", timed(board.refresh)[1])
    for order in board.sorts[1:]:
        _settled(board, partial(board.sort_by, board.sorts[0]))
        _note_settled(note, f"sorted by {order}", _settled(board, partial(board.sort_by, order)))
    _settled(board, partial(board.sort_by, board.sorts[0]))
    for name, text in FILTERS.items():
        wanted = Filter.parse(text)
        _note_settled(note, f"filtered by {name}", _settled(board, partial(board.filter_by, wanted)))
    _measure_log(model, changes, note)


def _measure_log(model: Model, changes: Iterator[Change], note: Note) -> None:
    for _ in range(MOST_CHANGES // CHANGES + 1):
        _apply(model, changes)
    log, took = timed(lambda: LogPane(model))
    note(f"the Log of {MOST_CHANGES:,} changes is built", "ms", took)
    note("a screen of the Log, the first time", "ms", timed(lambda: drawn(log))[1])
    note("a screen of the Log, again", "ms", timed(lambda: drawn(log))[1])
    _apply(model, changes)
    note(f"{CHANGES:,} changes are taken in by the Log", "ms", timed(log.refresh)[1])
    wanted = Filter.parse("zebra")
    _note_settled(note, "the Log filtered by words", _settled(log, partial(log.filter_by, wanted)))


def _note_settled(note: Note, name: str, parts: tuple[float, float]) -> None:
    note(f"{name}: the longest at once", "ms", parts[0])
    note(f"{name}: all of it", "ms", parts[1])


def _settled(pane: BoardPane | LogPane, begin: Callable[[], None]) -> tuple[float, float]:
    """The longest part, and all, of what ``begin`` sets going in ``pane``."""
    parts = [timed(begin)[1]]
    while pane.busy or len(parts) < 2:
        parts.append(timed(pane.refresh)[1])
    return max(parts), sum(parts)


def timed(work: Callable[[], Any]) -> tuple[Any, float]:
    """What ``work`` gives, and the milliseconds of processor time that it took."""
    begun = process_time()
    result = work()
    return result, (process_time() - begun) * 1e3


def drawn(pane: Pane, now_ms: int = 0) -> None:
    """Have a screen of ``pane`` drawn."""
    for row in range(min(SCREEN, len(pane))):
        pane.line(row, WIDTH, now_ms)


def _record(region: int, number: int, revision: int) -> Record[Any]:
    value = {"kind": "sale", "amount": number, "text": "x" * 50, "lines": [{"sku": f"S-{number % 97}", "count": 2}]}
    packed, _ = codec.pack_record(Stamp(author=f"agent-{number % 7}"), "", 0, codec.pack_value(value))
    return Record(f"{REGIONS[region]}/O-{number:07}", f"1-{revision}", revision, 1, revision, packed)


def _changes(records: int) -> Iterator[Change]:
    chance = random.Random(1)  # noqa: S311  # where changes fall
    revision = records
    while True:
        revision += 1
        number = chance.randrange(records)
        record = _record(number % len(REGIONS), number, revision)
        yield Change(record.key, "put", record.commit, revision, revision, record.author, record, "")


def _apply(model: Model, changes: Iterator[Change]) -> None:
    for _, change in zip(range(CHANGES), changes, strict=False):
        model.apply(change)
    gc.collect()
