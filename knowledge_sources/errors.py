"""What can be wrong with an agent: its declaration, its file, its input, or what it contributes.

The ones that end an activation carry ``failure``, the class under which the controller treats it.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, ClassVar, Final

from blackboard.durations import parse_duration
from blackboard.errors import BlackboardError, InvalidInput

if TYPE_CHECKING:
    from collections.abc import Sequence

    from blackboard.control_records import FailureClass


LONGEST_RETRY_AFTER_MS: Final = 24 * 3600 * 1000
"""What is asked beyond a day counts as a day."""


class DeclarationError(InvalidInput):
    """An agent declared so that it could not work; raised where it is declared.

    ``place`` is the ``file:line`` of the function.
    """


class LoadingError(InvalidInput):
    """An agent that could not be loaded.  ``traceback`` is the text of what its file raised, or ``""``."""

    def __init__(self, reason: str, *, place: str = "", traceback: str = "") -> None:
        super().__init__(reason, place=place)
        self.traceback = traceback


class InvalidTrigger(BlackboardError):
    """A record that set an agent off is not what the agent's parameter asks for; the agent did not run."""

    failure: ClassVar[FailureClass] = "invalid"

    def __init__(self, parameter: str, key: str, wanted: str, reason: str) -> None:
        self.parameter = parameter
        self.key = key
        super().__init__(f"{key} is not the {wanted} that parameter {parameter!r} asks for: {reason}")


class InvalidContribution(BlackboardError):
    """An agent wrote, or returned, what it did not declare; nothing of it is applied."""

    failure: ClassVar[FailureClass] = "invalid"

    def __init__(self, agent: str, reason: str, *, key: str = "") -> None:
        self.agent = agent
        self.key = key
        self.reason = reason
        super().__init__(f"{agent}: {reason}")


class UnknownAgent(BlackboardError):
    """A handoff to an agent, or to a capability, that the registry does not have; nothing of it is applied."""

    failure: ClassVar[FailureClass] = "ungrounded"

    def __init__(self, target: str, nearest: Sequence[str], *, wanted: str = "agent") -> None:
        self.target = target
        self.nearest = tuple(nearest)
        hint = f"; nearest: {', '.join(self.nearest)}" if nearest else "; the registry has none"
        no_such = "no agent is named" if wanted == "agent" else "no agent provides"
        super().__init__(f"{no_such} {target!r}{hint}")


class RetryAfter(BlackboardError):
    """A call that is to be repeated, and not before ``after`` has passed: a duration such as ``30s``."""

    failure: ClassVar[FailureClass] = "error"

    def __init__(self, after: str, reason: str) -> None:
        self.after_ms = parse_duration(after)
        self.reason = reason
        super().__init__(f"{reason} (again in {after})")


class OverTokenBudget(BlackboardError):
    """What set an agent off is over its token budget, and the digests that would help are not there any more."""

    failure: ClassVar[FailureClass] = "over_budget"

    def __init__(self, agent: str, reason: str) -> None:
        self.agent = agent
        self.reason = reason
        super().__init__(f"{agent}: {reason}")


class StalePointer(BlackboardError):
    """A ``key@commit`` at which another version stands now, or nothing; ``present`` is the commit there, or ``""``."""

    failure: ClassVar[FailureClass] = "ungrounded"

    def __init__(self, pointer: str, present: str) -> None:
        self.pointer = pointer
        self.present = present
        there = f"what is there now was written by {present}" if present else "nothing is there"
        super().__init__(f"{pointer[:600]} points to no record: {there}")


class Ungrounded(BlackboardError):
    """An agent cites a record that is not there, is not as cited, or is not its to cite; nothing of it is applied."""

    failure: ClassVar[FailureClass] = "ungrounded"

    def __init__(self, agent: str, reason: str, *, key: str = "") -> None:
        self.agent = agent
        self.key = key
        self.reason = reason
        super().__init__(f"{agent}: {reason}")


class ActivationEnded(BlackboardError):
    """A task or thread that outlived its activation still used ``ctx``; what it wrote is refused."""

    def __init__(self, agent: str, activation: str) -> None:
        self.agent = agent
        self.activation = activation
        super().__init__(f"the activation {activation} of {agent} has ended: nothing can be added to it")


def retry_after_ms(error: BaseException) -> int:
    """How long whoever raised ``error`` wants to be left alone; 0 where it does not say.

    It says so as :class:`RetryAfter` does, or by an attribute ``retry_after``: a number of seconds, as the errors of
    many clients have it.  No more than :data:`LONGEST_RETRY_AFTER_MS` counts.
    """
    if isinstance(error, RetryAfter):
        return min(error.after_ms, LONGEST_RETRY_AFTER_MS)
    try:
        asked = getattr(error, "retry_after", None)
    except (Exception, SystemExit):  # noqa: BLE001  # an agent's own code
        return 0
    if isinstance(asked, bool) or not isinstance(asked, (int, float)) or not 0 < asked < math.inf:
        return 0
    return math.ceil(1000 * min(asked, LONGEST_RETRY_AFTER_MS / 1000))


def failure_of(error: BaseException) -> FailureClass:
    """The class under which an error out of an agent's run is treated; ``error`` for all but ours."""
    if isinstance(
        error, (InvalidTrigger, InvalidContribution, UnknownAgent, Ungrounded, StalePointer, OverTokenBudget)
    ):
        return error.failure
    return "error"
