"""What the runtime itself costs, measured while it runs, split as its users ask.

``routing``: finding out who is eligible.  ``router``: choosing among them.  ``state``: the time during which
commits were on their way, counted once however many shared it.  ``validation``: checking and packing what
agents contribute.  ``tracing``: the record of each activation and its decision.
"""

from __future__ import annotations

from typing import Final

PHASES: Final = ("routing", "router", "state", "validation", "tracing")


class Meter:
    """Sums of seconds by phase, the seconds that agents ran, and how many activations that was for.

    The agents' times add up where they ran side by side, so the share says what the runtime took for each
    second that an agent worked.
    """

    __slots__ = ("activations", "agents", "conflicts", "router", "routing", "state", "tracing", "validation")

    def __init__(self) -> None:
        self.routing = 0.0
        self.router = 0.0
        self.state = 0.0
        self.validation = 0.0
        self.tracing = 0.0
        self.agents = 0.0
        self.activations = 0
        self.conflicts = 0

    @property
    def total(self) -> float:
        """Seconds of the runtime, all phases together."""
        return self.routing + self.router + self.state + self.validation + self.tracing

    def seconds(self) -> dict[str, float]:
        """The split, by phase."""
        return {name: getattr(self, name) for name in PHASES}
