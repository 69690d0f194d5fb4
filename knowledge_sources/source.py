"""A knowledge source: what an agent watches, what it may write, when it is worth firing, and the code that runs."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Literal

from blackboard.errors import InvalidInput
from knowledge_sources import declaration
from knowledge_sources.annotations import namespace_of
from knowledge_sources.binding import bind
from knowledge_sources.breaker_terms import parse_breaker
from knowledge_sources.collect import check_groups
from knowledge_sources.confidence import check_approval, check_threshold
from knowledge_sources.declaration import Retry, Watch
from knowledge_sources.errors import DeclarationError
from knowledge_sources.nearest import did_you_mean
from knowledge_sources.tick import TICK, tick_pattern
from knowledge_sources.types import NOT_SAID, check_type, retyped

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from blackboard.pattern import Pattern
    from blackboard.record import Record
    from knowledge_sources.binding import Binding, Input
    from knowledge_sources.breaker_terms import Breaker
    from knowledge_sources.callee import Callee
    from knowledge_sources.claim import ClaimTerms
    from knowledge_sources.collect import Collecting
    from knowledge_sources.compensation import Compensation
    from knowledge_sources.confidence import Approval
    from knowledge_sources.declaration import Precondition, Rating
    from knowledge_sources.types import AgentType

__all__ = ["KnowledgeSource", "Retry", "Watch", "source_of"]

ATTRIBUTE: Final = "__knowledge_source__"


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
    """one record each"""
    collects: tuple[Collecting, ...]
    """lists of records, beside ``watches``"""
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
    instead_of: tuple[str, ...]
    """agents of its capability that come before it: it has its turn where each of them has failed for good or declined"""
    breaker: Breaker | None
    """``None``: that of the controller, if it has one"""
    max_running: int | None
    max_cost: float | None
    """what a call costs at most; ``None`` where that was not said"""
    token_budget: int | None
    """tokens of what sets it off, at most; ``None`` is no limit"""
    escalate: tuple[str, ...]
    authority: frozenset[str]
    over: tuple[str, ...]
    config: Mapping[str, Any]
    guarded: bool
    cites: bool
    """whether each contribution names what it rests on"""
    logical: bool
    """whether what it contributes stands only while its causes do"""
    proposed: bool
    """whether what it contributes waits for a validator"""
    validates: str | None
    """the pattern of the proposed records that it judges; they are its first watch"""
    approval: Approval | None
    """which of its contributions wait for a person; ``None``: as the controller's settings say"""
    threshold: float | None
    """the confidence under which it is unsure; ``None``: as the controller's settings say"""
    claim: ClaimTerms | None
    """what must come true of what it contributes"""
    compensation: Compensation | None
    """how what it contributes is undone"""
    type: AgentType | None
    """what it has where nothing else is said"""
    steps: int | None
    """how often it may fire for one case"""
    description: str
    source: str
    """where it comes from: ``module:name``, or what the scenario says"""
    place: str
    """``file:line`` of the declaration"""
    named_for_itself: bool
    """whether the capability was not stated, so that it goes by the name"""
    after_ms: int | None
    """how long a match has to stand before it may fire"""
    every_ms: int | None
    """its timer"""
    times: int | None
    """how often its timer ticks, ``None`` without end"""
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
    def foreseen_cost(self) -> float | None:
        """What is reserved for a call beforehand, ``None`` where nobody knows.

        For a supervisor that declares nothing, nothing: it must not wait for the end of those whom it supervises.
        """
        return 0.0 if self.max_cost is None and self.kind == "supervisor" else self.max_cost

    @property
    def watching(self) -> tuple[Watch | Collecting, ...]:
        """All that it waits for."""
        return (*self.watches, *self.collects)

    @property
    def aliases(self) -> tuple[str, ...]:
        """The names of what it waits for."""
        return tuple(watch.alias for watch in self.watching)

    @property
    def captures(self) -> tuple[str, ...]:
        """The names that the watches bind."""
        return declaration.captures_of(self.watching)

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

        Settings are those of ``_CHECKS`` and ``respond_within`` (a duration, or ``None`` for no limit); ``config`` is
        laid over the decorator's, ``collect`` is ``{alias: {…}}``, what is other than the decorator says, and
        ``confirm_within_ms`` the time of its claims, 0 for none.
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
    "max_cost": declaration.check_cost,
    "token_budget": declaration.check_limit,
    "breaker": parse_breaker,
    "retry": declaration.parse_retry,
    "instead_of": lambda names: declaration.check_names(names, "instead_of"),
    "escalate": lambda names: declaration.check_names(names, "escalate"),
    "over": lambda names: declaration.check_names(names, "over"),
    "authority": declaration.check_authority,
    "config": dict,
    "guarded": bool,
    "cites": bool,
    "logical": bool,
    "proposed": bool,
    "approval": check_approval,
    "threshold": check_threshold,
    "type": check_type,
    "steps": declaration.check_limit,
    "description": str,
    "source": str,
    "after_ms": declaration.check_limit,
    "every_ms": declaration.check_limit,
    "times": declaration.check_limit,
    "collect": dict,
}


def _configured(source: KnowledgeSource, settings: Mapping[str, Any]) -> KnowledgeSource:
    given = dict(settings)
    if "respond_within" in given:
        text = given.pop("respond_within")
        given["respond_within_ms"] = None if text is None else declaration.duration_ms(text, "respond_within")
    changes: dict[str, Any] = {}
    if "confirm_within_ms" in given:
        changes["claim"] = _claim_within(source, given.pop("confirm_within_ms"))
    for setting, value in given.items():
        if setting not in _CHECKS:
            raise InvalidInput(f"{setting!r} cannot be configured; these can: {', '.join(sorted(_CHECKS))}")
        changes[setting] = _CHECKS[setting](value)
    if "type" in changes:
        present = {option: getattr(source, option) for option in NOT_SAID}
        changes = {**retyped(source.type, changes["type"], present), **changes}
    if "config" in changes:
        changes["config"] = {**source.config, **changes["config"]}
    name = changes.get("name", source.name)
    if source.named_for_itself:
        changes.setdefault("provides", name)
    if "provides" in changes and "provides" in given:
        changes["named_for_itself"] = False
    if "rating" in changes:
        changes["rating_binding"] = bind_helper(changes["rating"], "rating", source.watches, source.collects)
    if "collect" in changes:
        changes["collects"] = _collects_with(source, changes.pop("collect"))
    changes["watches"] = _watches_of(source, name, changes)
    if source.kind != "supervisor" and (changes.get("authority") or changes.get("over")):
        raise InvalidInput("only a supervisor has authority over others; declare it with @supervisor")
    return dataclasses.replace(source, **changes, callee=source.callee.copy())


def _watches_of(source: KnowledgeSource, name: str, changes: Mapping[str, Any]) -> tuple[Watch, ...]:
    """The watches of ``source``, those that go by its name or by whom it is over as ``changes`` have it."""
    if source.every_ms is None and (changes.get("every_ms") or changes.get("times")):
        raise InvalidInput("it has no timer: only what declares every= can be given another")
    watches = list(source.watches)
    if source.kind == "supervisor":
        watches[0] = declaration.overdue_watch(name, changes.get("over", source.over))
    if source.every_ms is not None:
        ticks = Watch(TICK, tick_pattern(name))
        watches = [ticks if watch.alias == TICK else watch for watch in watches]
    return tuple(watches)


def _collects_with(source: KnowledgeSource, changes: Mapping[str, Mapping[str, int | None]]) -> tuple[Collecting, ...]:
    """The collects of ``source`` with ``changes`` by alias in the place of what they said."""
    known = [collecting.alias for collecting in source.collects]
    for alias in changes:
        if alias not in known:
            hint = did_you_mean(alias, known) or f"; it collects {', '.join(known) or 'nothing'}"
            raise InvalidInput(f"collect: it collects nothing called {alias!r}{hint}")
    try:
        collects = tuple(one.changed(**changes.get(one.alias, {})) for one in source.collects)
        check_groups(collects, declaration.captures_of(source.watches))
    except InvalidInput as error:
        raise InvalidInput(f"collect: {error}") from error
    return collects


def _claim_within(source: KnowledgeSource, within_ms: int) -> ClaimTerms | None:
    """The claim of ``source`` with that much time; 0 makes its contributions no claims."""
    if not within_ms:
        return None
    if source.claim is None:
        raise InvalidInput("confirm_within: its declaration does not say what confirms it (confirmed_by or confirm)")
    return dataclasses.replace(source.claim, within_ms=within_ms)


def source_of(declared: object) -> KnowledgeSource | None:
    """The declaration attached to a function or class, or ``None``.  A :class:`KnowledgeSource` is its own."""
    if isinstance(declared, KnowledgeSource):
        return declared
    found = getattr(declared, ATTRIBUTE, None)
    return found if isinstance(found, KnowledgeSource) and found.fn is declared else None


def bind_helper(
    helper: object, what: str, watches: tuple[Watch, ...], collects: tuple[Collecting, ...]
) -> Binding | None:
    """The binding of a rating or precondition: of the agent's records and captures, without a context."""
    if not callable(helper):
        if what == "precondition" and helper is not None:
            raise InvalidInput(f"precondition: {helper!r} is not a function")
        return None
    try:
        captures = declaration.captures_of((*watches, *collects))
        binding = bind(helper, (*watches, *collects), captures, namespace_of(helper, None))
    except InvalidInput as error:
        raise InvalidInput(f"{what}: {error}") from error
    if any(given.kind == "context" for given in binding.inputs):
        raise InvalidInput(f"{what}: there is no ctx before the agent runs")
    for given in binding.inputs:
        if given.kind == "members":
            raise InvalidInput(f"{what}: {given.source} is not known before the agent fires, since it may still grow")
    return binding
