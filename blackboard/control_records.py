"""The shapes of the records under ``control/``: what the runtime writes about its own work.

They are ordinary records, written through the ordinary commit, so log, replay, viewer and
patterns show them without a second mechanism.  Everybody may read them; only the runtime and
those with authority write them.  All instants are milliseconds since 1970, all durations milliseconds.
"""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal, NamedTuple, NotRequired, TypeAlias, TypedDict

CONTROL: Final = "control/"
RUN: Final = "control/run"
LEADER: Final = "control/leader"
AGENTS: Final = "control/agents/"
ACTIVATIONS: Final = "control/activations/"
ATTENTION: Final = "control/attention/"
OVERRIDES: Final = "control/overrides/"
ESCALATIONS: Final = "control/escalations/"
PROGRESS: Final = "control/progress/"
EVENTS: Final = "control/events/"
SCHEMAS: Final = "control/schemas/"
CLAIMS: Final = "control/claims/"
REVERTS: Final = "control/reverts/"
PROPOSALS: Final = "control/proposals/"
"""``control/proposals/<activation>/<key>``: what is to stand at ``key`` once a validator passes it; a value of any shape"""
BREAKERS: Final = "control/breakers/"
POSTS: Final = "control/posts/"
FLOW: Final = "control/flow"
FOCUS: Final = "control/focus"
RECOMMENDATION: Final = "control/recommendation"
TIMERS: Final = "control/timers/"

State: TypeAlias = Literal[
    "pending",
    "held",
    "running",
    "proposed",
    "failed",
    "executed",
    "obviated",
    "vetoed",
    "cancelled",
    "abandoned",
    "escalated",
]
"""The states of an activation.  ``pending`` is stored only for one that is to be tried again, ``proposed`` is what
waits for a validator."""


class Count(NamedTuple):
    """How many items a list has."""

    items: int


Seen: TypeAlias = Annotated[list[str], Count(2)]
"""``[key, commit]`` of a record; commit ``""`` was absent"""
Trigger: TypeAlias = Annotated[list[str], Count(3)]
"""``[alias, key, commit]`` of a record that triggered an activation"""
BreakerState: TypeAlias = Literal["closed", "open", "half_open"]
Edge: TypeAlias = Annotated[list[str], Count(3)]
"""``[name of a wait, name of the one that it waits for, key]``"""
Rewrite: TypeAlias = Annotated[list[str], Count(3)]
"""``[key, digest before, digest after]`` of a record that was overwritten; digest ``""`` was absent"""
Guarded: TypeAlias = Annotated[list[str], Count(3)]
"""``[kind, key or region, commit]`` of a guard: ``at absent present unchanged``"""
FailureClass: TypeAlias = Literal["slow", "dead", "error", "invalid", "ungrounded", "unsure", "over_budget", "stalled"]


def activation_key(activation_id: str) -> str:
    """The record key of an activation."""
    return ACTIVATIONS + activation_id


class CollectClause(TypedDict):
    """What an agent collects under one alias."""

    pattern: str
    at_least: int
    of: int | None
    within_ms: int | None
    refire: Literal["once", "each"]


class Agent(TypedDict):
    """``control/agents/<name>``: an entry of the registry."""

    name: str
    kind: Literal["agent", "supervisor"]
    capabilities: list[str]
    status: Literal["ready", "broken", "gone"]
    level: str
    watches: dict[str, str]
    """alias → pattern"""
    unless: list[str]
    contributes: list[str]
    respond_within_ms: int | None
    escalate: list[str]
    authority: list[str]
    over: list[str]
    input_schema: dict[str, Any]
    """alias → JSON Schema"""
    output_schema: dict[str, Any] | None
    instead_of: NotRequired[list[str]]
    """the agents that it stands in for"""
    description: str
    type: NotRequired[Literal["reflex", "model", "goal", "utility"]]
    source: str
    """where it was loaded from, as the scenario wrote it"""
    validates: NotRequired[str]
    """the pattern of the proposed records that it passes or rejects"""
    error: NotRequired[str]
    """why it is broken, as a traceback; of a ready one, what its rating or precondition raised"""
    collects: NotRequired[dict[str, CollectClause]]
    """alias → what is collected beside ``watches``"""
    after_ms: NotRequired[int]
    """how long a match has to stand before it may fire"""
    every_ms: NotRequired[int]
    """its timer"""


class RunnerUp(TypedDict):
    """One that was eligible and not chosen, in the decision of the one that was."""

    activation: str
    agent: str
    level: str
    score: float


class Decision(TypedDict):
    """Why this one was chosen: enough to pick again and get the same."""

    revision: int
    """the board's revision at which the controller looked"""
    eligible: int
    rank: int
    level: str
    rating: float
    waited_ms: int
    score: float
    override: str | None
    """the key of the override that moved it"""
    runners_up: list[RunnerUp]
    promoted_from: NotRequired[str]
    """its own level, where waiting had lifted it to another"""
    share: NotRequired[int]
    """where firings are shared: what its flow stood at in the order of the level, the least first"""
    flow: NotRequired[str]
    """its value of the capture among whose values they are shared"""


class ProposedWrite(TypedDict):
    """One write of a contribution that waits; without a value it removes the record."""

    key: str
    value: NotRequired[Any]
    ttl_ms: NotRequired[int]
    status: NotRequired[str]


class Claim(TypedDict):
    """``control/claims/<activation>``: a contribution that is to be confirmed; its time counts from its commit."""

    status: Literal["open", "confirmed", "unconfirmed"]
    agent: str
    capability: str
    captures: dict[str, str]
    triggers: list[Trigger]
    wrote: list[str]
    """the keys of the contribution"""
    within_ms: int
    reason: NotRequired[str]
    """what confirmed it, or why it counts as unconfirmed"""
    ended_ms: NotRequired[int]


class Reversal(TypedDict):
    """What undoes a contribution: the record that is posted."""

    key: str
    value: Any


class Revert(TypedDict):
    """``control/reverts/<activation>``: its contribution was undone."""

    by: str
    reason: str
    undid: list[Seen]
    """the records of its contribution, as it wrote them"""
    how: Literal["compensated", "restored"]
    posted: list[str]
    """the keys that were written for that"""
    at_ms: int


class Proposal(TypedDict):
    """A contribution that waits for a person, with what it rests on, so that it can be committed as it was made."""

    writes: list[ProposedWrite]
    guards: list[Guarded]
    author: str
    causes: list[str]
    depth: int
    trust: int
    confidence: NotRequired[float]
    because: NotRequired[str]
    claim: NotRequired[Claim]
    """what must come true of it once it is approved"""
    omitted: NotRequired[str]
    """why the writes are not kept: then it can be decided, not approved"""


class Usage(TypedDict):
    """What a model call cost, as the agent reported it with ``ctx.usage``; summed over calls."""

    model: str
    input_tokens: int
    output_tokens: int
    cost: float


class Attempt(TypedDict):
    """One finished try of an activation that did not execute, kept for the next and for people."""

    started_ms: int
    ended_ms: int
    failure: FailureClass
    error: str
    cost: float
    usage: NotRequired[list[Usage]]
    agent: NotRequired[str]
    """who tried"""
    retry_after_ms: NotRequired[int]
    """how long it asked to be left alone"""


class RegionSchema(TypedDict):
    """``control/schemas/<n>``: what records at the keys of a pattern must be, for who was not told otherwise."""

    pattern: str
    name: str
    schema: dict[str, Any]
    """JSON Schema"""


class Proposed(TypedDict):
    """A contribution that waits for validators: its records lie under ``control/proposals/<activation>/``."""

    wanted: list[str]
    """the keys that are still to be passed"""
    keys: list[str]
    """all that is to be written together, those of no concern to a validator included"""
    removes: list[str]
    ttl_ms: dict[str, int]
    """key → how long it is to stand from then on"""
    guards: list[Annotated[list[str], Count(3)]]
    """``[kind, key or region, commit]``: what must hold when it is written, as when it was proposed"""
    passed: dict[str, str]
    """key → the validator that passed it"""


class Supports(TypedDict):
    """What a contribution lets stand only while its triggers, what it read and what was absent are as they were."""

    keys: list[str]
    absent: list[Seen]
    """``[pattern, commit]``: nothing that it matches was written after ``commit``; ``""``: nothing is there"""


class Verdict(TypedDict):
    """What a validator said of a proposed record."""

    passed: bool
    key: str
    activation: str
    """whose contribution it was"""
    score: float | None
    reason: str


class Collected(TypedDict):
    """What an activation took under one alias; the members themselves are among its ``triggers``."""

    taken: int
    at_least: int
    of: int | None


class Activation(TypedDict):
    """``control/activations/<id>``: one firing of one agent on one set of records."""

    agent: str
    capability: str
    state: State
    case: str
    work_item: str
    """``capability|case``: what retries and budgets count for"""
    captures: dict[str, str]
    triggers: list[Trigger]
    worker: str
    attempt: int
    """calls so far, this one included"""
    eligible_ms: int
    """the time of the latest trigger's commit: waiting and ``respond_within`` count from here"""
    dispatched_ms: int
    decision: Decision
    ended_ms: NotRequired[int]
    run_us: NotRequired[int]
    """time inside the agent"""
    dispatch_us: NotRequired[int]
    """from the pick to the start of the agent"""
    failure: NotRequired[FailureClass | None]
    reason: NotRequired[str]
    """one sentence for a person: why it ended as it did"""
    winner: NotRequired[str]
    """for an obviated one: the author whose record made it moot"""
    wrote: NotRequired[list[str]]
    """keys of its contribution"""
    rewrote: NotRequired[list[Rewrite]]
    """those of them that answer what stood there, being of the same case and later in the lineage"""
    read: NotRequired[list[Seen]]
    """what it read through ``ctx``"""
    usage: NotRequired[list[Usage]]
    log: NotRequired[list[str]]
    """captured prints and log lines, bounded"""
    attempts: NotRequired[list[Attempt]]
    not_before_ms: NotRequired[int]
    """for a pending one: when the next try may start"""
    deadline_ms: NotRequired[int]
    """moved by ``extend``"""
    decided_by: NotRequired[str]
    """the author of the override that executed or ended it"""
    override: NotRequired[str]
    """the key of that override"""
    reassigned_to: NotRequired[str]
    """the activation that goes on with it, where the override says so"""
    escalation: NotRequired[str]
    """key of the escalation it waits for"""
    conflicts: NotRequired[int]
    """contributions refused and tried again"""
    passed_to: NotRequired[str]
    """the agent that had its turn instead, for one that has failed for good"""
    proposed: NotRequired[Proposed]
    """what waits for a validator"""
    cites: NotRequired[list[Seen]]
    """what it says that its contribution rests on"""
    supports: NotRequired[Supports]
    """what it wrote that stands only while its causes do"""
    withdrawn: NotRequired[str]
    """which cause moved, so that what it wrote rests on it no more and the same match may fire again"""
    verdict: NotRequired[Verdict]
    """of a validator: what it said"""
    stall: NotRequired[list[str]]
    """for one that was held back as stalled: by which sign, and where that showed"""
    confidence: NotRequired[float]
    """how sure the agent said that it was in its last call, from 0 to 1"""
    because: NotRequired[str]
    """why it was that sure"""
    let_through: NotRequired[bool]
    """it contributed although it was unsure, since nobody is to be asked"""
    critical: NotRequired[list[str]]
    """those keys of its contribution that were critical decisions"""
    compensation: NotRequired[Reversal]
    """what undoes its contribution"""
    reviewed_by: NotRequired[str]
    """the person who approved, or decided, what was contributed"""
    proposal: NotRequired[Proposal]
    """of a failed one that a supervisor is asked about: what it would have contributed"""
    collected: NotRequired[dict[str, Collected]]
    """alias → what was collected, frozen at the dispatch; triggers of other aliases are what the id is made of"""


class Progress(TypedDict):
    """``control/progress/<activation>``: what a running agent says that it does; gone when the activation has ended."""

    agent: str
    text: str
    at_ms: int


class Attention(TypedDict):
    """``control/attention/<kind>/<activation>``: something that a supervisor is to look at."""

    kind: Literal["overdue", "failed", "stalled"]
    activation: str
    agent: str
    capability: str
    case: str
    captures: dict[str, str]
    times: int
    """how often this was raised for this activation, this time included"""
    step: int
    addressed: str
    """the name of the supervisor on the ladder whose turn it is"""
    deadline_ms: int
    """until when that one has time; then the next on the ladder is asked"""
    failure: FailureClass
    reason: str
    waited_ms: int


class Scope(TypedDict, total=False):
    """What an order is about: all that is named must fit an activation."""

    activation: str
    agent: str
    capability: str
    case: str
    pattern: str
    """matched by a record that triggers the activation"""


class Override(TypedDict):
    """``control/overrides/<id>``: the order of a supervisor or a person.

    It is ``open`` until the controller has judged it.  Then it is ``refused``, or ``applied`` where what it says is
    done, or ``standing`` where it holds for what is there and what comes, until its activation has ended
    (``applied``), its time is over (``expired``), or somebody takes it back (``revoked``).
    """

    verb: Literal["force", "veto", "hold", "boost", "reassign", "cancel", "extend", "decide"]
    activation: str
    """the one it is about; ``""`` where ``scope`` is wider"""
    author: str
    """a supervisor's name, or ``human/<name>``"""
    reason: str
    status: Literal["open", "applied", "standing", "refused", "expired", "revoked"]
    scope: NotRequired[Scope]
    """left out where it is the activation alone"""
    expires_ms: NotRequired[int]
    """when it no longer stands; left out: not before it is revoked"""
    points: NotRequired[float]
    """boost: added to the score"""
    level: NotRequired[str]
    """boost: the level to compete at"""
    to: NotRequired[str]
    """reassign: the agent that is to do it"""
    moved_to: NotRequired[str]
    """reassign: the activation of that agent"""
    by_ms: NotRequired[int]
    """extend: how much more time"""
    value: NotRequired[Any]
    """decide: what is contributed instead"""
    key: NotRequired[str]
    """decide: where, if the agent contributes to several keys"""
    outcome: NotRequired[str]
    """one sentence: what it did, or why it was refused or ended"""
    ended_by: NotRequired[str]
    """who revoked it"""


class Escalation(TypedDict):
    """``control/escalations/<id>``: a question to a person."""

    status: Literal["open", "answered", "stale"]
    question: str
    choices: list[str]
    schema: dict[str, Any] | None
    """JSON Schema of a free answer, where choices do not say it all"""
    answer_to: str
    """the key at which the answer is written; ``""`` where the answer only ends the activation"""
    activation: str
    agent: str
    case: str
    asked_ms: int
    context_revision: int
    """the revision that the question was asked at"""
    context: list[Seen]
    """the records that the question is about"""
    failure: FailureClass | None
    proposal: NotRequired[Proposal]
    """what the agent would contribute, where the question is whether it may"""
    critical: NotRequired[list[str]]
    """patterns of the records that are critical decisions"""
    assignee: NotRequired[str]
    """who is asked now"""
    next_assignees: NotRequired[list[str]]
    """who is asked in turn after that"""
    within_ms: NotRequired[int]
    """how long each has"""
    deadline_ms: NotRequired[int]
    """until when the one who is asked now has; none where nothing follows any more"""
    default: NotRequired[Any]
    """the answer when the last deadline has passed"""
    answer: NotRequired[Any]
    answered_by: NotRequired[str]
    answered_ms: NotRequired[int]
    reason: NotRequired[str]


class BreakerRecord(TypedDict):
    """``control/breakers/<agent>``: the circuit breaker of an agent; written when its state changes."""

    agent: str
    state: BreakerState
    reason: str
    """one sentence for a person: why it is as it is"""
    opened_ms: int
    until_ms: int
    """while it is open: when one call is let through"""
    times: int
    """how often it has opened since it was last closed"""
    at_ms: int
    """calls that ended by then are judged already"""


class EventMark(TypedDict):
    """``control/events/<n>``: event n of the scenario, counted from 0, has happened; written in its commit."""

    at_ms: int
    """from the start of the run"""
    key: str
    done: Literal["posted", "retracted"]


class Timer(TypedDict):
    """``control/timers/<agent>``: the last tick of an agent's timer; number 0 is when it was started."""

    agent: str
    n: int
    due_ms: int
    at_ms: int
    missed: int
    """ticks before this one that were due and not written"""


class Phase(TypedDict):
    """One row of the overhead split."""

    seconds: float
    share: float
    """of all agents' running time"""


class RunSettings(TypedDict, total=False):
    """What a run goes by, so that it can be taken up again."""

    run: str
    """what it is run as"""
    file: str
    """where it was read"""
    input: str | None
    sets: list[str]
    """what was laid over it"""
    document: dict[str, Any]
    """the scenario, all but its records"""


class RejectedLine(TypedDict):
    """A line of the input that could not be fed."""

    line: int
    reason: str


class LackedRecord(TypedDict):
    """A record that is waited for."""

    key: str
    writers: list[str]
    """the agents that may write it"""


class WaitRecord(TypedDict):
    """One that could not fire, where some wait for each other."""

    name: str
    agent: str
    captures: dict[str, str]
    has: list[str]
    """``key@commit`` of what is there of what it watches"""
    lacks: list[LackedRecord]


class WaitGraph(TypedDict):
    """Who waits for which record that only others who wait would write."""

    waits: list[WaitRecord]
    edges: list[Edge]
    circles: list[list[str]]
    """names of waits, each before the one that it waits for"""
    cut: bool
    """there is more"""


class Run(TypedDict):
    """``control/run``: what is being run on this board."""

    scenario: str
    status: Literal["running", "finished", "awaiting", "timed_out", "stalled", "interrupted"]
    started_ms: int
    ended_ms: NotRequired[int]
    settings: RunSettings
    overhead: NotRequired[dict[str, Phase]]
    """by the name of the phase"""
    agents_seconds: NotRequired[float]
    """all agents' running time, which the shares are of"""
    conflicts: NotRequired[int]
    rejected_input: NotRequired[list[RejectedLine]]
    """the first 1,000"""
    rejected_count: NotRequired[int]
    """how many there were"""
    waits: NotRequired[WaitGraph]
    """where it ended because some wait for each other"""


class Flow(TypedDict):
    """``control/flow``: whether the controller dispatches by itself; where there is none, it does."""

    mode: Literal["running", "paused", "recommend"]
    """``recommend``: it says whom it would pick, and waits for a person's word"""
    steps: int
    """picks that are granted while it does not run by itself; each dispatch takes one in its own commit"""
    author: str
    reason: str
    choose: NotRequired[str]
    """the activation that the next of these picks is to be; without it the controller's own"""
    refused: NotRequired[str]
    """why what was chosen last could not be dispatched"""


class Focus(TypedDict):
    """``control/focus``: only what it covers fires while it is there; each empty list is everything."""

    agents: list[str]
    regions: list[str]
    """of these one must be that of a record that sets the activation off"""
    cases: list[str]
    patterns: list[str]
    """of these one must match a record that sets the activation off"""
    author: str
    reason: str
    expires_ms: int | None
    """when the record expires by itself, for people to see"""


class Recommendation(TypedDict):
    """``control/recommendation``: whom the controller would pick, and why, while it waits for a person's word."""

    activation: str
    agent: str
    case: str
    decision: Decision


class Posted(TypedDict):
    """``control/posts/<key>``: why a person last wrote the record at that key; written in the same commit."""

    reason: str


class Leader(TypedDict):
    """``control/leader``: who leads the board."""

    member: str


SHAPES: Final[dict[str, Any]] = {
    RUN: Run,
    LEADER: Leader,
    AGENTS: Agent,
    ACTIVATIONS: Activation,
    ATTENTION: Attention,
    OVERRIDES: Override,
    ESCALATIONS: Escalation,
    CLAIMS: Claim,
    REVERTS: Revert,
    PROGRESS: Progress,
    EVENTS: EventMark,
    SCHEMAS: RegionSchema,
    BREAKERS: BreakerRecord,
    POSTS: Posted,
    FLOW: Flow,
    FOCUS: Focus,
    RECOMMENDATION: Recommendation,
    TIMERS: Timer,
}
"""what the records under ``control/`` hold, by the beginning of their keys"""
