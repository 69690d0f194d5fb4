"""Whatever happens to a model, forwards and back, its panes show what panes made anew would show."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any, get_args

import pytest

from blackboard.control_records import State
from blackboard.log import Change
from controller.viewer.filtering import Filter
from controller.viewer.model import Model
from controller.viewer.panes.agenda import AgendaPane
from controller.viewer.panes.agents import AgentsPane
from controller.viewer.panes.escalations import EscalationsPane
from controller.viewer.panes.run import RunPane
from tests.control_values import completed
from tests.pane_lines import NOW_MS, names, shown
from tests.still_board import record_of

if TYPE_CHECKING:
    from collections.abc import Callable

    Followed = AgendaPane | AgentsPane | EscalationsPane | RunPane

NAMES = ("pay", "label", "boss")
PANES: tuple[Callable[[Model], Followed], ...] = (AgendaPane, AgentsPane, EscalationsPane, RunPane)
FILTERS = (None, None, "a", 'state == "held"', "control/escalations/{x}", 'status != "open"')
CALL = {"started_ms": 1, "ended_ms": 2, "failure": "error", "error": "no", "cost": 0.5}


def some_record(chance: random.Random) -> tuple[str, Any]:
    """A key and what is to stand there, ``None`` for nothing."""
    name, time_ms = chance.choice(NAMES), NOW_MS - chance.randrange(10_000)
    values: dict[str, Any] = {
        f"control/activations/{chance.randrange(9)}": {
            "agent": name, "case": f"return/{chance.randrange(3)}", "state": chance.choice(get_args(State)),
            "attempt": chance.randrange(3), "dispatched_ms": time_ms, "eligible_ms": time_ms, "run_us": time_ms,
            "attempts": [CALL] * chance.randrange(2), "reason": chance.choice(["", "late"]),
        },
        f"control/escalations/{chance.randrange(6)}": {
            "agent": name, "case": f"return/{chance.randrange(3)}", "asked_ms": time_ms, "question": "Pay?",
            "status": chance.choice(["open", "answered", "stale"]), "answered_ms": NOW_MS,
        },
        f"control/agents/{name}": {"name": name, "status": chance.choice(["ready", "broken", "gone"])},
        f"control/breakers/{name}": {"agent": name, "state": chance.choice(["closed", "open", "half_open"])},
        f"control/overrides/{chance.randrange(3)}": {"verb": chance.choice(["hold", "boost"]), "author": name},
        f"control/progress/{chance.randrange(9)}": {"agent": name, "text": chance.choice(["one", "two"]), "at_ms": 1},
        "control/flow": {"mode": chance.choice(["running", "paused", "recommend"]), "author": name},
        "control/focus": {"agents": [name], "author": "ann"},
        "control/recommendation": {"activation": "1", "agent": name},
        "control/leader": {"member": name},
        "control/run": {
            "scenario": "returns", "status": "running", "started_ms": NOW_MS - 5_000,
            "settings": {"document": {"case": chance.choice(["return/{r}", "other/{r}"])}},
        },
        f"return/{chance.randrange(4)}": {"n": 1},
    }  # fmt: skip
    key = chance.choice(list(values))
    return key, None if chance.random() < 0.25 else "torn" if chance.random() < 0.1 else values[key]


def some_agenda(chance: random.Random) -> dict[str, Any] | None:
    """What a leader might publish; ``None`` where nobody leads."""

    def entry(activation: int) -> dict[str, Any]:
        state = chance.choice(["ready", "ready", "blocked", "held"])
        return {
            "activation": str(activation), "agent": chance.choice(NAMES), "case": "return/1", "level": "high",
            "rating": 1.0, "aged": 0.5, "score": 1.5, "eligible_ms": NOW_MS - 1_000, "attempt": 1, "state": state,
            "because": [] if state == "ready" else ["wait"], "waited_ms": 1_000,
        } | ({"override": f"control/overrides/{chance.randrange(3)}"} if chance.random() < 0.3 else {})  # fmt: skip

    pending = chance.sample(range(9), chance.randrange(9))
    if chance.random() < 0.2:
        return None
    return {
        "member": "m", "at_ms": NOW_MS, "pending_count": 9, "max_running": 2, "supervisors": [],
        "pending": [entry(one) for one in pending], "running": [],
        "apart": {str(one): "in reserve" for one in range(9) if one not in pending and chance.random() < 0.2},
    }  # fmt: skip


class Story:
    """A model, and what was done to it so that it can be undone."""

    def __init__(self, chance: random.Random) -> None:
        self.model = Model("b", time_ms=NOW_MS)
        self._chance = chance
        self._done: list[Change] = []

    def go_on(self) -> None:
        """One change, one undone, or another agenda."""
        dice = self._chance.random()
        if dice < 0.1:
            self.model.agenda = some_agenda(self._chance)
        elif dice < 0.3 and self._done:
            self.model.undo(self._done.pop(), NOW_MS)
        else:
            self._write(*some_record(self._chance))

    def _write(self, key: str, value: Any) -> None:
        model = self.model
        revision, before = model.revision + 1, model.get(key)
        if before is None and value is None:
            return
        record = record_of(key, completed(key, value), commit=f"1-{revision}") if value is not None else None
        previous = before.commit if before is not None else ""
        operation: Any = "delete" if record is None else "put"
        change = Change(key, operation, f"1-{revision}", revision, NOW_MS, "", record, previous, before)
        self._done.append(change)
        model.apply(change)


def taken_in(pane: Followed) -> Followed:
    pane.refresh()
    while pane.busy:
        pane.refresh()
    return pane


@pytest.mark.parametrize("make", PANES)
@pytest.mark.parametrize("seed", range(15))
def test_a_pane_that_followed_shows_what_one_made_anew_shows(seed: int, make: Callable[[Model], Followed]) -> None:
    chance = random.Random(seed)
    story = Story(chance)
    pane = make(story.model)
    for _ in range(12):
        for _ in range(chance.randrange(1, 25)):
            story.go_on()
        if chance.random() < 0.3:
            pane.sort_by(chance.choice(pane.sorts))
        wanted = Filter.parse(text) if (text := chance.choice(FILTERS)) is not None else None
        pane.filter_by(wanted)
        fresh = make(story.model)
        fresh.sort_by(pane.sort)
        fresh.filter_by(wanted)
        assert names(taken_in(pane)) == names(taken_in(fresh))
        assert shown(pane) == shown(fresh)
        assert pane.title == fresh.title
