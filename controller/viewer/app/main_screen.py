"""What each key does on the screen of a board."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Final

from textual.binding import Binding, BindingType

from blackboard.errors import BlackboardError
from blackboard.wording import first_line
from controller.viewer.app.acting import act
from controller.viewer.app.line_view import LineView
from controller.viewer.app.stage import VIEWS
from controller.viewer.app.views_screen import ViewsScreen
from controller.viewer.columns import ColumnChoice
from controller.viewer.details.opening import detail_of
from controller.viewer.filtering import Filter
from controller.viewer.help import help_for
from controller.viewer.keys import KEYS
from controller.viewer.panes.board import BoardPane
from controller.viewer.places import place_named
from controller.viewer.writing import REFUSED

if TYPE_CHECKING:
    from textual import events

    from controller.viewer.app.bars import WordBar
    from controller.viewer.app.prompt import Prompt
    from controller.viewer.details.detail import Detail
    from controller.viewer.target import Target

MOST_SAID: Final = 300
"""characters of what is wrong with what was typed"""
SHIFT: Final = 8
"""cells that long lines move to the side at once"""
QUESTIONS: Final = {
    "filter": "show only: a word, a pattern (refund/* where amount > 5) or a condition (level == 'high'); nothing: all",
    "jump": "go to: a view, a record's key, 'agent NAME', 'case KEY', the beginning of an activation's id",
    "travel": "as it was at: a revision, -10, a commit, a snapshot's name, a time (10:47:30), 'oldest' or 'now'",
}


class MainScreen(ViewsScreen):
    """The views of a board under the keys of :mod:`controller.viewer.keys`."""

    AUTO_FOCUS = ""  # else the first view has the focus before the one that was asked for can take it
    BINDINGS: ClassVar[list[BindingType]] = [
        *(Binding(",".join(key.keys), f"press('{key.action}')", key.word, show=False) for key in KEYS),
        *(Binding(str(n), f"press('view {name}')", name, show=False) for n, name in enumerate(VIEWS, 1)),
    ]

    async def action_press(self, action: str) -> None:
        """Do what a key is for; what cannot be done is said."""
        name, _, of = action.partition(" ")
        try:
            if name == "view":
                self.go_to_view(of)
            else:
                await getattr(self, f"do_{name}")()
        except BlackboardError as error:
            self.tell(str(error), "bad")
        self.paint()

    async def on_word_bar_chosen(self, message: WordBar.Chosen) -> None:
        await self.action_press(message.action)

    async def on_line_view_opened(self, message: LineView.Opened) -> None:
        await self.action_press("open")

    def on_descendant_focus(self, event: events.DescendantFocus) -> None:
        """A click on a view brings it to the front."""
        if isinstance(event.widget, LineView) and event.widget.id in VIEWS:
            self.front = event.widget.id

    async def open(self, detail: Detail) -> None:
        """Put ``detail`` on top of what is shown."""
        await self.trail.open(detail, self.room, self.detail.identity)
        self.show_opened()

    async def open_target(self, target: Target) -> None:
        """Open what ``target`` names."""
        await self.open(detail_of(target, self.stage.sight))

    async def do_open(self) -> None:
        top = self.trail.top
        if isinstance(top, ColumnChoice):
            top.turn(self.shown.row)
            return
        target = self.shown.target
        if target is not None:
            await self.open_target(target)
        elif top is None and isinstance(self.pane, BoardPane):
            await self.do_fold()

    async def do_back(self) -> None:
        if self.prompt.asking:
            self.prompt.end()
            self.lay_out()
            if self.stage.journey is None:
                await self.stage.come_back()  # where it has just been asked to leave
        elif self.trail.top is not None:
            self.show_top(self.trail.back())
        elif self.stage.filters.get(self.front) is not None:
            self.stage.filter_by(self.front, None)
        elif self.stage.away:
            await self.stage.come_back()

    async def do_down(self) -> None:
        self.shown.move(1)

    async def do_up(self) -> None:
        self.shown.move(-1)

    async def do_left(self) -> None:
        self.shown.shift(-SHIFT)

    async def do_right(self) -> None:
        self.shown.shift(SHIFT)

    async def do_page_down(self) -> None:
        self.shown.move(self.shown.page)

    async def do_page_up(self) -> None:
        self.shown.move(-self.shown.page)

    async def do_top(self) -> None:
        self.shown.following = False
        self.shown.go_to(0)

    async def do_bottom(self) -> None:
        self.shown.go_to(len(self.shown.rows) - 1)

    async def do_next(self) -> None:
        self.go_to_view(VIEWS[(VIEWS.index(self.front) + 1) % len(VIEWS)])

    async def do_previous(self) -> None:
        self.go_to_view(VIEWS[VIEWS.index(self.front) - 1])

    async def do_zoom(self) -> None:
        self.zoomed = not self.zoomed
        self.lay_out()

    async def do_jump(self) -> None:
        self.prompt.ask("jump", QUESTIONS["jump"], hints=[*VIEWS, *sorted(self.stage.model.agents)])

    async def do_filter(self) -> None:
        if self.trail.top is None:
            present = self.stage.filters.get(self.front)
            self.prompt.ask("filter", QUESTIONS["filter"], text=present.text if present is not None else "")

    async def do_travel(self) -> None:
        self.prompt.ask("travel", QUESTIONS["travel"], text="" if self.stage.journey is not None else "-1")

    async def on_prompt_given(self, message: Prompt.Given) -> None:
        """Take what was typed; what is wrong with it is said, and it stays to be mended."""
        try:
            await self._take(message.question, message.text.strip())
        except BlackboardError as error:
            self.prompt.refuse(first_line(str(error), MOST_SAID))
        else:
            self.prompt.end()
            self.lay_out()
        self.paint()

    async def _take(self, question: str, text: str) -> None:
        if question == "filter":
            self.stage.filter_by(self.front, Filter.parse(text) if text else None)
        elif question == "travel" and text in ("", "now"):
            await self.stage.come_back()
        elif question == "travel":
            await self.stage.travel(text)
            self.trail.see(self.stage.sight)
        elif text:
            place = place_named(text, VIEWS, self.stage.model)
            if isinstance(place, str):
                self.go_to_view(place)
            else:
                await self.open_target(place)

    async def do_sort(self) -> None:
        if self.trail.top is None:
            pane = self.pane
            pane.sort_by(pane.sorts[(pane.sorts.index(pane.sort) + 1) % len(pane.sorts)])

    async def do_columns(self) -> None:
        if self.trail.top is None and self.pane.columns:
            await self.open(ColumnChoice(self.pane))

    async def do_fold(self) -> None:
        if self.trail.top is None and isinstance(self.pane, BoardPane) and self.shown.row >= 0:
            self.pane.toggle(self.shown.row)

    async def do_follow(self) -> None:
        if self.trail.top is None:
            self.shown.following = not self.shown.following

    async def do_pause(self) -> None:
        if self.stage.journey is not None:
            self.stage.turn_playing()
        elif self.live.paused:
            self.live.go_on()
        else:
            self.live.pause()

    async def do_slower(self) -> None:
        self.stage.hasten(faster=False)

    async def do_faster(self) -> None:
        self.stage.hasten(faster=True)

    async def do_older(self) -> None:
        await self._to_version("older", -1)

    async def do_newer(self) -> None:
        await self._to_version("newer", 1)

    async def _to_version(self, action: str, by: int) -> None:
        if self.trail.top is not None and action in self.trail.top.actions:
            await self.trail.read(self.trail.top.do(action))
        elif self.stage.journey is not None:
            await self.stage.step(by)
            self.trail.moved()

    async def do_diff(self) -> None:
        await self._in_detail("diff")

    async def do_why(self) -> None:
        if self.trail.top is None and self.shown.target is not None:
            await self.open_target(self.shown.target)
        await self._in_detail("why")

    async def _in_detail(self, action: str) -> None:
        top = self.trail.top
        if top is not None and action in top.actions:
            await self.trail.read(top.do(action))

    async def do_act(self) -> None:
        if self.writing is None:
            self.tell("this viewer only reads; start it with --write to act", "warn")
        elif self.stage.journey is not None:
            self.tell("this is the past; esc leads back to the present", "warn")
        else:
            top = self.trail.top
            looked_at = (self.shown.target, top.about if top is not None else None)
            targets = [one for one in looked_at if one is not None]
            act(self.app, self.writing, targets, self.stage.model, self._done)

    def _done(self, sentence: str) -> None:
        self.tell(sentence, "warn" if sentence.startswith(REFUSED) else "good")

    async def do_copy(self) -> None:
        text = self.shown.text
        if text:
            self.app.copy_to_clipboard(text)
            self.tell(f"copied: {text}", "good")

    async def do_theme(self) -> None:
        await self.app.run_action("next_theme")

    async def do_help(self) -> None:
        await self.open(help_for(self.front, self.usable()))

    async def do_quit(self) -> None:
        self.app.exit()
