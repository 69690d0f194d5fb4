"""The screen as a picture: SVG, as it is after some keys, drawn without a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from controller.viewer.app.viewer_app import ViewerApp


async def draw(app: ViewerApp, size: tuple[int, int], keys: Sequence[str]) -> str:
    """What ``app`` shows on ``size`` columns and lines once ``keys``, named as Textual names them, were pressed."""
    async with app.run_test(size=size) as pilot:
        await pilot.pause()
        for key in keys:
            await pilot.press(key)
            await pilot.app.workers.wait_for_complete()
            await pilot.pause()
        return app.export_screenshot(title=app.title)
