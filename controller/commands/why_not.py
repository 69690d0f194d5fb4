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
    from controller.candidates import Records
    from controller.waiting import Waiting
    from controller.why_collect import Gathering
    from controller.why_not import Lack, Stopped, WhyNot


@click.command("why-not")
@click.argument("agent", shell_complete=agent_names)
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

    async with open_board(target) as board:
        state = await board.at(moment) if moment is not None else await board.replica()
        entry = await _agent(board, agent)
        given = _captures(captures, entry)
        told = why_not(state, entry, given)
        standings = _standings(told, entry, state, await _agenda(board)) if moment is None else {}
        now_ms = board.store.server_now_ms()
    document = _document(told, standings)
    emit(target, {"board": board.name, **document}, lambda console: _render(console, _lines(told, standings, now_ms)))


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


def _standings(told: WhyNot, entry: Agent, board: Records, agenda: Mapping[str, Any] | None) -> dict[str, Waiting]:
    """How each complete match stands that has no activation yet, or one that is to be tried again."""
    from controller.waiting import Candidate, waiting

    found = {}
    for match in told.matches:
        open_ = match.record is None or match.record["state"] in ("pending", "held")
        if match.excluded_by is None and open_ and match.records and not any(one.lacks for one in match.gathered):
            case = match.records[0].case or match.records[0].key
            candidate = Candidate(match.activation, told.agent, entry["capabilities"], case, match.records)
            found[match.activation] = waiting(candidate, agenda, board)
    return found


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


def _lines(told: WhyNot, standings: Mapping[str, Waiting], now_ms: int) -> Iterator[str]:
    from blackboard.wording import first_line
    from controller.why_collect import told as told_

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
        yield f"{named}: {_stopping(match, standings.get(match.activation))}"
        if match.record is None and match.excluded_by is None:
            yield from (f"  {told_(one, now_ms)}" for one in match.gathered)
            if match.after_ms is not None and now_ms < match.after_ms:
                yield f"  waits for {(match.after_ms - now_ms) / 1000:.1f} s more: so long it has to stand"
        yield from _waiting_lines(standings.get(match.activation))
    if told.gave_up:
        yield "there may be more: the search was given up after so many; NAME=TEXT narrows it"


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


def _stopping(match: Stopped, standing: Waiting | None) -> str:
    from controller.commands.why_text import ENDINGS

    if match.record is not None:
        decided = match.record.get("decided_by", "")
        reason = match.record.get("reason", "")
        by = f" as {decided} decided" if decided and decided not in reason else ""
        ending = f"it {ENDINGS[match.record['state']]}{by}, activation {match.activation}"
        return ending + (f": {reason}" if reason else "")
    if match.excluded_by is not None:
        text, record = match.excluded_by
        return f"unless {text} keeps it from firing: {record.reference} is there"
    if any(one.lacks for one in match.gathered):
        return "it lacks members"
    if standing is not None and standing.place:
        return "it is eligible, " + _placed(standing)
    if standing is not None and standing.obstacles:
        return "it is complete, and does not fire yet"
    return "it is eligible; it fires when a controller leads the board and its turn comes"


def _placed(standing: Waiting) -> str:
    entry = standing.entry
    if entry is None:
        return f"number {standing.place} on the agenda"
    parts = [f"number {standing.place} on the agenda", f"level {entry['level']}"]
    if "promoted_from" in entry:
        parts[-1] += f", to which waiting has lifted it from {entry['promoted_from']}"
    if "share" in entry:
        parts.append(f"share {entry['share']} of {entry['flow'] or 'nobody'}")
    if "override" in entry:
        parts.append(f"moved by {entry['override']}")
    parts.append(f"score {entry['score']:.3f} (rating {entry['rating']:g} + {entry['aged']:.3f} by waiting)")
    return ", ".join(parts)


def _waiting_lines(standing: Waiting | None) -> Iterator[str]:
    if standing is None:
        return
    for obstacle in standing.obstacles:
        yield f"  {obstacle}"
    for rival in standing.before:
        yield f"  before it: {rival.agent} for {rival.case}: {rival.by}"
    more = standing.place - 1 - len(standing.before)
    if standing.before and more > 0:
        yield f"  and {more} more"


def _render(console: SafeConsole, lines: Iterator[str]) -> None:
    from blackboard.console import shown

    for line in lines:
        console.print(shown(line))
