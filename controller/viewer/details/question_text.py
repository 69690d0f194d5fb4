"""What a question's detail says: everything that one needs to answer it.

Pure: what was read goes in, sections come out.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from blackboard.commands.record_view import instant
from blackboard.errors import Corrupt
from controller.viewer.details.activation_text import MOST_NAMED, calls, proposal_entries
from controller.viewer.details.page import Entry, Section, fact, facts, told
from controller.viewer.details.value_text import value_entries
from controller.viewer.question_text import whose_turn
from controller.viewer.target import Target, target_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from blackboard.control_records import Escalation
    from blackboard.record import Record
    from controller.viewer.line import Meaning

MOST_RECORDS: Final = 20
"""records whose values are shown"""
MOST_VALUE_LINES: Final = 40
STATUSES: Final[Mapping[str, Meaning]] = {"open": "warn", "answered": "good", "stale": "dim"}


class About(NamedTuple):
    """A record that a question is about."""

    key: str
    commit: str
    """which version was looked at when it was asked; ``""``: it was not there"""
    then: Record[Any] | None
    """that version, where it is still known"""
    now: Record[Any] | None
    """what stands there"""

    @property
    def stands(self) -> bool:
        """Whether it is as it was then."""
        return (self.now.commit if self.now is not None else "") == self.commit


def sections(question: Record[Any], activation: Record[Any] | None, about: Iterable[About]) -> list[Section]:
    """Everything about ``question``, which the agent of ``activation`` asked."""
    value: Escalation = question.value
    found = list(about)
    told_calls = calls(activation.value) if activation is not None else []
    return [
        Section("", [told(text) for text in value["question"].splitlines() or [""]], "question"),
        Section("Answer" if value["status"] == "answered" else "To be answered", _answer(value)),
        Section("Asked", _asked(question, activation)),
        Section("About", [entry for one in found[:MOST_RECORDS] for entry in _record(one)]),
        Section("Also about", [told(_named(one), _target(one)) for one in found[MOST_RECORDS:MOST_NAMED]]),
        Section("Calls that failed", told_calls),
        Section("Proposes", proposal_entries(value["proposal"]) if "proposal" in value else []),
    ]


def _answer(value: Escalation) -> list[Entry]:
    """What was answered, or what may be: choices, schema, where it goes."""
    entries = [fact("status", value["status"], None, STATUSES.get(value["status"], ""))]
    if value["status"] == "answered":
        entries += _named_value("answer", value.get("answer"))
        entries.append(fact("by", value.get("answered_by", ""), moment_ms=value.get("answered_ms", 0)))
    if value.get("reason"):
        entries.append(fact("reason", value["reason"]))
    entries += facts("choices", value["choices"], "name")
    if value["schema"] is not None:
        entries += _named_value("schema", value["schema"])
    if value["answer_to"]:
        entries.append(fact("written to", value["answer_to"], target_of(value["answer_to"])))
    turn = whose_turn({**value})
    if turn:
        entries.append(fact("asked is", turn, moment_ms=value.get("deadline_ms", 0)))
    return entries


def _asked(question: Record[Any], activation: Record[Any] | None) -> list[Entry]:
    value: Escalation = question.value
    state = activation.value["state"] if activation is not None else "gone"
    entries = [
        fact("at", instant(value["asked_ms"]), moment_ms=value["asked_ms"]),
        fact("by", value["agent"], Target("agent", value["agent"])),
        fact("activation", f"{value['activation']}, which now is {state}", Target("activation", value["activation"])),
        fact("case", value["case"], Target("case", value["case"])),
    ]
    if value["failure"] is not None:
        entries.append(fact("failure", value["failure"], None, "bad"))
    if value.get("critical"):
        entries += facts("critical", value["critical"], "warn")
    return [*entries, fact("record", question.reference, Target("record", question.key, question.commit))]


def _record(one: About) -> list[Entry]:
    """A record as it was when the question was asked, and whether it still is."""
    meaning: Meaning = "link" if one.stands else "warn"
    entries = [told(_named(one), _target(one), meaning)]
    if one.then is None:
        return entries
    try:
        lines = value_entries(one.then.value, MOST_VALUE_LINES)
    except Corrupt as error:
        return [*entries, told(f"  {error}", None, "bad")]
    return entries + [_further_in(entry) for entry in lines]


def _named(one: About) -> str:
    if not one.commit:
        return f"{one.key}: it was not there" + ("" if one.stands else ", and now it is")
    if one.stands:
        return f"{one.key}@{one.commit}"
    return f"{one.key}@{one.commit} ({'changed' if one.now is not None else 'gone'} since it was asked)"


def _target(one: About) -> Target:
    return target_of(one.key, one.commit)


def _named_value(name: str, value: object) -> list[Entry]:
    """A value of several lines under its name."""
    lines = value_entries(value, MOST_VALUE_LINES)
    if len(lines) == 1:
        return [fact(name, "".join(span.text for span in lines[0].line))]
    return [fact(name, ""), *(_further_in(entry) for entry in lines)]


def _further_in(entry: Entry) -> Entry:
    return entry._replace(line=(*told("  ").line, *entry.line), indent=entry.indent + 2)


def unknown() -> list[Section]:
    """There is no such question."""
    return [Section("", [told("nobody was asked anything under that name", None, "warn")], "head")]


def several(asked: Mapping[str, Record[Any]]) -> list[Section]:
    """The questions that a name could mean."""
    entries = [
        told(f"{identity[:8]}  {record.value['status']}  {record.value['question']}", Target("question", identity))
        for identity, record in list(asked.items())[:MOST_NAMED]
    ]
    return [Section("It could be any of these", entries, "head")]
