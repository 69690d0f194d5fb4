"""The ledger lets no more through than the limits, and follows from the records."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from controller.budgets import Ledger, Limit, Limits, OverBudget, RunLimit, overhead_exceeded
from controller.entry import Entry

if TYPE_CHECKING:
    from blackboard.control_records import Activation, State

AGENTS = ("refund", "label")
CASES = ("return/R-1", "return/R-2")


def an_entry(activation: str, agent: str = "refund", case: str = "return/R-1") -> Entry:
    return Entry(activation, agent, agent, case, level=0, rating=0, eligible_ms=0, sequence=0, captures={}, triggers={})


some_limits = st.builds(
    Limits,
    case=st.builds(Limit, st.none() | st.integers(1, 5), st.none() | st.sampled_from([0.3, 0.5])),
    work_item=st.builds(Limit, st.none() | st.integers(1, 4), st.none() | st.just(0.2)),
    run=st.builds(RunLimit, cost=st.none() | st.sampled_from([0.4, 1.0]), firings=st.none() | st.integers(1, 12)),
)


class CallsComeAndGo(RuleBasedStateMachine):
    """Calls start whenever the ledger lets them and end in any order; a model counts on its own."""

    limits: Limits

    @initialize(limits=some_limits)
    def start(self, limits: Limits) -> None:
        self.limits = limits
        self.ledger = Ledger()
        self.running: dict[str, tuple[Entry, int]] = {}
        self.ended: list[tuple[Entry, int, bool]] = []
        self.called = 0

    @rule(agent=st.sampled_from(AGENTS), case=st.sampled_from(CASES), most_cents=st.integers(0, 20))
    def call(self, agent: str, case: str, most_cents: int) -> None:
        entry = an_entry(f"a{self.called}", agent, case)
        refused = self.ledger.check(entry, self.limits, 0, max_cost=most_cents / 100)
        if refused is None:
            self.ledger.note_dispatch(entry, 0, max_cost=most_cents / 100)
            self.running[entry.activation] = (entry, most_cents)
            self.called += 1
        elif refused.waits:
            assert self.running, "to wait is no use where nothing runs"

    @rule(data=st.data(), failed=st.booleans())
    def end(self, data: st.DataObject, failed: bool) -> None:
        if self.running:
            activation = data.draw(st.sampled_from(sorted(self.running)))
            entry, most_cents = self.running.pop(activation)
            cents = data.draw(st.integers(0, most_cents))
            self.ledger.note_end(activation, 0, cost=cents / 100, failed=failed)
            self.ended.append((entry, cents, failed))

    @invariant()
    def within_the_limits(self) -> None:
        if not hasattr(self, "limits"):
            return
        run = self.limits.run
        assert run.firings is None or self.called <= run.firings
        self._check(run.cost, None, [*AGENTS], [*CASES])
        for case in CASES:
            self._check(self.limits.case.cost, self.limits.case.attempts, [*AGENTS], [case])
            for agent in AGENTS:
                limit = self.limits.work_item
                failed = self._check(limit.cost, limit.attempts, [agent], [case])
                assert self.ledger.attempts(f"{agent}|{case}") == failed

    def _check(self, cost: float | None, attempts: int | None, agents: list[str], cases: list[str]) -> int:
        running = [cents for e, cents in self.running.values() if e.agent in agents and e.case in cases]
        ended = [(cents, failed) for e, cents, failed in self.ended if e.agent in agents and e.case in cases]
        failed = sum(failed for _, failed in ended)
        assert cost is None or sum(running) + sum(cents for cents, _ in ended) <= round(cost * 100)
        assert attempts is None or len(running) + failed <= attempts
        return failed


TestCallsComeAndGo = CallsComeAndGo.TestCase
TestCallsComeAndGo.settings = settings(max_examples=150, stateful_step_count=40, deadline=None)


def test_by_default_nothing_is_limited_but_the_failed_calls_of_a_work_item() -> None:
    """Calls that contribute and calls side by side are free; after the fifth that failed there is no sixth."""
    ledger = Ledger()
    for n in range(50):
        assert ledger.check(an_entry(f"ok{n}"), Limits(), 0) is None
        ledger.note_dispatch(an_entry(f"ok{n}"), 0)
    for n in range(50):
        ledger.note_end(f"ok{n}", 0)
    for n in range(5):
        assert ledger.check(an_entry(f"no{n}"), Limits(), 0) is None
        ledger.note_dispatch(an_entry(f"no{n}"), 0)
        ledger.note_end(f"no{n}", 0, failed=True)
    assert ledger.check(an_entry("last"), Limits(), 0) == OverBudget("work_item", "attempts", 5, 5)
    assert ledger.check(an_entry("other", case="return/R-2"), Limits(), 0) is None


def test_what_a_call_cost_at_most_so_far_is_reserved_for_the_next() -> None:
    """Without a declared maximum the dearest call of the agent is the measure; the refusal says what holds it up."""
    ledger, limits = Ledger(), Limits(case=Limit(cost=0.5))
    ledger.note_dispatch(an_entry("a"), 0)
    ledger.note_end("a", 0, cost=0.2)
    ledger.note_dispatch(an_entry("b"), 0)
    refused = ledger.check(an_entry("c"), limits, 0)
    assert refused == OverBudget("case", "cost", 0.5, 0.2, 0.2, waits=True)
    assert refused.sentence() == "the case has used 0.2 of 0.5 cost and 0.2 more are reserved"
    ledger.note_end("b", 0, cost=0.2)
    refused = ledger.check(an_entry("c"), limits, 0)
    assert refused == OverBudget("case", "cost", 0.5, 0.4)
    assert ledger.check(an_entry("free", "label"), limits, 0) is None


def test_tenths_of_a_cent_add_up_exactly() -> None:
    """Ten times 0.1 fits into 1.0 and leaves nothing."""
    ledger, limits = Ledger(), Limits(run=RunLimit(cost=1.0))
    for n in range(10):
        assert ledger.check(an_entry(f"a{n}"), limits, 0, max_cost=0.1) is None
        ledger.note_dispatch(an_entry(f"a{n}"), 0, max_cost=0.1)
        ledger.note_end(f"a{n}", 0, cost=0.1)
    assert ledger.cost("run") == 1.0
    assert ledger.check(an_entry("more"), limits, 0, max_cost=0.000001) is not None


def test_the_time_of_running_calls_counts_while_they_run() -> None:
    """Two calls of five seconds side by side have used ten."""
    ledger, limits = Ledger(), Limits(case=Limit(time_ms=10_000))
    ledger.note_dispatch(an_entry("a"), 1_000)
    ledger.note_dispatch(an_entry("b"), 1_000)
    assert ledger.check(an_entry("c"), limits, 5_999) is None
    assert ledger.check(an_entry("c"), limits, 6_000) == OverBudget("case", "time", 10_000, 10_000)
    ledger.note_end("a", 6_000)
    ledger.note_end("b", 6_000)
    assert ledger.time_ms("case", "return/R-1", 99_000) == 10_000


def test_a_run_has_a_time_by_the_clock() -> None:
    """It passes whether anything runs or not."""
    ledger, limits = Ledger(started_ms=1_000), Limits(run=RunLimit(time_ms=60_000))
    assert ledger.check(an_entry("a"), limits, 60_999) is None
    assert ledger.check(an_entry("a"), limits, 61_000) == OverBudget("run", "time", 60_000, 60_000)


def test_a_call_that_a_clean_stop_handed_back_was_no_attempt() -> None:
    """What it cost stays on the account all the same."""
    ledger = Ledger()
    ledger.note_dispatch(an_entry("a"), 0)
    ledger.note_end("a", 5, cost=0.1, failed=True, counts=False)
    assert (ledger.firings, ledger.attempts("refund|return/R-1"), ledger.cost("case", "return/R-1")) == (0, 0, 0.1)


def test_an_end_that_is_told_twice_settles_once() -> None:
    """A second word about a call changes nothing, and a second start of a running one is an error."""
    ledger = Ledger()
    ledger.note_dispatch(an_entry("a"), 0)
    with pytest.raises(ValueError, match="running already"):
        ledger.note_dispatch(an_entry("a"), 0)
    ledger.note_end("a", 0, cost=0.1)
    ledger.note_end("a", 0, cost=0.1)
    assert ledger.cost("run") == 0.1


def a_record(state: State, attempt: int, failed: int, cost: float, started_ms: int) -> Activation:
    return {
        "agent": "refund",
        "capability": "refund",
        "state": state,
        "case": "return/R-1",
        "work_item": "refund|return/R-1",
        "captures": {},
        "triggers": [],
        "worker": "w",
        "attempt": attempt,
        "eligible_ms": 0,
        "dispatched_ms": started_ms,
        "decision": {
            "revision": 1,
            "eligible": 1,
            "rank": 1,
            "level": "normal",
            "rating": 0.0,
            "waited_ms": 0,
            "score": 0.0,
            "override": None,
            "runners_up": [],
        },
        "run_us": 7_000,
        "usage": [{"model": "m", "input_tokens": 1, "output_tokens": 1, "cost": cost}],
        "attempts": [
            {"started_ms": n, "ended_ms": n + 3, "failure": "error", "error": "", "cost": 0.25} for n in range(failed)
        ],
    }


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["running", "executed", "obviated", "escalated", "abandoned", "pending"]),
            st.integers(0, 3),
            st.booleans(),
        ),
        max_size=8,
    )
)
def test_a_rebuilt_ledger_is_the_one_that_was_kept(ends: list[tuple[State, int, bool]]) -> None:
    """After a crash the records give the accounts that the calls would have given."""
    kept, records = Ledger(), []
    for n, (state, failed, called) in enumerate(ends):
        last_call = state == "running" or (state != "pending" and called)
        name = f"a{n}"
        for m in range(failed):
            kept.note_dispatch(an_entry(name), m)
            kept.note_end(name, m + 3, cost=0.25, failed=True)
        if last_call:
            kept.note_dispatch(an_entry(name), 50)
            if state != "running":
                kept.note_end(name, 57, cost=0.125)
        records.append((name, a_record(state, failed + last_call, failed, 0.125, 50)))
    rebuilt = Ledger.rebuild(reversed(records))
    for ledger in (kept, rebuilt):
        assert ledger.time_ms("run", "", 60) == kept.time_ms("run", "", 60)
        assert ledger.firings == kept.firings
        assert ledger.attempts("refund|return/R-1") == kept.attempts("refund|return/R-1")
        assert ledger.cost("case", "return/R-1") == kept.cost("case", "return/R-1")
    for attempts in range(1, 12):
        limit = Limits(case=Limit(attempts=attempts))
        assert rebuilt.check(an_entry("x"), limit, 60) == kept.check(an_entry("x"), limit, 60)


def test_the_overhead_is_a_share_of_the_agents_running_time() -> None:
    """Thirty per cent is allowed, more is not; without a limit nothing is too much."""
    limits = Limits(run=RunLimit(overhead=0.3))
    assert overhead_exceeded(limits, 300, 1_000) is None
    assert overhead_exceeded(limits, 301, 1_000) == OverBudget("run", "overhead", 0.3, 0.301)
    assert overhead_exceeded(limits, 1, 0) is not None
    assert overhead_exceeded(Limits(), 10**9, 1) is None


def test_the_calls_of_a_case_are_counted_whatever_they_came_to() -> None:
    """One that a clean stop handed back was none; the records tell the same count."""
    limits = Limits(case=Limit(firings=2))
    ledger = Ledger()
    for activation in ("a", "b"):
        assert ledger.check(an_entry(activation), limits, 0) is None
        ledger.note_dispatch(an_entry(activation), 0)
        ledger.note_end(activation, 10, counts=activation == "a")
    assert ledger.check(an_entry("c"), limits, 0) is None
    ledger.note_dispatch(an_entry("c"), 0)
    over = ledger.check(an_entry("d"), limits, 0)
    assert over is not None
    assert (over.scope, over.what, over.waits) == ("case", "firings", False)
    assert over.sentence() == "the case has used 2 of 2 firings"


def test_tokens_are_counted_of_calls_that_failed_too_and_the_records_tell_the_same() -> None:
    limits = Limits(case=Limit(tokens=100))
    used = {"model": "m", "input_tokens": 30, "output_tokens": 10, "cost": 0.0}
    attempt = {"started_ms": 0, "ended_ms": 1, "failure": "error", "error": "x", "cost": 0.0, "usage": [used]}
    record: Any = {
        "agent": "refund", "case": "return/R-1", "work_item": "refund|return/R-1", "state": "executed", "attempt": 2,
        "attempts": [attempt], "usage": [used, used], "run_us": 5,
    }  # fmt: skip
    rebuilt = Ledger.rebuild([("a", record)])
    live = Ledger()
    for failed, tokens in ((True, 40), (False, 80)):
        live.note_dispatch(an_entry("a"), 0)
        live.note_end("a", 5, tokens=tokens, failed=failed)
    for ledger in (rebuilt, live):
        over = ledger.check(an_entry("b"), limits, 9)
        assert over is not None
        assert (over.what, over.spent, over.waits) == ("tokens", 120, False)
        assert ledger.check(an_entry("c", case="return/R-2"), limits, 9) is None
