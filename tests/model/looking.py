"""Steps in which time passes and clients read."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from typing import TYPE_CHECKING, cast

from blackboard.errors import WaitTimeout
from tests.model.choices import AUTHORS, PATTERNS
from tests.model.committing import gathered
from tests.model.explaining import Call
from tests.model.model import SWEPT_AT_MOST, Asked, Held, Violation, Write
from tests.model.reading import answer_of, check_shown, held_of, told_of
from tests.model.scene import FOLLOWERS, Scene

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from blackboard.board import Board
    from blackboard.log import Change
    from blackboard.record import Record


class Looks(Scene):
    """What clients see of a board, at any time."""

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
            (result,) = self.world.run(gathered([board.wait_for(choice.text, timeout_s=0.001)]))
            self._expect(type(result), WaitTimeout, choice.text)
            self.count("waited: in vain")
        else:
            found, record = self.world.run(_awaited(board, choice.text, self.boards[other], choice.key, choice.value))
            write = Write(choice.key, choice.value, case=choice.key)
            self.account([Call((Asked(AUTHORS[other], (), (write,)),), (answer_of(record),))])
            self._expect(held_of(found), self.model.get(choice.key), choice.text)
            self.count("waited: it came")

    # -- inside -----------------------------------------------------------------------------

    async def _found(self, by: int, text: str) -> list[Record]:
        if by in FOLLOWERS:
            await self.caught_up(by)
        return await self.boards[by].find(text)

    def _matching(self, pattern: int) -> list[Held]:
        there = (self.model.get(key) for key in sorted(self.model.records))
        return [held for held in there if held is not None and PATTERNS[pattern].matches(held)]

    def _expect(self, found: object, expected: object, what: str) -> None:
        if found != expected:
            raise Violation(f"{what}: {found}, not {expected}")


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


def _fits(key_text: str, key: str) -> bool:
    """Whether a key template of :data:`PATTERNS` fits ``key``."""
    wanted, given = key_text.split("/"), key.split("/")
    if wanted[-1] == "**":
        return len(given) >= len(wanted) and given[: len(wanted) - 1] == wanted[:-1]
    return len(given) == len(wanted) and all(
        part in ("*", "{x}", other) for part, other in zip(wanted, given, strict=True)
    )
