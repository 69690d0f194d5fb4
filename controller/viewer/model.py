"""A board as the panes show it: what its records say, kept up with every change.

Pure: the same changes give the same model, live or replayed from the log, so that the past is shown by the same
panes.  Records under ``control/`` that are not what the runtime writes are left out, and told of in
:attr:`Model.unsound`.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any, Final

from blackboard.control_records import (
    ACTIVATIONS,
    AGENTS,
    BREAKERS,
    CONTROL,
    ESCALATIONS,
    FLOW,
    FOCUS,
    LEADER,
    OVERRIDES,
    PROGRESS,
    RECOMMENDATION,
    RUN,
)
from blackboard.control_shapes import checked
from blackboard.errors import Corrupt
from blackboard.keys import region_of
from blackboard.log import Change
from controller.activation import FINAL
from controller.viewer.tally import Tally

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from blackboard.log import Operation
    from blackboard.record import Record

MOST_CHANGES: Final = 10_000
"""of the log that are kept for looking back"""
READ_FIRST: Final = 2_000
"""activations that are looked into at once in any case"""


class Model:
    """What there is on a board after :attr:`revision`.  Control records are by what follows their prefix.

    To look into a record takes time, and there may be a hundred thousand activations: with ``at_once=False`` they are
    left to :meth:`work`, so that a screen can be drawn meanwhile.
    """

    def __init__(
        self,
        board: str,
        records: Iterable[Record[Any]] = (),
        revision: int = 0,
        time_ms: int = 0,
        *,
        at_once: bool = True,
    ) -> None:
        self.board = board
        self.revision = revision
        self.time_ms = time_ms
        """when the newest change was made that this model has seen, by the server's clock; 0 before the first"""
        self.regions: dict[str, dict[str, Record[Any]]] = {}
        """region → key → record, ``control`` included"""
        self.agents: dict[str, Record[Any]] = {}
        self.activations: dict[str, Record[Any]] = {}
        self.live: dict[str, Record[Any]] = {}
        """those of the activations that have not ended"""
        self.questions: dict[str, Record[Any]] = {}
        self.overrides: dict[str, Record[Any]] = {}
        self.breakers: dict[str, Record[Any]] = {}
        self.progress: dict[str, Record[Any]] = {}
        self.tallies: dict[str, Tally] = {}
        """what the activations of each agent add up to"""
        self.cases: dict[str, dict[str, Record[Any]]] = {}
        """case → its activations"""
        self.unsound: dict[str, str] = {}
        """key → what is wrong with the record there"""
        self.changes: deque[Change] = deque(maxlen=MOST_CHANGES)
        self.dead_leader = ""
        """the recorded leader, where it is known that it does not live any more"""
        self.agenda: Mapping[str, Any] | None = None
        """as the leader published it (:class:`controller.agenda_view.Agenda`), or as it is told from the records"""
        self._homes: dict[str, dict[str, Record[Any]]] = {
            AGENTS: self.agents,
            ACTIVATIONS: self.activations,
            ESCALATIONS: self.questions,
            OVERRIDES: self.overrides,
            BREAKERS: self.breakers,
            PROGRESS: self.progress,
        }
        self._single: dict[str, Record[Any]] = {}
        self._subscribers: list[Callable[[Change], None]] = []
        self._readers: list[Callable[[str], None]] = []
        self._unread: list[Record[Any]] = []
        """records of activations that are not looked into yet"""
        if at_once:
            self.take_in(records)
        else:
            self._begin(records)

    def take_in(self, records: Iterable[Record[Any]]) -> None:
        """Show ``records``, too, which stood there before; nobody is told."""
        for record in records:
            self._place(record.key, None, record)

    def _begin(self, records: Iterable[Record[Any]]) -> None:
        """Show ``records``, but leave most of the activations to :meth:`work`."""
        for record in records:
            if record.key.startswith(ACTIVATIONS):
                self._stand(record.key, record)
                self._unread.append(record)
            else:
                self._place(record.key, None, record)
        self.work(READ_FIRST)

    @property
    def busy(self) -> bool:
        """Whether there are activations that :attr:`activations` and what follows from them lack."""
        return bool(self._unread)

    def work(self, most: int) -> None:
        """Look into ``most`` more of the activations."""
        for _ in range(min(most, len(self._unread))):
            record = self._unread.pop()
            if self.get(record.key) is record:  # else it has changed since, and that was taken in
                self._place_control(record.key, record)
                for callback in self._readers:
                    callback(record.key)

    @property
    def run(self) -> Any:
        """``control/run``, ``None`` where nothing was run."""
        return self._value(RUN)

    @property
    def leader(self) -> str:
        """Who leads the board, ``""`` for nobody."""
        return "" if self.recorded_leader == self.dead_leader else self.recorded_leader

    @property
    def recorded_leader(self) -> str:
        """Who leads by the record; one that was killed had no time to take it back."""
        found = self._value(LEADER)
        return str(found["member"]) if found is not None else ""

    @property
    def flow(self) -> Any:
        """``control/flow``, ``None`` where nobody ever stopped it."""
        return self._value(FLOW)

    @property
    def focus(self) -> Any:
        return self._value(FOCUS)

    @property
    def recommendation(self) -> Any:
        return self._value(RECOMMENDATION)

    @property
    def count(self) -> int:
        """How many records there are outside ``control/``."""
        return sum(len(records) for region, records in self.regions.items() if region + "/" != CONTROL)

    def get(self, key: str) -> Record[Any] | None:
        """The record at ``key``, whatever its shape."""
        return self.regions.get(region_of(key), {}).get(key)

    def subscribe(self, callback: Callable[[Change], None]) -> None:
        """Call ``callback`` with every change once the model shows it."""
        self._subscribers.append(callback)

    def on_read(self, callback: Callable[[str], None]) -> None:
        """Call ``callback`` with the key of each activation that :meth:`work` has looked into."""
        self._readers.append(callback)

    def apply(self, change: Change) -> None:
        """Go on to what ``change`` left; ``change.previous`` is not looked at."""
        self.revision, self.time_ms = change.revision, change.time_ms
        self._place(change.key, self.get(change.key), change.record)
        self.changes.append(change)
        for callback in self._subscribers:
            callback(change)

    def undo(self, change: Change, time_ms: int) -> None:
        """Go back to what stood before ``change``, the newest one, and was made at ``time_ms``.

        What stood there is ``change.previous``.  Subscribers are told the change turned round.
        """
        self.revision, self.time_ms = change.revision - 1, time_ms
        previous = change.previous
        self._place(change.key, self.get(change.key), previous)
        if self.changes and self.changes[-1].commit == change.commit:
            self.changes.pop()
        operation: Operation = "delete" if previous is None else "put"
        commit, author = ("", "") if previous is None else (previous.commit, previous.author)
        back = Change(
            change.key, operation, commit, self.revision, time_ms, author, previous, change.commit, change.record
        )
        for callback in self._subscribers:
            callback(back)

    def recall(self, changes: Iterable[Change]) -> None:
        """Put earlier changes, the oldest first, before those that the log holds already."""
        room = MOST_CHANGES - len(self.changes)
        earlier = list(changes)
        self.changes.extendleft(reversed(earlier[-room:] if room else []))

    def _value(self, key: str) -> Any:
        record = self._single.get(key)
        return record.value if record is not None else None

    def _place(self, key: str, before: Record[Any] | None, after: Record[Any] | None) -> None:
        region = region_of(key)
        if after is not None:
            self._stand(key, after)
        elif before is not None:
            del self.regions[region][key]
            if not self.regions[region]:
                del self.regions[region]
        if key.startswith(CONTROL):
            self._place_control(key, after)

    def _stand(self, key: str, record: Record[Any]) -> None:
        self.regions.setdefault(region_of(key), {})[key] = record

    def _place_control(self, key: str, record: Record[Any] | None) -> None:
        self.unsound.pop(key, None)
        if record is not None:
            try:
                checked(record)
            except Corrupt as error:
                self.unsound[key] = str(error)
                record = None
        head, _, name = key.removeprefix(CONTROL).partition("/")
        home, name = (self._homes.get(f"{CONTROL}{head}/"), name) if name else (self._single, key)
        if home is None:
            return
        former = home.pop(name, None)
        if record is not None:
            home[name] = record
        if home is self.activations:
            if record is not None and record.value["state"] not in FINAL:
                self.live[name] = record
            else:
                self.live.pop(name, None)
            self._count(former, record)
            self._file(name, former, record)

    def _count(self, before: Record[Any] | None, after: Record[Any] | None) -> None:
        for record, sign in ((after, 1), (before, -1)):
            if record is not None:
                agent = record.value["agent"]
                tally = self.tallies.get(agent)
                if tally is None:
                    tally = self.tallies[agent] = Tally()
                tally.add(record.value, sign)
                if tally.empty:
                    del self.tallies[agent]

    def _file(self, activation: str, before: Record[Any] | None, after: Record[Any] | None) -> None:
        """Keep the activation with the others of its case."""
        if before is not None:
            of_case = self.cases[before.value["case"]]
            del of_case[activation]
            if not of_case:
                del self.cases[before.value["case"]]
        if after is not None:
            self.cases.setdefault(after.value["case"], {})[activation] = after
