"""The breakers of a team: who may not be called now, and what of that has changed.

A breaker's record is written only when its state changes; the calls that it judges by are those of the activations'
records since then, so that both are the same after a restart.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from controller.breaker import BreakerMachine, Call

if TYPE_CHECKING:
    from collections.abc import Iterable

    from blackboard.control_records import Activation, BreakerRecord
    from knowledge_sources.breaker_terms import Breaker

OPEN: Final = "its breaker is open"
"""why its agent is kept off the agenda"""


class Breakers:
    """The breakers by agent; ``machines`` is empty where no agent has one, and then nothing else is asked."""

    def __init__(self) -> None:
        self.machines: dict[str, BreakerMachine] = {}
        self.blocked: dict[str, str] = {}
        """agents that may not be called now, each with why"""
        self.half_open: set[str] = set()
        """agents of which one call is let through, and none is under way"""
        self.turned: dict[str, bool] = {}
        """agents of whose breaker something has changed, and whether its record is to be written"""

    def watch(self, agent: str, terms: Breaker | None) -> None:
        """Give ``agent`` a breaker of these terms, if they open one."""
        if terms is not None and terms.opens:
            if agent not in self.machines:
                self.machines[agent] = BreakerMachine(terms)
        elif self.machines.pop(agent, None) is not None:
            self.turned[agent] = False
            self.blocked.pop(agent, None)
            self.half_open.discard(agent)

    def ended(self, agent: str, activation: str, call: Call, now_ms: int) -> None:
        """A call of ``agent`` has ended."""
        machine = self.machines.get(agent)
        if machine is not None and machine.ended(activation, call, now_ms):
            self._turn(agent, machine)

    def begins(self, agent: str, activation: str) -> None:
        """``activation`` of an agent in ``half_open`` is called: it is the probe."""
        machine = self.machines[agent]
        machine.begins(activation)
        self._turn(agent, machine, write=False)

    def came_to_nothing(self, agent: str, activation: str) -> None:
        """A call has no result: it was stopped, handed back, or was not this controller's to end."""
        machine = self.machines.get(agent)
        if machine is not None and machine.came_to_nothing(activation):
            self._turn(agent, machine, write=False)

    def tick(self, now_ms: int) -> None:
        """Let time pass."""
        for agent, machine in self.machines.items():
            if machine.tick(now_ms):
                self._turn(agent, machine)

    def next_ms(self) -> int | None:
        """When the next open one is half open; ``None`` where none is open."""
        return min((m.until_ms for m in self.machines.values() if m.state == "open"), default=None)

    def rebuild(
        self, left: Iterable[tuple[str, BreakerRecord]], activations: Iterable[tuple[str, Activation]], now_ms: int
    ) -> None:
        """Go on as the records tell: ``left`` are the breakers' own, by agent."""
        since: dict[str, int] = {}
        for agent, record in left:
            machine = self.machines.get(agent)
            if machine is None:
                if record["state"] != "closed":
                    self.turned[agent] = True
                continue
            since[agent] = record["at_ms"]
            machine.resume(
                record["state"], reason=record["reason"], opened_ms=record["opened_ms"], until_ms=record["until_ms"],
                times=record["times"],
            )  # fmt: skip
            if machine.state != "closed":
                self._turn(agent, machine, write=False)
        calls = [
            (call, activation, record["agent"])
            for activation, record in activations
            if record["agent"] in self.machines
            for call in calls_of(record)
            if call.ended_ms > since.get(record["agent"], 0)
        ]
        for call, activation, agent in sorted(calls, key=lambda one: (one[0].ended_ms, one[1])):
            if self.machines[agent].state == "closed":
                self.ended(agent, activation, call, now_ms)

    def _turn(self, agent: str, machine: BreakerMachine, *, write: bool = True) -> None:
        self.turned[agent] = write or self.turned.get(agent, False)
        self.half_open.discard(agent)
        self.blocked.pop(agent, None)
        if machine.blocks:
            self.blocked[agent] = machine.reason
        elif machine.state == "half_open":
            self.half_open.add(agent)


def calls_of(record: Activation) -> list[Call]:
    """The calls of an activation that have ended, as its record tells them."""
    found = [
        Call(one["ended_ms"], one["failure"], one["error"], cost=one["cost"]) for one in record.get("attempts", ())
    ]
    if record["state"] in ("executed", "obviated") and "run_us" in record and "ended_ms" in record:
        cost = sum(usage["cost"] for usage in record.get("usage", ()))
        found.append(Call(record["ended_ms"], wrote=bool(record.get("wrote")), cost=cost))
    return found


def breaker_record(agent: str, machine: BreakerMachine | None, at_ms: int) -> BreakerRecord:
    """What is written of a breaker; ``None`` is one that there is no more."""
    if machine is None:
        return {
            "agent": agent, "state": "closed", "reason": "it has no breaker any more", "opened_ms": 0, "until_ms": 0,
            "times": 0, "at_ms": at_ms,
        }  # fmt: skip
    return {
        "agent": agent,
        "state": machine.state,
        "reason": machine.reason,
        "opened_ms": machine.opened_ms,
        "until_ms": machine.until_ms,
        "times": machine.times,
        "at_ms": at_ms,
    }
