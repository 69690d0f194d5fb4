"""The run: how far it is, how fast it goes, what it has cost of what it may cost, and what the runtime takes of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from controller.viewer.amounts import sentence
from controller.viewer.census import Census
from controller.viewer.line import Line, Span, cells, cut, plain, said
from controller.viewer.model import MOST_CHANGES
from controller.viewer.rates import rates
from controller.viewer.run_lines import Told, run_lines, status_of
from controller.viewer.spending import Spending

if TYPE_CHECKING:
    from blackboard.log import Change
    from controller.viewer.filtering import Filter
    from controller.viewer.model import Model
    from controller.viewer.rates import Rates
    from controller.viewer.target import Target

LABEL: Final = 13
RECKONED_EACH_MS: Final = 500
MANY: Final = 100
"""commits a second"""


class RunPane:
    """A :class:`controller.viewer.pane.Pane` of lines, each about one side of the run."""

    name = "run"
    sorts: tuple[str, ...] = ("order",)

    def __init__(self, model: Model) -> None:
        self.sort = self.sorts[0]
        self.columns: tuple[str, ...] = ()
        self.hidden: set[str] = set()
        self._model = model
        self._census = Census(model)
        self._spending = Spending()
        self._wanted: Filter | None = None
        self._lines: list[Told] = []
        self._now_ms = model.time_ms
        """when a line was last asked for"""
        self._rates: tuple[int, Change | None, Rates] | None = None
        """with the time and the newest change that they are of"""

    @property
    def title(self) -> str:
        """Which scenario is run, and how that stands."""
        run = self._model.run
        counting = " · counting" if self.busy else ""
        if run is None:
            return "Run"
        return f"Run · {said(sentence(run['scenario'])).text} {status_of(run).text}{counting}"

    @property
    def busy(self) -> bool:
        """Whether there is more to take in than one call of :meth:`refresh` does."""
        return self._census.busy

    def refresh(self) -> None:
        """Take in what has changed in the model since the last call, or a part of it."""
        self._census.refresh()
        self._spending.refresh(self._model.tallies)
        told = run_lines(self._model, self._census, self._spending.total, self._rates_at)
        self._lines = [line for line in told if self._wanted is None or self._accepts(self._wanted, line)]

    def sort_by(self, name: str) -> None:
        """Sort by one of :attr:`sorts`; raises ``ValueError`` for any other name."""
        self.sort = self.sorts[self.sorts.index(name)]

    def filter_by(self, wanted: Filter | None) -> None:
        """Show the lines that ``wanted`` accepts, ``None`` for all."""
        self._wanted = wanted
        self.refresh()

    def heading(self, width: int) -> Line | None:
        """There are no columns."""
        return None

    def __len__(self) -> int:
        return len(self._lines)

    def line(self, row: int, width: int, now_ms: int) -> Line:
        """One row on at most ``width`` cells."""
        self._now_ms = now_ms
        told = self._lines[row]
        spans, left = [], width
        for span in (Span(cut(told.label, LABEL), "dim"), *told.spans(now_ms)):
            if cells(span.text) > left:
                spans.append(Span(cut(span.text, left), span.meaning))
                break
            spans.append(span)
            left -= cells(span.text)
        return tuple(spans)

    def identity(self, row: int) -> str:
        """What the line is about."""
        return self._lines[row].name

    def row_of(self, identity: str) -> int | None:
        """Where the line about that is now."""
        return next((row for row, told in enumerate(self._lines) if told.name == identity), None)

    def target(self, row: int) -> Target | None:
        """A line is no one thing that could be opened."""
        return None

    def text(self, row: int) -> str:
        """The line itself, as it was last drawn."""
        return _words(self._lines[row], self._now_ms)

    def _accepts(self, wanted: Filter, told: Told) -> bool:
        words = _words(told, self._now_ms)
        return wanted.accepts({"name": told.name, "text": words}, words)

    def _rates_at(self, now_ms: int) -> Rates:
        """Of a board that changes a lot reckoned no more than twice in a second: all its latest changes are looked at."""
        changes = self._model.changes
        newest = changes[-1] if changes else None
        if self._rates is not None:
            at_ms, of, found = self._rates
            if at_ms == now_ms and of is newest:
                return found
            if found.commits > MANY and 0 <= now_ms - at_ms < RECKONED_EACH_MS:
                return found
        found = rates(changes, now_ms, most=MOST_CHANGES)
        self._rates = now_ms, newest, found
        return found


def _words(told: Told, now_ms: int) -> str:
    return f"{told.label} {plain(told.spans(now_ms))}".strip()
