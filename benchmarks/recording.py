"""A run's commits, read back from its log, so that a bare client can send the very same ones again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple

from blackboard.commit import Absent, At
from blackboard.control_records import ACTIVATIONS
from blackboard.group import Packed
from blackboard.log import entries_after

if TYPE_CHECKING:
    from blackboard.board import Board
    from blackboard.commit import Guard
    from blackboard.log import Change, Entry


class Sent(NamedTuple):
    """A commit as it went to the server.  What is not of an activation, as the feeding, stands without its guards."""

    kind: Literal["dispatch", "contribution", "other"]
    guards: tuple[Guard, ...]
    writes: tuple[Packed, ...]
    author: str


class Recording(NamedTuple):
    """All commits of a board from its first on, in order.

    On a new board of the same name they get the same names again, so that guards and causes in them hold
    to the letter.
    """

    epoch: int
    commits: list[Sent]

    @property
    def setup(self) -> list[Sent]:
        """What went before the first dispatch."""
        for index, sent in enumerate(self.commits):
            if sent.kind == "dispatch":
                return self.commits[:index]
        return self.commits

    @property
    def work(self) -> list[Sent]:
        """From the first dispatch on."""
        return self.commits[len(self.setup) :]


async def record(board: Board, leader: Guard) -> Recording:
    """The commits of ``board``; ``leader`` is what its controller guards its dispatches with."""
    commits = [_sent(entry, leader) async for entry in entries_after(board.store, 0)]
    return Recording(board.store.epoch, commits)


def _sent(entry: Entry, leader: Guard) -> Sent:
    writes = tuple(_packed(change) for change in entry.changes)
    last = entry.changes[-1]
    if not last.key.startswith(ACTIVATIONS) or last.record is None:
        return Sent("other", (), writes, last.author)
    activation = last.record.value
    triggers = [At(key, commit) for _, key, commit in activation["triggers"]]
    if activation["state"] == "running":
        return Sent("dispatch", (leader, Absent(last.key), *triggers), writes, last.author)
    return Sent("contribution", (At(last.key, last.previous_commit), *triggers), writes, last.author)


def _packed(change: Change) -> Packed:
    written = change.record
    assert written is not None, f"{change.key} was removed: what is measured here only writes"
    return Packed(change.key, written.expires_ms, written.digest, written.packed)
