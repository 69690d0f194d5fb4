"""What the live view makes of records: a snapshot, a line for each change, a screen."""

from __future__ import annotations

import json
from typing import Any

import pytest

from blackboard.log import Change
from controller.agenda import Agenda
from controller.agenda_view import at
from controller.entry import Entry
from controller.grouping import Group
from controller.outlook import outlooks
from controller.strategy import Lift, Policy
from controller.viewer.snapshot import line_of, take
from tests.control_values import completed
from tests.still_board import record_of

QUESTION = {"status": "open", "question": "Pay\x1b[2J?", "choices": ["yes"], "asked_ms": 5, "agent": "pay", "case": "c"}
CALL = {"started_ms": 1, "ended_ms": 2, "failure": "error", "error": "late", "cost": 0.5}
ACTIVATION = {"agent": "pay", "case": "c", "state": "running", "attempts": [CALL]}


def change(key: str, value: Any, *, operation: Any = "put", author: str = "ann") -> Change:
    record = record_of(key, completed(key, value), commit="1-7", author=author) if operation == "put" else None
    return Change(key, operation, "1-7", 7, 1_500, "committer", record, "")


def records() -> list[Any]:
    return [
        record_of("control/activations/a1", ACTIVATION),
        record_of("control/agents/pay", {"name": "pay", "status": "ready", "kind": "agent"}),
        record_of("control/escalations/a2", QUESTION),
        record_of("control/escalations/a3", QUESTION | {"status": "answered"}),
        record_of("control/leader", {"member": "host:1:x"}),
        record_of("return/R-1", 1),
        record_of("return/R-2", 2),
    ]


def test_a_line_has_six_fields_and_nothing_in_it_can_break_it_or_drive_a_terminal() -> None:
    line = line_of(change("note/1", "a\tb\nc\x1b[2J\u202e"), as_json=False)
    assert line.split("\t") == [
        "1-7", "1970-01-01T00:00:01.500+00:00", "put", "note/1", "ann", '"a\\tb\\nc\\u001b[2J\\u202e"',
    ]  # fmt: skip
    assert json.loads(line_of(change("note/1", "a\n\x1b"), as_json=True))["value"] == "a\n\x1b"


@pytest.mark.parametrize(
    ("key", "value", "expected"),
    [
        ("control/activations/a", ACTIVATION, "pay for c running"),
        ("control/activations/a", ACTIVATION | {"reason": "late"}, "pay for c running: late"),
        ("control/escalations/a", QUESTION, r"pay for c asks, open: Pay\x1b[2J?"),
        ("control/attention/overdue/a", {"addressed": "boss", "reason": "late"}, "boss is asked: late"),
        ("control/agents/pay", {"kind": "agent", "status": "ready"}, "agent is ready"),
        (
            "control/overrides/a",
            {"author": "boss", "verb": "cancel", "status": "applied", "reason": "enough"},
            "boss orders cancel, applied: enough",
        ),
    ],
)
def test_the_runtimes_own_records_are_summed_up(key: str, value: Any, expected: str) -> None:
    assert line_of(change(key, value), as_json=False).split("\t")[-1] == expected


def test_a_removal_says_how_and_by_whom() -> None:
    assert line_of(change("a/b", None, operation="delete"), as_json=False).endswith("\tcommitter\tremoved")
    assert line_of(change("a/b", None, operation="expire"), as_json=False).endswith("\tits time was over")


def test_a_snapshot_counts_regions_and_shows_agents_and_open_questions() -> None:
    shown = take("b", 9, records(), None)
    assert shown.regions == {"return": 2}
    assert [(one["name"], one["running"], one["failed_calls"], one["cost"]) for one in shown.agents] == [
        ("pay", 1, 1, 0.5)
    ]
    assert [one["id"] for one in shown.questions] == ["a2"]
    assert json.loads(json.dumps(shown._asdict()))["leader"] == "host:1:x"


def test_an_agenda_is_shown_only_if_the_present_leader_published_it() -> None:
    agenda: dict[str, Any] = {"member": "host:1:x", "pending": [], "running": []}
    assert take("b", 9, records(), agenda).agenda == agenda
    assert take("b", 9, records(), agenda | {"member": "host:2:y"}).agenda is None


def test_each_pending_entry_is_published_with_its_score_parts_and_what_it_waits_for() -> None:
    agenda = Agenda(Policy(promote_after_ms=60, fair="customer"))
    ann, stock = Group("capture", "customer", "ann"), Group("capture", "shop", "s1")
    for n, (not_before_ms, eligible_ms, group) in enumerate([(0, 30, ann), (500, 60, ann), (0, 60, stock)], 1):
        entry = Entry(
            f"a{n}", "pay", "pay", "c", level=1, rating=2.5, eligible_ms=eligible_ms, sequence=n, captures={},
            triggers={}, not_before_ms=not_before_ms, groups=(group,), flow=group.value if group is ann else "",
        )  # fmt: skip
        agenda.add(entry)
    agenda.block(stock, "shop=s1 is at its limit of 1 running")
    agenda.lift("a2", Lift(-1, "control/overrides/1"))
    shown = [one.document(("high", "low"), 100) for one in outlooks(agenda, 10, 100)]
    assert [(one["activation"], one["level"], one["state"], one["because"]) for one in shown] == [
        ("a1", "high", "ready", []),
        ("a3", "low", "blocked", ["shop=s1 is at its limit of 1 running"]),
        ("a2", "low", "delayed", []),
    ]
    assert [(one.get("promoted_from"), one["flow"], one.get("override")) for one in shown] == [
        ("low", "ann", None), (None, "", None), (None, "ann", "control/overrides/1"),
    ]  # fmt: skip
    assert json.loads(json.dumps(shown)) == shown
    first = at({"supervisors": [], "pending": shown}, Policy(ageing_rate_per_s=2), 2_030)["pending"][0]
    assert (first["waited_ms"], first["aged"], first["score"]) == (2_000, 4.0, 6.5)
