"""``why-not``: what an agent lacks, condition by condition, and what became of a match that is complete."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import pytest_asyncio

from blackboard.control_records import ACTIVATIONS, AGENTS
from controller.controller import Controller
from controller.why_not import why_not
from knowledge_sources.decorators import knowledge_source
from knowledge_sources.outcome import Escalate
from knowledge_sources.source import source_of
from tests.integration.test_commands_board import Shell

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pytest

    from blackboard.board import Board
    from controller.why_not import WhyNot
    from knowledge_sources.source import KnowledgeSource
    from tests.conftest import RedisServer


@knowledge_source(
    watches={"item": 'order/{order} where status == "picked" && amount > 100 && checked', "label": "label/{order}"},
    unless="refund/{order}",
    contributes="shipment/{order}",
    name="ship",
)
async def ship(item: Any, label: Any) -> Any:
    return {"amount": item["amount"]}


@knowledge_source(watches={"item": "order/{order} where doubtful"}, contributes="answer/{order}", name="ask")
async def ask(item: Any) -> Any:
    return Escalate("Ship it?", choices=["yes", "no"])


def source(function: Any) -> KnowledgeSource:
    found = source_of(function)
    assert found is not None
    return found


class Led:
    """A board with two agents, led until nothing is left to do."""

    def __init__(self, board: Board) -> None:
        self.board = board

    async def run(self) -> None:
        controller = await Controller.start(self.board, [source(ship), source(ask)])
        try:
            await controller.run_until_quiescent()
        finally:
            await controller.close()

    async def ask(self, agent: str, captures: Mapping[str, str] | None = None) -> WhyNot:
        replica = await self.board.replica()
        await replica.caught_up(await self.board.revision())
        entry = replica.get(AGENTS + agent)
        assert entry is not None
        return why_not(replica, entry.value, captures or {})


@pytest_asyncio.fixture
async def led(board: Board) -> Led:
    led = Led(board)
    await led.run()
    return led


async def test_without_any_record_it_says_which_key_is_missing(led: Led) -> None:
    told = await led.ask("ship", {"order": "7"})
    assert [(lack.alias, lack.sought, lack.nearest) for lack in told.lacks] == [
        ("item", "order/7", None), ("label", "label/7", None),
    ]  # fmt: skip
    assert [lack.sought for lack in (await led.ask("ship")).lacks] == ["order/{order}", "label/{order}"]


async def test_of_the_records_whose_key_fits_the_nearest_is_told_condition_by_condition(led: Led) -> None:
    await led.board.put("order/1", {"status": "new", "amount": 5})
    await led.board.put("order/2", {"status": "picked", "amount": 50})
    await led.board.put("order/3", "no mapping")
    (lack, _) = (await led.ask("ship")).lacks
    assert lack.nearest is not None
    assert lack.nearest.key == "order/2"
    assert [(c.text, c.holds, c.found) for c in lack.clauses] == [
        ('status == "picked"', True, (("status", "picked"),)),
        ("amount > 100", False, (("amount", 50),)),
        ("checked", None, ()),
    ]
    (lack, _) = (await led.ask("ship", {"order": "1"})).lacks
    assert [clause.holds for clause in lack.clauses] == [False, False, None]


async def test_what_is_there_already_is_told_beside_what_is_missing_for_the_same_captures(led: Led) -> None:
    good = {"status": "picked", "amount": 500, "checked": True}
    await led.board.put("order/1", good)
    await led.board.put("label/2", "x")
    told = await led.ask("ship", {"order": "1"})
    assert dict(told.filled) == {"item": "order/1@1-" + str(await led.board.revision() - 1)}
    assert [lack.sought for lack in told.lacks] == ["label/1"]


async def test_a_complete_match_is_excluded_eligible_or_has_fired_and_says_so(led: Led) -> None:
    good = {"status": "picked", "amount": 500, "checked": True}
    for order in ("1", "2", "3"):
        await led.board.put(f"order/{order}", {**good, "doubtful": order == "3"})
        await led.board.put(f"label/{order}", "x")
    await led.board.put("refund/2", "refunded")
    (eligible,) = (await led.ask("ship", {"order": "1"})).matches
    assert (eligible.record, eligible.excluded_by) == (None, None)
    (excluded,) = (await led.ask("ship", {"order": "2"})).matches
    assert excluded.excluded_by is not None
    assert (excluded.excluded_by[0], excluded.excluded_by[1].key) == ("refund/{order}", "refund/2")
    await led.run()
    (fired,) = (await led.ask("ship", {"order": "1"})).matches
    assert fired.record is not None
    assert (fired.record["state"], fired.activation) == ("executed", eligible.activation)
    (asked,) = (await led.ask("ask")).matches
    assert asked.record is not None
    assert asked.record["state"] == "escalated"
    assert len((await led.ask("ship")).matches) == 3


async def test_the_command_tells_it_in_sentences_and_as_json_now_and_then(
    led: Led, redis_url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    await led.board.put("order/1", {"status": "picked", "amount": 50})
    before = await led.board.revision()
    await led.board.put("order/1", {"status": "picked", "amount": 500, "checked": True})
    await led.board.put("label/1", "x")

    def type_all() -> None:
        shell = Shell(redis_url, led.board.name, capsys)
        commit = f"1-{before}"
        assert shell("why-not", "ship", "order=1", "--at", str(before)).splitlines() == [
            (
                'item: no record fits order/{order} where status == "picked" && amount > 100 && checked; the nearest is '
                f"order/1@{commit}"
            ),
            '  holds   status == "picked"',
            "  fails   amount > 100   (amount is 50)",
            "  cannot  checked   (there is no such field)",
            "label: there is no label/1",
        ]
        assert shell("why-not", "ship").splitlines() == [
            "order=1: it is eligible; it fires when a controller leads the board and its turn comes"
        ]
        document = json.loads(shell("why-not", "ship", "order=1", "-o", "json"))
        assert [match["state"] for match in document["matches"]] == [None]
        for words, code, told in (
            (("shipp",), 5, "did you mean 'ship'"),
            (("ship", "rma=1"), 2, "ship captures order, not rma"),
            (("ship", "order"), 2, "write NAME=TEXT: order=…"),
        ):
            shell("why-not", *words, code=code)
            assert told in shell.error

    await asyncio.to_thread(type_all)


async def test_what_others_wrote_in_the_place_of_control_records_is_refused_by_name(
    led: Led, redis_url: str, redis_server: RedisServer, capsys: pytest.CaptureFixture[str]
) -> None:
    await led.board.put("order/1", {"status": "picked", "amount": 500, "checked": True})
    await led.board.put("label/1", "x")
    (match,) = (await led.ask("ship")).matches
    shell = Shell(redis_url, led.board.name, capsys)
    entry = await led.board.get(AGENTS + "ship")
    assert entry is not None
    wrong: tuple[tuple[str, tuple[Any, ...]], ...] = (
        (ACTIVATIONS + match.activation, (None, 5, [], {"state": "executed"}, {"state": ["executed"]})),
        (AGENTS + "ship", (None, "ship", {}, {**entry.value, "watches": None}, {**entry.value, "unless": [5]})),
    )
    for key, values in wrong:
        for value in values:
            await led.board.put(key, value)
            for words in (("why-not", "ship"), ("why-not", "ship", "-o", "json")):
                await asyncio.to_thread(shell, *words, code=4)
                assert f"the record {key!r} is not what the runtime writes there" in shell.error
    await led.board.put(AGENTS + "ship", entry.value)
    await led.board.delete(ACTIVATIONS + match.activation)
    for published in (b"{}", b"\xff", b"[" * 100_000, b'{"pending": [{}], "running": []}'):
        with redis_server.client() as client:
            client.set(led.board.store.keys.agenda, published)
        await asyncio.to_thread(shell, "agenda", code=4)
        assert "does not parse" in shell.error
        assert "it is eligible; it fires when" in await asyncio.to_thread(shell, "why-not", "ship")
