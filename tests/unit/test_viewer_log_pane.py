"""The Log pane: a row for each change, in words that say what was decided and what was refused."""

from __future__ import annotations

import random
from collections import deque
from typing import TYPE_CHECKING, Any

import pytest

from blackboard.record import Record
from controller.viewer.filtering import Filter
from controller.viewer.line import plain
from controller.viewer.model import MOST_CHANGES, Model
from controller.viewer.pane import LIT_MS
from controller.viewer.panes.log import ROWS_A_CALL, LogPane
from controller.viewer.target import Target
from controller.viewer.telling import document_of, tell
from tests.viewed import Writer, identities, picture, put, removed, written

if TYPE_CHECKING:
    from collections.abc import Mapping

    from blackboard.log import Change

DECISION = {
    "revision": 7, "eligible": 23, "rank": 1, "level": "high", "rating": 1.0, "waited_ms": 1, "score": 1.0,
    "override": None, "runners_up": [],
}  # fmt: skip
RUNNING = {"agent": "gateway", "case": "return/R-1", "state": "running", "attempt": 1, "decision": DECISION}
FAILED = {"started_ms": 1, "ended_ms": 2, "failure": "error", "error": "late\nat pay.py:3", "cost": 0.5}
QUESTION = {"question": "Pay\x1b[2J?", "choices": ["yes", "no"], "agent": "pay", "case": "c", "status": "open"}
ORDER = {"author": "boss", "verb": "cancel", "reason": "enough"}
ACTIVATION, OVERRIDE, ASKED = "control/activations/a", "control/overrides/o", "control/escalations/q"


@pytest.mark.parametrize(
    ("key", "value", "text", "meaning"),
    [
        (ACTIVATION, RUNNING, "chose gateway for return/R-1, 1 of 23 eligible, level high", "name"),
        (
            ACTIVATION,
            RUNNING | {"attempt": 2, "decision": DECISION | {"eligible": 1, "promoted_from": "low", "override": "o"}},
            "chose gateway for return/R-1, the only one eligible, level high (from low), moved by an order, call 2",
            "name",
        ),
        (
            ACTIVATION,
            RUNNING | {"state": "executed", "wrote": ["a/1", "a/2", "a/3", "a/4"], "run_us": 412_000},
            "gateway for return/R-1 executed: wrote a/1, a/2, a/3 and 1 more; ran 412.0 ms",
            "good",
        ),
        (
            ACTIVATION,
            RUNNING | {"state": "executed", "wrote": ["a/1"], "conflicts": 2},
            "gateway for return/R-1 executed: wrote a/1; 2 contributions refused",
            "warn",
        ),
        (
            ACTIVATION,
            RUNNING | {"state": "obviated", "reason": "too late", "winner": "refund_a"},
            "gateway for return/R-1 obviated: too late; refund_a was first",
            "dim",
        ),
        (
            ACTIVATION,
            RUNNING | {"state": "pending", "attempts": [FAILED]},
            "gateway for return/R-1 pending: call 1 failed (error): late",
            "warn",
        ),
        (
            ACTIVATION,
            RUNNING | {"state": "failed", "failure": "slow", "reason": "5 s are over"},
            "gateway for return/R-1 failed (slow): 5 s are over",
            "bad",
        ),
        (
            ACTIVATION,
            RUNNING | {"state": "pending", "failure": "error", "reason": "gateway failed for return/R-1: late"},
            "pending (error): gateway failed for return/R-1: late",
            "",
        ),
        (OVERRIDE, ORDER | {"status": "applied"}, "boss orders cancel, applied: enough", "title"),
        (
            OVERRIDE,
            ORDER | {"status": "refused", "outcome": "boss may not"},
            "boss orders cancel, refused: enough; boss may not",
            "bad",
        ),
        (ASKED, QUESTION, r"pay for c asks, open: Pay\x1b[2J? (yes, no)", "warn"),
        (
            ASKED,
            QUESTION | {"status": "answered", "answer": "yes", "answered_by": "ann", "reason": "checked"},
            'ann answers "yes" for c: checked',
            "good",
        ),
        (
            "control/agents/pay",
            {"name": "pay", "kind": "agent", "status": "broken", "error": "Traceback\nValueError: no"},
            "pay: agent is broken: ValueError: no",
            "bad",
        ),
        (
            "control/breakers/pay",
            {"agent": "pay", "state": "open", "reason": "3 calls failed"},
            "the breaker of pay is open: 3 calls failed",
            "bad",
        ),
        ("control/attention/overdue/a", {"addressed": "boss", "reason": "late"}, "boss is asked: late", "warn"),
        ("control/progress/a", {"agent": "pay", "text": "half"}, "pay: half", "dim"),
        (
            "control/flow",
            {"mode": "paused", "steps": 2, "author": "ann", "reason": "lunch"},
            "ann sets the flow to paused, 2 steps granted: lunch",
            "title",
        ),
        ("control/leader", {"member": "host:1"}, "host:1 leads", "title"),
        ("control/run", {"scenario": "returns", "status": "finished"}, "returns finished", "title"),
        ("order/1", {"n": "\x1b[2J"}, r'order/1  {"n": "\u001b[2J"}', ""),
    ],
)
def test_a_change_is_told_in_words_and_what_was_refused_stands_out(
    key: str, value: Mapping[str, Any], text: str, meaning: str
) -> None:
    model = Model("b")
    model.apply(put(written(key, value, 7)))
    line = LogPane(model).line(0, 200, 60_000)
    assert plain(line).endswith(f"  {text}")
    assert line[-1].meaning == meaning


def test_only_a_dispatch_is_told_as_a_choice() -> None:
    extended = put(written(ACTIVATION, RUNNING | {"deadline_ms": 9}, 8))._replace(
        previous=written(ACTIVATION, RUNNING, 7)
    )
    assert tell(extended).text == "gateway for return/R-1 running"


def test_a_removal_is_told_with_its_key() -> None:
    model = Model("b", [written("order/1", 1, 1), written("order/2", 1, 2)])
    model.apply(removed("order/1", 3))
    model.apply(removed("order/2", 4, expired=True))
    pane = LogPane(model)
    assert [line.split("  ")[-2:] for line in picture(pane)] == [
        ["order/1", "removed"],
        ["order/2", "its time was over"],
    ]
    assert [pane.line(row, 99, 9_999)[-1].meaning for row in (0, 1)] == ["removed", "dim"]


@pytest.mark.parametrize(
    ("key", "text"),
    [
        ("control/leader", "nobody leads"),
        ("control/flow", "the controller picks by itself again"),
        ("control/progress/a", "its activation has ended"),
        ("control/odd/a", "removed"),
    ],
)
def test_what_the_runtime_takes_away_is_told_as_what_that_means(key: str, text: str) -> None:
    assert tell(removed(key, 1)).text == text


def test_what_has_just_happened_is_lit() -> None:
    model = Model("b")
    model.apply(put(written("order/1", 1, 1_000)))
    pane = LogPane(model)
    assert {span.meaning for span in pane.line(0, 99, 1_000 + LIT_MS - 1)} >= {"lit"}
    assert "lit" not in {span.meaning for span in pane.line(0, 99, 1_000 + LIT_MS)}


def naive(model: Model, text: str | None, sort: str) -> list[str]:
    """The identities of the rows, from all the changes that are kept."""
    wanted = Filter.parse(text) if text else None
    rows = [
        f"{change.commit} {change.key}"
        for change in model.changes
        if wanted is None or wanted.accepts(document_of(change), _words(change))
    ]
    return rows[::-1] if sort == "newest" else rows


def _words(change: Change) -> str:
    author = change.record.author if change.record is not None else change.author
    return f"{change.commit} {author or '-'} {change.key} {tell(change).text}"


def settle(pane: LogPane) -> None:
    pane.refresh()
    while pane.busy:
        pane.refresh()


@pytest.mark.parametrize("seed", range(12))
def test_after_any_changes_the_rows_are_those_of_the_changes_that_are_kept(seed: int) -> None:
    chance = random.Random(seed)
    writer = Writer(chance, [f"{region}/{n}" for region in ("order", "control") for n in range(20)])
    model = writer.model
    model.changes = deque(maxlen=80)
    writer.write(chance.randrange(100))
    pane = LogPane(model)
    text = None
    for _ in range(40):
        match chance.randrange(6):
            case 0:
                pane.sort_by(chance.choice(pane.sorts))
            case 1:
                text = chance.choice([None, "order/1", 'author == "ann"', 'operation == "delete"', "control/*", "1-1"])
                pane.filter_by(Filter.parse(text) if text else None)
            case 2 if len(model.changes) > 5:
                writer.take_back(chance.randrange(5))
            case 3 if len(model.changes) < 70:
                earlier = [put(written("order/0", n, -n)) for n in range(chance.randrange(9), 0, -1)]
                model.changes.extendleft(reversed(earlier))
            case _:
                writer.write(chance.choice([1, 10, 200]))
        settle(pane)
        assert identities(pane) == naive(model, text, pane.sort)
        if len(set(identities(pane))) == len(pane):
            assert [pane.row_of(identity) for identity in identities(pane)] == list(range(len(pane)))
        assert len(picture(pane)) == len(pane)


def test_a_row_stays_itself_while_the_oldest_leave() -> None:
    model = Model("b")
    changes = [put(written(f"order/{n % 7}", n, n + 1)) for n in range(MOST_CHANGES + 100)]
    for change in changes[:MOST_CHANGES]:
        model.apply(change)
    pane = LogPane(model)
    assert pane.title == "Log · the newest 10,000 changes"
    kept, lost = pane.identity(500), pane.identity(99)
    for change in changes[MOST_CHANGES:]:
        model.apply(change)
    pane.refresh()
    assert len(pane) == MOST_CHANGES
    assert (pane.row_of(kept), pane.row_of(lost)) == (400, None)
    assert pane.identity(0) == "1-101 order/2"
    pane.sort_by("newest")
    assert pane.row_of(kept) == MOST_CHANGES - 401


def test_a_filter_of_many_changes_is_worked_off_bit_by_bit() -> None:
    model = Model("b")
    for n in range(3 * ROWS_A_CALL):
        model.apply(put(written(f"order/{n}", n, n + 1)))
    pane = LogPane(model)
    pane.filter_by(Filter.parse("time_ms > 0"))
    assert pane.title == "Log · 400 of 1,200 changes · filtering 33%"
    assert pane.busy
    settle(pane)
    assert pane.title == "Log · 1,200 of 1,200 changes"


def test_a_condition_reads_what_an_activation_is_about() -> None:
    model = Model("b")
    for number, state in enumerate(["running", "failed", "executed"], 1):
        model.apply(put(written(ACTIVATION, RUNNING | {"state": state}, number)))
    model.apply(put(written("return/R-1", {}, 4)))
    pane = LogPane(model)
    for text, expected in {
        'agent == "gateway" && state == "failed"': ["1-2 " + ACTIVATION],
        'level == "high" && state != "failed"': ["1-1 " + ACTIVATION, "1-3 " + ACTIVATION],
        "return/*": [f"1-{n} {ACTIVATION}" for n in (1, 2, 3)] + ["1-4 return/R-1"],
        'region == "return"': ["1-4 return/R-1"],
        "CHOSE gateway": ["1-1 " + ACTIVATION],
    }.items():
        pane.filter_by(Filter.parse(text))
        assert identities(pane) == expected, text


def test_enter_opens_the_version_or_what_it_tells_of() -> None:
    targets = {
        "order/1": Target("record", "order/1", "1-1"),
        ACTIVATION: Target("activation", "a"),
        "control/progress/a": Target("activation", "a"),
        "control/attention/overdue/a": Target("activation", "a"),
        "control/agents/pay": Target("agent", "pay"),
        ASKED: Target("question", "q"),
    }
    model = Model("b")
    for key in targets:
        model.apply(put(written(key, {}, 1)))
    model.apply(removed("order/1", 2))
    pane = LogPane(model)
    assert [pane.target(row) for row in range(len(pane))] == [*targets.values(), Target("record", "order/1")]
    assert pane.text(0) == "1-1 ann order/1 {}"


def test_a_process_of_the_runtime_stands_back_behind_people_and_agents() -> None:
    model = Model("b")
    for number, author in enumerate(["vm:2347:5b9b723f", "human/ann"], 1):
        model.apply(put(written("order/1", number, number, author=author)))
    pane = LogPane(model)
    who = [next(span for span in pane.line(row, 99, 60_000) if span.text.startswith(("vm", "human"))) for row in (0, 1)]
    assert [(span.text.strip(), span.meaning) for span in who] == [("vm:2347", "dim"), ("human/ann", "")]
    pane.filter_by(Filter.parse('author == "vm:2347:5b9b723f"'))
    assert len(pane) == 1


def test_columns_can_be_hidden() -> None:
    model = Model("b")
    model.apply(put(written("order/1", 5, 1)))
    pane = LogPane(model)
    pane.hidden = {"time", "who"}
    heading = pane.heading(80)
    assert heading is not None
    assert plain(heading).split() == ["commit", "what"]
    assert picture(pane)[0].split() == ["1-1", "order/1", "5"]
    pane.hidden = set(pane.columns)
    assert picture(pane)[0].split() == ["order/1", "5"]


@pytest.mark.parametrize("width", [0, 1, 30, 200])
def test_no_change_breaks_a_line_or_ends_the_pane(width: int) -> None:
    values: list[Any] = [
        "x" * 1_000_000,
        "a\nb\tc\x1b]0;t\x07\u202e",
        "漢字" * 500,
        b"\xff" * 1_000,
        None,
        [[]] * 9_000,
    ]
    model = Model("b")
    packed = [b"", b"\xff", b"\x9a\x01", written("note/1", {"state": 7}, 1).packed]
    homes = (
        "note/",
        "control/activations/",
        "control/overrides/",
        "control/proposals/a/",
        "control/agents/",
        "control/",
    )
    for home in homes:
        for n, value in enumerate(values):
            model.apply(put(Record(f"{home}{n}\x1b[2J", "1-1", 1, 1, 1, written("note/1", value, 1).packed)))
        for n, each in enumerate(packed):
            model.apply(put(Record(f"{home}p{n}", "1-2", 2, 1, 2, each)))
    model.apply(put(written("k" * 10_000, 1, 3, author="a\x1b" * 500)))
    pane = LogPane(model)
    for text in (None, "zebra", "size(case) > 1", "note/* where x == 1", 'agent == "a"'):
        pane.filter_by(Filter.parse(text) if text else None)
        settle(pane)
        assert text is None or len(pane) == 0
        for row in range(len(pane)):
            shown = plain(pane.line(row, width, 0))
            assert not set(shown) & set("\n\t\x1b\x07\u202e")
            assert len(shown) < 1_500
            assert pane.target(row) is not None
