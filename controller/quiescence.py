"""Whether a run has come to rest, and how it ends then."""

from __future__ import annotations

from typing import TYPE_CHECKING

from blackboard.control_records import ACTIVATIONS
from blackboard.keys import CONTROL_REGION
from blackboard.wording import counted
from controller.run_end import RunEnd
from controller.wait_for import standing_still

if TYPE_CHECKING:
    from collections.abc import Iterator

    from blackboard.control_records import Activation
    from controller.attending import Attending
    from controller.confirming import Confirming
    from controller.crew import Crew
    from controller.desk import Desk
    from controller.gate import Gate
    from controller.intake import Intake
    from controller.lineup import Lineup
    from controller.overseer import Overseer
    from controller.patience import Patience
    from controller.side_work import SideWork
    from controller.timers import Timers


class Quiescence:
    """Looks at all that could go on.  It only reads."""

    def __init__(
        self,
        desk: Desk,
        intake: Intake,
        *,
        gate: Gate,
        lineup: Lineup,
        crew: Crew,
        side: SideWork,
        overseer: Overseer,
        attending: Attending,
        confirming: Confirming,
        patience: Patience,
        timers: Timers,
    ) -> None:
        self._desk = desk
        self._intake = intake
        self._gate = gate
        self._lineup = lineup
        self._crew = crew
        self._side = side
        self._overseer = overseer
        self._attending = attending
        self._confirming = confirming
        self._patience = patience
        self._timers = timers

    @property
    def reached(self) -> bool:
        """Whether nothing is pending, running or asked, and nobody has stopped the flow."""
        return not (
            self._gate.closed
            or self._crew.firings
            or len(self._side)
            or len(self._lineup)
            or self._overseer.busy
            or len(self._confirming)
            or self._attending.busy
            or self._desk.reserve.dirty
            or self._desk.support.moved
            or len(self._patience)
            or (self._timers and self._timers.awaited)
        )

    @property
    def end(self) -> RunEnd:
        """How the run ends, now that it is at rest."""
        intake, lineup = self._intake, self._lineup
        orphans, awaited, held = intake.orphans, len(intake.awaited), lineup.held
        if orphans:
            agents = ", ".join(sorted(set(orphans.values())))
            return RunEnd("stalled", f"{len(orphans)} wait for agents that are not here: {agents}")
        waiting = []
        if held:
            by = sorted({self._overseer.author_of(ruled.key) for ruled in held.values()})
            waiting.append(f"{len(held)} held by an order of {', '.join(by)}")
        if lineup.outside and self._gate.focus is not None:
            outside = len(lineup.outside)
            waiting.append(f"{outside} pending are out of the focus on {self._gate.focus.describe()}")
        if awaited:
            waiting.append(f"{awaited} wait for a person")
        if waiting:
            return RunEnd("awaiting", ", ".join(waiting))
        if intake.proposed:
            return RunEnd("stalled", f"without a verdict of a validator: {counted(len(intake.proposed), 'proposal')}")
        if lineup.undigested.waiting:
            return RunEnd("stalled", lineup.undigested.sentence())
        graph = standing_still(self._desk.replica, self._desk.sources.values(), self._activations)
        if graph is None:
            return RunEnd("finished")
        if graph.blocks:
            return RunEnd("stalled", graph.sentence(), graph)
        return RunEnd("finished", f"nothing is left to do, but there is {graph.sentence()}", graph)

    def _activations(self) -> Iterator[Activation]:
        control = self._desk.replica.region(CONTROL_REGION)
        return (record.value for key, record in control.items() if key.startswith(ACTIVATIONS))
