"""``blackboard why-not``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from blackboard.commands.target import Target, board_options, emit, open_board

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from blackboard.board import Board
    from blackboard.console import SafeConsole
    from blackboard.control_records import Agent
    from controller.why_not import Lack, Stopped, WhyNot


@click.command("why-not")
@click.argument("agent")
@click.argument("captures", nargs=-1, metavar="[NAME=TEXT]...")
@click.option("--at", "moment", metavar="MOMENT", help="As it was then: a revision, a commit, a snapshot's name.")
@board_options
async def command(target: Target, *, agent: str, captures: tuple[str, ...], moment: str | None) -> None:
    """Explain why AGENT has not fired, for the records whose key captures NAME as TEXT, or for all.

    Tells for each pattern the record that comes nearest, and condition by condition what it lacks; or what keeps
    a match that is complete from firing: what excludes it, its place on the agenda, or that it has fired. Told from
    the records alone, whether a controller runs or not; a precondition, which is code, is not asked.

    \b
    Examples:
      blackboard why-not gateway rma=R-1004
      blackboard why-not exchange sku=ROPE-60 --at 120 -o json
    """
    from controller.why_not import why_not

    given = _captures(captures)
    async with open_board(target) as board:
        state = await board.at(moment) if moment is not None else await board.replica()
        entry = await _agent(board, agent)
        unknown = set(given) - _names(entry)
        if unknown:
            names = ", ".join(sorted(_names(entry))) or "nothing"
            raise click.UsageError(f"{agent} captures {names}, not {', '.join(sorted(unknown))}")
        told = why_not(state, entry, given)
        agenda = await _agenda(board) if moment is None else {}
    document = _document(told, agenda)
    emit(target, {"board": board.name, **document}, lambda console: _render(console, _lines(told, agenda)))


def _captures(texts: Sequence[str]) -> dict[str, str]:
    found = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals or not name or not value:
            raise click.UsageError(f"{text!r}: write NAME=TEXT, as in rma=R-1004")
        found[name] = value
    return found


async def _agent(board: Board, name: str) -> Agent:
    from blackboard.control_records import AGENTS
    from blackboard.control_shapes import checked
    from blackboard.errors import NothingSelected
    from knowledge_sources.nearest import did_you_mean

    replica = await board.replica()
    known = {record.key.removeprefix(AGENTS): record for record in replica.region("control").values()
             if record.key.startswith(AGENTS)}  # fmt: skip
    if name not in known:
        near = did_you_mean(name, sorted(known)) or ("; it has none" if not known else "")
        raise NothingSelected(f"no agent {name!r} on board {board.name}{near}")
    entry: Agent = checked(known[name]).value
    return entry


def _names(agent: Agent) -> set[str]:
    from blackboard.pattern import Pattern

    return {name for text in agent["watches"].values() for name in Pattern.parse(text).captures}


async def _agenda(board: Board) -> dict[str, tuple[int, str]]:
    """Activation → its place among the pending and its level, as the leader last told; empty where nobody leads."""
    from controller.agenda_view import parse_agenda

    raw = await board.store.read("GET", board.store.keys.agenda)
    agenda = parse_agenda(raw) if raw is not None else None
    pending = agenda["pending"] if agenda is not None else []
    return {one["activation"]: (place, one["level"]) for place, one in enumerate(pending, 1)}


def _document(told: WhyNot, agenda: Mapping[str, tuple[int, str]]) -> dict[str, Any]:
    return {
        "agent": told.agent,
        "status": told.status,
        "filled": dict(told.filled),
        "lacks": [
            {
                "alias": lack.alias,
                "pattern": lack.pattern,
                "sought": lack.sought,
                "nearest": lack.nearest.reference if lack.nearest is not None else None,
                "clauses": [
                    {"text": clause.text, "holds": clause.holds, "found": dict(clause.found)} for clause in lack.clauses
                ],
            }
            for lack in told.lacks
        ],
        "matches": [
            {
                "captures": dict(match.captures),
                "triggers": [list(trigger) for trigger in match.triggers],
                "activation": match.activation,
                "state": match.record["state"] if match.record is not None else None,
                "reason": match.record.get("reason", "") if match.record is not None else "",
                "excluded_by": match.excluded_by[1].reference if match.excluded_by is not None else None,
                "place": agenda[match.activation][0] if match.activation in agenda else None,
            }
            for match in told.matches
        ],
    }


def _lines(told: WhyNot, agenda: Mapping[str, tuple[int, str]]) -> Iterator[str]:
    from blackboard.wording import first_line

    if told.status != "ready":
        because = f": {first_line(told.error)}" if told.error else ""
        yield f"{told.agent} is {told.status}{because}; it fires on nothing until it is back"
        if not told.watches:
            return
    for alias, reference in told.filled.items():
        yield f"{alias}: {reference} is there"
    for lack in told.lacks:
        yield from _lacking(lack)
    for match in told.matches:
        named = ", ".join(f"{name}={text}" for name, text in match.captures.items()) or "its records"
        yield f"{named}: {_stopping(match, agenda)}"


def _lacking(lack: Lack) -> Iterator[str]:
    from blackboard.commands.record_view import short_value

    if lack.nearest is None:
        yield f"{lack.alias}: there is no {lack.sought}"
        return
    yield f"{lack.alias}: no record fits {lack.pattern}; the nearest is {lack.nearest.reference}"
    for clause in lack.clauses:
        mark = {True: "holds ", False: "fails ", None: "cannot"}[clause.holds]
        there = ", ".join(f"{path} is {short_value(value)}" for path, value in clause.found)
        yield f"  {mark}  {clause.text}" + (
            f"   ({there or 'there is no such field'})" if clause.holds is not True else ""
        )


def _stopping(match: Stopped, agenda: Mapping[str, tuple[int, str]]) -> str:
    from controller.commands.why_text import ENDINGS

    if match.record is not None:
        reason = match.record.get("reason")
        return f"it {ENDINGS[match.record['state']]}, activation {match.activation}" + (f": {reason}" if reason else "")
    if match.excluded_by is not None:
        text, record = match.excluded_by
        return f"unless {text} keeps it from firing: {record.reference} is there"
    if match.activation in agenda:
        place, level = agenda[match.activation]
        return f"it is eligible, number {place} on the agenda, level {level}"
    return "it is eligible; it fires when a controller leads the board and its turn comes"


def _render(console: SafeConsole, lines: Iterator[str]) -> None:
    from blackboard.console import shown

    for line in lines:
        console.print(shown(line))
