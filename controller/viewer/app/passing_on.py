"""Keys that come together, as over a slow line: each goes to what has the focus once those before it are answered.

Textual hands a key to what has the focus when it arrives: of ``tab`` and a letter that come at once, the letter would
go into the field that was left.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual import events

if TYPE_CHECKING:
    from textual.widget import Widget


def passed_on(widget: Widget, event: events.Key) -> bool:
    """Whether a key that came to ``widget`` is none of its own: it moves the focus, or is for what has that by now."""
    focused = widget.screen.focused
    if focused is not widget and focused is not None:
        anew = events.Key(event.key, event.character)  # this one ends here
        anew.set_sender(widget)
        focused._forward_event(anew)  # noqa: SLF001  # as the app does with a key that comes in
    elif event.key == "tab":
        widget.screen.focus_next()
    elif event.key == "shift+tab":
        widget.screen.focus_previous()
    else:
        return False
    event.stop()
    event.prevent_default()
    return True
