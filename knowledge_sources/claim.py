"""What an agent claims, and what must come true for it to count as confirmed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

from blackboard.errors import InvalidInput
from blackboard.keys import CONTROL_REGION
from knowledge_sources import declaration
from knowledge_sources.result_binding import bind_to_result

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from blackboard.pattern import Pattern
    from knowledge_sources.binding import Binding
    from knowledge_sources.declaration import Watch

Confirm: TypeAlias = "Callable[..., bool | Awaitable[bool]]"
"""A function of the agent's records, captures and ``value`` that says whether the claim has come true."""


@dataclass(frozen=True, slots=True)
class ClaimTerms:
    """A contribution is a claim: it is confirmed within ``within_ms`` by a record or a function, or it has failed.

    ``unconfirmed`` is the key of the record that says so; ``None``: only the claim's own record does.
    """

    within_ms: int
    confirmed_by: Pattern | None
    confirm: Callable[..., Any] | None
    binding: Binding | None
    unconfirmed: Pattern | None


def parse_claim(
    within: str | None,
    confirmed_by: str | None,
    confirm: object,
    unconfirmed: str | None,
    *,
    watches: tuple[Watch, ...],
    contributes: tuple[Pattern, ...],
) -> ClaimTerms | None:
    """The terms that a declaration states, ``None`` where it states none; raises :class:`InvalidInput`."""
    if within is None:
        for option, given in (("confirmed_by", confirmed_by), ("confirm", confirm), ("unconfirmed", unconfirmed)):
            if given is not None:
                raise InvalidInput(f"{option} goes with confirm_within: how long may it take?")
        return None
    within_ms = declaration.duration_ms(within, "confirm_within")
    if not within_ms:
        raise InvalidInput("confirm_within: must be longer than nothing")
    if confirmed_by is None and confirm is None:
        raise InvalidInput(
            "confirm_within goes with confirmed_by, a pattern, or confirm, a function: what confirms it?"
        )
    if not contributes:
        raise InvalidInput("confirm_within: the agent contributes nothing that could come true")
    captures = declaration.captures_of(watches)
    confirming = None
    if confirmed_by is not None:
        (confirming,) = declaration.parse_unless(confirmed_by, captures, what="confirmed_by")
        if confirming.region == CONTROL_REGION:
            raise InvalidInput(f"confirmed_by: {confirmed_by!r} covers control/, which tells nothing of the world")
    failed = key_template(unconfirmed, "unconfirmed", captures) if unconfirmed is not None else None
    if confirm is None:
        return ClaimTerms(within_ms, confirming, None, None, failed)
    if not callable(confirm):
        raise InvalidInput(f"confirm: {confirm!r} is not a function")
    binding = bind_to_result(confirm, "confirm", watches, contributes)
    return ClaimTerms(within_ms, confirming, confirm, binding, failed)


def key_template(text: str, what: str, captures: tuple[str, ...]) -> Pattern:
    """The one key that ``text`` names once the agent's captures are known; raises :class:`InvalidInput`."""
    (pattern,) = declaration.parse_contributes(text, captures, what=what)
    unbound = [segment.text for segment in pattern.segments if segment.kind in ("any", "rest")]
    if unbound or declaration.NEW in pattern.captures:
        raise InvalidInput(f"{what}: {text!r} names no single key; write captures of the watches in braces")
    return pattern
