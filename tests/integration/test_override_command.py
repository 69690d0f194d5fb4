"""``blackboard override``: on a board that nobody leads, and on one that is led."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import pytest

from blackboard.board import Board
from blackboard.cli import main
from blackboard.control_records import OVERRIDES, RUN
from controller.commands.agenda import read_agenda
from controller.flow import Person, halt, resume
from controller.ordering import orders_on
from controller.standing_orders import Target
from knowledge_sources import knowledge_source
from tests.control_values import completed
from tests.leading import activations, going_on, leading, quiescent, run
from tests.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable


class Typed:
    """The command on one board; ``on_board`` does something to it meanwhile."""

    def __init__(self, url: str, name: str, capsys: pytest.CaptureFixture[str]) -> None:
        self._url, self.name, self._capsys = url, name, capsys

    def on_board(self, do: Callable[[Board], Awaitable[Any]]) -> Any:
        async def run() -> Any:
            async with await Board.open(self._url, self.name, author="feeder") as board:
                return await do(board)

        return asyncio.run(run())

    def __call__(self, *words: str, code: int = 0) -> str:
        ended = main(["override", *words, "--url", self._url, "--board", self.name])
        shown = self._capsys.readouterr()
        assert ended == code, shown.err
        return shown.out + shown.err

    def json(self, *words: str) -> Any:
        return json.loads(self(*words, "-o", "json"))


fired: list[str] = []


@knowledge_source(watches="item/{i}", contributes="out/{i}", provides="make")
async def maker(i: str) -> Any:
    fired.append(i)
    return {"by": "maker"}


@knowledge_source(watches="item/{i}", contributes="seen/{i}", provides="see")
async def seer() -> Any:
    return 1


@pytest.fixture
def typed(redis_url: str, board_name: str, capsys: pytest.CaptureFixture[str]) -> Typed:
    fired.clear()

    async def feed(board: Board) -> None:
        await run(board, maker, seer)
        await board.create("item/a", {})
        await board.create("item/b", {})

    typed = Typed(redis_url, board_name, capsys)
    typed.on_board(feed)
    return typed


async def lead(board: Board) -> Any:
    return await run(board, maker, seer)


def test_an_order_waits_for_who_leads_and_says_what_to_type_to_go_on(typed: Typed) -> None:
    """The next controller heeds it before anybody fires; the list says who ordered what, why, and since when."""
    told = typed("hold", "--agent", "maker", "--case", "item/a", "--reason", "let me look", "--by", "ana")
    assert "nobody leads board" in told
    assert "run SCENARIO --resume" in told
    (waiting,) = typed.json("list")
    assert (waiting["status"], waiting["author"]) == ("open", "human/ana")
    assert waiting["scope"] == {"agent": "maker", "case": "item/a"}
    assert typed.on_board(lead).reason == "1 held by an order of human/ana"
    assert fired == ["b"]
    shown = typed("list")
    assert "agent maker, case item/a" in shown
    assert "standing" in shown


def test_a_revoked_order_lets_go_and_cannot_be_revoked_again(typed: Typed) -> None:
    hold = typed.json("hold", "--case", "item/a", "--reason", "let me look", "--by", "ana")
    typed.on_board(lead)
    assert "human/bob revoked it: seen" in typed("revoke", hold["id"][:8], "--reason", "seen", "--by", "bob")
    typed.on_board(lead)
    assert fired == ["b", "a"]
    assert "is revoked and cannot be taken back" in typed("revoke", hold["id"], "--reason", "seen", code=1)
    assert typed.json("list") == []
    (kept,) = typed.json("list", "--all")
    assert (kept["status"], kept["ended_by"]) == ("revoked", "human/bob")


def test_an_order_before_anybody_judged_it_can_be_revoked(typed: Typed) -> None:
    hold = typed.json("veto", "--case", "item/a", "--reason", "no", "--by", "ana")
    typed("revoke", hold["id"], "--reason", "yes")
    typed.on_board(lead)
    assert sorted(fired) == ["a", "b"]


async def test_an_order_on_a_board_that_is_led_is_judged_within_a_moment(
    board: Board, redis_url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """The command tells what came of it: it stands, it was applied, or why it was refused, with exit code 1."""
    free, on = asyncio.Event(), ("--url", redis_url, "--board", board.name, "--reason", "so be it", "--by", "ana")

    @knowledge_source(watches="slow/{i}", contributes="out/{i}")
    async def slow() -> Any:
        await free.wait()

    async def type_(*words: str) -> tuple[int, str]:
        code = await asyncio.to_thread(main, ["override", *words, *on])
        shown = capsys.readouterr()
        return code, shown.out + shown.err

    await board.create("slow/1", {})
    async with leading(board, slow) as controller, going_on(controller) as end:
        await eventually(lambda: controller.running_count == 1, "it runs")
        (running,) = await activations(board)
        code, told = await type_("veto", "--activation", running["id"][:10])
        assert (code, "it runs already, so cancel it" in told) == (1, True), told
        code, told = await type_("hold", "--agent", "slow", "--for", "1h")
        assert (code, "it stands until 20" in told) == (0, True), told
        code, told = await type_("decide", "--activation", running["id"], "--value", '{"by": "ana"}')
        assert (code, "human/ana ordered decide for slow on slow/1: so be it" in told) == (0, True), told
        assert (await end).status == "finished"
        code, told = await type_("cancel", "--activation", running["id"])
        assert (code, "is executed already" in told) == (1, True), told
    out = await board.get("out/1")
    assert out is not None
    assert (out.value, out.author) == ({"by": "ana"}, "human/ana")


async def test_what_is_on_the_agenda_and_never_ran_is_named_by_the_beginning_that_the_agenda_shows(
    board: Board, redis_url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    on = ("--url", redis_url, "--board", board.name)
    await halt(board, "paused", Person("ann", ""))
    await board.create("item/a", {})
    async with leading(board, maker) as controller, going_on(controller) as end:
        pending = await agenda_shows(board)
        words = ("override", "force", "--activation", pending[:8], "--reason", "she rang", "--by", "ana", *on)
        assert await asyncio.to_thread(main, words) == 0, capsys.readouterr().err
        (order,) = await board.find(OVERRIDES + "*")
        assert order.value["activation"] == pending
        await resume(board, Person("ann", ""))
        assert (await end).status == "finished"
    (ran,) = await activations(board)
    assert (ran["id"], ran["state"]) == (pending, "executed")


async def agenda_shows(board: Board) -> str:
    """The id of the one pending activation, once the leader has published it."""
    async with asyncio.timeout(10):
        while True:
            agenda = await read_agenda(board)
            if agenda is not None and agenda["pending"]:
                return str(agenda["pending"][0]["activation"])
            await asyncio.sleep(0.01)


@pytest.mark.parametrize(
    ("words", "code", "wanted"),
    [
        (("hold", "--agent", "makr"), 5, "no agent 'makr' on board {board}; did you mean 'maker'?"),
        (("hold", "--capability", "mak"), 5, "no capability 'mak'"),
        (("reassign", "--agent", "maker", "--to", "seen"), 5, "no agent 'seen'"),
        (("hold",), 2, "Say what it is about"),
        (("boost", "--agent", "maker"), 2, "by how many points, or to which level"),
        (("hold", "--agent", "maker", "--for", "soon"), 3, "soon"),
        (("hold", "--agent", "maker", "--for", "0s"), 3, "longer than nothing"),
        (("hold", "--pattern", "item/{"), 3, "item/{"),
        (("decide", "--agent", "maker", "--value", "{"), 3, "--value: not JSON"),
        (("cancel", "--activation", "99"), 5, "no activation on board {board} begins with '99'"),
        (
            ("decide", "--case", "item/9", "--value", "1"),
            5,
            "no case 'item/9' on board {board}: a case is named by the key",
        ),
        (("force", "--agent", "maker", "--by", "a/b"), 2, "without '/'"),
        (("revoke", "nothing"), 5, "no order 'nothing'"),
    ],
)
def test_what_cannot_be_meant_is_refused_and_nothing_is_written(
    typed: Typed, words: tuple[str, ...], code: int, wanted: str
) -> None:
    assert wanted.replace("{board}", typed.name) in typed(*words, "--reason", "so be it", code=code)
    assert typed.json("list", "--all") == []
    assert "--reason" in typed("hold", "--agent", "maker", "--reason", " ", code=2)


def test_a_level_that_the_run_does_not_have_is_refused_at_once_with_the_nearest(typed: Typed) -> None:
    """Before, the order waited for the next controller, which refused it when nobody looked."""
    give = ("boost", "--agent", "maker", "--reason", "so be it", "--level")
    settings = {"document": {"levels": ["urgent", "calm"]}}
    run = completed(RUN, {"scenario": "x", "status": "awaiting", "started_ms": 1, "settings": settings})
    typed.on_board(lambda board: board.put(RUN, run))
    assert f"no level 'urgant' on board {typed.name}; did you mean 'urgent'?" in typed(*give, "urgant", code=5)
    assert "there is urgent, calm" in typed(*give, "zzz", code=5)
    assert typed.json("list", "--all") == []
    typed(*give, "calm")
    typed.on_board(lambda board: board.put(RUN, {**run, "settings": {}}))
    typed(*give, "whatever")  # who made the controller in Python told no record which levels there are
    assert len(typed.json("list", "--all")) == 2


def test_a_terminal_is_not_written_to_by_who_gives_a_reason(typed: Typed) -> None:
    typed("hold", "--agent", "maker", "--reason", "\x1b]52;c;aGk=\x07", "--by", "an\x1ba")
    assert "\x1b" not in typed("list", "--all")


def test_why_tells_which_order_moved_a_decision_and_whose_it_was(
    typed: Typed, redis_url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    force = typed.json("force", "--case", "item/b", "--agent", "maker", "--reason", "she rang", "--by", "ana")
    typed.on_board(lead)
    assert main(["why", "out/b", "--url", redis_url, "--board", typed.name]) == 0
    told = " ".join(capsys.readouterr().out.split())
    assert f"moved by control/overrides/{force['id']} (human/ana: she rang)" in told


def test_what_stands_is_known_from_the_records_alone(typed: Typed) -> None:
    typed("hold", "--pattern", "item/{i}", "--reason", "look", "--by", "ana")
    typed("veto", "--agent", "maker", "--reason", "no", "--by", "ana")
    typed.on_board(lead)

    async def ruling(board: Board) -> Any:
        records = tuple(await board.find("item/a"))
        orders = orders_on(await board.replica())
        return [orders.ruling(Target("x", agent, agent, "item/a", records)) for agent in ("maker", "seer")]

    maker_s, seer_s = typed.on_board(ruling)
    assert (maker_s.verb, seer_s.verb, seer_s.reason) == ("veto", "hold", "look")


async def test_the_order_belongs_to_the_case_that_it_is_about(
    board: Board, redis_url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    await board.create("item/a", {})
    words = ["override", "hold", "--case", "item/a", "--reason", "x", "--url", redis_url, "--board", board.name]
    assert await asyncio.to_thread(main, words) == 0
    (order,) = await board.find(OVERRIDES + "*")
    assert (order.case, order.author) == ("item/a", order.value["author"])
    async with leading(board, maker) as controller:
        assert (await quiescent(controller)).status == "awaiting"
