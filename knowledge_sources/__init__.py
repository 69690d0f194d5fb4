"""What an agent is: how it is declared, loaded, registered and invoked.

What the author of an agent needs is importable from here; a name is loaded at its first use.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from blackboard.exporting import lister, loader

if TYPE_CHECKING:
    from blackboard.record import Record
    from knowledge_sources.citations import Cited
    from knowledge_sources.collect import Collect, Members
    from knowledge_sources.confidence import Sure
    from knowledge_sources.context import Context
    from knowledge_sources.decorators import knowledge_source, supervisor
    from knowledge_sources.errors import (
        ActivationEnded,
        DeclarationError,
        InvalidContribution,
        InvalidTrigger,
        LoadingError,
        RetryAfter,
        StalePointer,
        Ungrounded,
        UnknownAgent,
    )
    from knowledge_sources.orders import Boost, Cancel, Decide, Extend, Force, Hold, Reassign, Veto
    from knowledge_sources.outcome import Escalate
    from knowledge_sources.overdue import Overdue
    from knowledge_sources.source import KnowledgeSource, Retry, source_of
    from knowledge_sources.thread_context import ThreadContext
    from knowledge_sources.tick import Tick
    from knowledge_sources.verdict import Pass, Reject

__all__ = [
    "ActivationEnded",
    "Boost",
    "Cancel",
    "Cited",
    "Collect",
    "Context",
    "Decide",
    "DeclarationError",
    "Escalate",
    "Extend",
    "Force",
    "Hold",
    "InvalidContribution",
    "InvalidTrigger",
    "KnowledgeSource",
    "LoadingError",
    "Members",
    "Overdue",
    "Pass",
    "Reassign",
    "Record",
    "Reject",
    "Retry",
    "RetryAfter",
    "StalePointer",
    "Sure",
    "ThreadContext",
    "Tick",
    "Ungrounded",
    "UnknownAgent",
    "Veto",
    "knowledge_source",
    "source_of",
    "supervisor",
]

_HOME: Final = {
    "ActivationEnded": "knowledge_sources.errors",
    "Boost": "knowledge_sources.orders",
    "Cancel": "knowledge_sources.orders",
    "Cited": "knowledge_sources.citations",
    "Collect": "knowledge_sources.collect",
    "Context": "knowledge_sources.context",
    "Decide": "knowledge_sources.orders",
    "DeclarationError": "knowledge_sources.errors",
    "Escalate": "knowledge_sources.outcome",
    "Extend": "knowledge_sources.orders",
    "Force": "knowledge_sources.orders",
    "Hold": "knowledge_sources.orders",
    "InvalidContribution": "knowledge_sources.errors",
    "InvalidTrigger": "knowledge_sources.errors",
    "KnowledgeSource": "knowledge_sources.source",
    "LoadingError": "knowledge_sources.errors",
    "Members": "knowledge_sources.collect",
    "Overdue": "knowledge_sources.overdue",
    "Pass": "knowledge_sources.verdict",
    "Reassign": "knowledge_sources.orders",
    "Record": "blackboard.record",
    "Reject": "knowledge_sources.verdict",
    "Retry": "knowledge_sources.source",
    "RetryAfter": "knowledge_sources.errors",
    "StalePointer": "knowledge_sources.errors",
    "Sure": "knowledge_sources.confidence",
    "ThreadContext": "knowledge_sources.thread_context",
    "Ungrounded": "knowledge_sources.errors",
    "Tick": "knowledge_sources.tick",
    "UnknownAgent": "knowledge_sources.errors",
    "Veto": "knowledge_sources.orders",
    "knowledge_source": "knowledge_sources.decorators",
    "source_of": "knowledge_sources.source",
    "supervisor": "knowledge_sources.decorators",
}

__getattr__ = loader(__name__, _HOME)
__dir__ = lister(__name__, _HOME)
