"""Why an agent has not fired: what its patterns lack on the records that come nearest, or what became of its match.

Told from the records of a board alone, whether a controller runs or not.  A precondition is code and is not asked.
"""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from blackboard.control_records import ACTIVATIONS
from blackboard.control_shapes import checked
from blackboard.pattern import Pattern
from blackboard.predicate.values import ERROR
from controller.activation import activation_id, successor_id
from controller.candidates import candidates
from controller.why_collect import gatherings, groups

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from blackboard.control_records import Activation, Agent
    from blackboard.record import Record
    from controller.candidates import Records
    from controller.why_collect import Gathering

MOST_MATCHES: Final = 20
"""complete matches that are told"""
MOST_STEPS: Final = 100_000
"""records that are looked at before the search settles for what it has"""


class Clause(NamedTuple):
    """One condition on the nearest record: whether it holds (``None``: it cannot be told) and what stands there."""

    text: str
    holds: bool | None
    found: tuple[tuple[str, Any], ...]
    """path → what is there, of the paths that it reads; those that are not there are left out"""


class Lack(NamedTuple):
    """A watch that no record fills, beside the records that fill the others."""

    alias: str
    pattern: str
    sought: str
    """the key that it would have, as far as the captures tell"""
    nearest: Record[Any] | None
    """of the records whose key fits, the one on which the fewest conditions fail; ``None`` where no key fits"""
    clauses: tuple[Clause, ...]


class Stopped(NamedTuple):
    """A complete match, and what keeps it from firing, or what became of it."""

    captures: Mapping[str, str]
    triggers: tuple[tuple[str, str, str], ...]
    """alias, key and commit of each record"""
    activation: str
    record: Activation | None
    """its activation, where there is one: it has fired, or is to be tried again"""
    excluded_by: tuple[str, Record[Any]] | None
    """an ``unless`` and the record that it finds"""
    records: tuple[Record[Any], ...] = ()
    """those that it was found in"""
    gathered: tuple[Gathering, ...] = ()
    """what there is of what it collects"""
    after_ms: int | None = None
    """until when it has to stand before it may fire"""


class WhyNot(NamedTuple):
    """What there is to say of one agent under some captures."""

    agent: str
    status: str
    error: str
    """why it is broken, where it is"""
    watches: tuple[str, ...]
    filled: Mapping[str, str]
    """alias → reference of the record that fills it, in the match that lacks the least"""
    lacks: tuple[Lack, ...]
    """empty where there are complete matches"""
    matches: tuple[Stopped, ...]
    gave_up: bool = False
    """whether there were more records than the search looks at, so that there may be more to tell"""


def why_not(board: Records, agent: Agent, captures: Mapping[str, str]) -> WhyNot:
    """Explain ``agent`` under ``captures``, which name some of what its patterns capture, or nothing.

    Raises :class:`Corrupt` where an activation's record is not what the runtime writes.
    """
    told = (agent["name"], agent["status"], agent.get("error", ""), tuple(agent["watches"].values()))
    search = _Search(board, agent)
    complete = search.complete(dict(captures))
    if complete:
        stopped = tuple(
            _stopped(board, agent, bound, records)
            for captures_, records in complete
            for bound in islice(groups(board, agent, captures_), MOST_MATCHES)
            if records or agent.get("collects")
        )
        return WhyNot(*told, {}, (), stopped, search.gave_up)
    bound, filled = search.best
    missing = [alias for alias in search.watches if alias not in filled]
    lacks = tuple(search.lack(alias, {**captures, **bound}) for alias in missing)
    references = {alias: record.reference for alias, record in filled.items()}
    return WhyNot(*told, references, lacks, (), search.gave_up)


class _Search:
    """The ways to fill an agent's watches, and the one that came furthest."""

    def __init__(self, board: Records, agent: Agent) -> None:
        self._board = board
        self.watches = {alias: Pattern.parse(text) for alias, text in agent["watches"].items()}
        self.best: tuple[dict[str, str], dict[str, Record[Any]]] = ({}, {})
        self._steps = 0
        self.gave_up = False
        """whether it left matches out that it did not look for"""

    def complete(self, captures: dict[str, str]) -> list[tuple[dict[str, str], dict[str, Record[Any]]]]:
        """Matches that fill every watch, the first few of them."""
        found = []
        for match in self._fill(list(self.watches), captures, {}):
            found.append(match)
            if len(found) == MOST_MATCHES:
                self.gave_up = True
                break
        return found

    def _fill(
        self, missing: list[str], captures: dict[str, str], filled: dict[str, Record[Any]]
    ) -> Iterator[tuple[dict[str, str], dict[str, Record[Any]]]]:
        if len(filled) > len(self.best[1]):
            self.best = (captures, filled)
        if not missing:
            yield captures, filled
            return
        for alias in missing:
            rest, fits = [other for other in missing if other != alias], False
            for record, bound in self._candidates(self.watches[alias], captures):
                if self._steps > MOST_STEPS:
                    self.gave_up = True
                    return
                fits = True
                yield from self._fill(rest, {**captures, **bound}, {**filled, alias: record})
            if fits:
                return  # every complete match has a record here: the other orders find the same

    def _candidates(
        self, pattern: Pattern, captures: Mapping[str, str]
    ) -> Iterator[tuple[Record[Any], dict[str, str]]]:
        for record in self._fitting(pattern, captures):
            bound = pattern.match(record)
            if bound is not None:
                yield record, bound

    def _fitting(self, pattern: Pattern, captures: Mapping[str, str]) -> Iterator[Record[Any]]:
        """The records whose key fits ``pattern`` under ``captures``, whatever they say."""
        key = pattern.bind(captures)
        if key is not None:
            record = self._board.get(key)
            if record is not None:
                yield record
            return
        for record in self._board.find(Pattern.parse(pattern.key_text)):
            self._steps += 1
            bound = pattern.match_key(record.key) or {}
            if all(captures.get(name, text) == text for name, text in bound.items()):
                yield record

    def lack(self, alias: str, captures: Mapping[str, str]) -> Lack:
        """What ``alias`` lacks, on the record that comes nearest."""
        pattern = self.watches[alias]
        # The latest of those that fail as little: somebody may be at work on it.
        nearest = min(
            self._fitting(pattern, captures),
            key=lambda record: (_failing(pattern, record), -record.revision),
            default=None,
        )
        clauses = clauses_on(pattern, nearest) if nearest is not None else ()
        return Lack(alias, pattern.text, _sought(pattern, captures), nearest, clauses)


def _failing(pattern: Pattern, record: Record[Any]) -> int:
    """How many conditions of ``pattern`` do not hold on ``record``."""
    if pattern.predicate is None:
        return 0
    value, captures = record.value, pattern.match_key(record.key) or {}
    return sum(not clause.test(value, captures, record) for clause in pattern.predicate.clauses)


def clauses_on(pattern: Pattern, record: Record[Any]) -> tuple[Clause, ...]:
    """What each condition of ``pattern`` comes to on ``record``."""
    if pattern.predicate is None:
        return ()
    value, captures = record.value, pattern.match_key(record.key) or {}
    told = []
    for clause in pattern.predicate.clauses:
        result = clause.evaluate(value, captures, record)
        read = [(str(path), path.read(value, record)) for path in clause.fields]
        found = tuple((path, there) for path, there in read if there is not ERROR)
        told.append(Clause(clause.text, None if result is ERROR else bool(result), found))
    return tuple(told)


def _sought(pattern: Pattern, captures: Mapping[str, str]) -> str:
    parts = [
        captures[each.text] if each.kind == "capture" and each.text in captures
        else "{" + each.text + "}" if each.kind == "capture" else each.text
        for each in pattern.segments
    ]  # fmt: skip
    return "/".join(parts)


def _stopped(board: Records, agent: Agent, captures: dict[str, str], records: dict[str, Record[Any]]) -> Stopped:
    ordered = {alias: records[alias] for alias in agent["watches"]}
    triggers = [(alias, record.key, record.commit) for alias, record in ordered.items()]
    gathered = gatherings(board, agent, captures, ordered)
    for one in gathered:
        if agent["collects"][one.alias]["refire"] == "each":
            triggers += [(one.alias, member.key, member.commit) for member in one.members]
    activation = activation_id(agent["name"], captures, triggers)
    stored = board.get(ACTIVATIONS + activation)
    while stored is not None and "withdrawn" in checked(stored).value:  # then what counts is its next firing
        activation = successor_id(activation)
        stored = board.get(ACTIVATIONS + activation)
    record = checked(stored).value if stored is not None else None
    found = (*ordered.values(), *(member for one in gathered for member in one.members))
    after_ms = agent.get("after_ms")
    if after_ms is not None and found:
        after_ms += max(each.time_ms for each in ordered.values()) if ordered else min(each.time_ms for each in found)
    return Stopped(
        captures, tuple(triggers), activation, record, _exclusion(board, agent, captures), found, gathered, after_ms
    )


def _exclusion(board: Records, agent: Agent, captures: Mapping[str, str]) -> tuple[str, Record[Any]] | None:
    for text in agent["unless"]:
        for record, _ in candidates(board, Pattern.parse(text), captures):
            return text, record
    return None
