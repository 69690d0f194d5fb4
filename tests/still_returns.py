"""A board on which nothing varies: a small run of returns as it would be left in its middle, at fixed times.

Of everything that a screen can show there is one: what runs, waits, failed, was ordered, asked, overruled, answered.
"""

from __future__ import annotations

import json
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Final

from blackboard.board import Board
from blackboard.record import Stamp
from tests.control_values import completed
from tests.hand_clock import Hand

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

NAME: Final = "returns@1"
LEADER: Final = "desk:41:0c"
NOON_MS: Final = 1_767_268_800_000
"""2026-01-01 12:00 UTC"""
STEP_MS: Final = 250
"""between two commits"""


@asynccontextmanager
async def still_returns(url: str = "memory:") -> AsyncIterator[Board]:
    """The board, on a clock that stands still once it is filled."""
    clock = Hand(NOON_MS)
    async with await Board.open(url, NAME, clock=clock) as board:
        for key, value, stamp in _written():
            await board.put(key, completed(key, value), stamp=stamp)
            clock.ms += STEP_MS
        await board.store.read("SET", board.store.keys.agenda, json.dumps(_agenda(clock.ms)))
        yield board


def _by(author: str, activation: str = "", case: str = "", causes: tuple[str, ...] = (), depth: int = 0) -> Stamp:
    return Stamp(author, activation, case, causes, depth)


def _written() -> list[tuple[str, Any, Stamp]]:
    run, input_, lead = _by("run"), _by("input"), _by(LEADER)
    agents = [
        _agent("boss", "supervisor", "critical"),
        _agent("check", "agent", "high"),
        _agent("refund", "agent", "normal"),
    ]
    return [
        ("control/run", {"scenario": "returns", "status": "running", "started_ms": NOON_MS}, run),
        ("control/leader", {"member": LEADER}, lead),
        *((f"control/agents/{one['name']}", one, lead) for one in agents),
        ("return/R-1", {"rma": "R-1", "amount": 20, "wants": "refund"}, input_),
        ("return/R-2", {"rma": "R-2", "amount": 900, "wants": "refund", "note": "box \x1b[2J open"}, input_),
        ("return/R-3", {"rma": "R-3", "amount": 35, "wants": "日本 exchange"}, input_),
        ("check/R-1", {"ok": False, "days": 14, "hint": "no receipt"}, _by("check", "aa01", "return/R-1", ("return/R-1@1-6",), 1)),
        ("check/R-1", {"ok": True, "days": 14}, _by("check", "aa02", "return/R-1", ("return/R-1@1-6",), 1)),
        ("control/activations/aa02", _activation("check", "R-1", "executed", wrote=["check/R-1"]), lead),
        ("control/attention/overdue/aa03", _attention(), lead),
        ("control/overrides/cc01", {
            "verb": "decide", "activation": "aa03", "author": "boss", "status": "applied",
            "reason": "the bank did not answer in time: store credit", "value": {"credit": 20},
            "outcome": "refund/R-1 is what boss decided",
        }, _by("boss")),
        ("refund/R-1", {"credit": 20}, _by("boss", "aa03", "return/R-1", ("check/R-1@1-10",), 2)),
        ("control/activations/aa03", _activation(
            "refund", "R-1", "executed", reason="boss ordered decide: store credit", wrote=["refund/R-1"], decided_by="boss", override="control/overrides/cc01",
            log=["calling the bank"], attempt=2,
        ), lead),
        ("control/activations/aa04", _activation(
            "refund", "R-2", "escalated", escalation="control/escalations/bb01",
        ), lead),
        ("control/escalations/bb01", {
            "status": "open", "question": "Refund 900.00 for R-2?", "choices": ["approve", "reject"], "schema": None,
            "answer_to": "approval/R-2", "activation": "aa04", "agent": "refund", "case": "return/R-2",
            "asked_ms": NOON_MS + 16 * STEP_MS, "context": [["return/R-2", "1-7"]], "failure": None,
        }, lead),
        ("control/activations/aa05", _activation("check", "R-3", "running"), lead),
        ("control/progress/aa05", {"agent": "check", "text": "reading the receipt", "at_ms": NOON_MS}, lead),
    ]  # fmt: skip


def _agent(name: str, kind: str, level: str) -> dict[str, Any]:
    return {
        "name": name, "kind": kind, "level": level, "status": "ready", "capabilities": [name], "type": "reflex",
        "watches": {"item": "return/{rma}" if name == "check" else "check/{rma} where ok"}, "unless": ["refund/{rma}"],
        "contributes": [f"{name}/{{rma}}"], "respond_within_ms": 800, "output_schema": None,
        "description": f"The agent that says {name}.", "source": f"agents.py:{name}",
    }  # fmt: skip


def _activation(agent: str, rma: str, state: str, **fields: Any) -> dict[str, Any]:
    seen = ["item", f"return/{rma}", "1-6"] if agent == "check" else ["item", f"check/{rma}", "1-10"]
    runners_up = [{"activation": "aa09", "agent": "check", "level": "normal", "score": 0.5}]
    ended = {"ended_ms": NOON_MS + 14 * STEP_MS, "run_us": 12_500, "dispatch_us": 300} if state == "executed" else {}
    return {
        "agent": agent, "capability": agent, "state": state, "case": f"return/{rma}", "captures": {"rma": rma},
        "work_item": f"{agent}|return/{rma}", "triggers": [seen], "worker": LEADER, "attempt": 1,
        "eligible_ms": NOON_MS + 8 * STEP_MS, "dispatched_ms": NOON_MS + 9 * STEP_MS,
        "decision": {
            "revision": 9, "eligible": 3, "rank": 1, "level": "normal", "rating": 2.0, "waited_ms": STEP_MS,
            "score": 2.25, "override": None, "runners_up": runners_up,
        },
    } | ended | fields  # fmt: skip


def _attention() -> dict[str, Any]:
    return {
        "kind": "overdue", "activation": "aa03", "agent": "refund", "capability": "refund", "case": "return/R-1",
        "captures": {"rma": "R-1"}, "times": 1, "addressed": "boss", "deadline_ms": NOON_MS + 10_000, "failure": "slow",
        "reason": "refund has taken 803 ms", "waited_ms": 803,
    }  # fmt: skip


def _agenda(now_ms: int) -> dict[str, Any]:
    entry = {
        "activation": "aa06", "agent": "check", "case": "return/R-2", "level": "high", "rating": 2.5, "aged": 0.25,
        "score": 2.75, "eligible_ms": now_ms - 4_000, "attempt": 1, "state": "ready", "because": [], "waited_ms": 4_000,
    }  # fmt: skip
    later = entry | {"activation": "aa07", "agent": "refund", "level": "normal", "score": 0.5, "rating": 0.25}
    blocked = later | {"activation": "aa08", "state": "blocked", "because": ["2 of it run, and no more may"]}
    return {
        "member": LEADER, "at_ms": now_ms, "pending_count": 3, "max_running": 4, "supervisors": [],
        "pending": [entry, later, blocked], "apart": {},
        "running": [
            {"activation": "aa05", "agent": "check", "case": "return/R-3", "eligible_ms": now_ms - 900, "attempt": 1}
        ],
    }  # fmt: skip
