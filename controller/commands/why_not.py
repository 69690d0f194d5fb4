"""``blackboard why-not``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from blackboard.commands.offers import agent_names
from blackboard.commands.target import Target, board_options, emit, open_board

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from blackboard.board import Board
    from blackboard.console import SafeConsole
    from blackboard.control_records import Agent
    from controller.viewer.sentence import Sentence
    from controller.waiting import Waiting
    from controller.why_collect import Gathering
    from controller.why_not import WhyNot


@click.command("why-not")
@click.argument("agent", shell_complete=agent_names)
@click.argument("captures", nargs=-1, metavar="[NAME=TEXT]...")
@click.option("--at", "moment", metavar="MOMENT", help="As it was then: a revision, a commit, a snapshot, a time.")
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
    from controller.viewer.why_not_text import standings, why_not_lines
    from controller.why_not import why_not

    async with open_board(target) as board:
        state = await board.at(moment) if moment is not None else await board.replica()
        entry = await _agent(board, agent)
        given = _captures(captures, entry)
        told = why_not(state, entry, given)
        standing = standings(told, entry, state, await _agenda(board)) if moment is None else {}
        now_ms = board.store.server_now_ms()
    document, lines = _document(told, standing), why_not_lines(told, standing, now_ms)
    emit(target, {"board": board.name, **document}, lambda console: _render(console, lines))


def _captures(texts: Sequence[str], agent: Agent) -> dict[str, str]:
    """What was typed of the captures of ``agent``; raises :class:`click.UsageError` where it has no such one."""
    known = sorted(_names(agent))
    found = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals or not name or not value:
            example = " ".join(f"{one}=…" for one in known)
            names = f": {example}" if known else f", and {agent['name']} captures nothing"
            raise click.UsageError(f"{text!r}: write NAME=TEXT{names}")
        found[name] = value
    if unknown := sorted(found.keys() - set(known)):
        raise click.UsageError(f"{agent['name']} captures {', '.join(known) or 'nothing'}, not {', '.join(unknown)}")
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

    collected = [clause["pattern"] for clause in agent.get("collects", {}).values()]
    return {name for text in (*agent["watches"].values(), *collected) for name in Pattern.parse(text).captures}


async def _agenda(board: Board) -> dict[str, Any] | None:
    """What the leader last published; ``None`` where nobody leads, or it is not what a leader publishes."""
    from controller.agenda_view import parse_agenda

    raw = await board.store.read("GET", board.store.keys.agenda)
    return parse_agenda(raw) if raw is not None else None


def _document(told: WhyNot, standings: Mapping[str, Waiting]) -> dict[str, Any]:
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
                "gathered": [_gathering_document(one) for one in match.gathered],
                "after_ms": match.after_ms,
                **_standing_document(standings.get(match.activation)),
            }
            for match in told.matches
        ],
        "gave_up": told.gave_up,
    }


def _gathering_document(gathering: Gathering) -> dict[str, Any]:
    members = [record.reference for record in gathering.members]
    return {**gathering._asdict(), "members": members, "lacks": gathering.lacks}


def _standing_document(standing: Waiting | None) -> dict[str, Any]:
    if standing is None:
        return {"place": None, "obstacles": [], "before": [], "entry": None}
    return {
        "place": standing.place or None,
        "obstacles": list(standing.obstacles),
        "before": [rival._asdict() for rival in standing.before],
        "entry": standing.entry,
    }


def _render(console: SafeConsole, sentences: Iterator[Sentence]) -> None:
    from blackboard.console import shown

    for sentence in sentences:
        console.print(shown(sentence.text))
