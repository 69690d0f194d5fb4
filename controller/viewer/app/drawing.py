"""How text becomes cells: the one gate that everything drawn passes, and what each meaning looks like."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, get_args

from rich.segment import Segment
from textual.strip import Strip
from textual.widget import Widget

from blackboard.terminal import sanitize
from controller.viewer.line import Meaning

if TYPE_CHECKING:
    from rich.style import Style

    from controller.viewer.line import Line


def strip_of(line: Line, width: int, styles: Styles, *, skipped: int = 0, under: str = "") -> Strip:
    """``line`` on exactly ``width`` cells, without its first ``skipped``; the gate that all text passes."""
    segments = [Segment(sanitize(span.text), styles(span.meaning, under)) for span in line]
    whole = Strip(segments)
    over = skipped + width - whole.cell_length
    if over > 0:
        segments.append(Segment(" " * over, styles("", under)))
        whole = Strip(segments)
    return whole.crop(skipped, skipped + width)


class Styles:
    """What each meaning looks like in the present theme, by itself and ``under`` something such as the cursor."""

    def __init__(self, widget: Widget) -> None:
        self._widget = widget
        self._known: dict[tuple[str, str], Style] = {}

    def __call__(self, meaning: str, under: str = "") -> Style:
        found = self._known.get((meaning, under))
        if found is None:
            names = [f"line--{name}" for name in (meaning, under) if name]
            widget = self._widget
            found = widget.get_component_rich_style(*names) if names else widget.rich_style
            self._known[meaning, under] = found
        return found

    def forget(self) -> None:
        """After a change of the theme."""
        self._known.clear()


class Drawing(Widget):
    """A widget that draws lines, in the colours of the present theme or, with ``ansi`` themes, of the terminal."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {f"line--{name}" for name in (*get_args(Meaning), "cursor") if name}
    DEFAULT_CSS = """
    Drawing > .line--dim { color: $text-muted; }
    Drawing > .line--title { color: $text-primary; text-style: bold; }
    Drawing > .line--name { color: $text-accent; }
    Drawing > .line--lit { color: $text-success; text-style: bold; }
    Drawing > .line--good { color: $text-success; }
    Drawing > .line--warn { color: $text-warning; }
    Drawing > .line--bad { color: $text-error; text-style: bold; }
    Drawing > .line--added { color: $text-success; }
    Drawing > .line--removed { color: $text-error; }
    Drawing > .line--link { color: $text-accent; text-style: underline; }
    Drawing > .line--cursor { background: $block-cursor-blurred-background; }
    Drawing > .line--frame { color: $secondary; }
    Drawing:ansi > .line--dim { text-style: dim; color: ansi_default; }
    Drawing:ansi > .line--title { text-style: bold; color: ansi_default; }
    Drawing:ansi > .line--name { color: ansi_cyan; }
    Drawing:ansi > .line--lit { color: ansi_green; }
    Drawing:ansi > .line--good { color: ansi_green; }
    Drawing:ansi > .line--warn { color: ansi_yellow; }
    Drawing:ansi > .line--bad { color: ansi_red; }
    Drawing:ansi > .line--added { color: ansi_green; }
    Drawing:ansi > .line--removed { color: ansi_red; }
    Drawing:ansi > .line--link { color: ansi_cyan; }
    Drawing:ansi > .line--cursor { text-style: reverse; }
    Drawing:ansi > .line--frame { color: ansi_default; text-style: dim; }
    """

    def __init__(self, *, id: str) -> None:  # noqa: A002  Textual's name
        super().__init__(id=id)
        self.styled = Styles(self)

    def repaint(self) -> None:
        """Draw everything again, as after a change of the theme."""
        self.styled.forget()
        self.refresh()
