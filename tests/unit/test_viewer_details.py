"""The text of details: folded, bounded, and shown whatever records hold."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from blackboard import codec
from blackboard.log import Change
from blackboard.record import Record, Stamp
from blackboard.terminal import sanitize
from controller.viewer.details import activation_text, agent_text, question_text, record_text
from controller.viewer.details.page import Page, Section, fact, told
from controller.viewer.details.record_text import Versions
from controller.viewer.details.value_text import MOST_FIELDS, MOST_LINES, change_entries, value_entries
from controller.viewer.folding import folded
from controller.viewer.line import Span, cells, plain
from controller.viewer.target import Target


def record(key: str, value: Any, revision: int = 1, version: int = 1, **stamp: Any) -> Record[Any]:
    packed, _ = codec.pack_record(Stamp(**stamp), "", 0, codec.pack_value(value))
    return Record(key, f"1-{revision}", revision, version, revision * 1_000, packed)


def change(one: Record[Any], previous: str = "") -> Change:
    return Change(one.key, "put", one.commit, one.revision, one.time_ms, "committer", one, previous)


def agent(name: str, **fields: Any) -> Record[Any]:
    value = {
        "name": name, "kind": "agent", "capabilities": [name], "status": "ready", "level": "normal", "watches": {},
        "unless": [], "contributes": [], "respond_within_ms": None, "escalate": [], "authority": [], "over": [],
        "input_schema": {}, "output_schema": None, "description": "", "source": "", **fields,
    }  # fmt: skip
    return record(f"control/agents/{name}", value)


def texts(section: Section) -> list[str]:
    return [plain(entry.line) for entry in section.entries]


def rows(page: Page, width: int = 1_000, now_ms: int = 0) -> list[str]:
    return [plain(page.line(row, width, now_ms)) for row in range(len(page))]


@given(st.text(alphabet="ab \u0301漢é", max_size=200), st.integers(1, 90), st.integers(0, 100))
def test_a_folded_line_loses_spaces_alone_and_is_as_wide_as_it_may_be_at_most(
    text: str, width: int, indent: int
) -> None:
    lines = folded((Span(text[:7], "name"), Span(text[7:])), width, indent)
    assert "".join("".join(map(plain, lines)).split()) == "".join(text.split())
    assert all(cells(plain(one)) <= max(width, 2) for one in lines)


def test_what_is_folded_goes_on_under_its_beginning_and_keeps_what_it_means() -> None:
    lines = folded((Span("reason  ", "dim"), Span("the bank did not answer", "bad")), 20, 8)
    assert [plain(one) for one in lines] == ["reason  the bank did", " " * 8 + "not answer"] or len(lines) > 1
    assert all(span.meaning == "bad" for one in lines[1:] for span in one if span.text.strip())


def test_rows_keep_their_names_when_a_page_is_told_anew_and_laid_out_anew() -> None:
    page = Page("it")
    first = Section("Value", [told("one"), told("two")], "value")
    page.show("it", [first, Section("Versions", [told("v1", Target("record", "a/b", "1-1"))])])
    name = page.identity(rows(page).index("v1"))
    page.show("it", [first._replace(entries=[*first.entries, told("three " * 40)]), Section("Versions", [told("v1")])])
    page.fit(30)
    row = page.row_of(name)
    assert row is not None
    assert rows(page)[row] == "v1"
    assert len({page.identity(row) for row in range(len(page))}) == len(page)
    assert page.row_of("nobody") is None


def test_a_section_without_entries_is_left_out_and_titles_go_nowhere() -> None:
    page = Page("it")
    page.show("it", [Section("Nothing", []), Section("Something", [told("here", Target("agent", "pay"))])])
    assert rows(page) == ["Something", "here"]
    assert [page.target(row) for row in range(2)] == [None, Target("agent", "pay")]
    assert [page.text(row) for row in range(2)] == ["Something", "pay"]


def test_a_moment_is_said_as_far_away_as_it_is_when_it_is_drawn() -> None:
    page = Page("it")
    page.show("it", [Section("", [fact("asked", "then", moment_ms=60_000)])])
    assert rows(page, now_ms=65_000) == ["asked           then  5 s ago"]
    assert rows(page, now_ms=0) == ["asked           then  in 1 min"]


@given(
    st.recursive(
        st.text() | st.integers() | st.none(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)
    )
)
def test_a_value_is_shown_as_json_that_says_the_same(value: Any) -> None:
    shown = [plain(entry.line) for entry in value_entries(value)]
    assert json.loads("\n".join(shown)) == value
    assert all(sanitize(one) == one for one in shown)


def test_a_large_value_shows_its_first_lines_and_says_exactly_how_many_more_there_are() -> None:
    values: list[Any] = [{f"k{n}": [n, {"a": b"x"}] for n in range(9_000)}, list(range(90_000)), [[[]], {}] * 1_000]
    for value in values:
        shown = [plain(entry.line) for entry in value_entries(value)]
        whole = json.dumps(value, indent=2, default=lambda _: {"base64": ""}).count("\n") + 1
        assert len(shown) == MOST_LINES + 1
        assert shown[-1] == f"… and {whole - MOST_LINES:,} more lines"


def test_a_long_text_is_cut_and_says_how_much_is_left_out() -> None:
    (entry,) = value_entries("\u202e" * 100_000)
    shown = plain(entry.line)
    assert len(shown) < 3_000
    assert "characters more)" in shown
    (long,) = [plain(told("x" * 1_000_000).line)]
    assert long.endswith("… (998,000 characters more)")


def test_a_change_shows_what_went_and_what_came_and_no_more_fields_than_one_reads() -> None:
    entries = change_entries({"a": 1, "b": [1, 2], "c": 0}, {"a": 2, "b": [1, 3], "d": 0})
    assert [(plain(one.line), one.line[0].meaning) for one in entries] == [
        ("- a: 1", "removed"), ("+ a: 2", "added"), ("- b[1]: 2", "removed"), ("+ b[1]: 3", "added"),
        ("- c: 0", "removed"), ("+ d: 0", "added"),
    ]  # fmt: skip
    many = change_entries({}, {f"k{n}": n for n in range(1_000)})
    assert plain(many[-1].line) == f"… and {1_000 - MOST_FIELDS} more fields"
    assert [plain(one.line) for one in change_entries(1, 1)] == ["the same value"]


def test_who_watches_a_record_is_told_with_the_condition_that_does_not_hold_now() -> None:
    agents = {
        "pay": agent("pay", watches={"item": 'order/{n} where status == "open" && amount > 5'}),
        "log": agent("log", unless=["order/{n}"], contributes=["order/{n}"]),
        "other": agent("other", watches={"item": "label/{n}"}),
        "broken": agent("broken", watches={"item": "not a pattern {{"}, contributes=["{{"]),
    }
    watching, writing = record_text.watchers("order/1", record("order/1", {"status": "open", "amount": 3}), agents)
    assert texts(watching) == [
        "log, unless: order/{n}",
        'pay, item: order/{n} where status == "open" && amount > 5: does not hold now',
        "    fails   amount > 5   (amount is 3)",
    ]
    assert texts(writing) == ["log: order/{n}"]
    holds, _ = record_text.watchers("order/1", record("order/1", {"status": "open", "amount": 6}), agents)
    assert texts(holds)[1].endswith(": holds now")


def test_a_record_that_cannot_be_read_says_so_in_the_place_of_what_it_holds() -> None:
    broken = Record[Any]("a/b", "1-1", 1, 1, 1, b"\xc1 no msgpack")
    versions = Versions([change(broken)], 0, whole=True)
    assert "unreadable" in "".join(plain(one.line) for one in record_text.head("a/b", versions.chosen, broken, {}))
    assert "the record 'a/b'" in texts(record_text.content(versions, diff=False))[0]
    assert texts(record_text.listed("a/b", versions))[0].endswith("nobody knows who")
    assert not record_text.causes(broken, {}).entries
    assert not record_text.effects(broken, {}).entries


def test_the_first_version_that_the_log_tells_of_says_whether_anything_stood_before() -> None:
    first = Versions([change(record("a/b", 1))], 0, whole=True)
    assert "nothing stood there before" in texts(record_text.content(first, diff=True))
    trimmed = Versions([change(record("a/b", 1), previous="1-0")], 0, whole=True)
    assert "the log does not tell what stood there before" in texts(record_text.content(trimmed, diff=True))
    assert "what stood there before, the log no longer tells" in texts(record_text.listed("a/b", trimmed))[-1]


def test_one_that_is_pending_is_told_from_its_entry_on_the_agenda() -> None:
    entry = {
        "activation": "a1", "agent": "pay", "case": "order/1", "level": "high", "rating": 2.0, "aged": 0.5, "score": 2.5,
        "eligible_ms": 5, "attempt": 1, "state": "delayed", "because": ["its budget is used up"], "not_before_ms": 9,
        "waited_ms": 3, "override": "control/overrides/o1", "share": 2, "flow": "ann", "promoted_from": "low",
    }  # fmt: skip
    (told_,) = activation_text.pending_sections(entry, "", "pay", "order/1")
    text = "\n".join(texts(told_))
    for part in ("pending, delayed", "its budget is used up", "waiting has lifted it from low", "2.500", "2 of ann"):
        assert part in text
    assert Target("record", "control/overrides/o1") in [one.target for one in told_.entries]


@pytest.mark.parametrize("apart", ["it is in reserve", ""])
def test_one_that_is_on_no_agenda_says_why_or_that_there_is_none(apart: str) -> None:
    (told_,) = activation_text.pending_sections(None, apart, "", "")
    assert texts(told_) == [
        apart or "there is no such activation: it has no record, and it is not on the agenda that is published"
    ]


def test_states_over_time_are_told_whatever_the_log_holds_there() -> None:
    key = "control/activations/a1"
    entries = activation_text.over_time([change(record(key, [1], 3)), change(Record(key, "1-2", 2, 1, 2_000, b"\xc1"))])
    assert [plain(one.line).split(": ", 1)[1] for one in entries] == [
        "what the runtime does not write there (by committer)",
        "what the runtime does not write there again (by committer)",
    ]  # fmt: skip


def test_a_question_of_many_lines_is_shown_line_by_line_with_its_schema_and_its_deadline() -> None:
    value = {
        "status": "open", "question": "First?\nSecond \x1b[2J?", "choices": [], "schema": {"type": "object"},
        "answer_to": "approval/1", "activation": "a1", "agent": "pay", "case": "order/1", "asked_ms": 1,
        "context_revision": 1, "context": [], "failure": None, "assignee": "ann", "deadline_ms": 5,
        "next_assignees": ["bob"], "default": False,
    }  # fmt: skip
    told_ = question_text.sections(record("control/escalations/a1", value), None, [])
    assert texts(told_[0]) == ["First?", r"Second \x1b[2J?"]
    answer = "\n".join(texts(told_[1]))
    for part in ('"type": "object"', "approval/1", "ann, until", "then bob", "then the answer is false"):
        assert part in answer


def test_a_schema_is_told_by_its_fields_whatever_it_holds() -> None:
    fields = {
        "a": {"type": "string"},
        "b": {"anyOf": [{"type": "integer"}, {"type": "null"}, 1]},
        "c": {"type": [1]},
        "d": 5,
    }
    assert (
        agent_text.schema_words({"properties": fields, "required": ["a", 7]})
        == "a string, [b integer or null], [c], [d]"
    )
    assert agent_text.schema_words({"properties": {f"k{n}": {} for n in range(100)}}).endswith(" and 70 more")
    assert agent_text.schema_words({"type": "integer"}) == '{"type": "integer"}'
    assert agent_text.schema_words({"properties": [1], "required": 3}) == '{"properties": [1], "required": 3}'
