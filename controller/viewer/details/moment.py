"""What a sight shows, as those take it who explain: at rest, and with its time."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from blackboard.state import State
from controller.past import Standing

if TYPE_CHECKING:
    from collections.abc import Iterable

    from controller.viewer.sight import Sight

AT_ONCE: Final = 200
"""activations that are looked into before a key is answered again"""


def revision_of_past(sight: Sight) -> int | None:
    """The moment that is seen, ``None`` for now; it moves on where the sight is stepped through the log."""
    return None if sight.revision is None else sight.model.revision


def now_ms(sight: Sight) -> int:
    """The time of the moment that is seen, by the server's clock."""
    return sight.board.store.server_now_ms() if sight.revision is None else sight.model.time_ms


async def looked_into(sight: Sight) -> None:
    """Return once the model has looked into every activation; on a board of very many that takes its time."""
    while sight.model.busy:
        sight.model.work(AT_ONCE)
        await asyncio.sleep(0)


def standing_of(sight: Sight) -> Standing:
    """What stands at that moment; it moves on where the sight does."""
    model = sight.model
    return Standing(
        sight.records,
        model.activations,
        model.overrides,
        model.questions,
        model.agents,
        model.cases,
        revision_of_past(sight),
    )


def at_rest(sight: Sight, regions: Iterable[str]) -> State:
    """The records of ``regions`` as they are now, for who looks at them in a thread; they move on no more."""
    model = sight.model
    kept = {region: dict(model.regions.get(region, {})) for region in regions}
    return State(kept, model.revision, now_ms(sight))
