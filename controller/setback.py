"""A firing that does not come to what its agent returned: its contribution was refused, or the call has failed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from blackboard.commit import At
from controller.aftermath import after_failure
from controller.candidates import candidates, exclusions
from controller.ended import LOST, Ended

if TYPE_CHECKING:
    from collections.abc import Sequence

    from blackboard.control_records import Activation, FailureClass
    from blackboard.errors import Conflict, GuardFailure
    from blackboard.group import Packed
    from controller.approval import Marks
    from controller.firing import Firing
    from knowledge_sources.context import Context


async def refused(firing: Firing, ctx: Context, conflict: Conflict) -> Ended | None:
    """What a refused contribution means: lost, obviated, or run again on what is there now."""
    firing.conflicts += 1
    firing.contributing = None
    firing.desk.meter.conflicts += 1
    failures = {getattr(failure.guard, "key", ""): failure for failure in conflict.failures}
    if firing.key in failures:
        await firing.desk.caught_up(conflict)
        return LOST
    for record in firing.entry.triggers.values():
        if record.key in failures:
            return await _obviated(firing, ctx, failures[record.key])
    excluding = _excluding(firing, conflict)
    if excluding is not None:
        return await _obviated(firing, ctx, excluding)
    if firing.members is not None and any(one.each for one in firing.source.collects):
        for member in firing.triggers:
            if member.key in failures:  # the set that is there now is another's
                return await _obviated(firing, ctx, failures[member.key])
    await firing.desk.caught_up(conflict)
    if not firing.renew():
        return await _fallen_short(firing, ctx)
    firing.excluded_guards = exclusions(firing.desk.replica, firing.source.unless, firing.entry.captures)
    return None


def _excluding(firing: Firing, conflict: Conflict) -> GuardFailure | None:
    """The failed guard that stands for an ``unless`` which now holds."""
    for pattern in firing.source.unless:
        for failure in conflict.failures:
            if failure.record is not None and pattern.match(failure.record) is not None:
                return failure
            region = getattr(failure.guard, "region", None)
            if region == pattern.region and any(candidates(firing.desk.replica, pattern, firing.entry.captures)):
                return failure
    return None


async def _obviated(firing: Firing, ctx: Context, failure: GuardFailure) -> Ended:
    """The contribution came too late: recorded with who made it moot."""
    record = firing.finished(ctx, "obviated", [])
    record["reason"] = f"too late: {failure.sentence()}"
    if failure.record is not None:
        record["winner"] = failure.record.author
    return await _write_end(firing, record)


async def _fallen_short(firing: Firing, ctx: Context) -> Ended:
    """Members went while it ran, and too few are left: it is pending as before, and that was no call."""
    record = firing.finished(ctx, "pending", [])
    del record["ended_ms"]
    record["attempt"] -= 1
    record["reason"] = f"{firing.source.name} has too few left of what it collected"
    return await _write_end(firing, record)


async def fail(
    firing: Firing,
    ctx: Context,
    failure: FailureClass,
    error: str,
    *,
    retry_after_ms: int = 0,
    marks: Marks | None = None,
) -> Ended:
    """A failed call: the record says what follows, and why in one sentence; ``marks`` are added to it."""
    firing.desk.meter.activations += 1
    record = firing.finished(ctx, "failed", [])
    if marks is not None:
        record = {**record, **marks}
    cost = firing.cost
    aftermath = after_failure(
        firing.desk, firing.source, firing.activation, record, failure=failure, error=error, cost=cost,
        retry_after_ms=retry_after_ms,
    )  # fmt: skip
    firing.desk.hit("controller.before_escalation")
    return await _write_end(firing, aftermath.record, aftermath.writes)


async def _write_end(firing: Firing, record: Activation, extra: Sequence[Packed] = ()) -> Ended:
    """Write how it ended; nothing guards that but the activation itself."""
    writes = [*extra, *firing.closing(record, firing.desk.member)]
    done = await firing.commit_or_lose([At(firing.key, firing.commit)], writes, firing.desk.member)
    return LOST if done is None else Ended(record, done.commit)
