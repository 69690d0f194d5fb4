"""The model that the panes show: the same whether it was fed by changes or built from what they left."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any

import pytest

from blackboard.control_records import ACTIVATIONS, State
from blackboard.record import Record
from controller.viewer.model import MOST_CHANGES, READ_FIRST, Model
from controller.viewer.panes.agenda import AgendaPane
from controller.viewer.panes.agents import AgentsPane
from controller.viewer.panes.run import RunPane
from knowledge_sources.performance import performance_of
from tests.viewed import picture, put, removed, written

if TYPE_CHECKING:
    from collections.abc import Iterable

    from blackboard.log import Change
    from controller.viewer.pane import Pane

STATES: tuple[State, ...] = ("pending", "held", "running", "proposed", "failed", "executed", "obviated", "escalated")
AGENTS = ("pay", "label", "check")
KEYS = [
    *(f"{ACTIVATIONS}{n}" for n in range(12)),
    *(f"control/agents/{name}" for name in AGENTS),
    *(f"control/{home}/{n}" for home in ("escalations", "overrides", "breakers", "progress", "claims") for n in (1, 2)),
    "control/run", "control/leader", "control/flow", "control/focus", "control/recommendation", "control/odd", "flag",
    *(f"order/{n}" for n in range(5)),
]  # fmt: skip


def activation(chance: random.Random) -> dict[str, Any]:
    """An activation in any state, with any calls behind it."""
    calls = [
        {
            "model": "m",
            "input_tokens": chance.randrange(99),
            "output_tokens": chance.randrange(9),
            "cost": chance.random(),
        }
        for _ in range(chance.randrange(3))
    ]
    attempt = {
        "started_ms": 1,
        "ended_ms": 2,
        "failure": "error",
        "error": "no",
        "cost": chance.choice([0.1, 0.7, 1e29]),
    }
    value = {
        "agent": chance.choice(AGENTS), "state": chance.choice(STATES), "case": chance.choice("abc"), "usage": calls,
        "attempts": [attempt] * chance.randrange(3), "run_us": chance.randrange(5_000),
    }  # fmt: skip
    left_out = chance.sample(["usage", "attempts", "run_us"], chance.randrange(3))
    value = {name: said for name, said in value.items() if name not in left_out}
    return value | {"decided_by": "boss"} if chance.random() < 0.2 else value


def history(chance: random.Random, length: int) -> tuple[list[Change], dict[str, Record[Any]]]:
    """Changes at random, and what stands after them."""
    changes: list[Change] = []
    standing: dict[str, Record[Any]] = {}
    for revision in range(1, length + 1):
        key = chance.choice(KEYS)
        if key in standing and chance.random() < 0.3:
            del standing[key]
            changes.append(removed(key, revision))
            continue
        value = activation(chance) if key.startswith(ACTIVATIONS) else {}
        record = written(key, value, revision)
        if chance.random() < 0.15:
            record = Record(key, record.commit, revision, 1, revision, written("note/1", {"agent": 7}, 1).packed)
        standing[key] = record
        changes.append(put(record))
    return changes, standing


def fed(changes: Iterable[Change]) -> Model:
    model = Model("b")
    for change in changes:
        model.apply(change)
    return model


def shown(model: Model) -> dict[str, Any]:
    """Everything that a pane can ask a model for, but the log."""
    homes = (
        "regions",
        "agents",
        "activations",
        "questions",
        "overrides",
        "breakers",
        "progress",
        "cases",
        "unsound",
        "live",
    )
    singles = ("run", "leader", "flow", "focus", "recommendation", "count", "revision", "time_ms")
    found = {name: getattr(model, name) for name in (*homes, *singles)}
    return found | {"tallies": {a: t.performance for a, t in model.tallies.items() if t.performance.activations}}


@pytest.mark.parametrize("seed", range(20))
def test_a_model_fed_by_changes_is_the_one_that_is_built_from_what_they_left(seed: int) -> None:
    chance = random.Random(seed)
    changes, standing = history(chance, chance.randrange(400))
    model = fed(changes)
    now = changes[-1].time_ms if changes else 0
    assert shown(model) == shown(Model("b", standing.values(), len(changes), now))
    assert list(model.changes) == changes
    assert [model.get(key) for key in KEYS] == [standing.get(key) for key in KEYS]


@pytest.mark.parametrize("seed", range(5))
def test_activations_that_are_read_later_make_the_same_model_whatever_happens_meanwhile(seed: int) -> None:
    chance = random.Random(seed)
    before, standing = history(chance, 300)
    more, _ = history(chance, 100)
    packed = written(ACTIVATIONS, activation(chance), 1).packed
    late = [Record[Any](f"{ACTIVATIONS}late{n}", "1-1", 1, 1, 1, packed) for n in range(READ_FIRST)]
    lazy = Model("b", [*standing.values(), *late], len(before), 1, at_once=False)
    whole = Model("b", [*standing.values(), *late], len(before), 1)
    panes: list[Pane] = [AgendaPane(lazy), RunPane(lazy), AgentsPane(lazy)]
    assert lazy.busy == any(key.startswith(ACTIVATIONS) for key in standing)
    for change in more:
        lazy.apply(change)
        whole.apply(change)
        lazy.work(chance.randrange(2))
        for pane in panes:
            pane.refresh()
    lazy.work(0)
    lazy.work(READ_FIRST)
    assert not lazy.busy
    assert shown(lazy) == shown(whole)
    others: list[Pane] = [AgendaPane(whole), RunPane(whole), AgentsPane(whole)]
    for pane, fresh in zip(panes, others, strict=True):
        assert drawn(pane) == drawn(fresh)


def drawn(pane: Pane) -> list[str]:
    """The rows of a pane that has taken in everything."""
    pane.refresh()
    while isinstance(pane, RunPane) and pane.busy:
        pane.refresh()
    return picture(pane)


@pytest.mark.parametrize("seed", range(20))
def test_a_tally_is_what_the_activations_that_stand_add_up_to_whatever_was_there_before(seed: int) -> None:
    model = fed(history(random.Random(seed), 400)[0])
    standing = [record.value for record in model.activations.values()]
    for agent, tally in model.tallies.items():
        expected = performance_of([one for one in standing if one["agent"] == agent])
        found = tally.performance
        assert found._replace(cost=0.0) == expected._replace(cost=0.0)
        assert found.cost == pytest.approx(expected.cost, rel=1e-9, abs=1e-9)


@pytest.mark.parametrize("key", [key for key in KEYS if key.startswith("control/") and key != "control/odd"])
@pytest.mark.parametrize("value", [None, 7, [], {}, {"agent": ["pay"], "state": "running"}, b"\xff"])
def test_a_control_record_that_the_runtime_did_not_write_is_left_out_and_told_of(key: str, value: object) -> None:
    hostile = Record[Any](key, "1-2", 2, 1, 2, written("note/1", value, 2).packed)
    before = fed([put(written(key, {}, 1))])
    for model in (fed([*before.changes, put(hostile)]), Model("b", [hostile], 2, 2)):
        assert model.unsound.keys() == {key}
        assert key in model.unsound[key]
        assert model.get(key) is hostile
        homes = (model.agents, model.activations, model.questions, model.overrides, model.breakers, model.progress)
        assert not any(homes)
        assert not model.cases
        assert (model.run, model.leader, model.flow, model.focus, model.recommendation) == (None, "", None, None, None)
        model.apply(put(written(key, {}, 3)))
        assert not model.unsound
    assert not before.unsound


@pytest.mark.parametrize("packed", [b"", b"\xff", b"\x9a\x01", written("note/1", 1, 1).packed[:-1]])
def test_bytes_that_do_not_decode_are_left_out_of_control_and_kept_elsewhere(packed: bytes) -> None:
    keys = (ACTIVATIONS + "a", "control/run", "order/1")
    model = Model("b", [Record[Any](key, "1-1", 1, 1, 1, packed) for key in keys])
    assert model.unsound.keys() == set(keys[:2])
    assert model.count == 1


def test_subscribers_see_the_model_as_the_change_left_it() -> None:
    seen: list[tuple[int, object]] = []
    model = Model("b")
    model.subscribe(lambda change: seen.append((model.revision, model.get(change.key))))
    record = written("order/1", 1, 1)
    model.apply(put(record))
    model.apply(removed("order/1", 2))
    assert seen == [(1, record), (2, None)]
    assert model.regions == {}


def test_earlier_changes_come_before_those_that_the_log_holds_and_push_none_of_them_out() -> None:
    changes = [put(written("order/1", n, n)) for n in range(1, MOST_CHANGES + 5)]
    model = fed(changes[10:])
    model.recall(changes[:10])
    assert list(model.changes) == changes[-MOST_CHANGES:]
    model.recall(changes[:3])
    assert list(model.changes) == changes[-MOST_CHANGES:]
