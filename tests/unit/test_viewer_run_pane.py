"""The run pane: progress, rates, cost against budget, overhead split, what went wrong, each on a line."""

from __future__ import annotations

import re
from typing import Any

import pytest

from controller.viewer.amounts import clock
from controller.viewer.filtering import Filter
from controller.viewer.panes.run import RunPane
from controller.viewer.run_limits import RunLimits
from controller.viewer.run_lines import bar
from tests.control_values import completed
from tests.pane_lines import HOSTILE, NOW_MS, WIDTHS, model_of, names, put, shown

CALL = {"started_ms": 1, "ended_ms": 2, "failure": "error", "error": "late", "cost": 0.25}
USE = {"model": "small", "input_tokens": 900, "output_tokens": 100, "cost": 0.25}
LIMITS = {"time": "60s", "cost": 2.0, "tokens": 1_100, "firings": 5, "overhead": "30%"}
RUN = {
    "scenario": "returns", "status": "finished", "started_ms": NOW_MS - 30_000, "ended_ms": NOW_MS - 6_000,
    "settings": {"document": {"case": "return/{rma}", "limits": {"run": LIMITS}}},
    "overhead": {"routing": {"seconds": 0.2, "share": 0.01}, "state": {"seconds": 0.4, "share": 0.02}},
    "agents_seconds": 20.0, "rejected_count": 2,
    "rejected_input": [{"line": 7, "reason": "not JSON"}, {"line": 9, "reason": "no rma"}],
}  # fmt: skip


def did(case: str, state: str = "executed", **fields: Any) -> dict[str, Any]:
    return {"agent": "refund", "case": case, "state": state, "attempt": 1} | fields


RECORDS = {
    "control/run": RUN,
    "control/leader": {"member": "host:1:x"},
    **{f"return/{n}": {"n": n} for n in range(6)},
    "control/activations/a": did("return/0", attempts=[CALL], attempt=2, usage=[USE], conflicts=2),
    "control/activations/b": did("return/1", "running"),
    "control/activations/c": did("return/2", "abandoned"),
    "control/activations/d": did("return/3", "escalated"),
    "control/activations/e": did("return/4", "abandoned"),
    "control/escalations/d": {"status": "open", "case": "return/3"},
    "control/overrides/1": {"verb": "force", "status": "applied"},
    "control/overrides/2": {"verb": "hold", "status": "refused"},
    "control/overrides/3": {"verb": "force", "status": "standing"},
    "control/flow": {"mode": "paused", "steps": 0, "author": "ann", "reason": "new gateway"},
    "control/agents/torn": {"name": 7},
} | {"return/4": {"outcome": "left as it is"}}
AGENDA = {"member": "host:1:x", "at_ms": NOW_MS - 400, "pending_count": 12, "max_running": 4}


def cells(line: str) -> str:
    return " | ".join(re.split(r" {2,}", line))


def test_each_side_of_the_run_has_a_line() -> None:
    pane = RunPane(model_of(RECORDS, AGENDA))
    assert [cells(line) for line in shown(pane, 160)] == [
        "stopped | paused (ann: new gateway)",
        f"run | returns | finished since {clock(NOW_MS - 6_000)}, after 24.0 s",
        f"cases | 6 | {'▇' * 10} | 50% at rest: 2 completed, 1 awaiting a person, 1 failed, 1 going on, 1 untouched",
        "people | 16.7% of the cases, 1, went to people; 1 question open",
        "rates | 0 commits/s, 0 activations/s, 0 refusals/s | over 5.0 s",
        "load | 1 running of at most 4, 12 pending",
        f"cost | 0.5000 of 2.00 | {'▇' * 5} | 25%",
        "failed | 1 call; 0.2500 of the cost (50%) bought nothing",
        f"tokens | 1,000 of 1,100 | {'▇' * 18} | 91%",
        f"calls | 6 of 5 | {'▇' * 20} 120%",
        f"time | 24.0 s of 1 min | {'▇' * 8} | 40%",
        "overhead | 3.0% of 20.00 s inside agents, 30% allowed",
        f" | routing | {'▇' * 10} | 1.0%",
        f" | state | {'▇' * 20} 2.0%",
        "conflicts | 2 contributions refused and tried again",
        "orders | force 2, hold 1; 1 standing, 1 refused",
        "agenda | told 400 ms ago by host:1:x",
        "rejected | 2 lines of the input could not be fed",
        " | line 7: not JSON",
        " | line 9: no rma",
        "unsound | the record 'control/agents/torn' is not what the runtime writes there: name: 7 is no str",
    ]
    assert pane.title == "Run · returns finished"
    assert pane.heading(80) is None


def test_limits_have_a_meaning_of_their_own_where_they_are_near_or_passed() -> None:
    pane = RunPane(model_of(RECORDS, AGENDA))
    rows = {name: row for row, name in enumerate(names(pane))}
    said = {name: {span.meaning for span in pane.line(rows[name], 120, NOW_MS)} for name in rows}
    assert "good" in said["cost"]
    assert "warn" in said["tokens"]
    assert "bad" in said["calls"]
    assert "bad" in said["failed"]


def test_while_it_runs_time_goes_on_and_rates_are_of_the_last_seconds() -> None:
    running = {**RUN, "status": "running"}
    del running["overhead"], running["ended_ms"]
    model = model_of({"control/run": running})
    pane = RunPane(model)
    pane.refresh()
    for number in range(10):
        put(model, f"control/activations/{number}", did("return/1", "running"), time_ms=NOW_MS + 400 * number)
    put(model, "control/activations/0", did("return/1", conflicts=5), time_ms=NOW_MS + 4_000)
    now_ms = NOW_MS + 4_000
    lines = {line.split()[0]: cells(line) for line in shown(pane, 120, now_ms)}
    assert lines["run"] == f"run | returns | running since {clock(NOW_MS - 30_000)}, for 34 s"
    assert lines["rates"] == "rates | 2.2 commits/s, 2 activations/s, 1 refusals/s | over 5.0 s"
    assert lines["time"].startswith("time | 34.0 s of 1 min")
    assert "overhead" not in lines
    later = {line.split()[0]: cells(line) for line in shown(pane, 120, now_ms + 60_000)}
    assert later["rates"].startswith("rates | 0 commits/s")
    assert later["agenda"] == "agenda | nobody leads this board"


def test_where_agents_took_next_to_nothing_overhead_is_told_in_seconds() -> None:
    dear = RUN | {"overhead": {"tracing": {"seconds": 0.5, "share": 25.0}}, "agents_seconds": 0.02}
    lines = {line.split()[0]: cells(line) for line in shown(RunPane(model_of({"control/run": dear})), 120)}
    assert lines["overhead"] == "overhead | 0.50 s beside 0.02 s inside agents"
    assert lines["tracing"].endswith("0.500 s")


def test_a_run_that_ended_because_some_wait_for_each_other_says_who() -> None:
    wait = {"name": "a x=1", "agent": "a", "captures": {}, "has": [], "lacks": [{"key": "k/1", "writers": ["b"]}]}
    graph = {"waits": [wait], "edges": [], "circles": [[], ["a x=1", "b x=1"]], "cut": False}
    text = "\n".join(shown(RunPane(model_of({"control/run": RUN | {"waits": graph}})), 120))
    assert "waits        a x=1 has nothing, waits for k/1, which b may write" in text
    assert "circle: a x=1 → b x=1 → a x=1" in text


def test_where_nothing_was_run_the_board_is_told_of_all_the_same() -> None:
    model = model_of({"control/activations/a": did("return/1"), "note/1": 1})
    assert [cells(line) for line in shown(RunPane(model), 100)] == [
        "run | nothing was run on this board",
        f"cases | 1 | {'▇' * 20} 100% at rest: 1 completed",
        "rates | 0 commits/s, 0 activations/s, 0 refusals/s | over 5.0 s",
        "load | 0 running, 0 waiting",
        "cost | 0",
        "calls | 1",
        "agenda | nobody leads this board",
    ]
    assert RunPane(model).title == "Run"


def test_a_filter_leaves_the_lines_that_it_accepts() -> None:
    pane = RunPane(model_of(RECORDS, AGENDA))
    pane.filter_by(Filter.parse("overhead"))
    assert names(pane) == ["overhead"]
    pane.filter_by(Filter.parse('name == "cost" || name == "tokens"'))
    assert names(pane) == ["cost", "tokens"]
    assert pane.text(0).startswith("cost 0.5000 of 2.00")
    pane.filter_by(None)
    assert len(names(pane)) == 21
    pane.sort_by("order")
    assert pane.target(0) is None


@pytest.mark.parametrize(
    ("limits", "expected"),
    [
        ({"time": "2m", "cost": 3, "overhead": "12.5%"}, RunLimits(120_000, 3, None, None, 0.125)),
        ({"time": 60, "cost": "much", "tokens": True, "firings": -1, "overhead": 30}, RunLimits()),
        ({"time": "soon", "cost": 0, "tokens": [], "overhead": "x%"}, RunLimits()),
        ([1], RunLimits()),
        (None, RunLimits()),
    ],
)
def test_limits_are_read_as_a_scenario_writes_them_and_others_are_none(limits: object, expected: RunLimits) -> None:
    record = completed("control/run", {"settings": {"document": {"limits": {"run": limits}}}})
    assert RunLimits.of(record) == expected
    assert RunLimits.of(completed("control/run", {"settings": {"document": {"limits": limits}}})) == RunLimits()
    assert RunLimits.of(None) == RunLimits()


def test_a_bar_shows_whatever_is_more_than_nothing_and_is_never_longer_than_full() -> None:
    assert [bar(share).count("▇") for share in (0.0, 1e-9, 0.5, 1.0, 1e400, -1.0)] == [0, 1, 10, 20, 20, 0]
    assert {len(bar(share)) for share in (0.0, 0.3, 7.0)} == {20}


@pytest.mark.parametrize("text", HOSTILE)
def test_nothing_in_a_record_breaks_a_line(text: str) -> None:
    wait = {"name": text, "agent": text, "captures": {}, "has": [text], "lacks": [{"key": text, "writers": [text]}]}
    wild = RUN | {
        "scenario": text, "settings": {"document": {"case": text, "limits": {"run": {"time": text, "cost": 1e-300}}}},
        "overhead": {text: {"seconds": 1e30, "share": -1e30}, "b": {"seconds": -1.0, "share": 1e30}},
        "waits": {"waits": [wait], "edges": [], "circles": [[text]], "cut": True}, "rejected_count": 1 << 52,
        "rejected_input": [{"line": 1 << 52, "reason": text}],
    }  # fmt: skip
    model = model_of(
        {
            "control/run": wild,
            "control/leader": {"member": text},
            "control/flow": {"mode": "paused", "steps": 1 << 52, "author": text, "reason": text, "refused": text},
            "control/focus": {"agents": [text], "patterns": [text], "author": text, "reason": text},
            f"control/agents/{text[:400]}": {"name": text, "kind": text},
            "control/activations/a": did(text, attempts=[CALL | {"cost": 1e30}], usage=[USE], attempt=1 << 52),
            "control/escalations/a": {"case": text, "status": "open"},
            **{f"control/breakers/{n}{text[:400]}": text for n in range(30)},
        },
        AGENDA | {"member": text},
    )  # fmt: skip
    for width in WIDTHS:
        assert len(shown(RunPane(model), width)) > 10
