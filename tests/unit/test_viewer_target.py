"""What enter opens where a key is named, and the cases that a model keeps."""

from __future__ import annotations

from typing import Any

from blackboard import codec
from blackboard.log import Change
from blackboard.record import Record, Stamp
from controller.viewer.model import Model
from controller.viewer.target import Target, target_of


def activation(name: str, case: str, revision: int) -> Record[Any]:
    decision = {
        "revision": 1, "eligible": 1, "rank": 1, "level": "normal", "rating": 0.0, "waited_ms": 5, "score": 0.0,
        "override": None, "runners_up": [],
    }  # fmt: skip
    value = {
        "agent": "pay", "capability": "pay", "state": "running", "case": case, "work_item": f"pay|{case}",
        "captures": {}, "triggers": [], "worker": "w", "attempt": 1, "eligible_ms": 1, "dispatched_ms": 2,
        "decision": decision,
    }  # fmt: skip
    packed, _ = codec.pack_record(Stamp(), "", 0, codec.pack_value(value))
    return Record(f"control/activations/{name}", f"1-{revision}", revision, 1, revision, packed)


def put(record: Record[Any]) -> Change:
    return Change(record.key, "put", record.commit, record.revision, record.time_ms, "", record, "")


def removed(key: str, revision: int) -> Change:
    return Change(key, "delete", f"1-{revision}", revision, revision, "", None, "")


def test_the_runtimes_own_records_open_what_they_tell_of_and_others_open_themselves() -> None:
    assert target_of("control/activations/a1", "1-7") == Target("activation", "a1")
    assert target_of("control/agents/pay") == Target("agent", "pay")
    assert target_of("control/escalations/a1") == Target("question", "a1")
    assert target_of("control/flow", "1-7") == Target("record", "control/flow", "1-7")
    assert target_of("refund/R-1", "1-7") == Target("record", "refund/R-1", "1-7")


def test_a_model_files_each_activation_under_its_case_and_forgets_cases_without_any() -> None:
    model = Model("b", [activation("a1", "return/1", 1)])
    model.apply(put(activation("a2", "return/1", 2)))
    assert set(model.cases["return/1"]) == {"a1", "a2"}
    model.apply(put(activation("a2", "return/2", 3)))
    assert {case: set(of_case) for case, of_case in model.cases.items()} == {"return/1": {"a1"}, "return/2": {"a2"}}
    model.apply(removed("control/activations/a1", 4))
    assert set(model.cases) == {"return/2"}
