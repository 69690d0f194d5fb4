"""What a case's detail says: what was fed, how it stands, what was done for it step by step, and what came of it.

Pure: what was read goes in, sections come out.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, Final

from blackboard.errors import Corrupt
from blackboard.wording import counted, first_line
from controller.provenance import own_work
from controller.step import cost_of, first_call_ms
from controller.viewer.details.activation_text import STATES
from controller.viewer.details.page import Entry, Section, fact, told
from controller.viewer.details.sentences import sentence_entries
from controller.viewer.details.value_text import value_entries
from controller.viewer.line import line, said
from controller.viewer.target import Target, target_of
from controller.viewer.why_text import Brief, account_lines, brief_line

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from blackboard.control_records import Activation
    from blackboard.record import Record
    from controller.provenance import CaseAccount

MOST_LISTED: Final = 200
MOST_VALUE_LINES: Final = 20


def beside_the_story(
    case: str, fed: Record[Any] | None, of_case: Mapping[str, Record[Any]], asked: Mapping[str, Record[Any]]
) -> tuple[list[Section], list[Section]]:
    """What stands above what was done for ``case``, and what stands below."""
    above = [head(case, fed, of_case), questions(asked)]
    return above, [written(of_case.values()), *([content(fed)] if fed is not None else [])]


def head(case: str, fed: Record[Any] | None, of_case: Mapping[str, Record[Any]]) -> Section:
    """What was fed, how the activations stand, and what they cost."""
    states = Counter(record.value["state"] for record in of_case.values())
    calls = [one for record in of_case.values() for one in (record.value, *record.value.get("attempts", ()))]
    usage = [one for call in calls for one in call.get("usage", ())]
    cost = sum(cost_of(record.value) for record in of_case.values())
    gone = "there is no record of that name now"
    entries = [
        fact("record", case, target_of(case)) if fed is not None else fact("record", gone, None, "warn"),
        Entry(_states(states)),
        fact("cost", f"{cost:.4f}, {_tokens(usage)}" if cost or usage else "none"),
    ]
    if fed is not None:
        entries.insert(1, fact("fed", f"by {_author(fed)}", moment_ms=fed.time_ms))
    return Section("", entries, "head")


def _author(fed: Record[Any]) -> str:
    try:
        return fed.author or "nobody named"
    except Corrupt:
        return "nobody knows whom"


def _states(states: Mapping[str, int]) -> tuple[Any, ...]:
    spans = [said(f"{'activations':<15} ", "dim")]
    for state, count in sorted(states.items(), key=lambda pair: -pair[1]):
        spans += [said(f"{count:,} {state}", STATES.get(state, "")), said("  ")]  # type: ignore[call-overload]
    return line(*spans) if states else line(*spans, said("none yet"))


def _tokens(usage: Iterable[Mapping[str, Any]]) -> str:
    calls = list(usage)
    into, out = sum(one["input_tokens"] for one in calls), sum(one["output_tokens"] for one in calls)
    return f"{into:,} tokens in, {out:,} out"


def story(account: CaseAccount) -> Section:
    """Each activation in the order in which they were decided, with all that is known of it."""
    title = f"What was done, {counted(len(account.steps), 'step')}"
    return Section(title, sentence_entries(account_lines(account)), "story")


def brief_story(fed: Record[Any] | None, of_case: Mapping[str, Record[Any]]) -> Section:
    """The same with a sentence for each, which is soon told of however many."""
    steps = sorted(own_work(of_case), key=lambda activation: _place(activation, of_case[activation].value))
    firsts = [first_call_ms(of_case[activation].value) for activation in steps]
    start_ms = fed.time_ms if fed is not None else min(firsts, default=0)
    told_of = [
        brief_line(_brief(activation, of_case[activation].value), number, first_ms - start_ms)
        for number, (activation, first_ms) in enumerate(zip(steps, firsts, strict=True), 1)
    ]
    return Section(f"What was done, {counted(len(steps), 'step')}", sentence_entries(told_of), "story")


def _brief(activation: str, value: Activation) -> Brief:
    return Brief(
        activation, value["agent"], value["state"], value.get("decided_by", ""), tuple(value.get("wrote", ())),
        value.get("reason", ""), value.get("withdrawn", ""),
    )  # fmt: skip


def _place(activation: str, value: Activation) -> tuple[int, int, int, str]:
    """By the time of the decision; of those made at one revision, each left one fewer to choose from."""
    decision = value["decision"]
    return first_call_ms(value), decision["revision"], -decision["eligible"], activation


def questions(asked: Mapping[str, Record[Any]]) -> Section:
    """The questions to people about it."""
    entries = []
    for identity, record in sorted(asked.items(), key=lambda pair: int(pair[1].value["asked_ms"])):
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
    try:
        return Section("Value", value_entries(fed.value, MOST_VALUE_LINES))
    except Corrupt as error:
        return Section("Value", [told(error, None, "bad")])
