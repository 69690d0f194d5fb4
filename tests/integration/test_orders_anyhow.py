"""Whatever is ordered, by whomever, whenever: lives stay legal, and what is refused or taken back leaves no trace."""

from __future__ import annotations

import asyncio
import random
from typing import TYPE_CHECKING, Any

import pytest

from blackboard.commit import At, Put
from blackboard.control_records import ACTIVATIONS, OVERRIDES
from blackboard.errors import Conflict
from controller.ordering import override_of
from knowledge_sources import (
    Boost,
    Cancel,
    Decide,
    Extend,
    Force,
    Hold,
    Overdue,
    Reassign,
    Veto,
    knowledge_source,
    supervisor,
)
from tests.control.lives import moments_of, violations
from tests.leading import activations, going_on, leading, quiescent, values
from tests.waiting import eventually

if TYPE_CHECKING:
    from blackboard.board import Board
    from controller.controller import Controller
    from knowledge_sources.orders import Order

ITEMS = tuple("abcdef")
AUTHORS = ("human/ana", "human/bob", "boss", "clerk", "make_a", "mallory")


class Team:
    """Two agents of one capability and one of another, each stuck on what the test does not let go; two supervisors."""

    def __init__(self) -> None:
        self.go = asyncio.Event()

        def maker(name: str, **options: Any) -> Any:
            @knowledge_source(watches="item/{i}", contributes=f"{name}/{{i}}", name=name, **options)
            async def make() -> Any:
                await self.go.wait()
                return name

            return make

        @supervisor(over=["make"], authority=["hold", "veto", "cancel", "force"], level="high")
        async def boss(overdue: Overdue) -> None: ...

        @supervisor(authority=["boost", "extend", "decide", "hold"])
        async def clerk(overdue: Overdue) -> None: ...

        self.agents = (
            maker("make_a", provides="make", level="high", respond_within="1h"),
            maker("make_b", provides="make"),
            maker("check", level="low"),
            boss,
            clerk,
        )


def an_order(drawn: random.Random, known: list[str]) -> tuple[Order, str]:
    scope: dict[str, Any] = {}
    for part, choices in {
        "activation": known,
        "case": [f"item/{i}" for i in ITEMS],
        "agent": ["make_a", "make_b", "check", "nobody"],
        "capability": ["make"],
        "pattern": ["item/{i} where odd", "item/*"],
    }.items():
        if choices and drawn.random() < 0.35:
            scope[part] = drawn.choice(choices)
    scope = scope or {"case": "item/a"}
    lasts = {"lasts": "20ms"} if drawn.random() < 0.3 else {}
    orders: list[Order] = [
        Force("why not", **scope, **lasts), Hold("why not", **scope, **lasts), Veto("why not", **scope, **lasts),
        Boost("why not", points=drawn.choice([-5, 7]), **scope), Boost("why not", level="critical", **scope),
        Cancel("why not", **scope), Extend("1h", "why not", **scope), Decide(1, "why not", **scope),
        Reassign(drawn.choice(["make_a", "make_b", "check"]), "why not", **scope),
    ]  # fmt: skip
    return drawn.choice(orders), drawn.choice(AUTHORS)


class Giver:
    """Gives and takes back orders at random; ``keys`` are those given."""

    def __init__(self, board: Board, drawn: random.Random) -> None:
        self._board, self._drawn = board, drawn
        self.keys: list[str] = []

    async def act(self) -> None:
        board, drawn = self._board, self._drawn
        if self.keys and drawn.random() < 0.25:
            await self.revoke(drawn.choice(self.keys))
            return
        known = [record.key.removeprefix(ACTIVATIONS) for record in await board.find(ACTIVATIONS + "*")]
        order, author = an_order(drawn, known)
        key = f"{OVERRIDES}{len(self.keys):03}"
        value = override_of(order, author=author, about="", now_ms=board.store.server_now_ms())
        await board.commit([], [Put(key, value)])
        self.keys.append(key)

    async def revoke(self, key: str) -> None:
        record = await self._board.get(key)
        if record is not None and record.value["status"] in ("open", "standing"):
            try:
                await self._board.commit(
                    [At(key, record.commit)], [Put(key, {**record.fresh().value, "status": "revoked"})]
                )
            except Conflict:
                await self.revoke(key)


def judged(controller: Controller) -> bool:
    region = controller.desk.replica.region("control")
    return not any(key.startswith(OVERRIDES) and record.value["status"] == "open" for key, record in region.items())


@pytest.mark.parametrize("seed", range(12))
async def test_random_orders_with_a_take_over_in_the_middle(board: Board, seed: int) -> None:
    """Lives are legal, refused orders moved nothing, and once all is taken back whatever is left runs to its end."""
    drawn, team = random.Random(seed), Team()
    giver = Giver(board, drawn)
    for item in ITEMS[: drawn.randrange(2, 7)]:
        await board.create(f"item/{item}", {"odd": item in "ace"})
    for _ in range(drawn.randrange(0, 3)):
        await giver.act()
    for _ in range(3):  # each controller takes over from the one before
        limit = drawn.choice([1, 2, 8])
        async with leading(board, *team.agents, max_running=limit) as controller, going_on(controller):
            for _ in range(drawn.randrange(2, 7)):
                await giver.act()
                if drawn.random() < 0.5:
                    await eventually(lambda: judged(controller), "all orders are judged")
            await eventually(lambda: judged(controller), "all orders are judged")
    for key in giver.keys:
        await giver.revoke(key)
    team.go.set()
    async with leading(board, *team.agents) as controller:
        assert (await quiescent(controller)).status in ("finished", "awaiting")
    assert violations(await moments_of(board)) == []
    orders = await values(board, OVERRIDES + "*")
    assert {one["status"] for one in orders.values()} <= {"applied", "refused", "expired", "revoked"}
    for one in await activations(board):
        for named in (one["decision"]["override"], one.get("override")):
            assert named is None or orders[named]["status"] != "refused", (one, orders[named])
        if one["state"] in ("vetoed", "cancelled", "abandoned"):
            assert one["override"] in orders, one
            author = orders[one["override"]]["author"]
            assert author not in ("mallory", "make_a", "clerk"), one
            assert author != "boss" or one["capability"] == "make", one
        else:
            assert one["state"] in ("executed", "escalated"), one
    fired = {(one["agent"], one["case"]) for one in await activations(board)}
    items = {f"item/{i}" for i in ITEMS if await board.get(f"item/{i}") is not None}
    assert fired == {(agent, case) for agent in ("make_a", "make_b", "check") for case in items}
