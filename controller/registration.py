"""The agents' entries in the registry, as the controller writes them."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from blackboard.control_records import AGENTS, SCHEMAS
from blackboard.errors import Conflict
from blackboard.keys import CONTROL_REGION
from blackboard.schemas import Schemas
from controller.desk import packed_control, removal
from controller.errors import LostLeadership
from knowledge_sources.region_schemas import schema_records
from knowledge_sources.registry import agent_record, broken_agent_record

if TYPE_CHECKING:
    from collections.abc import Sequence

    from blackboard.control_records import Agent
    from blackboard.group import Packed
    from blackboard.schemas import Schema
    from controller.desk import Desk
    from knowledge_sources.source import KnowledgeSource

_log = logging.getLogger(__name__)


class Registration:
    """Writes ``control/agents/``, as the leader: raises :class:`LostLeadership` where somebody else leads."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._misjudged: set[str] = set()

    async def enter(self, source: KnowledgeSource) -> None:
        """Put an agent into the registry and on the desk, ready."""
        self._desk.sources[source.name] = source
        if source.kind == "agent":
            terms = self._desk.settings.breaker if source.breaker is None else source.breaker
            self._desk.breakers.watch(source.name, terms)
        self._misjudged.discard(source.name)
        await self._write(agent_record(source))

    async def report_broken(self, name: str, source: str, traceback: str) -> None:
        """Register an agent that could not be loaded, so that people see why it is missing."""
        await self._write(broken_agent_record(name, source, traceback))

    async def report_misjudged(self, source: KnowledgeSource, error: BaseException) -> None:
        """Show with the agent that its rating or precondition raised; the first time tells."""
        if source.name in self._misjudged:
            return
        self._misjudged.add(source.name)
        _log.warning("the rating or precondition of %s raised: %r", source.name, error)
        await self._write(agent_record(source, f"its rating or precondition raised {error!r}"))

    async def keep_schemas(self, schemas: Sequence[Schema]) -> None:
        """Hold all that is written from now on to ``schemas``, and keep them on the board for other processes."""
        desk = self._desk
        desk.board.schemas = Schemas(schemas) if schemas else None
        wanted = schema_records(schemas) if schemas else {}
        kept = {key: one.value for key, one in desk.replica.region(CONTROL_REGION).items() if key.startswith(SCHEMAS)}
        writes = [packed_control(key, value, desk.member) for key, value in wanted.items() if kept.get(key) != value]
        writes += [removal(key) for key in kept.keys() - wanted.keys()]
        if writes:
            await self._commit(writes)

    async def _write(self, record: Agent) -> None:
        await self._commit([packed_control(AGENTS + record["name"], record, self._desk.member)])

    async def _commit(self, writes: Sequence[Packed]) -> None:
        desk = self._desk
        try:
            await desk.store.submit([desk.leadership.guard], writes, desk.member)
        except Conflict as conflict:
            raise LostLeadership(desk.board.name) from conflict
