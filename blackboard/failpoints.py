"""Named places at which a process can be made to die, to prove that nothing is lost there.

``BLACKBOARD_FAILPOINTS=name:n,...`` kills the process with SIGKILL at the n-th time it comes
by ``name``.  Where the variable is unset there is no object and the check is one ``is None``.
"""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING, Final

from blackboard.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

VARIABLE: Final = "BLACKBOARD_FAILPOINTS"

NAMES: Final = frozenset(
    {
        "store.before_send",
        "store.after_send",
        "store.before_settle",
        "store.after_settle",
        "controller.before_dispatch",
        "controller.after_dispatch",
        "controller.before_contribution",
        "controller.after_contribution",
        "controller.after_proposal",
        "controller.before_verdict",
        "controller.before_retraction",
        "controller.before_override",
        "controller.before_escalation",
        "controller.before_confirmation",
        "runner.while_feeding",
        "runner.after_feeding",
    }
)


class Failpoints:
    """The switched-on places of this process and how often each is still to be passed."""

    def __init__(self, counts: Mapping[str, int]) -> None:
        for name in counts:
            if name not in NAMES:
                raise UsageError(f"{VARIABLE}: no failpoint {name!r}; there are: {', '.join(sorted(NAMES))}")
        self._left = dict(counts)

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Failpoints | None:
        """The failpoints that ``environment`` asks for, ``None`` where it asks for none."""
        text = environment.get(VARIABLE, "")
        if not text:
            return None
        counts = {}
        for part in text.split(","):
            name, _, count = part.strip().partition(":")
            if count and not count.isdecimal():
                raise UsageError(f"{VARIABLE}: {part!r} is not name:count")
            counts[name] = int(count or 1)
        return cls(counts)

    def hit(self, name: str) -> None:
        """Pass ``name``; the process dies here if it is the time that was asked for."""
        left = self._left.get(name)
        if left is None:
            return
        if left <= 1:
            os.kill(os.getpid(), signal.SIGKILL)
        self._left[name] = left - 1
