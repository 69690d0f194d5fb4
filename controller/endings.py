"""How work ended, for a person: a class and one sentence each.  The one place where such sentences are composed.

They are made when somebody asks, from the records of the activations, so that work that went well writes none.
"""

from __future__ import annotations

import datetime as dt
import re
from collections import defaultdict
from typing import TYPE_CHECKING, Final, Literal, NamedTuple, TypeAlias, get_args

from blackboard.control_records import FailureClass
from blackboard.wording import first_line, seconds

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from blackboard.control_records import Activation, Attempt, Escalation, State

EndClass: TypeAlias = Literal["done", "declined", "moot", "asked", "ordered", "going on"] | FailureClass
"""``done``: contributed.  ``declined``: nothing to say.  ``moot``: what it was to work on has changed.  ``asked``: a
question of the agent's own.  ``ordered``: ended by somebody's order.  ``going on``: it has not ended.  Else what failed."""

END_CLASSES: Final[frozenset[str]] = frozenset(
    {"done", "declined", "moot", "asked", "ordered", "going on", *get_args(FailureClass)}
)
_ORIGIN: Final = re.compile(r"(?:[A-Za-z_]\w*\.)*[A-Z]\w*: ")
"""the name of an exception's class, which says nothing to a person"""
_LAST: Final[Mapping[State, int]] = {"executed": 3, "escalated": 2, "failed": 2, "running": 1, "pending": 1, "held": 1,
                                     "proposed": 1}  # fmt: skip
"""Of several activations of one work item, which tells how it stands: the greatest, of those the last."""


class Ending(NamedTuple):
    """How one work item ended, or stands."""

    work_item: str
    kind: EndClass
    sentence: str


def endings(activations: Iterable[Activation], questions: Mapping[str, Escalation]) -> list[Ending]:
    """The ending of each work item, in the order of their first calls; ``questions`` by key."""
    by_item: dict[str, list[Activation]] = defaultdict(list)
    for record in sorted(activations, key=lambda one: (_began_ms(one), one["agent"])):
        by_item[record["work_item"]].append(record)
    return [ending_of(records, questions) for records in by_item.values()]


def ending_of(records: Sequence[Activation], questions: Mapping[str, Escalation]) -> Ending:
    """How the work item ended that ``records``, in the order of their first calls, worked on."""
    last = max(enumerate(records), key=lambda one: (_LAST.get(one[1]["state"], 0), one[0]))[1]
    tried = [attempt for record in records for attempt in _with_agent(record)]
    kind = _kind_of(last, tried)
    about = f"{last['capability']} {_VERBS[_outcome(last)]} for {last['case'] or 'no case'}"
    why, following = _why(last, kind, tried), _next(last, questions)
    sentence = f"{about}: {why}" + (f"; {following}" if following not in ("", why) else "")
    return Ending(last["work_item"], kind, sentence)


def _kind_of(last: Activation, tried: Sequence[Attempt]) -> EndClass:
    state, failure = last["state"], last.get("failure")
    if state == "executed":
        return "done" if last.get("wrote") else "declined"
    if state == "obviated" and not last.get("passed_to"):
        return "moot"
    if state in ("vetoed", "cancelled") or (state == "abandoned" and last.get("decided_by")):
        return "ordered"
    if failure:
        return failure
    if state in ("abandoned", "failed", "obviated"):
        return tried[-1]["failure"] if tried else "error"
    return "asked" if state == "escalated" else "going on"


_VERBS: Final = {
    "done": "done", "declined": "left alone", "moot": "no longer wanted", "ordered": "ended", "open": "not done yet",
    "not done": "not done",
}  # fmt: skip


def _outcome(last: Activation) -> str:
    state = last["state"]
    if state == "executed":
        return "done" if last.get("wrote") else "declined"
    if state == "obviated" and not last.get("passed_to"):
        return "moot"
    if state in ("vetoed", "cancelled"):
        return "ordered"
    return "open" if state in ("pending", "running", "held", "proposed") else "not done"


def _why(last: Activation, kind: EndClass, tried: Sequence[Attempt]) -> str:
    agent, reason = last["agent"], first_line(last.get("reason", ""))
    failed = f" after {_calls(len(tried))} that failed" if tried else ""
    if kind == "done":
        whose = f"{last['decided_by']} in the place of {agent}" if last.get("decided_by") else agent
        return f"{whose} wrote {_listed(last.get('wrote', []))}{failed}"
    if kind == "declined":
        return f"{agent} had nothing to say{failed}"
    if kind in ("moot", "ordered"):
        return reason or f"{agent} was stopped{failed}"
    if kind == "asked":
        return reason or f"{agent} has a question"
    if not tried or kind in ("over_budget", "stalled"):
        return _without(reason, "; waiting for a person") or f"{agent} is at it{failed}"
    return _failures(tried)


def _failures(tried: Sequence[Attempt]) -> str:
    """What the calls that failed came to: who, what, how often, in what time."""
    latest = tried[-1]
    said = _ORIGIN.sub("", first_line(latest["error"] or latest["failure"]), count=1)
    agents = list(dict.fromkeys(attempt.get("agent", "") for attempt in tried))
    who = _listed([agent for agent in agents if agent]) or "the agent"
    took = seconds(max(0, latest["ended_ms"] - tried[0]["started_ms"]))
    alike = [
        attempt for attempt in tried if (attempt["failure"], attempt["error"]) == (latest["failure"], latest["error"])
    ]
    if len(alike) < len(tried):
        return f"{who} failed {_times(len(tried))} in {took}, the last time ({latest['failure']}) with '{said}'"
    times = _times(len(tried))
    match latest["failure"]:
        case "error":
            return f"{who} said '{said}' {times} in {took}"
        case "dead":
            return f"the worker of {who} was gone {times} in {took}"
        case "slow":
            return f"{who} did not answer within {took}"
        case "unsure":
            return f"{who} was not sure {times}: {said}"
        case "invalid":
            return f"{who} gave what was not asked for {times} in {took}: {said}"
        case "ungrounded":
            return f"{who} named what there is not {times} in {took}: {said}"
        case _:
            return f"{who} failed {times} in {took}: {said}"


def _next(last: Activation, questions: Mapping[str, Escalation]) -> str:
    """What happens now, where something does."""
    state = last["state"]
    if state == "escalated":
        asked = questions.get(last.get("escalation", ""))
        return f"waiting for a human since {_at(asked['asked_ms'])}" if asked is not None else "waiting for a human"
    if state == "failed":
        return "its supervisor is asked"
    if state == "pending":
        return "to be tried again"
    if state == "held":
        return "held back"
    if state == "proposed":
        return "waiting for a validator"
    if state == "running":
        return f"{last['agent']} is at it"
    if state in ("abandoned", "obviated") and last.get("passed_to"):
        return f"{last['passed_to']} has its turn"
    if state == "abandoned":
        return f"given up by {last['decided_by']}" if last.get("decided_by") else "given up"
    return ""


def _with_agent(record: Activation) -> list[Attempt]:
    return [{**attempt, "agent": record["agent"]} for attempt in record.get("attempts", ())]


def _began_ms(record: Activation) -> int:
    tried = record.get("attempts")
    return tried[0]["started_ms"] if tried else record["dispatched_ms"]


def _at(time_ms: int) -> str:
    """The time of day where the reader is."""
    return dt.datetime.fromtimestamp(time_ms / 1000, tz=dt.UTC).astimezone().strftime("%H:%M")


def _times(number: int) -> str:
    return {1: "once", 2: "twice"}.get(number, f"{number:,} times")


def _calls(number: int) -> str:
    return "a call" if number == 1 else f"{number:,} calls"


def _listed(names: Sequence[str]) -> str:
    return " and ".join(part for part in (", ".join(names[:-1]), names[-1]) if part) if names else ""


def _without(text: str, end: str) -> str:
    return text.removesuffix(end)
