"""An order as a record: what its author says, and nothing of what will come of it."""

from __future__ import annotations

from hashlib import blake2b
from typing import TYPE_CHECKING, Final, cast

if TYPE_CHECKING:
    from blackboard.control_records import Override, Scope
    from knowledge_sources.orders import Order

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
