"""What an activation is called, and how it may go from state to state."""

from __future__ import annotations

from hashlib import blake2b
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, cast

import msgpack  # type: ignore[import-untyped]  # the package ships no types

from blackboard.control_records import Activation
from controller.errors import IllegalTransition

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from blackboard.control_records import State, Trigger

TRANSITIONS: Final[Mapping[State, frozenset[State]]] = MappingProxyType(
    {
        "pending": frozenset({"running", "held", "vetoed", "obviated", "escalated"}),
        "held": frozenset({"pending", "cancelled", "escalated"}),
        "running": frozenset({"executed", "proposed", "failed", "obviated", "cancelled", "pending", "escalated"}),
        "proposed": frozenset({"executed", "failed", "obviated", "cancelled", "pending"}),
        "failed": frozenset({"pending", "abandoned", "escalated"}),
        "escalated": frozenset({"executed", "abandoned", "pending", "obviated"}),
        "executed": frozenset(),
        "obviated": frozenset(),
        "vetoed": frozenset(),
        "cancelled": frozenset(),
        "abandoned": frozenset(),
    }
)
"""Where an activation may go from each state.  A match without a record counts as ``pending``."""

FINAL: Final = frozenset(state for state, after in TRANSITIONS.items() if not after)
"""The states that nothing leaves."""

_FIELDS: Final = frozenset(Activation.__annotations__)


def activation_id(source_name: str, captures: Mapping[str, str], triggers: Sequence[tuple[str, str, str]]) -> str:
    """The id of the one firing of ``source_name`` on these captures and triggers: 96 bits of BLAKE2b in hex.

    ``triggers`` are ``(alias, key, commit)``, in any order.  The same firing has the same id in every
    process and after every restart, so creating its record once is refraction, and the id is the
    idempotency key for outside effects.  msgpack puts a length before each text: no two inputs share bytes.
    """
    named = (source_name, sorted(captures.items()), sorted(triggers))
    return blake2b(msgpack.packb(named), digest_size=12).hexdigest()


def successor_id(activation: str) -> str:
    """The id of the next firing on the same records, after what ``activation`` wrote was withdrawn."""
    return blake2b(activation.encode(), digest_size=12, person=b"again").hexdigest()


def work_item(capability: str, case: str) -> str:
    """What retries and budgets count for: one capability wanted for one case."""
    return f"{capability}|{case}"


def check_transition(old: State, new: State) -> None:
    """Return if the table leads from ``old`` to ``new``; raise :class:`IllegalTransition` if not."""
    if new not in TRANSITIONS[old]:
        raise IllegalTransition(old, new)


def advance(record: Activation, new_state: State, **fields: object) -> Activation:
    """A copy of ``record`` in ``new_state`` with ``fields`` replaced; ``record`` itself is not touched.

    Raises :class:`IllegalTransition`, and ``TypeError`` for a field that no activation has.
    """
    check_transition(record["state"], new_state)
    if not fields.keys() <= _FIELDS:
        raise TypeError(f"an activation has no field {', '.join(sorted(fields.keys() - _FIELDS))}")
    return cast("Activation", {**record, **fields, "state": new_state})


def own_triggers(record: Activation) -> list[Trigger]:
    """The triggers of ``record`` without the members of what it collected."""
    collected = record.get("collected")
    triggers = record["triggers"]
    return triggers if collected is None else [trigger for trigger in triggers if trigger[0] not in collected]
