"""How what an agent contributes is undone: by a record that reverses it, since what happened outside stays happened."""

from __future__ import annotations

import inspect
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from blackboard.errors import InvalidInput
from knowledge_sources import declaration
from knowledge_sources.claim import key_template
from knowledge_sources.result_binding import bind_to_result

if TYPE_CHECKING:
    from collections.abc import Callable

    from blackboard.pattern import Pattern
    from knowledge_sources.binding import Binding
    from knowledge_sources.declaration import Watch


@dataclass(frozen=True, slots=True)
class Compensation:
    """What is posted at ``key`` to undo a contribution: what ``compensate`` returns, else what was written.

    It is worked out when the agent contributes, and kept, so that nothing but the board is needed to undo it.
    """

    key: Pattern
    compensate: Callable[..., Any] | None
    binding: Binding | None


def parse_compensation(
    compensates: str | None,
    compensate: object,
    *,
    watches: tuple[Watch, ...],
    contributes: tuple[Pattern, ...],
) -> Compensation | None:
    """What a declaration states, ``None`` where it states none; raises :class:`InvalidInput`."""
    if compensates is None:
        if compensate is not None:
            raise InvalidInput("compensate goes with compensates: the key at which it is posted")
        return None
    if not contributes:
        raise InvalidInput("compensates: the agent contributes nothing that could be undone")
    key = key_template(compensates, "compensates", declaration.captures_of(watches))
    if compensate is None:
        return Compensation(key, None, None)
    if not callable(compensate) or inspect.iscoroutinefunction(compensate):
        raise InvalidInput(f"compensate: {compensate!r} is not a plain function; it is called as the agent contributes")
    return Compensation(key, compensate, bind_to_result(compensate, "compensate", watches, contributes))
