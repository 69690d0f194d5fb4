"""The line in which a filter, a view or a moment is typed; what is wrong with it is said above it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.containers import Vertical
from textual.message import Message
from textual.suggester import SuggestFromList

from blackboard.terminal import sanitize
from controller.viewer.app.bars import Bar
from controller.viewer.app.typed import Typed
from controller.viewer.line import line, said

if TYPE_CHECKING:
    from collections.abc import Sequence

    from textual.app import ComposeResult
    from textual.widgets import Input


class Prompt(Vertical):
    """Shown while something is asked; what was typed last for each question comes back with the arrow up."""

    DEFAULT_CSS = """
    Prompt { height: auto; dock: bottom; display: none; background: $panel; }
    Prompt.asking { display: block; }
    Prompt Input { height: 1; border: none; padding: 0 1; }
    Prompt Input:focus { border: none; }
    """

    class Given(Message):
        """Something was typed and entered."""

        def __init__(self, question: str, text: str) -> None:
            self.question = question
            self.text = text
            super().__init__()

    def __init__(self, *, id: str) -> None:  # noqa: A002  Textual's name
        super().__init__(id=id)
        self._said = Bar(id="asked")
        self._input = Typed(id="input")
        self._input.select_on_focus = True
        self._question = ""
        self._typed: dict[str, list[str]] = {}

    def compose(self) -> ComposeResult:
        yield self._said
        yield self._input

    @property
    def asking(self) -> str:
        """What is asked, ``""`` for nothing."""
        return self._question

    def ask(self, question: str, words: str, *, text: str = "", hints: Sequence[str] = ()) -> None:
        """Ask for ``question`` in ``words``, beginning with ``text``; ``hints`` complete what is typed.

        A hint is drawn as it is, so none is offered that could act on the terminal.
        """
        self._question = question
        safe = [hint for hint in hints if hint == sanitize(hint)]
        self._input.suggester = SuggestFromList(safe) if safe else None
        self._input.value = text
        self._said.say(line(said(words, "dim")))
        self.add_class("asking")
        self.screen.set_focus(self._input)  # at once: the next key is meant for it

    def refuse(self, why: str) -> None:
        """Say what is wrong with what was typed, which stays."""
        self._said.say(line(said(why, "bad")))

    def end(self) -> None:
        """Ask no more."""
        self._question = ""
        self.remove_class("asking")

    def on_input_submitted(self, event: Input.Submitted) -> None:
        event.stop()
        typed = self._typed.setdefault(self._question, [])
        if event.value and (not typed or typed[-1] != event.value):
            typed.append(event.value)
        self.post_message(self.Given(self._question, event.value))

    def key_up(self) -> None:
        """What was typed before for the same question."""
        typed = self._typed.get(self._question, [])
        earlier = typed[: typed.index(self._input.value)] if self._input.value in typed else typed
        if earlier:
            self._input.value = earlier[-1]
