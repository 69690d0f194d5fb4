"""Who can wake whom: the agents of a team and the keys between them, worked out before anything runs.

Only key templates are compared; conditions and preconditions may keep more from firing than is seen here.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

from blackboard.pattern import Pattern
from blackboard.predicate.values import equal
from knowledge_sources.circles import circles
from knowledge_sources.collect import Collecting
from knowledge_sources.tokens import DIGEST

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from knowledge_sources.source import KnowledgeSource, Watch


class Edge(NamedTuple):
    """``writer`` may write what ``reader`` watches."""

    writer: KnowledgeSource
    written: Pattern
    reader: KnowledgeSource
    watch: Watch | Collecting


class Starved(NamedTuple):
    """An agent that nothing can wake: what it waits for, and who of those that wait too would write it."""

    source: KnowledgeSource
    missing: tuple[Watch | Collecting, ...]
    writers: tuple[KnowledgeSource, ...]


class Rivals(NamedTuple):
    """Two agents that may write one key, where nothing says which of them goes first."""

    first: KnowledgeSource
    second: KnowledgeSource
    key: Pattern


class Dependencies:
    """The dependencies of ``sources`` on each other and on ``fed``, the keys that come from outside.

    A supervisor's watch on what is overdue counts as fed: the runtime writes it.
    """

    def __init__(self, sources: Iterable[KnowledgeSource], fed: Iterable[Pattern] = ()) -> None:
        self.sources = tuple(sources)
        self.fed = tuple(fed)

    @cached_property
    def edges(self) -> tuple[Edge, ...]:
        """Every way in which one agent may wake another, or itself."""
        return tuple(
            Edge(writer, written, reader, watch)
            for reader in self.sources
            for watch in reader.watching
            for writer in self.sources
            for written in writer.contributes
            if written.overlaps(watch.pattern)
        )

    @cached_property
    def reachable(self) -> frozenset[str]:
        """The names of the agents that what is fed can wake, directly or through others."""
        awake: set[str] = set()
        while True:
            woken = {
                source.name
                for source in self.sources
                if source.name not in awake and all(self._supplied(source, watch, awake) for watch in source.watching)
            }
            if not woken:
                return frozenset(awake)
            awake |= woken

    def _supplied(self, source: KnowledgeSource, watch: Watch | Collecting, awake: set[str]) -> bool:
        if self._from_outside(watch) or (isinstance(watch, Collecting) and watch.at_least == 0):
            return True
        return any(edge.writer.name in awake for edge in self._into.get(source.name, {}).get(watch.alias, ()))

    def _from_outside(self, watch: Watch | Collecting) -> bool:
        return watch.pattern.region == "control" or any(key.overlaps(watch.pattern) for key in self.fed)

    @cached_property
    def _into(self) -> Mapping[str, Mapping[str, Sequence[Edge]]]:
        """Reader → alias → who may write it."""
        found: dict[str, dict[str, list[Edge]]] = {}
        for edge in self.edges:
            found.setdefault(edge.reader.name, {}).setdefault(edge.watch.alias, []).append(edge)
        return found

    @cached_property
    def starved(self) -> tuple[Starved, ...]:
        """The agents that nothing can wake, in the order of the team."""
        found = []
        for source in self.sources:
            if source.name in self.reachable:
                continue
            awake = set(self.reachable)
            missing = tuple(watch for watch in source.watching if not self._supplied(source, watch, awake))
            into = self._into.get(source.name, {})
            writers = {edge.writer.name: edge.writer for watch in missing for edge in into.get(watch.alias, ())}
            found.append(Starved(source, missing, tuple(writers.values())))
        return tuple(found)

    @cached_property
    def deadlocks(self) -> tuple[tuple[KnowledgeSource, ...], ...]:
        """The agents that wait for each other in a circle, each circle in the order of its waiting."""
        waits = {one.source.name: [writer.name for writer in one.writers] for one in self.starved}
        return tuple(tuple(self._named[name] for name in circle) for circle in circles(waits))

    @cached_property
    def loops(self) -> tuple[tuple[KnowledgeSource, ...], ...]:
        """The agents that can be woken and may wake each other in a circle, an agent that wakes itself left out.

        One that fires only while what it writes is not there ends the circle, one that collects and so fires once for
        its captures does, too, and so does one that needs a record
        from outside of it each time.  Such a circle is no mistake either where what is written ends a condition.
        """
        wakes: dict[str, list[str]] = {one.name: [] for one in self.sources if one.name in self.reachable}
        for edge in self.edges:
            both = edge.writer.name in wakes and edge.reader.name in wakes
            once = any(_excludes(edge.reader, written) for written in edge.reader.contributes)
            once = once or (isinstance(edge.watch, Collecting) and not edge.watch.each)
            if both and not once and edge.writer is not edge.reader and edge.reader.name not in wakes[edge.writer.name]:
                wakes[edge.writer.name].append(edge.reader.name)
        found = (tuple(self._named[name] for name in circle) for circle in circles(wakes))
        return tuple(circle for circle in found if all(self._fed_by(source, circle) for source in circle))

    def _fed_by(self, source: KnowledgeSource, circle: Sequence[KnowledgeSource]) -> bool:
        """Whether the circle writes all that ``source`` watches."""
        into = self._into.get(source.name, {})
        return all(any(edge.writer in circle for edge in into.get(watch.alias, ())) for watch in source.watching)

    @cached_property
    def _named(self) -> dict[str, KnowledgeSource]:
        return {source.name: source for source in self.sources}

    @cached_property
    def unread(self) -> tuple[tuple[KnowledgeSource, Pattern], ...]:
        """What agents write and no agent watches or excludes: what the team is for, or a slip."""
        read = [pattern for one in self.sources for pattern in (*(w.pattern for w in one.watching), *one.unless)]
        limited = (one for one in self.sources if one.token_budget is not None)
        read += [Pattern.parse(DIGEST + watch.pattern.key_text) for one in limited for watch in one.watches]
        return tuple(
            (source, written)
            for source in self.sources
            for written in source.contributes
            if not any(written.overlaps(pattern) for pattern in read)
        )

    @cached_property
    def rivals(self) -> tuple[Rivals, ...]:
        """Pairs that the same records wake, that may write one key, and have no order between them.

        There is one where either watches what the other writes, fires only while that is not there, or stands in
        for the other.
        """
        found = []
        for index, first in enumerate(self.sources):
            for second in self.sources[index + 1 :]:
                shared = [
                    written
                    for written in first.contributes
                    if any(written.overlaps(other) for other in second.contributes) and not _open_ended(written)
                ]
                if shared and _woken_together(first, second) and not _ordered(first, second):
                    found.append(Rivals(first, second, shared[0]))
        return tuple(found)


def _open_ended(written: Pattern) -> bool:
    """Whether the captures leave the key open, as for counters that many update."""
    return any(segment.kind in ("any", "rest") for segment in written.segments)


def _woken_together(one: KnowledgeSource, other: KnowledgeSource) -> bool:
    """Whether all that wakes one of them is among what wakes the other, by key and by what must be equal."""
    few, many = sorted((one.watching, other.watching), key=len)
    return all(any(_same_records(watch.pattern, each.pattern) for each in many) for watch in few)


def _same_records(one: Pattern, other: Pattern) -> bool:
    if not one.overlaps(other):
        return False
    equalities = dict(one.predicate.equalities) if one.predicate is not None else {}
    others = other.predicate.equalities if other.predicate is not None else ()
    return all(equal(equalities[path], constant) for path, constant in others if path in equalities)


def _ordered(first: KnowledgeSource, second: KnowledgeSource) -> bool:
    if first.name in second.instead_of or second.name in first.instead_of:
        return True
    return any(
        any(
            _excludes(one, written) or any(w.pattern.overlaps(written) for w in one.watching) for one in (first, second)
        )
        for written in (*first.contributes, *second.contributes)
    )


def _excludes(source: KnowledgeSource, key: Pattern) -> bool:
    return any(pattern.overlaps(key) for pattern in source.unless)
