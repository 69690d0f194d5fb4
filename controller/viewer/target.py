"""What a row is about, and what enter opens."""

from __future__ import annotations

from typing import Literal, NamedTuple, TypeAlias

Kind: TypeAlias = Literal["record", "activation", "agent", "case", "question"]


class Target(NamedTuple):
    """Something on the board: a record by key, an activation or a question by id, an agent by name, a case by key."""

    kind: Kind
    name: str
    commit: str = ""
    """of a record: the version that is meant, ``""`` for the newest"""
