"""The screen of a board as it is laid out and drawn: its views, and what is opened on top of them."""

from __future__ import annotations

from time import perf_counter
from typing import TYPE_CHECKING, Final

from textual.containers import Horizontal, Vertical
from textual.screen import Screen

from blackboard.errors import BlackboardError
from controller.viewer.app.bars import Bar, Word, WordBar
from controller.viewer.app.line_view import LineView
from controller.viewer.app.notice import Notice
from controller.viewer.app.prompt import Prompt
from controller.viewer.app.stage import VIEWS, Stage
from controller.viewer.app.trail import Trail
from controller.viewer.headline import headline
from controller.viewer.keys import key_of
from controller.viewer.panes.board import BoardPane
from controller.viewer.plain_detail import PlainDetail

if TYPE_CHECKING:
    from textual.app import ComposeResult

    from blackboard.log import Change
    from controller.viewer.line import Meaning
    from controller.viewer.pane import Pane
    from controller.viewer.preferences import Preferences
    from controller.viewer.watching import Watch
    from controller.viewer.writing import Writing

FRAME_S: Final = 0.4
"""from a change of the board to its being seen, at most"""
BUSY_S: Final = 0.02
"""as above, while a pane sorts or filters in slices, which somebody waits for: then it rests only as long as it drew"""
SHARE: Final = 12
"""Drawing what the board does takes at most one part in so many of the time; keys are answered at once."""
WIDE: Final = (110, 30)
"""columns and lines from which on all views are shown together"""
MAIN_KEYS: Final = (
    "help", "quit", "open", "back", "filter", "jump", "sort", "follow", "pause", "travel", "older", "newer", "slower",
    "faster", "diff", "why",
    "act", "fold", "copy", "zoom", "columns", "theme",
)  # fmt: skip
"""as the footer names them, those that it must not lack first"""


class ViewsScreen(Screen[None]):
    """All views beside each other where there is room, else one; a detail covers them."""

    DEFAULT_CSS = """
    ViewsScreen { layout: vertical; background: $background; }
    ViewsScreen #views { height: 1fr; }
    ViewsScreen #columns { height: 5fr; }
    ViewsScreen .column { width: 1fr; height: 1fr; }
    ViewsScreen #left { padding-right: 1; }
    ViewsScreen #board { height: 3fr; }
    ViewsScreen #agents { height: 2fr; }
    ViewsScreen #agenda { height: 3fr; }
    ViewsScreen #log { height: 3fr; }
    ViewsScreen #detail { display: none; }
    ViewsScreen #tabs { display: none; }
    ViewsScreen.single #tabs { display: block; }
    ViewsScreen.single #views LineView { display: none; }
    ViewsScreen.single #views LineView.front { display: block; height: 1fr; }
    ViewsScreen.single #left { padding-right: 0; }
    ViewsScreen.single .column { display: none; }
    ViewsScreen.single .column.front { display: block; width: 1fr; }
    ViewsScreen.single #columns { display: none; height: 1fr; }
    ViewsScreen.single #columns.front { display: block; }
    ViewsScreen.detailed #views, ViewsScreen.detailed #tabs { display: none; }
    ViewsScreen.detailed #detail { display: block; height: 1fr; }
    """

    def __init__(
        self,
        watch: Watch,
        preferences: Preferences,
        writing: Writing | None = None,
        *,
        view: str = VIEWS[0],
        moment: str = "",
    ) -> None:
        super().__init__()
        self.live = watch
        self.stage = Stage(watch)
        self.preferences = preferences
        self.writing = writing
        self.trail = Trail()
        self.front = view
        self.zoomed = False
        self._moment = moment
        self._headline = Bar(id="headline")
        self._notice = Notice(id="notice")
        self._words = {name: WordBar(id=name) for name in ("tabs", "keys")}
        self.prompt = Prompt(id="prompt")
        self.stage.prefer(preferences)
        self.views = {name: LineView(pane, id=name) for name, pane in self.stage.panes.items()}
        self.views["log"].following = True
        self.detail = LineView(PlainDetail("", []), id="detail")
        self._seen: tuple[object, ...] = ()
        watch.heard = self._changed

    def compose(self) -> ComposeResult:
        views = self.views
        yield self._headline
        yield self._words["tabs"]
        with Vertical(id="views"):
            with Horizontal(id="columns"):
                with Vertical(id="left", classes="column"):
                    yield views["board"]
                    yield views["agents"]
                with Vertical(id="right", classes="column"):
                    yield views["agenda"]
                    yield views["escalations"]
                    yield views["run"]
            yield views["log"]
        yield self.detail
        yield self._notice
        yield self.prompt
        yield self._words["keys"]

    def on_mount(self) -> None:
        self.go_to_view(self.front)
        self.set_timer(FRAME_S, self._keep_painting)
        if self._moment:
            self.run_worker(self.travel(self._moment))

    def on_resize(self) -> None:
        self.lay_out()
        self.trail.fit(self.room)
        self.paint()

    @property
    def room(self) -> int:
        """Cells of a line in a detail."""
        return max(20, self.size.width - 1)

    @property
    def shown(self) -> LineView:
        """What the keys act on."""
        return self.detail if len(self.trail) else self.views[self.front]

    @property
    def pane(self) -> Pane:
        return self.stage.panes[self.front]

    def lay_out(self) -> None:
        width, height = self.size
        single = self.zoomed or width < WIDE[0] or height < WIDE[1]
        self.set_class(single, "single")
        self.set_class(bool(len(self.trail)), "detailed")
        front = self.views[self.front]
        around = {front, *front.ancestors}
        for widget in (*self.views.values(), *self.query("#columns, .column")):
            widget.set_class(widget in around, "front")
        if not self.prompt.asking:
            self.set_focus(self.shown)  # at once: the next key is meant for it
        self.call_after_refresh(self.paint)  # a view has no size before, and what has none is not drawn

    def _changed(self, change: Change | None) -> None:
        self.trail.note(change.key if change is not None else "")

    async def _keep_painting(self) -> None:
        """Draw what the board does, now and again, and rest in proportion to what that takes."""
        started = perf_counter()
        try:
            if self.live.ended is not None:
                self.app.exit()
                return
            await self._play()
            await self._freshen()
            if self.views["agenda"].is_on_screen:
                self.stage.tell_agenda()
            seen = self.stage.state
            if seen != self._seen or self.busy:
                self._seen = seen
                self.paint()
        finally:
            rest_s, times = (BUSY_S, 1) if self.busy else (FRAME_S, SHARE)
            self.set_timer(max(rest_s, times * (perf_counter() - started)), self._keep_painting)

    async def _play(self) -> None:
        try:
            if await self.stage.play():
                self.trail.moved()
        except BlackboardError as error:
            self.stage.stop_playing()
            self.tell(str(error), "bad")

    @property
    def busy(self) -> bool:
        return self.stage.busy(name for name, view in self.views.items() if view.is_on_screen)

    async def _freshen(self) -> None:
        try:
            if await self.trail.freshen():
                self.paint()
        except BlackboardError as error:
            self.tell(str(error), "bad")
            self.show_opened()

    def show_opened(self) -> None:
        """Show what is open on top by now, where that is another than before."""
        if self.trail.top is not self.detail.rows:
            self.show_top("")
        else:
            self.lay_out()

    def show_top(self, place: str) -> None:
        """Show what is open on top, the cursor at ``place``, or the views where nothing is."""
        if self.trail.top is not None:
            self.detail.show(self.trail.top, place)
        self.lay_out()

    def paint(self) -> None:
        """Draw everything in sight as it is now."""
        if self.stage.keep_up():
            for name, pane in self.stage.panes.items():
                self.views[name].show(pane)
            self.trail.see(self.stage.sight)
        now_ms = self.stage.now_ms
        for name, view in (("", self.detail), *self.views.items()):
            if view.is_on_screen or (not name and len(self.trail)):
                if name:
                    self.stage.panes[name].refresh()
                    wanted = self.stage.filters.get(name)
                    view.only = wanted.text if wanted is not None else ""
                view.paint(now_ms)
        self._headline.say(headline(
            self.stage.model, now_ms, self.size.width, silent_s=self.live.silent_s,
            moment=self.stage.moment, hidden=self.live.hidden if self.live.paused else None,
            writable=self.writing is not None,
        ))  # fmt: skip
        self._words["tabs"].offer(
            [Word(str(n), name, f"view {name}", lit=name == self.front) for n, name in enumerate(VIEWS, 1)]
        )
        usable = self.usable()
        self._words["keys"].offer([Word(key_of(a).shown, usable[a], a) for a in MAIN_KEYS if a in usable])

    def usable(self) -> dict[str, str]:
        """What can be done now: action → the word for it."""
        detail, pane, past = self.trail.top, self.pane, self.stage.journey is not None
        found = {name: key_of(name).word for name in ("help", "open", "jump", "travel", "copy", "theme", "quit")}
        found["pause"] = (
            ("stop" if self.stage.playing else "play") if past else "go on" if self.live.paused else "pause"
        )
        if past:
            found |= {"older": "back", "newer": "on"}
        if self.stage.playing:
            found |= {"slower": "slower", "faster": "faster"}
        if self.writing is not None and not past:
            found["act"] = "act"
        if detail is not None:
            return {**found, "back": "back", **detail.actions}
        found |= {"filter": "filter", "why": "why", "zoom": "zoom" if not self.zoomed else "all views"}
        if self.stage.filters.get(self.front) is not None:
            found["back"] = "all lines"
        elif past:
            found["back"] = "the present"
        if len(pane.sorts) > 1:
            found["sort"] = f"sort: {pane.sort}"
        if pane.columns:
            found["columns"] = "columns"
        if isinstance(pane, BoardPane):
            found["fold"] = "fold"
        found["follow"] = "follow" if not self.shown.following else "let go"
        return found

    async def travel(self, moment: str) -> None:
        """Show the board as it was at ``moment``; what keeps it from that is said."""
        try:
            await self.stage.travel(moment)
        except BlackboardError as error:
            self.tell(str(error), "bad")
        self.paint()

    def tell(self, text: str, meaning: Meaning = "", *, lasting: bool = False) -> None:
        """Say ``text`` above the footer for a while; ``lasting``: whenever nothing else is said there."""
        self._notice.say(text, meaning, self.size.width, lasting=lasting)

    def go_to_view(self, name: str) -> None:
        """Go to the view ``name``."""
        self.front = name
        self.trail.close()
        self.lay_out()
        self.paint()
