"""What a case's detail says: what was fed, how it stands, what was done for it step by step, and what came of it.

Pure: what was read goes in, sections come out.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, Final

from blackboard.wording import counted, first_line
from controller.step import cost_of
from controller.viewer.details.activation_text import STATES
from controller.viewer.details.agent_text import activation_line
from controller.viewer.details.page import Entry, Section, fact, told
from controller.viewer.details.sentences import sentence_entries
from controller.viewer.details.value_text import value_entries
from controller.viewer.line import line, said
from controller.viewer.target import Target, target_of
from controller.viewer.why_text import account_lines

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from blackboard.record import Record
    from controller.provenance import CaseAccount

MOST_LISTED: Final = 200
MOST_VALUE_LINES: Final = 20


def head(case: str, fed: Record[Any] | None, of_case: Mapping[str, Record[Any]]) -> Section:
    """What was fed, how the activations stand, and what they cost."""
    states = Counter(record.value["state"] for record in of_case.values())
    usage = [one for record in of_case.values() for one in record.value.get("usage", ())]
    cost = sum(cost_of(record.value) for record in of_case.values())
    gone = "there is no record of that name now"
    entries = [
        fact("record", case, target_of(case)) if fed is not None else fact("record", gone, None, "warn"),
        Entry(_states(states)),
        fact("cost", f"{cost:.4f}, {_tokens(usage)}" if cost or usage else "none"),
    ]
    if fed is not None:
        entries.insert(1, fact("fed", f"by {fed.author or 'nobody named'}", moment_ms=fed.time_ms))
    return Section("", entries, "head")


def _states(states: Mapping[str, int]) -> tuple[Any, ...]:
    spans = [said(f"{'activations':<15} ", "dim")]
    for state, count in sorted(states.items(), key=lambda pair: -pair[1]):
        spans += [said(f"{count:,} {state}", STATES.get(state, "")), said("  ")]  # type: ignore[call-overload]
    return line(*spans) if states else line(*spans, said("none yet"))


def _tokens(usage: Iterable[Mapping[str, Any]]) -> str:
    calls = list(usage)
    into, out = sum(one["input_tokens"] for one in calls), sum(one["output_tokens"] for one in calls)
    return f"{into:,} tokens in, {out:,} out"


def story(account: CaseAccount, *, details: bool) -> Section:
    """Each activation in the order in which they were decided."""
    title = f"What was done, {counted(len(account.steps), 'step')}"
    return Section(title, sentence_entries(account_lines(account, details=details)), "story")


def listing(of_case: Iterable[Record[Any]]) -> Section:
    """The activations that were written last, where there are too many for a story."""
    newest = sorted(of_case, key=lambda record: -record.revision)
    entries = [activation_line(record) for record in newest[:MOST_LISTED]]
    return Section(f"The last of {counted(len(newest), 'activation')}", entries, "story")


def questions(asked: Mapping[str, Record[Any]]) -> Section:
    """The questions to people about it."""
    entries = []
    for identity, record in sorted(asked.items(), key=lambda pair: str(pair[1].value["asked_ms"])):
        value = record.value
        target = Target("question", identity)
        entries.append(told(f"{value['status']}: {value['agent']} asks: {first_line(value['question'])}", target))
    return Section("Questions", entries)


def written(of_case: Iterable[Record[Any]]) -> Section:
    """The records that its activations wrote."""
    keys = dict.fromkeys(key for record in of_case for key in record.value.get("wrote", ()))
    entries = [told(key, target_of(key)) for key in list(keys)[:MOST_LISTED]]
    more = len(keys) - len(entries)
    return Section("Wrote", [*entries, told(f"… and {more:,} more", None, "dim")] if more else entries)


def content(fed: Record[Any]) -> Section:
    """What was fed."""
    return Section("Value", value_entries(fed.value, MOST_VALUE_LINES))
