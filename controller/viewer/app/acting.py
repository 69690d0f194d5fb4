"""What a person does from the screen: choose a deed, fill in its form, hear what came of it."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from controller.viewer.app.form_screen import FormScreen
from controller.viewer.app.menu_screen import Group, MenuScreen, Offer
from controller.viewer.deed_forms import form_for, named
from controller.viewer.deeds import deeds_for

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any

    from textual.app import App

    from controller.viewer.model import Model
    from controller.viewer.target import Target
    from controller.viewer.writing import Writing


def act(app: App[Any], writing: Writing, targets: Sequence[Target], model: Model, tell: Callable[[str], None]) -> None:
    """Let the person do something about one of ``targets``, or about the board; ``tell`` is told what was done.

    What is asked is on top at once, so that no key that follows acts on what lies under it.
    """

    def fill_in(offer: Offer | None) -> None:
        if offer is not None:
            form = form_for(offer.deed, offer.target, model)
            app.push_screen(FormScreen(form, partial(writing.do, offer.deed, offer.target)), done)

    def done(sentence: str | None) -> None:
        if sentence:
            tell(sentence)

    app.push_screen(MenuScreen(groups_of(targets, model)), fill_in)


def groups_of(targets: Sequence[Target], model: Model) -> list[Group]:
    """What can be done about each of ``targets``, and then about the board."""
    each = [*dict.fromkeys(targets), None]
    return [
        Group(named(target, model), tuple(Offer(target, deed) for deed in deeds_for(target, model))) for target in each
    ]
