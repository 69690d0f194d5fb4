"""An order as a record: what its author says, and what stands by such records."""

from __future__ import annotations

from hashlib import blake2b
from typing import TYPE_CHECKING, Any, Final, Protocol, cast

from blackboard.control_records import AGENTS, OVERRIDES
from blackboard.control_shapes import is_sound
from blackboard.errors import BlackboardError
from blackboard.pattern import Pattern
from controller.authority import authority_of
from controller.entry import POINT
from controller.standing_orders import StandingOrder, StandingOrders
from controller.strategy import DEFAULT_LEVELS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from blackboard.control_records import Agent, Override, Scope
    from blackboard.record import Record
    from knowledge_sources.orders import Order


class Records(Protocol):
    """What is asked for records: a replica, or a board as it was."""

    def get(self, key: str) -> Record[Any] | None: ...

    def find(self, pattern: Pattern) -> list[Record[Any]]: ...


IN_FORCE: Final = ("open", "standing")
"""an order of these can still be taken back"""
_TERMS: Final = ("points", "level", "to", "by_ms", "value", "key")
"""what the one or the other verb says beside scope, reason and time"""


def override_of(order: Order, *, author: str, about: str, now_ms: int) -> Override:
    """``order`` as ``author`` gives it now; ``about`` is the activation that it is about where it names no scope."""
    scope = order.scope or {"activation": about}
    narrow = list(scope) == ["activation"]
    override: Override = {
        "verb": order.verb,  # type: ignore[typeddict-item]  # the verbs are the classes
        "activation": scope["activation"] if narrow else "",
        "author": author,
        "reason": order.reason,
        "status": "open",
    }
    if not narrow:
        override["scope"] = cast("Scope", scope)
    lasts_ms = getattr(order, "lasts_ms", 0)
    if lasts_ms:
        override["expires_ms"] = now_ms + lasts_ms
    for term in _TERMS:
        said = getattr(order, term, None)
        if hasattr(order, term) and (term == "value" or said):
            override[term] = said
    return override


def override_id(override: Override, now_ms: int) -> str:
    """A name for an order that a person gives: another one for each person, order and moment."""
    said = repr((sorted(override.items(), key=lambda item: item[0]), now_ms))
    return blake2b(said.encode(), digest_size=6).hexdigest()


def orders_on(board: Records, levels: Sequence[str] = DEFAULT_LEVELS) -> StandingOrders:
    """What stands by the records of ``board`` alone, whether a controller heeds it now or the next one will.

    Records that say nothing which could stand are passed over.
    """
    found = StandingOrders()
    for record in board.find(Pattern.parse(f"{OVERRIDES}**")):
        if is_sound(record) and record.value["status"] == "standing":
            author = board.get(AGENTS + record.value["author"])
            registered = author.value if author is not None and is_sound(author) else None
            order = standing_order(record.key, record.value, registered, record.revision, levels)
            if order is not None:
                found.add(order)
    return found


def scope_of(order: Override) -> Scope:
    """What ``order`` is about."""
    scope = {part: text for part, text in order.get("scope", {}).items() if text}
    return cast("Scope", scope or {"activation": order["activation"]})


def standing_order(
    key: str, order: Override, author: Agent | None, revision: int, levels: Sequence[str]
) -> StandingOrder | None:
    """``order`` as it stands since the commit of ``revision``; ``None`` where it says nothing that could stand.

    ``author`` is the registry's entry of the order's author; a person has none.
    """
    authority = authority_of(order["author"], author, levels)
    scope = scope_of(order)
    if order["verb"] == "reassign" and order["status"] == "standing":
        scope = {"activation": order.get("moved_to", "")}
    level = order.get("level")
    try:
        pattern = Pattern.parse(scope["pattern"]) if "pattern" in scope else None
        units = round(order.get("points", 0) * POINT)
    except (BlackboardError, ValueError, OverflowError):
        return None
    if authority is None:
        return None
    return StandingOrder(
        key=key,
        verb=order["verb"],
        scope=scope,
        pattern=pattern,
        authority=authority,
        revision=revision,
        expires_ms=order.get("expires_ms"),
        units=units,
        level=levels.index(level) if level in levels else None,
        reason=order["reason"],
    )
