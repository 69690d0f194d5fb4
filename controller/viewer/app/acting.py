"""What a person does from the screen: choose a deed, fill in its form, hear what came of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from controller.viewer.app.form_screen import FormScreen
from controller.viewer.app.menu_screen import Group, MenuScreen, Offer
from controller.viewer.deed_forms import form_for, named
from controller.viewer.deeds import deeds_for

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

    from textual.app import App

    from controller.viewer.model import Model
    from controller.viewer.target import Target
    from controller.viewer.writing import Writing


async def act(app: App[Any], writing: Writing, targets: Sequence[Target], model: Model) -> str:
    """Let the person do something about one of ``targets``, or about the board; what was done, ``""`` for nothing."""
    offered = await app.push_screen_wait(MenuScreen(groups_of(targets, model)))
    if offered is None:
        return ""

    async def submit(values: Mapping[str, str]) -> str:
        return await writing.do(offered.deed, offered.target, values)

    return await app.push_screen_wait(FormScreen(form_for(offered.deed, offered.target, model), submit)) or ""


def groups_of(targets: Sequence[Target], model: Model) -> list[Group]:
    """What can be done about each of ``targets``, and then about the board."""
    each = [*dict.fromkeys(targets), None]
    return [
        Group(named(target, model), tuple(Offer(target, deed) for deed in deeds_for(target, model))) for target in each
    ]
