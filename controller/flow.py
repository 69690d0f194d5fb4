"""What people order of the flow of a board: pause, resume, step, accept or choose, focus.

Each is one commit on a record, so it holds whether a controller runs now or comes later, and the log tells who said it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from blackboard import exit_codes
from blackboard.commit import Absent, At, Delete, Put
from blackboard.control_records import FLOW, FOCUS, RECOMMENDATION
from blackboard.control_shapes import checked
from blackboard.errors import Conflict, UsageError
from blackboard.pattern import Pattern
from blackboard.record import Stamp

if TYPE_CHECKING:
    from collections.abc import Callable

    from blackboard.board import Board
    from blackboard.commit import Guard, Write
    from blackboard.control_records import Flow, Focus, Recommendation
    from blackboard.record import Record

MOST_STEPS = 1_000_000
_TRIES = 20


class FlowRefusal(UsageError):
    """A step that cannot be taken: the board goes on by itself, or nothing is recommended."""

    exit_code = exit_codes.FAILED


class Person(NamedTuple):
    """Who orders it, and why."""

    author: str
    reason: str = ""


async def halt(board: Board, mode: Literal["paused", "recommend"], by: Person) -> Flow:
    """Let nothing fire by itself from now on; ``recommend``: the controller says whom it would pick."""
    return await _change(board, by, lambda _: {"mode": mode, "steps": 0, "author": by.author, "reason": by.reason})


async def resume(board: Board, by: Person) -> Flow:
    """Let the controller go on by itself."""
    return await _change(board, by, lambda _: {"mode": "running", "steps": 0, "author": by.author, "reason": by.reason})


async def step(board: Board, count: int, by: Person) -> Flow:
    """Grant ``count`` picks of the controller's own, beside those that are granted already.

    Raises :class:`FlowRefusal` where the board goes on by itself.
    """

    def granted(flow: Flow) -> Flow:
        steps = 0 if "choose" in flow else flow["steps"]
        return {
            "mode": flow["mode"],
            "steps": min(steps + count, MOST_STEPS),
            "author": by.author,
            "reason": by.reason,
        }

    return await _change(board, by, lambda flow: granted(_stopped(board, flow)))


async def choose(board: Board, activation: str, by: Person) -> Flow:
    """Grant one pick, that of ``activation``; the decision names it as an override if it was not next by itself.

    Raises :class:`FlowRefusal` where the board goes on by itself.
    """
    return await _change(board, by, lambda flow: _chosen(_stopped(board, flow), activation, by))


async def accept(board: Board, by: Person) -> tuple[Flow, Recommendation]:
    """Grant the pick that is recommended; returns that, too.

    Raises :class:`FlowRefusal` where nothing is.
    """
    record = await _read(board, RECOMMENDATION)
    if record is None:
        _stopped(board, await flow_of(board))
        raise FlowRefusal(
            f"nothing is recommended on board {board.name}: 'pause --recommend' asks for it, and a controller must run"
        )
    told: Recommendation = record.fresh().value
    guards: list[Guard] = [At(RECOMMENDATION, record.commit)]
    flow = await _change(board, by, lambda flow: _chosen(_stopped(board, flow), told["activation"], by), guards)
    return flow, told


async def flow_of(board: Board) -> Flow | None:
    """What was ordered last, ``None`` for nothing; raises :class:`Corrupt`."""
    record = await _read(board, FLOW)
    return record.fresh().value if record is not None else None


async def focus_of(board: Board) -> Focus | None:
    """The focus there is, ``None`` for none; raises :class:`Corrupt`."""
    record = await _read(board, FOCUS)
    return record.fresh().value if record is not None else None


async def focus(board: Board, wanted: Focus, ttl_ms: int | None) -> None:
    """Let only what ``wanted`` covers fire; after ``ttl_ms`` it lapses.

    Raises :class:`UsageError` where it covers everything, :class:`PatternError`.
    """
    if not (wanted["agents"] or wanted["regions"] or wanted["cases"] or wanted["patterns"]):
        raise UsageError("say what to look at: agents, regions, cases or patterns")
    for pattern in wanted["patterns"]:
        Pattern.parse(pattern)
    await board.commit([], [Put(FOCUS, wanted, ttl_ms)], stamp=Stamp(author=wanted["author"]))


async def unfocus(board: Board, by: Person) -> bool:
    """Let everything fire again; whether there was a focus."""
    done = await board.commit([], [Delete(FOCUS)], stamp=Stamp(author=by.author))
    return bool(done.commit)


async def _change(
    board: Board, by: Person, change: Callable[[Flow | None], Flow], guards: list[Guard] | None = None
) -> Flow:
    """Write what ``change`` makes of the flow; what was recommended under the old one goes with it, if all resumes."""
    for attempt in range(_TRIES):
        record = await _read(board, FLOW)
        flow = change(record.fresh().value if record is not None else None)
        own: Guard = At(FLOW, record.commit) if record is not None else Absent(FLOW)
        writes: list[Write] = [Put(FLOW, flow)]
        if flow["mode"] != "recommend":
            writes.append(Delete(RECOMMENDATION))
        try:
            await board.commit([own, *(guards or ())], writes, stamp=Stamp(author=by.author))
        except Conflict as conflict:
            if attempt + 1 == _TRIES or any(failure.guard in (guards or ()) for failure in conflict.failures):
                raise
        else:
            return flow
    raise AssertionError("unreachable")


def _chosen(flow: Flow, activation: str, by: Person) -> Flow:
    return {"mode": flow["mode"], "steps": 1, "author": by.author, "reason": by.reason, "choose": activation}


def _stopped(board: Board, flow: Flow | None) -> Flow:
    if flow is None or flow["mode"] == "running":
        raise FlowRefusal(f"board {board.name} goes on by itself: pause it first")
    return flow


async def _read(board: Board, key: str) -> Record[Any] | None:
    record = await board.get(key)
    return checked(record) if record is not None else None
