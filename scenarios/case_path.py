"""One case told as its decisions: which agents, in what order, and who else could have gone."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from blackboard.control_records import Activation
    from scenarios.evidence import Evidence


@dataclass(frozen=True, slots=True)
class Step:
    """One activation of the case and the decision that chose it.

    ``instead_of`` are the agents that were eligible too and were not chosen, the nearest first.
    """

    agent: str
    activation: str
    state: str
    revision: int
    """at which the controller looked"""
    eligible: int
    rank: int
    level: str
    waited_ms: int
    run_ms: float | None
    attempt: int
    instead_of: tuple[str, ...]
    override: str
    decided_by: str
    winner: str
    reason: str
    wrote: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class CasePath:
    """The decisions of one case in the order in which they were made."""

    case: str
    outcome: str
    steps: tuple[Step, ...]


def path_of(evidence: Evidence, case: str) -> CasePath:
    """The decision path of ``case``; without steps where nobody fired for it."""
    own = [(key, one) for key, one in evidence.activations.items() if one["case"] == case]
    own.sort(key=lambda item: (item[1]["dispatched_ms"], item[1]["decision"]["revision"], item[0]))
    return CasePath(case, evidence.cases.get(case, ""), tuple(_step(key, one) for key, one in own))


def choose_case(evidence: Evidence) -> str | None:
    """The most telling case: one that a supervisor or a person had to decide, then the longest.

    Of equal ones the first by name, so that the same run always tells the same case.
    """
    by_case: dict[str, list[Activation]] = defaultdict(list)
    for activation in evidence.activations.values():
        if activation["case"]:
            by_case[activation["case"]].append(activation)
    asked = {escalation["case"] for escalation in evidence.escalations.values()}
    ranked = ((-_telling(case in asked, by_case[case]), -len(by_case[case]), case) for case in by_case)
    return min(ranked, default=(0, 0, None))[2]


def _telling(asked: bool, activations: Sequence[Activation]) -> int:
    decided = any(one.get("decided_by") or one["decision"]["override"] for one in activations)
    retried = any(one["attempt"] > 1 or one.get("winner") for one in activations)
    return 4 * decided + 2 * asked + retried


def _step(key: str, activation: Activation) -> Step:
    decision = activation["decision"]
    return Step(
        agent=activation["agent"],
        activation=key,
        state=activation["state"],
        revision=decision["revision"],
        eligible=decision["eligible"],
        rank=decision["rank"],
        level=decision["level"],
        waited_ms=max(0, decision["waited_ms"]),  # the server's clock may be ahead of the controller's
        run_ms=activation["run_us"] / 1000 if "run_us" in activation else None,
        attempt=activation["attempt"],
        instead_of=tuple(runner["agent"] for runner in decision["runners_up"]),
        override=decision["override"] or "",
        decided_by=activation.get("decided_by", ""),
        winner=activation.get("winner", ""),
        reason=activation.get("reason", ""),
        wrote=tuple(activation.get("wrote", ())),
    )
