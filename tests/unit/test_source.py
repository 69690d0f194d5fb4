"""What a declaration says, and what is refused when it is made."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest
from pydantic import BaseModel

from blackboard.errors import PatternError
from knowledge_sources.context import Context
from knowledge_sources.decorators import knowledge_source, supervisor
from knowledge_sources.errors import DeclarationError
from knowledge_sources.nearest import nearest
from knowledge_sources.orders import Extend
from knowledge_sources.outcome import Escalate
from knowledge_sources.overdue import Overdue
from knowledge_sources.registry import agent_record
from knowledge_sources.source import KnowledgeSource, Retry, source_of
from tests.still_board import record_of


class Return(BaseModel):
    rma: str
    amount: float


class Refund(BaseModel):
    amount: float


def declared(fn: object) -> KnowledgeSource:
    source = source_of(fn)
    assert source is not None
    return source


def test_a_declaration_holds_everything_that_the_decorator_was_told() -> None:
    @knowledge_source(
        watches={"item": 'return/{rma} where status == "verified"', "label": "label/{rma}"},
        unless="refund/{rma}",
        contributes="refund/{rma}",
        provides="refund",
        respond_within="30s",
        retry={"attempts": 5, "backoff": "500ms"},
        escalate=["boss", "human"],
        config={"limit": 200},
    )
    async def refund(item: Return, label: dict[str, Any], ctx: Context) -> Refund | Escalate | None:
        """Pay the money back."""

    source = declared(refund)
    assert (source.name, source.kind, source.provides, source.level) == ("refund", "agent", "refund", "normal")
    assert [(watch.alias, watch.pattern.region) for watch in source.watches] == [("item", "return"), ("label", "label")]
    assert [pattern.text for pattern in source.unless] == ["refund/{rma}"]
    assert source.respond_within_ms == 30_000
    assert source.retry == Retry(attempts=5, backoff_ms=500, cap_ms=30_000)
    assert source.escalate == ("boss", "human")
    assert source.config == {"limit": 200}
    assert source.output_model is Refund
    assert source.description == "Pay the money back."
    assert source.place.startswith(__file__)
    assert [(given.parameter, given.kind) for given in source.inputs] == [
        ("item", "model"),
        ("label", "value"),
        ("ctx", "context"),
    ]


async def test_a_declared_function_can_be_called_as_before() -> None:
    @knowledge_source("order/{order}", contributes="label/{order}")
    async def label(order: dict[str, str]) -> dict[str, str]:
        return {"for": order["name"]}

    assert await label({"name": "A"}) == {"for": "A"}


def test_a_single_pattern_or_a_list_is_named_after_its_regions() -> None:
    @knowledge_source("order/{order}")
    def one(order: Any) -> None: ...

    @knowledge_source(["order/{number}", "purchase-record/{number}"])
    def two(order: Any, purchase_record: Any, number: str) -> None: ...

    assert [watch.alias for watch in declared(one).watches] == ["order"]
    assert [watch.alias for watch in declared(two).watches] == ["order", "purchase_record"]


def test_two_watches_of_one_region_need_names() -> None:
    with pytest.raises(DeclarationError, match="two patterns are called 'order'"):
        knowledge_source(["order/{a}", "order/{a}/items"])(_nothing)


def _nothing() -> None:
    """An agent that takes nothing."""


WRONG: list[tuple[dict[str, Any], str]] = [
    ({"watches": "order/{o}", "contributes": "label/{p}"}, r"\{p\} in 'label/\{p\}' is bound by no watch"),
    ({"watches": "order/{order}", "unless": "label/{ordr}"}, "did you mean 'order'"),
    ({"watches": "order/{o}", "contributes": "control/agents/{o}"}, "which only the runtime writes"),
    ({"watches": "order/{o}", "contributes": "label/{o} where x == 1"}, "has a condition"),
    ({"watches": "control/activations/{id}"}, "wake itself for ever"),
    ({"watches": "control/**"}, "wake itself for ever"),
    ({"watches": "order/{new}"}, "kept for the keys"),
    ({"watches": []}, "would never fire"),
    ({"watches": {"ctx": "order/{o}"}}, "cannot be the name of a parameter"),
    ({"watches": {"a b": "order/{o}"}}, "cannot be the name of a parameter"),
    ({"watches": 7}, "neither a text nor a list"),
    ({"watches": "order/{o}", "respond_within": "30"}, "respond_within: '30' is not a duration"),
    ({"watches": "order/{o}", "respond_within": 30}, "respond_within=30 is not a duration"),
    ({"watches": "order/{o}", "retry": {"attempt": 3}}, "retry: attempt=3"),
    ({"watches": "order/{o}", "retry": {"attempts": 0}}, "at least 1"),
    ({"watches": "order/{o}", "rating": "high"}, "neither a number nor a function"),
    ({"watches": "order/{o}", "rating": float("nan")}, "neither a number nor a function"),
    ({"watches": "order/{o}", "rating": lambda ctx: 1.0}, "there is no ctx before the agent runs"),
    ({"watches": "order/{o}", "rating": lambda itme: 1.0}, "rating: parameter 'itme' is bound to nothing"),
    ({"watches": "order/{o}", "precondition": True}, "is not a function"),
    ({"watches": "order/{o}", "max_running": 0}, "whole number of at least 1"),
    ({"watches": "order/{o}", "level": "very high"}, "level 'very high'"),
    ({"watches": "order/{o}", "name": "a/b"}, "name 'a/b'"),
]


@pytest.mark.parametrize(("given", "message"), WRONG, ids=[message for _, message in WRONG])
def test_a_wrong_declaration_is_refused_with_the_agent_and_its_place(given: dict[str, Any], message: str) -> None:
    with pytest.raises(DeclarationError, match=message) as refused:
        knowledge_source(**given)(_nothing)
    assert refused.value.place.startswith(f"{__file__}:")
    assert "agent " in str(refused.value)


def test_a_pattern_that_does_not_parse_is_shown_with_its_column() -> None:
    with pytest.raises(DeclarationError, match="column") as refused:
        knowledge_source('order/{order} where status == "picked')(_nothing)
    assert isinstance(refused.value.__cause__, PatternError)
    assert "^" in str(refused.value)


@pytest.mark.parametrize("decorator", [knowledge_source, supervisor])
def test_a_decorator_without_brackets_is_refused_at_its_function(decorator: Any) -> None:
    """Python calls it once, with the function; nothing would be declared and nothing said."""
    with pytest.raises(DeclarationError, match=r"'_nothing': write @\w+\(.*, with brackets") as refused:
        decorator(_nothing)
    assert f"{__file__}:" in refused.value.place


def test_an_agent_that_yields_is_refused_and_told_what_to_use() -> None:
    async def streaming() -> Any:
        yield 1

    with pytest.raises(DeclarationError, match=r"ctx\.progress"):
        knowledge_source("order/{o}")(streaming)


def test_a_supervisor_watches_what_is_addressed_to_it_about_those_it_is_over() -> None:
    @supervisor(over=["refund", "label"])
    def boss(overdue: Overdue) -> Extend | None: ...

    source = declared(boss)
    attention = {"capability": "refund", "agent": "refund_a", "addressed": "boss"}
    pattern = source.watches[0].pattern
    assert pattern.match(record_of("control/attention/overdue/a1", attention)) == {"activation": "a1"}
    assert pattern.match(record_of("control/attention/overdue/a1", {**attention, "addressed": "chief"})) is None
    assert pattern.match(record_of("control/attention/overdue/a1", {**attention, "capability": "x"})) is None
    assert source.authority == {"extend", "decide", "cancel", "veto"}
    assert source.kind == "supervisor"


def test_a_supervisor_with_another_name_watches_for_that_name() -> None:
    @supervisor(watches={"order": "order/{o}"})
    def boss(overdue: Overdue, order: Any) -> None: ...

    chief = declared(boss).configured(name="chief", authority=["decide", "reassign"])
    assert 'addressed == "chief"' in chief.watches[0].pattern.text
    assert [watch.alias for watch in chief.watches] == ["overdue", "order"]
    assert chief.authority == {"decide", "reassign"}


def test_an_order_that_does_not_exist_is_no_authority() -> None:
    with pytest.raises(DeclarationError, match="did you mean 'extend'"):
        supervisor(authority=["extends"])(_nothing)


def test_overdue_is_for_supervisors() -> None:
    def refund(late: Overdue) -> None: ...

    with pytest.raises(DeclarationError, match="parameter 'late': only a supervisor is given Overdue"):
        knowledge_source("order/{o}")(refund)


def test_a_scenario_overrides_the_decorator_and_the_declaration_stays_as_it_was() -> None:
    @knowledge_source("order/{order}", respond_within="30s", config={"limit": 100, "mode": "a"})
    def refund(order: Any) -> None: ...

    source = declared(refund)
    slow = source.configured(
        name="refund_b", level="low", respond_within=None, config={"limit": 5}, retry={"cap": "5s"}
    )
    assert (slow.name, slow.provides, slow.level, slow.respond_within_ms) == ("refund_b", "refund_b", "low", None)
    assert slow.config == {"limit": 5, "mode": "a"}
    assert slow.retry.cap_ms == 5_000
    assert (source.name, source.level, source.respond_within_ms) == ("refund", "normal", 30_000)


@pytest.mark.parametrize(
    ("setting", "message"),
    [({"watches": "x/{y}"}, "cannot be configured"), ({"authority": ["decide"]}, "only a supervisor"),
     ({"respond_within": "soon"}, "not a duration")],
)  # fmt: skip
def test_a_setting_that_cannot_be_is_refused(setting: dict[str, Any], message: str) -> None:
    source = declared(knowledge_source("order/{o}", name="one")(_nothing))
    with pytest.raises(DeclarationError, match=message):
        source.configured(**setting)


def test_rating_and_precondition_are_bound_by_name_like_the_agent() -> None:
    @knowledge_source(
        {"item": "return/{rma}"}, rating=lambda item: item["amount"], precondition=lambda item, rma: item["rma"] == rma
    )
    def refund(item: Any) -> None: ...

    source = declared(refund)
    records = {"item": record_of("return/R1", {"amount": 12, "rma": "R1"})}
    assert source.rating_of(records, {"rma": "R1"}) == 12.0
    assert source.permits(records, {"rma": "R1"}) is True
    assert source.permits(records, {"rma": "R2"}) is False
    assert source.configured(rating=3).rating_of(records, {"rma": "R1"}) == 3.0


def test_a_subclass_or_wrapper_of_an_agent_is_no_agent_itself() -> None:
    @knowledge_source("order/{o}")
    class Agent:
        def run(self) -> None: ...

    class Inherited(Agent): ...

    assert source_of(Agent) is not None
    assert source_of(Inherited) is None


@pytest.mark.parametrize(
    ("cls", "message"),
    [
        (type("Neither", (), {}), "neither"),
        (type("Both", (), {"run": lambda self: None, "__call__": lambda self: None}), "run and __call__"),
        (type("Needy", (), {"run": lambda self: None, "__init__": lambda self, client: None}), "asks for 'client'"),
    ],
)
def test_a_class_that_cannot_be_made_or_run_is_refused(cls: type, message: str) -> None:
    with pytest.raises(DeclarationError, match=message):
        knowledge_source("order/{o}")(cls)


def test_the_registry_entry_has_schemas_and_can_be_a_record() -> None:
    @knowledge_source({"item": "return/{rma}", "label": "label/{rma}"}, contributes="refund/{rma}")
    async def refund(item: Return, label: Any) -> Refund: ...  # type: ignore[empty-body]  # never run

    entry = agent_record(declared(refund))
    assert entry["capabilities"] == ["refund"]
    assert entry["watches"] == {"item": "return/{rma}", "label": "label/{rma}"}
    assert entry["input_schema"]["item"]["required"] == ["rma", "amount"]
    assert entry["input_schema"]["label"] == {}
    assert entry["output_schema"] is not None
    assert record_of("control/agents/refund", entry).value == entry
    assert "error" not in entry
    assert json.dumps(entry)
    assert agent_record(declared(refund), "Traceback")["error"] == "Traceback"


def test_the_nearest_names_come_first_and_case_does_not_count() -> None:
    assert nearest("Refnud_a", ["label", "refund_a", "refund_b"]) == ["refund_a", "refund_b"]
    assert nearest("zzz", ["label"]) == []


def test_importing_the_package_and_declaring_a_raw_agent_imports_nothing_heavy() -> None:
    program = (
        "import sys, knowledge_sources\n"
        "@knowledge_sources.knowledge_source('order/{o}', contributes='label/{o}')\n"
        "async def f(order): ...\n"
        "heavy = {'pydantic', 'watchfiles', 'redis', 'rich', 'click'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True)


def test_every_exported_name_resolves() -> None:
    import knowledge_sources

    for name in knowledge_sources.__all__:
        assert getattr(knowledge_sources, name) is not None
    assert set(knowledge_sources.__all__) <= set(dir(knowledge_sources))
