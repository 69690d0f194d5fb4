"""A form over the screen: what is asked, what is wrong with it beside each field, and what came of it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, ClassVar, Final

from rich.cells import cell_len
from textual import on
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Input, Static

from blackboard.errors import BlackboardError
from blackboard.terminal import sanitize
from controller.viewer.app.choices import Choices
from controller.viewer.app.typed import Typed
from controller.viewer.forms import faults

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from textual import events
    from textual.app import ComposeResult
    from textual.binding import BindingType
    from textual.geometry import Size

    from controller.viewer.forms import Field, Form

WIDTH: Final = 76
MOST_CHOICES: Final = 8
"""of a field that are in sight at once"""
MOST_TOLD: Final = 2_000
"""characters of a refusal that are shown"""


class FormScreen(ModalScreen[str | None]):
    """Fill in ``form`` and hand the values to ``submit``; dismissed with the sentence that this returns.

    What ``submit`` refuses with a :class:`BlackboardError` is shown, and what was typed stays.  Who leaves while it
    is under way gets its outcome as a notice.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        ("ctrl+s,enter", "submit", "do it"),
        ("escape", "leave", "back"),
        ("up", "app.focus_previous", "previous field"),
        ("down", "app.focus_next", "next field"),
    ]
    DEFAULT_CSS = """
    FormScreen { align: center middle; }
    FormScreen #dialog {
        width: 100%; max-width: 76; height: 100%; border: round $accent; background: $surface; padding: 0 1;
    }
    FormScreen #title { text-style: bold; height: 1; }
    FormScreen #told { height: auto; max-height: 35%; scrollbar-size-vertical: 1; }
    FormScreen #told:focus { background: $boost; }
    FormScreen #fields { height: 1fr; scrollbar-size-vertical: 1; }
    FormScreen .field { height: auto; }
    FormScreen .label { color: $text-muted; height: auto; max-height: 2; }
    FormScreen .line { height: 1; }
    FormScreen .line Static { width: 2; }
    FormScreen .roomy .field, FormScreen .roomy #told { margin-bottom: 1; }
    FormScreen .whole { color: $text-muted; height: auto; max-height: 3; display: none; }
    FormScreen .fault { color: $text-error; height: auto; display: none; }
    FormScreen #refusal { color: $text-error; height: auto; max-height: 4; display: none; }
    FormScreen #foot { height: 1; }
    FormScreen #foot Static { width: auto; margin-right: 3; color: $text-muted; }
    FormScreen Choices { background: $surface; }
    """

    def __init__(self, form: Form, submit: Callable[[dict[str, str]], Awaitable[str]]) -> None:
        super().__init__()
        self.form = form
        self._hand_on = submit
        self._under_way: asyncio.Task[str] | None = None

    def compose(self) -> ComposeResult:
        with Vertical(id="dialog"):
            yield _text(self.form.title, id="title")
            if self.form.told:
                with VerticalScroll(id="told", can_focus=False):
                    yield _text("\n".join(self.form.told))
            with VerticalScroll(id="fields", can_focus=False):
                for place, field in enumerate(self.form.fields):
                    with Vertical(classes="field", id=f"field-{place}"):
                        yield from _parts(field, place, self._show_fields)
            yield _text("", id="refusal")
            with Horizontal(id="foot"):
                yield _text("enter do it", id="submit")
                yield _text("esc back", id="leave")

    def on_mount(self) -> None:
        self._fit(self.app.size)
        self._show_fields()
        self.set_focus(self.query("Choices, Input").first())

    def on_resize(self, event: events.Resize) -> None:
        self._fit(event.size)
        self.call_after_refresh(self._settle)

    def _fit(self, size: Size) -> None:
        """No higher than what is asked needs, on a screen that is large."""
        width = max(1, min(WIDTH, size.width) - 5)
        told = sum(1 + cell_len(line) // width for text in self.form.told for line in text.split("\n"))
        fields = sum(1 + max(1, min(len(field.choices), MOST_CHOICES)) for field in self.form.fields)
        dialog, needed, between = self.query_one("#dialog"), 6 + told + fields, 1 + len(self.form.fields)
        dialog.set_class(size.height >= needed + between, "roomy")
        dialog.styles.max_height = needed + between

    def values(self) -> dict[str, str]:
        """What stands in the fields now, by their names."""
        return {field.name: self._value(place, field) for place, field in enumerate(self.form.fields)}

    async def action_submit(self) -> None:
        """Hand the values on, unless something is wrong with them, which is said beside them."""
        if self._under_way is not None:
            return
        values = self.values()
        found = faults(self.form, values)
        self._show_faults(found)
        self._refuse("")
        if not found:
            self._under_way = asyncio.ensure_future(self._hand_on(values))
            self._under_way.add_done_callback(lambda _: self.app.call_later(self._ended))
            self.query_one("#submit", Static).update("being written …")

    def action_leave(self) -> None:
        """Leave without writing; what is being written goes on."""
        self.dismiss(None)

    @on(Input.Submitted)
    async def _entered(self) -> None:
        await self.action_submit()

    def _show_fields(self) -> None:
        """Show the fields that go with what is chosen, and what is chosen as a whole where its line cuts it."""
        values = self.values()
        for place, field in enumerate(self.form.fields):
            self.query_one(f"#field-{place}").display = field.is_shown(values)
            for choices in self.query(f"#chosen-{place}").results(Choices):
                whole = self.query_one(f"#whole-{place}", Static)
                whole.display = choices.is_cut
                whole.update(_shown(choices.label if choices.is_cut else ""))

    async def on_click(self, event: events.Click) -> None:
        named = event.widget.id if event.widget is not None else ""
        if named == "submit":
            await self.action_submit()
        elif named == "leave":
            self.action_leave()

    def _ended(self) -> None:
        """Tell what came of it: here, or as a notice where nobody is here any more."""
        under_way, self._under_way = self._under_way, None
        if under_way is None:
            return
        try:
            sentence = under_way.result()
        except BlackboardError as error:
            if self.is_current:
                self._refuse(str(error))
            else:
                self.app.notify(_shown(str(error)), severity="error", markup=False)
            return
        if self.is_current:
            self.dismiss(sentence)
        else:
            self.app.notify(_shown(sentence), markup=False)

    def _value(self, place: int, field: Field) -> str:
        if not field.choices:
            return self.query_one(f"#typed-{place}", Typed).said
        if len(field.choices) == 1 and field.initial:
            return field.initial
        chosen = self.query_one(f"#chosen-{place}", Choices).chosen
        return field.choices[chosen].value if chosen is not None else ""

    def _show_faults(self, found: Mapping[str, str]) -> None:
        first = True
        for place, field in enumerate(self.form.fields):
            fault = self.query_one(f"#fault-{place}", Static)
            fault.update(_shown(found.get(field.name, "")))
            fault.display = field.name in found
            if field.name in found and first:
                first = False
                for widget in self.query(f"#typed-{place}, #chosen-{place}"):
                    widget.focus()
                self.call_after_refresh(fault.scroll_visible, animate=False)

    def _refuse(self, why: str) -> None:
        """Say why nothing was written; ``""`` for nothing to say."""
        refusal = self.query_one("#refusal", Static)
        refusal.update(_shown(why))
        refusal.display = bool(why)
        self.query_one("#submit", Static).update("enter do it")

    def _settle(self) -> None:
        """Let the background be scrolled by keys where it is too long, and keep what has the keys in sight."""
        most = max(1, min(MOST_CHOICES, self.query_one("#fields").size.height - 1))
        for choices in self.query(Choices):
            choices.styles.max_height = most
        self._show_fields()
        for told in self.query("#told"):
            told.can_focus = told.max_scroll_y > 0
        if self.focused is not None:
            self.focused.scroll_visible(animate=False)


def _parts(field: Field, place: int, changed: Callable[[], None]) -> ComposeResult:
    """The widgets of a field: its label with what to say beside it, where it is filled in, what is wrong with it."""
    hint = f" · {field.hint}" if field.hint else ""
    if len(field.choices) == 1 and field.initial:
        yield _text(f"{field.label}: {field.choices[0].label}", classes="label")
    else:
        yield _text(f"{field.label}{hint}", classes="label")
        if field.choices:
            initial = next((n for n, choice in enumerate(field.choices) if choice.value == field.initial), None)
            labels = [choice.label for choice in field.choices]
            yield Choices(labels, initial, changed=changed, id=f"chosen-{place}")
            yield _text("", id=f"whole-{place}", classes="whole")
        else:
            with Horizontal(classes="line"):
                yield _text("› ")
                yield Typed(field.initial, id=f"typed-{place}")
    yield _text("", id=f"fault-{place}", classes="fault")


def _text(text: str, *, id: str | None = None, classes: str | None = None) -> Static:  # noqa: A002  # as every widget names it
    """``text`` as a widget that takes nothing in it for anything but text."""
    return Static(_shown(text, most=None), id=id, classes=classes, markup=False)


def _shown(text: str, *, most: int | None = MOST_TOLD) -> str:
    return sanitize(text if most is None or len(text) <= most else text[: most - 1] + "…", keep="\n")
