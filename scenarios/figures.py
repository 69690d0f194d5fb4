"""The shapes of a report: what a run came to, in figures.

Times are milliseconds and costs the currency of the scenario's limits, unless a name says otherwise.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias

if TYPE_CHECKING:
    from blackboard.control_records import RejectedLine, WaitGraph
    from scenarios.case_path import CasePath

CaseClass: TypeAlias = Literal["completed", "rejected", "awaiting a person", "failed", "unfinished", "untouched"]
CASE_CLASSES: Final[tuple[CaseClass, ...]] = (
    "completed", "awaiting a person", "failed", "unfinished", "untouched", "rejected",
)  # fmt: skip
"""``rejected`` are lines of the input that could not become a case; ``untouched`` cases that no agent fired for"""


OVERHEAD_RULE: Final = 0.3
"""the share of the agents' running time that a runtime may take at most, by the rule of thumb of the field"""


@dataclass(frozen=True, slots=True)
class Outcome:
    """How many cases ended in one class, and with one outcome in their own words (``""``: none)."""

    kind: CaseClass
    outcome: str
    cases: int


@dataclass(frozen=True, slots=True)
class Percentiles:
    """The middle and the slow end of some durations, by the nearest rank."""

    p50: float
    p99: float


@dataclass(frozen=True, slots=True)
class AgentLine:
    """One agent's share of the run.

    ``failed`` are activations that were given up, ``overruled`` those that a supervisor or a person ended in
    the agent's place, ``failed_attempts`` calls that did not end in a contribution.  ``latency`` runs from
    eligible to contribution, ``run_time`` is the time inside the agent.  ``failed_cost`` is the part of ``cost``
    that bought nothing.  Tokens are those of all calls, failed ones included as far as agents reported them.
    """

    agent: str
    activations: int
    executed: int
    failed: int
    obviated: int
    escalated: int
    overruled: int
    failed_attempts: int
    retries: int
    conflicts: int
    latency: Percentiles | None
    run_time: Percentiles | None
    input_tokens: int
    output_tokens: int
    cost: float
    failed_cost: float


@dataclass(frozen=True, slots=True)
class CaseLine:
    """One case: what was done for it, what that took and cost.

    ``took_ms`` runs from the first of its activations becoming eligible to the last one's end.
    """

    case: str
    activations: int
    calls: int
    took_ms: int
    input_tokens: int
    output_tokens: int
    cost: float
    failed_cost: float


@dataclass(frozen=True, slots=True)
class Totals:
    """The sums of a run.  ``people_share`` is the share of cases that a person was asked about.

    ``critical`` are the contributions that wrote critical records, ``critical_unreviewed`` those of them that no
    person had a part in, ``let_through`` contributions of unsure agents that nobody was to be asked about.
    """

    cases: int
    activations: int
    executed: int
    conflicts: int
    retries: int
    failed_attempts: int
    escalations: int
    escalations_open: int
    people_share: float
    critical: int
    critical_unreviewed: int
    let_through: int
    input_tokens: int
    output_tokens: int
    cost: float
    failed_cost: float


@dataclass(frozen=True, slots=True)
class Projection:
    """What a day of ``interactions`` like these would come to."""

    interactions: int
    activations: float
    escalations: float
    input_tokens: float
    output_tokens: float
    cost: float
    failed_cost: float


@dataclass(frozen=True, slots=True)
class PhaseLine:
    """One row of the overhead: ``None`` where the run did not measure it."""

    name: str
    seconds: float | None
    share: float | None
    """of all agents' running time"""
    us_per_activation: float | None


@dataclass(frozen=True, slots=True)
class RungLine:
    """One agent of a capability whose agents stand in for each other, in the order of their turns.

    ``answered`` are the activations that contributed, ``passed_on`` those that declined or failed for good.  ``saved``
    is what the last of the ladder would have cost for what this one answered, above what this one cost; ``None``
    where the last was never called.
    """

    capability: str
    agent: str
    asked: int
    answered: int
    passed_on: int
    cost: float
    saved: float | None


@dataclass(frozen=True, slots=True)
class Undone:
    """A work item that did not end in a contribution: its class, and one sentence for a person."""

    work_item: str
    kind: str
    sentence: str


@dataclass(frozen=True, slots=True)
class Overhead:
    """What the runtime itself took; ``None`` sums where nothing was measured."""

    phases: tuple[PhaseLine, ...]
    share: float | None
    us_per_activation: float | None
    agents_seconds: float
    """time inside agents"""
    ms_per_case: float | None
    within_rule: bool | None
    """whether the runtime took no more than :data:`OVERHEAD_RULE` of the agents' running time; ``None``: not known"""


@dataclass(frozen=True, slots=True)
class Report:
    """A whole run in figures.  ``path`` is the decision path of one case, the most telling unless one was named."""

    board: str
    scenario: str
    status: str
    started_ms: int
    ended_ms: int
    outcomes: tuple[Outcome, ...]
    rejected_input: tuple[RejectedLine, ...]
    unmatched: tuple[str, ...] | None
    """the cases that no agent of type reflex matched; ``None`` where there is no such agent"""
    agents: tuple[AgentLine, ...]
    dearest: tuple[CaseLine, ...]
    """the cases that cost the most, the dearest first; where nothing has a cost, those that took the longest"""
    totals: Totals
    projection: Projection | None
    overhead: Overhead
    path: CasePath | None
    waits: WaitGraph | None
    """where it ended because some wait for each other"""
    rungs: tuple[RungLine, ...] = ()
    undone: tuple[Undone, ...] = ()
    """the first of them"""
    undone_count: int = 0

    def as_document(self) -> dict[str, Any]:
        """The report as plain data, for JSON."""
        return asdict(self)
