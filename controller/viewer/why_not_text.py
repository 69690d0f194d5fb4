"""Why an agent has not fired, in sentences: what its patterns lack, or what keeps each complete match from firing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from blackboard.commands.record_view import short_value
from blackboard.wording import first_line, seconds
from controller.viewer.sentence import Sentence, under
from controller.viewer.target import Target, target_of
from controller.viewer.why_text import ENDINGS
from controller.waiting import Candidate, waiting
from controller.why_collect import told as told_gathering

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from blackboard.control_records import Agent
    from controller.candidates import Records
    from controller.waiting import Waiting
    from controller.why_not import Clause, Lack, Stopped, WhyNot


def standings(told: WhyNot, entry: Agent, board: Records, agenda: Mapping[str, object] | None) -> Mapping[str, Waiting]:
    """How each complete match stands that has no activation yet, or one that is to be tried again."""
    found = {}
    for match in told.matches:
        open_ = match.record is None or match.record["state"] in ("pending", "held")
        if match.excluded_by is None and open_ and match.records and not any(one.lacks for one in match.gathered):
            case = match.records[0].case or match.records[0].key
            candidate = Candidate(match.activation, told.agent, entry["capabilities"], case, match.records)
            found[match.activation] = waiting(candidate, agenda, board)
    return found


def why_not_lines(
    told: WhyNot, standings: Mapping[str, Waiting], now_ms: int, *, narrowing: str = "; NAME=TEXT narrows it"
) -> Iterator[Sentence]:
    """``told`` as lines, with how its complete matches stand; ``narrowing`` is how to ask for less."""
    if told.status != "ready":
        because = f": {first_line(told.error)}" if told.error else ""
        yield Sentence(f"{told.agent} is {told.status}{because}; it fires on nothing until it is back")
        if not told.watches:
            return
    for alias, reference in told.filled.items():
        key, _, commit = reference.rpartition("@")
        yield Sentence(f"{alias}: {reference} is there", target_of(key, commit))
    for lack in told.lacks:
        yield from _lacking(lack)
    for match in told.matches:
        standing = standings.get(match.activation)
        yield _stopped(match, standing)
        yield from under("  ", _waiting_for(match, now_ms))
        yield from under("  ", _standing(standing))
    if told.gave_up:
        yield Sentence(f"there may be more: the search was given up after so many{narrowing}")


def clause_line(clause: Clause) -> str:
    """One condition: whether it holds, and on what it fails."""
    mark = {True: "holds ", False: "fails ", None: "cannot"}[clause.holds]
    if clause.holds is True:
        return f"{mark}  {clause.text}"
    there = ", ".join(f"{path} is {short_value(value)}" for path, value in clause.found)
    return f"{mark}  {clause.text}   ({there or 'there is no such field'})"


def _lacking(lack: Lack) -> Iterator[Sentence]:
    if lack.nearest is None:
        yield Sentence(f"{lack.alias}: there is no {lack.sought}")
        return
    nearest = target_of(lack.nearest.key, lack.nearest.commit)
    yield Sentence(f"{lack.alias}: no record fits {lack.pattern}; the nearest is {lack.nearest.reference}", nearest)
    for clause in lack.clauses:
        yield Sentence(f"  {clause_line(clause)}")


def _stopped(match: Stopped, standing: Waiting | None) -> Sentence:
    named = ", ".join(f"{name}={text}" for name, text in match.captures.items()) or "its records"
    if match.record is not None:
        decided = match.record.get("decided_by", "")
        reason = match.record.get("reason", "")
        by = f" as {decided} decided" if decided and decided not in reason else ""
        ending = f"it {ENDINGS[match.record['state']]}{by}, activation {match.activation}"
        because = f": {reason}" if reason else ""
        return Sentence(f"{named}: {ending}{because}", Target("activation", match.activation))
    if match.excluded_by is not None:
        text, record = match.excluded_by
        excluded = f"unless {text} keeps it from firing: {record.reference} is there"
        return Sentence(f"{named}: {excluded}", target_of(record.key, record.commit))
    return Sentence(f"{named}: {_eligible(match, standing)}", Target("activation", match.activation))


def _eligible(match: Stopped, standing: Waiting | None) -> str:
    if any(one.lacks for one in match.gathered):
        return "it lacks members"
    if standing is not None and standing.place:
        return "it is eligible, " + placed(standing)
    if standing is not None and standing.obstacles:
        return "it is complete, and does not fire yet"
    return "it is eligible; it fires when a controller leads the board and its turn comes"


def placed(standing: Waiting) -> str:
    """Its place on the agenda, and by what it has it."""
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


def _waiting_for(match: Stopped, now_ms: int) -> Iterator[Sentence]:
    """What a match without an activation still waits for by itself."""
    if match.record is not None or match.excluded_by is not None:
        return
    for gathering in match.gathered:
        yield Sentence(told_gathering(gathering, now_ms))
    if match.after_ms is not None and now_ms < match.after_ms:
        yield Sentence(f"waits for {seconds(match.after_ms - now_ms)} more: so long it has to stand")


def _standing(standing: Waiting | None) -> Iterator[Sentence]:
    if standing is None:
        return
    for obstacle in standing.obstacles:
        yield Sentence(obstacle)
    for rival in standing.before:
        yield Sentence(f"before it: {rival.agent} for {rival.case}: {rival.by}", Target("case", rival.case))
    more = standing.place - 1 - len(standing.before)
    if standing.before and more > 0:
        yield Sentence(f"and {more} more")
