"""Every oracle that judges a run by its history and by what the server holds afterwards."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from tests.proof.answered import accounted, acknowledged, guards, once, unique_names
from tests.proof.contributions import contributions
from tests.proof.dump import read_dump
from tests.proof.history import History
from tests.proof.losses import told_of_losses, void_guards
from tests.proof.order import order
from tests.proof.readers import readers, replicas
from tests.proof.run import Run
from tests.proof.stored import dense, digests, links, replay

if TYPE_CHECKING:
    from collections.abc import Callable

    import redis

    from tests.proof.violation import Violation

    Oracle: TypeAlias = Callable[[Run], list[Violation]]

STORED: tuple[Oracle, ...] = (dense, links, replay, digests, contributions)
"""those that need no history"""
ORACLES: tuple[Oracle, ...] = (
    *STORED,
    acknowledged,
    unique_names,
    accounted,
    guards,
    once,
    order,
    readers,
    replicas,
    told_of_losses,
    void_guards,
)


def check(run: Run) -> list[Violation]:
    """What every oracle found, in their order."""
    return [violation for oracle in ORACLES for violation in oracle(run)]


def check_stored(client: redis.Redis, name: str) -> list[Violation]:
    """What is wrong with the keys of the board ``name``, whoever wrote it."""
    run = Run(History(), read_dump(client, name), complete=False)
    return [violation for oracle in STORED for violation in oracle(run)]
