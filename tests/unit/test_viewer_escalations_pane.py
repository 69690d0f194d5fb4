"""The escalations pane: what people are asked, by whom, since when, and what became of it."""

from __future__ import annotations

import re
from typing import Any

import pytest

from controller.short_ids import ShortIds
from controller.viewer.filtering import Filter
from controller.viewer.line import plain
from controller.viewer.pane import LIT_MS
from controller.viewer.panes.escalations import EscalationsPane
from controller.viewer.target import Target
from tests.pane_lines import HOSTILE, NOW_MS, WIDTHS, model_of, names, put, shown


def asked(case: str, asked_ms: int, **fields: Any) -> dict[str, Any]:
    return {
        "case": case, "agent": "refund", "question": f"Refund {case}?\nReally?", "choices": ["approve", "reject"],
        "asked_ms": asked_ms,
    } | fields  # fmt: skip


def answered(case: str, asked_ms: int, answered_ms: int) -> dict[str, Any]:
    said = {"status": "answered", "answer": "approve", "answered_by": "ann", "answered_ms": answered_ms}
    return asked(case, asked_ms) | said


RECORDS = {
    "control/escalations/aaaabbbbcccc": asked("return/2", NOW_MS - 30_000, agent="label"),
    "control/escalations/bbbb00001111": asked(
        "return/1", NOW_MS - 300_000, assignee="human/ann", deadline_ms=NOW_MS + 20_000
    ),
    "control/escalations/cccc00001111": answered("return/3", NOW_MS - 900_000, NOW_MS - 800_000),
    "control/escalations/dddd00001111": answered("return/4", NOW_MS - 950_000, NOW_MS - 700_000),
    "control/escalations/eeee00001111": asked("return/0", NOW_MS - 999_000, status="stale", reason="return/0 changed"),
    "control/escalations/ffff00001111": asked("return/5", NOW_MS - 1_000, choices=[], deadline_ms=NOW_MS - 1),
}


def cells(line: str) -> str:
    return " | ".join(re.split(r" {2,}", line))


def test_the_oldest_open_question_stands_first_and_answers_stand_behind_them() -> None:
    pane = EscalationsPane(model_of(RECORDS))
    assert [cells(line.strip()) for line in shown(pane, 160)] == [
        "bbbb0000 | 5 min | open | return/1 | refund | Refund return/1? | approve, reject | human/ann | 20.0 s",
        "aaaabbbb | 30.0 s | open | return/2 | label | Refund return/2? | approve, reject",
        "ffff0000 | 1.0 s | open | return/5 | refund | Refund return/5? | a value | over",
        'dddd0000 | 4 min | answered | return/4 | refund | Refund return/4? | "approve" by ann',
        'cccc0000 | 1 min | answered | return/3 | refund | Refund return/3? | "approve" by ann',
        "eeee0000 | 16 min | stale | return/0 | refund | Refund return/0? | return/0 changed",
    ]
    assert pane.title == "Escalations · 3 open of 6"


def test_eighty_columns_tell_which_since_when_for_whom_what_and_the_choices() -> None:
    pane = EscalationsPane(model_of(RECORDS))
    lines = shown(pane, 80)
    heading = pane.heading(80)
    assert heading is not None
    assert plain(heading).split() == ["id", "age", "case", "question", "answer"]
    assert cells(lines[1]) == "aaaabbbb | 30.0 s | return/2 | Refund return/2? | approve, reject"


@pytest.mark.parametrize(
    ("sort", "expected"),
    [
        ("open first", "b a f d c e"),
        ("newest", "f a b c d e"),
        ("case", "e b a c d f"),
        ("agent", "a b f d c e"),
    ],
)
def test_every_sort(sort: str, expected: str) -> None:
    pane = EscalationsPane(model_of(RECORDS))
    pane.sort_by(sort)
    assert [name[0] for name in names(pane)] == expected.split()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("label", "a"),
        ("ann", "bdc"),
        ('status == "stale"', "e"),
        ("answered_by == 'ann' && case != 'return/3'", "d"),
        ("return/{r} where status == 'open'", "baf"),
        ("control/escalations/* where agent == 'label'", "a"),
        ("bbbb00001", "b"),
    ],
)
def test_a_filter_reads_the_question(text: str, expected: str) -> None:
    pane = EscalationsPane(model_of(RECORDS))
    pane.filter_by(Filter.parse(text))
    assert "".join(name[0] for name in names(pane)) == expected
    assert pane.title == "Escalations · 3 open of 6"


def test_enter_opens_the_question() -> None:
    pane = EscalationsPane(model_of(RECORDS))
    pane.refresh()
    assert pane.target(1) == Target("question", "aaaabbbbcccc")
    assert pane.text(1) == "aaaabbbbcccc"


def test_what_was_just_asked_or_answered_is_lit_for_a_while() -> None:
    pane = EscalationsPane(model_of({
        "control/escalations/a": asked("return/1", NOW_MS),
        "control/escalations/b": answered("return/2", NOW_MS - 9_000, NOW_MS),
    }))  # fmt: skip
    pane.refresh()
    for later_ms, expected in ((0, ["lit", "lit"]), (LIT_MS, ["name", "dim"])):
        assert [pane.line(row, 80, NOW_MS + later_ms)[0].meaning for row in (0, 1)] == expected


def test_an_answer_moves_a_question_behind_the_open_ones() -> None:
    model = model_of(RECORDS)
    pane = EscalationsPane(model)
    names(pane)
    put(model, "control/escalations/bbbb00001111", answered("return/1", NOW_MS - 300_000, NOW_MS))
    assert "".join(name[0] for name in names(pane)) == "afbdce"
    assert pane.title == "Escalations · 2 open of 6"
    put(model, "control/escalations/bbbb00001111", None)
    put(model, "control/escalations/0000", asked("return/9", NOW_MS - 999_999))
    assert "".join(name[0] for name in names(pane)) == "0afdce"
    put(model, "control/escalations/0000", {"status": "open", "question": 7})  # no question: told of elsewhere
    assert "".join(name[0] for name in names(pane)) == "afdce"
    assert pane.title == "Escalations · 2 open of 5"


def test_ids_are_as_short_as_tells_them_apart() -> None:
    model = model_of({"control/escalations/aaaabbbbcccc": asked("return/1", 1)})
    pane = EscalationsPane(model)
    assert shown(pane, 80)[0].startswith("aaaabbbb  ")
    put(model, "control/escalations/aaaabbbbccdd", asked("return/2", 2))
    assert [line.split()[0] for line in shown(pane, 80)] == ["aaaabbbbccc", "aaaabbbbccd"]
    put(model, "control/escalations/aaaabbbbcc", asked("return/3", 3))
    assert [line.split()[0] for line in shown(pane, 80)] == ["aaaabbbbccc", "aaaabbbbccd", "aaaabbbbcc"]


def test_the_beginning_of_an_id_is_that_of_no_other() -> None:
    short = ShortIds(2)
    ids = ["abcd", "abxy", "ab", "abc", "zz", "abcd"]
    for identity in ids:
        short.add(identity)
    assert len({short.of(identity) for identity in ids}) == 5
    assert short.length == 4


@pytest.mark.parametrize("text", HOSTILE)
def test_nothing_in_a_record_breaks_a_line(text: str) -> None:
    wild = asked(text, NOW_MS, agent=text, question=text, choices=[text, text], assignee=text, deadline_ms=NOW_MS + 1)
    model = model_of({
        f"control/escalations/{text[:400]}": wild,
        "control/escalations/a": wild | {"status": "answered", "answer": {text: [text]}, "answered_by": text},
        "control/escalations/b": wild | {"status": "stale", "reason": text},
        "control/escalations/" + "y" * 10_000: wild,
        "control/escalations/" + "y" * 9_999: wild,
    })  # fmt: skip
    for sort in EscalationsPane.sorts:
        pane = EscalationsPane(model)
        pane.sort_by(sort)
        for width in WIDTHS:
            assert len(shown(pane, width)) in (4, 5)
        names(pane)
