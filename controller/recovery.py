"""What follows a call that failed: another one after a while, a supervisor, or a person."""

from __future__ import annotations

from hashlib import blake2b
from typing import TYPE_CHECKING, Final, NamedTuple, TypeAlias

from blackboard.wording import first_line, seconds

if TYPE_CHECKING:
    from blackboard.control_records import FailureClass
    from controller.budgets import Limits
    from knowledge_sources.declaration import Retry

SUPERVISED: Final = frozenset({"slow", "stalled"})
"""Lateness and standstill are a supervisor's to judge: calling again would only repeat them."""

HOPELESS: Final = frozenset({"over_budget", "unsure"})
"""Another call cannot help: there is nothing left to pay for it, or the agent has said that it does not know."""

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


class TryAgain(NamedTuple):
    """The activation becomes pending again and is not eligible before ``after_ms`` from now."""

    after_ms: int
    sentence: str


class Supervise(NamedTuple):
    """The ladder of supervision goes on (:mod:`controller.supervision`)."""

    sentence: str


class AskPerson(NamedTuple):
    """The activation becomes escalated: a person decides."""

    sentence: str


NextStep: TypeAlias = TryAgain | Supervise | AskPerson


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
    failed: Failure, attempts_of_agent: int, attempts_of_work_item: int, retry: Retry, limits: Limits
) -> NextStep:
    """The next step after ``failed``, with the sentence that tells a person.

    Both counts are of calls that did not contribute, the failed one included: of this activation, and of
    its work item whoever was called.  A call that a clean stop handed back is in neither.  The caps are
    ``retry.attempts`` and ``limits.calls_of_work_item``, the latter across all agents and layers.
    """
    if failed.failure in SUPERVISED:
        return Supervise(f"{tale(failed, attempts_of_agent)}; its supervisor is asked")
    cap_of_work_item = limits.calls_of_work_item
    spent = attempts_of_agent >= retry.attempts
    spent_together = attempts_of_work_item >= cap_of_work_item
    if failed.failure in HOPELESS or spent or spent_together:
        together = ""
        if spent_together and attempts_of_work_item > attempts_of_agent:
            together = f" (call {attempts_of_work_item} of {cap_of_work_item} for this work)"
        return AskPerson(f"{tale(failed, attempts_of_agent)}{together}; waiting for a person")
    after_ms = backoff_ms(failed.activation, attempts_of_agent, retry, failed.failure)
    when = f"in {seconds(after_ms)}" if after_ms else "at once"
    return TryAgain(
        after_ms,
        f"{failed.agent} failed for {failed.case} (call {attempts_of_agent} of {retry.attempts}): "
        f"{first_line(failed.error or failed.failure)}; trying again {when}",
    )


def tale(failed: Failure, calls: int) -> str:
    """What was tried and what came of it, for a person: ``gateway was tried 3 times in 4.2 s for …: …``."""
    times = {0: "not tried", 1: "tried once", 2: "tried twice"}.get(calls, f"tried {calls} times")
    took = f" in {seconds(failed.ended_ms - failed.since_ms)}" if calls else ""
    return f"{failed.agent} was {times}{took} for {failed.case}: {first_line(failed.error or failed.failure)}"
