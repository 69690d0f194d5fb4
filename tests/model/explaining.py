"""Whether what clients were told, and what the log then says, is what some order of their calls gives.

One client's commits of a step go in one call, or in several when there are many.  The calls of several clients
may come in any order, a restart may fall between any two; the log tells which it was.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from blackboard.commit import Absent, At, Committed, Present
from tests.model.model import SWEPT_AT_MOST, Asked, Entry, Held, Model, Outcome, Refused, Violation

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

REFUSAL_BYTES = 65536
BESIDE_THE_VALUE = 500
"""more than a record's bytes hold apart from its value"""


class Returned(NamedTuple):
    """A verb's answer: the record that stands there now."""

    held: Held


class Fine(NamedTuple):
    """A verb's answer that says no more than that it was done."""


Answer: TypeAlias = Outcome | Returned | Fine | None
"""what a caller was told; ``None`` where it did not live to hear"""


class Call(NamedTuple):
    """What one client asked for in one turn, and the answers."""

    asked: tuple[Asked, ...]
    answers: tuple[Answer, ...]
    parted: bool = False
    """so many commits that they leave in several calls"""
    may_be_lost: bool = False


class Rise(NamedTuple):
    """The epoch rises here."""


Judged: TypeAlias = tuple[Asked, Outcome]


class Explained(NamedTuple):
    """The board after the calls, and the outcome of each commit in the order of the server."""

    model: Model
    outcomes: tuple[Judged, ...]


def explained(
    model: Model, happened: Sequence[Call | Rise], entries: Sequence[Entry], used: set[str] | None = None
) -> Explained:
    """The board after ``happened`` in some order that gives the answers and ``entries``.

    ``used`` are the idempotency keys that the server knows, where they are to tell whether a call was lost.
    Raises :class:`Violation` where there is none, about the order that was tried first.
    """
    if not happened:
        if entries:
            raise Violation(f"the log tells what nobody asked for: {entries[0]}")
        if used is not None and used != set(model.used):
            raise Violation(f"used were the idempotency keys {used}, not {set(model.used)}")
        return Explained(model, ())
    first: Violation | None = None
    for place, one in enumerate(happened):
        rest = [*happened[:place], *happened[place + 1 :]]
        for after, outcomes, taken in _ways(model, one, entries, alone=not rest):
            try:
                if isinstance(after, Violation):
                    raise after
                found = explained(after, rest, entries[taken:], used)
            except Violation as violation:
                first = first or violation
            else:
                return found._replace(outcomes=(*outcomes, *found.outcomes))
    assert first is not None
    raise first


def _ways(
    model: Model, one: Call | Rise, entries: Sequence[Entry], *, alone: bool
) -> Iterator[tuple[Model | Violation, tuple[Judged, ...], int]]:
    """The boards that ``one`` may have led to, its outcomes, the entries of the log that it takes."""
    if isinstance(one, Rise):
        after = model.copy()
        after.rise()
        yield after, (), 0
        return
    swept = _sweeps(entries)
    for count in (swept,) if alone else range(swept, -1, -1):  # some of them may be the next call's
        after = model.copy()
        try:
            yield after, *_told(after, one, entries, count)
        except Violation as violation:
            yield violation, (), 0
    if one.may_be_lost:
        yield model.copy(), (), 0


def _sweeps(entries: Sequence[Entry]) -> int:
    for count, entry in enumerate(entries):
        if any(change.operation != "expire" for change in entry.changes):
            return count
    return len(entries)


def _told(model: Model, call: Call, entries: Sequence[Entry], swept: int) -> tuple[tuple[Judged, ...], int]:
    at = len(model.log)
    named = {guard.key for asked in call.asked for guard in asked.guards if isinstance(guard, At | Absent | Present)}
    named |= {write.key for asked in call.asked for write in asked.writes}
    if not call.parted and swept > SWEPT_AT_MOST + len(named.intersection(model.due())):
        raise Violation(f"one call removed {swept} records that were due")
    for entry in entries[:swept]:
        model.sweep(entry)
    outcomes: list[Judged] = []
    room: float = REFUSAL_BYTES
    for asked, answer in zip(call.asked, call.answers, strict=True):
        if call.parted:
            begun = len(model.log) - at
            room = float("nan")  # not known, so that everything fits and nothing has to
            for entry in entries[begun : begun + _sweeps(entries[begun:])]:
                model.sweep(entry)
        applied = bool(outcomes) and isinstance(outcomes[-1][1], Committed)
        outcome = model.judge(asked, previous_applied=applied)
        room = _same(outcome, answer, model, room)
        outcomes.append((asked, outcome))
    used = len(model.log) - at
    if model.log[at:] != list(entries[:used]):
        differ = next(n for n in range(used) if n == len(entries) or model.log[at + n] != entries[n])
        found = entries[differ] if differ < len(entries) else "nothing"
        raise Violation(f"the log says {found}, not {model.log[at + differ]}")
    return tuple(outcomes), used


def _same(outcome: Outcome, answer: Answer, model: Model, room: float) -> float:
    """Raise :class:`Violation` unless ``answer`` tells ``outcome``; returns the room left for records in refusals."""
    if isinstance(outcome, Refused) and isinstance(answer, Refused) and len(outcome.failures) == len(answer.failures):
        for expected, failed in zip(outcome.failures, answer.failures, strict=True):
            size = 0 if expected.held is None else len(expected.held.text)
            hidden = failed.held is None and not size + BESIDE_THE_VALUE <= room
            if failed != expected and not (hidden and failed == expected._replace(held=None)):
                raise Violation(f"refused with {failed}, not {expected}")
            room -= size if failed.held is not None else 0
        if room < 0:
            raise Violation(f"a refusal of {REFUSAL_BYTES - room} bytes")
        return room
    if isinstance(answer, Returned) and isinstance(outcome, Committed):
        held, written = answer.held, outcome.writes[0]
        if (held.key, held.commit, held.version) != written[:3]:
            raise Violation(f"returned {held}, not {written}")
        stands = model.get(held.key)
        if stands is not None and stands.commit == held.commit and stands != held:
            raise Violation(f"returned {held}, where {stands} stands")
    elif isinstance(answer, Fine) and isinstance(outcome, Committed):
        return room
    elif answer is not None and outcome != answer:
        raise Violation(f"answered {answer}, not {outcome}")
    return room
