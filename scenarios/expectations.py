"""Whether what a scenario expects came true, from the log and from where the board ended.

The log is read once, change by change, and never held: :class:`Tally` is told each change and
answers at the end.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass
from itertools import chain, pairwise
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from blackboard.control_records import ACTIVATIONS, ESCALATIONS
from blackboard.control_shapes import is_sound
from blackboard.keys import region_of
from blackboard.wording import counted
from scenarios.expectation_models import (
    CallsExpectation,
    CountExpectation,
    EscalatedExpectation,
    EventuallyExpectation,
    Expectation,
    FiredExpectation,
    NeverExpectation,
    OrderExpectation,
    QuiescentExpectation,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from blackboard.log import Change
    from blackboard.pattern import Pattern
    from blackboard.record import Record

SHOWN_KEYS: Final = 5


@dataclass(frozen=True, slots=True)
class RunFacts:
    """A run as expectations see it.

    ``changes`` is the whole log in order, read once; ``final`` are the records at its end.
    ``quiescent`` says whether nothing was pending and nothing running then, ``ending`` how it ended.
    """

    changes: Iterable[Change]
    final: Sequence[Record[Any]]
    quiescent: bool
    ending: str = ""


class Result(NamedTuple):
    """One expectation and what became of it; ``sentence`` is for a person, with a counter-example if it failed."""

    expectation: str
    passed: bool
    expected: str
    actual: str
    sentence: str
    counter_example: str = ""
    """``key@commit``"""


def judge(expectations: Sequence[Expectation], facts: RunFacts) -> tuple[Result, ...]:
    """The result of each expectation, in their order."""
    tally = Tally(expectations)
    for change in facts.changes:
        tally.see(change)
    return tally.results(facts.final, quiescent=facts.quiescent, ending=facts.ending)


@dataclass(slots=True)
class _Sighting:
    """What the log showed of one pattern: the first match; until then, what had its key but not its condition."""

    pattern: Pattern
    first: Record[Any] | None = None
    missed: Record[Any] | None = None
    misses: int = 0


class Tally:
    """Counts what the expectations ask about while the changes go by."""

    def __init__(self, expectations: Sequence[Expectation]) -> None:
        self._expectations = tuple(expectations)
        self._sightings: dict[int, _Sighting] = {}
        self._ordered: dict[int, list[_Sighting]] = {}
        self._by_region: dict[str, list[_Sighting]] = defaultdict(list)
        for index, expectation in enumerate(self._expectations):
            if isinstance(expectation, EventuallyExpectation):
                self._sightings[index] = _Sighting(expectation.eventually)
            elif isinstance(expectation, NeverExpectation):
                self._sightings[index] = _Sighting(expectation.never)
            elif isinstance(expectation, OrderExpectation):
                self._ordered[index] = [_Sighting(pattern) for pattern in expectation.order]
        for sighting in (*self._sightings.values(), *chain.from_iterable(self._ordered.values())):
            self._by_region[sighting.pattern.region].append(sighting)
        self._fired: Counter[str] = Counter()
        self._called: Counter[tuple[str, str]] = Counter()
        """agent and capability → dispatches"""
        self._escalated: Counter[str] = Counter()
        self._open: set[str] = set()

    def see(self, change: Change) -> None:
        """Take one change of the log; they come in order, each once."""
        record = change.record
        if record is None:
            return
        if record.key.startswith((ACTIVATIONS, ESCALATIONS)) and not is_sound(record):
            return
        if record.key.startswith(ACTIVATIONS):
            # Its later writes are transitions of the same firing.
            if record.value["state"] == "running":
                self._called[str(record.value["agent"]), str(record.value["capability"])] += 1
            if not change.previous_commit:
                self._fired[str(record.value["agent"])] += 1
        elif record.key.startswith(ESCALATIONS):
            self._see_question(record)
        for sighting in self._by_region.get(region_of(record.key), ()):
            _look(sighting, record)

    def _see_question(self, record: Record[Any]) -> None:
        """Count a question when it opens: one that was answered may be put again at the same key."""
        if record.value["status"] != "open":
            self._open.discard(record.key)
        elif record.key not in self._open:
            self._open.add(record.key)
            self._escalated[str(record.value["agent"])] += 1

    def results(self, final: Sequence[Record[Any]], *, quiescent: bool, ending: str = "") -> tuple[Result, ...]:
        """The result of each expectation, now that all changes were seen."""
        by_region: dict[str, list[Record[Any]]] = defaultdict(list)
        for record in final:
            by_region[region_of(record.key)].append(record)
        return tuple(
            self._result(index, expectation, by_region, quiescent, ending)
            for index, expectation in enumerate(self._expectations)
        )

    def _result(
        self, index: int, expectation: Expectation, final: dict[str, list[Record[Any]]], quiescent: bool, ending: str
    ) -> Result:
        match expectation:
            case CountExpectation():
                return _counted(expectation, final.get(expectation.count.region, []))
            case EventuallyExpectation():
                return _eventually(expectation, self._sightings[index])
            case NeverExpectation():
                return _never(expectation, self._sightings[index])
            case OrderExpectation():
                return _in_order(expectation, self._ordered[index])
            case FiredExpectation():
                return _fired(expectation, self._fired)
            case CallsExpectation():
                return _called(expectation, self._called)
            case EscalatedExpectation():
                return _escalated(expectation, self._escalated)
            case QuiescentExpectation():
                return _quiescent(expectation, quiescent, ending)


def _look(sighting: _Sighting, record: Record[Any]) -> None:
    if sighting.first is not None:
        return
    if sighting.pattern.match(record) is not None:
        sighting.first = record
    elif sighting.pattern.match_key(record.key) is not None:
        sighting.missed = record
        sighting.misses += 1


def _counted(expectation: CountExpectation, candidates: Sequence[Record[Any]]) -> Result:
    pattern = expectation.count
    matching = [record for record in candidates if pattern.match(record) is not None]
    number = len(matching)
    passed = expectation.holds(number)
    sentence = f"{counted(number, 'record')} {'matches' if number == 1 else 'match'} {pattern.text}"
    counter_example = ""
    if not passed:
        sentence += f", expected {expectation.bounds_text()}"
        if matching:
            shown = ", ".join(record.reference for record in matching[-SHOWN_KEYS:])
            sentence += f"; the last: {shown}" if number > SHOWN_KEYS else f": {shown}"
            counter_example = matching[-1].reference
        elif candidates:
            sentence += f"; {counted(len(candidates), 'record')} of region {pattern.region} do not match"
    return Result(expectation.describe(), passed, expectation.bounds_text(), str(number), sentence, counter_example)


def _eventually(expectation: EventuallyExpectation, sighting: _Sighting) -> Result:
    text = expectation.eventually.text
    if sighting.first is not None:
        return Result(
            expectation.describe(), True, "at least one", sighting.first.reference,
            f"{sighting.first.reference} matched {text}",
        )  # fmt: skip
    sentence = f"no record ever matched {text}"
    nearest = ""
    if sighting.missed is not None:
        nearest = sighting.missed.reference
        sentence += f"; {counted(sighting.misses, 'write')} had its key and not its condition, the last {nearest}"
    else:
        sentence += "; nothing was written to such a key"
    return Result(expectation.describe(), False, "at least one", "none", sentence, nearest)


def _never(expectation: NeverExpectation, sighting: _Sighting) -> Result:
    text = expectation.never.text
    record = sighting.first
    if record is None:
        return Result(expectation.describe(), True, "none", "none", f"no record ever matched {text}")
    by = f", written by {record.author}" if record.author else ""
    sentence = f"{record.reference} matched {text}{by}"
    return Result(expectation.describe(), False, "none", record.reference, sentence, record.reference)


def _in_order(expectation: OrderExpectation, sightings: Sequence[_Sighting]) -> Result:
    seen = [sighting.first for sighting in sightings]
    actual = ", ".join(first.reference if first is not None else "none" for first in seen)
    for sighting, after in pairwise(sightings):
        first, then = sighting.first, after.first
        missing = sighting if first is None else after if then is None else None
        if missing is not None:
            sentence, example = f"no record ever matched {missing.pattern.text}", ""
        elif first is not None and then is not None and first.revision >= then.revision:
            sentence, example = f"{first.reference} was not before {then.reference}", first.reference
        else:
            continue
        return Result(expectation.describe(), False, "this order", actual, sentence, example)
    return Result(expectation.describe(), True, "this order", actual, f"they came in this order: {actual}")


def _fired(expectation: FiredExpectation, fired: Counter[str]) -> Result:
    number = fired[expectation.fired]
    passed = expectation.holds(number)
    sentence = f"{expectation.fired} fired {counted(number, 'time')}"
    if not passed:
        sentence += f", expected {expectation.bounds_text()}"
    return Result(expectation.describe(), passed, expectation.bounds_text(), str(number), sentence)


def _called(expectation: CallsExpectation, called: Counter[tuple[str, str]]) -> Result:
    by_agent = {
        agent: number for (agent, capability), number in called.items() if expectation.calls in (agent, capability)
    }
    number = sum(by_agent.values())
    passed = expectation.holds(number)
    sentence = f"{expectation.calls} was called {counted(number, 'time')}"
    if not passed:
        each = ", ".join(f"{agent} {calls}" for agent, calls in sorted(by_agent.items()))
        sentence += f", expected {expectation.bounds_text()}" + (f" ({each})" if each else "")
    return Result(expectation.describe(), passed, expectation.bounds_text(), str(number), sentence)


def _escalated(expectation: EscalatedExpectation, escalated: Counter[str]) -> Result:
    bounds = expectation.escalated
    number = escalated[bounds.agent] if bounds.agent else escalated.total()
    passed = bounds.holds(number)
    who = f" by {bounds.agent}" if bounds.agent else ""
    sentence = f"{counted(number, 'question')} put to people{who}"
    if not passed:
        asking = ", ".join(f"{agent} {count}" for agent, count in sorted(escalated.items()))
        sentence += f", expected {bounds.bounds_text()}" + (f" ({asking})" if asking else "")
    return Result(expectation.describe(), passed, bounds.bounds_text(), str(number), sentence)


def _quiescent(expectation: QuiescentExpectation, quiescent: bool, ending: str) -> Result:
    passed = quiescent == expectation.quiescent
    words = {True: "at rest", False: "not at rest"}
    sentence = f"the run ended {words[quiescent]}" + (f": {ending}" if ending else "")
    return Result(expectation.describe(), passed, words[expectation.quiescent], words[quiescent], sentence)
