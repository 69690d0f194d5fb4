"""``blackboard agenda``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import click

from blackboard.commands.target import Target, board_options, emit, open_board

if TYPE_CHECKING:
    from collections.abc import Iterator

    from blackboard.board import Board
    from blackboard.console import SafeConsole


LOOKS: Final = 500_000
"""at records, where the agenda is told from them: who types the command waits for it"""


@click.command("agenda")
@click.option("--at", "moment", metavar="MOMENT", help="As it was then: a revision, a commit, a snapshot, a time.")
@board_options
async def command(target: Target, *, moment: str | None) -> None:
    """Show what is to fire next, in order, and what runs, as the leader of the board last told.

    In the order in which it would fire: supervisors apart, then by level, share, and score, which is the rating and
    what waiting adds. What cannot fire now is told with what it waits for; 'why-not' explains who is missing.
    Where nobody leads, and as of an earlier moment, it is told from the records, which say so.

    \b
    Examples:
      blackboard agenda
      blackboard agenda --at 120
      blackboard agenda -o json --board process_return@1
    """
    async with open_board(target) as board:
        published, told = await read_agenda(board) if moment is None else None, ""
        if moment is not None:
            document, told = await _as_it_was(board, moment)
        elif published is not None:
            document = published
        else:
            document, told = await _as_records_tell(board), f"nobody leads board {board.name}"
    emit(target, document, lambda console: _render(console, document, told))


async def _as_it_was(board: Board, moment: str) -> tuple[dict[str, Any], str]:
    """The agenda at ``moment``, and what is said of it; raises as :meth:`Board.at`."""
    from blackboard.commands.record_view import instant
    from controller.viewer.past_agenda import agenda_from

    state = await board.at(moment)
    document = {"board": board.name, "revision": state.revision, **agenda_from(state, state.time_ms, steps=LOOKS)}
    return document, f"revision {state.revision}" + (f", {instant(state.time_ms)}" if state.time_ms else "")


async def _as_records_tell(board: Board) -> dict[str, Any]:
    """What the next leader will find."""
    from controller.viewer.past_agenda import agenda_from

    replica = await board.replica()
    told = agenda_from(replica, board.store.server_now_ms(), steps=LOOKS)
    return {"board": board.name, "revision": replica.revision, **told}


async def read_agenda(board: Board) -> dict[str, Any] | None:
    """What the leader of ``board`` last published, ``None`` where nobody leads; raises :class:`Corrupt`."""
    from blackboard.errors import Corrupt
    from controller.agenda_view import parse_agenda

    raw = await board.store.read("GET", board.store.keys.agenda)
    if raw is None:
        return None
    document = parse_agenda(raw)
    if document is None:
        raise Corrupt(f"the agenda of board {board.name} does not parse")
    return {"board": board.name, **document}


def _render(console: SafeConsole, document: dict[str, Any], told: str) -> None:
    from blackboard.console import shown, table
    from blackboard.wording import counted, seconds

    now_ms = document["at_ms"]
    running = [(one["agent"], one["case"], seconds(now_ms - one["eligible_ms"])) for one in document["running"]]
    console.print(shown(f"{len(running)} running, {counted(document['pending_count'], 'activation')} pending"))
    if told:
        console.print(shown(f"{told}: told from the records; {'; '.join(document['left_out'])}"))
    for line in _stopped(document):
        console.print(shown(line))
    if running:
        console.print(table(("running", "case", "since eligible"), running, right=("since eligible",)))
    for title, part in (("supervisor", "supervisors"), ("next", "pending")):
        if document[part]:
            _render_part(console, title, document[part], now_ms)
    more = document["pending_count"] - len(document["pending"]) - len(document["supervisors"])
    if more > 0:
        console.print(shown(f"… and {more:,} more"))


def _stopped(document: dict[str, Any]) -> Iterator[str]:
    """Lines that say what people have ordered of the flow."""
    flow = document.get("flow")
    if flow is not None:
        steps = f", {flow['steps']} granted" if flow["steps"] else ""
        because = f": {flow['reason']}" if flow["reason"] else ""
        mode = "waits for a word on each pick" if flow["mode"] == "recommend" else "paused"
        yield f"{mode}{steps} ({flow['author']}{because}); 'blackboard step' or 'blackboard resume' goes on"
    if "focus" in document:
        yield f"only {document['focus']}"


def _render_part(console: SafeConsole, title: str, entries: list[dict[str, Any]], now_ms: int) -> None:
    """The entries of one line, in order; columns that nothing is in are left out."""
    from blackboard.console import table
    from blackboard.wording import seconds

    columns: dict[str, list[Any]] = {
        "": list(range(1, len(entries) + 1)),
        title: [one["agent"] for one in entries],
        "case": [one["case"] for one in entries],
        "level": [one["level"] + _from(one) for one in entries],
        "share": [f"{one['flow'] or '-'} {one['share']}" if "share" in one else "" for one in entries],
        "rating": [f"{one['rating']:g}" for one in entries],
        "aged": [f"{one['aged']:.1f}" for one in entries],
        "score": [f"{one['score']:.1f}" for one in entries],
        "waited": [seconds(one["waited_ms"]) for one in entries],
        "attempt": [one["attempt"] if one["attempt"] > 1 else "" for one in entries],
        "state": [one["state"] for one in entries],
        "because": [_because(one, now_ms) for one in entries],
        "id": [one["activation"][:8] for one in entries],
    }
    shown = {name: cells for name, cells in columns.items() if any(str(cell) for cell in cells)}
    right = ("", "rating", "aged", "score", "waited", "attempt")
    console.print(table(tuple(shown), list(zip(*shown.values(), strict=True)), right=right))


def _from(entry: dict[str, Any]) -> str:
    return f" (from {entry['promoted_from']})" if "promoted_from" in entry else ""


def _because(entry: dict[str, Any], now_ms: int) -> str:
    from blackboard.wording import seconds

    parts = list(entry["because"])
    if "not_before_ms" in entry:
        parts.insert(0, f"not before {seconds(entry['not_before_ms'] - now_ms)} from now")
    if "override" in entry:
        parts.append(f"moved by {entry['override']}")
    return "; ".join(parts)
