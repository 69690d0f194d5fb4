"""The parts of a declaration, and what makes them wrong before anything runs.

Every function here turns what a person wrote in a decorator or a scenario into its checked form, or
raises :class:`InvalidInput` with a reason; the decorators add the agent's name and its place.
"""

from __future__ import annotations

import inspect
import math
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from blackboard.control_records import ACTIVATIONS, ATTENTION, PROPOSALS
from blackboard.durations import parse_duration
from blackboard.errors import InvalidInput
from blackboard.keys import CONTROL_REGION
from blackboard.pattern import Pattern
from knowledge_sources.collect import Collect, Collecting, parse_collect
from knowledge_sources.nearest import did_you_mean
from knowledge_sources.orders import AUTHORITIES

NEW: Final = "new"
"""The capture that a contributed key may have without any watch binding it: a fresh name, filled per write."""

Watches: TypeAlias = str | Collect | Iterable[str | Collect] | Mapping[str, str | Collect]
Texts: TypeAlias = str | Iterable[str]
Rating: TypeAlias = float | Callable[..., float]
Precondition: TypeAlias = Callable[..., bool]

_NAME: Final = re.compile(r"[A-Za-z0-9_.\-]{1,64}\Z")
_OVERDUE_ALIAS: Final = "overdue"
_PROPOSALS: Final = Pattern.parse(PROPOSALS + "**")


@dataclass(frozen=True, slots=True)
class Watch:
    """A pattern that an agent waits for, and the ``alias`` under which its record is bound."""

    alias: str
    pattern: Pattern


@dataclass(frozen=True, slots=True)
class Retry:
    """How often an activation is tried and how long it waits between: ``attempts`` counts the first call too."""

    attempts: int = 3
    backoff_ms: int = 1_000
    cap_ms: int = 30_000

    def __post_init__(self) -> None:
        if self.attempts < 1 or self.backoff_ms < 0 or self.cap_ms < 0:
            raise InvalidInput("retry: attempts is at least 1, backoff and cap are not negative")


def check_name(name: object, what: str) -> str:
    """``name`` if it can name an agent, a capability or a level: 1 to 64 of ``A-Za-z0-9_.-``."""
    if not isinstance(name, str) or not _NAME.match(name):
        raise InvalidInput(f"{what} {name!r}: use 1 to 64 of A-Z a-z 0-9 _ . -")
    return name


def check_names(names: object, what: str) -> tuple[str, ...]:
    """Each of ``names`` checked; a single text is one name."""
    return tuple(check_name(name, what) for name in as_texts(names, what))


def as_texts(texts: object, what: str) -> tuple[str, ...]:
    """``texts`` as a tuple: a single text is one of them."""
    if isinstance(texts, str):
        return (texts,)
    found = tuple(texts) if isinstance(texts, Iterable) else ()
    if not isinstance(texts, Iterable) or not all(isinstance(text, str) for text in found):
        raise InvalidInput(f"{what}: {texts!r} is neither a text nor a list of texts")
    return found


def parse_watches(watches: Watches) -> tuple[Watch | Collecting, ...]:
    """The watches, each under its alias: the mapping's key, or the region's name where there is no mapping."""
    named: list[tuple[str, object]]
    if isinstance(watches, Mapping):
        named = list(watches.items())
    elif isinstance(watches, str | Collect):
        named = [("", watches)]
    elif isinstance(watches, Iterable):
        named = [("", one) for one in watches]
    else:
        raise InvalidInput(f"watches: {watches!r} is neither a text nor a list of texts")
    if not named:
        raise InvalidInput("watches is empty: the agent would never fire")
    found: dict[str, Watch | Collecting] = {}
    for given, wanted in named:
        text = wanted.pattern if isinstance(wanted, Collect) else wanted
        pattern = parse_pattern(text, "watches")
        alias = given or re.sub(r"\W", "_", pattern.region)
        if not alias.isidentifier() or alias == "ctx":
            raise InvalidInput(f"watches: {alias!r} cannot be the name of a parameter; give another alias for {text!r}")
        if alias in found:
            raise InvalidInput(f"watches: two patterns are called {alias!r}; name them, as in {{'a': …, 'b': …}}")
        if NEW in pattern.captures:
            raise InvalidInput(f"watches: {{{NEW}}} is kept for the keys that an agent writes; rename it in {text!r}")
        if pattern.match_key(ACTIVATIONS + "x") is not None:
            raise InvalidInput(f"watches: {text!r} covers control/activations/: an agent would wake itself for ever")
        _check_no_proposals(pattern, "watches")
        try:
            found[alias] = (
                parse_collect(alias, wanted, pattern) if isinstance(wanted, Collect) else Watch(alias, pattern)
            )
        except InvalidInput as error:
            raise InvalidInput(f"watches: {alias}: {error}") from error
    return tuple(found.values())


def proposal_watch(validates: str) -> Watch:
    """What makes a validator fire: a proposed record that ``validates`` matches, under the alias of its region."""
    wanted = parse_pattern(validates, "validates")
    if wanted.region == CONTROL_REGION:
        raise InvalidInput(f"validates: {validates!r} covers control/, which agents do not write")
    alias = re.sub(r"\W", "_", wanted.region)
    if not alias.isidentifier() or alias == "ctx":
        raise InvalidInput(f"validates: {alias!r} cannot be the name of a parameter; watch another region")
    return Watch(alias, Pattern.parse(f"{PROPOSALS}*/{wanted.text}"))


def parse_pattern(text: object, what: str) -> Pattern:
    """The pattern in ``text``; a pattern's own error goes through unchanged, with its column."""
    if not isinstance(text, str):
        raise InvalidInput(f"{what}: {text!r} is not a pattern")
    return Pattern.parse(text)


def captures_of(watches: Iterable[Watch | Collecting]) -> tuple[str, ...]:
    """The names that ``watches`` bind, in the order in which they appear."""
    return tuple(dict.fromkeys(name for watch in watches for name in watch.pattern.captures))


def parse_unless(unless: Texts, bound: tuple[str, ...], *, what: str = "unless") -> tuple[Pattern, ...]:
    """The patterns whose presence keeps the agent from firing; each capture is one that a watch binds."""
    patterns = tuple(parse_pattern(text, what) for text in as_texts(unless, what))
    for pattern in patterns:
        _check_no_proposals(pattern, what)
        _check_bound(pattern, what, bound, hint="write * for a segment that may be anything")
    return patterns


def parse_contributes(contributes: Texts, bound: tuple[str, ...], *, what: str = "contributes") -> tuple[Pattern, ...]:
    """The patterns that the agent may write to: captures bound by a watch or ``{new}``, nothing in ``control/``."""
    patterns = tuple(parse_pattern(text, what) for text in as_texts(contributes, what))
    for pattern in patterns:
        if pattern.region == CONTROL_REGION:
            raise InvalidInput(f"{what}: {pattern.text!r} covers control/, which only the runtime writes")
        if pattern.predicate is not None:
            raise InvalidInput(f"{what}: {pattern.text!r} has a condition; say only which keys are written")
        hint = f"write * for a segment that the agent chooses, {{{NEW}}} for a fresh name"
        _check_bound(pattern, what, (*bound, NEW), hint=hint)
    return patterns


def target_of(contributes: tuple[Pattern, ...]) -> Pattern | None:
    """Where a value goes that is returned without a key: the one pattern, if its captures make one key of it."""
    if len(contributes) != 1 or any(each.kind in ("any", "rest") for each in contributes[0].segments):
        return None
    return contributes[0]


def _check_no_proposals(pattern: Pattern, what: str) -> None:
    if pattern.region == CONTROL_REGION and pattern.overlaps(_PROPOSALS):
        raise InvalidInput(
            f"{what}: {pattern.text!r} covers control/proposals/: only who validates= sees what is proposed"
        )


def _check_bound(pattern: Pattern, what: str, bound: tuple[str, ...], *, hint: str) -> None:
    for name in pattern.captures:
        if name not in bound:
            known = ", ".join(f"{{{b}}}" for b in bound if b != NEW) or "no capture"
            guess = did_you_mean(name, bound)
            raise InvalidInput(
                f"{what}: {{{name}}} in {pattern.text!r} is bound by no watch (they bind {known}){guess}; {hint}"
            )


def parse_retry(retry: Retry | Mapping[str, Any] | None) -> Retry:
    """A :class:`Retry` from ``{attempts: 3, backoff: 1s, cap: 30s}``; what is left out keeps its default."""
    if retry is None:
        return Retry()
    if isinstance(retry, Retry):
        return retry
    fields: dict[str, int] = {}
    for name, given in retry.items():
        if name == "attempts" and isinstance(given, int) and not isinstance(given, bool):
            fields["attempts"] = given
        elif name in ("backoff", "cap"):
            fields[name + "_ms"] = duration_ms(given, f"retry: {name}")
        else:
            raise InvalidInput(f"retry: {name}={given!r}; write {{'attempts': 3, 'backoff': '1s', 'cap': '30s'}}")
    return Retry(**fields)


def duration_ms(text: object, what: str) -> int:
    """The milliseconds in ``text``, which ``what`` was given as."""
    if not isinstance(text, str):
        raise InvalidInput(f"{what}={text!r} is not a duration: write a number and a unit, like 500ms, 30s, 2m, 1h")
    try:
        return parse_duration(text)
    except InvalidInput as error:
        raise InvalidInput(f"{what}: {error.reason}") from None


def check_authority(authority: Texts) -> frozenset[str]:
    """The orders that a supervisor may give."""
    found = frozenset(as_texts(authority, "authority"))
    for verb in sorted(found - AUTHORITIES):
        raise InvalidInput(
            f"authority: {verb!r} is no order{did_you_mean(verb, AUTHORITIES)}; there are: "
            + ", ".join(sorted(AUTHORITIES))
        )
    return found


def overdue_watch(name: str, over: tuple[str, ...]) -> Watch:
    """What makes a supervisor fire: attention records addressed to it, about agents or capabilities in ``over``."""
    scope = " || ".join(f'capability == "{one}" || agent == "{one}"' for one in over)
    scope = f"({scope}) && " if scope else ""
    return Watch(_OVERDUE_ALIAS, Pattern.parse(f'{ATTENTION}*/{{activation}} where {scope}addressed == "{name}"'))


def optional_ms(text: object, what: str) -> int | None:
    """The milliseconds in ``text``, ``None`` for none given; nothing at all is no time to wait."""
    if text is None:
        return None
    duration = duration_ms(text, what)
    if not duration:
        raise InvalidInput(f"{what} must be longer than nothing")
    return duration


def check_limit(limit: object) -> int | None:
    """A whole number of at least 1, or ``None`` for no limit."""
    if limit is None:
        return None
    if isinstance(limit, bool) or not isinstance(limit, int) or limit < 1:
        raise InvalidInput(f"{limit!r} is not a limit: it is a whole number of at least 1")
    return limit


def check_cost(cost: object) -> float | None:
    """A finite amount of money that is not negative, or ``None`` where nobody knows."""
    if cost is None:
        return None
    if isinstance(cost, bool) or not isinstance(cost, (int, float)) or not 0 <= cost <= 1e9:
        raise InvalidInput(f"max_cost: {cost!r} is not an amount of money from 0 to 1,000,000,000")
    return float(cost)


def check_rating(rating: object) -> Rating:
    """A finite number, or a function of the agent's records and captures."""
    if callable(rating):
        return rating
    if isinstance(rating, bool) or not isinstance(rating, (int, float)) or not math.isfinite(rating):
        raise InvalidInput(f"rating: {rating!r} is neither a number nor a function")
    return float(rating)


def place_of(fn: object) -> str:
    """``file:line`` at which a function or class is defined, or ``""``."""
    code = getattr(inspect.unwrap(fn) if callable(fn) else fn, "__code__", None)
    if code is not None:
        return f"{code.co_filename}:{code.co_firstlineno}"
    try:
        _, line = inspect.getsourcelines(fn)  # type: ignore[arg-type]  # what it cannot do, it says
        return f"{inspect.getsourcefile(fn)}:{line}"  # type: ignore[arg-type]
    except (OSError, TypeError):
        return ""
