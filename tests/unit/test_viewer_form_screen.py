"""The form and the menu as a person meets them: keys, mouse, small screens, hostile texts."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest
from textual import events
from textual.app import App

from blackboard.errors import UsageError
from controller.viewer import deeds
from controller.viewer.app.choices import Choices
from controller.viewer.app.form_screen import FormScreen
from controller.viewer.app.menu_screen import Group, MenuScreen, Offer
from controller.viewer.forms import Choice, Field, Form, Needed, reason_field
from controller.viewer.target import Target
from tests.waiting import eventually

if TYPE_CHECKING:
    from textual.pilot import Pilot
    from textual.screen import Screen

SIZES = [(80, 24), (40, 12)]
HOSTILE = "[bold red]x[/bold red] [@click=app.quit]q[/] \x1b[2J\u202e\t"
SHORT = Form(
    "answer · refund",
    (Field("choice", "answer", choices=(Choice("a", "approve"), Choice("r", "reject")), required=True), reason_field()),
    told=("Refund 900?",),
)


class Submitted:
    """What was handed on, and what comes of it."""

    def __init__(self, *outcomes: str | Exception) -> None:
        self.outcomes = list(outcomes)
        self.values: list[dict[str, str]] = []
        self.free = asyncio.Event()
        self.free.set()

    async def __call__(self, values: dict[str, str]) -> str:
        self.values.append(values)
        await self.free.wait()
        outcome = self.outcomes.pop(0)
        if isinstance(outcome, Exception):
            raise outcome
        return outcome


class Host(App[None]):
    """An app with nothing but the screen that is looked at."""

    def __init__(self, shown: Screen[Any]) -> None:
        super().__init__()
        self._shown = shown
        self.result: list[Any] = []

    def on_mount(self) -> None:
        self.push_screen(self._shown, self.result.append)


def seen(app: App[None]) -> str:
    """The screen as text."""
    strips = app.screen._compositor.render_strips()
    return "\n".join("".join(segment.text for segment in strip) for strip in strips)


async def typed(pilot: Pilot[None], text: str) -> None:
    await pilot.press(*["space" if character == " " else character for character in text])


@pytest.mark.parametrize("size", SIZES)
async def test_a_form_is_filled_in_with_keys_alone(size: tuple[int, int]) -> None:
    submitted = Submitted("done")
    app = Host(FormScreen(SHORT, submitted))
    async with app.run_test(size=size) as pilot:
        assert "Refund 900?" in seen(app)
        assert "○ 1 approve" in seen(app)
        await pilot.press("2", "tab")
        await typed(pilot, "too q much")
        await pilot.press("enter")
        await eventually(lambda: app.result, "the form is gone")
        assert app.result == ["done"]
        assert submitted.values == [{"choice": "r", "reason": "too q much"}]


@pytest.mark.parametrize("size", SIZES)
async def test_what_is_wrong_is_said_beside_its_field_and_nothing_is_handed_on(size: tuple[int, int]) -> None:
    submitted = Submitted()
    app = Host(FormScreen(SHORT, submitted))
    async with app.run_test(size=size) as pilot:
        await pilot.press("ctrl+s")
        await pilot.pause()
        assert "this is needed" in seen(app)
        assert app.focused is app.screen.query_one("#chosen-0")
        await pilot.press("1", "enter")
        await pilot.pause()
        assert seen(app).count("this is needed") == 1
        assert app.focused is app.screen.query_one("#typed-1")
        assert submitted.values == []


async def test_a_refusal_is_shown_and_what_was_typed_stays() -> None:
    submitted = Submitted(UsageError(f"answered already by ben {HOSTILE}"), "done")
    app = Host(FormScreen(SHORT, submitted))
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("1", "tab")
        await typed(pilot, "fine")
        await pilot.press("enter")
        await eventually(lambda: "answered already by ben [bold red]x[/bold red]" in seen(app), "the refusal is shown")
        assert r"\x1b[2J\u202e\t" in seen(app)
        assert "fine" in seen(app)
        await typed(pilot, "!")
        await pilot.press("enter")
        await eventually(lambda: app.result, "the form is gone")
        assert submitted.values[1] == {"choice": "a", "reason": "fine!"}


async def test_escape_leaves_and_hands_nothing_on() -> None:
    submitted = Submitted()
    app = Host(FormScreen(SHORT, submitted))
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("1", "escape")
        await eventually(lambda: app.result, "the form is gone")
        assert (app.result, submitted.values) == ([None], [])


async def test_enter_twice_hands_on_once() -> None:
    submitted = Submitted("done")
    submitted.free.clear()
    app = Host(FormScreen(SHORT, submitted))
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("1", "tab", "x", "enter", "enter", "ctrl+s")
        assert "being written …" in seen(app)
        submitted.free.set()
        await eventually(lambda: app.result, "the form is gone")
        assert len(submitted.values) == 1


@pytest.mark.parametrize("outcome", ["done", UsageError("too late")])
async def test_who_leaves_while_it_is_written_hears_what_came_of_it(outcome: Any) -> None:
    submitted = Submitted(outcome)
    submitted.free.clear()
    app = Host(FormScreen(SHORT, submitted))
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        await pilot.press("1", "tab", "x", "enter", "escape")
        await eventually(lambda: app.result, "the form is gone")
        submitted.free.set()
        await eventually(lambda: str(outcome) in seen(app), "the outcome is told")


@pytest.mark.parametrize("size", SIZES)
async def test_the_mouse_chooses_and_submits(size: tuple[int, int]) -> None:
    submitted = Submitted("done")
    app = Host(FormScreen(SHORT, submitted))
    async with app.run_test(size=size) as pilot:
        await pilot.click("#chosen-0", offset=(3, 1))
        await pilot.click("#typed-1")
        await pilot.press("x")
        await pilot.click("#submit")
        await eventually(lambda: app.result, "the form is gone")
        assert submitted.values == [{"choice": "r", "reason": "x"}]


async def test_the_mouse_leaves() -> None:
    app = Host(FormScreen(SHORT, Submitted()))
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.click("#leave")
        await eventually(lambda: app.result, "the form is gone")
        assert app.result == [None]


@pytest.mark.parametrize("size", [*SIZES, (20, 6), (300, 100)])
async def test_a_hundred_choices_and_a_long_question_fit_any_screen(size: tuple[int, int]) -> None:
    """One choice is always in sight, so is the field that has the keys, and the way out."""
    choices = tuple(Choice(str(n), f"choice {n} {HOSTILE * 50}") for n in range(100))
    form = Form(
        HOSTILE * 30, (Field("c", HOSTILE, choices=choices, required=True), reason_field()), told=("why? " * 2_000,)
    )
    submitted = Submitted("done")
    app = Host(FormScreen(form, submitted))
    async with app.run_test(size=size) as pilot:
        await pilot.press("end")
        if size[1] >= 12:
            await eventually(lambda: "choice 99 [bold red]" in seen(app), "the last choice is in sight")
            assert "enter do it" in seen(app)
        await pilot.press("up", "tab", "x", "enter")
        await eventually(lambda: app.result, "the form is gone")
        assert submitted.values == [{"c": "98", "reason": "x"}]


async def test_a_choice_that_its_line_cuts_is_shown_as_a_whole_once_it_is_chosen() -> None:
    long = "refund half of it, and let them keep what they have, since they are an old customer"
    choices = (Choice("no", "no"), Choice("half", long))
    app = Host(FormScreen(Form("x", (Field("c", "answer", choices=choices), reason_field())), Submitted()))
    async with app.run_test(size=(40, 16)) as pilot:
        await pilot.press("2")
        await eventually(lambda: "an old customer" in seen(app), "its end is in sight")
        await pilot.press("1")
        await eventually(lambda: "an old customer" not in seen(app), "it is gone again")


async def test_a_long_background_is_scrolled_with_keys() -> None:
    form = Form("x", (reason_field(),), told=("\n".join(f"line {n}" for n in range(200)),))
    app = Host(FormScreen(form, Submitted()))
    async with app.run_test(size=(40, 12)) as pilot:
        await pilot.pause()
        await pilot.press("shift+tab", "end")
        await eventually(lambda: "line 199" in seen(app), "its end is in sight")


async def test_a_field_appears_with_the_choice_that_it_goes_with_and_keeps_what_was_typed() -> None:
    which = Field("choice", "answer", choices=(Choice("retry", "retry"), Choice("decide", "decide")), required=True)
    value = Field("value", "value", "json", required=True, hint="JSON", only_with=Needed("choice", "decide"))
    submitted = Submitted("done")
    app = Host(FormScreen(Form("x", (which, value, reason_field())), submitted))
    async with app.run_test(size=(80, 24)) as pilot:
        assert "JSON" not in seen(app)
        await pilot.press("2", "tab", "5")
        await pilot.pause()
        assert "JSON" in seen(app)
        await pilot.press("shift+tab", "up", "down", "tab", "tab", "x", "enter")
        await eventually(lambda: app.result, "the form is gone")
        assert submitted.values == [{"choice": "decide", "value": "5", "reason": "x"}]


async def test_keys_that_come_at_once_are_answered_one_after_the_other() -> None:
    """Over a slow line they do; each goes into the field that has the keys once those before it are answered."""
    which = Field("choice", "answer", choices=(Choice("retry", "retry"), Choice("decide", "decide")), required=True)
    value = Field("value", "value", "json", required=True, only_with=Needed("choice", "decide"))
    submitted = Submitted("done")
    app = Host(FormScreen(Form("x", (which, value, reason_field())), submitted))
    async with app.run_test(size=(80, 24)):
        driver = app._driver
        assert driver is not None
        for key in ("2", "tab", "5", "tab", "s", "o", "tab", "1", "down", "tab", "6", "tab", "ctrl+s"):
            event = events.Key(key, key if len(key) == 1 else None)
            event.set_sender(app)
            driver.send_message(event)
        await eventually(lambda: app.result, "the form is gone")
        assert submitted.values == [{"choice": "decide", "value": "56", "reason": "so"}]


async def test_a_digit_twice_chooses_once() -> None:
    app = Host(MenuScreen(MENU))
    async with app.run_test(size=(80, 24)):
        driver = app._driver
        assert driver is not None
        for _ in range(3):
            event = events.Key("1", "1")
            event.set_sender(app)
            driver.send_message(event)
        await eventually(lambda: app.result, "the menu is gone")
    assert app.result == [Offer(ITEM, deeds.HOLD)]


async def test_what_stands_in_a_field_is_handed_on_to_the_letter_and_shown_made_safe() -> None:
    key = "a/\u00adb"
    submitted = Submitted("done")
    form = Form("x", (Field("key", "key", "key", initial=key), reason_field()))
    app = Host(FormScreen(form, submitted))
    async with app.run_test(size=(80, 24)) as pilot:
        assert r"a/\xadb" in seen(app)
        await pilot.press("tab", "x", "enter")
        await eventually(lambda: app.result, "the form is gone")
        assert submitted.values[0]["key"] == key


async def test_what_is_pasted_becomes_one_line_in_which_nothing_acts() -> None:
    submitted = Submitted("done")
    app = Host(FormScreen(Form("x", (reason_field(),)), submitted))
    async with app.run_test(size=(80, 24)) as pilot:
        app.screen.query_one("#typed-0").post_message(events.Paste('{"a":\n 1}\x1b[2J'))
        await pilot.pause()
        await pilot.press("enter")
        await eventually(lambda: app.result, "the form is gone")
        assert submitted.values[0]["reason"] == '{"a":  1}\\x1b[2J'


async def test_a_form_survives_being_resized() -> None:
    app = Host(FormScreen(SHORT, Submitted()))
    async with app.run_test(size=(80, 24)) as pilot:
        for size in [(10, 3), (300, 100), (40, 12)]:
            await pilot.resize_terminal(*size)
            await pilot.pause()
        assert "enter do it" in seen(app)


ITEM = Target("case", "item/[b]a")
MENU = [
    Group("case item/[b]a\x1b[2J", (Offer(ITEM, deeds.HOLD), Offer(ITEM, deeds.VETO))),
    Group("agent gone", ()),
    Group("board b", (Offer(None, deeds.PAUSE),)),
]


@pytest.mark.parametrize(
    ("keys", "offer"),
    [
        (["enter"], Offer(ITEM, deeds.HOLD)),
        (["down", "enter"], Offer(ITEM, deeds.VETO)),
        (["3"], Offer(None, deeds.PAUSE)),
        (["escape"], None),
        (["9", "j", "j", "j", "k", "end", "enter"], Offer(None, deeds.PAUSE)),
        (["up", "home", "enter"], Offer(ITEM, deeds.HOLD)),
    ],
)
async def test_a_deed_is_chosen_from_a_menu(keys: list[str], offer: Any) -> None:
    app = Host(MenuScreen(MENU))
    async with app.run_test(size=(80, 24)) as pilot:
        assert "2 veto" in seen(app)
        assert r"case item/[b]a\x1b[2J" in seen(app)
        assert "agent gone" not in seen(app)
        await pilot.press(*keys)
        await eventually(lambda: app.result, "the menu is gone")
        assert app.result == [offer]


@pytest.mark.parametrize("size", [(80, 24), (40, 12), (20, 6)])
async def test_a_menu_is_clicked(size: tuple[int, int]) -> None:
    app = Host(MenuScreen(MENU))
    async with app.run_test(size=size) as pilot:
        await pilot.click(Choices, offset=(1, 0))
        await pilot.click(Choices, offset=(1, 2))
        await eventually(lambda: app.result, "the menu is gone")
        assert app.result == [Offer(ITEM, deeds.VETO)]


async def test_a_menu_of_nothing_says_so() -> None:
    app = Host(MenuScreen([]))
    async with app.run_test(size=(80, 24)) as pilot:
        assert "nothing can be done about this now" in seen(app)
        await pilot.press("enter")
        await eventually(lambda: app.result, "the menu is gone")
        assert app.result == [None]


async def test_a_menu_of_many_scrolls_on_a_small_screen() -> None:
    app = Host(MenuScreen([Group("board", tuple(Offer(None, deed) for deed in deeds.DEEDS.values()))]))
    async with app.run_test(size=(40, 12)) as pilot:
        await pilot.press("end")
        await eventually(lambda: "post" in seen(app), "the last one is in sight")
        await pilot.press("enter")
        await eventually(lambda: app.result, "the menu is gone")
        assert app.result == [Offer(None, deeds.POST)]
