"""A scenario: which agents work on what, within which limits, and what must come of it.

The models name the keys of the file.  What one part of the file says about another is checked by
:meth:`Scenario.contradictions`, which gives paths, so that the loader can say where each one stands.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal, NamedTuple, TypeAlias

from pydantic import Field, PrivateAttr

from blackboard.retention import DEFAULT_REVISIONS, MAX_REVISIONS
from controller.strategy import DEFAULT_LEVELS
from controller.supervision import HUMAN
from knowledge_sources.collect import MOST_MEMBERS
from knowledge_sources.nearest import did_you_mean
from knowledge_sources.orders import AUTHORITIES
from scenarios.breaker_models import BreakerField
from scenarios.capability_models import CapabilitySettings, contradictions
from scenarios.event_models import Events
from scenarios.expectation_models import CallsExpectation, EscalatedExpectation, Expectations, FiredExpectation
from scenarios.fault_models import Faults
from scenarios.fields import (
    Attempts,
    DurationMs,
    FileName,
    KeyTemplate,
    Model,
    Money,
    Name,
    Names,
    PositiveDurationMs,
    Share,
    SizeBytes,
    Switch,
    TokenBudget,
)
from scenarios.grounding_models import SchemaNames, ValidatedKeys
from scenarios.policy_models import PolicySettings, SideBySide
from scenarios.record_models import InlineRecord, OpeningRecords
from scenarios.review_models import ApprovalField, Confidence, ConfirmWithinMs, CriticalPatterns
from scenarios.stall_models import StallField, StallSettings, StepsField
from scenarios.yaml_nodes import MapNode, Node, descend, place_of, plain

if TYPE_CHECKING:
    from collections.abc import Iterator

DocumentPath: TypeAlias = tuple[str | int, ...]

DEFAULT_LEVEL: Final = "normal"

_NO_FIELD: Final = "has a field in braces, which only records 'from' a file have"


class RetrySettings(Model):
    """``attempts`` counts calls, the first included."""

    attempts: Attempts | None = None
    backoff_ms: Annotated[DurationMs | None, Field(alias="backoff")] = None
    cap_ms: Annotated[DurationMs | None, Field(alias="cap")] = None


class CollectSettings(Model):
    """What is other than the agent says of what it collects under one alias."""

    at_least: Annotated[int, Field(ge=0, le=MOST_MEMBERS)] | None = None
    of: Annotated[int, Field(ge=1, le=MOST_MEMBERS)] | None = None
    within_ms: Annotated[PositiveDurationMs | None, Field(alias="within")] = None


class AgentSettings(Model):
    """One agent: where it is loaded from, and what overrides its own declaration.  ``None`` overrides nothing."""

    use: FileName
    priority: Name | None = None
    rating: Annotated[float, Field(ge=-1_000_000, le=1_000_000)] | None = None
    respond_within_ms: Annotated[PositiveDurationMs | None, Field(alias="respond_within")] = None
    escalate: Names | None = None
    authority: Names | None = None
    over: Names | None = None
    config: dict[str, Any] = Field(alias="with", default_factory=dict)
    retry: RetrySettings | None = None
    instead_of: Names | None = None
    breaker: BreakerField | None = None
    max_running: Annotated[int, Field(ge=1, le=10_000)] | None = None
    max_cost: Annotated[float, Field(ge=0, le=1_000_000_000)] | None = None
    token_budget: TokenBudget | None = None
    type: Literal["reflex", "model", "goal", "utility"] | None = None
    steps: StepsField | None = None
    guard: Switch | None = None
    cites: Switch | None = None
    logical: Switch | None = None
    proposed: Switch | None = None
    approval: ApprovalField | None = None
    threshold: Confidence | None = None
    after_ms: Annotated[PositiveDurationMs | None, Field(alias="after")] = None
    every_ms: Annotated[PositiveDurationMs | None, Field(alias="every")] = None
    times: Attempts | None = None
    collect: dict[Name, CollectSettings] = Field(default_factory=dict)
    confirm_within_ms: Annotated[ConfirmWithinMs | None, Field(alias="confirm_within")] = None


class WorkLimits(Model):
    """What one case, or one work item, may use before it goes to a person."""

    attempts: Attempts | None = None
    cost: Money | None = None
    tokens: Annotated[int, Field(ge=1, le=10**15)] | None = None
    time_ms: Annotated[PositiveDurationMs | None, Field(alias="time")] = None


class CaseLimits(WorkLimits):
    """What one case may use; ``firings`` are all calls for it, those that contributed too."""

    firings: Annotated[int, Field(ge=1, le=1_000_000_000)] | None = None


class RunLimits(Model):
    """What the whole run may use.

    ``overhead`` is a share of all agents' running time, ``unreviewed_critical`` one of all critical decisions.
    """

    time_ms: Annotated[PositiveDurationMs | None, Field(alias="time")] = None
    cost: Money | None = None
    tokens: Annotated[int, Field(ge=1, le=10**15)] | None = None
    firings: Annotated[int, Field(ge=1, le=1_000_000_000)] | None = None
    overhead: Share | None = None
    unreviewed_critical: Share | None = None


class Limits(Model):
    """The limits of a scenario; what is not given is not limited, but for the runtime's own caps."""

    case: CaseLimits = CaseLimits()
    work_item: WorkLimits = WorkLimits()
    run: RunLimits = RunLimits()
    running: SideBySide = SideBySide()


class LogLimits(Model):
    """How much of the log is kept; 0 is no limit."""

    revisions: Annotated[int, Field(ge=0, le=MAX_REVISIONS)] = DEFAULT_REVISIONS
    age_ms: Annotated[DurationMs, Field(alias="age")] = 0
    size_bytes: Annotated[SizeBytes, Field(alias="size")] = 0


class Origin(NamedTuple):
    """Where a scenario came from: its name, its file, the ``--set``s laid over it, and what they made of it."""

    name: str
    file: Path
    sets: tuple[str, ...]
    root: Node


class Scenario(Model):
    """A whole scenario file, checked.  Paths in it are relative to :attr:`folder`."""

    version: Literal[1]
    description: str = ""
    input: FileName | None = None
    case: KeyTemplate | None = None
    records: OpeningRecords = ()
    events: Events = ()
    levels: Annotated[Names, Field(min_length=1, max_length=64)] = DEFAULT_LEVELS
    agents_dir: FileName | None = None
    agents: dict[Name, AgentSettings] = Field(default_factory=dict)
    capabilities: dict[Name, CapabilitySettings] = Field(default_factory=dict)
    policy: PolicySettings = PolicySettings()
    max_running: Annotated[int, Field(ge=1, le=10_000)] = 16
    guard: Switch = True
    token_counter: FileName | None = None
    schemas: SchemaNames = Field(default_factory=dict)
    validate_keys: Annotated[ValidatedKeys, Field(alias="validate")] = ()
    breaker: BreakerField | None = None
    approval: ApprovalField = "unsure"
    threshold: Confidence | None = None
    critical: CriticalPatterns = ()
    faults: Faults = ()
    limits: Limits = Limits()
    stall: StallField = StallSettings()
    log: LogLimits | None = None
    expect: Expectations = ()

    _origin: Origin = PrivateAttr(default=Origin("", Path(), (), MapNode("")))

    @property
    def name(self) -> str:
        """What the scenario is called: its folder, or its file without the ending."""
        return self._origin.name

    @property
    def file(self) -> Path:
        """The file that it was read from."""
        return self._origin.file

    @property
    def folder(self) -> Path:
        """What the paths in it are relative to."""
        return self._origin.file.parent

    @property
    def sets(self) -> tuple[str, ...]:
        """The ``--set`` texts laid over the file."""
        return self._origin.sets

    @property
    def default_level(self) -> str:
        """The level of an agent that names none: ``normal`` where there is one, else the middle."""
        return DEFAULT_LEVEL if DEFAULT_LEVEL in self.levels else self.levels[len(self.levels) // 2]

    def came_from(self, origin: Origin) -> Scenario:
        """This scenario, knowing its origin."""
        self._origin = origin
        return self

    @property
    def root(self) -> Node:
        """The file as a tree that knows where each part stood, settings laid over it."""
        return self._origin.root

    @property
    def document(self) -> dict[str, Any]:
        """The file as plain data, settings laid over it: for ``control/run`` and for people."""
        document: dict[str, Any] = plain(self._origin.root)
        return document

    def place_of(self, path: DocumentPath) -> str:
        """``file:line:col`` of what stands at ``path`` in the file, or of the nearest thing above it."""
        return place_of(descend(self._origin.root, path))

    def contradictions(self) -> Iterator[tuple[DocumentPath, str]]:
        """Each thing that is well-formed by itself and wrong beside the rest: its path and why."""
        if self.input and self.case is None:
            yield ("input",), "needs case: the key at which each line is posted, as in case: return/{rma}"
        if not self.agents and self.agents_dir is None:
            yield (), "has neither agents nor agents_dir: nobody would work"
        if len(set(self.levels)) < len(self.levels):
            yield ("levels",), "names a level twice"
        for index, record in enumerate(self.records):
            if isinstance(record, InlineRecord) and record.key.captures:
                yield ("records", index, "key"), _NO_FIELD
        for index, event in enumerate(self.events):
            if event.key.captures:
                yield ("events", index, *event.key_path), _NO_FIELD
        for name, agent in self.agents.items():
            yield from self._agent_contradictions(name, agent)
        yield from contradictions(self.capabilities, self.agents, more_may_join=self.agents_dir is not None)
        yield from self._unknown_agents()

    def _unknown_agents(self) -> Iterator[tuple[DocumentPath, str]]:
        for index, fault in enumerate(self.faults):
            yield from self._unknown_agent(("faults", index, "agent"), fault.agent, others=())
        for index, expectation in enumerate(self.expect):
            if isinstance(expectation, FiredExpectation):
                yield from self._unknown_agent(("expect", index, "fired"), expectation.fired)
            if isinstance(expectation, CallsExpectation) and expectation.calls not in self.capabilities:
                yield from self._unknown_agent(("expect", index, "calls"), expectation.calls)
            if isinstance(expectation, EscalatedExpectation) and expectation.escalated.agent:
                yield from self._unknown_agent(("expect", index, "escalated", "agent"), expectation.escalated.agent)

    def _agent_contradictions(self, name: str, agent: AgentSettings) -> Iterator[tuple[DocumentPath, str]]:
        path: DocumentPath = ("agents", name)
        if name == HUMAN:
            yield path, f"{HUMAN!r} is what a person is called on a ladder; give the agent another name"
        if agent.priority is not None and agent.priority not in self.levels:
            hint = did_you_mean(agent.priority, self.levels) or f"; there is {', '.join(self.levels)}"
            yield (*path, "priority"), f"{agent.priority!r} is not one of the levels{hint}"
        for target in agent.escalate or ():
            if target == name:
                yield (*path, "escalate"), f"{name!r} would escalate to itself"
            elif target != HUMAN:
                yield from self._unknown_agent((*path, "escalate"), target)
        for verb in agent.authority or ():
            if verb not in AUTHORITIES:
                hint = did_you_mean(verb, AUTHORITIES) or f"; there is {', '.join(sorted(AUTHORITIES))}"
                yield (*path, "authority"), f"{verb!r} is no order{hint}"
        if HUMAN in (agent.escalate or ())[:-1]:
            yield (*path, "escalate"), f"{HUMAN!r} is the last rung: nobody comes after a person"
        retry = agent.retry
        if retry and retry.cap_ms is not None and retry.backoff_ms is not None and retry.cap_ms < retry.backoff_ms:
            yield (*path, "retry", "cap"), "is shorter than backoff"

    def _unknown_agent(
        self, path: DocumentPath, name: str, others: tuple[str, ...] = (HUMAN,)
    ) -> Iterator[tuple[DocumentPath, str]]:
        # With a folder of agents, one that is not named here may still join.
        if name not in self.agents and self.agents_dir is None:
            yield path, f"no agent is called {name!r}{did_you_mean(name, [*self.agents, *others])}"
