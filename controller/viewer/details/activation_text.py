"""What an activation's detail says: why it was chosen, what it did, what became of it, and how long each state lasted.

Pure: what was read goes in, sections come out.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from blackboard.commands.record_view import instant
from blackboard.control_shapes import checked
from blackboard.errors import Corrupt
from blackboard.wording import seconds
from controller.proposing import how_sure
from controller.viewer.details.page import Entry, Section, fact, facts, told
from controller.viewer.details.sentences import sentence_entries
from controller.viewer.details.value_text import one_line
from controller.viewer.line import said
from controller.viewer.target import Target, target_of
from controller.viewer.why_text import (
    ENDINGS,
    decision_line,
    failed_call,
    figures,
    late_lines,
    people_lines,
    rival_lines,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from blackboard.control_records import Activation, Attempt, Proposal, State
    from blackboard.log import Change
    from blackboard.record import Record
    from controller.step import NotChosen, Step
    from controller.viewer.line import Meaning

MOST_NAMED: Final = 100
"""records, lines and rivals that are named, of each kind"""
MOST_ERROR_LINES: Final = 40
STATES: Final[Mapping[State, Meaning]] = {
    "executed": "good", "running": "lit", "failed": "bad", "abandoned": "bad", "vetoed": "bad", "cancelled": "warn",
    "escalated": "warn", "held": "warn", "obviated": "dim", "proposed": "warn",
}  # fmt: skip


def sections(record: Record[Any], step: Step, progress: Record[Any] | None, changes: Sequence[Change]) -> list[Section]:
    """Everything there is to know of the activation whose record that is; ``changes`` of it are the newest first."""
    value: Activation = record.value
    return [
        Section("", _head(record, step), "head"),
        Section("Now", _progress(progress)),
        Section("Set off by", _triggers(value, step)),
        Section("Decision", _decision(step)),
        Section("Calls", calls(value)),
        Section("People and supervisors", sentence_entries(people_lines(step))),
        Section("Rivals", sentence_entries(rival_lines(step))),
        Section("Said", [told(text) for text in value.get("log", ())[:MOST_NAMED]]),
        Section("Wrote", [told(key, target_of(key)) for key in value.get("wrote", ())[:MOST_NAMED]]),
        Section("Proposes", _proposal(value)),
        Section("Judged", _verdict(value)),
        Section("Read", _seen(value.get("read", ()))),
        Section("Rests on", _seen(value.get("cites", ()))),
        Section("Over time", over_time(changes)),
    ]


def _head(record: Record[Any], step: Step) -> list[Entry]:
    value: Activation = record.value
    state = value["state"]
    provides = f" ({value['capability']})" if value["capability"] != value["agent"] else ""
    entries = [
        fact("agent", f"{value['agent']}{provides}", Target("agent", value["agent"])),
        fact("case", value["case"], Target("case", value["case"])),
        fact("state", state, None, STATES.get(state, "")),
        *facts("because", [value["reason"]] if value.get("reason") else []),
        *_moved(value),
        *facts("captures", [f"{name} = {text}" for name, text in value["captures"].items()]),
        fact("work item", value["work_item"]),
        fact("eligible", instant(value["eligible_ms"]), moment_ms=value["eligible_ms"]),
        fact("dispatched", f"{instant(value['dispatched_ms'])} to {value['worker']}"),
    ]
    if value.get("ended_ms"):
        entries.append(fact("ended", instant(value["ended_ms"]), moment_ms=value["ended_ms"]))
    entries.append(fact("took", figures(step)))
    if step.dispatch_ms is not None:
        entries.append(fact("dispatch", f"{step.dispatch_ms:.2f} ms from the pick to its start"))
    if "confidence" in value:
        through = ", let through: nobody was to be asked" if value.get("let_through") else ""
        entries.append(fact("sure", how_sure(value["confidence"], value.get("because", "")) + through))
    return [*entries, *_usage(value), fact("record", record.reference, Target("record", record.key, record.commit))]


def _moved(value: Activation) -> list[Entry]:
    """What others did with it, and what it waits for."""
    entries: list[Entry] = []
    if value.get("failure"):
        entries.append(fact("failure", value["failure"], None, "bad"))
    if value.get("decided_by"):
        override = value.get("override", "")
        entries.append(fact("decided by", value["decided_by"], target_of(override) if override else None, "warn"))
    if value.get("reviewed_by"):
        entries.append(fact("reviewed by", value["reviewed_by"]))
    if value.get("winner"):
        entries.append(fact("first was", value["winner"]))
    if value.get("reassigned_to"):
        entries.append(fact("goes on as", value["reassigned_to"], Target("activation", value["reassigned_to"])))
    if value.get("passed_to"):
        entries.append(fact("passed to", value["passed_to"], Target("agent", value["passed_to"])))
    if value.get("escalation"):
        entries.append(fact("question", value["escalation"], target_of(value["escalation"])))
    if value.get("withdrawn"):
        entries.append(fact("withdrawn", value["withdrawn"], None, "warn"))
    if value.get("stall"):
        entries.append(fact("stalled", ", ".join(value["stall"]), None, "warn"))
    for name, moment_ms in (("deadline", value.get("deadline_ms")), ("not before", value.get("not_before_ms"))):
        if moment_ms and not value.get("ended_ms"):
            entries.append(fact(name, instant(moment_ms), moment_ms=moment_ms))
    return entries


def _usage(value: Activation) -> list[Entry]:
    texts = [
        f"{one['model']}: {one['input_tokens']:,} tokens in, {one['output_tokens']:,} out, cost {one['cost']:.4f}"
        for one in value.get("usage", ())
    ]
    return facts("used", texts)


def _progress(progress: Record[Any] | None) -> list[Entry]:
    if progress is None:
        return []
    return [Entry((said(progress.value["text"], "lit"),), moment_ms=progress.value["at_ms"])]


def _triggers(value: Activation, step: Step) -> list[Entry]:
    entries = [
        told(f"{alias}: {key}@{commit}", target_of(key, commit))
        for alias, key, commit in value["triggers"][:MOST_NAMED]
    ]
    return _ended(entries, len(value["triggers"])) + sentence_entries(late_lines(step))


def _decision(step: Step) -> list[Entry]:
    decided = step.decision
    entries = sentence_entries([decision_line(decided)])
    entries += [
        fact("" if number else "not chosen", _not_chosen(one), Target("activation", one.activation))
        for number, one in enumerate(decided.not_chosen)
    ]
    left = decided.eligible - 1 - len(decided.not_chosen)
    if decided.not_chosen and left > 0:
        entries.append(fact("", f"and {left:,} more", None, "dim"))
    return entries


def _not_chosen(one: NotChosen) -> str:
    about = f" for {one.case}" if one.case else ""
    since = ENDINGS.get(one.became, "never fired")
    return f"{one.agent}{about}: level {one.level}, score {one.score:.3f}; since then it {since}"


def calls(value: Activation) -> list[Entry]:
    """Its failed calls, each with its error, and what became of the last."""
    entries: list[Entry] = []
    for number, failed in enumerate(value.get("attempts", ())[:MOST_NAMED], 1):
        by = f", by {failed['agent']}" if failed.get("agent", value["agent"]) != value["agent"] else ""
        entries.append(told(failed_call(number, failed) + by, None, "bad"))
        entries += _error_lines(failed)
    if entries and value["attempt"] > len(value.get("attempts", ())):
        entries.append(told(f"call {value['attempt']} {ENDINGS[value['state']]}"))
    return entries


def _error_lines(failed: Attempt) -> list[Entry]:
    """What an error says beyond its first line, and the place, which are told with the call."""
    lines = [text for text in failed["error"].splitlines() if text.strip()][1:]
    if lines and lines[-1].strip().startswith("at "):
        lines.pop()
    entries = [told(f"    {text}", None, "dim", indent=6) for text in lines[:MOST_ERROR_LINES]]
    return _ended(entries, len(lines))


def _proposal(value: Activation) -> list[Entry]:
    entries = proposal_entries(value["proposal"]) if "proposal" in value else []
    if "proposed" in value:
        proposed = value["proposed"]
        waits = ", ".join(proposed["wanted"])
        entries += [told(f"waits for a validator to pass {waits}", None, "warn")] if waits else []
        for key in proposed["keys"][:MOST_NAMED]:
            by = f", passed by {proposed['passed'][key]}" if key in proposed["passed"] else ""
            entries.append(told(f"{key}{by}", target_of(key)))
    return entries


def proposal_entries(proposal: Proposal) -> list[Entry]:
    """What an agent would write, and how sure it is."""
    entries = [
        told(
            f"{one['key']} = {one_line(one['value'])}" if "value" in one else f"no {one['key']}", target_of(one["key"])
        )
        for one in proposal["writes"][:MOST_NAMED]
    ]
    if "omitted" in proposal:
        entries.append(told(proposal["omitted"], None, "warn"))
    if "confidence" in proposal:
        entries.append(told(how_sure(proposal["confidence"], proposal.get("because", ""))))
    return entries


def _verdict(value: Activation) -> list[Entry]:
    if "verdict" not in value:
        return []
    verdict = value["verdict"]
    score = f", score {verdict['score']:g}" if verdict["score"] is not None else ""
    text = f"{'passed' if verdict['passed'] else 'rejected'} {verdict['key']}{score}: {verdict['reason']}"
    meaning: Meaning = "good" if verdict["passed"] else "bad"
    return [told(text, Target("activation", verdict["activation"]), meaning)]


def _seen(references: Iterable[list[str]]) -> list[Entry]:
    found = list(references)
    entries = [
        told(f"{key}@{commit}", target_of(key, commit)) if commit else told(f"{key}: it was not there", target_of(key))
        for key, commit in found[:MOST_NAMED]
    ]
    return _ended(entries, len(found))


def over_time(changes: Sequence[Change]) -> list[Entry]:
    """Each state that it was in and for how long; ``changes`` of its record are the newest first."""
    entries: list[Entry] = []
    before_ms, state_before = 0, ""
    for change in reversed(changes):
        state, by, reason = _state_in(change)
        after = f"after {seconds(change.time_ms - before_ms)}" if entries else instant(change.time_ms)
        again = " again" if state == state_before else ""
        text = f"{after}: {state}{again}{f' (by {by})' if by else ''}{f': {reason}' if reason else ''}"
        target = Target("record", change.key, change.commit) if change.record is not None else None
        entries.append(told(text, target))
        before_ms, state_before = change.time_ms, state
    return entries


def _state_in(change: Change) -> tuple[str, str, str]:
    """The state, who committed it, and why; whatever the log holds there."""
    record = change.record
    if record is None:
        return "its record was removed", change.author, ""
    try:
        value = checked(record).value
    except Corrupt:
        return "what the runtime does not write there", change.author, ""
    return value["state"], change.author, value.get("reason", "")


def _ended(entries: list[Entry], count: int) -> list[Entry]:
    """``entries``, with how many there would be more."""
    return [*entries, told(f"… and {count - len(entries):,} more", None, "dim")] if count > len(entries) else entries


def pending_sections(entry: Mapping[str, Any] | None, apart: str, agent: str, case: str) -> list[Section]:
    """What the published agenda says of one that has no record: it was never dispatched.

    ``agent`` and ``case`` are those of the match that was found for it, ``""`` where none was.
    """
    if entry is None and agent:
        entries = [
            fact("agent", agent, Target("agent", agent)),
            fact("case", case, Target("case", case)),
            fact("state", apart or "pending: it has not fired, and is not among those that the agenda shows"),
        ]
        return [Section("", entries, "head")]
    if entry is None:
        text = apart or "there is no such activation: it has no record, and it is not on the agenda that is published"
        return [Section("", [told(text, None, "warn")], "head")]
    score = f"{entry['score']:.3f} (rating {entry['rating']:g} + {entry['aged']:.3f} by waiting)"
    came = f", to which waiting has lifted it from {entry['promoted_from']}" if "promoted_from" in entry else ""
    entries = [
        fact("agent", entry["agent"], Target("agent", entry["agent"])),
        fact("case", entry["case"], Target("case", entry["case"])),
        fact(
            "state",
            f"pending, {entry['state']}: it has not fired yet",
            None,
            "lit" if entry["state"] == "ready" else "",
        ),
        *facts("because", entry["because"], "warn"),
        fact("level", f"{entry['level']}{came}"),
        fact("score", score),
        *([fact("share", f"{entry['share']} of {entry['flow'] or 'nobody'}")] if "share" in entry else []),
        *([fact("moved by", entry["override"], target_of(entry["override"]))] if "override" in entry else []),
        fact("eligible", instant(entry["eligible_ms"]), moment_ms=entry["eligible_ms"]),
        fact("call", f"number {entry['attempt']}"),
    ]
    if "not_before_ms" in entry:
        entries.append(fact("not before", instant(entry["not_before_ms"]), moment_ms=entry["not_before_ms"]))
    return [Section("", entries, "head")]


def several(beginning: str, ids: Sequence[str]) -> list[Section]:
    """The activations that a beginning could mean."""
    entries = [told(one, Target("activation", one)) for one in ids[:MOST_NAMED]]
    return [Section(f"{beginning} could be any of these", _ended(entries, len(ids)), "head")]


def titled(agent: str, case: str, state: str) -> str:
    """What stands in the frame."""
    return f"{agent} for {case} · {state}"
