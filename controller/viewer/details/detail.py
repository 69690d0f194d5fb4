"""What is opened for a target: rows that are read first, and that something can be done with."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from controller.viewer.pane import Rows

if TYPE_CHECKING:
    from collections.abc import Mapping

    from controller.viewer.sight import Sight
    from controller.viewer.target import Target


class Detail(Rows, Protocol):
    """Everything there is to know about one thing, at the moment of its :class:`~controller.viewer.sight.Sight`.

    There are no rows before the first :meth:`load`.
    """

    @property
    def about(self) -> Target | None:
        """What it tells of; ``None`` for nothing on the board, such as the help."""

    @property
    def actions(self) -> Mapping[str, str]:
        """What can be done here now: action → the word for the footer, such as ``diff on``."""

    async def load(self) -> None:
        """Read what is shown; called again it takes in what has changed.  Raises what a read raises."""

    def see(self, sight: Sight) -> None:
        """Tell of another moment, or of the same board anew, from the next :meth:`load` on."""

    def concerns(self, key: str) -> bool:
        """Whether a change of that record makes it out of date; ``""`` stands for the agenda that is published."""

    async def do(self, action: str) -> None:
        """Do one of :attr:`actions`; raises what a read raises.  Another is passed over: the footer was older."""

    def fit(self, width: int) -> None:
        """Lay the text out on ``width`` cells; what is longer is folded."""
