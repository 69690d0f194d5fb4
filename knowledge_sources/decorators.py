"""How an agent is declared: ``@knowledge_source`` and ``@supervisor``.

They attach a declaration to a function or class and change nothing else about it: it can be called as before,
and nothing is registered anywhere.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple, TypedDict, TypeVar, Unpack

from blackboard.errors import InvalidInput
from knowledge_sources import declaration
from knowledge_sources.annotations import declaring_frame, namespace_of
from knowledge_sources.breaker_terms import parse_breaker
from knowledge_sources.callee import callee_of
from knowledge_sources.claim import parse_claim
from knowledge_sources.collect import Collecting, check_groups
from knowledge_sources.compensation import parse_compensation
from knowledge_sources.confidence import check_approval, check_threshold
from knowledge_sources.declaration import Watch
from knowledge_sources.errors import DeclarationError
from knowledge_sources.nearest import did_you_mean
from knowledge_sources.source import ATTRIBUTE, KnowledgeSource, bind_helper
from knowledge_sources.tick import TICK, tick_pattern
from knowledge_sources.types import check_type, defaults_of

if TYPE_CHECKING:
    from knowledge_sources.annotations import Namespace
    from knowledge_sources.breaker_terms import Breaker
    from knowledge_sources.claim import Confirm
    from knowledge_sources.confidence import Approval
    from knowledge_sources.declaration import Precondition, Rating, Retry, Texts, Watches
    from knowledge_sources.types import AgentType

__all__ = ["Options", "knowledge_source", "supervisor"]

F = TypeVar("F", bound=Callable[..., Any])

_SUPERVISOR_ORDERS: Final = ("extend", "decide", "cancel", "veto")


class Options(TypedDict, total=False):
    """What both decorators take by name; what is left out has its default."""

    contributes: Texts
    """the keys that it may write; by default none"""
    unless: Texts
    """patterns whose presence keeps it from firing"""
    provides: str | None
    """its capability; by default its name"""
    name: str | None
    """by default that of the function or class"""
    level: str
    """its priority level, by default ``normal``"""
    rating: Rating
    """how much a match is worth, higher first: a number, or a function of records and captures"""
    precondition: Precondition | None
    """a function of records and captures that says whether a match counts"""
    respond_within: str | None
    """how long it has from being eligible; then its supervisors are asked"""
    retry: Retry | Mapping[str, Any] | None
    instead_of: Texts
    """agents of its capability that it stands in for: those before it"""
    breaker: Breaker | Mapping[str, Any] | bool | None
    """when it is called no more for a while: errors, of, spend, idle, cooldown; false: never"""
    max_running: int | None
    """how many of its activations may run side by side"""
    max_cost: float | None
    """what a call of it costs at most, which is reserved before the call; by default the most that one has cost"""
    token_budget: int | None
    """the tokens of what sets it off, at most; records beyond that are given as their digests"""
    escalate: Texts
    """who is asked in turn where it is late or has failed"""
    config: Mapping[str, Any] | None
    """its settings, over which a scenario lays its own"""
    guarded: bool
    """false drops the read-set guards"""
    cites: bool
    """true: each contribution names what it rests on, as ``key@commit``"""
    logical: bool
    """true: what it contributes stands only while what set it off and what it read are as they were"""
    proposed: bool
    """true: what it contributes is seen by nobody until a validator has passed it"""
    validates: str | None
    """the pattern of the proposed records that it passes or rejects"""
    approval: Approval | None
    """which of its contributions wait for a person: ``always``, ``unsure`` ones, ``never``; by default the scenario's"""
    confirm_within: str | None
    """how long it may take until what it contributed is confirmed; else it has failed"""
    confirmed_by: str | None
    """the pattern of the record that confirms it"""
    confirm: Confirm | None
    """a function of records, captures and ``value`` that says whether it has come true"""
    unconfirmed: str | None
    """the key of the record that says that it was not confirmed in time"""
    compensates: str | None
    """the key of the record that undoes what it contributed, posted by ``blackboard revert``"""
    compensate: Callable[..., Any] | None
    """a function of records, captures and ``value`` that gives that record; by default what was written"""
    threshold: float | None
    """the confidence, from 0 to 1, under which it counts as unsure; by default the scenario's"""
    after: str | None
    """how long a match has to stand before it may fire, from the commit of its latest record"""
    every: str | None
    """fires it each time that so long has passed; its parameter ``tick`` says which time it is"""
    times: int | None
    """how often ``every`` does so; by default without end"""
    type: AgentType | None
    """``reflex``, ``model``, ``goal`` or ``utility``: what it has where nothing else is said"""
    steps: int | None
    """how often it may fire for one case"""
    description: str | None
    """by default its docstring"""


def knowledge_source(watches: Watches | None = None, **options: Unpack[Options]) -> Callable[[F], F]:
    """Declare an agent: an ``async def``, a ``def`` (which runs in a thread) or a class with ``run`` or ``__call__``.

    ``watches`` is a pattern, a list, or ``{alias: pattern}``, a :class:`Collect` where it waits for several records;
    a validator needs none beside ``validates``, an agent with a timer none beside ``every``.  Parameters are bound by
    name to an alias or a capture.  The rest is in :class:`Options`.  Raises :class:`DeclarationError`, which names
    the function and what is wrong.
    """
    return _decorator(_Given("agent", watches), options)


def supervisor(
    over: Texts = (),
    *,
    watches: Watches | None = None,
    authority: Texts = _SUPERVISOR_ORDERS,
    **options: Unpack[Options],
) -> Callable[[F], F]:
    """Declare a supervisor: an agent that fires when one of ``over`` is overdue, failed or stalled and it is asked.

    ``over`` are names of agents or capabilities; none means whoever addresses it.  It returns an order
    (:class:`Extend`, :class:`Decide`, :class:`Cancel`, :class:`Veto`) that ``authority`` allows, a question,
    or nothing, which leaves the matter to the next on the ladder.
    """
    return _decorator(_Given("supervisor", watches, over, authority), options)


class _Given(NamedTuple):
    """What a decorator was given beside its options."""

    kind: Literal["agent", "supervisor"]
    watches: Watches | None
    over: Texts = ()
    authority: Texts = ()


class _Watching(NamedTuple):
    """What an agent waits for: one record each, and lists of records."""

    watches: tuple[Watch, ...]
    collects: tuple[Collecting, ...]

    @property
    def all(self) -> tuple[Watch | Collecting, ...]:
        return (*self.watches, *self.collects)


def _watching_of(given: _Given, name: str, over: tuple[str, ...], validates: str | None, *, timed: bool) -> _Watching:
    of_runtime: dict[str, Watch] = {}
    """what the runtime writes for it → the watch"""
    if given.kind == "supervisor":
        of_runtime["a supervisor is asked about"] = declaration.overdue_watch(name, over)
    if validates is not None:
        if of_runtime:
            raise InvalidInput("validates: a supervisor gives orders; let another agent validate")
        of_runtime["is validated"] = declaration.proposal_watch(validates)
    addressed = tuple(of_runtime.values())
    if timed:
        of_runtime["a timer gives"] = Watch(TICK, tick_pattern(name))
    if given.watches is None and not of_runtime:
        raise InvalidInput("watches is missing: the agent would never fire")
    asked = declaration.parse_watches(given.watches) if given.watches is not None else ()
    for what, watch in of_runtime.items():
        if any(one.alias == watch.alias for one in asked):
            raise InvalidInput(f"watches: {watch.alias!r} is what {what}; choose another alias")
    collects = tuple(one for one in asked if isinstance(one, Collecting))
    # An activation's case is that of its first record: a tick has one of its own, which others come before.
    ticks = tuple(watch for watch in of_runtime.values() if watch not in addressed)
    watches = (*addressed, *(one for one in asked if isinstance(one, Watch)), *ticks)
    check_groups(collects, declaration.captures_of(watches))
    return _Watching(watches, collects)


def _declared(
    fn: Callable[..., Any], name: str, given: _Given, options: Options, namespace: Namespace
) -> KnowledgeSource:
    declaration.check_name(name, "name")
    unknown = next((option for option in options if option not in Options.__annotations__), None)
    if unknown is not None:
        raise InvalidInput(f"there is no option {unknown!r}{did_you_mean(unknown, Options.__annotations__)}")
    over = declaration.check_names(given.over, "over")
    every_ms = declaration.optional_ms(options.get("every"), "every")
    times = declaration.check_limit(options.get("times"))
    if times is not None and every_ms is None:
        raise InvalidInput("times says how often a timer ticks; it goes with every")
    watching = _watching_of(given, name, over, options.get("validates"), timed=every_ms is not None)
    watches, collects = watching
    bound = declaration.captures_of(watching.all)
    limit, provides = options.get("respond_within"), options.get("provides")
    agent_type = check_type(options.get("type"))
    usual = defaults_of(agent_type, {"respond_within_ms": limit, **options} if limit is not None else options)
    rating = declaration.check_rating(options.get("rating", usual.get("rating", 0.0)))
    precondition = options.get("precondition")
    contributes = declaration.parse_contributes(options.get("contributes", ()), bound)
    return KnowledgeSource(
        name=name,
        kind=given.kind,
        fn=fn,
        callee=callee_of(fn, watching.all, bound, namespace),
        watches=watches,
        collects=collects,
        unless=declaration.parse_unless(options.get("unless", ()), bound),
        contributes=contributes,
        target=declaration.target_of(contributes),
        provides=name if provides is None else declaration.check_name(provides, "provides"),
        named_for_itself=provides is None,
        level=declaration.check_name(options.get("level", "normal"), "level"),
        rating=rating,
        precondition=precondition,
        respond_within_ms=usual.get("respond_within_ms")
        if limit is None
        else declaration.duration_ms(limit, "respond_within"),
        retry=declaration.parse_retry(options.get("retry")),
        instead_of=declaration.check_names(options.get("instead_of", ()), "instead_of"),
        breaker=parse_breaker(options.get("breaker")),
        max_running=declaration.check_limit(options.get("max_running")),
        max_cost=declaration.check_cost(options.get("max_cost")),
        token_budget=declaration.check_limit(options.get("token_budget")),
        escalate=declaration.check_names(options.get("escalate", ()), "escalate"),
        authority=declaration.check_authority(given.authority),
        over=over,
        config=dict(options.get("config") or {}),
        guarded=options.get("guarded", True),
        cites=bool(options.get("cites", False)),
        logical=bool(options.get("logical", usual.get("logical", False))),
        type=agent_type,
        steps=declaration.check_limit(options.get("steps", usual.get("steps"))),
        proposed=bool(options.get("proposed", False)),
        validates=options.get("validates"),
        approval=check_approval(options.get("approval")),
        threshold=check_threshold(options.get("threshold")),
        claim=parse_claim(
            options.get("confirm_within"),
            options.get("confirmed_by"),
            options.get("confirm"),
            options.get("unconfirmed"),
            watches=watches,
            contributes=contributes,
        ),
        compensation=parse_compensation(
            options.get("compensates"), options.get("compensate"), watches=watches, contributes=contributes
        ),
        description=inspect.cleandoc(options.get("description") or getattr(fn, "__doc__", None) or ""),
        source=f"{fn.__module__}:{fn.__qualname__}",
        place=declaration.place_of(fn),
        after_ms=declaration.optional_ms(options.get("after"), "after"),
        every_ms=every_ms,
        times=times,
        rating_binding=bind_helper(rating, "rating", watches, collects),
        precondition_binding=bind_helper(precondition, "precondition", watches, collects),
    )


def _decorator(given: _Given, options: Options) -> Callable[[F], F]:
    frame = declaring_frame(2)
    first: tuple[object, object] = (given.watches, given.over)
    for bare in first:  # @knowledge_source alone hands over the function and declares nothing
        if callable(bare):
            decorator = "knowledge_source(watches=…)" if given.kind == "agent" else "supervisor(over=…)"
            name = getattr(bare, "__name__", "")
            reason = f"{given.kind} {name!r}: write @{decorator}, with brackets"
            raise DeclarationError(reason, place=declaration.place_of(bare))

    def declare(fn: F) -> F:
        name = options.get("name") or str(getattr(fn, "__name__", ""))
        try:
            source = _declared(fn, name, given, options, namespace_of(fn, frame))
            setattr(fn, ATTRIBUTE, source)
        except (InvalidInput, AttributeError) as error:
            raise DeclarationError(f"{given.kind} {name!r}: {error}", place=declaration.place_of(fn)) from error
        return fn

    return declare
