"""What can be wrong with an agent: its declaration, its file, its input, or what it contributes.

The ones that end an activation carry ``failure``, the class under which the controller treats it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from blackboard.errors import BlackboardError, InvalidInput

if TYPE_CHECKING:
    from collections.abc import Sequence

    from blackboard.control_records import FailureClass


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


class ActivationEnded(BlackboardError):
    """A task or thread that outlived its activation still used ``ctx``; what it wrote is refused."""

    def __init__(self, agent: str, activation: str) -> None:
        self.agent = agent
        self.activation = activation
        super().__init__(f"the activation {activation} of {agent} has ended: nothing can be added to it")


def failure_of(error: BaseException) -> FailureClass:
    """The class under which an error out of an agent's run is treated; ``error`` for all but ours."""
    if isinstance(error, (InvalidTrigger, InvalidContribution, UnknownAgent)):
        return error.failure
    return "error"
