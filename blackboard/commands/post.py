"""Writing one record by hand: what a value on the command line means, and the commit."""

from __future__ import annotations

import re
import sys
from typing import TYPE_CHECKING, Any

from blackboard.commands.target import emit, open_board

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from blackboard.board import Board
    from blackboard.commands.target import Target
    from blackboard.commit import Committed, Guard

MEANT_AS_JSON = re.compile(
    r"""[{\["] | -?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?\Z | (?:true|false|null|NaN|-?Infinity)\Z""",
    re.VERBOSE,
)


async def post(
    target: Target,
    *,
    key: str,
    value: str,
    if_commit: str | None,
    if_absent: bool,
    once: str | None,
    ttl: str | None,
    by: str | None,
    hold: Callable[[Board], Awaitable[None]],
) -> None:
    """Write one record and say how it went; ``hold`` sets the schemas that the board is to ask."""
    from blackboard.commit import Absent, At, Once, Put
    from blackboard.durations import parse_duration
    from blackboard.record import Stamp

    _check_target(key, if_commit, if_absent=if_absent)
    ttl_ms = parse_duration(ttl) if ttl is not None else None
    content = parse_value(sys.stdin.read() if value == "-" else value)
    guards: list[Guard] = [Absent(key)] if if_absent else [At(key, if_commit)] if if_commit is not None else []
    async with open_board(target, create=True) as board:
        await hold(board)
        present = await board.get(key)
        case = present.case if present is not None and present.case else key
        committed = await board.commit(
            guards,
            [Put(key, content, ttl_ms)],
            once=Once(once) if once is not None else None,
            stamp=Stamp(author=by or user_name(), case=case),
        )
        outcome = _describe(key, committed)
        emit(target, _document(board.name, key, committed), lambda console: console.print(outcome))


def _check_target(key: str, if_commit: str | None, *, if_absent: bool) -> None:
    from blackboard.errors import UsageError
    from blackboard.keys import CONTROL_REGION, check_key, region_of

    if region_of(check_key(key)) == CONTROL_REGION:
        raise UsageError(
            f"{key!r}: the runtime alone writes under control/; 'blackboard escalations' answers questions"
        )
    if if_commit is not None and if_absent:
        raise UsageError("--if-commit and --if-absent contradict each other")


def parse_value(text: str, *, place: str = "VALUE") -> Any:
    """The value that ``text`` says, which was typed at ``place``.

    What begins with ``{``, ``[`` or ``"``, and what is a number, true, false or null, is read as JSON, and refused
    with :class:`~blackboard.errors.InvalidInput` where it is none.  Anything else is a text, ``007`` too.
    """
    from blackboard.strict_json import parse_json

    bare = text.strip()
    return parse_json(bare, place=place) if MEANT_AS_JSON.match(bare) else text


def user_name() -> str:
    """Who is logged in here; ``uid-1000`` where the system has no name for that."""
    import getpass
    import os

    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return f"uid-{os.getuid()}"


def _document(board: str, key: str, committed: Committed) -> dict[str, Any]:
    written = committed.writes[0]
    return {
        "board": board,
        "key": key,
        "commit": written.commit,
        "version": written.version,
        "changed": written.changed,
        "repeated": committed.repeated,
    }


def _describe(key: str, committed: Committed) -> str:
    from blackboard.terminal import sanitize

    written = committed.writes[0]
    if committed.repeated:
        how = "was posted before with this idempotency key"
    elif written.changed:
        how = "written"
    else:
        how = "unchanged: it already had this value"
    return f"{sanitize(key)} {how}; commit {written.commit}, version {written.version}"
