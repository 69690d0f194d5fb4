"""The circuit breaker of an agent, beside a plain one that looks at everything again each time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from blackboard.errors import InvalidInput
from controller.breaker import FAULTY, BreakerMachine, Call
from controller.breakers import Breakers, breaker_record
from knowledge_sources.breaker_terms import NEVER, Breaker, parse_breaker

if TYPE_CHECKING:
    from blackboard.control_records import Activation

FAILURES = st.sampled_from([None, None, "error", "dead", "slow", "invalid", "ungrounded", "unsure", "over_budget"])
STEPS = st.lists(
    st.tuples(
        st.sampled_from(["call", "call", "call", "late", "wait", "stop"]),
        FAILURES,
        st.booleans(),
        st.integers(0, 6),
        st.integers(1, 40),
    ),
    max_size=80,
)
TERMS = st.builds(
    Breaker,
    errors=st.sampled_from([None, 0.3, 0.5, 1.0]),
    of=st.integers(1, 5),
    spend=st.sampled_from([None, 0.0, 8.0]),
    spend_within_ms=st.just(60),
    idle=st.sampled_from([None, 1, 3]),
    cooldown_ms=st.integers(1, 50),
)


class Plain:
    """All that happened since the last change, looked at from the start each time."""

    def __init__(self, terms: Breaker) -> None:
        self.terms = terms
        self.state = "closed"
        self.calls: list[Call] = []
        self.until_ms = 0
        self.times = 0
        self.probing = False

    def open(self, now_ms: int) -> None:
        self.times += 1
        self.state, self.until_ms = "open", now_ms + self.terms.cooldown_ms * 2 ** min(self.times - 1, 5)
        self.calls, self.probing = [], False

    def look(self, now_ms: int) -> None:
        if self.state == "open" and now_ms >= self.until_ms:
            self.state = "half_open"

    def call(self, call: Call, now_ms: int) -> None:
        """One that began after the last change and has ended."""
        if self.state == "half_open":
            if call.failure in FAULTY:
                self.open(now_ms)
            else:
                self.state, self.times, self.calls = "closed", 0, []
        elif self.state == "closed":
            self.calls.append(call)
            terms = self.terms
            last = self.calls[-terms.of :]
            bad = len(last) == terms.of and terms.errors is not None
            bad = bad and sum(one.failure in FAULTY for one in last) / terms.of >= (terms.errors or 0)
            silent = self.calls[-(terms.idle or 0) :]
            idle = terms.idle is not None and len(silent) == terms.idle and not any(one.wrote for one in silent)
            spent = sum(one.cost for one in self.calls if one.ended_ms > now_ms - terms.spend_within_ms)
            dear = terms.spend is not None and spent > terms.spend
            if bad or idle or dear:
                self.open(now_ms)


@given(TERMS, STEPS)
def test_it_is_what_a_plain_one_is_at_every_step(terms: Breaker, steps: list[tuple[str, Any, bool, int, int]]) -> None:
    """Whatever calls end, time passes and probes come to nothing."""
    machine, plain, now_ms = BreakerMachine(terms), Plain(terms), 0
    for number, (what, failure, wrote, cost, passes) in enumerate(steps):
        activation, call = f"a{number}", Call(now_ms, failure, "no luck", wrote and failure is None, float(cost))
        if what == "wait":
            now_ms += passes
        elif what == "late" and machine.state != "closed":  # begun before it opened
            assert not machine.ended(activation, call, now_ms)
        elif what == "stop" and machine.state == "half_open" and not machine.blocks:
            machine.begins(activation)
            assert machine.came_to_nothing(activation)
        elif what == "call" and not machine.blocks:
            if machine.state == "half_open":
                machine.begins(activation)
            machine.ended(activation, call, now_ms)
            plain.call(call, now_ms)
        machine.tick(now_ms)
        plain.look(now_ms)
        assert (machine.state, machine.times) == (plain.state, plain.times)
        assert machine.state != "open" or (machine.until_ms == plain.until_ms and machine.reason)
        assert machine.blocks == (machine.state == "open")


@given(TERMS, st.lists(st.tuples(FAILURES, st.booleans()), max_size=30))
def test_one_rebuilt_from_records_stands_as_the_one_that_saw_the_calls(
    terms: Breaker, calls: list[tuple[Any, bool]]
) -> None:
    """Each call an activation of its own, ended one after another, and no time for a probe."""
    live = Breakers()
    live.watch("a", terms)
    records: list[tuple[str, Activation]] = []
    for number, (failure, wrote) in enumerate(calls, 1):
        if live.blocked:
            break
        call = Call(number, failure, "no luck", wrote and failure is None)
        live.ended("a", f"x{number}", call, number)
        records.append((f"x{number}", _record(call)))
    rebuilt = Breakers()
    rebuilt.watch("a", terms)
    rebuilt.rebuild([], records, now_ms=len(calls))
    assert rebuilt.blocked.keys() == (live.blocked.keys() if terms.opens else set())


def _record(call: Call) -> Any:
    if call.failure is not None:
        tried = {"ended_ms": call.ended_ms, "failure": call.failure, "error": call.error, "cost": 0.0}
        return {"agent": "a", "state": "abandoned", "attempts": [tried]}
    return {"agent": "a", "state": "executed", "ended_ms": call.ended_ms, "run_us": 1, "wrote": ["k"] * call.wrote}


def test_a_breaker_that_another_controller_left_goes_on() -> None:
    """An open one stays open until its time; a half open one waits for a probe; one that is gone is closed."""
    breakers = Breakers()
    breakers.watch("a", Breaker(errors=0.5))
    breakers.watch("b", Breaker(errors=0.5))
    left = [(name, breaker_record(name, machine, 50)) for name, machine in breakers.machines.items()]
    left[0][1]["state"], left[0][1]["until_ms"], left[0][1]["reason"] = "open", 100, "why"
    left[1][1]["state"], left[1][1]["until_ms"] = "half_open", 10
    left.append(("gone", {**left[0][1], "agent": "gone"}))
    breakers.rebuild(left, [], now_ms=60)
    assert breakers.blocked == {"a": "why"}
    assert breakers.half_open == {"b"}
    assert breakers.turned == {"a": False, "b": False, "gone": True}
    assert breakers.next_ms() == 100
    breakers.tick(100)
    assert breakers.half_open == {"a", "b"}


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"errors": "0%"}, "errors is a share of more than 0%"), ({"errors": 0.5}, "write a percentage"),
        ({"errors": "101%"}, "at most 100%"), ({"of": 0}, "whole numbers from 1"), ({"idle": True}, "idle=True"),
        ({"spend": "1"}, "like 1.00/1m"), ({"spend": "1/0s"}, "longer than nothing"), ({"cooldown": "0s"}, "longer"),
        ({"erors": "5%"}, "did you mean 'errors'"), ("50%", "or False for none"), (True, "or False for none"),
    ],
)  # fmt: skip
def test_terms_that_make_no_sense_are_refused(given: Any, said: str) -> None:
    with pytest.raises(InvalidInput, match=said):
        parse_breaker(given)


def test_terms_are_read_as_they_are_written() -> None:
    terms = parse_breaker({"errors": "50%", "of": 4, "spend": "1.50/2m", "idle": 20, "cooldown": "5s"})
    assert terms == Breaker(0.5, 4, 1.5, 120_000, 20, 5_000)
    assert parse_breaker(False) is NEVER
    assert parse_breaker(None) is None
    assert not NEVER.opens
