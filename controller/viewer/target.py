"""What a row is about, and what enter opens."""

from __future__ import annotations

from typing import Final, Literal, NamedTuple, TypeAlias

from blackboard.control_records import ACTIVATIONS, AGENTS, ESCALATIONS

Kind: TypeAlias = Literal["record", "activation", "agent", "case", "question"]


class Target(NamedTuple):
    """Something on the board: a record by key, an activation or a question by id, an agent by name, a case by key."""

    kind: Kind
    name: str
    commit: str = ""
    """of a record: the version that is meant, ``""`` for the newest"""


_HOMES: Final[dict[str, Kind]] = {ACTIVATIONS: "activation", AGENTS: "agent", ESCALATIONS: "question"}


def target_of(key: str, commit: str = "") -> Target:
    """What enter opens where ``key`` is named: what the runtime tells there, else the record itself."""
    for prefix, kind in _HOMES.items():
        if key.startswith(prefix) and key != prefix:
            return Target(kind, key.removeprefix(prefix))
    return Target("record", key, commit)
