"""What it costs to look at who works on a large board: agenda, agents, questions and the run; no screen, no server."""

from __future__ import annotations

import gc
import random
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from benchmarks.viewing_panes import drawn, timed
from blackboard import codec
from blackboard.control_records import ACTIVATIONS, AGENTS, ESCALATIONS, RUN
from blackboard.log import Change
from blackboard.record import Record, Stamp
from controller.viewer.model import Model
from controller.viewer.panes.agenda import AgendaPane
from controller.viewer.panes.agents import AgentsPane
from controller.viewer.panes.escalations import EscalationsPane
from controller.viewer.panes.run import RunPane

if TYPE_CHECKING:
    from collections.abc import Iterator

    from benchmarks.viewing_panes import Note

TEAM: Final = 200
QUESTIONS: Final = 2_000
STATES: Final = ("executed",) * 95 + ("abandoned", "escalated", "held", "failed", "running")
A_PICTURE: Final = 100
"""changes between two pictures: ten a second of a board with a thousand"""
PICTURES: Final = 50
A_SLICE: Final = 400
"""activations that the screen lets a model read between two pictures"""


def measure_work(records: int, note: Note) -> None:
    """Note what a board costs of which half the ``records`` are activations."""
    standing = [*_others(records // 2), *_activations(records // 2)]
    _, took = timed(lambda: Model("b", standing, records, records))
    note("a model with half of it activations is built", "ms", took)
    model, took = timed(lambda: Model("b", standing, records, records, at_once=False))
    note("until it can be drawn, without reading them all", "ms", took)
    gc.collect()
    gc.freeze()  # as the viewer does: else a collection over everything falls into what is measured
    slices = []
    while model.busy:
        slices.append(timed(partial(model.work, A_SLICE))[1])
    note(f"reading {A_SLICE} of them, the longest", "ms", max(slices))
    panes = {pane.name: pane for pane in (AgendaPane(model), AgentsPane(model), EscalationsPane(model), RunPane(model))}
    for name, pane in panes.items():
        first = [timed(pane.refresh)[1]]
        while pane.busy:
            first.append(timed(pane.refresh)[1])
        note(f"the {name} pane, the first time: the longest at once", "ms", max(first))
    longest = dict.fromkeys(panes, 0.0)
    changes = _changes(records // 2, records)
    for _ in range(PICTURES):
        for _, change in zip(range(A_PICTURE), changes, strict=False):
            model.apply(change)
        for name, pane in panes.items():
            took = timed(pane.refresh)[1] + timed(partial(drawn, pane, model.time_ms))[1]
            longest[name] = max(longest[name], took)
    for name, took in longest.items():
        note(f"{A_PICTURE} changes and a screen of the {name} pane, the longest", "ms", took)
    gc.unfreeze()


def _others(count: int) -> Iterator[Record[Any]]:
    yield _record(RUN, 1, {
        "scenario": "returns", "status": "running", "started_ms": 1, "settings": {"document": {"case": "return/{rma}"}},
    })  # fmt: skip
    for number in range(TEAM):
        yield _record(f"{AGENTS}agent{number}", 1, {
            "name": f"agent{number}", "kind": "agent", "capabilities": [], "status": "ready", "level": "normal",
            "watches": {"item": "return/{rma}"}, "unless": [], "contributes": [], "respond_within_ms": None,
            "escalate": [], "authority": [], "over": [], "input_schema": {}, "output_schema": None, "description": "",
            "source": "",
        })  # fmt: skip
    for number in range(QUESTIONS):
        yield _record(f"{ESCALATIONS}{number:024x}", 1, {
            "status": "open", "question": "Refund?", "choices": ["approve", "reject"], "schema": None, "answer_to": "",
            "activation": f"{number:024x}", "agent": "agent1", "case": f"return/{number}", "asked_ms": number,
            "context_revision": 1, "context": [], "failure": None,
        })  # fmt: skip
    for number in range(count - QUESTIONS - TEAM - 1):
        yield _record(f"return/{number}", 1, {"amount": number})


def _activations(count: int) -> Iterator[Record[Any]]:
    chance = random.Random(1)  # noqa: S311  # how they stand
    return (_activation(number, number + 1, chance) for number in range(count))


def _activation(number: int, revision: int, chance: random.Random) -> Record[Any]:
    agent, case = f"agent{number % TEAM}", f"return/{number // 3}"
    decision = {
        "revision": 1, "eligible": 3, "rank": 1, "level": "normal", "rating": 0.0, "waited_ms": 3, "score": 0.0,
        "override": None, "runners_up": [],
    }  # fmt: skip
    return _record(f"{ACTIVATIONS}{number:024x}", revision, {
        "agent": agent, "capability": agent, "state": chance.choice(STATES), "case": case, "work_item": f"{agent}|{case}",
        "captures": {"rma": str(number)}, "triggers": [["item", case, "1-1"]], "worker": "w", "attempt": 1,
        "eligible_ms": 1, "dispatched_ms": 2, "decision": decision, "run_us": chance.randrange(10**6),
    })  # fmt: skip


def _changes(activations: int, revision: int) -> Iterator[Change]:
    chance = random.Random(2)  # noqa: S311  # where changes fall
    while True:
        revision += 1
        record = _activation(chance.randrange(activations), revision, chance)
        yield Change(record.key, "put", record.commit, revision, revision, "", record, "1-1")


def _record(key: str, revision: int, value: dict[str, Any]) -> Record[Any]:
    packed, _ = codec.pack_record(Stamp(author="controller"), "", 0, codec.pack_value(value))
    return Record(key, f"1-{revision}", revision, 1, revision, packed)
