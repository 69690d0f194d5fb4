"""The agents that plan: a goal becomes steps that others carry out, and a plan that no longer fits becomes another."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

from pydantic import PlainValidator

from blackboard.errors import InvalidInput
from blackboard.predicate import Predicate
from knowledge_sources.calling import Code
from knowledge_sources.errors import InvalidContribution
from knowledge_sources.library.plan import InvalidPlan, Step, StepRecord, finished, parse_plan, replanned
from knowledge_sources.library.plan_board import PLAN, Head, PlanBoard
from knowledge_sources.parameters import KeyText, Parameters, PatternText, Switch, refuse, taking
from knowledge_sources.template import InvalidParameters, Misuse, Recipe, template

if TYPE_CHECKING:
    from collections.abc import Mapping

    from blackboard.pattern import Pattern
    from blackboard.record import Record
    from knowledge_sources.context import Context
    from knowledge_sources.decorators import Options
    from knowledge_sources.template import Records


class Rule(NamedTuple):
    """A fixed plan, and the goals that it is for; ``None`` is for every goal."""

    when: Predicate | None
    steps: dict[str, Step]


def _rules(value: object) -> list[Rule]:
    if not isinstance(value, list) or not value:
        raise refuse("a list of plans, as in [{when: 'kind == \"refund\"', steps: {verify: {}}}]")
    rules = []
    for index, rule in enumerate(value):
        if not isinstance(rule, dict) or not {"steps"} <= rule.keys() <= {"when", "steps"}:
            raise refuse("a plan is {when: a condition, steps: {…}}, when left out for every goal", index)
        try:
            when = Predicate.parse(rule["when"]) if "when" in rule else None
        except (InvalidInput, TypeError) as error:
            raise refuse(str(error), index, "when") from error
        try:
            # What a later plan needs may have been done under an earlier one; that is checked when it is made.
            elsewhere = [need for step in _mappings(rule["steps"]) for need in step.get("needs") or ()]
            rules.append(Rule(when, parse_plan(rule["steps"], elsewhere if index or when else ())))
        except InvalidPlan as error:
            raise refuse(error, index, "steps", *error.path) from error
    return rules


def _mappings(steps: object) -> list[dict[str, Any]]:
    values = steps.values() if isinstance(steps, dict) else ()
    return [step for step in values if isinstance(step, dict) and isinstance(step.get("needs"), list)]


Rules = Annotated[list[Rule], PlainValidator(_rules)]
Planning = Annotated[Code, PlainValidator(taking("goal", "captures", "before", "done", "reason", "ctx"))]


class PlanParameters(Parameters):
    """How goals become plans: by ``plans`` or ``by`` a function, or the goal itself says its ``steps``."""

    plans: Rules | None = None
    by: Planning | None = None
    plan: KeyText = PLAN
    results: KeyText | None = None


class PlannerParameters(PlanParameters):
    """``watches`` is the goal."""

    watches: PatternText
    replan: KeyText | None = None


class ReplannerParameters(PlanParameters):
    """``watches`` is the request for another plan, ``goal`` the key of what it is for.

    With ``keep`` off every step of the new plan is done anew, and the results of the earlier one are taken away.
    """

    watches: KeyText | None = None
    goal: KeyText
    keep: Switch = True


@template(PlannerParameters)
def planner(given: PlannerParameters) -> Recipe:
    """Make a plan for each goal that has none: one record for each step, ready where it needs no other."""
    planning = _Planning("planner", given, given.replan)

    async def plan(ctx: Context, records: Records) -> None:
        # Asked for before there was any plan: then the first one is made with that in mind.
        request = ctx.read(planning.board.replan.fill(ctx.captures))
        await planning.plan(ctx, records["goal"], request, None)

    options: Options = {"contributes": planning.board.written, "unless": given.plan.text}
    return Recipe(plan, {"goal": given.watches.text}, options)


@template(ReplannerParameters)
def replanner(given: ReplannerParameters) -> Recipe:
    """Plan again when that is asked for: what is done stays, what is under way and still wanted goes on."""
    planning = _Planning("replanner", given, given.watches, keep=given.keep)
    board = planning.board
    for capture in given.goal.captures:
        if capture not in given.plan.captures:
            raise InvalidParameters("replanner", [Misuse(("goal",), f"{{{capture}}} is not in {given.plan.text}")])

    async def replan(ctx: Context, records: Records) -> None:
        request, head = records["request"], board.head(ctx)
        if head is None or not board.asked(ctx, head):
            return
        goal = ctx.read(given.goal.fill(ctx.captures))
        if goal is None:
            raise InvalidContribution(ctx.agent, f"there is no goal {given.goal.fill(ctx.captures)} to plan for")
        await planning.plan(ctx, goal, request, head)

    written = [*board.written, *([] if given.keep else [f"{board.results.text}/*"])]
    return Recipe(replan, {"request": board.replan.text}, {"contributes": written})


class _Planning:
    """One planning agent: which plan a goal gets, and how it is laid over the present one."""

    def __init__(self, agent: str, given: PlanParameters, replan: Pattern | None, *, keep: bool = True) -> None:
        if given.plans is not None and given.by is not None:
            raise InvalidParameters(agent, [Misuse(("by",), "plans and by are two ways of planning: leave one out")])
        self._given = given
        self._keep = keep
        self.board = PlanBoard.at(agent, given.plan, given.results, replan)

    async def plan(self, ctx: Context, goal: Record[Any], request: Record[Any] | None, head: Head | None) -> None:
        """Post the records that the goal's plan changes, each step for an agent that has its capability.

        Raises :class:`InvalidContribution` for a plan that cannot be carried out, :class:`UnknownAgent` where nobody
        has a capability; the contribution stands only while somebody still has.
        """
        before = self.board.steps_of(ctx)
        results = self.board.results_of(ctx, before, absent=True)
        if not self._keep:
            before, results = self._forgotten(ctx, before, results), {}
        done = {name for name, step in before.items() if step["status"] == "done"} | results.keys()
        reason = _reason(request)
        wanted = await self._wanted(ctx, goal, request, before, reason)
        try:
            plan = parse_plan(wanted, done) if not isinstance(wanted, Rule) else _checked(wanted.steps, done)
        except InvalidPlan as error:
            raise InvalidContribution(ctx.agent, f"planned what cannot be done: {error}") from error
        changed = replanned(before, plan, results, reason)
        template_text = self._given.plan.text
        for name, step in changed.items():
            if step["status"] in ("waiting", "ready"):
                ctx.handoff(f"{template_text}/{name}", step, capability=step["capability"])
            else:
                ctx.post(f"{template_text}/{name}", step)
        ctx.post(template_text, _head(goal, request, head, reason, done=finished({**before, **changed})))

    def _forgotten(
        self, ctx: Context, before: Mapping[str, StepRecord], results: Mapping[str, str]
    ) -> dict[str, StepRecord]:
        """The steps as if none had come to anything; what those that did came to is taken away."""
        for name, step in before.items():
            if step["status"] == "done" or name in results:
                ctx.delete(f"{self.board.results.text}/{name}")
        return {name: {**step, "status": "waiting"} for name, step in before.items() if step["status"] != "dropped"}

    async def _wanted(
        self,
        ctx: Context,
        goal: Record[Any],
        request: Record[Any] | None,
        before: Mapping[str, StepRecord],
        reason: str,
    ) -> object:
        if self._given.by is not None:
            done = self.board.values_of(ctx, before)
            return await self._given.by.call(
                ctx, goal=goal.value, captures=dict(ctx.captures), before=before, done=done, reason=reason
            )
        value = goal.value
        if self._given.plans is None:
            return value.get("steps") if isinstance(value, dict) else None
        if isinstance(value, dict) and request is not None:
            value = {**value, "replan": request.value}
        for rule in self._given.plans:
            if rule.when is None or rule.when.test(value, dict(ctx.captures), goal):
                return rule
        raise InvalidContribution(ctx.agent, f"no plan is for {goal.key}{': ' + reason if reason else ''}")


def _checked(steps: dict[str, Step], done: set[str]) -> dict[str, Step]:
    """A rule's steps, whose needs are among them or done."""
    return parse_plan({name: step._asdict() for name, step in steps.items()}, done)


def _reason(request: Record[Any] | None) -> str:
    if request is None:
        return ""
    value = request.value
    reason = value.get("reason") if isinstance(value, dict) else value
    return str(reason)[:1_000] if reason is not None else ""


def _head(goal: Record[Any], request: Record[Any] | None, head: Head | None, reason: str, *, done: bool) -> Head:
    return {
        "status": "done" if done else "open",
        "goal": f"{goal.key}@{goal.commit}",
        "times": 1 if head is None else head["times"] + 1,
        "replan": "" if request is None else f"{request.key}@{request.commit}",
        "reason": reason,
    }
