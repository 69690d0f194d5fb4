"""What follows a call that failed: another one after a while, another agent, a supervisor, or a person."""

from __future__ import annotations

from hashlib import blake2b
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, Literal, NamedTuple, TypeAlias

from blackboard.wording import first_line, seconds

if TYPE_CHECKING:
    from collections.abc import Mapping

    from blackboard.control_records import FailureClass
    from controller.budgets import Limits
    from knowledge_sources.declaration import Retry


class Treatment(NamedTuple):
    """How failures of one class are treated, one step after the other: the first that applies is taken."""

    retried: Literal["always", "while it learns", "never"]
    """whether the same agent is called again: for a cause that may pass, for one that it can be told of, or not"""
    passed_on: bool
    """whether another agent of the capability may do better"""
    supervised: bool
    """whether the supervisor judges it before another call"""


TREATMENTS: Final[Mapping[FailureClass, Treatment]] = MappingProxyType({
    "error": Treatment("always", passed_on=True, supervised=False),
    "dead": Treatment("always", passed_on=True, supervised=False),
    "invalid": Treatment("while it learns", passed_on=True, supervised=False),
    "ungrounded": Treatment("while it learns", passed_on=True, supervised=False),
    "unsure": Treatment("never", passed_on=True, supervised=False),
    "slow": Treatment("never", passed_on=True, supervised=True),
    "stalled": Treatment("never", passed_on=False, supervised=True),
    "over_budget": Treatment("never", passed_on=False, supervised=False),
})  # fmt: skip
"""``while it learns``: an agent that is told the same twice would be given the same input a third time.

A late agent is passed on where no supervisor is on its ladder; what is over its budget would be so for everybody.
"""

_SPREAD: Final = 1 << 32


class Failure(NamedTuple):
    """A call that failed, in what the decision and its sentence need.

    ``since_ms`` is when the first call started and ``ended_ms`` when this one ended.
    """

    failure: FailureClass
    error: str
    activation: str
    agent: str
    case: str
    since_ms: int
    ended_ms: int
    told_before: bool = False
    """whether an earlier call of this activation failed in the same words"""
    retry_after_ms: int = 0
    """how long the agent asked to be left alone"""


class TryAgain(NamedTuple):
    """The activation becomes pending again and is not eligible before ``after_ms`` from now."""

    after_ms: int
    sentence: str


class Supervise(NamedTuple):
    """The ladder of supervision goes on (:mod:`controller.supervision`)."""

    sentence: str


class PassOn(NamedTuple):
    """The activation is given up, and ``heir`` has its turn."""

    heir: str
    sentence: str


class AskPerson(NamedTuple):
    """The activation becomes escalated: a person decides."""

    sentence: str


NextStep: TypeAlias = TryAgain | PassOn | Supervise | AskPerson


def backoff_ms(activation: str, attempt: int, retry: Retry, failure: FailureClass) -> int:
    """How long to wait after call number ``attempt`` (from 1) failed, in milliseconds.

    It doubles from ``retry.backoff_ms`` with each call, up to ``retry.cap_ms``, and is then drawn from its
    upper half by a hash of activation and attempt: spread between activations, the same in every replay.
    A first call lost with its worker is repeated at once, since nothing speaks against the agent.
    """
    if failure == "dead" and attempt == 1:
        return 0
    full = min(retry.cap_ms, retry.backoff_ms << min(attempt - 1, 40))
    drawn = int.from_bytes(blake2b(f"{activation}|{attempt}".encode(), digest_size=4).digest(), "big")
    return full - full * drawn // (2 * _SPREAD)


def decide(
    failed: Failure,
    attempts_of_agent: int,
    attempts_of_work_item: int,
    retry: Retry,
    limits: Limits,
    *,
    heir: str = "",
    left_ms: int | None = None,
) -> NextStep:
    """The next step after ``failed``, with the sentence that tells a person.

    Both counts are of calls that did not contribute, the failed one included: of this activation, and of
    its work item whoever was called.  A call that a clean stop handed back is in neither.  The caps are
    ``retry.attempts`` and ``limits.calls_of_work_item``, the latter across all agents and layers.  ``heir`` is the
    agent in reserve whose turn it would be.  A wait that is longer than ``left_ms``, the time that is left for the
    activation or the run, is not waited.
    """
    how = TREATMENTS[failed.failure]
    if how.supervised:
        return Supervise(f"{tale(failed, attempts_of_agent)}; its supervisor is asked")
    cap_of_work_item = limits.calls_of_work_item
    spent_together = attempts_of_work_item >= cap_of_work_item
    spent = attempts_of_agent >= retry.attempts
    stubborn = how.retried == "while it learns" and failed.told_before
    calls = max(attempts_of_agent, 1)
    again_ms = max(backoff_ms(failed.activation, calls, retry, failed.failure), failed.retry_after_ms)
    too_long = left_ms is not None and failed.retry_after_ms > 0 and again_ms > left_ms
    if how.retried == "never" or spent or spent_together or stubborn or too_long:
        told = tale(failed, attempts_of_agent)
        if too_long and not spent:
            told += f" (to be tried again in {seconds(again_ms)}, which is more time than is left)"
        elif stubborn and not spent:
            told += ", the same as before"
        if heir and how.passed_on and not spent_together:
            return PassOn(heir, f"{told}; {heir} goes on")
        if spent_together and attempts_of_work_item > attempts_of_agent:
            told += f" (call {attempts_of_work_item} of {cap_of_work_item} for this work)"
        return AskPerson(f"{told}; waiting for a person")
    when = f"in {seconds(again_ms)}" if again_ms else "at once"
    return TryAgain(
        again_ms,
        f"{failed.agent} failed for {failed.case} (call {attempts_of_agent} of {retry.attempts}): "
        f"{first_line(failed.error or failed.failure)}; trying again {when}",
    )


def tale(failed: Failure, calls: int) -> str:
    """What was tried and what came of it, for a person: ``gateway was tried 3 times in 4.2 s for …: …``."""
    times = {0: "not tried", 1: "tried once", 2: "tried twice"}.get(calls, f"tried {calls} times")
    took = f" in {seconds(failed.ended_ms - failed.since_ms)}" if calls else ""
    return f"{failed.agent} was {times}{took} for {failed.case}: {first_line(failed.error or failed.failure)}"
