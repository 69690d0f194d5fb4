"""A plan: the steps towards a goal, which of them need which, and what becomes of each.  Nothing here does I/O.

A step is ``waiting`` until all that it needs are done, then ``ready``, and ``done`` once its result is there.  One that
a later plan does without is ``dropped``.  Every function gives the records that change, so that the others keep their
commit and whoever works on them goes on.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple, NotRequired, TypedDict

from blackboard.errors import InvalidInput
from knowledge_sources.circles import circles
from knowledge_sources.nearest import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

MAX_STEPS: Final = 500
_NAME: Final = re.compile(r"[A-Za-z0-9_.\-]{1,64}\Z")


class Step(NamedTuple):
    """What a planner wants done: a capability, the steps whose results it needs, and an input of its own."""

    capability: str
    needs: tuple[str, ...] = ()
    input: Any = None


class StepRecord(TypedDict):
    """A step as it stands on the board."""

    capability: str
    needs: list[str]
    input: Any
    status: Literal["waiting", "ready", "done", "dropped"]
    given: NotRequired[dict[str, str]]
    """for each step that it needs, the ``key@commit`` of its result"""
    result: NotRequired[str]
    """``key@commit`` of what it came to"""
    reason: NotRequired[str]
    """why it was dropped"""


class InvalidPlan(InvalidInput):
    """A plan that cannot be carried out; ``path`` leads to what is wrong in it."""

    def __init__(self, reason: str, *path: str) -> None:
        self.path = path
        super().__init__(reason)


def parse_plan(given: object, finished: Iterable[str] = ()) -> dict[str, Step]:
    """The steps in ``given``, a mapping of each step's name to ``{capability, needs, input}``.

    The capability is by default the step's name; in the place of the mapping may stand the capability alone.  A step may
    also need one that is ``finished``.  Raises :class:`InvalidPlan`: for a circle it names the steps in its order.
    """
    if not isinstance(given, dict) or not given:
        raise InvalidPlan("a plan is a mapping of steps, as in {verify: {}, refund: {needs: [verify]}}")
    if len(given) > MAX_STEPS:
        raise InvalidPlan(f"the plan has {len(given):,} steps, more than {MAX_STEPS}")
    steps = {_name(name): _step(name, value) for name, value in given.items()}
    known = {*steps, *finished}
    for name, step in steps.items():
        for need in step.needs:
            if need not in known:
                raise InvalidPlan(f"{name} needs {need!r}, which is no step{did_you_mean(need, known)}", name, "needs")
    circle = next(iter(circles({name: list(step.needs) for name, step in steps.items()})), None)
    if circle is not None:
        raise InvalidPlan("the steps wait for each other: " + " needs ".join((*circle, circle[0])), circle[0], "needs")
    return steps


def _name(name: object) -> str:
    if not isinstance(name, str) or not _NAME.match(name):
        raise InvalidPlan(f"the name of a step, {str(name)[:80]!r}: use 1 to 64 of A-Z a-z 0-9 _ . -")
    return name


def _step(name: str, value: object) -> Step:
    if isinstance(value, str):
        value = {"capability": value}
    if value is None:
        value = {}
    if not isinstance(value, dict):
        raise InvalidPlan(f"{name}: a step is {{capability, needs, input}}, not {type(value).__name__}", name)
    for key in value:
        if key not in Step._fields:
            raise InvalidPlan(f"{name}: unknown key {key!r}{did_you_mean(str(key), Step._fields)}", name)
    capability, needs = value.get("capability", name), value.get("needs", [])
    needs = [needs] if isinstance(needs, str) else needs
    if not isinstance(capability, str) or not _NAME.match(capability):
        raise InvalidPlan(f"{name}: {str(capability)[:80]!r} is the name of no capability", name, "capability")
    if not isinstance(needs, list | tuple) or not all(isinstance(need, str) for need in needs):
        raise InvalidPlan(f"{name}: needs is a list of the names of steps", name, "needs")
    return Step(capability, tuple(dict.fromkeys(needs)), value.get("input"))


def opened(plan: Mapping[str, Step]) -> dict[str, StepRecord]:
    """The records of a new plan: what needs nothing is ready."""
    return replanned({}, plan, {}, "")


def advanced(steps: Mapping[str, StepRecord], results: Mapping[str, str]) -> dict[str, StepRecord]:
    """What changes in ``steps`` now that ``results``, step → ``key@commit``, are there.

    A ready step with a result is done; a waiting one whose needs are all done is ready.
    """
    present = dict(steps)
    changed: dict[str, StepRecord] = {}
    for name, step in steps.items():
        if step["status"] == "ready" and name in results:
            changed[name] = present[name] = {**step, "status": "done", "result": results[name]}
    for name, step in steps.items():
        if step["status"] == "waiting":
            after = _awaited(step, present)
            if after != step:
                changed[name] = after
    return changed


def replanned(
    before: Mapping[str, StepRecord], plan: Mapping[str, Step], results: Mapping[str, str], reason: str
) -> dict[str, StepRecord]:
    """What changes in ``before`` when ``plan`` takes its place.

    A step that is done, or has a result, stays done whatever the new plan says of it.  One that the new plan wants as
    it is stays as it is, under way or not.  One that it wants otherwise begins anew; the rest is dropped.
    """
    present = {**before, **(finishing := advanced(before, results))}
    changed = {name: step for name, step in finishing.items() if step["status"] == "done"}
    settled = {name: step for name, step in present.items() if step["status"] == "done"}
    for name, step in plan.items():
        if name not in settled:
            wanted: StepRecord = {
                "capability": step.capability, "needs": list(step.needs), "input": step.input, "status": "waiting"
            }  # fmt: skip
            wanted = _awaited(wanted, settled)
            if wanted != before.get(name):
                changed[name] = wanted
    for name, old in present.items():
        if name not in settled and name not in plan and old["status"] != "dropped":
            changed[name] = {**old, "status": "dropped", "reason": reason}
    return changed


def _awaited(step: StepRecord, present: Mapping[str, StepRecord]) -> StepRecord:
    """A waiting step as it stands beside the others: ready, with their results, once all that it needs are done."""
    given = {}
    for need in step["needs"]:
        other = present.get(need)
        if other is None or other["status"] != "done":
            return step
        given[need] = other["result"]
    return {**step, "status": "ready", "given": given} if given else {**step, "status": "ready"}


def finished(steps: Mapping[str, StepRecord]) -> bool:
    """Whether nothing is left to do: every step is done, or dropped."""
    return all(step["status"] in ("done", "dropped") for step in steps.values())
