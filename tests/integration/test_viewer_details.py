"""Drill-down on a board that a real run left: what happened to a refund, walked from line to line."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest_asyncio

from blackboard.board import Board
from blackboard.cli import main
from blackboard.control_records import ACTIVATIONS, FLOW
from controller.agenda_view import parse_agenda
from controller.viewer.details.opening import detail_of
from controller.viewer.journey import Journey
from controller.viewer.line import cells, plain
from controller.viewer.model import Model
from controller.viewer.sight import Sight
from controller.viewer.target import Target
from knowledge_sources import Context, knowledge_source  # bound by annotation
from tests.leading import PATIENCE_S, activations, going_on, leading
from tests.returns_run import work
from tests.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    import pytest

    from controller.viewer.details.detail import Detail

WIDTH = 100


async def now(board: Board) -> Sight:
    """The board as it stands, with the agenda that is published."""
    replica = await board.replica()
    await replica.caught_up(await board.revision())
    model = Model(board.store.keys.name, replica.records(), replica.revision)
    replica.subscribe(model.apply)
    model.agenda = await agenda_of(board)
    return Sight(board, replica, model, None)


async def agenda_of(board: Board) -> dict[str, Any] | None:
    raw = await board.store.read("GET", board.store.keys.agenda)
    return parse_agenda(raw) if raw else None


async def then(board: Board, revision: int) -> Sight:
    """The board as it stood."""
    state = await board.at(revision)
    model = Model(board.store.keys.name, state.records(), state.revision, state.time_ms)
    return Sight(board, state, model, revision)


async def opened(sight: Sight, target: Target) -> Detail:
    detail = detail_of(target, sight)
    detail.fit(WIDTH)
    await detail.load()
    return detail


def lines(detail: Detail, now_ms: int = 0) -> list[str]:
    return [plain(detail.line(row, WIDTH, now_ms)) for row in range(len(detail))]


def text(detail: Detail) -> str:
    return "\n".join(lines(detail))


def followed(detail: Detail, words: str) -> Target:
    """What enter opens on the first line with ``words``."""
    for row, said in enumerate(lines(detail)):
        target = detail.target(row)
        if words in said and target is not None:
            return target
    raise AssertionError(f"no line with {words!r} goes on anywhere:\n{text(detail)}")


def section(detail: Detail, title: str) -> list[str]:
    """The lines under ``title``."""
    found = lines(detail)
    start = next(row for row, said in enumerate(found) if said.startswith(title)) + 1
    end = next((row for row in range(start, len(found)) if not found[row]), len(found))
    return found[start:end]


@pytest_asyncio.fixture
async def ran(redis_url: str, board_name: str) -> AsyncIterator[Board]:
    """The returns were worked on; nobody leads the board any more."""
    async with await Board.open(redis_url, board_name, author="feeder") as board:
        assert (await work(board)).status == "awaiting"
        yield board


async def test_from_an_overridden_refund_one_walks_by_enter_alone_to_the_return_that_was_fed(ran: Board) -> None:
    sight = await now(ran)
    refund = await opened(sight, Target("record", "refund/R-2"))
    activation = await opened(sight, followed(refund, "activation"))
    assert activation.title == "refund for return/R-2 · executed"
    assert "decided by      boss" in text(activation)
    order = await opened(sight, followed(activation, "decided by"))
    assert '"reason": "store credit"' in text(order)
    supervisor = await opened(sight, followed(activation, "supervisor boss was asked"))
    assert supervisor.title == "boss for return/R-2 · executed"
    rival = await opened(sight, followed(activation, "refund_late, for the same, was obviated"))
    assert rival.title == "refund_late for return/R-2 · obviated"
    check = await opened(sight, followed(activation, "item: check/R-2@"))
    assert check.title == "check/R-2, version 1"
    fed = await opened(sight, followed(check, "return/R-2@"))
    assert "by              feeder" in text(fed)
    assert '  "amount": 30,' in lines(fed)
    assert "check executed: check/R-2" in section(fed, "Set off")
    case = await opened(sight, followed(fed, "case"))
    assert "refund executed as boss decided: wrote refund/R-2" in text(case)
    assert (await opened(sight, followed(case, "refund executed as boss"))).title == activation.title


async def test_why_unfolds_the_whole_tree_under_a_record_and_each_of_its_lines_goes_on(ran: Board) -> None:
    sight = await now(ran)
    refund = await opened(sight, Target("record", "refund/R-2"))
    assert [one.partition("@")[0] for one in section(refund, "Came from")] == ["check/R-2"]
    await refund.do("why")
    told = text(refund)
    assert "it ordered decide (store credit), applied" in told
    assert r"it said: checking 30\x1b[2J" in told
    assert followed(refund, "return/R-2 = ").kind == "record"
    assert followed(refund, "fed by feeder") == Target("case", "return/R-2")
    assert followed(refund, "written by boss in the place of refund").kind == "activation"
    await refund.do("why")
    assert "it ordered decide" not in text(refund)


async def test_a_decision_names_who_was_not_chosen_and_what_became_of_each(ran: Board) -> None:
    (first,) = [one for one in await activations(ran, "check") if one["case"] == "return/R-1"]
    detail = await opened(await now(ran), Target("activation", first["id"]))
    assert "chosen at revision" in text(detail)
    rivals = first["decision"]["runners_up"]
    assert rivals
    for one in rivals:
        assert followed(detail, "not chosen").kind == "activation"
        assert Target("activation", one["activation"]) in {detail.target(row) for row in range(len(detail))}
    assert r"checking 20\x1b[2J" in section(detail, "Said")


async def test_an_activation_is_found_by_its_beginning_and_tells_its_calls_and_how_long_each_state_lasted(
    ran: Board,
) -> None:
    (tried,) = [one for one in await activations(ran, "refund") if one["case"] == "return/R-1"]
    detail = await opened(await now(ran), Target("activation", tried["id"][:10]))
    assert detail.about == Target("activation", tried["id"])
    assert section(detail, "Calls")[0].startswith("call 1 failed after")
    assert "small: 100 tokens in, 20 out, cost 0.0100" in text(detail)
    states = [line.split(": ")[1].split(" ")[0] for line in section(detail, "Over time") if line[:1] != " "]
    assert states == ["running", "pending", "running", "executed"]


async def test_a_beginning_that_several_have_lists_them(ran: Board) -> None:
    one, *_ = await activations(ran, "check")
    record = await ran.get(ACTIVATIONS + one["id"])
    assert record is not None
    await ran.put(f"{ACTIVATIONS}{one['id']}x", record.value)
    detail = await opened(await now(ran), Target("activation", one["id"][:-1]))
    listed = [target.name for row in range(len(detail)) if (target := detail.target(row)) is not None]
    assert listed == [one["id"], f"{one['id']}x"]


async def test_an_agent_says_what_blackboard_why_not_says(ran: Board, capsys: pytest.CaptureFixture[str]) -> None:
    sight = await now(ran)
    for agent in ("refund", "refund_late", "boss"):
        options = [agent, "--url", ran.backend.url, "--board", ran.name]
        assert await asyncio.to_thread(main, ["why-not", *options]) == 0
        command = " ".join(capsys.readouterr().out.split())
        detail = await opened(sight, Target("agent", agent))
        await detail.do("why")
        assert " ".join(" ".join(section(detail, "Why it does not fire")).split()) == command
    detail = await opened(sight, Target("agent", "refund"))
    assert "Why it does not fire" not in text(detail)
    await detail.do("why")
    assert followed(detail, "rma=R-2").kind == "activation"
    assert section(detail, "Works with") == ["boss"]
    assert Target("agent", "boss") in {detail.target(row) for row in range(len(detail))}
    assert len([one for one in section(detail, "Its last activations") if one[:1] != " "]) == 5
    await detail.do("why")
    assert "Why it does not fire" not in text(detail)


async def test_an_agent_shows_what_it_declares_while_the_search_for_what_it_lacks_goes_on(ran: Board) -> None:
    detail = await opened(await now(ran), Target("agent", "refund"))
    loading = asyncio.create_task(detail.do("why"))
    await asyncio.sleep(0)  # the load runs as far as it can without waiting
    assert "looking …" in section(detail, "Why it does not fire")
    assert "watches         item: check/{rma}" in text(detail)
    await loading
    assert "looking …" not in text(detail)
    assert "rma=R-1: it executed" in text(detail)


async def test_a_question_has_everything_that_one_needs_to_answer_it(ran: Board) -> None:
    sight = await now(ran)
    dear = await opened(sight, Target("question", "return/R-3"))
    assert lines(dear)[0] == "Refund 900?"
    assert section(dear, "To be answered")[:3] == [
        "status          open", "choices         approve", "                reject",
    ]  # fmt: skip
    assert '    "amount": 900,' in section(dear, "About")
    broken = await opened(sight, Target("question", "return/R-5"))
    assert len([one for one in section(broken, "Calls that failed") if "the gateway is down" in one]) == 2


async def test_a_record_that_a_question_is_about_is_shown_as_it_was_and_that_it_has_changed(ran: Board) -> None:
    await ran.put("check/R-3", {"amount": 1})
    detail = await opened(await now(ran), Target("question", "return/R-3"))
    told = section(detail, "About")
    assert "changed since it was asked" in told[0]
    assert '    "amount": 900,' in told
    await ran.delete("check/R-3")
    await detail.load()
    sight, about = await now(ran), detail.about
    assert about is not None
    assert "gone since it was asked" in section(await opened(sight, about), "About")[0]


async def test_versions_are_gone_through_and_compared_field_by_field(ran: Board) -> None:
    await ran.put("note/1", {"text": "a", "n": 1})
    await ran.put("note/1", {"text": "b", "n": 1})
    await ran.put(
        "note/1",
        {"text": "b", "m": 2},
    )
    detail = await opened(await now(ran), Target("record", "note/1"))
    assert set(detail.actions) == {"older", "diff", "why"}
    await detail.do("diff")
    assert section(detail, "Changed since version 2") == ["- n: 1", "+ m: 2"]
    await detail.do("older")
    assert detail.title == "note/1, version 2"
    assert section(detail, "Changed since version 1") == ['- text: "a"', '+ text: "b"']
    await detail.do("older")
    assert "nothing stood there before" in section(detail, "Changed")
    assert "older" not in detail.actions
    await detail.do("older")
    assert detail.title == "note/1, version 1"
    await detail.do("newer")
    await detail.do("diff")
    assert section(detail, "Value") == ["{", '  "text": "b",', '  "n": 1', "}"]


async def test_a_chosen_version_stays_chosen_while_others_come(ran: Board) -> None:
    for n in range(40):
        await ran.put("note/1", n)
    sight = await now(ran)
    detail = await opened(sight, Target("record", "note/1"))
    for _ in range(35):
        await detail.do("older")
    assert detail.title == "note/1, version 5"
    assert section(detail, "Value") == ["4"]
    done = await ran.put("note/1", 40)
    replica = await ran.replica()
    await replica.caught_up(done.revision)
    assert detail.concerns("note/1")
    await detail.load()
    assert detail.title == "note/1, version 5"
    assert "newer" in detail.actions
    assert any(one.startswith("  v41") for one in section(detail, "Versions"))


async def test_a_version_is_opened_by_its_commit_however_old_it_is(ran: Board) -> None:
    first = await ran.put("note/1", 0)
    for n in range(1, 40):
        await ran.put("note/1", n)
    detail = await opened(await now(ran), Target("record", "note/1", first.commit))
    assert detail.title == "note/1, version 1"
    assert "this is not the newest version" in text(detail)
    assert followed(detail, "this is not the newest version") == Target("record", "note/1")


async def test_a_removed_record_shows_who_removed_it_and_what_stood_there_last(ran: Board) -> None:
    await ran.delete("refund/R-2")
    detail = await opened(await now(ran), Target("record", "refund/R-2"))
    assert "removed by feeder" in text(detail)
    await detail.do("why")
    assert "refund/R-2 is not there any more: removed by feeder" in text(detail)
    await detail.do("older")
    assert section(detail, "Value") == ["{", '  "amount": 0,', '  "credit": true', "}"]


async def test_what_never_was_names_who_may_write_it_and_why_that_has_not_happened(ran: Board) -> None:
    sight = await now(ran)
    detail = await opened(sight, Target("record", "refund/R-5"))
    assert "the log holds no change of it" in text(detail)
    assert followed(detail, "refund: refund/{rma}") == Target("agent", "refund")
    await detail.do("why")
    assert "refund, which may write it, waits for a person" in text(detail)
    for target in (
        Target("agent", "nobody"),
        Target("activation", "zzz"),
        Target("case", "x/y"),
        Target("question", "zzz"),
    ):
        assert len(await opened(sight, target))


async def test_a_case_of_very_many_activations_is_told_in_a_sentence_for_each(ran: Board) -> None:
    (one,) = [one for one in await activations(ran, "check") if one["case"] == "return/R-1"]
    value = {name: field for name, field in one.items() if name != "id"}
    await asyncio.gather(*(ran.put(f"{ACTIVATIONS}more{n}", value) for n in range(300)))
    detail = await opened(await now(ran), Target("case", "return/R-1"))
    assert "why" not in detail.actions
    assert len([line for line in lines(detail) if ": check executed: wrote check/R-1" in line]) == 301
    assert followed(detail, "refund executed: wrote refund/R-1").kind == "activation"


async def test_a_case_is_told_with_all_that_is_known_of_each_step_where_that_is_asked_for(ran: Board) -> None:
    detail = await opened(await now(ran), Target("case", "return/R-5"))
    assert "cost            0.0200, 200 tokens in, 40 out" in text(detail)
    assert followed(detail, "refund asks: ").kind == "question"
    assert "call 1 failed" not in text(detail)
    brief = [line for line in section(detail, "What was done") if line[:1].isdigit()]
    await detail.do("why")
    assert "call 1 failed" in text(detail)
    assert [line for line in section(detail, "What was done") if line[:1].isdigit()] == brief


async def test_in_the_past_everything_is_told_as_it_was_then(ran: Board) -> None:
    refund = await ran.get("refund/R-2")
    assert refund is not None
    before = await then(ran, refund.revision - 1)
    gone = await opened(before, Target("record", "refund/R-2"))
    assert "the log holds no change of it" in text(gone)
    activation = await opened(before, Target("activation", refund.activation))
    assert activation.title == "refund for return/R-2 · running"
    assert "executed" not in "".join(section(activation, "Over time"))
    agent = await opened(before, Target("agent", "refund_late"))
    await agent.do("why")
    assert "rma=R-2: it is running" in text(agent)
    case = await opened(before, Target("case", "return/R-2"))
    assert "refund is running" in text(case)
    check = await opened(before, followed(activation, "item: check/R-2@"))
    assert (await opened(before, followed(check, "return/R-2@"))).title == "return/R-2, version 1"
    question = await opened(before, Target("question", "return/R-3"))
    assert "status          open" in text(question)


async def test_a_detail_that_is_open_follows_a_journey_through_the_log(ran: Board) -> None:
    for n in range(1, 4):
        await ran.put("note/1", n)
    journey = await Journey.begin(ran, "now")
    try:
        sight = Sight(ran, journey.state, journey.model, journey.revision)
        detail = await opened(sight, Target("record", "note/1"))
        await detail.do("older")
        assert detail.title == "note/1, version 2"
        await journey.step(-1)
        await detail.load()
        assert detail.title == "note/1, version 2"
        assert "newer" not in detail.actions
        await journey.step(-1)
        await detail.load()
        assert detail.title == "note/1, version 1"
        await journey.step(-1)
        await detail.load()
        assert "the log holds no change of it" in text(detail)
        await journey.step(2)
        await detail.load()
        assert detail.title == "note/1, version 2"
    finally:
        await journey.close()


async def test_in_the_past_later_versions_of_a_record_are_not_there_yet(ran: Board) -> None:
    first = await ran.put("note/1", 1)
    second = await ran.put("note/1", 2)
    await ran.delete("note/1")
    early = await opened(await then(ran, first.revision), Target("record", "note/1"))
    assert early.title == "note/1, version 1"
    assert "newer" not in early.actions
    late = await opened(await then(ran, second.revision), Target("record", "note/1"))
    assert len(section(late, "Versions")) == 2
    ended = await opened(await then(ran, second.revision + 1), Target("record", "note/1"))
    assert "removed by feeder" in text(ended)


async def test_a_match_that_nobody_leads_to_fire_is_opened_from_its_agent_and_leads_to_its_records(ran: Board) -> None:
    await ran.put("check/R-9", {"amount": 7, "how": "well"})
    sight = await now(ran)
    agent = await opened(sight, Target("agent", "refund"))
    await agent.do("why")
    match = await opened(sight, followed(agent, "rma=R-9: it is eligible"))
    assert match.title == "refund for check/R-9 · pending"
    assert followed(match, "item: check/R-9@").name == "check/R-9"
    assert "it fires when a controller leads the board and its turn comes" in text(match)


async def test_every_line_of_every_detail_has_its_place_on_any_screen(ran: Board) -> None:
    sight = await now(ran)
    targets = [Target("record", key) for key in ("refund/R-2", "control/agents/refund", "return/R-5")]
    targets += [Target("activation", one) for one in sight.model.activations]
    targets += [Target("agent", one) for one in sight.model.agents]
    targets += [Target("case", "return/R-2"), *(Target("question", one) for one in sight.model.questions)]
    for target in targets:
        detail = await opened(sight, target)
        if "why" in detail.actions:
            await detail.do("why")
        for width in (24, 60, 78, 131, 300):
            detail.fit(width)
            for row in range(len(detail)):
                assert cells(plain(detail.line(row, width, 4_102_444_800_000))) <= width
                assert detail.row_of(detail.identity(row)) == row


async def test_a_detail_waits_for_what_the_model_has_not_looked_into(ran: Board) -> None:
    (one,) = [one for one in await activations(ran, "check") if one["case"] == "return/R-1"]
    value = {name: field for name, field in one.items() if name != "id"}
    await asyncio.gather(*(ran.put(f"{ACTIVATIONS}more{n}", value) for n in range(3_000)))
    full = await now(ran)
    replica = await ran.replica()
    model = Model(ran.name, replica.records(), replica.revision, at_once=False)
    before = model.busy
    case = await opened(full._replace(model=model), Target("case", "return/R-1"))
    assert (before, model.busy) == (True, False)
    assert "3,002 executed" in text(case)


@knowledge_source(watches={"item": "order/{n}"}, contributes="bill/{n}")
async def bill(item: Any, ctx: Context) -> Any:
    return item


async def test_what_is_pending_without_a_record_is_told_from_the_agenda_and_from_its_match(board: Board) -> None:
    await board.put(FLOW, {"mode": "paused", "steps": 0, "author": "ann", "reason": "lunch"})
    async with leading(board, bill) as controller, going_on(controller):
        await board.put("order/1", {"n": 1})

        async with asyncio.timeout(PATIENCE_S):
            published = await agenda_of(board)
            while not published or not published["pending"]:
                published = await agenda_of(board)
        (entry,) = published["pending"]
        detail = await opened(await now(board), Target("activation", entry["activation"][:8]))
        assert detail.title == "bill for order/1 · pending"
        assert followed(detail, "item: order/1@").name == "order/1"
        assert "the board is paused (by ann: lunch)" in text(detail)
        assert detail.concerns("")


async def test_a_running_activation_shows_what_it_says_that_it_does(board: Board) -> None:
    goes_on = asyncio.Event()

    @knowledge_source(watches={"item": "order/{n}"}, contributes="bill/{n}")
    async def slow(item: Any, ctx: Context) -> Any:
        await ctx.progress("asking the\nbank \x1b[2J")
        await goes_on.wait()
        return item

    async with leading(board, slow) as controller, going_on(controller) as run:
        await board.put("order/1", {"n": 1})
        sight = await now(board)
        await eventually(lambda: sight.model.progress, "the agent says what it does")
        (activation,) = sight.model.progress
        detail = await opened(sight, Target("activation", activation))
        assert section(detail, "Now")[0].startswith(r"asking the\nbank \x1b[2J")
        assert detail.concerns(f"control/progress/{activation}")
        goes_on.set()
        await run
        key = ACTIVATIONS + activation
        assert detail.concerns(key)
        await eventually(lambda: sight.model.activations[activation].value["state"] == "executed", "it has ended")
        await detail.load()
        assert "executed" in detail.title
        assert "Now" not in lines(detail)


async def test_hostile_records_are_shown_and_end_nothing(ran: Board) -> None:
    evil = "\x1b]52;c;aGk=\x07\u202e\n\t" + "漢" * 5_000
    await ran.put("evil/1", {evil: [evil], "deep": {"a": [{"b": evil}]}})
    await ran.put("control/agents/evil", {"name": evil})
    await ran.put("control/activations/evil", [1])
    await ran.put("control/escalations/evil", "no question")
    entry = await ran.get("control/agents/check")
    assert entry is not None
    wrong = {
        **entry.value,
        "name": "wrong",
        "watches": {evil: "not a pattern {{"},
        "contributes": [evil],
        "unless": ["*"],
    }
    await ran.put("control/agents/wrong", wrong)
    sight = await now(ran)
    targets = [
        Target("record", "evil/1"), Target("record", "control/agents/evil"), Target("agent", "wrong"),
        Target("record", "control/activations/evil"), Target("activation", "evil"), Target("question", "evil"),
        Target("record", "refund/R-1"), Target("record", "refund/R-9"), Target("case", "return/R-1"),
    ]  # fmt: skip
    for target in targets:
        detail = await opened(sight, target)
        for action in list(detail.actions):
            await detail.do(action)
        for said in lines(detail):
            assert "\x1b" not in said
            assert "\n" not in said
            assert "\u202e" not in said
