"""What a person does from the viewer, on real boards: led by a controller with real agents, and by nobody."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest
from textual.app import App

from blackboard.board import Board
from blackboard.control_records import ESCALATIONS, FLOW, OVERRIDES, POSTS, RECOMMENDATION
from blackboard.errors import BlackboardError, Conflict, InvalidInput, NothingSelected, SchemaMismatch, UsageError
from controller.agenda_view import parse_agenda
from controller.escalation import Refusal, Unfit
from controller.flow import FlowRefusal
from controller.giving import NotHeeded
from controller.viewer import deeds
from controller.viewer.app.form_screen import FormScreen
from controller.viewer.deed_forms import form_for
from controller.viewer.deeds import deeds_for, pending_in
from controller.viewer.forms import faults
from controller.viewer.model import Model
from controller.viewer.target import Target
from controller.viewer.writing import Writing
from knowledge_sources import Escalate, knowledge_source
from knowledge_sources.region_schemas import schema_for, schema_records
from tests.leading import activations, going_on, leading, only, question, quiescent, run, values
from tests.viewing import viewing
from tests.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Callable

    from controller.viewer.deeds import Deed

ITEM = Target("case", "item/a")
HEEDED_LATER = "nobody leads: heeded when one does"
HOSTILE = "[bold]Refund[/bold] \x1b[2J\u202e?\n" + "x" * 10_000


@knowledge_source(watches="item/{i}", contributes="out/{i}", provides="make", level="normal")
async def maker() -> Any:
    return {"by": "maker"}


@knowledge_source(watches={"item": "return/{r}"}, contributes="answer/{r}")
async def ask(item: Any) -> Any:
    return Escalate(**item)


async def seen(board: Board) -> Model:
    """The board as the screen would show it now."""
    replica = await board.replica()
    await replica.caught_up(await board.revision())
    model = Model(board.name, replica.records(), replica.revision)
    raw = await board.store.read("GET", board.store.keys.agenda)
    model.agenda = parse_agenda(raw) if raw is not None else None
    return model


async def once(board: Board, holds: Callable[[Model], Any]) -> Model:
    """The board as soon as ``holds``."""
    async with asyncio.timeout(15):
        while not holds(model := await seen(board)):  # noqa: ASYNC110  # the agenda has no event to wait for
            await asyncio.sleep(0.01)
    return model


async def do(board: Board, deed: Deed, target: Target | None, person: str = "ana", **typed: str) -> str:
    """What a person does: looks, fills in what is asked, and has it written."""
    model = await seen(board)
    assert deed in deeds_for(target, model)
    form = form_for(deed, target, model)
    filled = form.initial | {"reason": f"because of {deed.name}"} | typed
    assert faults(form, filled) == {}
    assert filled.keys() == form.initial.keys()
    return await Writing(board, person).do(deed, target, filled)


async def order_on(board: Board) -> Any:
    (found,) = await board.find(f"{OVERRIDES}*")
    return found


async def pending(board: Board) -> Target:
    """The activation of maker that is pending while the board is stopped."""
    model = await once(board, lambda model: model.agenda is not None and model.agenda["pending"])
    assert model.agenda is not None
    (one,) = [one for one in model.agenda["pending"] if one["agent"] == "maker"]
    return Target("activation", one["activation"])


@pytest.mark.parametrize(
    ("deed", "typed", "status", "outcome"),
    [
        (deeds.FORCE, {}, "standing", "it stands until it is revoked"),
        (deeds.HOLD, {"lasts": "10m"}, "standing", "it stands until 20"),
        (deeds.BOOST, {"points": "-2.5", "level": "high"}, "standing", "it stands until it is revoked"),
        (deeds.VETO, {}, "applied", "human/ana ordered veto for maker on item/a"),
        (deeds.CANCEL, {}, "applied", "human/ana ordered cancel for maker on item/a"),
        (deeds.EXTEND, {"by": "10m"}, "applied", "human/ana ordered extend for maker on item/a"),
        (deeds.DECIDE, {"value": '{"by": "ana"}'}, "applied", "human/ana ordered decide for maker on item/a"),
    ],
)
async def test_an_order_about_what_is_pending_is_a_record_by_that_person_and_its_outcome_is_told(
    board: Board, deed: Deed, typed: dict[str, str], status: str, outcome: str
) -> None:
    async with leading(board, maker) as controller, going_on(controller):
        await do(board, deeds.PAUSE, None)
        await board.put("item/a", {})
        told = await do(board, deed, await pending(board), **typed)
        assert outcome in told
        order = await order_on(board)
        assert (order.value["verb"], order.value["status"]) == (deed.name, status)
        assert order.value["reason"] == f"because of {deed.name}"
        assert order.value["author"] == "human/ana"
        assert (await board.history(order.key))[0].author == "human/ana"
        if deed == deeds.DECIDE:
            assert await values(board, "out/*") == {"out/a": {"by": "ana"}}


async def test_work_that_runs_is_reassigned_to_the_agent_that_was_chosen(board: Board) -> None:
    started, free = asyncio.Event(), asyncio.Event()

    @knowledge_source(watches="item/{i}", contributes="out/{i}", provides="make", level="high")
    async def slow() -> Any:
        started.set()
        await free.wait()
        return {"by": "slow"}

    async with leading(board, slow, maker, max_running=1) as controller:
        await board.put("item/a", {})
        async with going_on(controller) as running:
            await started.wait()
            target = Target("activation", (await only(board, "slow"))["id"])
            told = await do(board, deeds.REASSIGN, target, to="maker")
            assert "human/ana ordered reassign for slow on item/a: because of reassign" in told
            free.set()
            await running
    assert await values(board, "out/*") == {"out/a": {"by": "maker"}}


async def test_what_the_controller_refuses_is_told_with_its_reason(board: Board) -> None:
    """The activation began to run between the look and the order."""
    started, free = asyncio.Event(), asyncio.Event()

    @knowledge_source(watches="item/{i}", contributes="out/{i}")
    async def slow() -> None:
        started.set()
        await free.wait()

    async with leading(board, slow) as controller, going_on(controller):
        await board.put("item/a", {})
        await started.wait()
        target = Target("activation", (await only(board))["id"])
        scope = form_for(deeds.CANCEL, target, await seen(board)).initial["scope"]
        told = await Writing(board, "ana").do(deeds.HOLD, target, {"scope": scope, "reason": "look"})
        assert told == "refused by the controller: hold: slow for item/a is running; it runs already, so cancel it"
        free.set()


@pytest.mark.parametrize("target", [Target("agent", "maker"), ITEM, Target("record", "item/a")])
async def test_an_order_on_a_board_that_nobody_leads_waits_and_is_heeded_by_who_does(
    board: Board, target: Target
) -> None:
    await run(board, maker)
    await board.put("item/a", {})
    told = await do(board, deeds.HOLD, target)
    assert HEEDED_LATER in told
    assert (await order_on(board)).value["status"] == "open"
    assert (await run(board, maker)).reason == "1 held by an order of human/ana"
    assert HEEDED_LATER in await do(board, deeds.REVOKE, target, person="bo")
    revoked = (await order_on(board)).value
    assert (revoked["ended_by"], revoked["outcome"]) == ("human/bo", "human/bo revoked it: because of revoke")
    await run(board, maker)
    assert await values(board, "out/*") == {"out/a": {"by": "maker"}}


async def test_a_pattern_narrows_an_order_about_all_work_of_an_agent(board: Board) -> None:
    await run(board, maker)
    await do(board, deeds.VETO, Target("agent", "maker"), pattern="item/{i} where n > 1")
    await board.put("item/a", {"n": 1})
    await board.put("item/b", {"n": 2})
    await run(board, maker)
    assert set(await values(board, "out/*")) == {"out/a"}


async def test_an_order_that_is_gone_or_done_cannot_be_taken_back(board: Board) -> None:
    await run(board, maker)
    await do(board, deeds.HOLD, ITEM)
    name = (await order_on(board)).key.removeprefix(OVERRIDES)
    await do(board, deeds.REVOKE, Target("record", OVERRIDES + name))
    writing = Writing(board, "bo")
    with pytest.raises(NotHeeded, match="is revoked and cannot be taken back"):
        await writing.do(deeds.REVOKE, None, {"order": name, "reason": "so"})
    with pytest.raises(NothingSelected, match="no order 'x'"):
        await writing.do(deeds.REVOKE, None, {"order": "x", "reason": "so"})


async def test_the_flow_is_stopped_stepped_and_let_go_and_its_record_says_by_whom_and_why(board: Board) -> None:
    async with leading(board, maker, max_running=1) as controller, going_on(controller) as running:
        assert await do(board, deeds.PAUSE, None) == "paused: nothing more is dispatched"
        for name in "abc":
            await board.put(f"item/{name}", {})
        await once(board, lambda model: model.agenda is not None and model.agenda["pending_count"] == 3)
        assert await do(board, deeds.STEP, None, count="1") == "1 to be dispatched"
        await once(board, lambda model: "out" in model.regions)
        last = (await seen(board)).agenda
        assert last is not None
        chosen = max(last["pending"], key=lambda one: str(one["case"]))["activation"]
        target = Target("activation", chosen)
        await once(board, lambda model: pending_in(model, chosen))
        assert chosen in await do(board, deeds.CHOOSE, target, person="bo")
        flow = await board.get(FLOW)
        assert flow is not None
        await once(board, lambda model: len(model.regions["out"]) == 2)
        (chose,) = [
            one.record.value for one in await board.history(FLOW) if one.record and "choose" in one.record.value
        ]
        assert (chose["author"], chose["reason"], chose["choose"]) == ("bo", "because of choose", chosen)
        assert await do(board, deeds.RECOMMEND, None) == "the controller says whom it would pick, and waits for a word"
        await once(board, lambda model: model.recommendation is not None)
        assert (await do(board, deeds.ACCEPT, None)).startswith("granted: maker for item/")
        await once(board, lambda model: len(model.regions["out"]) == 3)
        assert await do(board, deeds.RESUME, None) == "goes on by itself"
        await running
    said = [one.record.value for one in await board.history(FLOW) if one.author in ("ana", "bo") and one.record]
    assert [one["reason"] for one in said] == [f"because of {deed}" for deed in ("pause", "step", "choose", "recommend", "accept", "resume")]  # fmt: skip
    assert await board.get(RECOMMENDATION) is None


async def test_a_pause_that_nobody_leads_holds_for_who_comes(board: Board) -> None:
    assert HEEDED_LATER in await do(board, deeds.PAUSE, None)
    assert HEEDED_LATER in await do(board, deeds.STEP, None, count="2")
    flow = await board.get(FLOW)
    assert flow is not None
    assert (flow.author, flow.value["steps"], flow.value["reason"]) == ("ana", 2, "because of step")


async def test_a_step_that_somebody_has_made_pointless_is_refused(board: Board) -> None:
    writing = Writing(board, "ana")
    with pytest.raises(FlowRefusal, match="goes on by itself: pause it first"):
        await writing.do(deeds.STEP, None, {"count": "1", "reason": "so"})
    with pytest.raises(FlowRefusal):
        await writing.do(deeds.ACCEPT, None, {"reason": "so"})
    for count in ("0", "1000001", "x", ""):
        with pytest.raises(BlackboardError):
            await writing.do(deeds.STEP, None, {"count": count, "reason": "so"})
    assert await board.get(FLOW) is None


async def asked(board: Board, **terms: Any) -> Target:
    """A question that ``terms`` put, on a board that nobody leads any more."""
    await board.put("return/1", {"question": "Refund?"} | terms)
    await run(board, ask)
    key, _ = await question(board)
    return Target("question", key.removeprefix(ESCALATIONS))


async def test_a_question_is_answered_with_a_choice_while_a_controller_leads(board: Board) -> None:
    async with leading(board, ask) as controller:
        await board.put("return/1", {"question": "Refund?", "choices": ["yes", "no"]})
        await quiescent(controller)
        key, _ = await question(board)
        told = await do(board, deeds.ANSWER, Target("question", key.removeprefix(ESCALATIONS)), choice="yes")
        assert told == 'ana answered "yes" to ask for return/1'
        assert (await quiescent(controller)).status == "finished"
    assert await values(board, "answer/*") == {
        "answer/1": {"answer": "yes", "answered_by": "ana", "reason": "because of answer"}
    }
    _, record = await question(board)
    assert (record["status"], record["answered_by"], record["reason"]) == ("answered", "ana", "because of answer")
    assert (await only(board))["reviewed_by"] == "ana"


@pytest.mark.parametrize(
    ("terms", "typed", "answer"),
    [
        ({}, {"answer": "12 [b]\u202e"}, "12 [b]\u202e"),
        ({"schema": {"type": "integer"}}, {"answer": "12"}, 12),
        (
            {"schema": {"type": "object", "properties": {"n": {"type": "number"}, "ok": {"type": "boolean"}}}},
            {"answer.0": "1.5", "answer.1": "true"},
            {"n": 1.5, "ok": True},
        ),
        ({"schema": {"type": "array"}}, {"answer": '["a", null]'}, ["a", None]),
    ],
)
async def test_a_free_answer_is_written_as_its_schema_has_it_and_heeded_later_where_nobody_leads(
    board: Board, terms: dict[str, Any], typed: dict[str, str], answer: Any
) -> None:
    target = await asked(board, **terms)
    assert HEEDED_LATER in await do(board, deeds.ANSWER, target, **typed)
    assert (await values(board, "answer/*"))["answer/1"]["answer"] == answer


async def test_an_answer_that_does_not_fit_says_where_and_nothing_is_written(board: Board) -> None:
    schema = {"type": "object", "properties": {"n": {"type": "number", "maximum": 5}}, "required": ["n"]}
    target = await asked(board, schema=schema)
    before = await board.revision()
    with pytest.raises(Unfit, match=r"\$.n: 6 is greater than the maximum of 5"):
        await do(board, deeds.ANSWER, target, **{"answer.0": "6"})
    assert await board.revision() == before
    await do(board, deeds.ANSWER, target, **{"answer.0": "5"})


async def test_deciding_for_an_agent_that_failed_writes_the_value_in_its_place(board: Board) -> None:
    @knowledge_source(watches="item/{i}", contributes="out/{i}", retry={"attempts": 1})
    async def broken() -> None:
        raise RuntimeError(HOSTILE)

    await board.put("item/a", {})
    await run(board, broken)
    target = Target("activation", (await only(board))["id"])
    told = await do(board, deeds.ANSWER, target, choice="decide", value='{"by": "ana"}')
    assert 'ana answered {"by": "ana"} to broken for item/a' in told
    assert await values(board, "out/*") == {"out/a": {"by": "ana"}}


async def test_of_two_people_who_answer_at_once_one_counts_and_the_other_hears_who_was_first(
    redis_url: str, board: Board
) -> None:
    target = await asked(board, choices=["yes", "no"])
    async with await Board.open(redis_url, board.name) as others:
        both = await asyncio.gather(
            Writing(board, "ana").do(deeds.ANSWER, target, {"choice": "yes", "reason": "so"}),
            Writing(others, "bo").do(deeds.ANSWER, target, {"choice": "no", "reason": "so"}),
            return_exceptions=True,
        )
    (counted,) = [one for one in both if isinstance(one, str)]
    (refused,) = [str(one) for one in both if isinstance(one, Refusal)]
    record = (await values(board, "answer/*"))["answer/1"]
    assert counted.startswith(f"{record['answered_by']} answered")
    assert refused == f"answered already: {record['answer']!r} by {record['answered_by']}"


async def test_an_answer_to_what_has_changed_since_is_refused_as_stale(board: Board) -> None:
    target = await asked(board, choices=["yes", "no"])
    await board.put("return/1", {"question": "Another one?"})
    with pytest.raises(Refusal, match="the answer is stale: return/1 has changed since it was asked"):
        await do(board, deeds.ANSWER, target, choice="yes")
    with pytest.raises(Refusal, match="no question"):
        await Writing(board, "ana").do(deeds.ANSWER, Target("question", "x"), {"reason": "so"})


async def test_a_record_is_posted_with_who_why_and_of_which_case(board: Board) -> None:
    assert (await do(board, deeds.POST, None, key="item/a", value='{"n": 1}')).startswith("item/a written; commit ")
    await do(board, deeds.POST, ITEM, key="note/1", value='"on"')
    for key, value, case in (("item/a", {"n": 1}, "item/a"), ("note/1", "on", "item/a")):
        record, why = await board.get(key), await board.get(POSTS + key)
        assert record is not None
        assert why is not None
        assert (record.author, record.value, record.case) == ("ana", value, case)
        assert (why.author, why.value, why.commit) == ("ana", {"reason": "because of post"}, record.commit)


async def test_a_record_that_has_changed_since_it_was_looked_at_is_not_overwritten(board: Board) -> None:
    await board.put("item/a", {"n": 1})
    target, writing = Target("record", "item/a"), Writing(board, "ana")
    form = form_for(deeds.POST, target, await seen(board))
    await board.put("item/a", {"n": 2})
    filled = form.initial | {"value": "3", "reason": "so"}
    with pytest.raises(Conflict, match="item/a"):
        await writing.do(deeds.POST, target, filled)
    with pytest.raises(Conflict, match="item/a"):
        await writing.do(deeds.POST, target, filled | {"guard": "absent"})
    assert await values(board, "item/*") == {"item/a": {"n": 2}}
    await writing.do(deeds.POST, target, filled | {"guard": ""})
    assert await values(board, "item/*") == {"item/a": 3}


async def test_what_a_post_may_not_write_is_refused_and_nothing_is_written(board: Board) -> None:
    for kept, schema in schema_records([schema_for("item/{i}", {"type": "object"})]).items():
        await board.put(kept, schema)
    before, writing = await board.revision(), Writing(board, "ana")
    for key, value, error in [
        ("item/a", "5", SchemaMismatch),
        ("item/a", "on", InvalidInput),
        ("control/flow", "5", UsageError),
        ("a b", "5", InvalidInput),
        ("", "5", InvalidInput),
        ("a/b", '"' + "x" * (1 << 20) + '"', BlackboardError),
        ("a/b", "1" * 5_000, BlackboardError),
    ]:
        with pytest.raises(error):
            await writing.do(deeds.POST, None, {"key": key, "value": value, "reason": "so"})
    assert await board.revision() == before


async def test_nothing_is_done_without_a_reason_or_without_a_name(board: Board) -> None:
    for deed in deeds.DEEDS.values():
        for reason in ("", " \n"):
            with pytest.raises(UsageError, match="a reason is needed"):
                await Writing(board, "ana").do(deed, ITEM, {"key": "a/b", "value": "1", "reason": reason})
    for by in ("", " ", "a/b"):
        with pytest.raises(UsageError, match="is no person's name"):
            Writing(board, by)
    assert await board.revision() == 0


async def test_values_that_no_form_would_let_through_are_refused_all_the_same(board: Board) -> None:
    await run(board, maker)
    await board.put("item/a", {})
    before, writing = await board.revision(), Writing(board, "ana")
    for deed in (*deeds.ORDERS, deeds.REVOKE, deeds.STEP, deeds.POST, deeds.ANSWER):
        for scope in ("", "{", "[]", '{"activation": 5}', '{"agent": "nobody"}'):
            with pytest.raises(BlackboardError):
                await writing.do(deed, None, {"scope": scope, "reason": "so", "points": "1", "by": "1s", "to": "maker"})
    with pytest.raises(UsageError, match="boost: say by how many points, or to which level"):
        await writing.do(deeds.BOOST, ITEM, {"scope": '{"case": "item/a"}', "reason": "so"})
    assert await board.revision() == before


class Host(App[None]):
    """An app with a form that writes."""

    def __init__(self, shown: FormScreen) -> None:
        super().__init__()
        self._shown = shown
        self.result: list[str | None] = []

    def on_mount(self) -> None:
        self.push_screen(self._shown, self.result.append)

    @property
    def text(self) -> str:
        """What is on the screen."""
        strips = self.screen._compositor.render_strips()
        return "\n".join("".join(segment.text for segment in strip) for strip in strips)


@pytest.mark.parametrize("size", [(80, 24), (40, 12)])
async def test_a_hostile_question_with_a_hundred_choices_is_answered_from_the_screen(
    board: Board, size: tuple[int, int]
) -> None:
    target = await asked(board, question=HOSTILE, choices=[f"{n} [red]\x1b[2J" for n in range(100)])
    writing = Writing(board, "ana")
    form = form_for(deeds.ANSWER, target, await seen(board))
    app = Host(FormScreen(form, lambda filled: writing.do(deeds.ANSWER, target, filled)))
    async with app.run_test(size=size) as pilot:
        await eventually(lambda: r"\x1b[2J" in app.text, "it is on the screen")
        await pilot.press("end", "tab", *"because", "enter")
        await eventually(lambda: app.result, "the form is gone")
    record = (await values(board, "answer/*"))["answer/1"]
    assert record == {"answer": "99 [red]\x1b[2J", "answered_by": "ana", "reason": "because"}
    assert app.result == [r'ana answered "99 [red]\u001b[2J" to ask for return/1; ' + HEEDED_LATER]


async def test_who_was_first_is_told_in_the_form_and_what_was_typed_stays(board: Board) -> None:
    target = await asked(board, choices=["yes", "no"])
    writing = Writing(board, "ana")
    form = form_for(deeds.ANSWER, target, await seen(board))
    app = Host(FormScreen(form, lambda filled: writing.do(deeds.ANSWER, target, filled)))
    async with app.run_test(size=(80, 24)) as pilot:
        await do(board, deeds.ANSWER, target, person="bo", choice="no")
        await pilot.press("1", "tab", *"because", "enter")
        await eventually(lambda: "answered already: 'no' by bo" in app.text, "it is on the screen")
        assert "because" in app.text
        await pilot.press("escape")
        await eventually(lambda: app.result, "the form is gone")
    assert app.result == [None]
    assert [one["decided_by"] for one in await activations(board)] == ["bo"]


async def test_a_viewer_without_write_offers_nothing_and_says_how_to_be_let(board: Board) -> None:
    await asked(board, choices=["yes", "no"])
    before = await board.revision()
    async with viewing(board, (80, 24)) as eyes:
        await eyes.press("5")
        await eyes.sees("Refund?")
        await eyes.press("a")
        await eyes.sees("this viewer only reads; start it with --write to act")
        assert not eyes.app.screen.is_modal
    assert await board.revision() == before


@pytest.mark.parametrize("size", [(80, 24), (140, 45)])
async def test_a_person_answers_and_orders_from_the_views(board: Board, size: tuple[int, int]) -> None:
    """The menu says what can be done about the line and about the board; what came of it is told below."""
    await asked(board, choices=["yes", "no"])
    async with viewing(board, size, writing=Writing(board, "ana")) as eyes:
        await eyes.press("5")
        await eyes.until(lambda: "Refund?" in eyes.here, "the keys act on the question")
        await eyes.press("a")
        await eyes.sees("1 answer")
        await eyes.sees(f"board {board.name}")
        await eyes.press("1")
        await eyes.sees("reason · kept with it")
        await eyes.press("2", "tab")
        await eyes.type("no such return")
        await eyes.sees('ana answered "no" to ask for return/1; nobody leads')
        await eyes.press("3")
        await eyes.at("Agents")
        await eyes.until(lambda: "ask" in eyes.here, "the keys act on the agent")
        await eyes.press("a")
        await eyes.sees("agent ask")
        await eyes.press("2")
        await eyes.sees("hold · agent ask")
        await eyes.until(lambda: eyes.app.focused is not None, "the form has the keys")
        await eyes.press("shift+tab")
        await eyes.type("a strike")
        await eyes.sees("hold is ordered")
    assert (await values(board, "answer/*"))["answer/1"] == {
        "answer": "no", "answered_by": "ana", "reason": "no such return"
    }  # fmt: skip
    order = (await order_on(board)).value
    assert (order["author"], order["reason"], order["scope"]) == ("human/ana", "a strike", {"agent": "ask"})


async def test_from_a_detail_its_line_and_what_it_is_about_can_be_acted_on(board: Board) -> None:
    target = await asked(board, choices=["yes", "no"])
    async with viewing(board, (140, 45), writing=Writing(board, "ana")) as eyes:
        await eyes.press("5")
        await eyes.sees("Refund?")
        await eyes.press("enter")
        await eyes.at("ask asks about return/1")
        await eyes.until(lambda: "Refund?" in eyes.here, "the keys act on the question")
        while "written to" not in eyes.here:
            await eyes.press("j")
        await eyes.press("a")
        await eyes.sees("ask for return/1")
        await eyes.press("1")
        await eyes.sees("reason · kept with it")
        await eyes.press("escape")
        await eyes.until(lambda: not eyes.app.screen.is_modal, "the form is gone")
    assert form_for(deeds.ANSWER, target, await seen(board)).fields[0].name == "choice"
