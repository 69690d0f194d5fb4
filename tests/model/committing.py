"""Steps in which clients commit, alone and at once."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from blackboard.commit import Absent, At, Delete, Put, Update
from blackboard.record import Record
from tests.model.asking import asking, commit_of, payload_of, write_of
from tests.model.choices import AUTHORS, CROWD, FUNCTIONS, HEAVY, KEYS, VALUES, bump
from tests.model.explaining import Call
from tests.model.model import Asked, Violation, Write
from tests.model.reading import answer_of
from tests.model.scene import Scene

if TYPE_CHECKING:
    from collections.abc import Coroutine, Sequence

    from blackboard.commit import Committed, Guard
    from tests.model.asking import Asking
    from tests.model.choices import CommitChoice
    from tests.model.model import Entry
    from tests.model.scene import World

FLOOD = 30
"""commits of one turn, more than wait for company"""


class Commits(Scene):
    """What clients ask of a board that changes it."""

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self.under_once: list[CommitChoice] = []
        """commits that changed something under an idempotency key, or were the same"""

    def burst(self, by: int, commits: Sequence[CommitChoice]) -> None:
        """Several commits of one client in one turn: one call."""
        asked = self.asking(by, commits)
        self.account([call_of(asked, self.world.run(gathered(self.sent(by, asked))))])
        for choice, each in zip(commits, asked, strict=True):
            if each.writes and self.model.used.get(each.asked.once, (None,))[0] == each.asked.payload:
                self.under_once.append(choice)

    def race(self, bursts: Sequence[Sequence[CommitChoice]]) -> None:
        """A burst of each client at once."""
        asked = [self.asking(by, commits) for by, commits in enumerate(bursts)]
        sent = [self.sent(by, each) for by, each in enumerate(asked)]
        results = self.world.run(gathered([gathered(each) for each in sent]))
        self.account([call_of(each, answers) for each, answers in zip(asked, results, strict=True) if each])
        self.count("raced")

    def flood(self, by: int, commits: Sequence[CommitChoice]) -> None:
        """So many commits in one turn that they leave in several calls, in order."""
        plain = [(tuple(g for g in guards if g[0] != "unchanged"), writes, once) for guards, writes, once in commits]
        asked = self.asking(by, (plain * FLOOD)[:FLOOD])
        self.account([call_of(asked, self.world.run(gathered(self.sent(by, asked))))._replace(parted=True)])

    def again(self, by: int, which: int) -> None:
        """A commit under an idempotency key that was used, by whoever asks."""
        if self.under_once:
            self.burst(by, [self.under_once[which % len(self.under_once)]])

    def heavy(self, by: int) -> None:
        """More bytes than a refusal shows, in the way of commits of one call."""
        value = VALUES.index(HEAVY)
        put = tuple(("put", key, value, 0, "") for key in KEYS[:4])
        absent = tuple(("absent", key, "") for key in KEYS[:4])
        self.burst(by, [((), put, "")])
        self.burst(by, [(absent[:1], (), ""), (absent[1:], (), "")])
        self.count("refused: more than is shown")

    def create(self, *, by: int, key: str, value: int, ttl_ms: int, status: str, once: str) -> None:
        """A record that is not there yet."""
        sent = self.boards[by].create(key, VALUES[value], ttl_ms=ttl_ms or None, status=status, once=once or None)
        self._verb(by, sent, (Absent(key),), Put(key, VALUES[value], ttl_ms or None, status), once)

    def put(self, *, by: int, key: str, value: int, ttl_ms: int, status: str, once: str) -> None:
        """A record whatever stands there."""
        sent = self.boards[by].put(key, VALUES[value], ttl_ms=ttl_ms or None, status=status, once=once or None)
        self._verb(by, sent, (), Put(key, VALUES[value], ttl_ms or None, status), once)

    def replace(self, *, by: int, key: str, which: str, value: int, ttl_ms: int, status: str) -> None:
        """A new value for the version that the client read, now or before."""
        record = _record(key, commit_of(self.model, key, which))
        sent = self.boards[by].replace(record, VALUES[value], ttl_ms=ttl_ms or None, status=status)
        self._verb(by, sent, (At(key, record.commit),), Put(key, VALUES[value], ttl_ms or None, status))

    def delete(self, by: int, key: str, which: str) -> None:
        """A record by its key, or by the version that the client read."""
        if not which:
            self._verb(by, self.boards[by].delete(key), (), Delete(key))
            return
        record = _record(key, commit_of(self.model, key, which))
        self._verb(by, self.boards[by].delete(record), (At(key, record.commit),), Delete(key))

    def crowd(self, by: int, ttl_ms: int) -> None:
        """More records than one call removes, all due at one time."""
        writes = [Put(key, n, ttl_ms) for n, key in enumerate(CROWD)]
        asked = Asked(AUTHORS[by], (), tuple(write_of(self.model, write) for write in writes))
        self.account([Call((asked,), (answer_of(self.world.run(self.boards[by].commit([], writes))),))])

    def update(self, by: int, commit: CommitChoice, hot: Sequence[str]) -> None:
        """A commit with records that are read when it is made; guards are about others."""
        board, model, author = self.boards[by], self.model, AUTHORS[by]
        guards, writes, once, asked = asking(model, commit, author)
        plain = [guard for guard in guards if getattr(guard, "key", "") not in hot]
        others = [write for write in writes if write.key not in hot]
        added: list[Guard] = []
        bumped = []
        for key in hot:
            held = model.get(key)
            added.append(At(key, held.commit) if held is not None else Absent(key))
            status, expires_ms = (held.status, held.expires_ms) if held is not None else ("", 0)
            bumped.append(Write(key, bump(held.value if held is not None else None), status, expires_ms))
        asked = Asked(
            author,
            (*plain, *added),
            (*(w for w in asked.writes if w.key not in hot), *bumped),
            asked.once,
            payload_of(others, hot),
        )
        updates = [Update(key, bump) for key in hot]
        (result,) = self.world.run(gathered([board.commit(plain, others, updates=updates, once=once)]))
        self.account([Call((asked,), (answer_of(result),))])

    def mutate(self, by: int, key: str, functions: Sequence[str]) -> None:
        """Functions of the value, several at once: one commit, and who raises is told alone."""
        held = self.model.get(key)
        value: Any = held.value if held is not None else None
        for name in functions:
            value = value if name == "fail" else FUNCTIONS[name](value)
        sent = [self.boards[by].mutate(key, FUNCTIONS[name]) for name in functions]
        results = self.world.run(gathered(sent))
        for name, result in zip(functions, results, strict=True):
            if isinstance(result, RuntimeError) != (name == "fail"):
                raise Violation(f"{name} of a mutation gave {result!r}")
        records = [result for result in results if isinstance(result, Record)]
        if not records:
            self.account([])
            return
        if len({record.commit for record in records}) > 1:
            raise Violation(f"mutations that were made together returned {records}")
        guard: Guard = At(key, held.commit) if held is not None else Absent(key)
        kept = (held.status, held.expires_ms, held.case) if held is not None else ()
        asked = Asked(AUTHORS[by], (guard,), (Write(key, value, *kept),))
        self.account([Call((asked,), (answer_of(records[-1]),))])

    def contend(self, key: str, who: Sequence[tuple[int, str]]) -> None:
        """Several clients count one record up at once: each counts once, whatever order they came in."""
        sent = [
            self.boards[by].mutate(key, bump)
            if how == "mutate"
            else self.boards[by].commit([], [], updates=[Update(key, bump)])
            for by, how in who
        ]
        for result in self.world.run(gathered(sent)):
            if isinstance(result, BaseException):
                raise result
        news = self.news()
        held = self.model.get(key)
        value: Any = held.value if held is not None else None
        left = [AUTHORS[by] for by, _ in who]
        counted = []
        for entry in news:
            if entry.author:  # else it removes what was due
                asked = _counting(entry, key)
                value = self._counted_up(value, asked, left)
                counted.append(asked)
        if left:
            raise Violation(f"{left} counted {key} up in vain")
        self.account([Call(tuple(counted), (None,) * len(counted), parted=True)], news)
        self.count("contended")

    # -- inside -----------------------------------------------------------------------------

    def asking(self, by: int, commits: Sequence[CommitChoice]) -> list[Asking]:
        return [asking(self.model, commit, AUTHORS[by]) for commit in commits]

    def sent(self, by: int, asked: Sequence[Asking]) -> list[Coroutine[Any, Any, Committed]]:
        return [self.boards[by].commit(each.guards, each.writes, once=each.once) for each in asked]

    def _verb(
        self, by: int, sent: Coroutine[Any, Any, object], guards: tuple[Guard, ...], write: Put | Delete, once: str = ""
    ) -> None:
        """One commit, of which a verb returns the record; what verbs write is a case of its own."""
        asked = Asked(AUTHORS[by], guards, (write_of(self.model, write, write.key),), once, payload_of([write]))
        (result,) = self.world.run(gathered([sent]))
        self.account([Call((asked,), (answer_of(result),))])

    def _counted_up(self, value: Any, asked: Asked, left: list[str]) -> Any:
        """The value after ``asked``, which counts for one or more that its author has ``left``; they are taken off."""
        wanted = repr(asked.writes[0].value)
        while True:
            if asked.author not in left:
                raise Violation(f"{asked} counts up more often than was asked")
            left.remove(asked.author)
            value = bump(value)
            if repr(value) == wanted:
                return value


def call_of(asked: Sequence[Asking], results: Sequence[object]) -> Call:
    return Call(tuple(each.asked for each in asked), tuple(answer_of(result) for result in results))


async def gathered(sent: Sequence[Coroutine[Any, Any, Any]]) -> list[Any]:
    return await asyncio.gather(*sent, return_exceptions=True)


def _record(key: str, commit: str) -> Record:
    return Record(key, commit, int(commit.partition("-")[2]), 1, 0, b"")


def _counting(entry: Entry, key: str) -> Asked:
    """The commit that ``entry`` must come from; the model judges its guard again."""
    (change,) = entry.changes
    held = change.held
    if held is None or change.key != key:
        raise Violation(f"{entry} counts nothing up")
    guard: Guard = At(key, change.previous) if change.previous else Absent(key)
    return Asked(entry.author, (guard,), (Write(key, held.value, held.status, held.expires_ms, held.case),))
