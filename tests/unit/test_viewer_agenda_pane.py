"""The agenda pane: who runs, who is next and why, who waits for what, with a leader and without one."""

from __future__ import annotations

import re
from typing import Any

import pytest

from blackboard.control_shapes import wrong_in
from controller.agenda_view import Agenda
from controller.viewer.filtering import Filter
from controller.viewer.line import plain
from controller.viewer.pane import LIT_MS
from controller.viewer.panes.agenda import AgendaPane
from controller.viewer.target import Target
from tests.control_values import completed
from tests.pane_lines import HOSTILE, NOW_MS, WIDTHS, model_of, names, put, shown

ENTRY = {
    "activation": "p1", "agent": "refund", "case": "return/1", "level": "high", "rating": 2.5, "aged": 0.25,
    "score": 2.75, "eligible_ms": NOW_MS - 4_000, "attempt": 1, "state": "ready", "because": [], "waited_ms": 4_000,
}  # fmt: skip


def agenda(**parts: Any) -> dict[str, Any]:
    empty = {
        "member": "host:1:x", "at_ms": NOW_MS, "pending_count": 0, "max_running": 4, "supervisors": [], "pending": [],
        "running": [], "apart": {},
    }  # fmt: skip
    return empty | {"pending_count": sum(len(parts.get(name, ())) for name in ("supervisors", "pending"))} | parts


def activation(state: str, **fields: Any) -> dict[str, Any]:
    of_state = {"agent": "check", "case": "return/9", "state": state, "attempt": 1, "dispatched_ms": NOW_MS - 1_500}
    return of_state | fields


def everything() -> AgendaPane:
    """A pane with a row of every kind."""
    model = model_of(
        {
            "control/leader": {"member": "host:1:x"},
            "control/activations/r2": activation("running", attempt=2, agent="label", dispatched_ms=NOW_MS - 500),
            "control/activations/r1": activation("running"),
            "control/progress/r1": {"agent": "check", "text": "calling the bank\nagain", "at_ms": NOW_MS},
            "control/activations/h1": activation("held", reason="stalled: no new value", eligible_ms=NOW_MS - 9_000),
            "control/activations/f1": activation("failed", reason="the gateway is down", ended_ms=NOW_MS - 2_000),
            "control/overrides/o1": {"verb": "boost", "author": "ann", "status": "standing"},
            "control/activations/done": activation("executed"),
            "control/activations/asked": activation("escalated"),
            "control/flow": {"mode": "recommend", "steps": 2, "author": "ann", "reason": "careful"},
            "control/recommendation": {
                "activation": "p1", "agent": "refund", "case": "return/1",
                "decision": completed("control/recommendation", {})["decision"] | {"level": "high", "eligible": 3},
            },
            "control/focus": {"agents": ["refund"], "author": "bob", "reason": "refunds first"},
        },
        agenda(
            supervisors=[ENTRY | {"activation": "s1", "agent": "boss", "level": "critical"}],
            pending=[
                ENTRY | {"promoted_from": "low", "override": "control/overrides/o1", "flow": "east", "share": 3},
                ENTRY | {"activation": "d1", "state": "delayed", "not_before_ms": NOW_MS + 3_000, "attempt": 3},
                ENTRY | {"activation": "p2", "agent": "label", "case": "return/0", "eligible_ms": NOW_MS - 8_000},
                ENTRY | {"activation": "b1", "state": "blocked", "because": ["2 of it run, and no more may"]},
                ENTRY | {"activation": "h2", "state": "held", "because": ["held by ann: wait"]},
            ],
            pending_count=30,
            apart={"a1": "in reserve: refund has its turn"},
        ),
    )  # fmt: skip
    return AgendaPane(model)


def test_the_agenda_of_these_tests_is_what_a_leader_publishes() -> None:
    assert not wrong_in(agenda(pending=[ENTRY], supervisors=[ENTRY], apart={"a": "b"}), Agenda)


def test_who_would_fire_first_stands_first_and_each_is_told_with_why() -> None:
    pane = everything()
    assert [" | ".join(re.split(r" {2,}", line)) for line in shown(pane, 160)] == [
        "waits for a word on each pick, 2 steps granted (ann: careful)",
        "recommends refund for return/1: level high, score 0.0, first of 3",
        "only agents refund (bob: refunds first)",
        "running | check | return/9 | 1.5 s | calling the bank",
        "running | label | return/9 | 500 ms | 2 | call 2",
        "ready | boss | return/1 | critical | 2.5 | 0.2 | 2.8 | 4.0 s | a supervisor goes first",
        "ready | refund | return/1 | high↑ | 2.5 | 0.2 | 2.8 | 4.0 s | east 3 | from low by waiting; boost by ann",
        "ready | label | return/0 | high | 2.5 | 0.2 | 2.8 | 8.0 s",
        "delayed | refund | return/1 | high | 2.5 | 0.2 | 2.8 | 4.0 s | 3 | in 3.0 s; call 3",
        "blocked | refund | return/1 | high | 2.5 | 0.2 | 2.8 | 4.0 s | 2 of it run, and no more may",
        "held | refund | return/1 | high | 2.5 | 0.2 | 2.8 | 4.0 s | held by ann: wait",
        "held | check | return/9 | 9.0 s | stalled: no new value",
        "failed | check | return/9 | 2.0 s | the gateway is down",
        "apart | in reserve: refund has its turn",
        "… and 24 more pending",
        "1 activation at the hands of people: see the escalations",
    ]
    assert pane.title == "Agenda · 2 running, 30 pending · recommends"


def test_eighty_columns_tell_who_in_what_state_for_which_case_since_when_and_why() -> None:
    pane = everything()
    lines = shown(pane, 80)
    heading = pane.heading(80)
    assert heading is not None
    assert plain(heading).split() == ["state", "agent", "case", "level", "time", "why"]
    assert lines[3] == "running  check           return/9                    1.5 s  calling the bank"
    assert lines[8] == "delayed  refund          return/1        high        4.0 s  in 3.0 s; call 3"


@pytest.mark.parametrize(
    ("sort", "expected"),
    [
        ("order", "r1 r2 s1 p1 p2 d1 b1 h2 h1 f1 a1"),
        ("agent", "a1 s1 r1 h1 f1 r2 p2 p1 d1 b1 h2"),
        ("case", "a1 p2 s1 p1 d1 b1 h2 r1 r2 h1 f1"),
        ("waited", "h1 p2 s1 p1 d1 b1 h2 f1 r1 r2 a1"),
    ],
)
def test_every_sort_leaves_the_notes_above_and_what_is_not_shown_below(sort: str, expected: str) -> None:
    pane = everything()
    pane.sort_by(sort)
    notes = ["note:flow", "note:recommendation", "note:focus"]
    assert names(pane) == [*notes, *(f"activation:{one}" for one in expected.split()), "more", "people"]
    with pytest.raises(ValueError, match="not in tuple"):
        pane.sort_by("colour")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("bank", []),
        ("stalled", ["h1"]),
        ("LABEL", ["r2", "p2"]),
        ('state == "delayed"', ["d1"]),
        ("attempt > 1", ["r2", "d1"]),
        ("score > 2 && level == 'critical'", ["s1"]),
        ("return/0", ["p2"]),
        ("return/{x} where agent == 'label'", ["r2", "p2"]),
    ],
)
def test_a_filter_reads_the_rows_and_leaves_the_notes(text: str, expected: list[str]) -> None:
    pane = everything()
    pane.filter_by(Filter.parse(text))
    rows = [name for name in names(pane) if name.startswith("activation:")]
    assert rows == [f"activation:{one}" for one in expected]
    assert len(names(pane)) == len(rows) + 5
    pane.filter_by(None)
    assert len(names(pane)) == 16


def test_enter_opens_the_activation_and_of_the_recommendation_the_one_that_is_recommended() -> None:
    pane = everything()
    opened = {name: pane.target(row) for row, name in enumerate(names(pane))}
    assert opened["activation:r1"] == Target("activation", "r1")
    assert opened["activation:a1"] == Target("activation", "a1")
    assert opened["note:recommendation"] == Target("activation", "p1")
    assert opened["note:focus"] is opened["more"] is None
    assert [pane.text(row) for row in (2, 3)] == ["only agents refund (bob: refunds first)", "r1"]


def test_a_row_keeps_its_name_from_being_next_to_its_end() -> None:
    model = model_of({"control/leader": {"member": "m"}}, agenda(pending=[ENTRY, ENTRY | {"activation": "p2"}]))
    pane = AgendaPane(model)
    assert names(pane) == ["activation:p1", "activation:p2"]
    put(model, "control/activations/p2", activation("running"))
    assert names(pane) == ["activation:p2", "activation:p1"]
    assert pane.title == "Agenda · 1 running, 2 pending"
    put(model, "control/progress/p2", {"agent": "check", "text": "half way", "at_ms": NOW_MS})
    assert shown(pane, 80)[0].endswith("half way")
    put(model, "control/activations/p2", activation("executed"))
    assert names(pane) == ["activation:p1"]
    put(model, "control/activations/p2", None)  # the leader has not looked since: it is pending as far as is known
    model.agenda = agenda(pending=[ENTRY])
    assert names(pane) == ["activation:p1"]
    assert pane.title == "Agenda · 0 running, 1 pending"
    put(model, "control/flow", {"mode": "paused", "steps": 0, "author": "ann", "reason": ""})
    assert shown(pane)[0] == "paused (ann)"
    assert pane.title.endswith("paused")
    put(model, "control/flow", {"mode": "running", "steps": 0, "author": "ann", "reason": ""})
    assert names(pane) == ["activation:p1"]


def test_without_a_leader_what_runs_is_held_or_has_failed_is_told_from_the_records() -> None:
    model = model_of({
        "control/activations/p": activation("pending", reason="it is tried again"),
        "control/activations/r": activation("running"),
        "control/activations/x": activation("executed"),
    })  # fmt: skip
    pane = AgendaPane(model)
    assert names(pane) == ["note:leader", "activation:r", "activation:p"]
    assert shown(pane)[0].startswith("nobody leads this board; ")
    assert pane.title == "Agenda · 1 running, nobody leads"
    put(model, "control/leader", {"member": "host:1:x"})
    assert shown(pane)[0] == "host:1:x leads this board; its agenda is not known"
    model.agenda = agenda(pending=[ENTRY])  # one that is not among those that are shown waits among the others
    assert names(pane) == ["activation:r", "activation:p1"]
    model.agenda = None
    assert names(pane) == ["note:leader", "activation:r", "activation:p"]


def test_an_agenda_that_was_told_from_the_records_says_so_and_what_it_leaves_out() -> None:
    told = agenda(pending=[ENTRY]) | {"told_from": "records", "left_out": ["ratings were not asked", "\x1b[2J"]}
    pane = AgendaPane(model_of({"control/leader": {"member": "m"}}, told))
    assert names(pane) == ["note:left out 0", "note:left out 1", "activation:p1"]
    assert shown(pane)[:2] == ["ratings were not asked", r"\x1b[2J"]
    assert pane.title == "Agenda · 0 running, 1 pending · told from the records"
    unled = AgendaPane(model_of({}, told))
    assert shown(unled)[0] == "nobody leads this board; its agenda is told from the records"


def test_what_has_just_begun_to_run_is_lit_for_a_while() -> None:
    pane = AgendaPane(model_of({"control/activations/r": activation("running", dispatched_ms=NOW_MS)}))
    pane.refresh()
    (row,) = (row for row in range(len(pane)) if pane.identity(row) == "activation:r")
    meanings = [pane.line(row, 80, NOW_MS + later_ms)[0].meaning for later_ms in (0, LIT_MS - 1, LIT_MS)]
    assert meanings == ["lit", "lit", "good"]


def test_columns_that_are_hidden_are_left_out() -> None:
    pane = everything()
    pane.hidden = {"case", "rating"}
    pane.refresh()
    heading = pane.heading(80)
    assert heading is not None
    assert plain(heading).split() == ["state", "agent", "level", "time", "why"]
    assert pane.columns[:3] == ("state", "agent", "case")


@pytest.mark.parametrize("text", HOSTILE)
def test_nothing_in_a_record_breaks_a_line(text: str) -> None:
    model = model_of(
        {
            f"control/activations/{text[:400]}": activation("running", agent=text, case=text),
            "control/activations/h": activation("held", agent=text, case=text, reason=text),
            f"control/progress/{text[:400]}": {"agent": text, "text": text, "at_ms": NOW_MS},
            "control/flow": {"mode": "paused", "steps": 1, "author": text, "reason": text, "refused": text},
            "control/focus": {"agents": [text], "patterns": [text], "author": text, "reason": text},
            "control/recommendation": {"activation": text, "agent": text, "case": text},
            "control/leader": {"member": text},
        },
        agenda(
            pending=[ENTRY | {"agent": text, "case": text, "level": text, "because": [text, text], "flow": text, "share": 1,
                              "promoted_from": text, "override": text, "rating": 1e300, "score": -1e300}],
            apart={text: text},
        ),
    )  # fmt: skip
    for sort in AgendaPane.sorts:
        pane = AgendaPane(model)
        pane.sort_by(sort)
        for width in WIDTHS:
            assert len(shown(pane, width)) >= 5
        names(pane)
