"""What follows once the record of an activation is written: by its own firing, by our overseer, or by somebody else."""

from __future__ import annotations

from typing import TYPE_CHECKING

from blackboard.control_records import activation_key
from blackboard.record import revision_of
from controller.activation import FINAL
from controller.breaker import Call
from controller.retracting import justification_of

if TYPE_CHECKING:
    from blackboard.control_records import Activation
    from blackboard.record import Record
    from controller.crew import Crew
    from controller.desk import Desk
    from controller.ended import Ended
    from controller.firing import Firing
    from controller.gate import Gate
    from controller.intake import Intake
    from controller.lineup import Lineup
    from controller.overseer import Overseer


class Consequences:
    """Keeps those who are pending, run, or wait for somebody as the records of the activations say."""

    def __init__(
        self, desk: Desk, intake: Intake, *, gate: Gate, lineup: Lineup, crew: Crew, overseer: Overseer
    ) -> None:
        self._desk = desk
        self._support = desk.support
        self._intake = intake
        self._matcher = intake.matcher
        self._gate = gate
        self._lineup = lineup
        self._crew = crew
        self._overseer = overseer

    def written(self, activation: str, record: Record | None) -> None:
        """Somebody else, a person for one, or our overseer has written an activation."""
        firing = self._crew.firings.get(activation)
        if firing is not None:
            # The log may be behind the answers to our own commits.
            if record is None or record.revision > revision_of(firing.commit):
                self._crew.stop(firing)
            return
        if record is None:
            return
        state = record.value["state"]
        self._intake.note(activation, state)
        self._desk.reserve.note(activation, record.value)
        if state == "pending" and self._lineup.get(activation) is None:
            self._intake.requeue(activation, record.fresh().value, record.commit)
        elif state in FINAL or state == "escalated":
            self._overseer.forget(activation)
            self._desk.stalls.settle(record.value)
        if "withdrawn" in record.value:
            self._withdrawn(activation, record.value)
        elif "supports" in record.value:
            self.justified(record)

    def justified(self, record: Record) -> None:
        """A contribution was made that lets something stand only while its causes do."""
        justification = justification_of(record)
        if justification is not None:
            self._support.add(justification, self._desk.replica)

    def _withdrawn(self, activation: str, record: Activation) -> None:
        """What an activation wrote was taken back: where its match still holds, it may fire anew."""
        self._support.drop(activation)
        source = self._desk.sources.get(record["agent"])
        if source is not None:
            self._matcher.again(source, record["captures"])

    def taken_away(self, activation: str, record: Activation) -> None:
        """Our overseer has written ``record`` over a pending or running activation: whoever works on it is to stop."""
        self._intake.note(activation, record["state"])
        self._desk.reserve.note(activation, record)
        self._desk.stalls.settle(record)
        self._lineup.remove(activation)
        self._matcher.drop(activation)
        self._lineup.stored.pop(activation, None)
        self._intake.resting.pop(activation, None)
        firing = self._crew.firings.get(activation)
        if firing is not None:
            firing.given_up = "passed_to" in record
            if record.get("failure") == "slow":
                now_ms = self._desk.now_ms()
                call = Call(now_ms, "slow", record.get("reason", ""), cost=firing.cost)
                self._desk.breakers.ended(firing.source.name, activation, call, now_ms)
            self._crew.stop(firing)

    def ended(self, firing: Firing, ended: Ended) -> None:
        """A firing has come to its end by itself."""
        activation, record, breakers = firing.activation, ended.record, self._desk.breakers
        if record is None:
            self._gate.missed()
            breakers.came_to_nothing(firing.source.name, activation)
            present = self._desk.replica.get(activation_key(activation))
            if present is not None:
                self.written(activation, present)
            else:
                self._desk.reserve.withdraw(activation)
                self._matcher.again(firing.source, dict(firing.entry.captures))
            return
        self._desk.meter.activations += 1
        self._intake.note(activation, record["state"])
        self._desk.reserve.note(activation, record)
        if breakers.machines and not record.get("failure"):  # one that failed was told of as it failed
            said = bool(record.get("wrote")) or record["state"] == "escalated"
            call = Call(self._desk.now_ms(), wrote=said, cost=firing.cost)
            breakers.ended(firing.source.name, activation, call, call.ended_ms)
        if record["state"] == "pending":
            self._intake.requeue(activation, record, ended.commit)
        elif record["state"] != "failed":
            self._overseer.forget(activation)
            if firing.source.kind == "supervisor" and not record.get("wrote"):
                attention = next(iter(firing.entry.triggers.values()))
                self._overseer.declined(attention.value["activation"], attention.commit)
