"""Heeding breakers: an agent whose breaker is open is kept off its agenda, and what has changed is written down."""

from __future__ import annotations

from typing import TYPE_CHECKING

from blackboard.control_records import BREAKERS
from controller.breakers import OPEN, breaker_record
from controller.desk import packed_control

if TYPE_CHECKING:
    from blackboard.control_records import BreakerRecord
    from controller.desk import Desk
    from controller.lineup import Lineup
    from controller.side_work import SideWork


def heed_breakers(desk: Desk, lineup: Lineup, side: SideWork, now_ms: int) -> None:
    """Keep those off the agenda whose breaker is open, and write down what has changed."""
    breakers = desk.breakers
    breakers.tick(now_ms)
    turned, breakers.turned = breakers.turned, {}
    for agent, write in turned.items():
        if agent in desk.sources:
            agenda = lineup.of(agent)
            (agenda.block if agent in breakers.blocked else agenda.unblock)(agent, OPEN)
        desk.reserve.breaker_turned(agent)
        if write:
            record = breaker_record(agent, breakers.machines.get(agent), now_ms)
            side.do(_write_breaker(desk, record))


async def _write_breaker(desk: Desk, record: BreakerRecord) -> None:
    write = packed_control(BREAKERS + record["agent"], record, desk.member)
    await desk.commit_leading([], [write])
