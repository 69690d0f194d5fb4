"""What pending work is looked at on: the desk of a controller, or a board as it was."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping

    from controller.candidates import Records
    from controller.settings import Settings
    from knowledge_sources.source import KnowledgeSource


class Ground(Protocol):
    """The records, who is here, and by what it goes."""

    @property
    def replica(self) -> Records: ...

    @property
    def sources(self) -> Mapping[str, KnowledgeSource]: ...

    @property
    def settings(self) -> Settings: ...
