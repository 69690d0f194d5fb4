"""What a person does from the screen: choose a deed, fill in its form, hear what came of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from controller.viewer.app.form_screen import FormScreen
from controller.viewer.app.menu_screen import MenuScreen
from controller.viewer.deed_forms import form_for
from controller.viewer.deeds import deeds_for

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from textual.app import App

    from controller.viewer.model import Model
    from controller.viewer.target import Target
    from controller.viewer.writing import Writing


async def act(app: App[Any], writing: Writing, target: Target | None, model: Model) -> str:
    """Let the person do something about ``target``, or about the board; what was done, ``""`` for nothing."""
    about = deeds_for(target, model) if target is not None else []
    others = [deed for deed in deeds_for(None, model) if deed not in about]
    title = f"{target.kind} {target.name}" if target is not None else f"board {model.board}"
    deed = await app.push_screen_wait(MenuScreen([*about, *others], title))
    if deed is None:
        return ""
    meant = target if deed in about else None

    async def submit(values: Mapping[str, str]) -> str:
        return await writing.do(deed, meant, values)

    return await app.push_screen_wait(FormScreen(form_for(deed, meant, model), submit)) or ""
