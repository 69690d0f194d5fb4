"""What the viewer offers to do, what it asks before it does it, and what is wrong with what was filled in."""

from __future__ import annotations

import json
from typing import Any

import pytest

from blackboard.control_records import ACTIVATIONS, AGENTS, ESCALATIONS, FLOW, OVERRIDES, RECOMMENDATION
from blackboard.errors import BlackboardError, UsageError
from controller.given_answer import DECIDE, RETRY
from controller.viewer import deeds
from controller.viewer.answer_form import MOST_PROPERTIES, answer_fields, answer_of, flat_properties
from controller.viewer.deed_forms import ABSENT, form_for
from controller.viewer.deeds import DEEDS, deeds_for
from controller.viewer.forms import Choice, Field, Form, Needed, faults, json_value, reason_field
from controller.viewer.model import Model
from controller.viewer.target import Target
from tests.control_values import completed
from tests.still_board import record_of

QUESTION = {"status": "open", "question": "Refund 900?", "choices": ["approve", "reject"], "agent": "refund", "case": "return/R-3"}  # fmt: skip
HOSTILE = "[bold red]x[/]\x1b[2J\u202e\n" + "y" * 10_000


def model_of(*records: tuple[str, Any], agenda: Any = None) -> Model:
    model = Model("b", [record_of(key, completed(key, value)) for key, value in records])
    model.agenda = agenda
    return model


def activation(state: str, **fields: Any) -> tuple[str, Any]:
    return ACTIVATIONS + "a1", {"agent": "refund", "capability": "pay", "case": "return/R-3", "state": state} | fields


def agent(name: str, *capabilities: str, **fields: Any) -> tuple[str, Any]:
    return AGENTS + name, {"name": name, "capabilities": list(capabilities), "status": "ready"} | fields


def names(target: Target | None, model: Model) -> set[str]:
    return {deed.name for deed in deeds_for(target, model)}


def field(form: Form, name: str) -> Field:
    (found,) = [one for one in form.fields if one.name == name]
    return found


@pytest.mark.parametrize(
    ("state", "offered"),
    [
        ("running", {"cancel", "extend", "decide"}),
        ("pending", {"force", "hold", "boost", "veto", "cancel", "extend", "decide"}),
        ("escalated", {"force", "cancel", "decide"}),
        ("executed", set()),
    ],
)
def test_an_activation_is_offered_the_orders_that_its_state_allows(state: str, offered: set[str]) -> None:
    model = model_of(activation(state), agent("refund", "pay"))
    assert names(Target("activation", "a1"), model) == offered
    assert names(Target("record", ACTIVATIONS + "a1"), model) == offered


def test_reassigning_is_offered_where_another_agent_is_ready_for_it() -> None:
    others = (agent("refund", "pay"), agent("broken", "pay", status="broken"), agent("late", "pay"), agent("x", "y"))
    model = model_of(activation("running"), *others)
    form = form_for(deeds.REASSIGN, Target("activation", "a1"), model)
    assert [choice.value for choice in field(form, "to").choices] == ["late"]
    assert "reassign" in names(Target("activation", "a1"), model)


def test_a_pending_activation_that_only_the_agenda_knows_can_be_ordered_and_chosen_while_all_is_stopped() -> None:
    one = {"activation": "a9", "agent": "refund", "case": "return/R-9", "level": "high", "score": 2.0}
    agenda = {"supervisors": [], "pending": [one]}
    assert "choose" not in names(Target("activation", "a9"), model_of(agenda=agenda))
    stopped = model_of((FLOW, {"mode": "paused"}), agent("refund", "pay"), agenda=agenda)
    assert {"choose", "hold"} <= names(Target("activation", "a9"), stopped)
    scopes = field(form_for(deeds.HOLD, Target("activation", "a9"), stopped), "scope").choices
    assert [json.loads(choice.value) for choice in scopes] == [
        {"activation": "a9"}, {"agent": "refund", "case": "return/R-9"}, {"agent": "refund"}, {"case": "return/R-9"},
        {"capability": "pay"},
    ]  # fmt: skip


def test_a_question_is_answered_while_it_is_open_and_no_longer() -> None:
    asked = Target("question", "a1")
    assert "answer" in names(asked, model_of((ESCALATIONS + "a1", QUESTION)))
    assert "answer" not in names(asked, model_of((ESCALATIONS + "a1", QUESTION | {"status": "answered"})))
    assert names(asked, model_of()) == set()


def test_what_the_flow_allows_now_is_offered_on_the_board() -> None:
    assert names(None, model_of()) == {"pause", "recommend", "post"}
    assert names(None, model_of((FLOW, {"mode": "paused"}))) == {"resume", "step", "recommend", "post"}
    recommended = model_of((FLOW, {"mode": "recommend"}), (RECOMMENDATION, {"agent": "refund", "case": "c"}))
    assert names(None, recommended) == {"resume", "step", "accept", "pause", "post"}
    assert form_for(deeds.ACCEPT, None, recommended).told == ("recommended: refund for c",)


def test_an_order_in_force_can_be_taken_back_from_whatever_it_is_about() -> None:
    order = {
        "verb": "hold",
        "status": "standing",
        "scope": {"agent": "refund"},
        "author": "human/ana",
        "reason": "look",
    }
    over = {"verb": "veto", "status": "revoked", "scope": {"case": "return/R-3"}}
    model = model_of(activation("running"), agent("refund"), (OVERRIDES + "o1", order), (OVERRIDES + "o2", over))
    for target in (Target("record", OVERRIDES + "o1"), Target("agent", "refund"), Target("activation", "a1"), None):
        assert "revoke" in names(target, model)
        (choice,) = field(form_for(deeds.REVOKE, target, model), "order").choices
        assert choice == Choice("o1", "hold agent refund, by human/ana: look")
    for target in (Target("record", OVERRIDES + "o2"), Target("case", "return/R-3"), Target("agent", "other")):
        assert "revoke" not in names(target, model)


def test_nothing_under_control_is_posted_to() -> None:
    assert "post" not in names(Target("record", "control/run"), model_of(("control/run", {"scenario": "x"})))


def test_every_form_ends_with_a_reason_and_says_that_it_is_needed() -> None:
    model = model_of(activation("pending"), agent("refund", "pay"), (ESCALATIONS + "a1", QUESTION))
    for deed in DEEDS.values():
        form = form_for(deed, None if deed in (deeds.PAUSE, deeds.STEP) else Target("activation", "a1"), model)
        assert form.fields[-1] == reason_field()
        assert faults(form, form.initial)["reason"] == "this is needed"


def test_a_record_is_posted_under_the_guard_of_the_version_that_was_looked_at() -> None:
    model = model_of(("item/a", {"n": 1}))
    form = form_for(deeds.POST, Target("record", "item/a"), model)
    assert (form.initial["key"], form.initial["value"], form.initial["guard"]) == ("item/a", '{"n": 1}', "1-1")
    assert form_for(deeds.POST, None, model).initial["guard"] == ABSENT
    assert form_for(deeds.POST, Target("case", "item/a"), model).initial["case"] == "item/a"


@pytest.mark.parametrize("value", [b"\x00", "x" * 20_000, {"n": b"\x00"}])
def test_a_value_that_would_not_come_back_as_it_was_is_not_put_into_a_field(value: Any) -> None:
    form = form_for(deeds.POST, Target("record", "item/a"), model_of(("item/a", value)))
    assert form.initial["value"] == ""


@pytest.mark.parametrize("value", [HOSTILE[:200], {"\x1b": ["\u202e", None, 1.5, True]}, "007", 5, []])
def test_a_value_that_is_put_into_a_field_is_the_same_when_it_is_read_again(value: Any) -> None:
    text = form_for(deeds.POST, Target("record", "item/a"), model_of(("item/a", value))).initial["value"]
    assert json_value(text) == value
    assert text.isprintable()


@pytest.mark.parametrize(
    ("kind", "text", "fault"),
    [
        ("json", "picked", 'not JSON: a text stands in quotes, as in "picked"'),
        ("json", 'a "b" \\', r'not JSON: a text stands in quotes, as in "a \"b\" \\"'),
        ("json", '{"a": ', "not JSON: Expecting value (line 1, column 7)"),
        ("json", "NaN", "NaN is not JSON"),
        ("number", "ten", "'ten' is no number"),
        ("number", "true", "'true' is no number"),
        ("integer", "1.5", "'1.5' is no whole number"),
        ("duration", "10", "'10' is not a duration: write a number and a unit, like 500ms, 30s, 2m, 1h"),
        ("duration", "0s", "must be longer than nothing"),
        ("key", "a b", "key 'a b': segments of visible characters joined by '/', without { } * \\"),
        ("pattern", "a/{b", "{b is only partly a capture or wildcard: a segment is a text, *, ** or {name} as a whole"),
    ],
)
def test_what_is_wrong_with_a_field_is_said_in_a_sentence(kind: Any, text: str, fault: str) -> None:
    form = Form("x", (Field("f", "value", kind, required=True), reason_field()))
    found = faults(form, {"f": text, "reason": "so"})
    assert found == {"f": fault}


@pytest.mark.parametrize(
    ("kind", "text"),
    [("json", ' "picked" '), ("json", "null"), ("number", "-1.5"), ("integer", "2"), ("duration", "10m"), ("key", "a/b"), ("pattern", "a/{b} where c == 1"), ("text", HOSTILE)],
)  # fmt: skip
def test_what_fits_a_field_has_no_fault(kind: Any, text: str) -> None:
    form = Form("x", (Field("f", "value", kind, required=True), reason_field()))
    assert faults(form, {"f": text, "reason": "so"}) == {}


def test_a_field_that_goes_with_a_choice_is_asked_for_with_that_choice_alone() -> None:
    which = Field("choice", "answer", choices=(Choice("retry", "retry"), Choice("decide", "decide")), required=True)
    value = Field("value", "value", "json", required=True, only_with=Needed("choice", "decide"))
    form = Form("x", (which, value, reason_field()))
    assert faults(form, {"choice": "retry", "reason": "so"}) == {}
    assert set(faults(form, {"choice": "decide", "reason": "so"})) == {"value"}
    assert set(faults(form, {"choice": "other", "reason": "so"})) == {"choice"}


def test_a_reason_has_an_end() -> None:
    assert "at most 10,000 characters" in faults(Form("x", (reason_field(),)), {"reason": "x" * 10_001})["reason"]


def question(**fields: Any) -> Any:
    return completed(ESCALATIONS + "a1", QUESTION | fields)


def test_nothing_is_chosen_for_who_answers() -> None:
    (choosing,) = answer_fields(question())
    assert (choosing.initial, [choice.value for choice in choosing.choices]) == ("", ["approve", "reject"])
    assert answer_of(question(), {"choice": "approve"}) == ("approve", None)


def test_deciding_takes_a_value_and_null_is_none() -> None:
    asked = question(choices=[RETRY, DECIDE], failure="error", answer_to="refund/R-3")
    assert [one.name for one in answer_fields(asked)] == ["choice", "value"]
    assert answer_of(asked, {"choice": DECIDE, "value": '{"amount": 1}'}) == (DECIDE, {"amount": 1})
    assert answer_of(asked, {"choice": RETRY, "value": ""}) == (RETRY, None)
    with pytest.raises(UsageError, match="null is no answer"):
        answer_of(asked, {"choice": DECIDE, "value": "null"})


def test_a_question_without_choices_takes_a_text() -> None:
    free = question(choices=[])
    assert [(one.name, one.kind) for one in answer_fields(free)] == [("answer", "text")]
    assert answer_of(free, {"answer": "12 [b]"}) == ("12 [b]", None)


def test_the_properties_of_a_flat_object_are_fields_and_come_back_as_one_object() -> None:
    schema = {
        "type": "object",
        "required": ["amount", "team"],
        "properties": {
            "amount": {"type": "number", "description": "in euro"},
            "team": {"enum": ["mail", "fraud"]},
            "urgent": {"type": "boolean"},
            "note": {"type": "string"},
        },
    }
    asked = question(choices=[], schema=schema)
    fields = answer_fields(asked)
    assert [(one.label, one.required) for one in fields] == [
        ("amount", True), ("team", True), ("urgent", False), ("note", False),
    ]  # fmt: skip
    assert fields[0].hint == "in euro"
    typed = {"answer.0": "12.5", "answer.1": '"fraud"', "answer.2": "", "answer.3": "007"}
    assert faults(Form("x", fields), typed) == {}
    assert answer_of(asked, typed) == ("", {"amount": 12.5, "team": "fraud", "note": "007"})


@pytest.mark.parametrize(
    ("schema", "typed", "answer"),
    [
        ({"type": "string"}, "5", ("5", None)),
        ({"type": "integer"}, "5", ("", 5)),
        ({"type": "boolean"}, "false", ("", False)),
        ({"type": "array"}, "[1]", ("", [1])),
        ({"enum": ["a", 2]}, "2", ("", 2)),
        ({}, '"a"', ("a", None)),
    ],
)
def test_any_other_answer_is_typed_as_its_schema_says(schema: Any, typed: str, answer: Any) -> None:
    asked = question(choices=[], schema=schema)
    (one,) = answer_fields(asked)
    assert faults(Form("x", (one,)), {"answer": typed}) == {}
    assert answer_of(asked, {"answer": typed}) == answer


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "object"},
        {"type": "object", "properties": []},
        {"type": "object", "properties": {"a": {"$ref": "#"}}},
        {"type": "object", "properties": {"a": 1}},
        {"type": "object", "properties": {"a": {"type": ["string", "null"]}}},
        {"type": "object", "properties": {"a": {"type": "string"}}, "required": ["b"]},
        {"type": "object", "properties": {str(n): {"type": "string"} for n in range(MOST_PROPERTIES + 1)}},
        {"type": 5, "enum": []},
        {"enum": [{}]},
        {"type": "object", "properties": {"a": {"type": "object"}}, "description": ["\x1b"]},
    ],
)
def test_a_schema_that_is_not_flat_or_makes_no_sense_is_answered_with_json(schema: Any) -> None:
    assert flat_properties(schema) is None
    (one,) = answer_fields(question(choices=[], schema=schema))
    assert one.kind == "json"


def test_records_that_are_hostile_make_forms_like_any_other() -> None:
    model = model_of(
        activation("escalated", case=HOSTILE, agent=HOSTILE, capability=HOSTILE, reason=HOSTILE),
        (ESCALATIONS + "a1", question(question=HOSTILE, choices=[HOSTILE] * 100, agent=HOSTILE, answer_to=HOSTILE)),
        ("control/run", {"settings": {"document": {"levels": [1, None]}}}),
        (AGENTS + "z", {"contributes": ["{", HOSTILE], "capabilities": [HOSTILE]}),
        (OVERRIDES + "o", {"status": "standing", "verb": "hold", "scope": {"pattern": "{"}, "reason": HOSTILE}),
    )
    targets = [Target("question", "a1"), Target("agent", "z"), Target("case", HOSTILE), Target("record", HOSTILE), None]
    for target in targets:
        for deed in deeds_for(target, model):
            form = form_for(deed, target, model)
            assert "reason" in faults(form, form.initial)


def test_an_answer_that_is_not_json_is_an_error_of_ours() -> None:
    with pytest.raises(BlackboardError):
        answer_of(question(choices=[], schema={}), {"answer": "{"})
