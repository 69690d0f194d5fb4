"""Who may fire now: picked off the agendas, held to the gate and the limits, and handed to the crew."""

from __future__ import annotations

from time import perf_counter
from typing import TYPE_CHECKING

from controller.firing import Firing
from controller.run_end import RunEnd

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from controller.agenda import Agenda
    from controller.crew import Crew
    from controller.desk import Desk
    from controller.gate import Gate, Step
    from controller.intake import Intake
    from controller.lineup import Lineup
    from controller.side_work import SideWork
    from controller.strategy import Choice


class Picking:
    """Lets fire who may.  ``look`` is called where more could fire than was picked."""

    def __init__(
        self,
        desk: Desk,
        intake: Intake,
        *,
        gate: Gate,
        lineup: Lineup,
        crew: Crew,
        side: SideWork,
        look: Callable[[], None],
    ) -> None:
        self.end: RunEnd | None = None
        """set where a limit of the run let nobody fire any more"""
        self._desk = desk
        self._intake = intake
        self._matcher = intake.matcher
        self._gate = gate
        self._lineup = lineup
        self._crew = crew
        self._side = side
        self._look = look

    def let_fire(self, now_ms: int) -> None:
        """Let fire who may: supervisors all, agents as many as there are places, or what a person grants."""
        if self._gate.closed:
            self._step(now_ms)
        else:
            self._fire_from(self._lineup.supervisors, now_ms, limited=False)
            self._fire_from(self._lineup.agents, now_ms, limited=True)

    def _step(self, now_ms: int) -> None:
        """Nothing fires by itself: let fire what a person has granted, or say whom one would pick."""
        gate, lineup = self._gate, self._lineup
        if not gate.looks:
            return
        granted, chosen = gate.granted, gate.chosen
        choice: Choice | None
        if granted and chosen:
            entry = lineup.get(chosen)
            choice = lineup.of(entry.agent).chosen(chosen, now_ms, gate.reference) if entry is not None else None
            if choice is None:
                self._side.do(gate.refuse(f"{chosen} is not eligible" if entry else f"{chosen} is not pending"))
                return
        else:
            agent = lineup.agents.pick(now_ms)
            choice = lineup.supervisors.pick(now_ms) or agent
        if not granted:
            if gate.is_news(choice):
                self._side.do(gate.recommend(choice))
        elif choice is not None:
            agenda = lineup.of(choice.entry.agent)
            limited = agenda is lineup.agents
            free = not limited or self._crew.ordinary < self._desk.settings.max_running
            if free and self._fire_within(agenda, iter((choice,)), now_ms, stepping=True) and gate.granted:
                self._look()  # who was refused or parked has taken no step

    def _fire_from(self, agenda: Agenda, now_ms: int, *, limited: bool) -> None:
        desk = self._desk
        free = desk.settings.max_running - self._crew.ordinary if limited else len(agenda)
        choices = agenda.picks(now_ms, free) if free > 0 else iter(())
        goes_on = self._fire_within(agenda, choices, now_ms)
        if goes_on and limited and agenda.eligible and self._crew.ordinary < desk.settings.max_running:
            self._look()  # who was refused or parked took nobody's place

    def _fire_within(self, agenda: Agenda, choices: Iterator[Choice], now_ms: int, *, stepping: bool = False) -> bool:
        """Let fire those of ``choices`` that limits allow; false where a limit of the run allows no more."""
        desk, limits, steady_ms = self._desk, self._desk.settings.limits, self._desk.steady_ms()
        while True:
            started = perf_counter()
            choice = next(choices, None)
            if choice is None:
                return True
            entry = choice.entry
            agenda.remove(entry.activation)
            if choice.override is not None:
                agenda.drop_lift(entry.activation)
            desk.meter.router += perf_counter() - started
            over = desk.ledger.check(entry, limits, steady_ms, max_cost=desk.sources[entry.agent].foreseen_cost)
            if over is not None and over.scope == "run":
                agenda.add(entry)
                if not over.waits or not self._crew.firings:
                    self.end = RunEnd("timed_out" if over.what == "time" else "stalled", over.sentence())
                return False
            stalled = desk.stalls.refusal(entry, now_ms)
            if (over is None and stalled is None) or self._lineup.granted(entry.activation):
                self._fire(choice, self._gate.step() if stepping else None)
            elif stalled is not None:
                self._intake.hold_back(entry, stalled)
            elif over is not None and over.waits:
                self._lineup.park(entry, over.sentence())
            elif over is not None:
                self._intake.turn_away(entry, "over_budget", over.sentence())

    def _fire(self, choice: Choice, step: Step | None) -> None:
        entry = choice.entry
        activation = entry.activation
        source, gathered = self._desk.sources[entry.agent], None
        if source.collects:
            gathered = self._matcher.membership.gathered(source, entry.captures)
            if gathered is None:
                self._intake.lapsed(entry)
                return
        self._lineup.agents.served(choice)
        self._matcher.drop(activation)
        firing = Firing(self._desk, source, entry, self._lineup.stored.pop(activation, None), gathered)
        self._crew.begin(firing, choice, step)
