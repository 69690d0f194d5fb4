"""Who fires next on a real board: policies, shares, and what may run side by side."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import TYPE_CHECKING, Any

from blackboard.pattern import Pattern
from controller.grouping import RunningLimits
from controller.strategy import Policy
from knowledge_sources import Context, knowledge_source
from tests.integration.test_commands_board import Shell
from tests.leading import activations, going_on, leading, quiescent, run
from tests.waiting import eventually

if TYPE_CHECKING:
    import pytest

    from blackboard.board import Board


@knowledge_source(watches={"mail": "mail/{customer}/{n}"}, contributes="answer/{customer}/{n}")
async def answer(mail: Any) -> Any:
    return mail


async def post(board: Board, customer: str, count: int, *, since: int = 0) -> None:
    for n in range(since, since + count):
        await board.create(f"mail/{customer}/{n}", n)


async def served(board: Board, agent: str = "answer") -> list[str]:
    """The customers in the order in which their work was dispatched."""
    picked = sorted(await activations(board, agent), key=lambda one: (one["decision"]["revision"], one["id"]))
    return [one["captures"]["customer"] for one in picked]


async def test_a_customer_who_floods_the_board_does_not_keep_another_one_waiting(board: Board) -> None:
    """Twenty of one were there before the three of the other: without sharing those would be the last three."""
    await post(board, "flood", 20)
    await post(board, "small", 3)
    await run(board, answer, policy=Policy(fair="customer"), max_running=1)
    assert Counter((await served(board))[:6]) == {"flood": 3, "small": 3}
    decision = (await activations(board, "answer"))[1]["decision"]
    assert (decision["flow"], decision["share"]) in {("flood", 0), ("small", 0)}


async def test_without_sharing_the_decision_is_as_small_as_ever(board: Board) -> None:
    await post(board, "flood", 6)
    await post(board, "small", 2)
    await run(board, answer, max_running=1)
    assert await served(board) == ["flood"] * 6 + ["small"] * 2
    keys = {"revision", "eligible", "rank", "level", "rating", "waited_ms", "score", "override", "runners_up"}
    assert {key for one in await activations(board) for key in one["decision"]} == keys


async def test_a_new_controller_goes_on_sharing_where_the_last_one_stopped(board: Board) -> None:
    """Eleven of one customer have been served when another comes: the next ones take turns, and none makes up for it."""
    policy = Policy(fair="customer")
    await post(board, "early", 11)
    await run(board, answer, policy=policy, max_running=1)
    await post(board, "early", 6, since=11)
    await post(board, "late", 6)
    async with leading(board, answer, policy=policy, max_running=1) as controller:
        shares = controller._cycle.lineup.agents.shares
        assert shares is not None
        assert (shares.tag(2, "early"), shares.tag(2, "late")) == (11, 10)
        await quiescent(controller)
    assert Counter((await served(board))[11:15]) == {"late": 2, "early": 2}


async def test_one_customer_runs_once_at_a_time_and_holds_nobody_else_up(board: Board) -> None:
    release, running, most = asyncio.Event(), Counter[str](), Counter[str]()

    @knowledge_source(watches={"mail": "mail/{customer}/{n}"}, contributes="answer/{customer}/{n}", name="slow")
    async def slow(customer: str, mail: Any) -> Any:
        running[customer] += 1
        most[customer] = max(most[customer], running[customer])
        try:
            await release.wait()
            await asyncio.sleep(0)
        finally:
            running[customer] -= 1
        return mail

    limits = RunningLimits(capture={"customer": 1})
    for customer in ("ann", "bob", "cy"):
        await post(board, customer, 4)
    async with leading(board, slow, running=limits, max_running=8) as controller, going_on(controller) as end:
        await eventually(lambda: running.total() == 3, "one of each runs")
        agenda = controller._cycle.lineup.agents
        assert agenda.eligible == 0
        assert sorted(reason for reasons in agenda.blocked.values() for reason in reasons) == [
            f"customer={customer} is at its limit of 1 running" for customer in ("ann", "bob", "cy")
        ]
        release.set()
        assert (await end).status == "finished"
    assert most == {"ann": 1, "bob": 1, "cy": 1}
    assert len(await activations(board, "slow")) == 12


async def test_agents_of_one_capability_share_its_limit(board: Board) -> None:
    release, running, most = asyncio.Event(), Counter[str](), Counter[str]()

    def an_agent(name: str, capability: str) -> object:
        @knowledge_source(watches={"mail": "mail/{customer}/{n}"}, contributes=f"{name}/*/*", name=name,
                          provides=capability)  # fmt: skip
        async def agent(mail: Any, customer: str, n: str) -> Any:
            running[capability] += 1
            most[capability] = max(most[capability], running[capability])
            await release.wait()
            running[capability] -= 1
            return {f"{name}/{customer}/{n}": mail}

        return agent

    team = (an_agent("refund_a", "refund"), an_agent("refund_b", "refund"), an_agent("label", "label"))
    await post(board, "ann", 5)
    limits = RunningLimits({"refund": 2})
    async with leading(board, *team, running=limits, max_running=16) as controller, going_on(controller) as end:
        await eventually(lambda: running == {"refund": 2, "label": 5}, "the limit is used up, and the others run")
        release.set()
        assert (await end).status == "finished"
    assert most == {"refund": 2, "label": 5}


async def test_the_captures_of_a_case_count_for_what_descends_from_it(board: Board) -> None:
    """The second agent's keys name no customer: that of the case is counted."""

    @knowledge_source(watches={"order": "order/{customer}/{order}"}, contributes="label/{order}")
    async def label(order: Any) -> Any:
        return order

    @knowledge_source(watches={"label": "label/{order}"}, contributes="parcel/{order}")
    async def pack(label: Any) -> Any:
        return label

    policy, case = Policy(fair="customer"), Pattern.parse("order/{customer}/{order}")
    for n in range(3):
        await board.create(f"order/ann/A{n}", n)
    await run(board, label, pack, policy=policy, case=case)
    assert {one["decision"]["flow"] for one in await activations(board, "pack")} == {"ann"}


async def test_why_tells_the_share_the_promotion_and_what_part_of_its_case_each_call_cost(
    board: Board, redis_url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    @knowledge_source(
        watches={"mail": "mail/{customer}/{n}"}, contributes="draft/{customer}/{n}", level="low",
        retry={"attempts": 2, "backoff": "1ms"},
    )  # fmt: skip
    async def draft(mail: Any, ctx: Context) -> Any:
        ctx.usage("m", cost=0.25)
        if ctx.attempt == 1:
            raise RuntimeError("no model")
        return mail

    @knowledge_source(watches={"draft": "draft/{customer}/{n}"}, contributes="answer/{customer}/{n}", level="low")
    async def polish(draft: Any, ctx: Context) -> Any:
        ctx.usage("m", cost=0.5)
        return draft

    await post(board, "ann", 1)
    await run(board, draft, polish, policy=Policy(fair="customer", promote_after_ms=1))
    (polished,) = await activations(board, "polish")
    shell = Shell(redis_url, board.name, capsys)
    told = await asyncio.to_thread(shell, "why", "--case", "mail/ann/0")
    assert "share 0 of ann, rating 0" in told
    assert "2 calls, cost 0.5000, 50% of its case" in told
    assert told.splitlines()[-1] == "in all: cost 1.0000, of it 0.2500 in failed calls"
    level = polished["decision"]["level"]
    assert level == "low" or f"level {level} (from low), share" in told
