"""The work that is measured: items that pass through five agents, each of which hands on what it got."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from knowledge_sources.decorators import knowledge_source
from knowledge_sources.source import source_of

if TYPE_CHECKING:
    from knowledge_sources.source import KnowledgeSource

STAGES: Final = 5
BOARD: Final = "bench"
FIRST: Final = "s0"
LAST: Final = f"s{STAGES}"


def agents() -> list[KnowledgeSource]:
    """One agent per stage; ``s0/<item>`` goes in, ``s5/<item>`` comes out."""
    return [_agent(stage) for stage in range(STAGES)]


def _agent(stage: int) -> KnowledgeSource:
    @knowledge_source(watches={"item": f"s{stage}/{{n}}"}, contributes=f"s{stage + 1}/{{n}}", name=f"agent{stage}")
    async def hand_on(item: Any) -> Any:
        return item

    declared = source_of(hand_on)
    assert declared is not None
    return declared


def value_of(item: int) -> dict[str, Any]:
    """The value that is fed for an item, some 70 bytes."""
    return {"item": item, "text": "x" * 50}
