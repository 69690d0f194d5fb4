"""The reserve under whatever happens: one agent at a time, nothing after it is done, nothing forgotten."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hypothesis import given
from hypothesis import strategies as st

from controller.matching import Match
from controller.reserve import Reserve
from knowledge_sources import knowledge_source
from tests.leading import declared
from tests.still_board import record_of

if TYPE_CHECKING:
    from knowledge_sources.source import KnowledgeSource

NAMES = ("a", "b", "c")
ENDS = ("done", "declines", "again", "fails", "fails")


def team() -> list[KnowledgeSource]:
    """Three agents of one capability, each behind those before it."""

    def of(at: int) -> object:
        before = NAMES[:at]

        @knowledge_source(
            {"item": "item/{i}"}, contributes="out/{i}", name=NAMES[at], provides="work", instead_of=before
        )
        async def work() -> None: ...

        return work

    return declared(*(of(at) for at in range(len(NAMES))))


class Floor:
    """What a controller does with one piece of work, in small: agenda, calls, records."""

    def __init__(self) -> None:
        self.sources = {source.name: source for source in team()}
        self.reserve = Reserve()
        self.reserve.arrange(self.sources.values())
        self.blocked: dict[str, str] = {}
        self.agenda: set[str] = set()
        self.running: set[str] = set()
        self.records: dict[str, dict[str, Any]] = {}
        self.matched: set[str] = set()
        self.reserve.blocked = self.blocked
        self.reserve.pending = self.agenda.__contains__
        self.item = record_of("item/1", {})

    def possible(self) -> list[tuple[str, str]]:
        """What can happen now."""
        found = [("block", name) for name in NAMES]
        found += [("match", name) for name in NAMES if name not in {*self.records, *self.matched, *self.running}]
        found += [("unmatch", name) for name in self.matched]
        found += [("start", name) for name in self.agenda - self.blocked.keys()]
        found += [(how, name) for name in self.running for how in ENDS]
        found += [("answer", name) for name, record in self.records.items() if record["state"] == "escalated"]
        return sorted(found)

    def match(self, name: str) -> None:
        if name not in self.records and name not in self.matched and name not in self.running:
            self.matched.add(name)
            found = Match(name, self.sources[name], {"i": "1"}, {"item": self.item})
            self.reserve.offer(found, "case")

    def unmatch(self, name: str) -> None:
        if name in self.matched:
            self.matched.discard(name)
            self.agenda.discard(name)
            self.reserve.withdraw(name)

    def start(self, name: str) -> None:
        if name in self.agenda and name not in self.blocked:
            self.agenda.discard(name)
            self.matched.discard(name)
            self.running.add(name)

    def end(self, name: str, how: str) -> None:
        """A call ends: it contributes, declines, is to be tried again, or fails for good and passes on if it can."""
        if name not in self.running:
            return
        heir = self.reserve.heir(name, name)
        self.running.discard(name)
        fields: dict[str, Any] = {"state": "executed"}
        if how == "done":
            fields["wrote"] = ["out/1"]
        elif how == "again":
            fields["state"] = "pending"
            self.agenda.add(name)
        elif how == "fails":
            fields = {"state": "abandoned", "passed_to": heir} if heir else {"state": "escalated"}
        self.write(name, fields)

    def answer(self, name: str) -> None:
        """A person who was asked gives it up."""
        if self.records.get(name, {}).get("state") == "escalated":
            self.write(name, {"state": "abandoned"})

    def block(self, name: str) -> None:
        if self.blocked.pop(name, None) is None:
            self.blocked[name] = "its breaker is open"
        self.reserve.breaker_turned(name)

    def write(self, name: str, fields: dict[str, Any]) -> None:
        record: Any = {
            "agent": name, "case": "case", "captures": {"i": "1"}, "triggers": [["item", "item/1", self.item.commit]],
            **fields,
        }  # fmt: skip
        self.records[name] = record
        self.reserve.note(name, record)

    def settle(self) -> None:
        while self.reserve.dirty:
            releases, recalls = self.reserve.settle()
            for activation, heir, because in recalls:
                assert because
                self.agenda.remove(activation)
                if activation in self.records:
                    self.write(activation, {"state": "obviated", "passed_to": heir})
            self.agenda |= {match.activation for match, _ in releases}

    def check(self) -> None:
        states = {name: record["state"] for name, record in self.records.items()}
        at_it = self.agenda | self.running
        assert len(at_it) <= 1, at_it
        done = any(record.get("wrote") for record in self.records.values())
        ended = any(record["state"] == "abandoned" and "passed_to" not in record for record in self.records.values())
        if done or ended:
            assert not self.agenda
        waiting = self.matched - self.agenda
        if waiting and not at_it:
            assert done or ended or "escalated" in states.values(), (waiting, states)
        for name in waiting:
            assert self.reserve.why(name)


STEPS = st.lists(st.integers(0, 10_000), min_size=5, max_size=40)


def played(floor: Floor, steps: list[int], *, checked: bool = True) -> None:
    """Let one of the things happen that can, as each step says."""
    for step in steps:
        possible = floor.possible()
        what, name = possible[step % len(possible)]
        if what in ENDS:
            floor.end(name, what)
        else:
            getattr(floor, what)(name)
        floor.settle()
        if checked:
            floor.check()


@given(STEPS)
def test_one_agent_at_a_time_has_the_work_and_somebody_has_it_until_it_is_done(steps: list[int]) -> None:
    """Matches that come and go, calls that end in every way, breakers that open and close, in any order."""
    played(Floor(), steps)


@given(STEPS)
def test_one_that_starts_over_from_the_records_comes_to_the_same_turn(steps: list[int]) -> None:
    """As a controller does that takes over: nothing runs then, and all that was pending is on the agenda again."""
    floor = Floor()
    played(floor, steps, checked=False)
    for name in list(floor.running):
        floor.end(name, "again")
    floor.settle()
    again = Floor()
    again.blocked |= floor.blocked
    for name, record in floor.records.items():
        again.records[name] = record
        again.reserve.note(name, record)  # type: ignore[arg-type]  # in small
        if record["state"] == "pending":
            again.agenda.add(name)
    for name in floor.matched:
        again.match(name)
    again.settle()
    assert again.agenda == floor.agenda
