"""An explanation in sentences: what happened first, then why, then what stood against it.

A sentence is about what it names: the record, the activation or the question to go on from.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from blackboard.commands.record_view import instant, short_value
from blackboard.wording import counted, error_and_place, first_line, seconds
from controller.proposing import how_sure
from controller.viewer.sentence import Sentence, under
from controller.viewer.target import Target, target_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from blackboard.control_records import Attempt
    from controller.provenance import CaseAccount, Cause, Explanation, Origin
    from controller.step import Asked, Decided, Late, NotChosen, Rival, Ruling, Step

ENDINGS: Final = {
    "pending": "is to be tried again",
    "held": "is held",
    "running": "is running",
    "proposed": "waits for a validator",
    "failed": "has failed and waits for a supervisor",
    "executed": "executed",
    "obviated": "was obviated",
    "vetoed": "was vetoed",
    "cancelled": "was cancelled",
    "abandoned": "was given up",
    "escalated": "waits for a person",
}


COST_SHOWN: Final = 0.00005
"""the least cost that four decimals show"""


def explanation_lines(explained: Explanation) -> Iterator[Sentence]:
    """``explained`` as lines, those of causes indented under what they led to."""
    if not explained.there:
        yield from _absence(explained)
    if explained.origin is not None:
        yield from _origin(explained.origin, "")
    for step in explained.aimed:
        instead = f"; it wrote {_listed(step.wrote)}" if step.wrote else ""
        ended = f"{ENDINGS[step.state]}{instead}{_because(step.reason)}"
        yield Sentence(f"{step.agent}, which may write it, {ended}", _activation(step.activation))
        yield from under("  ", _details(step))


def account_lines(told: CaseAccount) -> Iterator[Sentence]:
    """A case as lines: what was fed, then each activation in the order of the decisions."""
    if told.fed is not None:
        yield Sentence(f"{told.case} = {short_value(told.fed.value)}", _record(told.fed))
        by = told.fed.author or "nobody named"
        because = _because(told.fed.reason)
        yield Sentence(f"  fed by {by}{because} at {instant(told.fed.time_ms)}, commit {told.fed.commit}")
    start_ms = told.fed.time_ms if told.fed is not None else min((s.first_dispatched_ms for s in told.steps), default=0)
    for number, step in enumerate(told.steps, 1):
        brief = Brief(step.activation, step.agent, step.state, step.decided_by, step.wrote, step.reason, step.withdrawn)
        yield brief_line(brief, number, step.first_dispatched_ms - start_ms)
        yield from under("   ", _details(step))
    if told.cost:
        failed = f", of it {told.failed_cost:.4f} in failed calls" if told.failed_cost else ""
        asked = told.cost - sum(step.cost for step in told.steps)
        others = f", of it {asked:.4f} of supervisors" if asked > COST_SHOWN else ""
        yield Sentence(f"in all: cost {told.cost:.4f}{failed}{others}")


class Brief(NamedTuple):
    """What is said of an activation in one sentence; see :class:`controller.step.Step`."""

    activation: str
    agent: str
    state: str
    decided_by: str
    wrote: tuple[str, ...]
    reason: str
    withdrawn: str


def brief_line(step: Brief, number: int, after_ms: int) -> Sentence:
    """One step of a case: when it was, who it was, and what became of it."""
    decided = f" as {step.decided_by} decided" if step.decided_by else ""
    wrote = f": wrote {', '.join(step.wrote)}" if step.wrote else _because(step.reason)
    until = f", until {step.withdrawn}" if step.withdrawn else ""
    ended = f"{step.agent} {ENDINGS[step.state]}{decided}{wrote}{until}"
    return Sentence(f"{number}. after {seconds(after_ms)}: {ended}", _activation(step.activation))


def _absence(explained: Explanation) -> Iterator[Sentence]:
    gone = explained.removal
    if gone is None:
        yield Sentence(f"{explained.key} is not there, and the log holds no change of it")
    else:
        how = "its time was over" if gone.operation == "expire" else f"removed by {gone.author or 'nobody named'}"
        yield Sentence(f"{explained.key} is not there any more: {how} at {instant(gone.time_ms)}, commit {gone.commit}")
    if explained.origin is not None:
        yield Sentence("what stood there last:")
    elif explained.writers and not explained.aimed:
        yield Sentence(f"it may be written by {_listed(explained.writers)}; none of their activations was to write it")


def _origin(origin: Origin, indent: str) -> Iterator[Sentence]:
    yield Sentence(f"{indent}{origin.key} = {short_value(origin.value)}", _record(origin))
    yield from under(indent + "  ", _writing(origin))
    if origin.causes:
        yield Sentence(f"{indent}  from")
    for cause in origin.causes:
        yield from _cause(cause, indent + "    ")


def _cause(cause: Cause, indent: str) -> Iterator[Sentence]:
    if cause.origin is None:
        yield Sentence(f"{indent}{cause.reference} ({cause.left_out})", _reference(cause.reference))
    else:
        yield from _origin(cause.origin, indent)


def _writing(origin: Origin) -> Iterator[Sentence]:
    by, step = origin.author or "nobody named", origin.by
    version = f"commit {origin.commit}, version {origin.version}, {instant(origin.time_ms)}"
    by_it = _activation(origin.activation)
    if step is None and origin.activation:
        yield Sentence(f"written by {by}, activation {origin.activation}, of which no record is left; {version}", by_it)
    elif step is None:
        case = Target("case", origin.case) if origin.case else None
        yield Sentence(f"fed by {by}{_because(origin.reason)}; {version}", case)
    elif by != step.agent:
        instead = f"in the place of {step.agent}, activation {origin.activation}"
        yield Sentence(f"written by {by} {instead}; {version}", by_it)
    else:
        yield Sentence(f"written by {by}, activation {origin.activation}; {version}", by_it)
    if origin.status:
        yield Sentence(f"its status: {origin.status}")
    if not origin.stands:
        since = f"it does not stand any more: {origin.since} wrote over it" if origin.since else "it was removed since"
        yield Sentence(since, target_of(origin.key, origin.since) if origin.since else None)
    if step is not None:
        yield from _details(step)


def _details(step: Step) -> Iterator[Sentence]:
    yield from _decision(step.decision)
    yield Sentence(figures(step))
    yield from late_lines(step)
    if step.confidence is not None:
        through = ", under what it needs, and nobody was to be asked" if step.let_through else ""
        yield Sentence(f"{how_sure(step.confidence, step.because)}{through}")
    for number, failed in enumerate(step.failed, 1):
        yield Sentence(failed_call(number, failed))
    yield from people_lines(step)
    yield from rival_lines(step)
    for line in step.log:
        yield Sentence(f"it said: {first_line(line)}")


def failed_call(number: int, failed: Attempt) -> str:
    """One call that did not do it, and why."""
    took = seconds(failed["ended_ms"] - failed["started_ms"])
    cost = f", cost {failed['cost']:.4f}" if failed["cost"] else ""
    return f"call {number} failed after {took} ({failed['failure']}{cost}): {error_and_place(failed['error'])}"


def people_lines(step: Step) -> Iterator[Sentence]:
    """The supervisors and the people who were asked about it, and what they said."""
    for ruling in step.rulings:
        yield Sentence(_ruled(ruling), _activation(ruling.activation))
    for asked in step.questions:
        yield from _question(asked)
    told = {ruling.supervisor for ruling in step.rulings if ruling.status == "applied"}
    told |= {one.answered_by for one in step.questions if one.status == "answered"}
    if step.decided_by and step.decided_by not in told:
        yield Sentence(step.reason)


def rival_lines(step: Step) -> Iterator[Sentence]:
    """The others that were at work on the same."""
    for rival in step.rivals:
        yield Sentence(_rival(rival), _activation(rival.activation))


def late_lines(step: Step) -> Iterator[Sentence]:
    """What it collected, and what came too late for that."""
    if step.collected:
        yield Sentence(f"it collected {_listed(step.collected)}")
    for late in step.late:
        yield Sentence(_too_late(late), _reference(late.reference))


def _too_late(late: Late) -> str:
    by = f" by {late.author}" if late.author else ""
    if late.after_ms is None:
        return f"no part of it, for more were there than it takes: {late.reference}{by}"
    return f"late, and no part of it: {late.reference}{by}, {seconds(late.after_ms)} after the dispatch"


def decision_line(decided: Decided) -> Sentence:
    """When and by what it was chosen; about the order that moved it, where one did."""
    if not decided.eligible:
        return Sentence(f"never picked: settled at revision {decided.revision}, level {decided.level}")
    place = (
        "the only one eligible" if decided.eligible == 1 else f"number {decided.rank} of {decided.eligible} eligible"
    )
    ordered = f" ({decided.ordered_by})" if decided.ordered_by else ""
    moved = f", moved by {decided.override}{ordered}" if decided.override else ""
    came = f" (from {decided.promoted_from})" if decided.promoted_from else ""
    share = f" share {decided.share} of {decided.flow or 'nobody'}," if decided.share is not None else ""
    return Sentence(
        f"chosen at revision {decided.revision}, {place}{moved}: level {decided.level}{came},{share} rating"
        f" {decided.rating:g}, score {decided.score:.3f}, waited {seconds(decided.waited_ms)}",
        _reference(decided.override) if decided.override else None,
    )


def _decision(decided: Decided) -> Iterator[Sentence]:
    yield decision_line(decided)
    alike: dict[tuple[str, str, str], list[NotChosen]] = {}
    for one in decided.not_chosen:
        alike.setdefault((one.agent, one.level, one.became), []).append(one)
    if alike:
        yield Sentence(f"not chosen then: {'; '.join(_not_chosen(group) for group in alike.values())}")


def _not_chosen(alike: list[NotChosen]) -> str:
    """Entries of one agent and level that became the same."""
    first, last = alike[0], alike[-1]
    cases = tuple(dict.fromkeys(one.case for one in alike if one.case))
    about = f" for {_listed(cases)}" if cases else ""
    best, least = f"{first.score:.3f}", f"{last.score:.3f}"
    score = f"score {best}" if best == least else f"scores {best} to {least}"
    since = f"{first.became} by now" if first.became else "never fired"
    return f"{first.agent}{about} (level {first.level}, {score}; {since})"


def figures(step: Step) -> str:
    """How long it ran and what it cost."""
    parts = [f"ran {step.ran_ms:.2f} ms" if step.ran_ms is not None else "its running time is not known"]
    if step.latency_ms is not None:
        parts.append(f"{seconds(step.latency_ms)} from eligible to its end")
    if step.calls > 1:
        parts.append(f"{step.calls} calls")
    if step.conflicts:
        parts.append(counted(step.conflicts, "conflict"))
    tokens = f", {step.input_tokens} tokens in and {step.output_tokens} out" if step.input_tokens else ""
    part = step.cost / step.case_cost if step.case_cost else 1.0
    share = f", {part:.0%} of its case" if step.cost and part < 1 else ""
    parts.append(f"cost {step.cost:.4f}{share}{tokens}" if step.cost or tokens else "no cost")
    return ", ".join(parts)


def _ruled(ruling: Ruling) -> str:
    asked = f"supervisor {ruling.supervisor} was asked at {instant(ruling.asked_ms)}{_because(ruling.why)}"
    if not ruling.verb:
        return f"{asked}; it gave no order and {ENDINGS[ruling.state]}{_because(ruling.reason)}"
    by = f" by {seconds(ruling.by_ms)}" if ruling.by_ms else ""
    order = f"{asked}; it ordered {ruling.verb}{by} ({ruling.reason})"
    return f"{order}, refused: {ruling.outcome}" if ruling.status == "refused" else f"{order}, {ruling.status}"


def _question(asked: Asked) -> Iterator[Sentence]:
    choices = f" ({', '.join(asked.choices)})" if asked.choices else ""
    about = Target("question", asked.id)
    yield Sentence(f"a person was asked at {instant(asked.asked_ms)}: {asked.question}{choices}", about)
    if asked.status == "answered":
        took = seconds(asked.answered_ms - asked.asked_ms)
        answer = f"{asked.answered_by} answered {short_value(asked.answer)} after {took}{_because(asked.reason)}"
        yield Sentence(answer, about)
    elif asked.status == "open":
        yield Sentence(f"nobody has answered yet: blackboard escalations answer {asked.id[:8]} CHOICE", about)
    else:
        yield Sentence(f"the question is {asked.status}{_because(asked.reason)}", about)


def _rival(rival: Rival) -> str:
    first = f"; {rival.winner} was first" if rival.winner else ""
    return f"{rival.agent}, for the same, {ENDINGS[rival.state]}{first}{_because(rival.reason)}"


def _because(reason: str) -> str:
    return f": {first_line(reason)}" if reason else ""


def _listed(names: tuple[str, ...]) -> str:
    return " and ".join(part for part in (", ".join(names[:-1]), names[-1]) if part)


def _record(origin: Origin) -> Target:
    return target_of(origin.key, origin.commit)


def _reference(text: str) -> Target:
    """What ``key@commit`` names; the commit may be left out."""
    key, at, commit = text.rpartition("@")
    return target_of(key, commit) if at else target_of(text)


def _activation(activation: str) -> Target:
    return Target("activation", activation)
