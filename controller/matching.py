"""Which agents could fire, and on what: patterns joined on shared captures, kept up change by change.

The matcher reads a replica and tells what became eligible and what no longer is.  It stores nothing on
the board: an eligible match is derived from it, and an activation's record is what ends its eligibility.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, Final, NamedTuple, Protocol

from blackboard.commit import Absent, At, Unchanged
from blackboard.control_records import ACTIVATIONS
from controller.activation import activation_id, successor_id
from controller.discrimination import PatternIndex
from controller.memory import Memories

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from blackboard.commit import Guard
    from blackboard.log import Change
    from blackboard.pattern import Pattern
    from blackboard.record import Record
    from knowledge_sources.source import KnowledgeSource


class Records(Protocol):
    """What is asked for records: a replica, or a board as it was."""

    def get(self, key: str) -> Record[Any] | None: ...

    def find(self, pattern: Pattern) -> list[Record[Any]]: ...


class Board(Records, Protocol):
    """What the matcher reads: a replica is one."""

    @property
    def commit(self) -> str: ...


class Match(NamedTuple):
    """One agent with one record for each of its watches, all joined captures equal.

    ``activation`` names it for ever: the same agent, captures and commits have the same id everywhere.
    """

    activation: str
    source: KnowledgeSource
    captures: dict[str, str]
    records: dict[str, Record[Any]]


class Listener(Protocol):
    """Whom the matcher tells."""

    def matched(self, match: Match) -> None:
        """``match`` is eligible."""

    def unmatched(self, match: Match, change: Change) -> None:
        """``match``, told before, no longer is: ``change`` took a trigger away or brought what it excludes."""

    def misjudged(self, source: KnowledgeSource, error: BaseException) -> None:
        """The precondition of ``source`` raised; the match is left out."""


class _Watching(NamedTuple):
    source: KnowledgeSource
    alias: str
    pattern: Pattern


class _Excluding:
    """One ``unless`` of one agent, and the live matches that it could end."""

    __slots__ = ("_matches", "pattern", "source")

    def __init__(self, source: KnowledgeSource, pattern: Pattern) -> None:
        self.source = source
        self.pattern = pattern
        self._matches: dict[tuple[str, ...], dict[str, Match]] = {}
        """by what they bind of the pattern's captures, so that a change costs only what it ends"""

    def hold(self, match: Match) -> None:
        self._matches.setdefault(self._place(match.captures), {})[match.activation] = match

    def drop(self, match: Match) -> None:
        place = self._place(match.captures)
        found = self._matches.get(place)
        if found is not None and found.pop(match.activation, None) is not None and not found:
            del self._matches[place]

    def ended_by(self, captures: Mapping[str, str]) -> list[Match]:
        """The live matches that a record with these captures excludes."""
        return list(self._matches.get(self._place(captures), _NO_MATCHES).values())

    def _place(self, captures: Mapping[str, str]) -> tuple[str, ...]:
        return tuple([captures[name] for name in self.pattern.captures])


_NOTHING: Final[tuple[Any, ...]] = ()
_NO_MATCHES: Final[Mapping[str, Match]] = {}


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
        self._excluding: PatternIndex[_Excluding] = PatternIndex()
        self._memories = Memories(board)
        self._joined_by: Counter[str] = Counter()
        """text of a pattern → how often it is watched or excluded"""
        self._live: dict[str, Match] = {}
        self._by_key: dict[str, dict[str, Match]] = {}
        """record key → the live matches that it triggers"""
        self._watching_of: dict[str, list[_Watching]] = {}
        """name of an agent → what it watches"""
        self._excluding_of: dict[str, list[_Excluding]] = {}
        """name of an agent → what it excludes"""

    @property
    def sources(self) -> Mapping[str, KnowledgeSource]:
        """The agents by name."""
        return self._sources

    def live(self) -> Mapping[str, Match]:
        """Every match that is eligible, by activation id."""
        return self._live

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
        excluding = [_Excluding(source, pattern) for pattern in source.unless]
        for excludes in excluding:
            self._excluding.add(excludes.pattern, excludes)
        self._watching_of[source.name], self._excluding_of[source.name] = watching, excluding
        self._joined_by.update(pattern.text for pattern in _patterns_of(source))

    def look(self, source: KnowledgeSource) -> None:
        """Tell what an agent that was taken in matches on the board as it is."""
        self._tell_joined(source, {}, {})

    def remove(self, name: str) -> None:
        """Forget an agent; its live matches are dropped without a word."""
        for match in [match for match in self._live.values() if match.source.name == name]:
            self.drop(match.activation)
        source = self._sources.pop(name)
        watching, excluding = self._watching_of.pop(name), self._excluding_of.pop(name)
        for watches in watching:
            self._watching.remove(watches.pattern, watches)
        for excludes in excluding:
            self._excluding.remove(excludes.pattern, excludes)
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
        for excluding in self._excluding_of.get(match.source.name, _NOTHING):
            excluding.drop(match)

    def hold(self, match: Match) -> None:
        """Watch over a match that has a record already and is to fire again, so that it can be obviated."""
        self._live[match.activation] = match
        for record in match.records.values():
            self._by_key.setdefault(record.key, {})[match.activation] = match
        for excluding in self._excluding_of.get(match.source.name, _NOTHING):
            excluding.hold(match)

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
                for match in excluding.ended_by(captures):
                    self._unmatch(match, change)
        if previous is not None:
            for excluding, captures in self._excluding.matching(previous):
                if record is None or excluding.pattern.match(record) is None:
                    self._tell_joined(excluding.source, captures, {})
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

    def _unmatch(self, match: Match, change: Change) -> None:
        self.drop(match.activation)
        self._listener.unmatched(match, change)

    def _tell_joined(self, source: KnowledgeSource, captures: dict[str, str], records: dict[str, Record[Any]]) -> None:
        for match in self._joined(source, captures, records):
            self._tell(match)

    def _tell(self, match: Match) -> None:
        while (fired := self._board.get(ACTIVATIONS + match.activation)) is not None:
            if "withdrawn" not in fired.value:
                return
            match = match._replace(activation=successor_id(match.activation))
        if match.activation in self._live:
            return
        self.hold(match)
        self._listener.matched(match)

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
        if any(next(self._candidates(pattern, captures), None) for pattern in source.unless):
            return
        ordered = {watch.alias: records[watch.alias] for watch in source.watches}
        if self._permitted(source, ordered, captures):
            yield Match(identity(source, captures, ordered), source, captures, ordered)

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
    return [*(watch.pattern for watch in source.watches), *source.unless]


def identity(source: KnowledgeSource, captures: Mapping[str, str], records: Mapping[str, Record[Any]]) -> str:
    """The id of the activation of ``source`` on these records."""
    return activation_id(source.name, captures, [(alias, r.key, r.commit) for alias, r in records.items()])


def _free(pattern: Pattern, captures: Mapping[str, str]) -> int:
    return sum(segment.kind != "literal" and segment.text not in captures for segment in pattern.segments)


def candidates(
    board: Records, pattern: Pattern, captures: Mapping[str, str]
) -> Iterator[tuple[Record[Any], dict[str, str]]]:
    """The records that ``pattern`` matches without contradicting ``captures``, each with what it binds."""
    key = pattern.bind(captures)
    if key is not None:
        record = board.get(key)
        found = [record] if record is not None else []
    else:
        found = board.find(pattern)
    for record in found:
        bound = pattern.match(record)
        if bound is not None and all(captures.get(name, text) == text for name, text in bound.items()):
            yield record, bound


def exclusions(board: Board, unless: Iterable[Pattern], captures: Mapping[str, str]) -> list[Guard]:
    """What ``unless`` excludes, as guards: one key is to be absent, or as it is, a region of several unchanged."""
    guards: list[Guard] = []
    for pattern in unless:
        key = pattern.bind(captures)
        if key is not None and pattern.predicate is None:
            guards.append(Absent(key))
        elif key is not None:
            present = board.get(key)
            guards.append(At(key, present.commit) if present is not None else Absent(key))
        else:
            guards.append(Unchanged(pattern.region, board.commit))
    return guards


def excluded_by(board: Records, unless: Iterable[Pattern], captures: Mapping[str, str]) -> Record[Any] | None:
    """The first record that an ``unless`` forbids under ``captures``, ``None`` where none is there."""
    for pattern in unless:
        for record, _ in candidates(board, pattern, captures):
            return record
    return None
