"""The agents pane: whether each can be called, what it does, how it has done, and why not or what it watches."""

from __future__ import annotations

import re
from typing import Any

import pytest

from controller.viewer.amounts import clock
from controller.viewer.filtering import Filter
from controller.viewer.line import plain
from controller.viewer.panes.agents import AgentsPane
from controller.viewer.target import Target
from knowledge_sources.performance import performance_of
from tests.pane_lines import HOSTILE, WIDTHS, model_of, names, put, shown

CALL = {"started_ms": 1, "ended_ms": 2, "failure": "error", "error": "late", "cost": 0.5}
USE = {"model": "small", "input_tokens": 12_000, "output_tokens": 30, "cost": 0.25}


def did(agent: str, state: str = "executed", run_us: int = 2_000, **fields: Any) -> dict[str, Any]:
    return {"agent": agent, "state": state, "run_us": run_us} | fields


RECORDS = {
    "control/agents/refund": {
        "name": "refund", "type": "model", "level": "high", "watches": {"item": "return/{r}", "label": "label/{r}"},
        "capabilities": ["pay"],
    },
    "control/agents/boss": {"name": "boss", "kind": "supervisor", "level": "critical"},
    "control/agents/torn": {"name": "torn", "status": "broken", "error": "Traceback:\n  x\nImportError: no bank\n"},
    "control/agents/left": {"name": "left", "status": "gone", "watches": {"x": "a/{b}"}, "every_ms": 5_000},
    "control/agents/probed": {"name": "probed"},
    "control/breakers/refund": {
        "agent": "refund", "state": "open", "reason": "3 of its last 5 calls failed", "until_ms": 7_200_000,
    },
    "control/breakers/probed": {"agent": "probed", "state": "half_open", "reason": "spent too much"},
    "control/breakers/left": {"agent": "left", "state": "closed"},
    "control/activations/a": did("refund", run_us=4_000, attempts=[CALL], usage=[USE]),
    "control/activations/b": did("refund", run_us=2_000),
    "control/activations/c": did("refund", "running"),
    "control/activations/d": did("refund", "escalated"),
    "control/activations/e": did("refund", decided_by="boss"),
    "control/activations/f": did("boss", run_us=250_000),
    "control/activations/g": did("left", "failed", attempts=[CALL, CALL, CALL]),
}  # fmt: skip


def cells(line: str) -> str:
    return " | ".join(re.split(r" {2,}", line))


def test_each_agent_is_told_with_its_figures_and_with_why_it_cannot_be_called_or_what_it_watches() -> None:
    pane = AgentsPane(model_of(RECORDS))
    until = f"until {clock(7_200_000)}: 3 of its last 5 calls failed"
    assert [cells(line) for line in shown(pane, 300)] == [
        "boss | supervisor | ready | critical | 0/0 | 1 | 100% | 250 ms | 0 | 0 | 0",
        "left | agent | gone | 0/1 | 0 | 0% | 1.50 | 3 | 0 | every 5.0 s, a/{b}",
        "probed | agent | half open | 0/0 | 0 | 0 | 0 | 0 | breaker lets one call through; it had opened: spent too much",
        f"refund | model | open | high | 1/1 | 2 | 67% | 3.0 ms | 12.0k/30 | 0.7500 | 1 | 1 | breaker open {until}",
        "torn | agent | broken | 0/0 | 0 | 0 | 0 | 0 | ImportError: no bank",
    ]
    assert pane.title == "Agents · 5"


def test_eighty_columns_tell_status_load_and_how_it_has_done() -> None:
    pane = AgentsPane(model_of(RECORDS))
    lines = shown(pane, 80)
    heading = pane.heading(80)
    assert heading is not None
    assert plain(heading).split() == ["agent", "status", "load", "done", "success", "median", "cost", "failed"]
    assert cells(lines[3]) == "refund | open | 1/1 | 2 | 67% | 3.0 ms | 0.7500 | 1"


def test_what_is_wrong_has_a_meaning_of_its_own() -> None:
    pane = AgentsPane(model_of(RECORDS))
    pane.refresh()
    meanings = {
        span.text.strip(): span.meaning for row in range(len(pane)) for span in pane.line(row, 80, 0) if span.text.strip()
    }  # fmt: skip
    said = {word: meanings[word] for word in ("ready", "gone", "half open", "open", "broken")}
    assert said == {"ready": "good", "gone": "dim", "half open": "warn", "open": "bad", "broken": "bad"}


@pytest.mark.parametrize(
    ("sort", "expected"),
    [
        ("name", "boss left probed refund torn"),
        ("load", "refund left boss probed torn"),
        ("success", "left refund boss probed torn"),
        ("latency", "boss refund left probed torn"),
        ("cost", "left refund boss probed torn"),
        ("failed", "left refund boss probed torn"),
    ],
)
def test_every_sort_begins_with_what_wants_looking_at(sort: str, expected: str) -> None:
    pane = AgentsPane(model_of(RECORDS))
    pane.sort_by(sort)
    assert names(pane) == expected.split()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("supervisor", ["boss"]),
        ("BANK", ["torn"]),
        ("pay", ["refund"]),
        ('breaker != "closed"', ["probed", "refund"]),
        ("failed_calls > 0 && cost < 1.0", ["refund"]),
        ("control/agents/{a} where status == 'gone'", ["left"]),
    ],
)
def test_a_filter_reads_the_entry_and_the_figures(text: str, expected: list[str]) -> None:
    pane = AgentsPane(model_of(RECORDS))
    pane.filter_by(Filter.parse(text))
    assert names(pane) == expected


def test_enter_opens_the_agent() -> None:
    pane = AgentsPane(model_of(RECORDS))
    pane.refresh()
    assert pane.target(3) == Target("agent", "refund")
    assert pane.text(3) == "refund"


def test_rows_follow_the_records_and_their_figures_are_those_of_the_command() -> None:
    model = model_of({"control/agents/refund": {"name": "refund"}})
    pane = AgentsPane(model)
    assert cells(shown(pane, 80)[0]) == "refund | ready | 0/0 | 0 | 0 | 0"
    put(model, "control/activations/a", did("refund", "running"))
    assert "1/0" in shown(pane, 80)[0]
    put(model, "control/activations/a", did("refund", run_us=1_500))
    put(model, "control/breakers/refund", {"agent": "refund", "state": "open"})
    assert cells(shown(pane, 80)[0]) == "refund | open | 0/0 | 1 | 100% | 1.5 ms | 0 | 0"
    put(model, "control/breakers/refund", None)
    put(model, "control/agents/second", {"name": "second"})
    assert names(pane) == ["refund", "second"]
    whole = performance_of(record.value for record in model.activations.values())
    assert model.tallies["refund"].performance == whole
    put(model, "control/activations/a", None)
    put(model, "control/agents/second", None)
    assert [cells(line) for line in shown(pane, 80)] == ["refund | ready | 0/0 | 0 | 0 | 0"]


@pytest.mark.parametrize("text", HOSTILE)
def test_nothing_in_a_record_breaks_a_line(text: str) -> None:
    wild = {
        "name": text, "level": text, "watches": {text: text}, "capabilities": [text], "type": "goal",
        "collects": {text: {"pattern": text, "at_least": 1, "of": None,
                                                                 "within_ms": None, "refire": "once"}},
    }  # fmt: skip
    model = model_of({
        f"control/agents/{text[:400]}": wild,
        "control/agents/b": wild | {"status": "broken", "error": text},
        "control/agents/o": wild,
        "control/breakers/o": {"agent": text, "state": "open", "reason": text, "until_ms": 253_402_300_799_999},
        "control/activations/a": did(text, attempts=[CALL | {"cost": 1e30}], usage=[USE | {"input_tokens": 1 << 52}]),
        "control/activations/b": did("o", attempts=[CALL | {"cost": 1e30}], usage=[USE | {"input_tokens": 1 << 52}]),
    })  # fmt: skip
    for sort in AgentsPane.sorts:
        pane = AgentsPane(model)
        pane.sort_by(sort)
        for width in WIDTHS:
            assert len(shown(pane, width)) in (2, 3)  # an empty name has no place under a prefix
        names(pane)
