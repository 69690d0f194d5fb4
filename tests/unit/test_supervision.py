"""The ladder: first supervisor, fallback supervisor, person; nobody is waited for longer than stated."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st

from controller.recovery import AskPerson
from controller.supervision import AskSupervisor, Ladder, Subject, attention, attention_key
from knowledge_sources.overdue import Overdue

if TYPE_CHECKING:
    from blackboard.control_records import Attention

LADDER = Ladder(("boss", "chief", "human"), respond_within_ms=30_000)
READY = {"boss": None, "chief": 5_000}
SUBJECT = Subject("a1", "refund", "refund", "return/R-1", {"rma": "R-1"}, eligible_ms=1_000)


def told(ask: AskSupervisor | AskPerson | None, now_ms: int) -> Attention:
    assert isinstance(ask, AskSupervisor)
    return attention(ask, SUBJECT, now_ms, kind="overdue")


def test_the_deadline_counts_from_eligibility() -> None:
    """Waiting on the agenda is part of the time to respond; without ``respond_within`` there is no deadline."""
    assert LADDER.first_deadline(1_000) == 31_000
    assert Ladder(("boss",)).first_deadline(1_000) is None


def test_the_first_supervisor_is_asked_then_the_fallback_then_a_person() -> None:
    """Each has its own time, or else that of the activation; before it is up nobody else is asked."""
    first = told(LADDER.ask(SUBJECT, 31_000, READY), 31_000)
    assert (first["addressed"], first["step"], first["times"], first["deadline_ms"]) == ("boss", 0, 1, 61_000)
    assert LADDER.step(first, SUBJECT, 60_999, READY) is None
    second = told(LADDER.step(first, SUBJECT, 61_000, READY), 61_000)
    assert (second["addressed"], second["step"], second["times"], second["deadline_ms"]) == ("chief", 1, 1, 66_000)
    last = LADDER.step(second, SUBJECT, 66_000, READY)
    assert last == AskPerson(
        "refund has taken 1 min 5 s for return/R-1, and boss and chief did not settle it; waiting for a person"
    )


def test_after_an_extension_the_same_supervisor_is_asked_again() -> None:
    """And told that it is the second time."""
    first = told(LADDER.ask(SUBJECT, 31_000, READY), 31_000)
    again = LADDER.ask(SUBJECT, 70_000, READY, last=first)
    assert again == AskSupervisor("boss", 0, 2, 100_000)


def test_a_supervisor_that_only_ever_extends_is_passed_over() -> None:
    """Three times each, then the next, and in the end a person: nothing is extended for ever."""
    asked, last, now_ms = [], None, 31_000
    for _ in range(20):
        ask = LADDER.ask(SUBJECT, now_ms, READY, last=last)
        if isinstance(ask, AskPerson):
            break
        asked.append((ask.supervisor, ask.times))
        last, now_ms = attention(ask, SUBJECT, now_ms, kind="overdue"), now_ms + 1_000
    assert asked == [("boss", 1), ("boss", 2), ("boss", 3), ("chief", 4), ("chief", 5), ("chief", 6)]
    assert isinstance(ask, AskPerson)


def test_a_supervisor_that_is_not_there_is_passed_over_at_once() -> None:
    """Both when it is its turn and when it goes while it is asked."""
    assert LADDER.ask(SUBJECT, 31_000, {"chief": None}) == AskSupervisor("chief", 1, 1, 61_000)
    first = told(LADDER.ask(SUBJECT, 31_000, READY), 31_000)
    assert LADDER.step(first, SUBJECT, 31_001, {"chief": None}) == AskSupervisor("chief", 1, 1, 61_001)
    gone = LADDER.ask(SUBJECT, 31_000, {})
    assert gone == AskPerson(
        "refund has taken 30.0 s for return/R-1, and none of its supervisors is there; waiting for a person"
    )


def test_nobody_supervises_itself() -> None:
    """A supervisor that is late is never asked about its own lateness."""
    own = SUBJECT._replace(agent="boss")
    assert LADDER.ask(own, 31_000, READY) == AskSupervisor("chief", 1, 1, 36_000)


def test_a_ladder_without_rungs_ends_with_a_person() -> None:
    """So does one that forgets to say so."""
    assert Ladder().ask(SUBJECT, 2_000, READY) == AskPerson(
        "refund has taken 1.0 s for return/R-1, and it has no supervisor; waiting for a person"
    )
    assert isinstance(Ladder(("boss",)).step(told(LADDER.ask(SUBJECT, 0, READY), 0), SUBJECT, 10**6, READY), AskPerson)


@given(
    escalate=st.lists(st.sampled_from(["boss", "chief", "gone", "refund", "human"]), max_size=5),
    extends=st.lists(st.booleans(), min_size=60, max_size=60),
)
def test_every_ladder_comes_to_a_person_within_four_asks_a_rung(escalate: list[str], extends: list[bool]) -> None:
    """Each extension counts towards three for each rung so far, and each silence is one rung more."""
    ladder = Ladder(tuple(escalate))
    now_ms, last, asks = 0, None, 0
    ask: AskSupervisor | AskPerson | None = ladder.ask(SUBJECT, now_ms, READY)
    while isinstance(ask, AskSupervisor):
        asks += 1
        last = attention(ask, SUBJECT, now_ms, kind="overdue")
        now_ms = ask.deadline_ms
        extended = extends[asks]
        ask = ladder.ask(SUBJECT, now_ms, READY, last=last) if extended else ladder.step(last, SUBJECT, now_ms, READY)
    assert isinstance(ask, AskPerson)
    assert asks <= 4 * len(escalate)


def test_an_attention_record_tells_a_supervisor_all_it_needs() -> None:
    """It has every field that the supervisor's view of it asks for, and a sentence."""
    record = told(LADDER.ask(SUBJECT, 31_000, READY), 31_000)
    assert set(Overdue.__slots__) == set(record)
    assert record["reason"] == "refund has taken 30.0 s for return/R-1; boss decides"
    assert record["waited_ms"] == 30_000
    assert attention_key("overdue", "a1") == "control/attention/overdue/a1"
