"""What a run came to in figures: outcomes, agents, cost, latency, overhead.

Everything here is computed from records of the board, so the same run gives the same report at its
end, tomorrow, and on another machine.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from typing import TYPE_CHECKING, Any, Final

from controller.endings import endings
from controller.meter import PHASES
from scenarios.case_path import choose_case, path_of
from scenarios.figures import (
    CASE_CLASSES,
    OVERHEAD_RULE,
    AgentLine,
    CaseClass,
    CaseLine,
    Outcome,
    Overhead,
    Percentiles,
    PhaseLine,
    Projection,
    Report,
    Totals,
    Undone,
)
from scenarios.reviewing import reviewed
from scenarios.rungs_saved import rung_lines

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from blackboard.control_records import Activation, Escalation, Run, State, Usage
    from scenarios.evidence import Evidence

UNDONE_KEPT: Final = 1_000
"""work items that a report tells of one by one"""
INTERACTIONS_A_DAY: Final = 10_000
"""what the projection is for where nothing else is asked for: one case is one interaction"""
DEAREST: Final = 5
"""cases that are told one by one"""

_UNFINISHED: Final[frozenset[State]] = frozenset({"running", "pending", "held", "proposed", "failed"})
_GIVEN_UP: Final[frozenset[State]] = frozenset({"abandoned", "cancelled"})
_CAME_TO_NOTHING: Final[frozenset[State]] = _GIVEN_UP | {"obviated", "vetoed"}


def build_report(evidence: Evidence, *, case: str | None = None, per_day: int = INTERACTIONS_A_DAY) -> Report:
    """The report of ``evidence``; ``case`` names the case whose decision path is wanted.

    ``per_day`` is how many interactions the projection is for.
    """
    run = evidence.run
    activations = list(evidence.activations.values())
    agents = _agent_lines(activations)
    rejected = tuple(run.get("rejected_input", ())) if run else ()
    totals = _totals(evidence, agents, run)
    wanted = case if case is not None else choose_case(evidence)
    undone = tuple(
        Undone(*one)
        for one in endings(activations, evidence.escalations)
        if one.kind not in ("done", "declined", "moot")
    )
    return Report(
        board=evidence.board,
        scenario=run["scenario"] if run else "",
        status=run["status"] if run else "",
        started_ms=run["started_ms"] if run else min((a["dispatched_ms"] for a in activations), default=0),
        ended_ms=_ended_ms(run, activations),
        outcomes=_outcomes(evidence, run.get("rejected_count", len(rejected)) if run else 0),
        rejected_input=rejected,
        unmatched=unmatched_cases(evidence),
        agents=agents,
        dearest=dearest_cases(activations),
        totals=totals,
        projection=_projection(totals, per_day),
        overhead=_overhead(run, activations, totals.cases),
        path=path_of(evidence, wanted) if wanted is not None else None,
        waits=run.get("waits") if run else None,
        rungs=rung_lines(evidence.agents, activations),
        undone=undone[:UNDONE_KEPT],
        undone_count=len(undone),
    )


def _ended_ms(run: Run | None, activations: Iterable[Activation]) -> int:
    if run and "ended_ms" in run:
        return run["ended_ms"]
    return max((a.get("ended_ms", a["dispatched_ms"]) for a in activations), default=run["started_ms"] if run else 0)


def classify(activations: Sequence[Activation], escalations: Sequence[Escalation], outcome: str = "") -> CaseClass:
    """The class of one case, from its activations, the questions asked about it, and what its records say.

    A case that came to an outcome is completed, though an agent was given up on the way to it.
    """
    # One that another agent went on from is no end of the case.
    states = {activation["state"] for activation in activations if "passed_to" not in activation}
    if any(escalation["status"] == "open" for escalation in escalations) or "escalated" in states:
        return "awaiting a person"
    if states & _UNFINISHED:
        return "unfinished"
    if states & _GIVEN_UP and not outcome:
        return "failed"
    return "completed" if "executed" in states else "untouched"


def unmatched_cases(evidence: Evidence) -> tuple[str, ...] | None:
    """The cases that no agent of type reflex fired for: what it has no rule for would else go by unseen."""
    reflexes = {name for name, agent in evidence.agents.items() if agent.get("type") == "reflex"}
    if not reflexes:
        return None
    matched = {one["case"] for one in evidence.activations.values() if one["agent"] in reflexes}
    return tuple(case for case in evidence.cases if case not in matched)


def _outcomes(evidence: Evidence, rejected: int) -> tuple[Outcome, ...]:
    fired: dict[str, list[Activation]] = defaultdict(list)
    asked: dict[str, list[Escalation]] = defaultdict(list)
    for activation in evidence.activations.values():
        fired[activation["case"]].append(activation)
    for escalation in evidence.escalations.values():
        asked[escalation["case"]].append(escalation)
    counts: Counter[tuple[CaseClass, str]] = Counter(
        (classify(fired[case], asked[case], outcome), outcome) for case, outcome in evidence.cases.items()
    )
    if rejected:
        counts["rejected", ""] = rejected
    order = {kind: index for index, kind in enumerate(CASE_CLASSES)}
    lines = [Outcome(kind, outcome, number) for (kind, outcome), number in counts.items()]
    return tuple(sorted(lines, key=lambda line: (order[line.kind], -line.cases, line.outcome)))


def _agent_lines(activations: Iterable[Activation]) -> tuple[AgentLine, ...]:
    by_agent: dict[str, list[Activation]] = defaultdict(list)
    for activation in activations:
        by_agent[activation["agent"]].append(activation)
    return tuple(_agent_line(agent, by_agent[agent]) for agent in sorted(by_agent))


def _agent_line(agent: str, activations: Sequence[Activation]) -> AgentLine:
    states = Counter(activation["state"] for activation in activations)
    usage = [call for activation in activations for call in calls_of(activation)]
    return AgentLine(
        agent=agent,
        activations=len(activations),
        executed=states["executed"],
        failed=sum(states[state] for state in _GIVEN_UP),
        obviated=states["obviated"],
        escalated=states["escalated"],
        overruled=sum(bool(activation.get("decided_by")) for activation in activations),
        failed_attempts=sum(len(activation.get("attempts", ())) for activation in activations),
        retries=sum(max(0, activation["attempt"] - 1) for activation in activations),
        conflicts=sum(activation.get("conflicts", 0) for activation in activations),
        latency=percentiles(
            max(0, a["ended_ms"] - a["eligible_ms"])
            for a in activations
            if a["state"] == "executed" and "ended_ms" in a
        ),
        run_time=percentiles(a["run_us"] / 1000 for a in activations if "run_us" in a),
        input_tokens=sum(call["input_tokens"] for call in usage),
        output_tokens=sum(call["output_tokens"] for call in usage),
        cost=math.fsum(cost_of(activation) for activation in activations),
        failed_cost=math.fsum(failed_cost(activation) for activation in activations),
    )


def calls_of(activation: Activation) -> list[Usage]:
    """What the agent reported of each model call, those of failed attempts included."""
    failed = [call for attempt in activation.get("attempts", ()) for call in attempt.get("usage", ())]
    return [*failed, *activation.get("usage", ())]


def dearest_cases(activations: Iterable[Activation]) -> tuple[CaseLine, ...]:
    """The cases that cost the most, or took the longest where nothing has a cost."""
    by_case: dict[str, list[Activation]] = defaultdict(list)
    for activation in activations:
        by_case[activation["case"]].append(activation)
    lines = [_case_line(case, found) for case, found in by_case.items() if case]
    return tuple(sorted(lines, key=lambda line: (-line.cost, -line.took_ms, line.case))[:DEAREST])


def _case_line(case: str, activations: Sequence[Activation]) -> CaseLine:
    usage = [call for activation in activations for call in calls_of(activation)]
    began_ms = min(activation["eligible_ms"] for activation in activations)
    return CaseLine(
        case=case,
        activations=len(activations),
        calls=sum(activation["attempt"] for activation in activations),
        took_ms=max(0, max(a.get("ended_ms", a["dispatched_ms"]) for a in activations) - began_ms),
        input_tokens=sum(call["input_tokens"] for call in usage),
        output_tokens=sum(call["output_tokens"] for call in usage),
        cost=math.fsum(cost_of(activation) for activation in activations),
        failed_cost=math.fsum(failed_cost(activation) for activation in activations),
    )


def cost_of(activation: Activation) -> float:
    """What an activation cost: its failed attempts, and the call that is not among them."""
    return math.fsum(attempt["cost"] for attempt in activation.get("attempts", ())) + _last_cost(activation)


def failed_cost(activation: Activation) -> float:
    """What of it bought nothing: its failed attempts, and the last call too if that came to nothing."""
    in_vain = activation["state"] in _CAME_TO_NOTHING
    failed = math.fsum(attempt["cost"] for attempt in activation.get("attempts", ()))
    return failed + (_last_cost(activation) if in_vain else 0.0)


def _last_cost(activation: Activation) -> float:
    return math.fsum(call["cost"] for call in activation.get("usage", ()))


def percentiles(values: Iterable[float]) -> Percentiles | None:
    """The 50th and 99th of ``values`` by the nearest rank; ``None`` of nothing."""
    ordered = sorted(values)
    if not ordered:
        return None
    p50, p99 = (float(ordered[math.ceil(share * len(ordered)) - 1]) for share in (0.50, 0.99))
    return Percentiles(p50, p99)


def _totals(evidence: Evidence, agents: Sequence[AgentLine], run: Run | None) -> Totals:
    conflicts = sum(line.conflicts for line in agents)
    review = reviewed(evidence.activations.values())
    asked = {escalation["case"] for escalation in evidence.escalations.values()} & set(evidence.cases)
    return Totals(
        cases=len(evidence.cases),
        activations=sum(line.activations for line in agents),
        executed=sum(line.executed for line in agents),
        conflicts=run.get("conflicts", conflicts) if run else conflicts,
        retries=sum(line.retries for line in agents),
        failed_attempts=sum(line.failed_attempts for line in agents),
        escalations=len(evidence.escalations),
        escalations_open=sum(e["status"] == "open" for e in evidence.escalations.values()),
        people_share=len(asked) / len(evidence.cases) if evidence.cases else 0.0,
        critical=review.critical,
        critical_unreviewed=review.unreviewed,
        let_through=review.let_through,
        input_tokens=sum(line.input_tokens for line in agents),
        output_tokens=sum(line.output_tokens for line in agents),
        cost=math.fsum(line.cost for line in agents),
        failed_cost=math.fsum(line.failed_cost for line in agents),
    )


def _projection(totals: Totals, per_day: int) -> Projection | None:
    if not totals.cases:
        return None
    factor = per_day / totals.cases
    return Projection(
        interactions=per_day,
        activations=totals.activations * factor,
        escalations=totals.escalations * factor,
        input_tokens=totals.input_tokens * factor,
        output_tokens=totals.output_tokens * factor,
        cost=totals.cost * factor,
        failed_cost=totals.failed_cost * factor,
    )


def _overhead(run: Run | None, activations: Sequence[Activation], cases: int) -> Overhead:
    measured: Mapping[str, Any] = run.get("overhead", {}) if run else {}
    names = [*PHASES, *sorted(set(measured) - set(PHASES))]
    phases = tuple(_phase(name, measured.get(name), len(activations)) for name in names)
    shares = [phase.share for phase in phases if phase.share is not None]
    each = [phase.us_per_activation for phase in phases if phase.us_per_activation is not None]
    share = math.fsum(shares) if shares else None
    spent = [phase.seconds for phase in phases if phase.seconds is not None]
    return Overhead(
        phases=phases,
        share=share,
        us_per_activation=math.fsum(each) if each else None,
        agents_seconds=_agents_seconds(run, activations),
        ms_per_case=math.fsum(spent) * 1000 / cases if spent and cases else None,
        within_rule=share <= OVERHEAD_RULE if share is not None else None,
    )


def _agents_seconds(run: Run | None, activations: Sequence[Activation]) -> float:
    """What the shares are of; without a run that says so, the calls whose time their activations kept."""
    if run and "agents_seconds" in run:
        return run["agents_seconds"]
    return math.fsum(a.get("run_us", 0) for a in activations) / 1e6


def _phase(name: str, measured: Mapping[str, Any] | None, activations: int) -> PhaseLine:
    if not measured:
        return PhaseLine(name, None, None, None)
    seconds = float(measured["seconds"])
    return PhaseLine(name, seconds, float(measured["share"]), seconds * 1e6 / activations if activations else None)
