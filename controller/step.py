"""One activation as its records tell it: the decision, the calls, the supervisors, the people, and its rivals."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from blackboard.control_records import ATTENTION, OVERRIDES

if TYPE_CHECKING:
    from blackboard.control_records import Activation, Attempt, Collected, Decision, Escalation, Override
    from blackboard.record import Record
    from controller.past import Past


@dataclass(frozen=True, slots=True)
class NotChosen:
    """One that was eligible too and was not chosen; ``became`` is its state since, ``""`` if it never fired."""

    activation: str
    agent: str
    case: str
    level: str
    score: float
    became: str


@dataclass(frozen=True, slots=True)
class Decided:
    """The decision that chose the activation; ``eligible`` is 0 where it was never picked."""

    revision: int
    level: str
    rank: int
    rating: float
    score: float
    waited_ms: int
    eligible: int
    override: str
    """key of the override that moved it"""
    not_chosen: tuple[NotChosen, ...]
    ordered_by: str = ""
    """who gave that order, and why"""
    promoted_from: str = ""
    """its own level, where waiting had lifted it to another"""
    flow: str = ""
    share: int | None = None
    """where firings are shared: its value of the capture, and what that stood at"""


@dataclass(frozen=True, slots=True)
class Ruling:
    """A supervisor that was asked about the activation, and what it ordered; ``verb`` is ``""`` for nothing."""

    supervisor: str
    activation: str
    """the supervisor's own"""
    state: str
    asked_ms: int
    why: str
    """for which it was asked; ``""`` where the log no longer tells"""
    ended_ms: int
    verb: str
    reason: str
    by_ms: int
    status: str
    outcome: str


@dataclass(frozen=True, slots=True)
class Asked:
    """A question to a person about the activation, and the answer where there is one."""

    id: str
    question: str
    choices: tuple[str, ...]
    asked_ms: int
    status: str
    answer: Any
    answered_by: str
    answered_ms: int
    reason: str


@dataclass(frozen=True, slots=True)
class Rival:
    """Another activation of the case that worked for the same thing."""

    activation: str
    agent: str
    state: str
    winner: str
    """for an obviated one: who was first"""
    reason: str
    ended_ms: int


@dataclass(frozen=True, slots=True)
class Late:
    """A record that matches what the activation collected and is no part of it."""

    reference: str
    author: str
    after_ms: int | None
    """how long after the dispatch it came; ``None`` where it was there and more than were to be taken"""


@dataclass(frozen=True, slots=True)
class Step:
    """One activation.  Durations are milliseconds; ``None`` where they were not measured."""

    activation: str
    agent: str
    capability: str
    case: str
    state: str
    reason: str
    withdrawn: str
    """which cause moved, so that what it wrote rests on it no more"""
    decided_by: str
    decision: Decided
    first_dispatched_ms: int
    ended_ms: int
    """0 while it has not ended"""
    latency_ms: int | None
    """from its eligibility to its end"""
    ran_ms: float | None
    dispatch_ms: float | None
    calls: int
    cost: float
    """of all calls"""
    case_cost: float
    """of all calls of its case, supervisors' among them"""
    input_tokens: int
    output_tokens: int
    conflicts: int
    confidence: float | None
    """how sure the agent said that it was"""
    because: str
    let_through: bool
    reviewed_by: str
    failed: tuple[Attempt, ...]
    rulings: tuple[Ruling, ...]
    questions: tuple[Asked, ...]
    rivals: tuple[Rival, ...]
    triggers: tuple[str, ...]
    collected: tuple[str, ...]
    """what it collected: ``votes: 2 of 3``"""
    late: tuple[Late, ...]
    wrote: tuple[str, ...]
    log: tuple[str, ...]


def step_of(past: Past, activation: str, written: Record | None = None) -> Step:
    """The activation of that id; ``written`` is the record of its contribution that is asked about, if one is."""
    record: Activation = past.activations[activation].value
    failed = tuple(record.get("attempts", ()))
    usage = record.get("usage", [])
    ended_ms = record.get("ended_ms", 0)
    ran_us, dispatch_us = record.get("run_us"), record.get("dispatch_us")
    wrote = tuple(record.get("wrote", ()))
    return Step(
        activation=activation,
        agent=record["agent"],
        capability=record["capability"],
        case=record["case"],
        state=record["state"],
        reason=record.get("reason", ""),
        withdrawn=record.get("withdrawn", ""),
        decided_by=record.get("decided_by", ""),
        decision=_decided(past, record["decision"]),
        first_dispatched_ms=first_call_ms(record),
        ended_ms=ended_ms,
        latency_ms=ended_ms - record["eligible_ms"] if ended_ms else None,
        ran_ms=ran_us / 1000 if ran_us is not None else None,
        dispatch_ms=dispatch_us / 1000 if dispatch_us is not None else None,
        calls=record["attempt"],
        cost=cost_of(record),
        case_cost=sum(cost_of(kept.value) for kept in past.by_case.get(record["case"], {}).values()),
        input_tokens=sum(one["input_tokens"] for one in usage),
        output_tokens=sum(one["output_tokens"] for one in usage),
        conflicts=record.get("conflicts", 0),
        confidence=record.get("confidence"),
        because=record.get("because", ""),
        let_through=record.get("let_through", False),
        reviewed_by=record.get("reviewed_by", ""),
        failed=failed,
        rulings=_rulings(past, activation, record["case"]),
        questions=_questions(past, activation),
        rivals=_rivals(past, activation, record, wrote or ((written.key,) if written is not None else ())),
        triggers=tuple(f"{key}@{commit}" for _, key, commit in record["triggers"]),
        collected=tuple(_taken(alias, one) for alias, one in record.get("collected", {}).items()),
        late=tuple(_late(record, one) for one in past.late.get(activation, ())),
        wrote=wrote,
        log=tuple(record.get("log", ())),
    )


def _taken(alias: str, collected: Collected) -> str:
    of = f" of {collected['of']}" if collected["of"] is not None else ""
    return f"{alias}: {collected['taken']}{of}"


def _late(activation: Activation, record: Record[Any]) -> Late:
    came_later = record.revision > activation["decision"]["revision"]
    after_ms = max(0, record.time_ms - activation["dispatched_ms"]) if came_later else None
    return Late(record.reference, record.author, after_ms)


def _decided(past: Past, decision: Decision) -> Decided:
    not_chosen = []
    for one in decision["runners_up"]:
        since = past.activations.get(one["activation"])
        case, became = (since.case, since.value["state"]) if since is not None else ("", "")
        not_chosen.append(NotChosen(one["activation"], one["agent"], case, one["level"], one["score"], became))
    return Decided(
        decision["revision"], decision["level"], decision["rank"], decision["rating"], decision["score"],
        decision["waited_ms"], decision["eligible"], decision["override"] or "", tuple(not_chosen),
        ordered_by=_ordered_by(past, decision["override"] or ""),
        promoted_from=decision.get("promoted_from", ""),
        flow=decision.get("flow", ""),
        share=decision.get("share"),
    )  # fmt: skip


def _ordered_by(past: Past, override: str) -> str:
    """Who gave the order at ``override``, a key or a ``key@commit``, and why; ``""`` where no record tells."""
    record = past.versions.get(override) if "@" in override else past.overrides.get(override.removeprefix(OVERRIDES))
    if record is None:
        return ""
    order: Override = record.value
    return f"{order['author']}: {order['reason']}" if order["reason"] else order["author"]


def first_call_ms(record: Activation) -> int:
    """When its first call began."""
    failed = record.get("attempts", ())
    return failed[0]["started_ms"] if failed else record["dispatched_ms"]


def cost_of(record: Activation) -> float:
    """What all calls of an activation cost."""
    failed = sum(one["cost"] for one in record.get("attempts", ()))
    return failed + sum(one["cost"] for one in record.get("usage", ()))


def _rulings(past: Past, activation: str, case: str) -> tuple[Ruling, ...]:
    """Every supervisor that was asked: its own activation was triggered by an attention record about this one."""
    found = []
    for own, record in past.by_case.get(case, {}).items():
        for _, key, commit in record.value["triggers"]:
            if key.startswith(ATTENTION) and key.rpartition("/")[2] == activation:
                found += _ruled(past, own, record.value, f"{key}@{commit}")
    return tuple(sorted(found, key=lambda ruling: ruling.asked_ms))


def _ruled(past: Past, own: str, record: Activation, ground: str) -> list[Ruling]:
    """What the supervisor whose activation is ``own`` ordered: one ruling for each order, or one without any."""
    names = [key.removeprefix(OVERRIDES) for key in record.get("wrote", ()) if key.startswith(OVERRIDES)] or [own]
    given = [past.overrides[name].value for name in names if name in past.overrides]
    return [_ruling(past, own, record, ground, order) for order in given or [None]]


def _ruling(past: Past, own: str, record: Activation, ground: str, order: Override | None) -> Ruling:
    asked = past.versions.get(ground)
    return Ruling(
        supervisor=record["agent"],
        activation=own,
        state=record["state"],
        asked_ms=asked.time_ms if asked is not None else record["eligible_ms"],
        why=asked.value["reason"] if asked is not None else "",
        ended_ms=record.get("ended_ms", 0),
        verb=order["verb"] if order is not None else "",
        reason=order["reason"] if order is not None else record.get("reason", ""),
        by_ms=order.get("by_ms", 0) if order is not None else 0,
        status=order["status"] if order is not None else "",
        outcome=order.get("outcome", "") if order is not None else "",
    )


def _questions(past: Past, activation: str) -> tuple[Asked, ...]:
    """Each time a question was put, as it was left: the last version of those asked at the same time."""
    by_asking: dict[int, Escalation] = {}
    for record in past.questions.get(activation, ()):
        by_asking[record.value["asked_ms"]] = record.value
    return tuple(
        Asked(
            activation, one["question"], tuple(one["choices"]), asked_ms, one["status"], one.get("answer"),
            one.get("answered_by", ""), one.get("answered_ms", 0), one.get("reason", ""),
        )
        for asked_ms, one in by_asking.items()
    )  # fmt: skip


def _rivals(past: Past, activation: str, record: Activation, wrote: tuple[str, ...]) -> tuple[Rival, ...]:
    """Others of the case that came too late for what this one did, or that wrote the same record."""
    found = []
    for other, kept in past.by_case.get(record["case"], {}).items():
        if other == activation:
            continue
        one: Activation = kept.value
        reason, winner, ended_ms = one.get("reason", ""), one.get("winner", ""), one.get("ended_ms", 0)
        same_work = one["work_item"] == record["work_item"] or any(f" {key} " in f" {reason}" for key in wrote)
        too_late = one["state"] == "obviated" and same_work
        if too_late or set(wrote) & set(one.get("wrote", ())):
            found.append(Rival(other, one["agent"], one["state"], winner, reason, ended_ms))
    return tuple(sorted(found, key=lambda rival: rival.ended_ms))
