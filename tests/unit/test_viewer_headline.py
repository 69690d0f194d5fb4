"""The line above every view: what matters most is said at any width."""

from __future__ import annotations

from typing import Any

import pytest
from rich.cells import cell_len

from controller.viewer.amounts import clock
from controller.viewer.headline import Moment, headline
from controller.viewer.line import plain
from tests.pane_lines import HOSTILE, NOW_MS, WIDTHS, model_of

RUN = {"scenario": "returns", "status": "running", "started_ms": NOW_MS - 75_000}
RECORDS = {"control/run": RUN, "control/leader": {"member": "host:1:x"}}
PAST = Moment(120, 340, NOW_MS, playing="×10")


def told(records: dict[str, Any], width: int = 120, **situation: Any) -> str:
    usual = {"silent_s": 0.0, "moment": None, "hidden": None, "writable": False}
    text = plain(headline(model_of(records), NOW_MS, width, **(usual | situation)))
    assert cell_len(text) <= width
    return text


def test_it_says_which_board_how_the_run_goes_and_who_leads() -> None:
    assert told(RECORDS) == "shop  running  for 1 min  returns  revision 7  led by host:1:x  read-only"
    ended = RUN | {"status": "timed_out", "ended_ms": NOW_MS - 70_000}
    assert told({"control/run": ended}, writable=True) == (
        "shop  timed out  took 5.0 s  returns  revision 7  nobody leads  can write"
    )
    assert told({}) == "shop  revision 7  nobody leads  read-only"


def test_a_board_that_is_named_after_its_scenario_says_it_once() -> None:
    assert (
        told({"control/run": RUN | {"scenario": "shop"}})
        == "shop  running  for 1 min  revision 7  nobody leads  read-only"
    )


def test_what_is_not_as_it_seems_stands_first() -> None:
    assert told(RECORDS, silent_s=4.2).startswith("no answer for 4 s; connecting again  shop  running")
    assert told(RECORDS, hidden=1_312).startswith("paused, 1,312 changes hidden  shop")
    assert told(RECORDS, hidden=0).startswith("paused, 0 changes hidden  shop")
    past = told(RECORDS, moment=PAST)
    assert past.startswith(f"AS IT WAS at revision 120 of 340, {clock(NOW_MS)} · playing ×10  shop")
    assert "revision 7" not in past
    assert "playing" not in told(RECORDS, moment=PAST._replace(playing=""))


def test_a_flow_that_somebody_stopped_is_said_beside_the_run() -> None:
    """A board that dispatched nothing was told as running, and nothing else."""
    stopped = {"mode": "paused", "steps": 0, "author": "nora", "reason": "wait"}
    assert "flow paused by nora" in told(RECORDS | {"control/flow": stopped}, 80)
    word = stopped | {"mode": "recommend"}
    assert "nora wants a word on each pick" in told(RECORDS | {"control/flow": word})
    assert "flow" not in told(RECORDS | {"control/flow": stopped | {"mode": "running"}})


@pytest.mark.parametrize(
    ("situation", "expected"),
    [
        ({}, "shop  running  revision 7  read-only"),
        ({"silent_s": 12.0}, "no answer for 12 s; connecting again"),
        ({"moment": PAST}, f"AS IT WAS at revision 120 of 340, {clock(NOW_MS)}"[:39] + "…"),
        ({"hidden": 312}, "paused, 312 changes hidden  shop  retur…"),
        ({"writable": True}, "shop  running  revision 7  can write"),
    ],
)
def test_at_forty_columns_what_matters_most_is_left(situation: dict[str, Any], expected: str) -> None:
    assert told(RECORDS, 40, **situation) == expected


@pytest.mark.parametrize("text", HOSTILE)
def test_nothing_in_a_record_breaks_the_line(text: str) -> None:
    records = {"control/run": RUN | {"scenario": text}, "control/leader": {"member": text}}
    for width in (0, *WIDTHS):
        for situation in ({}, {"silent_s": 1e9, "moment": PAST, "hidden": 10**12}):
            line = told(records, width, **situation)
            assert all(character.isprintable() for character in line)
