"""What is shown: the panes of the board as it is now, or of a journey through what it was."""

from __future__ import annotations

import asyncio
from time import perf_counter
from typing import TYPE_CHECKING, Final

from blackboard.errors import NoBackend
from controller.viewer.headline import Moment
from controller.viewer.journey import Journey
from controller.viewer.panes.agenda import AgendaPane
from controller.viewer.panes.agents import AgentsPane
from controller.viewer.panes.board import BoardPane
from controller.viewer.panes.escalations import EscalationsPane
from controller.viewer.panes.log import LogPane
from controller.viewer.panes.run import RunPane
from controller.viewer.playing import FIRST, PACES, Player
from controller.viewer.sight import Sight
from controller.viewer.told_agenda import ToldAgenda

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from controller.viewer.filtering import Filter
    from controller.viewer.model import Model
    from controller.viewer.pane import Pane
    from controller.viewer.preferences import Preferences
    from controller.viewer.watching import Watch

ACTIVATIONS_AT_ONCE: Final = 400
"""that a new model looks into between two pictures"""
PATIENCE_S: Final = 1.5
"""that a step may take"""
VIEWS: Final = ("board", "agenda", "agents", "log", "escalations", "run")


def panes_of(model: Model) -> dict[str, Pane]:
    """The six views of ``model`` by name."""
    panes: tuple[Pane, ...] = (
        BoardPane(model), AgendaPane(model), AgentsPane(model), LogPane(model), EscalationsPane(model), RunPane(model),
    )  # fmt: skip
    return dict(zip(VIEWS, panes, strict=True))


class Stage:
    """One model at a time with its panes; how they are sorted, folded and filtered goes with the user."""

    def __init__(self, watch: Watch) -> None:
        self.watch = watch
        self.journey: Journey | None = None
        self.model = watch.model
        self.panes: Mapping[str, Pane] = panes_of(self.model)
        self.filters: dict[str, Filter | None] = {}
        self._moving = asyncio.Lock()
        """held by who goes to another moment: two at once would both set out, and one never let go of the log"""
        self._going: asyncio.Task[None] | None = None
        self._pace = FIRST
        self._player: Player | None = None
        self._played_s = 0.0
        self._told = ToldAgenda()

    @property
    def sight(self) -> Sight:
        """Where details are read from."""
        journey = self.journey
        if journey is None:
            return self.watch.sight
        return Sight(self.watch.board, journey.state, journey.model, journey.revision)

    @property
    def now_ms(self) -> int:
        """The moment that is shown, by the server's clock."""
        return self.watch.now_ms if self.journey is None else self.journey.time_ms

    @property
    def moment(self) -> Moment | None:
        """The moment of the past that is shown; ``None`` for now."""
        journey = self.journey
        if journey is None:
            return None
        return Moment(journey.revision, journey.head, journey.time_ms, playing=self.playing)

    def keep_up(self) -> bool:
        """Make the panes of the model that counts now; whether it has become another one."""
        model = self.watch.model if self.journey is None else self.journey.model
        if model is self.model:
            return False
        former, self.model = self.panes, model
        self.panes = panes_of(model)
        for name, pane in self.panes.items():
            pane.sort_by(former[name].sort)
            pane.hidden |= former[name].hidden
            pane.filter_by(self.filters.get(name))
        before, board = former["board"], self.panes["board"]
        if isinstance(before, BoardPane) and isinstance(board, BoardPane):
            board.folded = before.folded
        return True

    def prefer(self, preferences: Preferences) -> None:
        """Sort and show the columns as a person did last time, as far as there still are such."""
        for name, pane in self.panes.items():
            if preferences.sorts.get(name) in pane.sorts:
                pane.sort_by(preferences.sorts[name])
            hidden = set(preferences.hidden.get(name, ())) & set(pane.columns)
            if len(hidden) < len(pane.columns):
                pane.hidden |= hidden

    def note(self, preferences: Preferences) -> None:
        """Write into ``preferences`` how the panes are sorted and which columns they lack."""
        preferences.sorts = {name: pane.sort for name, pane in self.panes.items() if pane.sort != pane.sorts[0]}
        preferences.hidden = {name: sorted(pane.hidden) for name, pane in self.panes.items() if pane.hidden}

    @property
    def state(self) -> tuple[object, ...]:
        """Something else whenever what is shown may look otherwise."""
        watch, model = self.watch, self.model
        return (
            id(model), model.revision, id(model.agenda), len(model.changes), self.now_ms // 1000,
            watch.hidden, int(watch.silent_s), watch.model is model,
        )  # fmt: skip

    def busy(self, shown: Iterable[str]) -> bool:
        """Whether the views ``shown`` have more to take in, to sort or to filter than they do at once."""
        names = list(shown)
        untold = "agenda" in names and not self.agenda_told
        return untold or self.model.busy or any(self.panes[name].busy for name in names)

    def filter_by(self, view: str, wanted: Filter | None) -> None:
        """Show in ``view`` what ``wanted`` accepts, now and when its model changes."""
        self.filters[view] = wanted
        self.panes[view].filter_by(wanted)

    async def travel(self, moment: str) -> None:
        """Show the board as it was at ``moment``; raises what reading the past raises.

        Who comes back meanwhile stays in the present.
        """
        async with self._moving:
            if self.watch.silent_s:
                raise NoBackend("the server does not answer: the past cannot be read")
            going = self._going = asyncio.create_task(self._go(moment), name="blackboard-journey")
            try:
                await asyncio.wait([going])
            finally:
                self._going = None
                going.cancel()  # where it has not ended, nobody waits for it any more
            if not going.cancelled():
                going.result()

    async def _go(self, moment: str) -> None:
        if self.journey is not None:
            await self.journey.go(moment)
        else:
            self.journey = await Journey.begin(self.watch.board, moment)

    @property
    def away(self) -> bool:
        """Whether the past is shown, or is about to be."""
        return self.journey is not None or self._going is not None

    async def come_back(self) -> None:
        """Show the present again; a way into the past that is under way is given up."""
        if self._going is not None:
            self._going.cancel()
        async with self._moving:
            journey, self.journey, self._player = self.journey, None, None
            if journey is not None:
                await journey.close()

    async def step(self, by: int) -> None:
        """Go ``by`` revisions on, or back, in the past; raises :class:`NoBackend` where that cannot be read at once."""
        if self.journey is None:
            return
        try:
            async with asyncio.timeout(PATIENCE_S):  # keys are not answered meanwhile
                await self.journey.step(by)
        except TimeoutError as error:
            raise NoBackend("the server does not answer: what comes there cannot be read") from error

    @property
    def playing(self) -> str:
        """How fast the past is played, such as ``10/s``; ``""`` where it stands still."""
        return str(PACES[self._pace]) if self._player is not None else ""

    def stop_playing(self) -> None:
        """Let the past stand still."""
        self._player = None

    def turn_playing(self) -> None:
        """Play from here on, or stop."""
        if self._player is not None or self.journey is None:
            self._player = None
        else:
            self._player, self._played_s = Player(self.journey, PACES[self._pace]), perf_counter()

    def hasten(self, *, faster: bool) -> None:
        """Play at the next pace, or at the one before."""
        self._pace = max(0, min(len(PACES) - 1, self._pace + (1 if faster else -1)))
        if self._player is not None:
            self._player.pace = PACES[self._pace]

    async def play(self) -> int:
        """Take the steps that are due, and tell how many; at the end of the log it stops."""
        self.model.work(ACTIVATIONS_AT_ONCE)
        if self._player is None:
            return 0
        player, now_s = self._player, perf_counter()
        elapsed_s, self._played_s = now_s - self._played_s, now_s
        if self.watch.silent_s:  # it goes on when the server answers again
            return 0
        taken = await player.tick(1000 * elapsed_s)
        if player.at_end and self._player is player:
            self._player = None
        return taken

    @property
    def agenda_told(self) -> bool:
        """Whether there is an agenda of what is shown; one that is played need not be of this very moment."""
        if self.journey is None:
            return self.watch.model.agenda is not None
        return bool(self.playing) or self._told.is_of(self.journey.model)

    def tell_agenda(self) -> None:
        """Let the records tell the agenda of the past, and of a board whose agenda nobody publishes."""
        if self.journey is not None:
            self._told.keep(self.journey.model, self.journey.time_ms)
        elif self.watch.model.agenda is None or "told_from" in self.watch.model.agenda:
            self._told.keep(self.watch.model, self.watch.now_ms)

    async def close(self) -> None:
        """Let go of the log and of what is under way."""
        await self.come_back()
        await self._told.close()
