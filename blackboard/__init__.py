"""The board: versioned records in Redis, changed only by guarded commits, told by one log.

What a user of the board needs is importable from here.  A name is loaded at its first use, so that
``import blackboard`` alone costs nothing and the command line can say its version without a client.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from blackboard.exporting import lister, loader

if TYPE_CHECKING:
    from blackboard.board import Board
    from blackboard.clock import Clock, SystemClock
    from blackboard.commit import (
        Absent,
        At,
        Committed,
        Delete,
        Once,
        Present,
        Previous,
        Put,
        Unchanged,
        Update,
        Written,
    )
    from blackboard.errors import (
        BeforeHorizon,
        BlackboardError,
        Conflict,
        Corrupt,
        Gap,
        GuardFailure,
        HistoryLost,
        InvalidInput,
        InvalidName,
        InvalidValue,
        NoBackend,
        NothingSelected,
        OnceMismatch,
        PatternError,
        SchemaMismatch,
        ServerRefused,
        TooLarge,
        Unknown,
        UsageError,
        WaitTimeout,
    )
    from blackboard.history import Difference
    from blackboard.log import Change
    from blackboard.pattern import Pattern
    from blackboard.record import Record, Stamp
    from blackboard.replica import Replica
    from blackboard.retention import Retention
    from blackboard.snapshots import Snapshot
    from blackboard.state import State

__version__ = "0.1.0"

__all__ = [
    "Absent",
    "At",
    "BeforeHorizon",
    "BlackboardError",
    "Board",
    "Change",
    "Clock",
    "Committed",
    "Conflict",
    "Corrupt",
    "Delete",
    "Difference",
    "Gap",
    "GuardFailure",
    "HistoryLost",
    "InvalidInput",
    "InvalidName",
    "InvalidValue",
    "NoBackend",
    "NothingSelected",
    "Once",
    "OnceMismatch",
    "Pattern",
    "PatternError",
    "Present",
    "Previous",
    "Put",
    "Record",
    "Replica",
    "Retention",
    "SchemaMismatch",
    "ServerRefused",
    "Snapshot",
    "Stamp",
    "State",
    "SystemClock",
    "TooLarge",
    "Unchanged",
    "Unknown",
    "Update",
    "UsageError",
    "WaitTimeout",
    "Written",
]

_HOME: Final = {
    "Absent": "blackboard.commit",
    "At": "blackboard.commit",
    "BeforeHorizon": "blackboard.errors",
    "BlackboardError": "blackboard.errors",
    "Board": "blackboard.board",
    "Change": "blackboard.log",
    "Clock": "blackboard.clock",
    "Committed": "blackboard.commit",
    "Conflict": "blackboard.errors",
    "Corrupt": "blackboard.errors",
    "Delete": "blackboard.commit",
    "Difference": "blackboard.history",
    "Gap": "blackboard.errors",
    "GuardFailure": "blackboard.errors",
    "HistoryLost": "blackboard.errors",
    "InvalidInput": "blackboard.errors",
    "InvalidName": "blackboard.errors",
    "InvalidValue": "blackboard.errors",
    "NoBackend": "blackboard.errors",
    "NothingSelected": "blackboard.errors",
    "Once": "blackboard.commit",
    "OnceMismatch": "blackboard.errors",
    "Pattern": "blackboard.pattern",
    "PatternError": "blackboard.errors",
    "Present": "blackboard.commit",
    "Previous": "blackboard.commit",
    "Put": "blackboard.commit",
    "Record": "blackboard.record",
    "Replica": "blackboard.replica",
    "Retention": "blackboard.retention",
    "SchemaMismatch": "blackboard.errors",
    "ServerRefused": "blackboard.errors",
    "Snapshot": "blackboard.snapshots",
    "Stamp": "blackboard.record",
    "State": "blackboard.state",
    "SystemClock": "blackboard.clock",
    "TooLarge": "blackboard.errors",
    "Unchanged": "blackboard.commit",
    "Unknown": "blackboard.errors",
    "Update": "blackboard.commit",
    "UsageError": "blackboard.errors",
    "WaitTimeout": "blackboard.errors",
    "Written": "blackboard.commit",
}

__getattr__ = loader(__name__, _HOME)
__dir__ = lister(__name__, _HOME)
