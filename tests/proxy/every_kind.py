"""A workload that holds every kind of commit, and what its callers were told of each."""

from __future__ import annotations

import asyncio
import random
from typing import TYPE_CHECKING, Any

from blackboard.commit import Absent, At, Committed, Delete, Guard, Once, Present, Previous, Put, Unchanged, Update
from blackboard.errors import Conflict
from blackboard.record import Record

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from blackboard.board import Board


class EveryKind:
    """Commits of every kind, one after the other and many at once; the same ones for the same seed."""

    def __init__(self, board: Board, number: int) -> None:
        """The workload ``number`` for an empty ``board``."""
        self._board = board
        self._chance = random.Random(number)
        self._count = 0
        self._told: list[Any] = []

    async def run(self, steps: int) -> list[Any]:
        """Make ``steps`` steps, each kind among them; returns what each call returned or raised, without times."""
        kinds = [
            self._create,
            self._create_again,
            self._replace,
            self._replace_outdated,
            self._delete,
            self._delete_nothing,
            self._same_again,
            self._several_keys,
            self._half_refused,
            self._once,
            self._once_otherwise,
            self._chain,
            self._mutate,
            self._update,
            self._regions,
            self._many_at_once,
        ]
        order = [kinds[n % len(kinds)] for n in range(steps)]
        self._chance.shuffle(order)
        for kind in order:
            await kind()
        return self._told

    def _new(self, region: str = "a") -> str:
        self._count += 1
        return f"{region}/{self._count}"

    def _value(self) -> dict[str, int]:
        return {"n": self._chance.randrange(1 << 40)}

    async def _tell(self, *calls: Awaitable[Any]) -> list[Any]:
        outcomes = await asyncio.gather(*calls, return_exceptions=True)
        self._told += [_timeless(outcome) for outcome in outcomes]
        return outcomes

    async def _made(self, region: str = "a") -> Record:
        (record,) = await self._tell(self._board.create(self._new(region), self._value()))
        assert isinstance(record, Record)
        return record

    async def _create(self) -> None:
        await self._made()

    async def _create_again(self) -> None:
        record = await self._made()
        await self._tell(self._board.create(record.key, self._value()))

    async def _replace(self) -> None:
        await self._tell(self._board.replace(await self._made(), self._value()))

    async def _replace_outdated(self) -> None:
        record = await self._made()
        await self._tell(self._board.put(record.key, self._value()), self._board.replace(record, self._value()))

    async def _delete(self) -> None:
        record = await self._made()
        await self._tell(self._board.delete(record), self._board.create(record.key, self._value()))

    async def _delete_nothing(self) -> None:
        await self._tell(self._board.delete(self._new()))

    async def _same_again(self) -> None:
        record = await self._made()
        await self._tell(self._board.put(record.key, record.value))

    async def _several_keys(self) -> None:
        gone = await self._made()
        await self._tell(
            self._board.commit(
                [At(gone.key, gone.commit), Absent("a/never")],
                [Put(self._new("a"), self._value()), Put(self._new("b"), self._value()), Delete(gone.key)],
            )
        )

    async def _half_refused(self) -> None:
        record = await self._made()
        writes = [Put(self._new(), self._value()), Put(self._new("b"), self._value())]
        guards: list[Guard] = [At(record.key, record.commit), Absent(record.key), Present("a/never")]
        await self._tell(self._board.commit(guards, writes))

    async def _once(self) -> None:
        name, write = Once(self._new("once"), 3_600_000), Put(self._new(), self._value())
        await self._tell(self._board.commit([Absent(write.key)], [write], once=name))
        await self._tell(self._board.commit([Absent(write.key)], [write], once=name))

    async def _once_otherwise(self) -> None:
        name, key = self._new("once"), self._new()
        await self._tell(*(self._board.put(key, self._value(), once=name) for _ in range(2)))

    async def _chain(self) -> None:
        board = self._board
        first, second = self._new(), self._new()
        follow = [
            board.commit([Absent(first)], [Put(first, self._value())]),
            board.commit([Previous()], [Put(second, self._value())]),
            board.commit([Absent(first)], [Put(self._new(), self._value())]),
            board.commit([Previous()], [Put(self._new(), self._value())]),
        ]
        await self._tell(*follow)

    async def _mutate(self) -> None:
        await self._tell(*(self._board.mutate("hot/1", _one_more) for _ in range(3)))

    async def _update(self) -> None:
        update = [Update("hot/1", _one_more), Update("hot/2", _one_more)]
        await self._tell(self._board.commit([], [Put(self._new(), self._value())], updates=update))

    async def _regions(self) -> None:
        record = await self._made("c")
        await self._tell(
            self._board.commit([Unchanged("c", record.revision)], [Put(self._new("d"), self._value())]),
            self._board.commit([Unchanged("a", 0)], [Put(self._new("d"), self._value())]),
        )

    async def _many_at_once(self) -> None:
        """More than one call takes before the first answer, so that two are in flight and others wait."""
        await self._tell(*(self._board.put(self._new("e"), self._value()) for _ in range(30)))


def _one_more(value: Any) -> int:
    return int(value or 0) + 1


def _timeless(outcome: Any) -> Any:
    if isinstance(outcome, Committed):
        return outcome._replace(time_ms=0)
    if isinstance(outcome, Record):
        return outcome.key, outcome.commit, outcome.version, outcome.packed
    if isinstance(outcome, Conflict):
        return [(f.guard, f.commit, f.record and _timeless(f.record)) for f in outcome.failures]
    if isinstance(outcome, BaseException):
        return type(outcome), str(outcome)
    return outcome
