"""A small list over the screen, to choose a deed from."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Static

from blackboard.terminal import sanitize
from controller.viewer.app.choices import Choices
from controller.viewer.deeds import Deed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from textual.app import ComposeResult
    from textual.binding import BindingType


class MenuScreen(ModalScreen[Deed | None]):
    """Choose one of ``deeds``; dismissed with it, or with ``None``."""

    BINDINGS: ClassVar[list[BindingType]] = [("enter", "choose", "choose"), ("escape,q", "dismiss", "back")]
    DEFAULT_CSS = """
    MenuScreen { align: center middle; }
    MenuScreen > Vertical {
        width: 64; max-width: 100%; height: auto; max-height: 100%; border: round $accent; background: $surface;
        padding: 0 1;
    }
    MenuScreen .title { text-style: bold; height: 1; }
    MenuScreen .foot { color: $text-muted; height: 1; }
    MenuScreen Choices { background: $surface; }
    """

    def __init__(self, deeds: Sequence[Deed], title: str = "What is to be done?") -> None:
        super().__init__()
        self._deeds = tuple(deeds)
        self._says = title

    def compose(self) -> ComposeResult:
        widest = max((len(deed.word) for deed in self._deeds), default=0)
        with Vertical():
            yield Static(sanitize(self._says), classes="title", markup=False)
            if self._deeds:
                yield Choices([f"{deed.word:<{widest}}  {deed.told}" for deed in self._deeds], 0)
            else:
                yield Static("nothing can be done about this now", markup=False)
            yield Static("enter choose · esc back", classes="foot", markup=False)

    def on_mount(self) -> None:
        self._fit()

    def on_resize(self) -> None:
        self._fit()

    @on(Choices.Picked)
    def action_choose(self) -> None:
        """Hand on what is chosen."""
        chosen = self.query_one(Choices).chosen if self._deeds else None
        self.dismiss(self._deeds[chosen] if chosen is not None else None)

    def _fit(self) -> None:
        for choices in self.query(Choices):
            choices.styles.max_height = max(1, self.size.height - 4)
