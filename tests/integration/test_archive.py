"""An archive holds a board digest by digest, can be read at any revision, and shows when it is not whole."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from blackboard.archive import Archived, archive_lines, read_archive
from blackboard.board import Board
from blackboard.commit import Delete, Put
from blackboard.errors import InvalidInput
from blackboard.record import Stamp
from blackboard.state import digest_of
from tests.hand_clock import Hand

if TYPE_CHECKING:
    from collections.abc import Sequence

    from blackboard.backend import Backend

VALUES: list[Any] = [
    None, True, 0, -1, 2**63, 1.5, -0.0, 1e300, "text\x00\u202e é😀", b"\x00bytes", {"a": [b"x", {"b": None}]}, [], {},
    {"deep": [[[[1]]]]}, "x" * 300_000,
]  # fmt: skip


async def fill(board: Board, values: Sequence[Any] = VALUES) -> None:
    for n, value in enumerate(values):
        stamp = Stamp("ada", f"act-{n}", "case/1", ("a/1@1-1", "b/é@1-2"), n, 2)
        await board.commit([], [Put(f"item/{n}", value, status="proposed"), Put("last/1", n)], stamp=stamp)
    await board.commit([], [Delete("item/3"), Delete("item/4"), Put("brief/1", 1, 10**9)])


async def archive_of(board: Board) -> list[str]:
    return [line async for line in archive_lines(board.store)]


def read(lines: Sequence[str]) -> Archived:
    return read_archive(lines, place="x.jsonl")


@pytest.mark.parametrize("horizon", [0, 1, 9, 15])
async def test_an_archive_gives_back_every_revision_digest_by_digest(either: Board, horizon: int) -> None:
    await fill(either)
    await either.trim(horizon)
    archived = read(await archive_of(either))
    assert (archived.head.board, archived.head.horizon, archived.head.epochs) == (either.name, horizon, {"1": 0})
    for revision in range(horizon, 17):
        assert digest_of(archived.at(revision)) == digest_of(await either.at(revision)), revision
    for record in archived.at().records():
        live = await either.get(record.key)
        assert live is not None
        assert (record.packed, record.commit, record.version, record.time_ms) == (
            live.packed, live.commit, live.version, live.time_ms,
        )  # fmt: skip
    assert [c.author for e in archived.entries for c in e.changes][:1] == ["ada"]


async def test_a_moment_outside_of_the_archive_is_refused(either: Board) -> None:
    await fill(either)
    await either.trim(4)
    archived = read(await archive_of(either))
    for revision in (3, 17):
        with pytest.raises(InvalidInput, match=f"revision {revision}: the archive holds 4 to 16"):
            archived.at(revision)


async def test_an_archive_tells_of_the_same_records_as_the_board_that_their_time_was_over(
    backend: Backend, board_name: str
) -> None:
    clock = Hand()
    async with await Board.open(backend, board_name, clock=clock) as board:
        await board.put("item/1", 1, ttl_ms=10)
        await board.put("other/1", 1)
        clock.ms += 10
        await board.delete("other/1")
        await board.put("last/1", 1)
        await board.trim(3)
        archived = read(await archive_of(board))
        assert archived.at(3).get("item/1") is None
        assert archived.at(3).records_kept()


async def test_an_empty_board_has_an_archive_too(either: Board) -> None:
    archived = read(await archive_of(either))
    assert (archived.entries, archived.at().count) == ((), 0)


async def test_every_line_that_is_missing_or_twice_there_is_noticed(either: Board) -> None:
    await fill(either, VALUES[5:9])
    await either.trim(2)
    lines = await archive_of(either)
    for n in range(len(lines)):
        broken = [lines[:n] + lines[n + 1 :], lines[:n]]
        if n + 1 < len(lines):  # what follows the end is not read
            broken.append(lines[: n + 1] + lines[n:])
        for each in broken:
            with pytest.raises(InvalidInput, match=r"x\.jsonl:\d+"):
                read(each)


async def test_every_field_that_was_changed_is_noticed(either: Board) -> None:
    await fill(either, VALUES[5:9])
    lines = await archive_of(either)
    for n, line in enumerate(lines):
        document = json.loads(line)
        for part in (document, document.get("record", {}), document.get("end", {})):
            for field, value in list(part.items()):
                part[field] = 7 if value != 7 else 8
                with pytest.raises(InvalidInput):
                    read([*lines[:n], json.dumps(document) + "\n", *lines[n + 1 :]])
                part[field] = value


@settings(max_examples=60, deadline=None)
@given(st.lists(st.text() | st.recursive(st.none() | st.integers() | st.text(), st.lists).map(json.dumps), max_size=4))
def test_any_other_text_is_refused_with_its_place(lines: list[str]) -> None:
    head = json.dumps({"archive": 1, "board": "b", "horizon": 0, "horizon_ms": 0, "epochs": {}})
    for broken in (lines, [head, *lines]):
        with pytest.raises(InvalidInput, match=r"x\.jsonl:\d+"):
            read(broken)
