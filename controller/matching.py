"""Which agents could fire, and on what: patterns joined on shared captures, kept up change by change.

The matcher reads a replica and tells what became eligible and what no longer is.  It stores nothing on
the board: an eligible match is derived from it, and an activation's record is what ends its eligibility.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, Final, NamedTuple, Protocol

from blackboard.control_records import ACTIVATIONS
from controller.activation import successor_id
from controller.bound_matches import BoundMatches
from controller.candidates import candidates
from controller.collecting import lacking
from controller.discrimination import PatternIndex
from controller.members import Membership, by_set, identity
from controller.memory import Memories

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from blackboard.log import Change
    from blackboard.pattern import Pattern
    from blackboard.record import Record
    from controller.candidates import Board
    from controller.collecting import Readiness
    from knowledge_sources.source import KnowledgeSource

__all__ = ["Listener", "Match", "Matcher"]


class Match(NamedTuple):
    """One agent with one record for each of its watches, all joined captures equal, and what it collects under them.

    ``activation`` names it for ever: the same agent, captures and commits have the same id everywhere.
    """

    activation: str
    source: KnowledgeSource
    captures: dict[str, str]
    records: dict[str, Record[Any]]
    ready: Readiness | None = None
    """when it may fire, where its agent collects or waits for a time"""


class Listener(Protocol):
    """Whom the matcher tells."""

    def matched(self, match: Match) -> None:
        """``match`` is eligible."""

    def unmatched(self, match: Match, change: Change) -> None:
        """``match``, told before, no longer is: ``change`` took a trigger away or brought what it excludes."""

    def moved(self, match: Match) -> None:
        """``match``, told before, may fire at another time than it was told."""

    def keeps(self, activation: str) -> bool:
        """Whether it has a record by which it waits for members: one without is unmatched while it lacks them."""

    def misjudged(self, source: KnowledgeSource, error: BaseException) -> None:
        """The precondition of ``source`` raised; the match is left out."""


class _Watching(NamedTuple):
    source: KnowledgeSource
    alias: str
    pattern: Pattern


_NOTHING: Final[tuple[Any, ...]] = ()


class Matcher:
    """The live matches of a set of agents.

    A change costs what it can match: the patterns that it fits are found by its key and its fields, and a join is
    a look-up, in the board where all captures are known, else in a memory of the records that the pattern matches.
    """

    def __init__(self, board: Board, listener: Listener) -> None:
        self._board = board
        self._listener = listener
        self._sources: dict[str, KnowledgeSource] = {}
        self._watching: PatternIndex[_Watching] = PatternIndex()
        self._excluding: PatternIndex[BoundMatches] = PatternIndex()
        self._collecting: PatternIndex[BoundMatches] = PatternIndex()
        self._memories = Memories(board)
        self.membership = Membership(self._memories)
        self._joined_by: Counter[str] = Counter()
        """text of a pattern → how often it is watched, excluded or collected"""
        self._live: dict[str, Match] = {}
        self._by_key: dict[str, dict[str, Match]] = {}
        """record key → the live matches that it triggers"""
        self._watching_of: dict[str, list[_Watching]] = {}
        """name of an agent → what it watches"""
        self._bound_of: dict[str, tuple[list[BoundMatches], list[BoundMatches]]] = {}
        """name of an agent → what it excludes, and what it collects"""

    @property
    def sources(self) -> Mapping[str, KnowledgeSource]:
        """The agents by name."""
        return self._sources

    def live(self) -> Mapping[str, Match]:
        """Every match that is eligible, by activation id."""
        return self._live

    def triggers(self, key: str) -> bool:
        """Whether the record at ``key`` triggers a live match."""
        return key in self._by_key

    def add(self, source: KnowledgeSource) -> None:
        """Take an agent in, in the place of one of its name, and tell what it matches on the board as it is."""
        self.enter(source)
        self.look(source)

    def enter(self, source: KnowledgeSource) -> None:
        """Take an agent in, in the place of one of its name, without a look at the board as it is."""
        if source.name in self._sources:
            self.remove(source.name)
        self._sources[source.name] = source
        watching = [_Watching(source, watch.alias, watch.pattern) for watch in source.watches]
        for watches in watching:
            self._watching.add(watches.pattern, watches)
        excluding = [BoundMatches(source, pattern) for pattern in source.unless]
        for excludes in excluding:
            self._excluding.add(excludes.pattern, excludes)
        collecting = [BoundMatches(source, one.pattern) for one in source.collects]
        for collects in collecting:
            self._collecting.add(collects.pattern, collects)
        self._watching_of[source.name], self._bound_of[source.name] = watching, (excluding, collecting)
        self._joined_by.update(pattern.text for pattern in _patterns_of(source))

    def look(self, source: KnowledgeSource) -> None:
        """Tell what an agent that was taken in matches on the board as it is."""
        self._tell_joined(source, {}, {})

    def remove(self, name: str) -> None:
        """Forget an agent; its live matches are dropped without a word."""
        for match in [match for match in self._live.values() if match.source.name == name]:
            self.drop(match.activation)
        source = self._sources.pop(name)
        watching, (excluding, collecting) = self._watching_of.pop(name), self._bound_of.pop(name)
        for watches in watching:
            self._watching.remove(watches.pattern, watches)
        for excludes in excluding:
            self._excluding.remove(excludes.pattern, excludes)
        for collects in collecting:
            self._collecting.remove(collects.pattern, collects)
        for pattern in _patterns_of(source):
            self._joined_by[pattern.text] -= 1
            if not self._joined_by[pattern.text]:
                del self._joined_by[pattern.text]
                self._memories.forget(pattern)

    def drop(self, activation: str) -> None:
        """Forget a match: it has fired."""
        match = self._live.pop(activation, None)
        if match is None:
            return
        for record in match.records.values():
            triggered = self._by_key.get(record.key)
            if triggered is not None:
                triggered.pop(activation, None)
                if not triggered:
                    del self._by_key[record.key]
        for bound in self._bound_of.get(match.source.name, _NOTHING):
            for matches in bound:
                matches.drop(match)

    def hold(self, match: Match) -> None:
        """Watch over a match that has a record already and is to fire again, so that it can be obviated."""
        self._live[match.activation] = match
        for record in match.records.values():
            self._by_key.setdefault(record.key, {})[match.activation] = match
        for bound in self._bound_of.get(match.source.name, _NOTHING):
            for matches in bound:
                matches.hold(match)

    def again(self, source: KnowledgeSource, captures: dict[str, str]) -> None:
        """Look once more at what ``source`` matches under ``captures``: a dispatch of it was refused."""
        if self._sources.get(source.name) is source:
            self._tell_joined(source, captures, {})

    def changed(self, change: Change) -> None:
        """Take in one change of the board, which the board read from shows already."""
        if change.key.startswith(ACTIVATIONS):
            return
        self._memories.changed(change)
        self._unmatch_triggered(change)
        record, previous = change.record, change.previous
        if record is not None:
            for excluding, captures in self._excluding.matching(record):
                for match in excluding.under(captures):
                    self._unmatch(match, change)
        if previous is not None:
            for excluding, captures in self._excluding.matching(previous):
                if record is None or excluding.pattern.match(record) is None:
                    self._tell_joined(excluding.source, captures, {})
        if self._collecting:
            self._members_changed(change)
        if record is not None:
            for watching, captures in self._watching.matching(record):
                self._tell_joined(watching.source, captures, {watching.alias: record})

    def _unmatch_triggered(self, change: Change) -> None:
        """End the live matches that the record at the change's key triggered as it was before."""
        triggered = self._by_key.get(change.key)
        if triggered:
            now = change.record.commit if change.record is not None else ""
            for match in list(triggered.values()):
                # A replica that starts over tells of records that joins have seen already.
                if any(record.key == change.key and record.commit != now for record in match.records.values()):
                    self._unmatch(match, change)

    def _members_changed(self, change: Change) -> None:
        """Take in that a record came to, changed in or left what agents collect."""
        record, previous = change.record, change.previous
        if previous is not None:
            for collecting, captures in self._collecting.matching(previous):
                for match in collecting.under(captures):
                    self._reassess(match, change, another=False)
                if record is None or collecting.pattern.match(record) is None:
                    self._tell_anew(collecting.source, captures)
        if record is not None:
            for collecting, captures in self._collecting.matching(record):
                for match in collecting.under(captures):
                    self._reassess(match, change, another=True)
                self._tell_joined(collecting.source, captures, {})

    def _tell_anew(self, source: KnowledgeSource, captures: dict[str, str]) -> None:
        """Tell of the set that is left, where each set of members is an activation of its own."""
        if by_set(source):
            self._tell_joined(source, captures, {})

    def _reassess(self, match: Match, change: Change, *, another: bool) -> None:
        """See when ``match`` may fire, now that its members have changed; ``another`` came, or one was taken away."""
        source, captures = match.source, match.captures
        if by_set(source):
            if not self._is_one_of(self.membership.identity(source, captures, match.records), match.activation):
                self._unmatch(match, change)
            return
        known = match.ready
        if known is not None and another and self.membership.standings(source, captures) == known.standings:
            return  # those by which it counts are the earliest
        ready = self.membership.readiness(source, captures, match.records)
        if ready == known:
            return
        if ready.rests and not self._listener.keeps(match.activation):
            self._unmatch(match, change)
            return
        self.drop(match.activation)
        moved = match._replace(ready=ready)
        self.hold(moved)
        self._listener.moved(moved)

    def assessed(self, match: Match) -> Match | None:
        """``match``, which has a record, with when it may fire; ``None`` where it was for another set of members."""
        source = match.source
        if not (source.collects or source.after_ms is not None):
            return match
        if by_set(source):
            first = self.membership.identity(source, match.captures, match.records)
            if not self._is_one_of(first, match.activation):
                return None
        return match._replace(ready=self.membership.readiness(source, match.captures, match.records))

    def _unmatch(self, match: Match, change: Change) -> None:
        self.drop(match.activation)
        self._listener.unmatched(match, change)

    def _tell_joined(self, source: KnowledgeSource, captures: dict[str, str], records: dict[str, Record[Any]]) -> None:
        for match in self._joined(source, captures, records):
            self._tell(match)

    def _tell(self, match: Match) -> None:
        activation = self._unfired(match.activation)
        if activation is not None:
            found = match if activation == match.activation else match._replace(activation=activation)
            self.hold(found)
            self._listener.matched(found)

    def _unfired(self, activation: str) -> str | None:
        """The id of the firing that is due on the records of ``activation``: the next one where that was withdrawn.

        ``None`` where it has fired, or is live.
        """
        while activation not in self._live:
            fired = self._board.get(ACTIVATIONS + activation)
            if fired is None:
                return activation
            if "withdrawn" not in fired.value:
                return None
            activation = successor_id(activation)
        return None

    def _is_one_of(self, first: str, activation: str) -> bool:
        """Whether ``activation`` is the firing ``first``, or one that came after it was withdrawn."""
        while first != activation:
            fired = self._board.get(ACTIVATIONS + first)
            if fired is None or "withdrawn" not in fired.value:
                return False
            first = successor_id(first)
        return True

    def _joined(
        self, source: KnowledgeSource, captures: dict[str, str], records: dict[str, Record[Any]]
    ) -> Iterator[Match]:
        """Every way to complete ``records`` to one record per watch under ``captures``."""
        missing = [watch for watch in source.watches if watch.alias not in records]
        if missing:
            # The watch with the fewest captures still free is the cheapest and binds the rest.
            watch = min(missing, key=lambda each: _free(each.pattern, captures))
            for record, bound in self._candidates(watch.pattern, captures):
                yield from self._joined(source, {**captures, **bound}, {**records, watch.alias: record})
            return
        ordered = {watch.alias: records[watch.alias] for watch in source.watches}
        if source.collects or source.after_ms is not None:
            yield from self._waiting(source, captures, ordered)
        elif not (source.unless and self._excluded(source, captures)) and self._permitted(source, ordered, captures):
            yield Match(identity(source, captures, ordered), source, captures, ordered)

    def _waiting(
        self, source: KnowledgeSource, captures: dict[str, str], records: dict[str, Record[Any]]
    ) -> Iterator[Match]:
        """The new matches of ``records`` that wait for members or for a time, with when they may fire."""
        for bound in self.membership.groups(source.collects, captures):
            if lacking(source, self.membership.standings(source, bound)) or self._excluded(source, bound):
                continue
            activation = self._unfired(self.membership.identity(source, bound, records))
            if activation is None:
                continue
            if self._permitted(source, records, bound):
                ready = self.membership.readiness(source, bound, records)
                if not ready.rests:
                    yield Match(activation, source, bound, records, ready)

    def _excluded(self, source: KnowledgeSource, captures: Mapping[str, str]) -> bool:
        return any(next(self._candidates(pattern, captures), None) for pattern in source.unless)

    def _candidates(
        self, pattern: Pattern, captures: Mapping[str, str]
    ) -> Iterator[tuple[Record[Any], dict[str, str]]]:
        if captures and pattern.bind(captures) is None:
            return self._memories.select(pattern, captures)
        return candidates(self._board, pattern, captures)

    def _permitted(self, source: KnowledgeSource, records: dict[str, Record[Any]], captures: dict[str, str]) -> bool:
        try:
            return source.permits(records, captures)
        except (Exception, SystemExit) as error:  # noqa: BLE001  # an agent's own code: it does not fire, and people are told
            self._listener.misjudged(source, error)
            return False


def _patterns_of(source: KnowledgeSource) -> list[Pattern]:
    return [
        *(watch.pattern for watch in source.watches),
        *source.unless,
        *(collecting.pattern for collecting in source.collects),
    ]


def _free(pattern: Pattern, captures: Mapping[str, str]) -> int:
    return sum(segment.kind != "literal" and segment.text not in captures for segment in pattern.segments)
