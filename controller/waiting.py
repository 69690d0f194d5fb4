"""What keeps a complete match from firing now: told from what the leader published, and from the records where nobody leads.

Entries are those of :class:`controller.agenda_view.Pending`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from blackboard.control_records import BREAKERS, FLOW, FOCUS, OVERRIDES
from blackboard.control_shapes import checked, sound
from blackboard.errors import InvalidInput
from blackboard.keys import region_of
from blackboard.pattern import Pattern
from blackboard.wording import seconds

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from blackboard.control_records import Flow, Focus, Override
    from blackboard.record import Record
    from controller.candidates import Records

SHOWN: Final = 3
"""of those that go before one, who are told"""


class Candidate(NamedTuple):
    """A complete match that has no activation, as orders and a focus look at it."""

    activation: str
    agent: str
    capabilities: Sequence[str]
    case: str
    records: tuple[Record[Any], ...]


class Rival(NamedTuple):
    """One that goes before it, and by what."""

    agent: str
    case: str
    by: str


class Waiting(NamedTuple):
    """Where a match stands.  ``place`` is from 1 among the eligible ones, 0 where it is none or not among those shown."""

    place: int
    entry: Mapping[str, Any] | None
    """as it was published"""
    before: tuple[Rival, ...]
    """the first of those that go before it"""
    obstacles: tuple[str, ...]
    """sentences: what has to change before its place counts"""


def waiting(candidate: Candidate, agenda: Mapping[str, Any] | None, board: Records) -> Waiting:
    """How ``candidate`` stands; ``agenda`` is the published one, ``None`` where nobody leads."""
    flow = _control(board, FLOW)
    obstacles = list(_stop(flow))
    if agenda is None:
        return Waiting(0, None, (), (*obstacles, *_from_records(candidate, board)))
    apart = agenda["apart"].get(candidate.activation)
    if apart is not None:
        return Waiting(0, None, (), (*obstacles, apart))
    for part in ("supervisors", "pending"):
        entries: list[dict[str, Any]] = agenda[part]
        for at, entry in enumerate(entries):
            if entry["activation"] == candidate.activation:
                return _placed(entries, at, obstacles, agenda)
    return Waiting(0, None, (), tuple(obstacles))


def _placed(entries: list[dict[str, Any]], at: int, obstacles: list[str], agenda: Mapping[str, Any]) -> Waiting:
    entry = entries[at]
    if "not_before_ms" in entry:
        left_ms = entry["not_before_ms"] - agenda["at_ms"]
        obstacles.append(f"delayed: not before {seconds(left_ms)} from the time of the agenda")
    obstacles += entry["because"]
    if entry["state"] != "ready":
        return Waiting(0, entry, (), tuple(obstacles))
    ahead = [one for one in entries[:at] if one["state"] == "ready"]
    rivals = tuple(Rival(one["agent"], one["case"], before(one, entry)) for one in ahead[:SHOWN])
    if not ahead and len(agenda["running"]) >= agenda["max_running"]:
        obstacles.append(f"{len(agenda['running'])} run, and no more may")
    return Waiting(1 + len(ahead), entry, rivals, tuple(obstacles))


def before(first: Mapping[str, Any], other: Mapping[str, Any]) -> str:
    """By what ``first`` goes before ``other``: the first thing in which they differ."""
    if first.get("override") != other.get("override"):
        moved = first.get("override")
        return f"moved by {moved}" if moved else f"the other one is moved by {other['override']}"
    if first["level"] != other["level"]:
        came = f", to which waiting has lifted it from {first['promoted_from']}" if "promoted_from" in first else ""
        return f"level {first['level']}{came}"
    if first.get("share") != other.get("share"):
        return f"{first['flow'] or 'it'} has had less: {first['share']} against {other['share']}"
    if first["score"] != other["score"] and round(first["score"] - other["score"], 3):
        return f"score {_score(first)} against {_score(other)}"
    return "it was there first" if first["eligible_ms"] <= other["eligible_ms"] else "it came last, which goes first"


def _score(entry: Mapping[str, Any]) -> str:
    return f"{entry['score']:.3f} (rating {entry['rating']:g} + {entry['aged']:.3f} by waiting)"


def _control(board: Records, key: str) -> Any:
    record = board.get(key)
    return checked(record).value if record is not None else None


def _stop(flow: Flow | None) -> Iterator[str]:
    if flow is not None and flow["mode"] != "running":
        because = f": {flow['reason']}" if flow["reason"] else ""
        mode = "waits for a word on each pick" if flow["mode"] == "recommend" else "is paused"
        yield f"the board {mode} (by {flow['author']}{because})"


def _from_records(candidate: Candidate, board: Records) -> Iterator[str]:
    """What the next leader will find, as far as records tell."""
    focus: Focus | None = _control(board, FOCUS)
    if focus is not None and not _in_focus(focus, candidate):
        yield f"it is out of focus ({focus['author']}{': ' + focus['reason'] if focus['reason'] else ''})"
    breaker = _control(board, BREAKERS + candidate.agent)
    if breaker is not None and breaker["state"] == "open":
        yield f"its breaker is open: {breaker['reason']}"
    for record in sound(board.find(Pattern.parse(f'{OVERRIDES}* where status == "standing" || status == "open"'))):
        order: Override = record.value
        if order["verb"] in ("hold", "veto") and _concerns(order, candidate):
            verb = {"hold": "held", "veto": "to be vetoed"}[order["verb"]]
            yield f"{verb} by {order['author']}: {order['reason']} ({record.key})"


def _in_focus(focus: Focus, candidate: Candidate) -> bool:
    regions = {region_of(record.key) for record in candidate.records}
    return (
        (not focus["agents"] or candidate.agent in focus["agents"])
        and (not focus["cases"] or candidate.case in focus["cases"])
        and (not focus["regions"] or bool(regions & set(focus["regions"])))
        and (not focus["patterns"] or any(_matches(text, candidate) for text in focus["patterns"]))
    )


def _concerns(order: Override, candidate: Candidate) -> bool:
    scope = order.get("scope") or {"activation": order["activation"]}
    return (
        scope.get("activation", candidate.activation) == candidate.activation
        and scope.get("agent", candidate.agent) == candidate.agent
        and scope.get("case", candidate.case) == candidate.case
        and ("capability" not in scope or scope["capability"] in candidate.capabilities)
        and ("pattern" not in scope or _matches(scope["pattern"], candidate))
    )


def _matches(text: str, candidate: Candidate) -> bool:
    try:
        pattern = Pattern.parse(text)
    except InvalidInput:
        return False
    return any(pattern.match(record) is not None for record in candidate.records)
