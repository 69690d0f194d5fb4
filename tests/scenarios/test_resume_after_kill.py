"""A run that is killed at any point and resumed comes to what it would have come to, and contributes nothing twice."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import time
from typing import TYPE_CHECKING, Any

import pytest

from blackboard.failpoints import NAMES, VARIABLE
from tests.running import ROOT, contributions, domain_values, finish, start_run

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import RedisServer

SUPERVISED = """
version: 1
input: orders.jsonl
case: order/{order}
records: [{key: rate/vat, value: {percent: 21}}]
agents:
  price: {use: "./agents.py:price", proposed: on}
  proof: {use: "./agents.py:proof"}
  begun: {use: "./agents.py:begun", logical: on}
  bill: {use: "./agents.py:bill"}
  stuck: {use: "./agents.py:stuck", respond_within: 100ms, escalate: [boss, human]}
  boss: {use: "./agents.py:boss", authority: [decide], respond_within: 30s}
  lost: {use: "./agents.py:lost", retry: {attempts: 1}}
expect:
  - {count: "bill/*", equals: 20}
  - {count: 'parcel/* where by == "boss"', equals: 20}
  - {escalated: {equals: 20, agent: lost}}
  - {quiescent: true}
"""

AGENTS = """
import asyncio
from typing import Any

from knowledge_sources import Context, Decide, Overdue, Pass, knowledge_source, supervisor


@knowledge_source(
    watches={"order": "order/{order}", "rate": "rate/vat"}, contributes="price/{order}",
    confirm_within="10m", confirmed_by="bill/{order}",
)
def price(order: Any, rate: Any) -> Any:
    return {"cents": order["cents"] * (100 + rate["percent"]) // 100}


@knowledge_source(validates="price/{order}")
async def proof(price: Any) -> Any:
    return Pass()


@knowledge_source(watches={"order": "order/{order}"}, unless="bill/{order}", contributes="begun/{order}")
async def begun(order: Any) -> Any:
    return "until it is billed"


@knowledge_source(watches={"cents": "price/{order}", "begun": "begun/{order}"}, contributes=["bill/{order}", "sum/all"])
async def bill(cents: Any, ctx: Context) -> Any:
    ctx.update("sum/all", lambda total: (total or 0) + cents["cents"])
    return {"bill/{order}": cents}


@knowledge_source(watches={"order": "order/{order}"}, contributes="parcel/{order}", provides="send")
async def stuck(order: Any) -> Any:
    await asyncio.sleep(3600)


@supervisor(over="send")
def boss(overdue: Overdue) -> Any:
    return Decide({"by": "boss"}, reason="nobody sends it")


@knowledge_source(watches={"bill": "bill/{order}"}, contributes="mail/{order}")
def lost(bill: Any) -> Any:
    raise RuntimeError("no address")
"""
PUNCTUAL = ("--set", "agents.gateway.with.slow=off", "--set", "agents.gateway.respond_within=10m")
LINES = 70
"""of the returns that are shipped, so that a run is short"""
RANDOM_KILLS = 10


@pytest.fixture
def supervised(tmp_path: Path) -> str:
    """A scenario in which every failpoint is passed, and whose outcome no race decides."""
    (tmp_path / "scenario.yaml").write_text(SUPERVISED)
    (tmp_path / "agents.py").write_text(AGENTS)
    orders = [json.dumps({"order": f"O-{n}", "cents": n * 1000}) for n in range(20)]
    (tmp_path / "orders.jsonl").write_text("\n".join(orders))
    return str(tmp_path)


@pytest.fixture
def returns(tmp_path: Path) -> Path:
    """The first of the shipped returns."""
    lines = (ROOT / "scenarios/process_return/returns.jsonl").read_text(encoding="utf-8").splitlines()[:LINES]
    few = tmp_path / "few.jsonl"
    few.write_text("\n".join(lines), encoding="utf-8")
    return few


# The first and the seventh time that a run comes by, but for what it does only once.
ONCE = {"runner.after_feeding", "controller.before_retraction"}  # what falls in one moment is taken back together
PASSES = [(name, times) for name in sorted(NAMES) for times in (1, 7) if times == 1 or name not in ONCE]


class Killed:
    """Runs of one scenario on boards of one test, some of them killed."""

    def __init__(self, server: RedisServer, board: str, *words: str) -> None:
        self.url = server.url
        self.board = board
        self._words = words
        self._server = server

    async def undisturbed(self) -> dict[str, Any]:
        finish(start_run(self.url, *self._words, "--board", f"{self.board}@1", "-q"))
        return await domain_values(self.url, f"{self.board}@1")

    def killed_at(self, board: str, failpoint: str) -> None:
        process = start_run(self.url, *self._words, "--board", board, "-q", environment={VARIABLE: failpoint})
        code, out, err = finish(process)
        assert code == -signal.SIGKILL, f"{failpoint} was never passed: {code}\n{out}\n{err}"

    def killed_after(self, board: str, seconds: float) -> float | None:
        """Kill a run at that moment; the seconds that it took where it ended before."""
        started = time.monotonic()
        process = start_run(self.url, *self._words, "--board", board, "-q")
        try:
            process.wait(timeout=seconds)  # the moment is the test
        except subprocess.TimeoutExpired:
            os.kill(process.pid, signal.SIGKILL)
        took = time.monotonic() - started
        return None if finish(process)[0] == -signal.SIGKILL else took

    async def resumed(self, board: str) -> tuple[int, dict[str, Any]]:
        """Resume, or begin where it was killed before there was anything; the exit code and the domain's records."""
        begun = self._server.keys(f"bb:{{{board}}}:meta")
        code, out, err = finish(start_run(self.url, *self._words, "--board", board, "-q", *["--resume"] * bool(begun)))
        assert code in (0, 1), f"{out}\n{err}"
        made = await contributions(self.url, board)
        assert made
        assert {one: commits for one, commits in made.items() if len(commits) != 1} == {}
        return code, await domain_values(self.url, board)


@pytest.mark.parametrize(("failpoint", "times"), PASSES)
async def test_a_run_killed_at_a_failpoint_and_resumed_comes_to_the_same(
    failpoint: str, times: int, redis_server: RedisServer, board_name: str, supervised: str
) -> None:
    runs = Killed(redis_server, board_name, supervised)
    runs.killed_at(f"{board_name}@2", f"{failpoint}:{times}")
    code, values = await runs.resumed(f"{board_name}@2")
    assert code == 0
    assert values == expected_of_supervised()


def expected_of_supervised() -> dict[str, Any]:
    values: dict[str, Any] = {"rate/vat": {"percent": 21}}
    for n in range(20):
        values[f"order/O-{n}"] = {"order": f"O-{n}", "cents": n * 1000}
        values[f"price/O-{n}"] = values[f"bill/O-{n}"] = {"cents": n * 1210}
        values[f"parcel/O-{n}"] = {"by": "boss"}
    return values | {"sum/all": sum(n * 1210 for n in range(20))}


async def check_random_kills(server: RedisServer, board: str, returns: Path, kills: int, seed: int) -> None:
    """Kill that many runs, each at a moment of its own, and compare each with one that was left alone."""
    runs = Killed(server, board, "process_return", "--input", str(returns), *PUNCTUAL)
    started = time.monotonic()
    expected = await runs.undisturbed()
    seconds = time.monotonic() - started
    moments = random.Random(seed)
    hits = 0
    for number in range(2, kills + 2):
        name, moment = f"{board}@{number}", moments.uniform(0.1, seconds)
        took = runs.killed_after(name, moment)
        if took is None:
            hits += 1
        else:  # the machine has more time for us than when the first one was measured
            seconds = min(seconds, took)
        _, values = await runs.resumed(name)
        assert values == expected, f"seed {seed}: killed after {moment:.3f} s"
        server.remove(f"bb:{{{name}}}:*")
    assert hits > kills / 3, "most runs had ended before they were killed"


async def test_a_run_killed_at_random_moments_and_resumed_comes_to_the_same(
    redis_server: RedisServer, board_name: str, returns: Path
) -> None:
    await check_random_kills(redis_server, board_name, returns, RANDOM_KILLS, seed=2)


@pytest.mark.slow
async def test_fifty_runs_killed_at_random_moments_and_resumed_come_to_the_same(
    redis_server: RedisServer, board_name: str
) -> None:
    returns = ROOT / "scenarios/process_return/returns.jsonl"
    await check_random_kills(redis_server, board_name, returns, 50, seed=int(os.environ.get("SOAK_SEED", "1")))
