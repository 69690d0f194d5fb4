"""The steps of a scene.  What they are given is plain, so that a saved scene can be taken again."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from typing import TYPE_CHECKING, Any, cast

from blackboard.commit import Absent, At, Delete, Put, Update
from blackboard.errors import WaitTimeout
from blackboard.record import Record
from tests.model.asking import asking, commit_of, payload_of, write_of
from tests.model.choices import AUTHORS, CROWD, FUNCTIONS, HEAVY, KEYS, PATTERNS, VALUES, bump
from tests.model.explaining import Call, Rise
from tests.model.model import SWEPT_AT_MOST, Asked, Held, Violation, Write
from tests.model.reading import answer_of, check_shown, held_of, onces_of, told_of
from tests.model.scene import FOLLOWERS, Scene

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Coroutine, Sequence

    from blackboard.board import Board
    from blackboard.commit import Committed, Guard
    from blackboard.log import Change
    from tests.model.asking import Asking
    from tests.model.choices import CommitChoice
    from tests.model.model import Entry
    from tests.model.scene import World

FLOOD = 30
"""commits of one turn, more than wait for company"""


class Steps(Scene):
    """Everything that can happen to a board and its clients."""

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self.under_once: list[CommitChoice] = []
        """commits that changed something under an idempotency key, or were the same"""

    # -- one client's commits ---------------------------------------------------------------

    def burst(self, by: int, commits: Sequence[CommitChoice]) -> None:
        """Several commits of one client in one turn: one call."""
        asked = self._asking(by, commits)
        self.account([_call(asked, self.world.run(_gathered(self._sent(by, asked))))])
        for choice, each in zip(commits, asked, strict=True):
            if each.writes and self.model.used.get(each.asked.once, (None,))[0] == each.asked.payload:
                self.under_once.append(choice)

    def race(self, bursts: Sequence[Sequence[CommitChoice]]) -> None:
        """A burst of each client at once."""
        asked = [self._asking(by, commits) for by, commits in enumerate(bursts)]
        sent = [self._sent(by, each) for by, each in enumerate(asked)]
        results = self.world.run(_gathered([_gathered(each) for each in sent]))
        self.account([_call(each, answers) for each, answers in zip(asked, results, strict=True) if each])
        self.count("raced")

    def flood(self, by: int, commits: Sequence[CommitChoice]) -> None:
        """So many commits in one turn that they leave in several calls, in order."""
        plain = [(tuple(g for g in guards if g[0] != "unchanged"), writes, once) for guards, writes, once in commits]
        asked = self._asking(by, (plain * FLOOD)[:FLOOD])
        self.account([_call(asked, self.world.run(_gathered(self._sent(by, asked))))._replace(parted=True)])

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
        (result,) = self.world.run(_gathered([board.commit(plain, others, updates=updates, once=once)]))
        self.account([Call((asked,), (answer_of(result),))])

    def mutate(self, by: int, key: str, functions: Sequence[str]) -> None:
        """Functions of the value, several at once: one commit, and who raises is told alone."""
        held = self.model.get(key)
        value: Any = held.value if held is not None else None
        for name in functions:
            value = value if name == "fail" else FUNCTIONS[name](value)
        sent = [self.boards[by].mutate(key, FUNCTIONS[name]) for name in functions]
        results = self.world.run(_gathered(sent))
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
        for result in self.world.run(_gathered(sent)):
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

    # -- time -------------------------------------------------------------------------------

    def wait(self, ms: int) -> None:
        """Time passes; records may be due, and read as absent at once."""
        self.clock.ms += ms
        self.model.now_ms = self.clock.ms
        if self.model.due():
            self.count("due")

    def sweep(self, by: int, ms: int) -> None:
        """Some time later, what is due goes, 16 records at least."""
        self.wait(ms)
        before = len(self.model.due())
        self.world.run(self.boards[by].sweep())
        self.account([Call((), (), parted=True)])
        if len(self.model.due()) > max(0, before - SWEPT_AT_MOST):
            raise Violation(f"of {before} records that were due a sweep left {len(self.model.due())}")
        if before > SWEPT_AT_MOST:
            self.count("swept: more than one call removes")

    # -- reading ----------------------------------------------------------------------------

    def get(self, by: int, key: str) -> None:
        """The head, and one record."""
        self._expect(self.world.run(self.boards[by].revision()), self.model.revision, "revision")
        record = self.world.run(self.boards[by].get(key))
        self._expect(held_of(record) if record is not None else None, self.model.get(key), f"get {key}")

    def find(self, by: int, pattern: int) -> None:
        """All that match, from the replica or from the server."""
        found = self.world.run(self._found(by, PATTERNS[pattern].text))
        expected = self._matching(pattern)
        self._expect([held_of(record) for record in found], expected, PATTERNS[pattern].text)
        self.count("found" if expected else "found: nothing")

    def history(self, by: int, key: str) -> None:
        """Every change of one record."""
        changes = self.world.run(self.boards[by].history(key))
        expected = [(e.commit, e.author, c) for e in self.model.log for c in e.changes if c.key == key]
        self._expect([(c.commit, c.author, told_of(c)) for c in changes], expected, f"history of {key}")

    def changes(self, by: int, tenths: int, pattern: int) -> None:
        """Every change after a revision, some tenths into the log, perhaps of a pattern alone (-1: of all)."""
        since = self.model.revision * tenths // 10
        text = PATTERNS[pattern].text if pattern >= 0 else None
        key_text = text.partition(" where ")[0] if text else ""
        expected = []
        for entry in self.model.log[since:]:
            for told in entry.changes:
                matched = pattern < 0 or (
                    PATTERNS[pattern].matches(told.held) if told.held else _fits(key_text, told.key)
                )
                if matched:
                    expected.append((entry.commit, entry.author, told))
        found = self.world.run(_first_changes(self.boards[by], text, since, len(expected)))
        self._expect([(c.commit, c.author, told_of(c)) for c in found], expected, f"changes since {since}")

    def at(self, by: int, tenths: int) -> None:
        """The whole board as it stood some tenths into the log."""
        revision = self.model.revision * tenths // 10
        stood: dict[str, Held] = {}
        for told in (told for entry in self.model.log[:revision] for told in entry.changes):
            stood.pop(told.key, None)
            if told.held is not None:
                stood[told.key] = told.held
        state = self.world.run(self.boards[by].at(revision))
        check_shown(state.records_kept(), stood, f"the board at {revision}")

    def wait_for(self, by: int, other: int, pattern: int) -> None:
        """A record that matches: the one that is there, or the one that another client then writes."""
        choice, number = PATTERNS[pattern], FOLLOWERS[by % len(FOLLOWERS)]
        there = self._matching(pattern)
        self.world.run(self.caught_up(number))
        board = self.boards[number]
        if there:
            found = self.world.run(board.wait_for(choice.text))
            self._expect(held_of(found), there[0], choice.text)
            self.count("waited: it was there")
        elif not choice.key:
            (result,) = self.world.run(_gathered([board.wait_for(choice.text, timeout_s=0.001)]))
            self._expect(type(result), WaitTimeout, choice.text)
            self.count("waited: in vain")
        else:
            found, record = self.world.run(_awaited(board, choice.text, self.boards[other], choice.key, choice.value))
            write = Write(choice.key, choice.value, case=choice.key)
            self.account([Call((Asked(AUTHORS[other], (), (write,)),), (answer_of(record),))])
            self._expect(held_of(found), self.model.get(choice.key), choice.text)
            self.count("waited: it came")

    # -- faults -----------------------------------------------------------------------------

    def flush_scripts(self, by: int, commits: Sequence[CommitChoice]) -> None:
        """The server forgets its scripts, and is asked to run one."""
        self.raw.script_flush()
        self.burst(by, commits)
        self.count("scripts forgotten")

    def another_server(self, by: int) -> None:
        """The board comes to another server, which one client finds out by opening it anew."""
        self.raw.hset(self.keys.meta, "run_id", "elsewhere")
        self.world.run(self.boards[by].close())
        self.boards[by] = self.world.run(self._opened(by))
        self.account([Rise()])
        self.count("epoch raised")

    def die(self, by: int, commits: Sequence[CommitChoice], turns: int) -> None:
        """A client ends with commits on the way, applied all or none, and a new one takes its place."""
        asked = self._asking(by, commits)
        self.world.run(self._dies(by, self._sent(by, asked), turns))
        self.boards[by] = self.world.run(self._opened(by))
        lost = Call(tuple(each.asked for each in asked), (None,) * len(asked), may_be_lost=True)
        before = self.model.revision
        self.account([lost] if asked else [], used=onces_of(self.raw, self.keys))
        self.count("died: applied" if self.model.revision > before else "died")

    def cut(self, by: int, commits: Sequence[CommitChoice], turns: int) -> None:
        """Every connection breaks with commits on the way; they are sent again and applied once."""
        asked = self._asking(by, commits)
        results = self.world.run(self._across(self._sent(by, asked), turns, self._kill_connections))
        self.account([_call(asked, results)] if asked else [])

    def restart(self, by: int, commits: Sequence[CommitChoice], turns: int) -> None:
        """The server is killed with commits on the way and starts again: an epoch later, nothing lost."""
        asked = self._asking(by, commits)
        results = self.world.run(self._across(self._sent(by, asked), turns, self._kill_server))
        self.world.run(_gathered([board.revision() for board in self.boards]))
        self.account([*([_call(asked, results)] if asked else []), Rise()])
        self.count("epoch raised")

    # -- inside -----------------------------------------------------------------------------

    def _asking(self, by: int, commits: Sequence[CommitChoice]) -> list[Asking]:
        return [asking(self.model, commit, AUTHORS[by]) for commit in commits]

    def _sent(self, by: int, asked: Sequence[Asking]) -> list[Coroutine[Any, Any, Committed]]:
        return [self.boards[by].commit(each.guards, each.writes, once=each.once) for each in asked]

    def _verb(
        self, by: int, sent: Coroutine[Any, Any, object], guards: tuple[Guard, ...], write: Put | Delete, once: str = ""
    ) -> None:
        """One commit, of which a verb returns the record; what verbs write is a case of its own."""
        asked = Asked(AUTHORS[by], guards, (write_of(self.model, write, write.key),), once, payload_of([write]))
        (result,) = self.world.run(_gathered([sent]))
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

    async def _found(self, by: int, text: str) -> list[Record]:
        if by in FOLLOWERS:
            await self.caught_up(by)
        return await self.boards[by].find(text)

    async def _dies(self, by: int, sent: Sequence[Coroutine[Any, Any, Any]], turns: int) -> None:
        tasks = [asyncio.ensure_future(each) for each in sent]
        for _ in range(turns):
            await asyncio.sleep(0)
        board = self.boards[by]
        board.store._over = True  # so that closing waits for no answers, as a process that is killed would not
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await board.close()

    async def _across(
        self, sent: Sequence[Coroutine[Any, Any, Any]], turns: int, fault: Callable[[], None]
    ) -> list[Any]:
        """The results of ``sent``, with ``fault`` some turns of the loop after they were."""
        tasks = [asyncio.ensure_future(each) for each in sent]
        for _ in range(turns):
            await asyncio.sleep(0)
        fault()
        async with asyncio.timeout(30):
            return await asyncio.gather(*tasks, return_exceptions=True)

    def _kill_connections(self) -> None:
        self.raw.client_kill_filter(_type="normal", skipme=True)

    def _kill_server(self) -> None:
        assert self.world.server is not None
        self.world.server.kill()
        self.world.server.start()
        self.raw.connection_pool.disconnect()

    def _matching(self, pattern: int) -> list[Held]:
        there = (self.model.get(key) for key in sorted(self.model.records))
        return [held for held in there if held is not None and PATTERNS[pattern].matches(held)]

    def _expect(self, found: object, expected: object, what: str) -> None:
        if found != expected:
            raise Violation(f"{what}: {found}, not {expected}")


def _call(asked: Sequence[Asking], results: Sequence[object]) -> Call:
    return Call(tuple(each.asked for each in asked), tuple(answer_of(result) for result in results))


async def _gathered(sent: Sequence[Coroutine[Any, Any, Any]]) -> list[Any]:
    return await asyncio.gather(*sent, return_exceptions=True)


async def _first_changes(board: Board, text: str | None, since: int, count: int) -> list[Change]:
    found: list[Change] = []
    if not count:  # the next one may never come
        return found
    changes = cast("AsyncGenerator[Change]", board.changes(text, since=since))
    async with asyncio.timeout(20), aclosing(changes):
        async for change in changes:
            found.append(change)
            if len(found) == count:
                break
    return found


async def _awaited(board: Board, text: str, other: Board, key: str, value: object) -> tuple[Record, Record]:
    waiting = asyncio.ensure_future(board.wait_for(text))
    await asyncio.sleep(0)
    record = await other.put(key, value)
    return await waiting, record


def _record(key: str, commit: str) -> Record:
    return Record(key, commit, int(commit.partition("-")[2]), 1, 0, b"")


def _fits(key_text: str, key: str) -> bool:
    """Whether a key template of :data:`PATTERNS` fits ``key``."""
    wanted, given = key_text.split("/"), key.split("/")
    if wanted[-1] == "**":
        return len(given) >= len(wanted) and given[: len(wanted) - 1] == wanted[:-1]
    return len(given) == len(wanted) and all(
        part in ("*", "{x}", other) for part, other in zip(wanted, given, strict=True)
    )


def _counting(entry: Entry, key: str) -> Asked:
    """The commit that ``entry`` must come from; the model judges its guard again."""
    (change,) = entry.changes
    held = change.held
    if held is None or change.key != key:
        raise Violation(f"{entry} counts nothing up")
    guard: Guard = At(key, change.previous) if change.previous else Absent(key)
    return Asked(entry.author, (guard,), (Write(key, held.value, held.status, held.expires_ms, held.case),))
