"""A knowledge source: what an agent watches, what it may write, when it is worth firing, and the code that runs.

``@knowledge_source`` and ``@supervisor`` attach a declaration to a function or class and change nothing
else about it: it can be called as before, and nothing is registered anywhere.
"""

from __future__ import annotations

import dataclasses
import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Literal, TypeVar

from blackboard.errors import InvalidInput
from knowledge_sources import declaration
from knowledge_sources.annotations import declaring_frame, namespace_of
from knowledge_sources.binding import bind
from knowledge_sources.callee import Callee, callee_of
from knowledge_sources.declaration import Retry, Watch
from knowledge_sources.errors import DeclarationError

if TYPE_CHECKING:
    from blackboard.pattern import Pattern
    from blackboard.record import Record
    from knowledge_sources.annotations import Namespace
    from knowledge_sources.binding import Binding, Input
    from knowledge_sources.declaration import Precondition, Rating, Texts, Watches

__all__ = ["KnowledgeSource", "Retry", "Watch", "knowledge_source", "source_of", "supervisor"]

F = TypeVar("F", bound=Callable[..., Any])

_ATTRIBUTE: Final = "__knowledge_source__"
_SUPERVISOR_ORDERS: Final = ("extend", "decide", "cancel", "veto")


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class KnowledgeSource:
    """One agent as declared and configured; made by the decorators and :meth:`configured`, which check it.

    ``fn`` is what the user wrote, ``callee`` how it is called.  ``contributes`` are the only keys it may
    write.  ``provides`` is its capability, by default its name.  ``guarded=False`` drops the read-set guards.
    """

    name: str
    kind: Literal["agent", "supervisor"]
    fn: Callable[..., Any]
    callee: Callee
    watches: tuple[Watch, ...]
    unless: tuple[Pattern, ...]
    contributes: tuple[Pattern, ...]
    target: Pattern | None
    """where a value goes that is returned without a key"""
    provides: str
    level: str
    rating: Rating
    precondition: Precondition | None
    respond_within_ms: int | None
    retry: Retry
    max_running: int | None
    escalate: tuple[str, ...]
    authority: frozenset[str]
    over: tuple[str, ...]
    config: Mapping[str, Any]
    guarded: bool
    description: str
    source: str
    """where it comes from: ``module:name``, or what the scenario says"""
    place: str
    """``file:line`` of the declaration"""
    named_for_itself: bool
    """whether the capability was not stated, so that it goes by the name"""
    rating_binding: Binding | None = field(repr=False)
    precondition_binding: Binding | None = field(repr=False)

    @property
    def inputs(self) -> tuple[Input, ...]:
        """How each parameter of the function is filled."""
        return self.callee.binding.inputs

    @property
    def output_model(self) -> Any:
        """The pydantic model in the return annotation, or ``None``."""
        return self.callee.output_model

    @property
    def captures(self) -> tuple[str, ...]:
        """The names that the watches bind."""
        return declaration.captures_of(self.watches)

    def rating_of(self, records: Mapping[str, Record[Any]], captures: Mapping[str, str]) -> float:
        """How much this match is worth, higher first; whatever a rating function raises goes through."""
        if self.rating_binding is None:
            return self.rating  # type: ignore[return-value]  # a number where there is no binding
        return float(self.rating_binding.call(self.rating, (), records, captures, None))  # type: ignore[arg-type]

    def permits(self, records: Mapping[str, Record[Any]], captures: Mapping[str, str]) -> bool:
        """Whether the precondition holds for this match; whatever it raises goes through."""
        if self.precondition is None or self.precondition_binding is None:
            return True
        return bool(self.precondition_binding.call(self.precondition, (), records, captures, None))

    def configured(self, **settings: Any) -> KnowledgeSource:
        """A copy with ``settings`` in the place of what the decorator said, checked in the same way.

        Settings: name, level, rating, respond_within (a duration, or ``None`` for no limit), respond_within_ms,
        retry, max_running, escalate, authority, over, config (laid over the decorator's), guarded, provides,
        description, source.
        Raises :class:`DeclarationError`.  A class gets an instance of its own in each copy.
        """
        try:
            return _configured(self, settings)
        except InvalidInput as error:
            raise DeclarationError(f"{self.kind} {self.name!r}: {error}", place=self.place) from error


_CHECKS: Final[Mapping[str, Callable[[Any], Any]]] = {
    "name": lambda name: declaration.check_name(name, "name"),
    "provides": lambda name: declaration.check_name(name, "provides"),
    "level": lambda name: declaration.check_name(name, "level"),
    "rating": declaration.check_rating,
    "respond_within_ms": declaration.check_limit,
    "max_running": declaration.check_limit,
    "retry": declaration.parse_retry,
    "escalate": lambda names: declaration.check_names(names, "escalate"),
    "over": lambda names: declaration.check_names(names, "over"),
    "authority": declaration.check_authority,
    "config": dict,
    "guarded": bool,
    "description": str,
    "source": str,
}


def _configured(source: KnowledgeSource, settings: Mapping[str, Any]) -> KnowledgeSource:
    given = dict(settings)
    if "respond_within" in given:
        text = given.pop("respond_within")
        given["respond_within_ms"] = None if text is None else declaration.duration_ms(text, "respond_within")
    changes: dict[str, Any] = {}
    for setting, value in given.items():
        if setting not in _CHECKS:
            raise InvalidInput(f"{setting!r} cannot be configured; these can: {', '.join(sorted(_CHECKS))}")
        changes[setting] = _CHECKS[setting](value)
    if "config" in changes:
        changes["config"] = {**source.config, **changes["config"]}
    name = changes.get("name", source.name)
    if source.named_for_itself:
        changes.setdefault("provides", name)
    if "provides" in changes and "provides" in given:
        changes["named_for_itself"] = False
    if "rating" in changes:
        changes["rating_binding"] = _bind_helper(changes["rating"], "rating", source.watches)
    if source.kind == "supervisor":
        addressed = declaration.overdue_watch(name, changes.get("over", source.over))
        changes["watches"] = (addressed, *source.watches[1:])
    elif changes.get("authority") or changes.get("over"):
        raise InvalidInput("only a supervisor has authority over others; declare it with @supervisor")
    return dataclasses.replace(source, **changes, callee=source.callee.copy())


def knowledge_source(
    watches: Watches,
    *,
    contributes: Texts = (),
    unless: Texts = (),
    provides: str | None = None,
    name: str | None = None,
    level: str = "normal",
    rating: Rating = 0.0,
    precondition: Precondition | None = None,
    respond_within: str | None = None,
    retry: Retry | Mapping[str, Any] | None = None,
    max_running: int | None = None,
    escalate: Texts = (),
    config: Mapping[str, Any] | None = None,
    guarded: bool = True,
    description: str | None = None,
) -> Callable[[F], F]:
    """Declare an agent: an ``async def``, a ``def`` (which runs in a thread) or a class with ``run`` or ``__call__``.

    ``watches`` is a pattern, a list, or ``{alias: pattern}``; parameters are bound by name to an alias or a
    capture.  ``unless`` are patterns whose presence keeps it from firing, ``contributes`` the keys it may
    write.  Raises :class:`DeclarationError`, which names the function and what is wrong.
    """
    given = _Given(
        kind="agent", watches=watches, unless=unless, contributes=contributes, provides=provides, name=name,
        level=level, rating=rating, precondition=precondition, respond_within=respond_within, retry=retry,
        max_running=max_running, escalate=escalate, config=config, guarded=guarded, description=description,
        over=(), authority=(),
    )  # fmt: skip
    return _decorator(given)


def supervisor(
    over: Texts = (),
    *,
    watches: Watches | None = None,
    contributes: Texts = (),
    unless: Texts = (),
    authority: Texts = _SUPERVISOR_ORDERS,
    provides: str | None = None,
    name: str | None = None,
    level: str = "normal",
    rating: Rating = 0.0,
    precondition: Precondition | None = None,
    respond_within: str | None = None,
    retry: Retry | Mapping[str, Any] | None = None,
    max_running: int | None = None,
    escalate: Texts = (),
    config: Mapping[str, Any] | None = None,
    guarded: bool = True,
    description: str | None = None,
) -> Callable[[F], F]:
    """Declare a supervisor: an agent that fires when one of ``over`` is overdue, failed or stalled and it is asked.

    ``over`` are names of agents or capabilities; none means whoever addresses it.  It returns an order
    (:class:`Extend`, :class:`Decide`, :class:`Cancel`, :class:`Veto`) that ``authority`` allows, a question,
    or nothing, which leaves the matter to the next on the ladder.
    """
    given = _Given(
        kind="supervisor", watches=watches, unless=unless, contributes=contributes, provides=provides, name=name,
        level=level, rating=rating, precondition=precondition, respond_within=respond_within, retry=retry,
        max_running=max_running, escalate=escalate, config=config, guarded=guarded, description=description,
        over=over, authority=authority,
    )  # fmt: skip
    return _decorator(given)


def source_of(declared: object) -> KnowledgeSource | None:
    """The declaration attached to a function or class, or ``None``.  A :class:`KnowledgeSource` is its own."""
    if isinstance(declared, KnowledgeSource):
        return declared
    found = getattr(declared, _ATTRIBUTE, None)
    return found if isinstance(found, KnowledgeSource) and found.fn is declared else None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Given:
    """A declaration as it was written, unchecked."""

    kind: Literal["agent", "supervisor"]
    watches: Watches | None
    unless: Texts
    contributes: Texts
    provides: str | None
    name: str | None
    level: str
    rating: Rating
    precondition: Precondition | None
    respond_within: str | None
    retry: Retry | Mapping[str, Any] | None
    max_running: int | None
    escalate: Texts
    config: Mapping[str, Any] | None
    guarded: bool
    description: str | None
    over: Texts
    authority: Texts


def _watches_of(given: _Given, name: str, over: tuple[str, ...]) -> tuple[Watch, ...]:
    addressed = (declaration.overdue_watch(name, over),) if given.kind == "supervisor" else ()
    watches = (*addressed, *(declaration.parse_watches(given.watches) if given.watches is not None else ()))
    if len({watch.alias for watch in watches}) < len(watches):
        raise InvalidInput("watches: 'overdue' is what a supervisor is asked about; choose another alias")
    return watches


def _declared(fn: Callable[..., Any], name: str, given: _Given, namespace: Namespace) -> KnowledgeSource:
    declaration.check_name(name, "name")
    over = declaration.check_names(given.over, "over")
    watches = _watches_of(given, name, over)
    bound = declaration.captures_of(watches)
    limit = given.respond_within
    rating = declaration.check_rating(given.rating)
    contributes = declaration.parse_contributes(given.contributes, bound)
    return KnowledgeSource(
        name=name,
        kind=given.kind,
        fn=fn,
        callee=callee_of(fn, watches, bound, namespace),
        watches=watches,
        unless=declaration.parse_unless(given.unless, bound),
        contributes=contributes,
        target=declaration.target_of(contributes),
        provides=name if given.provides is None else declaration.check_name(given.provides, "provides"),
        named_for_itself=given.provides is None,
        level=declaration.check_name(given.level, "level"),
        rating=rating,
        precondition=given.precondition,
        respond_within_ms=None if limit is None else declaration.duration_ms(limit, "respond_within"),
        retry=declaration.parse_retry(given.retry),
        max_running=declaration.check_limit(given.max_running),
        escalate=declaration.check_names(given.escalate, "escalate"),
        authority=declaration.check_authority(given.authority),
        over=over,
        config=dict(given.config or {}),
        guarded=given.guarded,
        description=inspect.cleandoc(given.description or getattr(fn, "__doc__", None) or ""),
        source=f"{fn.__module__}:{fn.__qualname__}",
        place=declaration.place_of(fn),
        rating_binding=_bind_helper(rating, "rating", watches),
        precondition_binding=_bind_helper(given.precondition, "precondition", watches),
    )


def _bind_helper(helper: object, what: str, watches: tuple[Watch, ...]) -> Binding | None:
    """The binding of a rating or precondition: of the agent's records and captures, without a context."""
    if not callable(helper):
        if what == "precondition" and helper is not None:
            raise InvalidInput(f"precondition: {helper!r} is not a function")
        return None
    try:
        binding = bind(helper, watches, declaration.captures_of(watches), namespace_of(helper, None))
    except InvalidInput as error:
        raise InvalidInput(f"{what}: {error}") from error
    if any(given.kind == "context" for given in binding.inputs):
        raise InvalidInput(f"{what}: there is no ctx before the agent runs")
    return binding


def _decorator(given: _Given) -> Callable[[F], F]:
    frame = declaring_frame(2)
    first: tuple[object, object] = (given.watches, given.over)
    for bare in first:  # @knowledge_source alone hands over the function and declares nothing
        if callable(bare):
            decorator = "knowledge_source(watches=…)" if given.kind == "agent" else "supervisor(over=…)"
            name = getattr(bare, "__name__", "")
            reason = f"{given.kind} {name!r}: write @{decorator}, with brackets"
            raise DeclarationError(reason, place=declaration.place_of(bare))

    def declare(fn: F) -> F:
        name = given.name or str(getattr(fn, "__name__", ""))
        try:
            source = _declared(fn, name, given, namespace_of(fn, frame))
            setattr(fn, _ATTRIBUTE, source)
        except (InvalidInput, AttributeError) as error:
            raise DeclarationError(f"{given.kind} {name!r}: {error}", place=declaration.place_of(fn)) from error
        return fn

    return declare
