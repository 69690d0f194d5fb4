"""Boards as a viewer follows them, for tests: records made at will, changes at random, rows as text."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from blackboard import codec
from blackboard.log import Change
from blackboard.record import Record, Stamp
from controller.viewer.line import plain
from controller.viewer.model import Model
from tests.control_values import completed

if TYPE_CHECKING:
    import random
    from collections.abc import Sequence

    from controller.viewer.pane import Rows


def written(
    key: str, value: Any, revision: int, *, version: int = 1, author: str = "ann", expires_ms: int = 0
) -> Record[Any]:
    """The record that commit ``1-revision`` of ``value`` left, made ``revision`` ms after 1970; control ones are filled in."""
    packed, _ = codec.pack_record(Stamp(author=author), "", expires_ms, codec.pack_value(completed(key, value)))
    return Record(key, f"1-{revision}", revision, version, revision, packed)


def put(record: Record[Any], *, by: str = "committer") -> Change:
    """The change that ``record`` came with."""
    return Change(record.key, "put", record.commit, record.revision, record.time_ms, by, record, "")


def removed(key: str, revision: int, *, expired: bool = False, by: str = "committer") -> Change:
    """The change that took the record at ``key`` away."""
    return Change(key, "expire" if expired else "delete", f"1-{revision}", revision, revision, by, None, "")


class Writer:
    """Changes ``model`` at random, and keeps what stands by itself."""

    def __init__(self, chance: random.Random, keys: Sequence[str], model: Model | None = None) -> None:
        self.model = Model("b") if model is None else model
        self.standing: dict[str, Record[Any]] = {}
        self.revision = 0
        self.history: list[Change] = []
        self._chance = chance
        self._keys = keys

    def write(self, times: int) -> None:
        """Make so many changes, one in four a removal where something stands."""
        for _ in range(times):
            key = self._chance.choice(self._keys)
            before = self.standing.get(key)
            self.revision += 1
            if before is not None and self._chance.random() < 0.25:
                del self.standing[key]
                change = removed(key, self.revision, expired=self._chance.random() < 0.5)
            else:
                version = 1 if before is None else before.version + 1
                value = {"n": self._chance.randrange(10), "text": "x" * self._chance.randrange(50)}
                author = self._chance.choice(["ann", "bob", ""])
                record = self.standing[key] = written(key, value, self.revision, version=version, author=author)
                change = put(record)
            self.history.append(change._replace(previous=before))
            self.model.apply(self.history[-1])

    def take_back(self, times: int) -> None:
        """Step back over so many changes, as a look at the past does."""
        for _ in range(times):
            change = self.history.pop()
            self.revision -= 1
            if change.previous is None:
                del self.standing[change.key]
            else:
                self.standing[change.key] = change.previous
            self.model.undo(change, self.revision)


def identities(rows: Rows) -> list[str]:
    """What the rows are about, from the top."""
    return [rows.identity(row) for row in range(len(rows))]


def picture(rows: Rows, width: int = 120, now_ms: int = 0) -> list[str]:
    """The rows as text."""
    return [plain(rows.line(row, width, now_ms)) for row in range(len(rows))]
