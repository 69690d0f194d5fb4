"""Which records still stand for a reason: those that their authors let stand only while their causes do.

A justification-based truth maintenance system (Doyle 1979) behind what CLIPS calls logical support.  A record may have
several justifications, each the activation of one contribution.  It stands while one of them holds, and one holds
while all that it rests on is as it was and none of it hangs in the air.  What is grounded is the least fixed point,
so records that only hold each other up fall together.

Pure: changes go in, what is to be retracted comes out.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from blackboard.record_status import is_supported

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from blackboard.pattern import Pattern
    from blackboard.record import Record


class Records(Protocol):
    """The board as it is."""

    def get(self, key: str) -> Record[Any] | None: ...

    def find(self, pattern: Pattern) -> list[Record[Any]]: ...


class Absence(NamedTuple):
    """Nothing that ``pattern`` matches under ``captures`` was written after revision ``since`` (0: nothing at all)."""

    pattern: Pattern
    captures: Mapping[str, str]
    since: int = 0

    @property
    def place(self) -> str:
        """The one key that is meant, else the region; raises :class:`InvalidInput` for captures of no key."""
        return self.pattern.bind(self.captures) or self.pattern.region

    def ended_by(self, key: str, record: Record[Any] | None) -> bool:
        """Whether a change of ``key`` ends it; a removal does where it speaks of what was written since."""
        bound = self.pattern.match_key(key) if record is None else self.pattern.match(record)
        if bound is None or any(self.captures.get(name, text) != text for name, text in bound.items()):
            return False
        return bool(self.since) if record is None else record.revision > self.since


class Justification(NamedTuple):
    """One contribution: what it lets stand, and what that rests on.

    ``revision`` is that of its commit.  ``causes`` are key → commit, ``""`` for what was absent.  ``own`` are all the
    keys that it wrote, which are no causes of it.
    """

    activation: str
    revision: int
    keys: tuple[str, ...]
    causes: Mapping[str, str]
    absent: tuple[Absence, ...] = ()
    own: frozenset[str] = frozenset()


class Fallen(NamedTuple):
    """A contribution that no longer holds, and the first cause that moved: ``order/7 has changed``."""

    justification: Justification
    because: str


class Retraction(NamedTuple):
    """What follows from causes that moved: records that go, as key → commit, and contributions that hold no more."""

    records: Mapping[str, str]
    fallen: tuple[Fallen, ...]


class Support:
    """The justifications on one board, by what they rest on and by what rests on them."""

    def __init__(self) -> None:
        self.justifications: dict[str, Justification] = {}
        """by activation; empty where nobody asks for support, which is all that a change costs then"""
        self.suspects: dict[str, str] = {}
        """activation → why it may hold no more"""
        self._by_cause: dict[str, dict[str, None]] = {}
        """key of a cause → the activations that rest on it"""
        self._by_absence: dict[str, dict[str, None]] = {}
        """key, or region where no one key is meant → the activations that rest on something being absent there"""
        self._by_key: dict[str, dict[str, None]] = {}
        """key of a supported record → the activations that justify it"""
        self._going: dict[str, str] = {}
        """key → the commit at which it is being retracted"""
        self._stranded: dict[str, str] = {}
        """activations whose record was retracted when they had just justified it as well, and why"""

    def add(self, justification: Justification, records: Records, *, known: bool = True) -> None:
        """Take in a contribution.  ``known=False``: others wrote it, and what has changed since was not told here."""
        name = justification.activation
        self.drop(name)
        keys = tuple(key for key in justification.keys if _stands(records.get(key), justification.revision))
        if not keys:
            return
        justification = justification._replace(keys=keys)
        self.justifications[name] = justification
        for index, place in _places(self, justification):
            index.setdefault(place, {})[name] = None
        moved = _moved(justification, records, look_for_absent=not known)
        if moved:
            self.suspects[name] = moved

    def drop(self, activation: str) -> None:
        """Forget a contribution."""
        justification = self.justifications.pop(activation, None)
        if justification is None:
            return
        self.suspects.pop(activation, None)
        self._stranded.pop(activation, None)
        for index, place in _places(self, justification):
            _unlink(index, place, activation)

    def changed(self, key: str, record: Record[Any] | None, previous: Record[Any] | None) -> None:
        """Take in a change of the board."""
        self._rewritten(key, record, previous)
        for name in self._by_cause.get(key, ()):
            justification = self.justifications[name]
            if (record.commit if record is not None else "") != justification.causes[key]:
                self.suspects.setdefault(name, _told(key, record, justification.causes[key]))
        for name in (*self._by_absence.get(key, ()), *self._by_absence.get(key.partition("/")[0], ())):
            justification = self.justifications[name]
            if key not in justification.own and any(one.ended_by(key, record) for one in justification.absent):
                self.suspects.setdefault(name, _told(key, record, ""))

    def _rewritten(self, key: str, record: Record[Any] | None, previous: Record[Any] | None) -> None:
        """Who justified another value at ``key`` justifies nothing there any more."""
        names = self._by_key.get(key)
        if not names:
            return
        if record is None and previous is not None and self._going.get(key) == previous.commit:
            for name in names:
                self._stranded[name] = f"{key} was retracted in the same moment"
            return
        if record is None or not is_supported(record.status):
            gone = list(names)
        elif previous is not None and previous.head.value == record.head.value:
            gone = []
        else:
            gone = [name for name in names if self.justifications[name].revision < record.revision]
        for name in gone:
            self._justifies_no_more(name, key)

    def _justifies_no_more(self, name: str, key: str) -> None:
        justification = self.justifications[name]
        left = tuple(one for one in justification.keys if one != key)
        if not left:
            self.drop(name)
            return
        self.justifications[name] = justification._replace(keys=left)
        _unlink(self._by_key, key, name)

    @property
    def moved(self) -> bool:
        """Whether there is something to look at."""
        return bool(self.suspects or self._stranded)

    def retraction(self, records: Records) -> Retraction | None:
        """What falls by the causes that moved since the last call, ``None`` where nothing does.

        The caller retracts it, or else gives it back with :meth:`restore`; it is forgotten here.
        """
        fallen = self._fallen(records)
        if not fallen:
            return None
        affected = self._resting_on(key for each in fallen.values() for key in each.justification.keys)
        grounded = self._grounded(affected, fallen)
        gone: dict[str, str] = {}
        for key in affected:
            record = records.get(key)
            if key not in grounded and record is not None and is_supported(record.status):
                gone[key] = record.commit
                for name in self._by_key.get(key, ()):
                    if name not in fallen:
                        fallen[name] = Fallen(self.justifications[name], self._support_lost(name, affected, grounded))
        self._going |= gone
        for name in fallen:
            self.drop(name)
        return Retraction(gone, tuple(fallen.values()))

    def done(self, retraction: Retraction) -> None:
        """``retraction`` was applied, and every change up to there was told."""
        for key in retraction.records:
            self._going.pop(key, None)

    def restore(self, retraction: Retraction, records: Records) -> None:
        """``retraction`` was not applied: look again at what is there now."""
        self.done(retraction)
        for each in retraction.fallen:
            self.add(each.justification, records, known=False)

    def _fallen(self, records: Records) -> dict[str, Fallen]:
        fallen = {name: Fallen(self.justifications[name], why) for name, why in self._stranded.items()}
        for name, why in self.suspects.items():
            if name not in fallen and _moved(self.justifications[name], records, look_for_absent=True):
                fallen[name] = Fallen(self.justifications[name], why)
        self.suspects, self._stranded = {}, {}
        return fallen

    def _support_lost(self, name: str, affected: Sequence[str], grounded: set[str]) -> str:
        lost = (key for key in affected if key not in grounded and self.justifications[name].causes.get(key))
        return f"{next(lost, 'what it rested on')} was retracted"

    def _resting_on(self, keys: Iterable[str]) -> list[str]:
        """``keys`` and every supported record that rests on one of them, each once."""
        found = dict.fromkeys(keys)
        queue = list(found)
        while queue:
            for name in self._by_cause.get(queue.pop(), ()):
                new = [key for key in self.justifications[name].keys if key not in found]
                found |= dict.fromkeys(new)
                queue += new
        return list(found)

    def _grounded(self, affected: Sequence[str], fallen: Mapping[str, Fallen]) -> set[str]:
        """Those of ``affected`` that a contribution justifies which rests on none that hangs in the air."""
        hanging = set(affected)
        while True:
            grounded = {
                key
                for key in hanging
                if any(name not in fallen and not self._rests_on(name, hanging) for name in self._by_key.get(key, ()))
            }
            if not grounded:
                return set(affected) - hanging
            hanging -= grounded

    def _rests_on(self, name: str, keys: set[str]) -> bool:
        return any(commit and cause in keys for cause, commit in self.justifications[name].causes.items())


def _places(support: Support, justification: Justification) -> Iterator[tuple[dict[str, dict[str, None]], str]]:
    """Each index that ``justification`` is in, and where."""
    for key in justification.causes:
        yield support._by_cause, key  # noqa: SLF001  # of this module
    for absence in justification.absent:
        yield support._by_absence, absence.place  # noqa: SLF001
    for key in justification.keys:
        yield support._by_key, key  # noqa: SLF001


def _stands(record: Record[Any] | None, revision: int) -> bool:
    """Whether ``record`` is what a contribution of that revision wrote, or left as it was."""
    return record is not None and is_supported(record.status) and record.revision <= revision


def _moved(justification: Justification, records: Records, *, look_for_absent: bool) -> str:
    """What is no longer as it was, ``""`` where all is."""
    for key, commit in justification.causes.items():
        present = records.get(key)
        if (present.commit if present is not None else "") != commit:
            return _told(key, present, commit)
    for absence in justification.absent if look_for_absent else ():
        for record in records.find(absence.pattern):
            if record.key not in justification.own and absence.ended_by(record.key, record):
                return _told(record.key, record, "")
    return ""


def _told(key: str, record: Record[Any] | None, before: str) -> str:
    if record is None:
        return f"{key} is gone"
    return f"{key} has {'changed' if before else 'come'}"


def _unlink(index: dict[str, dict[str, None]], place: str, name: str) -> None:
    names = index.get(place)
    if names is not None:
        names.pop(name, None)
        if not names:
            del index[place]
