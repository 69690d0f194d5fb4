"""A small list over the screen, to choose a deed from: what can be done about each thing that is looked at."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, NamedTuple

from textual import on
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Static

from controller.viewer.app.choices import Choices

if TYPE_CHECKING:
    from collections.abc import Sequence

    from textual.app import ComposeResult
    from textual.binding import BindingType

    from controller.viewer.deeds import Deed
    from controller.viewer.target import Target


class Offer(NamedTuple):
    """A deed, and what it would be about; ``None``: the board."""

    target: Target | None
    deed: Deed


class Group(NamedTuple):
    """What can be done about one thing."""

    title: str
    offers: tuple[Offer, ...]


class MenuScreen(ModalScreen["Offer | None"]):
    """Choose one of what ``groups`` offer; dismissed with it, or with ``None``."""

    BINDINGS: ClassVar[list[BindingType]] = [("enter", "choose", "choose"), ("escape,q", "dismiss", "back")]
    DEFAULT_CSS = """
    MenuScreen { align: center middle; }
    MenuScreen > Vertical {
        width: 64; max-width: 100%; height: auto; max-height: 100%; border: round $accent; background: $surface;
        padding: 0 1;
    }
    MenuScreen .foot { color: $text-muted; height: 1; }
    MenuScreen Choices { background: $surface; }
    """

    def __init__(self, groups: Sequence[Group]) -> None:
        super().__init__()
        self._rows: list[Offer | str] = []
        for group in groups:
            if group.offers:
                self._rows += [group.title, *group.offers]

    def compose(self) -> ComposeResult:
        widest = max((len(row.deed.word) for row in self._rows if isinstance(row, Offer)), default=0)
        labels = [
            f"{row.deed.word:<{widest}}  {row.deed.told}" if isinstance(row, Offer) else row for row in self._rows
        ]
        with Vertical():
            if self._rows:
                headings = frozenset(place for place, row in enumerate(self._rows) if isinstance(row, str))
                yield Choices(labels, 1, headings=headings)
            else:
                yield Static("nothing can be done about this now", markup=False)
            yield Static("enter choose · esc back", classes="foot", markup=False)

    def on_mount(self) -> None:
        self._fit()
        if self._rows:
            self.set_focus(self.query_one(Choices))

    def on_resize(self) -> None:
        self._fit()

    @on(Choices.Picked)
    def action_choose(self) -> None:
        """Hand on what is chosen."""
        if not self.is_current:
            return
        chosen = self._rows[self.query_one(Choices).chosen or 0] if self._rows else None
        self.dismiss(chosen if isinstance(chosen, Offer) else None)

    def _fit(self) -> None:
        for choices in self.query(Choices):
            choices.styles.max_height = max(1, self.size.height - 3)
