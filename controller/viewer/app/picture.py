"""The screen as a picture: SVG, as it is after some keys, drawn without a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from controller.viewer.app.svg import Frame, frame_of, still
from controller.viewer.app.views_screen import BUSY_S

if TYPE_CHECKING:
    from collections.abc import Sequence

    from textual.app import App
    from textual.pilot import Pilot

    from controller.viewer.app.viewer_app import ViewerApp


async def draw(app: ViewerApp, size: tuple[int, int], keys: Sequence[str], *, moment: str = "") -> str:
    """What ``app`` shows on ``size`` columns and lines once ``keys``, named as Textual names them, were pressed.

    With ``moment`` they are pressed in the past; raises what reading it raises.
    """
    async with app.run_test(size=size) as pilot:
        await _settled(app, pilot)
        if moment:
            await app.main.stage.travel(moment)
            app.main.paint()
            await _settled(app, pilot)
        for key in keys:
            await pilot.press(key)
            await _settled(app, pilot)
        while not app.main.stage.agenda_told:
            app.main.stage.tell_agenda()
            await pilot.pause(BUSY_S)
        app.main.paint()
        await pilot.pause()
        return still(shown(app), f"blackboard watch, board {app.main.live.board.name}")


def shown(app: App[Any]) -> Frame:
    """The screen of ``app`` as it is now."""
    strips = app.screen._compositor.render_strips()  # noqa: SLF001  the public way is a picture already
    return frame_of(strips, app.size.width, dark=app.current_theme.dark)


async def _settled(app: ViewerApp, pilot: Pilot[None]) -> None:
    """Return when nothing is left to be read, sorted or filtered."""
    await pilot.pause()
    while app.main.busy:
        await pilot.pause(BUSY_S)
    await pilot.pause()
