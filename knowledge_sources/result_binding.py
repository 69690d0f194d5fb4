"""The binding of a function that is also given what its agent contributed, as ``value``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from blackboard.errors import InvalidInput
from knowledge_sources import declaration
from knowledge_sources.annotations import namespace_of
from knowledge_sources.binding import bind
from knowledge_sources.declaration import Watch

if TYPE_CHECKING:
    from collections.abc import Callable

    from blackboard.pattern import Pattern
    from knowledge_sources.binding import Binding

VALUE: Final = "value"
"""the parameter that is given what was contributed: the value, or the record where its annotation is ``Record``"""


def bind_to_result(
    fn: Callable[..., Any], what: str, watches: tuple[Watch, ...], contributes: tuple[Pattern, ...]
) -> Binding:
    """The binding of ``fn`` to records, captures and ``value``; raises :class:`InvalidInput` naming ``what``."""
    if not contributes:
        raise InvalidInput(f"{what}: the agent contributes nothing")
    if any(watch.alias == VALUE for watch in watches):
        raise InvalidInput(f"{what}: {VALUE!r} is what was contributed; call the watch otherwise")
    bound = (*watches, Watch(VALUE, contributes[0]))
    try:
        binding = bind(fn, bound, declaration.captures_of(watches), namespace_of(fn, None))
    except InvalidInput as error:
        raise InvalidInput(f"{what}: {error}") from error
    if any(given.kind == "context" for given in binding.inputs):
        raise InvalidInput(f"{what}: there is no ctx when the agent has ended")
    return binding
