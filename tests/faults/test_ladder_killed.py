"""The ladder of failure under kills: no work item is called too often, whoever leads and whenever it dies."""

from __future__ import annotations

import random
import signal
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest

from blackboard.board import Board
from blackboard.control_records import ACTIVATIONS
from blackboard.failpoints import VARIABLE
from blackboard.log import entries_after
from tests.running import contributions, finish, start_run

if TYPE_CHECKING:
    from pathlib import Path

CASES = 12
KILLS = 6
PLACES = (
    "controller.before_dispatch", "controller.after_dispatch", "controller.before_contribution",
    "controller.after_contribution", "controller.before_escalation", "store.after_send",
)  # fmt: skip

SCENARIO = """
version: 1
input: items.jsonl
case: item/{n}
max_running: 4
agents:
  first: {use: "./agents.py:work", retry: {attempts: 2, backoff: 1ms, cap: 2ms}}
  second: {use: "./agents.py:work", retry: {attempts: 2, backoff: 1ms, cap: 2ms}}
  third: {use: "./agents.py:work", retry: {attempts: 3, backoff: 1ms, cap: 2ms}}
capabilities: {work: {agents: [first, second, third]}}
breaker: {errors: 90%, of: 12, cooldown: 20ms}
"""

AGENTS = """
from typing import Any
from hashlib import blake2b
from knowledge_sources import Context, knowledge_source

@knowledge_source(watches={"item": "item/{n}"}, contributes="out/{n}")
async def work(item: Any, ctx: Context) -> Any:
    \"\"\"Fails, declines, breaks its word or contributes, as a hash says.\"\"\"
    seed = f"{item['seed']}|{item['n']}|{ctx.agent}|{ctx.attempt}"
    chance = blake2b(seed.encode(), digest_size=1).digest()[0]
    if chance < 110:
        raise RuntimeError(f"no luck {ctx.attempt}")
    if chance < 150:
        ctx.post("elsewhere/{n}", 1)
    if chance < 180:
        return None
    return [ctx.agent, len(ctx.earlier)]
"""


async def lives(url: str, board: str) -> dict[str, list[tuple[str, str]]]:
    """Case → agent and state of each writing of an activation, in the order of the log; one that wrote is ``done``."""
    found: dict[str, list[tuple[str, str]]] = {}
    async with await Board.open(url, board, create=False) as opened:
        async for entry in entries_after(opened.store, 0):
            for change in entry.changes:
                if change.key.startswith(ACTIVATIONS) and change.record is not None:
                    value = change.record.value
                    state = "done" if value["state"] == "executed" and value.get("wrote") else value["state"]
                    found.setdefault(value["case"], []).append((value["agent"], state))
    return found


@pytest.mark.parametrize("seed", range(2))
async def test_no_work_item_has_more_than_five_failed_calls_and_none_is_done_twice(
    seed: int, tmp_path: Path, redis_url: str, board_name: str
) -> None:
    """Killed at seeded places, each run goes on where the last one died; a call lost with its worker counts."""
    (tmp_path / "scenario.yaml").write_text(SCENARIO)
    (tmp_path / "agents.py").write_text(AGENTS)
    (tmp_path / "items.jsonl").write_text("".join(f'{{"n": {n}, "seed": {seed}}}\n' for n in range(CASES)))
    chance = random.Random(seed)  # a seeded test
    killed = 0
    for turn in range(KILLS + 1):
        place = f"{chance.choice(PLACES)}:{chance.randint(1, 9)}"
        resume = ["--resume"] if turn else []
        environment = {VARIABLE: place} if turn < KILLS else {}
        code, out, err = finish(
            start_run(redis_url, str(tmp_path), "--board", board_name, "-q", *resume, environment=environment)
        )
        assert code in (0, -signal.SIGKILL), f"{place}: {out}{err}"
        killed += code == -signal.SIGKILL
        if code == 0:
            break
    assert killed >= 2
    written = await contributions(redis_url, board_name)
    assert all(len(commits) == 1 for commits in written.values())
    async with await Board.open(redis_url, board_name, create=False) as board:
        records: list[dict[str, Any]] = [record.value for record in await board.find(ACTIVATIONS + "*")]
        outs = await board.find("out/*")
    failed = Counter[str]()
    for one in records:
        failed[one["case"]] += len(one.get("attempts", ()))
        assert len(one.get("attempts", ())) <= {"first": 2, "second": 2, "third": 3}[one["agent"]]
    assert max(failed.values()) <= 5
    told = await lives(redis_url, board_name)
    assert len(told) == CASES
    ends = [states[-1] for states in told.values()]
    assert len(outs) == sum(state == "done" for _, state in ends)
    assert {state for _, state in ends} <= {"done", "escalated", "executed"}
    assert {agent for agent, state in ends if state == "executed"} <= {"third"}  # the last may decline, too
    for case, states in told.items():
        done = [at for at, (_, state) in enumerate(states) if state == "done"]
        assert not done or all(state != "running" for _, state in states[done[0] :]), case
