"""A record that a person writes by hand: held to the board's schemas, and guarded as wanted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from blackboard.commit import Absent, At, Once, Put
from blackboard.control_records import POSTS
from blackboard.errors import UsageError
from blackboard.keys import CONTROL_REGION, check_key, region_of
from blackboard.record import Stamp
from knowledge_sources.region_schemas import hold_to_schemas

if TYPE_CHECKING:
    from blackboard.board import Board
    from blackboard.commit import Committed, Guard, Write


def check_postable(key: str) -> None:
    """Raise where no person can write ``key``: :class:`InvalidName`, and :class:`UsageError` under ``control/``."""
    if region_of(check_key(key)) == CONTROL_REGION:
        raise UsageError(
            f"{key!r}: the runtime alone writes under control/; 'blackboard escalations' answers questions"
        )


async def post(
    board: Board,
    key: str,
    value: Any,
    by: str,
    *,
    if_commit: str | None = None,
    if_absent: bool = False,
    case: str = "",
    reason: str = "",
    once: str | None = None,
    ttl_ms: int | None = None,
) -> Committed:
    """Write ``value`` at ``key`` as ``by``; without ``if_commit`` and ``if_absent`` whatever stands there is replaced.

    It is of ``case``, else of the case of what stands there, else it opens one.  A ``reason`` is kept beside it, in
    the same commit.  Raises :class:`UsageError`, :class:`InvalidInput` (a :class:`SchemaMismatch` is one),
    :class:`Conflict`, :class:`OnceMismatch`.
    """
    check_postable(key)
    if if_commit is not None and if_absent:
        raise UsageError("a record cannot be absent and as a commit wrote it")
    guards: list[Guard] = [Absent(key)] if if_absent else [At(key, if_commit)] if if_commit is not None else []
    await hold_to_schemas(board)
    present = await board.get(key) if not case else None
    case = case or (present.case if present is not None and present.case else key)
    writes: list[Write] = [Put(key, value, ttl_ms)]
    if reason:
        writes.append(Put(POSTS + key, {"reason": reason}, ttl_ms))
    return await board.commit(
        guards,
        writes,
        once=Once(once) if once is not None else None,
        stamp=Stamp(author=by, case=case),
    )


def described(key: str, committed: Committed) -> str:
    """How a post to ``key`` went, in one line."""
    written = committed.writes[0]
    if committed.repeated:
        how = "was posted before with this idempotency key"
    elif written.changed:
        how = "written"
    else:
        how = "unchanged: it already had this value"
    return f"{key} {how}; commit {written.commit}, version {written.version}"
