"""What calls have used at each commit of a log, counted from the activations' records alone."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from blackboard.control_records import Activation
    from tests.control.lives import Moment


def most_failed(moments: Iterable[Moment]) -> Counter[str]:
    """Work item → how many of its calls have failed, whichever agents made them."""
    last = {moment.activation: moment.record for moment in moments if moment.record is not None}
    failed: Counter[str] = Counter()
    for record in last.values():
        failed[record["work_item"]] += len(record.get("attempts", ()))
    return failed


def calls(moments: Iterable[Moment]) -> int:
    """The calls that were made: how often an activation began to run."""
    previous: dict[str, str] = {}
    count = 0
    for moment in moments:
        if moment.record is not None:
            state = moment.record["state"]
            count += state == "running" and previous.get(moment.activation) != "running"
            previous[moment.activation] = state
    return count


def spent(moments: Iterable[Moment], scope: Callable[[Activation], str]) -> Counter[str]:
    """Money by ``scope``, from what each activation's record says at its end."""
    last = {moment.activation: moment.record for moment in moments if moment.record is not None}
    money: Counter[str] = Counter()
    for record in last.values():
        cost = sum(usage["cost"] for usage in record.get("usage", ()))
        cost += sum(attempt["cost"] for attempt in record.get("attempts", ()))
        money[scope(record)] += cost  # type: ignore[assignment]  # a counter of fractions
    return money
