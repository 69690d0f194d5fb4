"""Watching for several records at once: ``Collect`` as a person writes it, as the matcher reads it, and what it gives."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal, TypeVar

from blackboard.durations import parse_duration
from blackboard.errors import InvalidInput
from blackboard.wording import seconds

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from blackboard.pattern import Pattern

T = TypeVar("T")
U = TypeVar("U")

MOST_MEMBERS: Final = 1_000
"""What one activation takes at most: each member guards its contribution and stands in its record."""


@dataclass(frozen=True, slots=True)
class Collect:
    """As the value of a watch: all records that ``pattern`` matches under the other captures, as one list.

    Without ``within`` the agent may fire as soon as ``at_least`` are there.  With it the agent waits for all ``of``
    (without ``of``: for whatever comes), at most so long; what is there then is taken if that is ``at_least``.
    Time counts from the commit of the latest record of the plain watches; where there are none, of the first member.
    More than ``of`` are not taken.  ``refire="each"`` fires anew for each set of members.
    """

    pattern: str
    at_least: int = 1
    of: int | None = None
    within: str | None = None
    refire: Literal["once", "each"] = "once"


@dataclass(frozen=True, slots=True)
class Collecting:
    """A checked :class:`Collect`, under the ``alias`` of its members."""

    alias: str
    pattern: Pattern
    at_least: int
    of: int | None
    within_ms: int | None
    each: bool
    """whether each set of members is an activation of its own"""

    @property
    def sentence(self) -> str:
        """What it waits for: ``vote/{tx}/*: 2 of 3 within 5.0 s``."""
        return f"{self.pattern.text}: {self.wanted}"

    @property
    def wanted(self) -> str:
        """How many, and for how long: ``2 of 3 within 5.0 s``."""
        many = f"{self.at_least} of {self.of}" if self.of is not None else f"at least {self.at_least}"
        each = ", each set" if self.each else ""
        return many + (f" within {seconds(self.within_ms)}" if self.within_ms is not None else "") + each

    @property
    def most(self) -> int:
        """How many members one activation takes."""
        return MOST_MEMBERS if self.of is None else self.of

    def changed(
        self, *, at_least: int | None = None, of: int | None = None, within_ms: int | None = None
    ) -> Collecting:
        """A copy with what is given in the place of what it said; raises :class:`InvalidInput`."""
        given = {"at_least": at_least, "of": of, "within_ms": within_ms}
        copy = dataclasses.replace(self, **{name: value for name, value in given.items() if value is not None})  # type: ignore[arg-type]  # each of its own field's type
        check(copy)
        return copy


class Members(list[T]):
    """The members of a collect, in the order of their commits; a list that knows how many there were to be.

    ``at_least`` and ``of`` are those of the :class:`Collect`.
    """

    __slots__ = ("at_least", "of")

    def __init__(self, items: Iterable[T] = (), *, at_least: int = 1, of: int | None = None) -> None:
        super().__init__(items)
        self.at_least = at_least
        self.of = of

    @property
    def complete(self) -> bool:
        """Whether all ``of`` came in time; true where no number was stated."""
        return self.of is None or len(self) >= self.of

    @property
    def missing(self) -> int:
        """How many of the ``of`` did not come in time."""
        return 0 if self.of is None else max(0, self.of - len(self))

    def each(self, change: Callable[[T], U]) -> Members[U]:
        """The same members, each as ``change`` makes it."""
        return Members(map(change, self), at_least=self.at_least, of=self.of)


def parse_collect(alias: str, given: Collect, pattern: Pattern) -> Collecting:
    """``given`` checked; ``pattern`` is its pattern, parsed.  Raises :class:`InvalidInput`."""
    if given.refire not in ("once", "each"):
        raise InvalidInput(f"refire: {given.refire!r} is neither 'once' nor 'each'")
    within_ms = None
    if given.within is not None:
        try:
            within_ms = parse_duration(given.within)
        except (InvalidInput, TypeError) as error:
            reason = error.reason if isinstance(error, InvalidInput) else "write a number and a unit, like 500ms, 30s"
            raise InvalidInput(f"within={given.within!r}: {reason}") from None
    collecting = Collecting(alias, pattern, given.at_least, given.of, within_ms, given.refire == "each")
    check(collecting)
    return collecting


def check(collecting: Collecting) -> None:
    """Raise :class:`InvalidInput` where its numbers do not fit together."""
    least, of = collecting.at_least, collecting.of
    if not _is_count(least) or not 0 <= least <= MOST_MEMBERS:
        raise InvalidInput(f"at_least: {least!r} is not a whole number from 0 to {MOST_MEMBERS:,}")
    if of is not None and (not _is_count(of) or not max(1, least) <= of <= MOST_MEMBERS):
        raise InvalidInput(f"of: {of!r} is not a whole number from at_least ({least}) to {MOST_MEMBERS:,}")
    if least == 0 and collecting.within_ms is None:
        raise InvalidInput("at_least=0 needs within: without it nothing says when to fire")
    if collecting.within_ms == 0:
        raise InvalidInput("within must be longer than nothing")
    if collecting.each and collecting.within_ms is not None:
        raise InvalidInput("refire='each' fires for every set of members, so it cannot wait within a time, too")


def check_groups(collects: Iterable[Collecting], bound: Iterable[str]) -> None:
    """Raise :class:`InvalidInput` for a collect of none that would have to say itself what it is about.

    ``bound`` are the captures of the plain watches.
    """
    known = frozenset(bound)
    for collecting in collects:
        free = [name for name in collecting.pattern.captures if name not in known]
        if collecting.at_least == 0 and (free or not known):
            what = f"no other watch binds {{{free[0]}}}" if free else "no other watch binds a capture"
            raise InvalidInput(f"{collecting.alias}: at_least=0 is counted for nothing: {what}")


def _is_count(given: Any) -> bool:
    return isinstance(given, int) and not isinstance(given, bool)
