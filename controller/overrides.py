"""Whether an override holds, and what it does to its activation, or to what it is to stand for."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from blackboard.errors import BlackboardError
from blackboard.pattern import Pattern
from controller.activation import FINAL, advance
from controller.authority import authority_of, refusal_of
from controller.entry import POINT
from controller.ordering import scope_of
from controller.strategy import DEFAULT_LEVELS
from knowledge_sources.orders import MAX_REASON

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from blackboard.control_records import Activation, Agent, Override, State
    from controller.authority import Authority
    from controller.standing_orders import StandingOrder

PATHS: Final[Mapping[tuple[str, State], tuple[State, ...]]] = MappingProxyType(
    {
        ("extend", "pending"): (),
        ("extend", "running"): (),
        ("force", "pending"): (),
        ("force", "held"): ("pending",),
        ("force", "failed"): ("pending",),
        ("force", "escalated"): ("pending",),
        ("hold", "pending"): (),
        ("boost", "pending"): (),
        ("decide", "pending"): ("running", "executed"),
        ("decide", "held"): ("pending", "running", "executed"),
        ("decide", "running"): ("executed",),
        ("decide", "failed"): ("pending", "running", "executed"),
        ("decide", "escalated"): ("executed",),
        ("cancel", "pending"): ("vetoed",),
        ("cancel", "held"): ("cancelled",),
        ("cancel", "running"): ("cancelled",),
        ("cancel", "proposed"): ("cancelled",),
        ("cancel", "failed"): ("abandoned",),
        ("cancel", "escalated"): ("abandoned",),
        ("reassign", "pending"): ("vetoed",),
        ("reassign", "held"): ("cancelled",),
        ("reassign", "running"): ("cancelled",),
        ("reassign", "failed"): ("abandoned",),
        ("reassign", "escalated"): ("abandoned",),
        ("veto", "pending"): ("vetoed",),
        ("veto", "held"): ("cancelled",),
    }
)
"""The states that an order takes an activation through, all in one commit; a pair that is missing is refused.

Deciding for one that does not run is its run: the supervisor's value is what it contributes.  What is forced, held
or boosted stays pending, or becomes so again: the order stands, and the agenda heeds it.
"""

STANDING: Final = frozenset({"force", "hold", "boost"})
"""These stand, whatever they are about."""
STANDING_WHERE_WIDE: Final = STANDING | {"veto", "extend"}
"""These stand where they are about more than one activation: for what is there, and for what comes."""


class Effect(NamedTuple):
    """An order that holds.  Go through ``path`` in one commit; ``deadline_ms`` is the new one of an ``extend``.

    ``value`` and ``key`` are those of a ``decide``; ``key`` is ``""`` for the one that the agent contributes to.
    """

    verb: str
    path: tuple[State, ...]
    deadline_ms: int | None
    value: Any
    key: str
    sentence: str


class Refused(NamedTuple):
    """An order that does not hold; ``reason`` goes into its record."""

    reason: str


def is_narrow(order: Override) -> bool:
    """Whether ``order`` is about one activation alone."""
    return scope_of(order).keys() == {"activation"}


def judge(
    order: Override,
    activation: Activation | None,
    author: Agent | None,
    now_ms: int,
    *,
    levels: Sequence[str] = DEFAULT_LEVELS,
    ruling: StandingOrder | None = None,
) -> Effect | Refused:
    """What ``order`` does to one activation, as it is now, or as it would be if it were dispatched now.

    ``author`` is the registry's entry of the order's author; a person (author ``human``, or ``human/name``)
    has none and may give every order.  A supervisor needs the verb in its ``authority``, the agent or
    capability among those that it is ``over`` (an empty list is everyone), and may not rule on itself.
    Once a person has been asked, only a person answers.  ``ruling`` is the order that stands for this
    activation: nobody overrules one whose word counts more.
    """
    verb, name = order["verb"], order["author"]
    authority = authority_of(name, author, levels)
    refusal = _refuse_terms(order, levels) or refusal_of(order, authority, author)
    if activation is None or authority is None:
        return Refused(refusal or f"{verb}: there is no activation {order['activation']}")
    refusal = refusal or _refuse_target(order, activation, authority, ruling)
    if refusal:
        return Refused(refusal)
    path = PATHS.get((verb, activation["state"]))
    if path is None:
        runs = activation["state"] == "running" and (verb in STANDING or verb == "veto")
        hint = "; it runs already, so cancel it" if runs else ""
        return Refused(f"{verb}: {activation['agent']} for {activation['case']} is {activation['state']}{hint}")
    return Effect(
        verb=verb,
        path=path,
        deadline_ms=now_ms + order.get("by_ms", 0) if verb == "extend" else None,
        value=order.get("value"),
        key=order.get("key", ""),
        sentence=f"{name} ordered {verb} for {activation['agent']} on {activation['case']}: {order['reason']}",
    )


def ended_by(record: Activation, effect: Effect, key: str, author: str, now_ms: int) -> Activation:
    """``record`` after the path of ``effect``, with who took it there, and the ``key`` of the order."""
    for state in effect.path:
        record = advance(record, state)
    record["decided_by"], record["reason"], record["override"] = author, effect.sentence, key
    if record["state"] in FINAL:
        record["ended_ms"] = now_ms
    return record


def judge_scope(order: Override, author: Agent | None, *, levels: Sequence[str] = DEFAULT_LEVELS) -> str:
    """Why ``order`` cannot be given for all that its scope covers, ``""`` where it can.

    What it cannot rule on there, it passes over.
    """
    return _refuse_terms(order, levels) or refusal_of(order, authority_of(order["author"], author, levels), author)


def _refuse_target(order: Override, activation: Activation, authority: Authority, ruling: StandingOrder | None) -> str:
    """Why ``order`` cannot be about ``activation``, in whatever state that is; ``""`` where nothing speaks against it."""
    verb, name = order["verb"], order["author"]
    if not authority.may_rule_on(activation["agent"], activation["capability"]):
        if activation["agent"] == name:
            return f"{verb}: {name} cannot rule on its own work"
        return f"{verb}: {name} is over {', '.join(sorted(authority.over))}, not over {activation['agent']}"
    if activation["state"] == "escalated" and not authority.is_person:
        return f"{verb}: a person has been asked about {activation['agent']} for {activation['case']}"
    if ruling is not None and ruling.verb != "boost" and ruling.authority.rank > authority.rank and verb != "extend":
        return f"{verb}: {ruling.authority.author} ordered {ruling.verb} ({ruling.key}), and that goes before"
    return ""


def _refuse_terms(order: Override, levels: Sequence[str]) -> str:
    """What ``order`` lacks or says wrongly, whoever gives it; ``""`` where it can be understood."""
    verb = order["verb"]
    if order["status"] != "open":
        return f"{verb}: the order is {order['status']} already"
    if not order["reason"].strip():
        return f"{verb}: an order needs a reason"
    if len(order["reason"]) > MAX_REASON:
        return f"{verb}: a reason has at most {MAX_REASON:,} characters"
    if verb == "extend" and order.get("by_ms", 0) <= 0:
        return "extend: by how long is missing"
    if verb == "decide" and "value" not in order:
        return "decide: the value is missing"
    if verb == "reassign" and not order.get("to"):
        return "reassign: to whom is missing"
    if verb == "boost" and not order.get("points") and not order.get("level"):
        return "boost: by how many points, or to which level, is missing"
    if order.get("level") and order["level"] not in levels:
        return f"{verb}: {order['level']!r} is not one of the levels; there is {', '.join(levels)}"
    try:
        Pattern.parse(scope_of(order).get("pattern", "any/*"))
        round(order.get("points", 0) * POINT)
    except (BlackboardError, ValueError, OverflowError) as error:
        return f"{verb}: {error}"
    return ""
