"""How many decisions were critical, and in how many of them a person had a part."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from blackboard.wording import counted
from scenarios.expectations import Result

if TYPE_CHECKING:
    from collections.abc import Iterable

    from blackboard.control_records import Activation
    from controller.budgets import Limits


class Reviewed(NamedTuple):
    """Contributions that wrote critical records, those of them that no person had looked at, and those let through
    although their agent was unsure.
    """

    critical: int
    unreviewed: int
    let_through: int

    @property
    def share(self) -> float:
        """The share of critical decisions in which no person had a part."""
        return self.unreviewed / self.critical if self.critical else 0.0


def reviewed(activations: Iterable[Activation]) -> Reviewed:
    """The count over ``activations``; each that contributed is one decision."""
    critical = unreviewed = let_through = 0
    for activation in activations:
        if activation["state"] != "executed":
            continue
        let_through += activation.get("let_through", False)
        if activation.get("critical"):
            critical += 1
            unreviewed += not activation.get("reviewed_by")
    return Reviewed(critical, unreviewed, let_through)


def review_result(activations: Iterable[Activation], limits: Limits) -> tuple[Result, ...]:
    """Whether enough critical decisions were reviewed, where the scenario limits that."""
    allowed = limits.run.unreviewed_critical
    if allowed is None:
        return ()
    found = reviewed(activations)
    bound, share = f"{allowed * 100:g}%", f"{found.share:.0%}"
    decided = f"{found.unreviewed} of {counted(found.critical, 'critical decision')} ({share})"
    was = "was" if found.unreviewed == 1 else "were"
    sentence = f"{decided} {was} made without a person" if found.critical else "no decision was critical"
    return (Result(f"unreviewed critical at most {bound}", found.share <= allowed, bound, share, sentence),)
