"""How a record came about, told from records alone: who wrote it, why that one was chosen, from what, and who was not.

Pure: what was read from the board goes in (:mod:`controller.past`), a tree comes out.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from blackboard.control_records import ATTENTION, POSTS
from blackboard.control_shapes import is_sound
from controller.past import causes_of, writers_of
from controller.step import Step, cost_of, step_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from blackboard.record import Record
    from controller.past import Past


@dataclass(frozen=True, slots=True)
class Origin:
    """One version of one record and how it came about.

    ``by`` is the activation that wrote it, ``None`` for what was fed or posted by hand.  ``stands`` tells
    whether it is what stands at its key now; if not, ``since`` is the commit that stands there, ``""`` if none.
    """

    key: str
    commit: str
    version: int
    time_ms: int
    value: Any
    author: str
    activation: str
    case: str
    depth: int
    status: str
    stands: bool
    since: str
    by: Step | None
    causes: tuple[Cause, ...]
    reason: str = ""
    """why a person wrote it, where that was said"""


@dataclass(frozen=True, slots=True)
class Cause:
    """A record that ``reference`` (``key@commit``) names; ``origin`` is ``None`` where ``left_out`` says why."""

    reference: str
    origin: Origin | None
    left_out: str = ""


@dataclass(frozen=True, slots=True)
class Removal:
    """How a record that was there went away."""

    operation: str
    commit: str
    time_ms: int
    author: str


@dataclass(frozen=True, slots=True)
class Explanation:
    """What is known of the record at ``key``.

    ``origin`` is that of what stands there, or of what stood there last; ``removal`` says how that went.
    ``aimed`` are activations that were to write there, ``writers`` the agents that may.
    """

    key: str
    there: bool
    origin: Origin | None
    removal: Removal | None
    aimed: tuple[Step, ...]
    writers: tuple[str, ...]

    @property
    def known(self) -> bool:
        """Whether there is anything to tell of this very record."""
        return self.origin is not None or self.removal is not None or bool(self.aimed)


@dataclass(frozen=True, slots=True)
class CaseAccount:
    """Everything that was done for a case, in the order in which it was decided."""

    case: str
    fed: Origin | None
    steps: tuple[Step, ...]
    cost: float
    """of all calls, those of supervisors among them"""
    failed_cost: float
    """of those that failed"""


def explain(past: Past, key: str, depth: int, commit: str = "") -> Explanation:
    """The explanation of ``key``, its causes followed ``depth`` levels down; of its version ``commit`` where given."""
    present = past.present.get(key)
    last = present if present is not None else _last_version(past, key)
    if commit:
        last = past.versions.get(f"{key}@{commit}")
    removal = past.removals.get(key)
    return Explanation(
        key=key,
        there=present is not None,
        origin=_origin(past, last, depth, set()) if last is not None else None,
        removal=Removal(removal.operation, removal.commit, removal.time_ms, removal.author) if removal else None,
        aimed=tuple(_in_order(step_of(past, one) for one in past.aimed)),
        writers=tuple(sorted(name for name, record in past.agents.items() if writers_of(record.value, key))),
    )


def account(past: Past, case: str) -> CaseAccount:
    """Everything that was done for ``case``: supervisors' work is told with what they ruled on."""
    fed, of_case = past.present.get(case), past.by_case.get(case, {})
    own = [step_of(past, activation) for activation in own_work(of_case)]
    return CaseAccount(
        case,
        _origin(past, fed, 0, set()) if fed is not None else None,
        tuple(_in_order(own)),
        cost=math.fsum(cost_of(record.value) for record in of_case.values()),
        failed_cost=math.fsum(
            attempt["cost"] for record in of_case.values() for attempt in record.value.get("attempts", ())
        ),
    )


def own_work(of_case: Mapping[str, Record]) -> list[str]:
    """The activations of a case that worked for it themselves: supervisors are told of with what they ruled on."""
    return [
        activation
        for activation, record in of_case.items()
        if not any(key.startswith(ATTENTION) for _, key, _ in record.value["triggers"])
    ]


def _in_order(steps: Iterable[Step]) -> list[Step]:
    """By the time of the decision; of those made at one revision, each left one fewer to choose from."""

    def place(step: Step) -> tuple[int, int, int, str]:
        return step.first_dispatched_ms, step.decision.revision, -step.decision.eligible, step.activation

    return sorted(steps, key=place)


def _last_version(past: Past, key: str) -> Record | None:
    versions = [record for record in past.versions.values() if record.key == key]
    return max(versions, key=lambda record: record.revision, default=None)


def _origin(past: Past, record: Record, depth: int, told: set[str]) -> Origin:
    """The origin of ``record``; ``told`` are the references that the tree holds already, in its reading order."""
    told.add(record.reference)
    present = past.present.get(record.key)
    posted = past.versions.get(f"{POSTS}{record.key}@{record.commit}")
    since = present.commit if present is not None else ""
    return Origin(
        key=record.key,
        commit=record.commit,
        version=record.version,
        time_ms=record.time_ms,
        value=record.value,
        author=record.author,
        activation=record.activation,
        case=record.case,
        depth=record.depth,
        status=record.status,
        stands=since == record.commit,
        since="" if since == record.commit else since,
        by=step_of(past, record.activation, record) if record.activation in past.activations else None,
        causes=tuple(_cause(past, one, depth, told) for one in causes_of(record, past.activations)),
        reason=posted.value["reason"] if posted is not None and is_sound(posted) else "",
    )


def _cause(past: Past, reference: str, depth: int, told: set[str]) -> Cause:
    if reference in told:
        return Cause(reference, None, "told above")
    if depth == 0:
        return Cause(reference, None, "not followed further")
    record = past.versions.get(reference)
    if record is None:
        return Cause(reference, None, "the log no longer holds it, or it was not followed further")
    return Cause(reference, _origin(past, record, depth - 1, told))
