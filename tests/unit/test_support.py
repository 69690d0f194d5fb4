"""Support against a naive oracle that works it all out anew, and in whatever order contributions are told."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any

import pytest

from blackboard import codec
from blackboard.pattern import Pattern
from blackboard.record import Record, Stamp
from blackboard.record_status import SUPPORTED, is_supported, status_of
from controller.support import Absence, Justification, Support

if TYPE_CHECKING:
    from collections.abc import Iterable

BASE = [f"base/{n}" for n in range(5)]
DERIVED = [f"derived/{n}" for n in range(7)]


class Still:
    """A board in a dict, with a revision counter."""

    def __init__(self) -> None:
        self.records: dict[str, Record[Any]] = {}
        self.revision = 0

    def get(self, key: str) -> Record[Any] | None:
        return self.records.get(key)

    def find(self, pattern: Pattern) -> list[Record[Any]]:
        return [self.records[key] for key in sorted(self.records) if pattern.match(self.records[key]) is not None]

    def put(self, key: str, value: object, status: str = "") -> tuple[Record[Any], Record[Any] | None]:
        data, _ = codec.pack_record(Stamp(), status, 0, codec.pack_value(value))
        previous = self.records.get(key)
        record: Record[Any] = Record(key, f"1-{self.revision}", self.revision, 1, 0, data)
        self.records[key] = record
        return record, previous


class World:
    """A board, the support that follows its changes, and every contribution that was ever made."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.board = Still()
        self.support = Support()
        self.made: dict[str, Justification] = {}
        self.dead: set[str] = set()
        """what the oracle knows to hold no more, for good"""

    def step(self) -> None:
        """Something happens, by chance."""
        self.board.revision += 1
        chance = self.random.random()
        if chance < 0.25:
            self._put(self.random.choice(BASE), self.random.randrange(3))
        elif chance < 0.4:
            self._delete(self.random.choice(BASE + DERIVED))
        elif chance < 0.45:
            self._put(self.random.choice(DERIVED), "by hand")
        else:
            self._contribute()

    def _put(self, key: str, value: object, status: str = "") -> None:
        present = self.board.get(key)
        if present is not None and (present.value, present.status) == (value, status):
            return  # a write that changes nothing is no change
        record, previous = self.board.put(key, value, status)
        self.support.changed(key, record, previous)

    def _delete(self, key: str) -> None:
        previous = self.board.records.pop(key, None)
        if previous is not None:
            self.support.changed(key, None, previous)

    def _contribute(self) -> None:
        """On some records that are there, and some that are not."""
        causes = dict.fromkeys(self.random.sample(BASE + DERIVED, self.random.randint(1, 3)), "")
        causes = {key: r.commit if (r := self.board.get(key)) is not None else "" for key in causes}
        absent: tuple[Absence, ...] = ()
        if self.random.random() < 0.3:
            absence = Absence(Pattern.parse("base/{n}"), {"n": str(self.random.randrange(5))})
            absent = (absence,) if self.board.get(f"base/{absence.captures['n']}") is None else ()
        elif not any(key.startswith("base/") for key in self.board.records):
            absent = (Absence(Pattern.parse("base/*"), {}),)
        keys = tuple(self.random.sample(DERIVED, self.random.randint(1, 2)))
        for key in keys:
            self._put(key, self.random.choice(["a", "b"]), SUPPORTED)
        own = frozenset(keys)
        made = Justification(
            f"activation{self.board.revision}", self.board.revision, keys,
            {key: commit for key, commit in causes.items() if key not in own}, absent, own,
        )  # fmt: skip
        self.made[made.activation] = made
        self.support.add(made, self.board)

    def settle(self) -> None:
        """Take back what falls, until nothing does."""
        while (found := self.support.retraction(self.board)) is not None:
            self.board.revision += 1
            for key, commit in found.records.items():
                assert self.board.records[key].commit == commit
                self._delete(key)
            self.support.done(found)

    def expected(self) -> set[str]:
        """The supported keys that should stand, worked out from everything that was ever contributed."""
        standing = {key: record for key, record in self.board.records.items() if is_supported(record.status)}
        absent = dict(self.board.records)
        while True:
            alive = [one for name, one in self.made.items() if name not in self.dead and _holds(one, absent)]
            grounded: set[str] = set()
            grew = True
            while grew:
                new = {
                    key
                    for one in alive
                    for key in one.keys
                    if key in standing
                    and standing[key].revision <= one.revision
                    and all(c not in standing or c in grounded for c, commit in one.causes.items() if commit)
                }
                grew = bool(new - grounded)
                grounded |= new
            fallen = standing.keys() - grounded
            self.dead |= self.made.keys() - {one.activation for one in alive}
            if not fallen:
                return grounded
            self.dead |= {
                name
                for name, one in self.made.items()
                if any(key in fallen and standing[key].revision <= one.revision for key in one.keys)
            }
            for key in fallen:
                del standing[key], absent[key]


def _holds(one: Justification, records: dict[str, Record[Any]]) -> bool:
    if any((records[key].commit if key in records else "") != commit for key, commit in one.causes.items()):
        return False
    return not any(
        absence.pattern.match(record) in (dict(absence.captures), {})
        for absence in one.absent
        for record in records.values()
        if record.key not in one.own
    )


def _supported(board: Still) -> set[str]:
    return {key for key, record in board.records.items() if is_supported(record.status)}


@pytest.mark.parametrize("every", [1, 2, 5])
def test_what_stands_is_what_a_naive_oracle_says(every: int) -> None:
    """Also where several changes come between two looks, as they do while a commit is on its way."""
    for seed in range(150):
        world = World(seed)
        for step in range(60):
            world.step()
            if step % every == 0:
                expected = world.expected()
                world.settle()
                assert _supported(world.board) == expected, (seed, step)
        world.settle()
        assert not world.support.moved


def test_what_falls_does_not_depend_on_the_order_in_which_contributions_are_told() -> None:
    for seed in range(100):
        world = World(seed)
        for _ in range(40):
            world.step()
            world.settle()
        alive = list(world.support.justifications.values())
        gone = world.random.choice(BASE)
        fell = []
        for order in (alive, alive[::-1], world.random.sample(alive, len(alive))):
            board = Still()
            board.records = dict(world.board.records)
            support = Support()
            for one in order:
                support.add(one, board)
            previous = board.records.pop(gone, None)
            support.changed(gone, None, previous)
            found = support.retraction(board)
            fell.append(
                (dict(found.records), {one.justification.activation for one in found.fallen}) if found else None
            )
        assert fell[0] == fell[1] == fell[2], seed


def test_a_retraction_that_was_not_applied_is_found_again() -> None:
    board, support = Still(), Support()
    board.revision = 1
    board.put("base/0", 1)
    board.put("derived/0", "a", SUPPORTED)
    support.add(_resting("one", "derived/0", {"base/0": "1-1"}), board)
    support.changed("base/0", None, board.records.pop("base/0"))
    found = support.retraction(board)
    assert found is not None
    assert support.retraction(board) is None
    support.restore(found, board)
    assert support.retraction(board) == found


def test_a_contribution_made_while_its_record_is_being_retracted_is_withdrawn_with_it() -> None:
    """Its value changed nothing, so the retraction's guard held; its agent is to fire again."""
    board, support = Still(), Support()
    board.revision = 1
    board.put("base/0", 1)
    board.put("base/1", 1)
    board.put("derived/0", "a", SUPPORTED)
    support.add(_resting("one", "derived/0", {"base/0": "1-1"}), board)
    support.changed("base/0", None, board.records.pop("base/0"))
    found = support.retraction(board)
    assert found is not None
    support.add(_resting("two", "derived/0", {"base/1": "1-1"}), board)
    support.changed("derived/0", None, board.records.pop("derived/0"))
    support.done(found)
    late = support.retraction(board)
    assert late is not None
    assert [(one.justification.activation, one.because) for one in late.fallen] == [
        ("two", "derived/0 was retracted in the same moment")
    ]


def _resting(name: str, key: str, causes: dict[str, str]) -> Justification:
    return Justification(name, 1, (key,), causes, (), frozenset({key}))


def test_a_region_that_was_to_stay_as_it_was_is_a_cause() -> None:
    board, support = Still(), Support()
    board.revision = 3
    board.put("derived/0", "a", SUPPORTED)
    quiet = Absence(Pattern.parse("base/**"), {}, 3)
    support.add(Justification("one", 3, ("derived/0",), {}, (quiet,), frozenset({"derived/0"})), board)
    board.revision = 4
    support.changed("base/9", *board.put("base/9", 1))
    found = support.retraction(board)
    assert found is not None
    assert found.records == {"derived/0": "1-3"}
    assert found.fallen[0].because == "base/9 has come"


@pytest.mark.parametrize(
    ("words", "status"), [((), ""), (("supported", ""), "supported"), (("supported", "passed by x"), "supported, passed by x")]
)  # fmt: skip
def test_a_status_is_words(words: Iterable[str], status: str) -> None:
    assert status_of(*words) == status
    assert is_supported(status) is ("supported" in words)
