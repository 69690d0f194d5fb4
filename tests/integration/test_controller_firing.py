"""Claims about who fires when, and what firing leaves on a real server."""

from __future__ import annotations

import asyncio
import threading
from functools import partial
from typing import TYPE_CHECKING, Any

from blackboard.control_records import ACTIVATIONS
from controller.strategy import Policy
from knowledge_sources import Context, knowledge_source
from knowledge_sources.errors import ActivationEnded
from tests.leading import activations, declared, going_on, leading, only, quiescent, run, states, values
from tests.waiting import eventually

if TYPE_CHECKING:
    from blackboard.board import Board
    from blackboard.log import Change


@knowledge_source(watches={"item": "item/{i}"}, contributes="out/{i}")
async def copy(item: Any) -> Any:
    return item


def passed(board: Board, time_ms: int) -> bool:
    return board.store.server_now_ms() > time_ms


async def test_an_agent_fires_when_all_its_inputs_exist_and_not_before(board: Board) -> None:
    """A join of two: one order has both records, the other waits for its label for ever."""

    @knowledge_source(watches={"order": "order/{o}", "label": "label/{o}"}, contributes="parcel/{o}")
    async def pack(order: Any, label: Any) -> Any:
        return {"order": order, "label": label}

    async with leading(board, pack) as controller:
        await board.create("order/1", "one")
        await board.create("order/2", "two")
        assert (await quiescent(controller)).status == "finished"
        assert await values(board, "parcel/*") == {}
        await board.create("label/1", "L")
        assert (await quiescent(controller)).status == "finished"
    assert await values(board, "parcel/*") == {"parcel/1": {"order": "one", "label": "L"}}
    packed = await only(board)
    assert packed["state"] == "executed"
    assert [key for _, key, _ in packed["triggers"]] == ["order/1", "label/1"]
    assert packed["wrote"] == ["parcel/1"]


async def test_with_one_at_a_time_the_order_is_that_of_the_levels(board: Board) -> None:
    """All three are eligible at once; the most urgent level fires first whatever came first."""
    order: list[str] = []

    def at(level: str) -> object:
        @knowledge_source(watches="item/{i}", level=level, name=f"agent_{level}")
        async def note() -> None:
            order.append(level)

        return note

    await board.create("item/1", {})
    await run(board, at("low"), at("critical"), at("normal"), max_running=1)
    assert order == ["critical", "normal", "low"]
    decisions = {one["agent"]: one["decision"] for one in await activations(board)}
    assert decisions["agent_critical"]["eligible"] == 3
    assert [one["agent"] for one in decisions["agent_critical"]["runners_up"]] == ["agent_normal", "agent_low"]


async def test_within_a_level_the_rating_decides_and_waiting_makes_up_for_it(board: Board) -> None:
    """The one that has waited a second longer overtakes a higher rating once ageing is worth more."""
    for rate, first in ((0.0, "new"), (5.0, "old")):
        order: list[str] = []

        def ratings(item: Any) -> float:
            return float(item["rating"])

        @knowledge_source(
            watches={"item": f"item{rate:g}/{{which}}"}, rating=ratings, name=f"note{rate:g}".replace(".", "")
        )
        async def note(which: str, order: list[str] = order) -> None:  # bound early on purpose
            order.append(which)

        due_ms = (await board.create(f"item{rate:g}/old", {"rating": 1})).time_ms + 300
        await eventually(partial(passed, board, due_ms), "the old one has waited")
        await board.create(f"item{rate:g}/new", {"rating": 2})
        await run(board, note, max_running=1, policy=Policy(ageing_rate_per_s=rate))
        assert order[0] == first


async def test_no_more_of_an_agent_run_at_once_than_it_allows(board: Board) -> None:
    """``max_running=2`` of one agent, while another agent's go on."""
    running, most, free = 0, 0, asyncio.Event()

    @knowledge_source(watches="item/{i}", max_running=2)
    async def narrow() -> None:
        nonlocal running, most
        running += 1
        most = max(most, running)
        await free.wait()
        running -= 1

    for n in range(6):
        await board.create(f"item/{n}", {})
    async with leading(board, narrow, copy) as controller, going_on(controller) as end:
        await eventually(lambda: running == 2 and controller.running_count == 2, "two run and the copies are done")
        free.set()
        assert (await end).status == "finished"
    assert most == 2
    assert len(await values(board, "out/*")) == 6


async def test_all_together_no_more_run_than_max_running(board: Board) -> None:
    """Else priority would be invisible."""
    running, most = 0, 0
    three = asyncio.Event()

    @knowledge_source(watches="item/{i}")
    async def count() -> None:
        nonlocal running, most
        running += 1
        most = max(most, running)
        if most == 3:
            three.set()
        await asyncio.wait_for(three.wait(), 10)
        await asyncio.sleep(0)
        running -= 1

    for n in range(20):
        await board.create(f"item/{n}", {})
    await run(board, count, max_running=3)
    assert most == 3


async def test_a_contribution_and_the_end_of_its_activation_are_one_commit(board: Board) -> None:
    """Neither can be seen without the other, in the log as on the board."""
    await board.create("item/1", 1)
    await run(board, copy)
    (activation,) = await board.find(ACTIVATIONS + "*")
    out = await board.get("out/1")
    assert out is not None
    assert out.commit == activation.commit
    assert out.activation == activation.key.removeprefix(ACTIVATIONS)
    assert out.author == "copy"
    assert out.case == "item/1"
    assert out.causes[0].startswith("item/1@")


async def test_what_does_not_change_wakes_nobody(board: Board) -> None:
    """An agent that writes the value that is there already sets off no other."""
    seen: list[Any] = []

    @knowledge_source(watches={"state": "out/{i}"})
    async def watch(state: Any) -> None:
        seen.append(state)

    await board.create("out/1", 7)
    await board.create("item/1", 7)
    await run(board, copy, watch)
    assert seen == [7]


async def test_post_new_and_several_keys_land_together(board: Board) -> None:
    """``ctx.post``, a fresh name, a deletion and a returned mapping make one commit."""

    @knowledge_source(watches={"item": "item/{i}"}, contributes=["a/{i}", "b/{i}", "c/{i}/{new}", "item/{i}", "old/*"])
    async def several(item: Any, ctx: Context) -> Any:
        ctx.post("c/{i}/{new}", "fresh")
        ctx.delete("old/1")
        return {"a/{i}": 1, "b/{i}": 2}

    await board.create("old/1", 0)
    await board.create("item/1", {})
    await run(board, several)
    found = await board.find("a/*") + await board.find("b/*") + await board.find("c/**")
    assert len(found) == 3
    assert len({record.commit for record in found}) == 1
    assert await board.get("old/1") is None
    assert len((await only(board))["wrote"]) == 4


async def test_a_plain_function_runs_in_a_thread_and_what_it_prints_is_kept(board: Board) -> None:
    """It may block: others go on meanwhile."""
    gate, here = threading.Event(), threading.get_ident()

    @knowledge_source(watches={"item": "item/{i}"}, contributes="thread/{i}")
    def blocking(item: Any, ctx: Context) -> Any:
        print("working hard")  # noqa: T201  # this is what is tested
        assert gate.wait(10)
        other: Any = ctx.get("out/{i}")  # blocks here: the context of a thread
        return {"elsewhere": threading.get_ident() != here, "other": other.value}

    await board.create("item/1", 5)
    async with leading(board, blocking, copy) as controller, going_on(controller) as end:
        await eventually(lambda: controller.desk.replica.get("out/1"), "the other has contributed")
        gate.set()
        assert (await end).status == "finished"
    assert await values(board, "thread/*") == {"thread/1": {"elsewhere": True, "other": 5}}
    assert (await only(board, "blocking"))["log"] == ["working hard"]


async def test_an_agent_that_joins_while_others_run_matches_what_is_there(board: Board) -> None:
    """It is in the registry, and fires on records that came before it."""
    release = asyncio.Event()

    @knowledge_source(watches="item/{i}")
    async def slow() -> None:
        await release.wait()

    await board.create("item/1", 3)
    async with leading(board, slow) as controller, going_on(controller) as end:
        await eventually(lambda: controller.running_count == 1, "the first runs")
        await controller.join(*declared(copy))
        await eventually(lambda: controller.desk.replica.get("out/1"), "the newcomer has contributed")
        release.set()
        assert (await end).status == "finished"
    entry = await board.get("control/agents/copy")
    assert entry is not None
    assert entry.value["status"] == "ready"


async def test_nothing_fires_twice_on_the_same_records(board: Board) -> None:
    """Not in a second run, nor when what excluded it comes and goes."""
    calls: list[str] = []

    @knowledge_source(watches="item/{i}", unless="stop/{i}")
    async def once(i: str) -> None:
        calls.append(i)

    await board.create("item/1", {})
    await run(board, once)
    async with leading(board, once) as controller:
        await quiescent(controller)
        stop = await board.create("stop/1", {})
        await board.delete(stop)
        await quiescent(controller)
    assert calls == ["1"]


async def test_agents_without_captures_and_with_any_letters_in_keys(board: Board) -> None:
    """A literal pattern fires for each version of its record; keys hold whatever people write."""
    seen: list[tuple[str, Any]] = []

    @knowledge_source(watches={"flag": "settings/flag"}, contributes="settings/seen")
    async def literal(flag: Any) -> Any:
        seen.append(("literal", flag))
        return flag

    @knowledge_source(watches={"item": "wörter/{was}"}, contributes="größe/{was}")
    async def letters(item: Any, was: str) -> Any:
        seen.append((was, item))
        return len(was)

    await board.create("settings/flag", 1)
    await board.create("wörter/ß→日本.語", "ja")
    async with leading(board, literal, letters) as controller:
        await quiescent(controller)
        await board.put("settings/flag", 2)
        await quiescent(controller)
    assert sorted(seen, key=str) == [("literal", 1), ("literal", 2), ("ß→日本.語", "ja")]
    assert await values(board, "größe/*") == {"größe/ß→日本.語": 6}
    assert (await only(board, "letters"))["captures"] == {"was": "ß→日本.語"}


async def test_a_trigger_that_expires_while_its_match_waits_obviates_it(board: Board) -> None:
    """Its time is over before its turn: the sweep of the timer finds it, though nobody commits."""
    release, ran = asyncio.Event(), []

    @knowledge_source(watches="block/{i}", level="high")
    async def blocker() -> None:
        await release.wait()

    @knowledge_source(watches="brief/{i}")
    async def late() -> None:
        ran.append(1)

    await board.create("block/1", {})
    async with leading(board, blocker, late, max_running=1) as controller, going_on(controller) as end:
        await eventually(lambda: controller.running_count == 1, "the blocker runs")
        await board.create("brief/1", {}, ttl_ms=80)
        await eventually(lambda: controller.pending_count == 1, "the other waits")
        await eventually(lambda: controller.pending_count == 0, "its trigger has expired")
        release.set()
        assert (await end).status == "finished"
    assert ran == []
    assert await activations(board, "late") == []


async def test_a_rating_or_precondition_that_raises_is_shown_with_its_agent_and_the_rest_goes_on(board: Board) -> None:
    """A rating that raises, or is no number, leaves the agent unrated; a precondition that raises keeps it out."""

    def bad_rating(item: Any) -> float:
        return float(item["rating"])

    @knowledge_source(watches={"item": "item/{i}"}, rating=bad_rating, contributes="rated/{i}")
    async def rated(item: Any) -> Any:
        return 1

    @knowledge_source(watches={"item": "item/{i}"}, precondition=lambda item: item["missing"], contributes="never/{i}")
    async def careful(item: Any) -> Any:
        return 1

    await board.create("item/1", {})
    await board.create("item/2", {"rating": float("3")})
    await board.create("item/3", {"rating": "nan"})
    assert (await run(board, rated, careful, copy)).status == "finished"
    assert len(await values(board, "rated/*")) == len(await values(board, "out/*")) == 3
    assert await values(board, "never/*") == {}
    for name, said in (("rated", "KeyError('rating')"), ("careful", "KeyError('missing')")):
        entry = await board.get(f"control/agents/{name}")
        assert entry is not None
        assert said in entry.value["error"]
        assert entry.value["status"] == "ready"


async def test_changes_of_others_are_absorbed_in_the_order_of_the_log(board: Board) -> None:
    """What the replica tells has dense revisions, dispatches and contributions among them."""
    told: list[int] = []

    def note(change: Change) -> None:
        told.append(change.revision)

    (await board.replica()).subscribe(note)
    for n in range(5):
        await board.create(f"item/{n}", n)
    await run(board, copy)
    assert sorted(set(told)) == list(range(told[0], told[-1] + 1))
    assert told == sorted(told)
    assert await states(board) == ["executed"] * 5


async def test_what_an_agent_says_on_the_way_is_on_the_board_while_it_runs_and_goes_with_its_end(board: Board) -> None:
    """The latest line stands; when it ends, well or not, there is nothing left of it."""
    said: list[str] = []
    free = asyncio.Event()

    @knowledge_source(watches="item/{i}", retry={"attempts": 2, "backoff": "1ms"})
    async def talks(i: str, ctx: Context) -> Any:
        await ctx.progress("thinking")
        await ctx.progress("calling the bank")
        said.append(i)
        await free.wait()
        if i == "bad":
            raise RuntimeError("no answer")

    for i in ("good", "bad"):
        await board.create(f"item/{i}", {})
    async with leading(board, talks) as controller, going_on(controller) as end:
        await eventually(lambda: len(said) == 2, "both have said what they do")
        for progress in (await values(board, "control/progress/*")).values():
            assert (progress["agent"], progress["text"]) == ("talks", "calling the bank")
        free.set()
        assert (await end).status == "awaiting"
    assert await values(board, "control/progress/*") == {}


async def test_one_whose_activation_was_taken_away_can_say_nothing_more(board: Board) -> None:
    """Whoever holds the activation by now would be shown with words that are not its own."""
    inside, free, refused = asyncio.Event(), asyncio.Event(), []

    @knowledge_source(watches="item/{i}")
    async def deaf(ctx: Context) -> Any:
        try:
            inside.set()
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            await free.wait()
        try:
            await ctx.progress("I am still here")
        except ActivationEnded as error:
            refused.append(error)

    await board.create("item/1", {})
    async with leading(board, deaf) as controller, going_on(controller) as end:
        await inside.wait()
        (running,) = await board.find(ACTIVATIONS + "*")
        await board.replace(running, {**running.value, "state": "cancelled"})
        free.set()
        assert (await end).status == "finished"
    assert len(refused) == 1
    assert await values(board, "control/progress/*") == {}
