"""Whether an override holds, and what it does to its activation."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from controller.supervision import HUMAN

if TYPE_CHECKING:
    from collections.abc import Mapping

    from blackboard.control_records import Activation, Agent, Override, State

PATHS: Final[Mapping[tuple[str, State], tuple[State, ...]]] = MappingProxyType(
    {
        ("extend", "pending"): (),
        ("extend", "running"): (),
        ("decide", "pending"): ("running", "executed"),
        ("decide", "held"): ("pending", "running", "executed"),
        ("decide", "running"): ("executed",),
        ("decide", "failed"): ("pending", "running", "executed"),
        ("decide", "escalated"): ("executed",),
        ("cancel", "pending"): ("vetoed",),
        ("cancel", "held"): ("cancelled",),
        ("cancel", "running"): ("cancelled",),
        ("cancel", "failed"): ("abandoned",),
        ("cancel", "escalated"): ("abandoned",),
        ("veto", "pending"): ("vetoed",),
        ("veto", "held"): ("cancelled",),
    }
)
"""The states that an order takes an activation through, all in one commit; a pair that is missing is refused.

Deciding for one that does not run is its run: the supervisor's value is what it contributes.
"""


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


def judge(order: Override, activation: Activation | None, author: Agent | None, now_ms: int) -> Effect | Refused:
    """What ``order`` does.  ``activation`` is its target as it is now, or as it would be if it were dispatched now.

    ``author`` is the registry's entry of the order's author; a person (author ``human``, or ``human/name``)
    has none and may give every order.  A supervisor needs the verb in its ``authority``, the agent or
    capability among those that it is ``over`` (an empty list is everyone), and may not rule on itself.
    Once a person has been asked, only a person answers.
    """
    verb, name = order["verb"], order["author"]
    refusal = _refuse(order, activation, author)
    if refusal or activation is None:
        return Refused(refusal)
    path = PATHS.get((verb, activation["state"]))
    if path is None:
        hint = "; it runs already, so cancel it" if (verb, activation["state"]) == ("veto", "running") else ""
        return Refused(f"{verb}: {activation['agent']} for {activation['case']} is {activation['state']}{hint}")
    by_ms = order.get("by_ms", 0)
    if verb == "extend" and by_ms <= 0:
        return Refused("extend: by how long is missing")
    if verb == "decide" and "value" not in order:
        return Refused("decide: the value is missing")
    return Effect(
        verb=verb,
        path=path,
        deadline_ms=now_ms + by_ms if verb == "extend" else None,
        value=order.get("value"),
        key=order.get("key", ""),
        sentence=f"{name} ordered {verb} for {activation['agent']} on {activation['case']}: {order['reason']}",
    )


def _refuse(order: Override, activation: Activation | None, author: Agent | None) -> str:
    """Why ``order`` does not hold whatever the state of its activation; ``""`` if nothing speaks against it."""
    verb, name = order["verb"], order["author"]
    if order["status"] != "open":
        return f"{verb}: the order is {order['status']} already"
    if not order["reason"].strip():
        return f"{verb}: an order needs a reason"
    if activation is None:
        return f"{verb}: there is no activation {order['activation']}"
    if name.partition("/")[0] == HUMAN:
        return ""
    if author is None or author["status"] == "gone":
        return f"{verb}: {name} is not a registered agent"
    if verb not in author["authority"]:
        allowed = ", ".join(author["authority"]) or "nothing"
        return f"{verb}: {name} has no authority for it (it may order: {allowed})"
    if activation["agent"] == name:
        return f"{verb}: {name} cannot rule on its own work"
    if author["over"] and not {activation["agent"], activation["capability"]} & set(author["over"]):
        return f"{verb}: {name} is over {', '.join(author['over'])}, not over {activation['agent']}"
    if activation["state"] == "escalated":
        return f"{verb}: a person has been asked about {activation['agent']} for {activation['case']}"
    return ""
