"""What an agent claims is confirmed in time by a record or a function, or a record says that it was not."""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING, Any

import pytest

from blackboard.control_records import CLAIMS
from controller.escalation import Answer, answer
from knowledge_sources import Pass, Record, knowledge_source
from tests.leading import going_on, leading, question, quiescent, run, values
from tests.waiting import eventually

if TYPE_CHECKING:
    from blackboard.board import Board

SOON = "300ms"
LATER = "10m"


def promise(within: str, **options: Any) -> Any:
    @knowledge_source(
        {"item": "return/{r}"}, unless="message/{r}", contributes="message/{r}", confirm_within=within,
        unconfirmed="failed/{r}", **options,
    )  # fmt: skip
    def tell(item: Any) -> Any:
        return {"text": "your refund is processing", "amount": item["amount"]}

    return tell


@knowledge_source({"claim": "message/{r}"}, contributes="receipt/{r}")
async def bank(claim: Any) -> Any:
    return {"amount": claim["amount"]}


@knowledge_source({"failed": "failed/{r}"}, contributes="truth/{r}")
async def apologise(failed: Any) -> Any:
    return failed["reason"]


async def claim(board: Board) -> Any:
    (found,) = await board.find(CLAIMS + "*")
    return found.value


async def test_a_record_in_time_confirms_it(board: Board) -> None:
    await board.put("return/1", {"amount": 5})
    teller = promise(LATER, confirmed_by="receipt/{r} where amount == 5")
    assert (await run(board, teller, bank)).status == "finished"
    confirmed = await claim(board)
    assert confirmed["status"] == "confirmed"
    assert confirmed["reason"].startswith("receipt/1@")
    assert await values(board, "failed/*") == {}


async def test_without_one_a_failure_record_is_written_that_others_watch(board: Board) -> None:
    await board.put("return/1", {"amount": 5})
    teller = promise(SOON, confirmed_by="receipt/{r} where amount == 7")
    assert (await run(board, teller, bank, apologise)).status == "finished"
    assert (await claim(board))["status"] == "unconfirmed"
    failed = await board.get("failed/1")
    assert failed is not None
    assert failed.value["claimed"] == ["message/1"]
    assert (failed.case, failed.depth) == ("return/1", 2)
    assert failed.causes[0].startswith("message/1@")
    said = (await values(board, "truth/*"))["truth/1"]
    assert said == "tell wrote message/1, and nothing confirmed it within 300 ms"


async def test_of_another_case_a_record_confirms_nothing(board: Board) -> None:
    await board.put("receipt/2", {"amount": 5})
    await board.put("return/1", {"amount": 5})
    await run(board, promise(SOON, confirmed_by="receipt/{r}"))
    assert (await claim(board))["status"] == "unconfirmed"


async def test_a_record_that_was_there_already_confirms_it_at_once(board: Board) -> None:
    await board.put("receipt/1", {"amount": 5})
    await board.put("return/1", {"amount": 5})
    assert (await run(board, promise(LATER, confirmed_by="receipt/{r}"))).status == "finished"
    assert (await claim(board))["status"] == "confirmed"


async def test_a_function_is_asked_with_what_was_contributed_until_it_says_yes(board: Board) -> None:
    asked: list[Any] = []

    async def ready(value: Record[Any], item: Any, r: str) -> bool:
        asked.append((value.key, value.value["amount"], item["amount"], r))
        return len(asked) == 2

    await board.put("return/1", {"amount": 5})
    assert (await run(board, promise("800ms", confirm=ready))).status == "finished"
    assert asked == [("message/1", 5, 5, "1")] * 2
    assert (await claim(board))["reason"] == "its function confirms it"


def _raises() -> bool:
    raise OSError("no line")


def _exits() -> bool:
    raise SystemExit(3)


async def _hangs() -> bool:
    await asyncio.Event().wait()
    return True


async def _truthy() -> bool:
    return "yes"  # type: ignore[return-value]  # what an agent's author may do


@pytest.mark.parametrize(
    ("confirm", "why"),
    [
        (_raises, "its function raised OSError('no line')"),
        (_exits, "its function raised SystemExit(3)"),
        (_hangs, ""),
        (_truthy, "it was asked, and it is not so"),
    ],
)
async def test_a_function_that_raises_or_hangs_or_does_not_say_true_confirms_nothing(
    board: Board, confirm: Any, why: str
) -> None:
    await board.put("return/1", {"amount": 5})
    assert (await run(board, promise(SOON, confirm=confirm))).status == "finished"
    failed = await claim(board)
    assert failed["status"] == "unconfirmed"
    assert why in failed["reason"]


async def test_a_plain_function_that_hangs_is_left_alone_when_its_time_is_over(board: Board) -> None:
    release = threading.Event()

    def hangs() -> bool:
        return release.wait(20)

    await board.put("return/1", {"amount": 5})
    assert (await run(board, promise(SOON, confirm=hangs))).status == "finished"
    release.set()
    assert (await claim(board))["status"] == "unconfirmed"


async def test_another_controller_goes_on_with_a_claim_and_counts_from_its_commit(board: Board) -> None:
    await board.put("return/1", {"amount": 5})
    teller = promise(LATER, confirmed_by="receipt/{r}")
    async with leading(board, teller) as controller, going_on(controller):
        replica = await board.replica()
        await eventually(lambda: any(key.startswith(CLAIMS) for key in replica.region("control")), "it claims")
    assert (await claim(board))["status"] == "open"
    short = promise(SOON, confirmed_by="receipt/{r}")
    async with leading(board, short) as controller, going_on(controller) as going:
        await board.put("receipt/1", {})
        assert (await going).status == "finished"
    assert (await claim(board))["status"] == "confirmed"


async def test_a_claim_whose_agent_is_gone_ends_when_its_time_is_over(board: Board) -> None:
    await board.put("return/1", {"amount": 5})
    teller = promise("600ms", confirmed_by="receipt/{r}")
    async with leading(board, teller) as controller, going_on(controller):
        replica = await board.replica()
        await eventually(lambda: any(key.startswith(CLAIMS) for key in replica.region("control")), "it claims")
    async with leading(board, bank) as controller:
        await quiescent(controller)
    assert "tell is not here any more" in (await claim(board))["reason"] or (await values(board, "receipt/*"))


async def test_what_a_person_approves_is_a_claim_from_then_on(board: Board) -> None:
    await board.put("return/1", {"amount": 5})
    teller = promise(LATER, confirmed_by="receipt/{r}", approval="always")
    await run(board, teller, bank)
    assert await board.find(CLAIMS + "*") == []
    key, _ = await question(board)
    await answer(board, key, Answer("approve", "ann"), board.store.server_now_ms())
    assert (await claim(board))["status"] == "open"
    assert (await run(board, teller, bank)).status == "finished"
    assert (await claim(board))["status"] == "confirmed"


async def test_what_a_validator_passes_is_a_claim_from_then_on(board: Board) -> None:
    @knowledge_source(validates="message/{r}")
    async def proof(message: Any) -> Any:
        return Pass()

    await board.put("return/1", {"amount": 5})
    teller = promise(LATER, confirmed_by="receipt/{r}", proposed=True)
    assert (await run(board, teller, proof, bank)).status == "finished"
    passed = await claim(board)
    assert (passed["status"], passed["wrote"]) == ("confirmed", ["message/1"])


async def test_what_somebody_else_writes_as_a_claim_ends_the_run_and_decides_nothing(board: Board) -> None:
    from blackboard.errors import Corrupt

    await board.put(CLAIMS + "x", {"status": "open", "within_ms": "soon"})
    with pytest.raises(Corrupt):
        await run(board, bank)


async def test_a_claim_that_somebody_made_up_ends_unconfirmed_and_stops_nobody(board: Board) -> None:
    made_up = {"status": "open", "agent": "tell", "capability": "tell", "captures": {"r": "a/b c"}, "triggers": [],
               "wrote": ["message/1"], "within_ms": 0}  # fmt: skip
    await board.put(CLAIMS + "x", made_up)
    await board.put(CLAIMS + "y", {**made_up, "captures": {}})
    await board.put("return/1", {"amount": 5})
    teller = promise(LATER, confirmed_by="receipt/{r}")
    assert (await run(board, teller, bank)).status == "finished"
    found = {record.key.removeprefix(CLAIMS): record.value["status"] for record in await board.find(CLAIMS + "*")}
    assert (found.pop("x"), found.pop("y"), *found.values()) == ("unconfirmed", "unconfirmed", "confirmed")
