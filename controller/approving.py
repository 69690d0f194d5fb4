"""What an answer to a proposal does: the contribution as it was made, another one, none, or another try.

An approved contribution is committed in one piece, guarded as the agent's own commit would have been.  Where
something of that has moved, the answer is refused and the work goes on without it: the agent looks again at what is
there now, or, where what set it off is gone, the activation is obviated.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, NoReturn

from blackboard.commit import At, Put
from blackboard.control_records import CLAIMS
from blackboard.errors import Conflict
from blackboard.pattern import Pattern
from blackboard.record import Stamp
from blackboard.wording import first_line
from controller.activation import advance
from controller.approval import critical_keys
from controller.desk import contents
from controller.given_answer import (
    APPROVE,
    DECIDE,
    REJECT,
    RETRY,
    Refusal,
    answered,
    exclusions_of,
    moved,
)
from controller.proposing import guards_in, writes_in

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from blackboard.board import Board
    from blackboard.commit import Guard, Write
    from blackboard.control_records import Activation, Attempt, Escalation, FailureClass, Proposal
    from blackboard.group import Packed
    from blackboard.record import Record
    from controller.given_answer import Answer


def choices_of(proposal: Proposal, target: str) -> list[str]:
    """What may be answered: a proposal that was too large to keep cannot be approved."""
    choices = [] if "omitted" in proposal else [APPROVE]
    return [*choices, REJECT, RETRY] + ([DECIDE] if target else [])


async def answer_proposal(board: Board, asked: Record, waiting: Record, given: Answer, now_ms: int) -> Escalation:
    """Give ``given``, one of the choices, to the question ``asked`` whether ``waiting`` may contribute.

    Returns the question as answered; raises :class:`Refusal` where the answer came too late.
    """
    answering = _Answering(board, asked, waiting, given, now_ms)
    if given.choice == REJECT:
        return await answering.reject()
    if given.choice == RETRY:
        return await answering.send_back()
    return await answering.contribute()


class _Answering(NamedTuple):
    """One answer to one proposal: ``asked`` is the question's record, ``waiting`` the activation's."""

    board: Board
    asked: Record
    waiting: Record
    given: Answer
    now_ms: int

    @property
    def said(self) -> str:
        given = self.given
        return f"{given.by} answered {given.choice!r}" + (f": {given.reason}" if given.reason else "")

    async def reject(self) -> Escalation:
        """Give the activation up."""
        activation: Activation = self.waiting.value
        by, said = self.given.by, self.said
        after = advance(activation, "abandoned", ended_ms=self.now_ms, decided_by=by, reason=said)
        done = answered(self.asked.value, self.given, self.now_ms)
        await self._commit(done, after)
        return done

    async def send_back(self) -> Escalation:
        """Let the agent try again, told why."""
        why = f"sent back by {self.given.by}: {self.given.reason or 'no reason given'}"
        after = _again(self.waiting.value, "invalid", why, self.now_ms)
        after["decided_by"], after["reason"] = self.given.by, self.said
        done = answered(self.asked.value, self.given, self.now_ms)
        await self._commit(done, after)
        return done

    async def contribute(self) -> Escalation:
        """Commit the proposal, or what was decided in its place."""
        question: Escalation = self.asked.value
        activation: Activation = self.waiting.value
        given, proposal = self.given, question["proposal"]
        basis = guards_in(proposal)
        excluded, unless = await exclusions_of(self.board, activation) if basis else ("", [])
        key, change = await moved(self.board, basis)
        if change or excluded:
            await self._too_late(change or excluded, obviated=bool(excluded) or key in _triggers(activation))
        writes: Sequence[Write] = writes_in(proposal)
        stamp = Stamp(
            proposal["author"], question["activation"], question["case"], tuple(proposal["causes"]),
            proposal["depth"], proposal["trust"],
        )  # fmt: skip
        after = advance(activation, "executed", ended_ms=self.now_ms, reviewed_by=given.by, reason=self.said)
        if given.choice == DECIDE:
            after["decided_by"] = given.by
            writes = [Put(question["answer_to"], given.value)]
            stamp = stamp._replace(author=given.by)
        packed = [self.board.pack(write, stamp) for write in writes]
        after["wrote"] = [write.key for write in writes]
        critical = critical_keys(map(Pattern.parse, question.get("critical", ())), contents(packed))
        after.pop("critical", None)
        if given.choice == DECIDE:
            after.pop("compensation", None)
        elif "claim" in proposal:
            packed.append(self.board.pack(Put(CLAIMS + question["activation"], proposal["claim"]), stamp))
        if critical:
            after["critical"] = critical
        done = answered(question, given, self.now_ms)
        try:
            await self._commit(done, after, dict.fromkeys([*basis, *unless]), packed)
        except Conflict as conflict:
            keys = {getattr(failure.guard, "key", "") for failure in conflict.failures}
            if keys & {self.asked.key, self.waiting.key}:
                raise
            change = "; ".join(failure.sentence() for failure in conflict.failures[:3])
            await self._too_late(change, obviated=bool(keys & _triggers(activation)))
        return done

    async def _too_late(self, change: str, *, obviated: bool) -> NoReturn:
        """What the proposal rests on has moved: the question is stale, and the activation goes on without an answer."""
        stale: Escalation = self.asked.fresh().value
        stale["status"], stale["reason"] = "stale", change
        activation: Activation = self.waiting.fresh().value
        if obviated:
            after = advance(activation, "obviated", ended_ms=self.now_ms, reason=f"too late: {change}")
        else:
            after = _again(activation, "slow", f"its proposal came too late: {change}", self.now_ms)
        await self._commit(stale, after)
        becomes = "the work is moot" if obviated else f"{activation['agent']} looks again"
        raise Refusal(f"the answer is stale: {change}; {becomes}")

    async def _commit(
        self, question: Escalation, activation: Activation, basis: Iterable[Guard] = (), packed: Sequence[Packed] = ()
    ) -> None:
        """One commit: question and activation, by the person, and what is contributed."""
        asked, waiting, stamp = self.asked, self.waiting, self.given.stamp(self.asked.value)
        guards: list[Guard] = [At(asked.key, asked.commit), At(waiting.key, waiting.commit), *basis]
        own = [self.board.pack(Put(asked.key, question), stamp), self.board.pack(Put(waiting.key, activation), stamp)]
        await self.board.store.submit(guards, [*packed, *own], self.given.by)


def _triggers(activation: Activation) -> set[str]:
    return {key for _, key, _ in activation["triggers"]}


def _again(activation: Activation, failure: FailureClass, error: str, now_ms: int) -> Activation:
    """Another try; the call that made the proposal is an attempt that the next one is told of."""
    usage = activation.get("usage", [])
    attempts = activation.get("attempts", [])
    if len(attempts) < activation["attempt"]:  # the call ended with the proposal, and is in no attempt yet
        attempt: Attempt = {
            "started_ms": activation["dispatched_ms"], "ended_ms": now_ms, "failure": failure, "error": error,
            "cost": sum(one["cost"] for one in usage),
        }  # fmt: skip
        if usage:
            attempt["usage"] = usage
        attempts = [*attempts, attempt]
    elif attempts:
        last = attempts[-1]
        attempts = [*attempts[:-1], {**last, "error": f"{first_line(last['error'], 1_000)}; {error}"}]
    after = advance(activation, "pending", attempts=attempts, not_before_ms=0, reason=error)
    for ended in ("ended_ms", "usage", "read", "log", "escalation", "proposal", "critical", "compensation"):
        after.pop(ended, None)  # type: ignore[misc]  # optional fields, all of them
    return after
