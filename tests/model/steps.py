"""The steps of a scene.  What they are given is plain, so that a saved scene can be taken again."""

from __future__ import annotations

from tests.model.breaking import Breaks
from tests.model.looking import Looks


class Steps(Breaks, Looks):
    """Everything that can happen to a board and its clients."""
