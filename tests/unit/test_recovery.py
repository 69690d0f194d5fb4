"""What follows a failed call: the caps, the waits, the sentences."""

from __future__ import annotations

from typing import TYPE_CHECKING, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from blackboard.control_records import FailureClass
from blackboard.wording import first_line
from controller.budgets import Limit, Limits
from controller.recovery import AskPerson, Failure, Supervise, TryAgain, backoff_ms, decide
from knowledge_sources.declaration import Retry

if TYPE_CHECKING:
    from controller.recovery import NextStep

RETRIED = ("dead", "error", "invalid", "ungrounded")
CLASSES: tuple[FailureClass, ...] = get_args(FailureClass)


def a_failure(failure: FailureClass = "error", error: str = "gateway unavailable") -> Failure:
    return Failure(failure, error, "a1", "refund", "return/R-1", since_ms=1_000, ended_ms=5_200)


def after(failure: Failure, agent: int, work_item: int, retry: Retry | None = None) -> NextStep:
    return decide(failure, agent, work_item, retry or Retry(), Limits())


@given(st.sampled_from(CLASSES), st.integers(1, 9), st.integers(1, 9))
def test_no_failure_is_called_more_often_than_three_times_or_five_together(
    failure: FailureClass, agent: int, others: int
) -> None:
    """By default an agent is called again only below 3 calls of its own and 5 of its work item."""
    step = after(a_failure(failure), agent, agent + others - 1)
    if isinstance(step, TryAgain):
        assert failure in RETRIED
        assert agent < 3
        assert agent + others - 1 < 5


@pytest.mark.parametrize("failure", RETRIED)
def test_a_failed_call_is_repeated_until_the_caps(failure: FailureClass) -> None:
    """Two retries, then a person."""
    assert isinstance(after(a_failure(failure), 1, 1), TryAgain)
    assert isinstance(after(a_failure(failure), 2, 2), TryAgain)
    assert isinstance(after(a_failure(failure), 3, 3), AskPerson)
    assert isinstance(after(a_failure(failure), 1, 5), AskPerson)


@pytest.mark.parametrize("failure", ["slow", "stalled"])
def test_what_is_late_or_stands_still_is_for_its_supervisor(failure: FailureClass) -> None:
    """Calling again is no answer to slowness."""
    assert isinstance(after(a_failure(failure), 1, 1), Supervise)


@pytest.mark.parametrize("failure", ["over_budget", "unsure"])
def test_where_another_call_cannot_help_a_person_is_asked_at_once(failure: FailureClass) -> None:
    """No money left, or an agent that says it does not know."""
    assert isinstance(after(a_failure(failure), 1, 1), AskPerson)


def test_a_stated_limit_takes_the_place_of_the_default_cap() -> None:
    """``limits: work_item: attempts`` moves the cap in either direction."""
    retry = Retry(attempts=9)
    assert isinstance(decide(a_failure(), 5, 5, retry, Limits(work_item=Limit(attempts=7))), TryAgain)
    assert isinstance(decide(a_failure(), 2, 2, retry, Limits(work_item=Limit(attempts=2))), AskPerson)


def test_each_outcome_has_one_sentence_that_a_person_understands() -> None:
    """Who, for what, how often, how long, why, and what happens next."""
    assert after(a_failure(), 3, 3).sentence == (
        "refund was tried 3 times in 4.2 s for return/R-1: gateway unavailable; waiting for a person"
    )
    assert after(a_failure(), 1, 5).sentence == (
        "refund was tried once in 4.2 s for return/R-1: gateway unavailable (call 5 of 5 for this work); "
        "waiting for a person"
    )
    assert after(a_failure("slow", ""), 1, 1).sentence == (
        "refund was tried once in 4.2 s for return/R-1: slow; its supervisor is asked"
    )
    assert after(a_failure("over_budget", "the case has used 0.5 of 0.5 cost"), 0, 0).sentence == (
        "refund was not tried for return/R-1: the case has used 0.5 of 0.5 cost; waiting for a person"
    )
    retried = after(a_failure(), 1, 1)
    assert isinstance(retried, TryAgain)
    assert retried.sentence == (
        f"refund failed for return/R-1 (call 1 of 3): gateway unavailable; trying again in {retried.after_ms} ms"
    )


def test_a_first_call_lost_with_its_worker_is_repeated_at_once() -> None:
    """A dead worker counts as a call, and says nothing about the agent; dying again does."""
    assert after(a_failure("dead"), 1, 1) == TryAgain(
        0, "refund failed for return/R-1 (call 1 of 3): gateway unavailable; trying again at once"
    )
    second = after(a_failure("dead"), 2, 2)
    assert isinstance(second, TryAgain)
    assert second.after_ms > 0


@given(st.text(max_size=20), st.integers(1, 10_000), st.integers(0, 10**7), st.integers(0, 10**7))
def test_a_wait_is_between_half_of_the_doubled_backoff_and_the_cap(
    activation: str, attempt: int, backoff: int, cap: int
) -> None:
    """Exponential, capped, jittered downwards by at most half, and the same each time it is asked for."""
    retry = Retry(backoff_ms=backoff, cap_ms=cap)
    full = min(cap, backoff * 2 ** min(attempt - 1, 60))
    wait = backoff_ms(activation, attempt, retry, "error")
    assert full / 2 <= wait <= full
    assert wait == backoff_ms(activation, attempt, retry, "error")


def test_activations_that_fail_together_do_not_come_back_together() -> None:
    """A thousand equal failures spread over the upper half of the backoff."""
    waits = [backoff_ms(f"a{n}", 1, Retry(backoff_ms=1_000), "error") for n in range(1_000)]
    assert len(set(waits)) > 300
    assert sum(waits) / 1_000 == pytest.approx(750, abs=25)


def test_a_long_error_is_cut_to_the_first_line_that_says_something() -> None:
    """A traceback does not end up in a sentence."""
    assert first_line("\n  ValueError: no\n  at line 3") == "ValueError: no"
    assert first_line("x" * 500) == "x" * 159 + "…"
    assert first_line("") == ""
