"""What a run came to: its judgement, why it ended in words, and the exit code that follows."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Literal, NamedTuple, TypeAlias

from blackboard import exit_codes
from blackboard.wording import counted
from controller.budgets import overhead_exceeded
from scenarios.evidence import read_evidence
from scenarios.expectation_models import QuiescentExpectation
from scenarios.expectations import Result
from scenarios.judging import judge_board
from scenarios.reviewing import review_result
from scenarios.run_log import release_log

if TYPE_CHECKING:
    from blackboard.board import Board
    from blackboard.control_records import Run
    from controller.budgets import Limits
    from controller.controller import RunEnd
    from scenarios.evidence import Evidence
    from scenarios.scenario import Scenario

Status: TypeAlias = Literal["finished", "awaiting", "timed_out", "stalled", "interrupted"]


class Finished(NamedTuple):
    """What a run came to; all figures are of the whole board, earlier parts of a resumed run included."""

    scenario: Scenario
    board: str
    status: Status
    ending: str
    """why it ended, in words"""
    results: tuple[Result, ...]
    evidence: Evidence

    @property
    def exit_code(self) -> int:
        """As the command line promises it: 0, 1, 6 or 130."""
        if self.status == "interrupted":
            return exit_codes.INTERRUPTED
        wanted = any(isinstance(e, QuiescentExpectation) and not e.quiescent for e in self.scenario.expect)
        if self.status in ("timed_out", "stalled") and not wanted:
            return exit_codes.NO_REST
        return exit_codes.OK if all(result.passed for result in self.results) else exit_codes.FAILED


async def judged(board: Board, scenario: Scenario, end: RunEnd | None, run: Run, limits: Limits) -> Finished:
    """What ``board`` says of the run that ended in ``end``.

    ``None`` is one that was interrupted: it is not judged, for it has not come to what it will come to.
    """
    status: Status = end.status if end is not None else "interrupted"
    await (await board.replica()).caught_up(await board.revision())
    evidence = await read_evidence(board)
    ending = _ending(end, evidence)
    if end is None:
        return Finished(scenario, board.name, status, ending, (), evidence)
    horizon = await board.horizon()
    if horizon and scenario.expect:
        ending += f"; judged from revision {horizon} on, up to which its log was trimmed"
    results = (
        *await judge_board(board, scenario.expect, quiescent=status in ("finished", "awaiting"), ending=ending),
        *overhead_result(run, limits),
        *review_result(evidence.activations.values(), limits),
    )
    await release_log(board)
    return Finished(scenario, board.name, status, ending, results, evidence)


def _ending(end: RunEnd | None, evidence: Evidence) -> str:
    """Why a run ended, for a person; who is awaited where somebody is."""
    if end is None:
        return "interrupted; what ran was handed back"
    if end.status == "awaiting":
        asking = Counter(one["agent"] for one in evidence.activations.values() if one["state"] == "escalated")
        number = asking.total()
        if not number:
            return end.sentence
        besides = end.reason.partition("; ")[2]
        who = ", ".join(f"{agent} {count}" for agent, count in sorted(asking.items()))
        return f"only people are awaited: {counted(number, 'question')} to answer ({who})" + (
            f"; {besides}" if besides else ""
        )
    return end.sentence


def overhead_result(run: Run, limits: Limits) -> tuple[Result, ...]:
    """Whether the runtime kept within its share, where the scenario limits that."""
    allowed = limits.run.overhead
    if allowed is None:
        return ()
    agents_ms = run.get("agents_seconds", 0.0) * 1000
    runtime_ms = sum(phase["seconds"] for phase in run.get("overhead", {}).values()) * 1000
    over = overhead_exceeded(limits, runtime_ms, agents_ms)
    if runtime_ms <= agents_ms:
        share = f"{runtime_ms / agents_ms if agents_ms else 0:.1%}"
        sentence = f"the runtime took {share} of the agents' running time"
    else:
        share = "more than all"
        sentence = (
            f"the runtime took {runtime_ms / 1000:.2f} s, more than the agents, which took {agents_ms / 1000:.2f} s"
        )
    bound = f"{allowed * 100:g}%"
    return (Result(f"overhead at most {bound}", over is None, bound, share, sentence),)
