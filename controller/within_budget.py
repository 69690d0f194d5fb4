"""What an agent with a token budget is given when it runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from knowledge_sources.errors import OverTokenBudget
from knowledge_sources.tokens import Shortage, fit

if TYPE_CHECKING:
    from blackboard.record import Record
    from controller.desk import Desk
    from knowledge_sources.context import Context


def within_budget(desk: Desk, ctx: Context, records: dict[str, Record], budget: int) -> dict[str, Record]:
    """``records`` as an agent with ``budget`` tokens is given them: digests of the largest where all would be over it.

    What it contributes stands only as long as these digests do.  Raises :class:`OverTokenBudget` where a digest that
    was there when its turn came is gone.
    """
    found = fit(records, budget, desk.replica.get, desk.settings.token_counter)
    if isinstance(found, Shortage):
        raise OverTokenBudget(ctx.agent, found.sentence())
    for key in found.digests:
        ctx.read(key)
    return {alias: record.fresh() for alias, record in found.records.items()}
