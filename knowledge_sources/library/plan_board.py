"""Where a plan stands on the board: its head at ``plan/{case}``, each step below it, each result in a region of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple, TypedDict, cast

from blackboard.pattern import Pattern
from knowledge_sources.errors import InvalidContribution
from knowledge_sources.template import InvalidParameters, Misuse

if TYPE_CHECKING:
    from collections.abc import Mapping

    from knowledge_sources.context import Context
    from knowledge_sources.library.plan import StepRecord

PLAN: Final = Pattern.parse("plan/{case}")
_NEEDED: Final = frozenset({"capability", "needs", "status"})


class Head(TypedDict):
    """What stands at ``plan/{case}``."""

    status: Literal["open", "done"]
    goal: str
    """``key@commit`` of the goal that it was made for"""
    times: int
    """how often it was planned, the first time included"""
    replan: str
    """``key@commit`` of the request that it answers; ``""`` for the first plan"""
    reason: str


class PlanBoard(NamedTuple):
    """The keys of the plans that one agent works on, with captures in braces."""

    plan: Pattern
    results: Pattern
    replan: Pattern

    @classmethod
    def at(cls, agent: str, plan: Pattern, results: Pattern | None, replan: Pattern | None) -> PlanBoard:
        """Plans at ``plan``; results and requests for another plan stand in ``result/`` and ``replan/`` as plans do.

        Raises :class:`InvalidParameters` where a key has a capture that the plan's has not.
        """
        for name, key in (("results", results), ("replan", replan)):
            for capture in key.captures if key is not None else ():
                if capture not in plan.captures:
                    raise InvalidParameters(agent, [Misuse((name,), f"{{{capture}}} is not in {plan.text}")])
        below = plan.text.removeprefix(plan.region)
        return cls(plan, results or Pattern.parse(f"result{below}"), replan or Pattern.parse(f"replan{below}"))

    @property
    def steps(self) -> str:
        """The pattern of the steps, each bound as ``{step}``."""
        return f"{self.plan.text}/{{step}}"

    @property
    def written(self) -> list[str]:
        """What an agent that changes plans contributes."""
        return [self.plan.text, f"{self.plan.text}/*"]

    def head(self, ctx: Context) -> Head | None:
        """The head of the plan of this activation's captures; ``None`` where there is no plan."""
        found = ctx.read(self.plan.fill(ctx.captures))
        if found is None:
            return None
        if not isinstance(found.value, dict) or "times" not in found.value:
            raise InvalidContribution(ctx.agent, f"{found.key} is no head of a plan", key=found.key)
        return cast("Head", found.value)

    def asked(self, ctx: Context, head: Head) -> bool:
        """Whether another plan was asked for than the one of ``head``; that none is guards the contribution."""
        request = ctx.read(self.replan.fill(ctx.captures))
        return request is not None and head["replan"] != f"{request.key}@{request.commit}"

    def steps_of(self, ctx: Context) -> dict[str, StepRecord]:
        """The steps as they stand, by name; each guards the contribution."""
        key = self.plan.fill(ctx.captures)
        found: dict[str, StepRecord] = {}
        for record in ctx.search(Pattern.parse(f"{key}/*")):
            if not isinstance(record.value, dict) or not record.value.keys() >= _NEEDED:
                raise InvalidContribution(ctx.agent, f"{record.key} is no step of a plan", key=record.key)
            found[record.key.removeprefix(f"{key}/")] = cast("StepRecord", record.value)
        return found

    def results_of(self, ctx: Context, steps: Mapping[str, StepRecord], *, absent: bool) -> dict[str, str]:
        """For each ready step that has a result, its ``key@commit``; with ``absent``, that others have none is guarded."""
        found: dict[str, str] = {}
        for name, step in steps.items():
            if step["status"] != "ready":
                continue
            key = f"{self.results.fill(ctx.captures)}/{name}"
            if absent or ctx.read(key, guard=False) is not None:
                record = ctx.read(key)
                if record is not None:
                    found[name] = f"{key}@{record.commit}"
        return found

    def values_of(self, ctx: Context, steps: Mapping[str, StepRecord]) -> dict[str, Any]:
        """What the steps that are done came to, by name."""
        done = (name for name, step in steps.items() if step["status"] == "done")
        found = {name: ctx.read(f"{self.results.fill(ctx.captures)}/{name}") for name in done}
        return {name: record.value for name, record in found.items() if record is not None}
