"""What each change says, for the Log pane: in words, with a meaning, and as a document that a filter's conditions read.

The words of the plain stream (:mod:`controller.viewer.snapshot`) are the ground; here a decision tells its rank, an
end what it came to, and what was refused stands out.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from blackboard.commands.record_view import short_value
from blackboard.control_records import (
    ACTIVATIONS,
    AGENTS,
    ATTENTION,
    BREAKERS,
    CLAIMS,
    CONTROL,
    ESCALATIONS,
    EVENTS,
    FLOW,
    FOCUS,
    LEADER,
    OVERRIDES,
    POSTS,
    PROGRESS,
    PROPOSALS,
    RECOMMENDATION,
    REVERTS,
    RUN,
    SCHEMAS,
    TIMERS,
)
from blackboard.control_shapes import checked
from blackboard.errors import Corrupt
from blackboard.keys import region_of
from blackboard.wording import counted, seconds
from controller.viewer import snapshot
from controller.viewer.amounts import sentence
from controller.viewer.excerpt import excerpt

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from blackboard.log import Change
    from controller.viewer.line import Meaning

    Teller = Callable[[Change, Any], "Told"]

MOST: Final = 300
"""characters of what a change says"""
_KEYS_NAMED: Final = 3
_STATES: Final[dict[str, Meaning]] = {
    "executed": "good", "failed": "bad", "abandoned": "bad", "obviated": "dim", "escalated": "warn", "held": "warn",
    "vetoed": "warn", "cancelled": "warn",
}  # fmt: skip
_ORDERS: Final[dict[str, Meaning]] = {"refused": "bad", "expired": "dim", "revoked": "dim"}
_QUESTIONS: Final[dict[str, Meaning]] = {"open": "warn", "answered": "good"}
_AGENTS: Final[dict[str, Meaning]] = {"broken": "bad", "gone": "warn"}
_BREAKERS: Final[dict[str, Meaning]] = {"open": "bad", "half_open": "warn", "closed": "good"}
_REMOVALS: Final = {
    LEADER: "nobody leads",
    FLOW: "the controller picks by itself again",
    FOCUS: "everything may fire again",
    RECOMMENDATION: "nothing is recommended any more",
    ATTENTION: "what a supervisor was asked about is settled",
    PROGRESS: "its activation has ended",
}
_FIELDS: Final = ("agent", "case", "state", "status", "verb", "activation")


class Told(NamedTuple):
    """``text`` after ``key``, which is told of the records that are not the runtime's own."""

    text: str
    meaning: Meaning = ""
    key: str = ""


def tell(change: Change) -> Told:
    """What ``change`` says; never raises, whatever its record holds."""
    own = change.key.startswith(CONTROL) and not change.key.startswith(PROPOSALS)
    if change.record is None:
        return _removal(change)
    try:
        if not own:
            return Told(excerpt(change.record, MOST), "", change.key)
        value = checked(change.record).value
        teller = _TELLERS.get(change.key) or _TELLERS.get(_home(change.key))
        return teller(change, value) if teller is not None else Told(excerpt(change.record, MOST), "", change.key)
    except (Corrupt, ValueError, TypeError) as error:
        return Told(sentence(str(error)), "bad", "" if isinstance(error, Corrupt) else change.key)


def _removal(change: Change) -> Told:
    over = _REMOVALS.get(change.key) or _REMOVALS.get(_home(change.key))
    if over is not None:
        return Told(over, "title" if change.key in _REMOVALS else "dim")
    return Told(snapshot.told(change), "dim" if change.operation == "expire" else "removed", change.key)


def author_of(change: Change) -> str:
    """Who wrote it, ``-`` for nobody named."""
    try:
        return snapshot.author_of(change)
    except Corrupt:
        return "-"


def document_of(change: Change) -> Mapping[str, Any]:
    """The fields of ``change`` that a condition reads; of the runtime's own records those that say what they are about."""
    document: dict[str, Any] = {
        "commit": change.commit,
        "key": change.key,
        "region": region_of(change.key),
        "author": author_of(change),
        "operation": change.operation,
        "time_ms": change.time_ms,
    }
    try:
        if change.record is not None and change.key.startswith(CONTROL):
            value = checked(change.record).value
            document["case"] = change.record.case
            document |= {name: value[name] for name in _FIELDS if name in value} if isinstance(value, dict) else {}
            if change.key.startswith(ACTIVATIONS):
                document |= {"activation": change.key.removeprefix(ACTIVATIONS), "level": value["decision"]["level"]}
        elif change.record is not None:
            document |= {"case": change.record.case, "activation": change.record.activation}
    except Corrupt:
        pass  # which is what it says
    return document


def _home(key: str) -> str:
    return "/".join(key.split("/", 2)[:2]) + "/"


def _because(reason: str) -> str:
    line = sentence(reason)
    return f": {line}" if line else ""


def _activation(change: Change, value: Any) -> Told:
    state, who = value["state"], f"{value['agent']} for {value['case']}"
    if state == "running" and not _ran_before(change):
        return Told(_dispatch(value, who), "name")
    meaning = _STATES.get(state, "")
    attempts = value.get("attempts", ())
    if (value.get("conflicts") and meaning != "bad") or (state == "pending" and attempts):
        meaning = "warn"
    failure = f" ({value['failure']})" if value.get("failure") and state != "executed" else ""
    reason = sentence(value.get("reason", ""))
    told = value["agent"] in reason and value["case"] in reason
    return Told(f"{'' if told else who + ' '}{state}{failure}{_because('; '.join(_ends(value)))}", meaning)


def _ran_before(change: Change) -> bool:
    """Whether the activation was running already, such as one whose time was extended."""
    try:
        return change.previous is not None and checked(change.previous).value["state"] == "running"
    except Corrupt:
        return False


def _dispatch(value: Any, who: str) -> str:
    again = f", call {value['attempt']}" if value["attempt"] > 1 else ""
    return f"chose {who}{_place(value['decision'])}{again}"


def _place(decision: Any) -> str:
    eligible, rank = decision["eligible"], decision["rank"]
    place = f", {rank:,} of {eligible:,} eligible" if eligible > 1 else ", the only one eligible" if eligible else ""
    came = f" (from {decision['promoted_from']})" if "promoted_from" in decision else ""
    return f"{place}, level {decision['level']}{came}{', moved by an order' if decision['override'] else ''}"


def _ends(value: Any) -> list[str]:
    """What an activation came to."""
    parts = [sentence(value.get("reason", ""))]
    attempts, winner, wrote = value.get("attempts", ()), value.get("winner", ""), value.get("wrote", ())
    if attempts and value["state"] in ("pending", "failed") and not parts[0]:
        last = attempts[-1]
        parts.append(f"call {len(attempts)} failed ({last['failure']}): {sentence(last['error'])}")
    if winner and winner not in parts[0]:
        parts.append(f"{winner} was first")
    if wrote:
        more = f" and {len(wrote) - _KEYS_NAMED} more" if len(wrote) > _KEYS_NAMED else ""
        parts.append(f"wrote {', '.join(key[:MOST] for key in wrote[:_KEYS_NAMED])}{more}")
    if "run_us" in value and value["state"] == "executed":
        ran_ms = value["run_us"] / 1000
        parts.append(f"ran {ran_ms:.1f} ms" if ran_ms < 1000 else f"ran {seconds(int(ran_ms))}")
    if value.get("conflicts"):
        parts.append(f"{counted(value['conflicts'], 'contribution')} refused")
    return [part for part in parts if part]


def _order(change: Change, value: Any) -> Told:
    case = change.record.case if change.record is not None else ""
    about = f" for {case}" if case else ""
    outcome = sentence(value.get("outcome", "")) if value["status"] in _ORDERS else ""
    came = f"; {outcome}" if outcome else ""
    said = f"{value['author']} orders {value['verb']}{about}, {value['status']}{_because(value['reason'])}{came}"
    return Told(said, _ORDERS.get(value["status"], "title"))


def _question(change: Change, value: Any) -> Told:
    meaning = _QUESTIONS.get(value["status"], "dim")
    if value["status"] == "answered":
        answer = short_value(value.get("answer"))
        by = value.get("answered_by") or "nobody"
        return Told(f"{by} answers {answer} for {value['case']}{_because(value.get('reason', ''))}", meaning)
    choices = f" ({', '.join(choice[:MOST] for choice in value['choices'][:9])})" if value["choices"] else ""
    asked = f"; {value['assignee']} is asked" if value.get("assignee") else ""
    return Told(snapshot.told(change) + choices + asked, meaning)


def _agent(change: Change, value: Any) -> Told:
    error = _because(value.get("error", "")[-MOST:].rstrip().rpartition("\n")[2])
    return Told(f"{value['name']}: {snapshot.told(change)}{error}", _AGENTS.get(value["status"], ""))


def _breaker(_: Change, value: Any) -> Told:
    said = f"the breaker of {value['agent']} is {value['state']}{_because(value['reason'])}"
    return Told(said, _BREAKERS.get(value["state"], ""))


def _flow(_: Change, value: Any) -> Told:
    steps = f", {counted(value['steps'], 'step')} granted" if value["steps"] else ""
    refused = f"; refused: {sentence(value['refused'])}" if value.get("refused") else ""
    said = f"{value['author']} sets the flow to {value['mode']}{steps}{_because(value['reason'])}{refused}"
    return Told(said, "bad" if refused else "title")


def _claim(_: Change, value: Any) -> Told:
    said = f"what {value['agent']} contributed is {value['status']}{_because(value.get('reason', ''))}"
    return Told(said, "warn" if value["status"] == "unconfirmed" else "")


def _revert(_: Change, value: Any) -> Told:
    return Told(
        f"{value['by']} undid {counted(len(value['undid']), 'record')} ({value['how']}){_because(value['reason'])}",
        "warn",
    )


_TELLERS: Final[dict[str, Teller]] = {
    ACTIVATIONS: _activation,
    OVERRIDES: _order,
    ESCALATIONS: _question,
    AGENTS: _agent,
    BREAKERS: _breaker,
    FLOW: _flow,
    CLAIMS: _claim,
    REVERTS: _revert,
    ATTENTION: lambda change, _: Told(snapshot.told(change), "warn"),
    PROGRESS: lambda change, _: Told(snapshot.told(change), "dim"),
    FOCUS: lambda _, value: Told(f"{value['author']} narrows what fires{_because(value['reason'])}", "title"),
    RECOMMENDATION: lambda _, value: Told(
        f"recommends {value['agent']} for {value['case']}{_place(value['decision'])}", "title"
    ),
    LEADER: lambda _, value: Told(f"{value['member']} leads", "title"),
    RUN: lambda _, value: Told(f"{value['scenario']} {value['status']}", "title"),
    EVENTS: lambda change, value: Told(
        f"event {change.key.removeprefix(EVENTS)}: {value['done']} {value['key'][:MOST]}"
    ),
    TIMERS: lambda _, value: Told(f"tick {value['n']} of {value['agent']}", "dim"),
    POSTS: lambda change, value: Told(f"because {sentence(value['reason'])}", "title", change.key.removeprefix(POSTS)),
    SCHEMAS: lambda _, value: Told(f"{value['pattern'][:MOST]} is to be {value['name']}"),
}
