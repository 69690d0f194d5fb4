"""How a record came about, told from records alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from blackboard import codec
from blackboard.log import Change
from blackboard.record import Record, Stamp
from controller.past import Past
from controller.provenance import account, explain
from controller.viewer.why_text import account_lines, explanation_lines

if TYPE_CHECKING:
    from controller.provenance import Explanation

CASE = "return/R-1"


def record(key: str, value: Any, revision: int, **stamp: Any) -> Record:
    packed, _ = codec.pack_record(Stamp(**stamp), "", 0, codec.pack_value(value))
    return Record(key, f"1-{revision}", revision, 1, 1_000 * revision, packed)


def activation(name: str, agent: str, triggers: list[list[str]], **fields: Any) -> tuple[str, Record]:
    decision = {
        "revision": 1, "eligible": 1, "rank": 1, "level": "normal", "rating": 0.0, "waited_ms": 5, "score": 0.0,
        "override": None, "runners_up": [],
    }  # fmt: skip
    value = {
        "agent": agent, "capability": agent, "state": "executed", "case": CASE, "work_item": f"{agent}|{CASE}",
        "captures": {"rma": "R-1"}, "triggers": triggers, "worker": "w", "attempt": 1, "eligible_ms": 1_000,
        "dispatched_ms": 1_005, "ended_ms": 1_030, "decision": decision, **fields,
    }  # fmt: skip
    return name, record(f"control/activations/{name}", value, 90, author=agent, activation=name, case=CASE)


def past(*versions: Record, standing: tuple[Record, ...] | None = None, **control: Any) -> Past:
    present = {one.key: one for one in (versions if standing is None else standing)}
    cases: dict[str, dict[str, Record]] = {}
    for activation, one in control.get("activations", {}).items():
        cases.setdefault(one.case, {})[activation] = one
    return Past({one.reference: one for one in versions}, present, by_case=cases, **control)


def text(explained: Explanation) -> str:
    return "\n".join(one.text for one in explanation_lines(explained))


FED = record(CASE, {"amount": 20}, 1, author="feeder", case=CASE)
CHECK = record("check/R-1", {"ok": True}, 2, author="check", activation="a1", case=CASE, causes=(FED.reference,))
REFUND = record("refund/R-1", 20, 3, author="pay", activation="a2", case=CASE, causes=(CHECK.reference, FED.reference))
CHECKED = activation("a1", "check", [["item", CASE, "1-1"]], wrote=["check/R-1"])


def test_the_tree_goes_down_to_the_fed_record_and_tells_each_version_once() -> None:
    told = explain(past(FED, CHECK, REFUND, activations=dict([CHECKED, activation("a2", "pay", [])])), "refund/R-1", 9)
    assert told.origin is not None
    checked, fed_again = told.origin.causes
    assert checked.origin is not None
    assert checked.origin.causes[0].origin is not None
    assert checked.origin.causes[0].origin.by is None
    assert (fed_again.reference, fed_again.left_out) == (FED.reference, "told above")


def test_the_depth_ends_the_tree_and_the_tree_says_so() -> None:
    told = explain(past(FED, CHECK, REFUND), "refund/R-1", 1)
    assert told.origin is not None
    first = told.origin.causes[0].origin
    assert first is not None
    assert first.causes[0].left_out == "not followed further"


def test_a_cause_that_was_overwritten_is_told_as_it_was_with_what_wrote_over_it() -> None:
    newer = record(CASE, {"amount": 99}, 7, author="feeder", case=CASE)
    told = text(explain(past(FED, CHECK, standing=(CHECK, newer)), "check/R-1", 9))
    assert 'return/R-1 = {"amount": 20}' in told
    assert "it does not stand any more: 1-7 wrote over it" in told


def test_a_cause_that_the_log_no_longer_holds_is_named_as_such() -> None:
    assert "return/R-1@1-1 (the log no longer holds it" in text(explain(past(CHECK), "check/R-1", 9))


def test_what_a_person_decided_is_followed_from_what_the_agent_had_worked_on() -> None:
    decided = record("check/R-1", 5, 4, author="ann", activation="a1", case=CASE)
    told = explain(past(FED, decided, activations=dict([CHECKED])), "check/R-1", 9)
    assert told.origin is not None
    assert [cause.reference for cause in told.origin.causes] == [FED.reference]
    assert "written by ann in the place of check" in text(told)


def test_who_was_not_chosen_is_told_with_what_became_of_each() -> None:
    decision = CHECKED[1].value["decision"] | {
        "eligible": 3,
        "runners_up": [
            {"activation": "a3", "agent": "label", "level": "low", "score": 1.0},
            {"activation": "gone", "agent": "stock", "level": "low", "score": 0.5},
        ],
    }
    activations = dict([
        activation("a1", "check", [], decision=decision),
        activation("a3", "label", [], state="obviated"),
    ])  # fmt: skip
    told = text(explain(past(FED, CHECK, activations=activations), "check/R-1", 9))
    assert "number 1 of 3 eligible" in told
    assert "label for return/R-1 (level low, score 1.000; obviated by now)" in told
    assert "stock (level low, score 0.500; never fired)" in told


def test_a_failed_call_is_told_with_its_class_its_duration_and_its_cost() -> None:
    failed = {"started_ms": 1_000, "ended_ms": 3_500, "failure": "error", "error": "boom\n  at x", "cost": 0.5}
    usage = [{"model": "m", "input_tokens": 7, "output_tokens": 3, "cost": 0.25}]
    one = activation("a1", "check", [], attempts=[failed], attempt=2, usage=usage, run_us=2_500)
    told = explain(past(FED, CHECK, activations=dict([one])), "check/R-1", 9)
    assert told.origin is not None
    assert told.origin.by is not None
    assert told.origin.by.cost == 0.75
    assert "call 1 failed after 2.5 s (error, cost 0.5000): boom, at x" in text(told)
    assert "ran 2.50 ms" in text(told)


def test_an_order_is_told_with_who_was_asked_why_and_what_it_came_to() -> None:
    attention = record("control/attention/overdue/a1", {"reason": "check is late"}, 3)
    order = {
        "verb": "extend", "activation": "a1", "author": "boss", "reason": "wait", "status": "refused",
        "by_ms": 2_000, "outcome": "no authority",
    }  # fmt: skip
    activations = dict([CHECKED, activation("s1", "boss", [["overdue", attention.key, attention.commit]])])
    told = text(
        explain(
            past(FED, CHECK, attention, activations=activations, overrides={"s1": record("x/s1", order, 4)}),
            "check/R-1",
            9,
        )
    )
    assert "check is late; it ordered extend by 2.0 s (wait), refused: no authority" in told


def test_a_question_that_was_put_twice_is_told_twice_each_with_its_answer() -> None:
    asked = {
        "status": "open", "question": "Try?", "choices": ["retry"], "asked_ms": 1_000, "case": CASE, "reason": "",
    }  # fmt: skip
    answered = asked | {"status": "answered", "answer": "retry", "answered_by": "ann", "answered_ms": 3_000}
    again = asked | {"asked_ms": 9_000}
    versions = tuple(record("q/a1", value, revision) for revision, value in enumerate((asked, answered, again), 5))
    told = text(explain(past(FED, CHECK, activations=dict([CHECKED]), questions={"a1": versions}), "check/R-1", 9))
    assert told.count("a person was asked") == 2
    assert 'ann answered "retry" after 2.0 s' in told
    assert "nobody has answered yet: blackboard escalations answer a1 CHOICE" in told


def test_rivals_are_those_that_came_too_late_for_the_same_work_and_no_others() -> None:
    late = "too late: check/R-1 was to be absent, but it is now at 1-2, written by check"
    unrelated = "too late: check/R-10 was to be absent, but it is now at 1-2, written by check"
    activations = dict([
        CHECKED,
        activation("b1", "check_b", [], state="obviated", reason=late, winner="check"),
        activation("b2", "other", [], state="obviated", reason=unrelated, winner="check"),
        activation("b3", "label", []),
    ])  # fmt: skip
    told = explain(past(FED, CHECK, activations=activations), "check/R-1", 9)
    assert told.origin is not None
    assert told.origin.by is not None
    assert [rival.activation for rival in told.origin.by.rivals] == ["b1"]
    assert "check_b, for the same, was obviated; check was first: too late" in text(told)


def test_a_removed_record_is_told_with_who_removed_it_and_what_stood_there() -> None:
    removal = Change("check/R-1", "delete", "1-8", 8, 8_000, "ann", None, "1-2")
    told = explain(past(FED, CHECK, standing=(FED,), removals={"check/R-1": removal}), "check/R-1", 9)
    assert not told.there
    assert "check/R-1 is not there any more: removed by ann" in text(told)
    assert 'what stood there last:\ncheck/R-1 = {"ok": true}' in text(told)


def test_a_record_that_never_was_is_explained_by_who_was_to_write_it() -> None:
    agent = record("control/agents/check", {"contributes": ["check/{rma}"]}, 1)
    waiting = activation("a1", "check", [], state="escalated", reason="check asks: Sure?")
    told = explain(past(FED, activations=dict([waiting]), agents={"check": agent}, aimed=("a1",)), "check/R-1", 9)
    assert told.known
    assert told.writers == ("check",)
    assert "check, which may write it, waits for a person: check asks: Sure?" in text(told)


def test_of_a_record_of_which_nothing_is_known_nothing_is_told() -> None:
    assert not explain(past(FED), "refund/R-9", 9).known


def test_a_case_is_told_in_the_order_of_its_decisions_without_the_supervisors_own_work() -> None:
    later = activation("a2", "pay", [], dispatched_ms=9_000, decided_by="boss", wrote=["refund/R-1"])
    watching = activation("s1", "boss", [["overdue", "control/attention/overdue/a2", "1-3"]])
    told = account(past(FED, activations=dict([later, watching, CHECKED])), CASE)
    assert [step.agent for step in told.steps] == ["check", "pay"]
    lines = [one.text for one in account_lines(told)]
    assert lines[0] == 'return/R-1 = {"amount": 20}'
    assert "2. after 8.0 s: pay executed as boss decided: wrote refund/R-1" in lines
