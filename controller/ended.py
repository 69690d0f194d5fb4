"""How a firing ended."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from blackboard.control_records import Activation


class Ended(NamedTuple):
    """How a firing ended: the activation as last written and by which commit; ``None``: it was not ours to end."""

    record: Activation | None
    commit: str


LOST: Final = Ended(None, "")
"""The replica shows by then what stood against it."""
