"""What each agent of a ladder saved: the cheaper ones against the last, which could have been asked at once."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from controller.rungs import ranks_of
from scenarios.figures import RungLine

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from blackboard.control_records import Activation, Agent


def rung_lines(agents: Mapping[str, Agent], activations: Sequence[Activation]) -> tuple[RungLine, ...]:
    """A line for each agent of each capability that has agents in reserve; ``agents`` are those of the registry."""
    by_capability: dict[str, dict[str, list[str]]] = {}
    for name, agent in sorted(agents.items()):
        for capability in agent["capabilities"]:
            by_capability.setdefault(capability, {})[name] = agent.get("instead_of", [])
    lines: list[RungLine] = []
    for capability, instead_of in by_capability.items():
        if any(instead_of.values()):
            order = [name for rank in ranks_of(instead_of) for name in rank]
            lines += _ladder(capability, order, activations)
    return tuple(lines)


def _ladder(capability: str, order: Sequence[str], activations: Iterable[Activation]) -> list[RungLine]:
    of: dict[str, list[Activation]] = {name: [] for name in order}
    for one in activations:
        if one["capability"] == capability and one["agent"] in of and one["attempt"]:
            of[one["agent"]].append(one)
    last = of[order[-1]]
    dearest = math.fsum(map(_cost, last)) / len(last) if last else None
    return [_line(capability, name, of[name], dearest if name != order[-1] else None) for name in order]


def _line(capability: str, name: str, activations: Sequence[Activation], dearest: float | None) -> RungLine:
    answered = sum(bool(one.get("wrote")) and one["state"] == "executed" for one in activations)
    passed = sum("passed_to" in one or (one["state"] == "executed" and not one.get("wrote")) for one in activations)
    cost = math.fsum(map(_cost, activations))
    saved = None if dearest is None else answered * dearest - cost
    return RungLine(capability, name, len(activations), answered, passed, cost, saved)


def _cost(activation: Activation) -> float:
    failed = math.fsum(attempt["cost"] for attempt in activation.get("attempts", ()))
    return failed + math.fsum(usage["cost"] for usage in activation.get("usage", ()))
