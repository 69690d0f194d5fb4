"""What ``:`` takes: a view, or something on the board, by its name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from blackboard.control_records import ACTIVATIONS
from blackboard.errors import NothingSelected
from controller.viewer.target import Target, target_of
from knowledge_sources.nearest import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Sequence

    from controller.viewer.model import Model

SHORTEST_ID: Final = 6
"""characters of an activation's id that are enough to name it"""


def place_named(text: str, views: Sequence[str], model: Model) -> str | Target:
    """The view or the target that ``text`` names; raises :class:`NothingSelected` where it names none.

    A view may be cut short, an activation's id too; ``agent NAME``, ``case KEY`` and ``record KEY`` say what is meant.
    """
    kind, _, name = text.strip().partition(" ")
    name = name.strip()
    if name and kind in ("agent", "case", "record", "activation"):
        return _of_kind(kind, name, model)
    text = text.strip()
    begun = [view for view in views if text and view.startswith(text.lower())]
    if len(begun) == 1 or text.lower() in begun:
        return begun[0] if len(begun) == 1 else text.lower()
    if text in model.agents:
        return Target("agent", text)
    if model.get(text) is not None:
        return target_of(text)
    if len(text) >= SHORTEST_ID and (found := _activation(text, model)):
        return Target("activation", found)
    if "/" in text:  # what is not there has a story too
        return target_of(text)
    near = did_you_mean(text, [*views, *model.agents])
    raise NothingSelected(f"no view, record, agent or activation {text[:80]!r}{near}")


def _of_kind(kind: str, name: str, model: Model) -> Target:
    if kind == "agent":
        if name not in model.agents:
            raise NothingSelected(f"no agent {name[:80]!r}{did_you_mean(name, sorted(model.agents))}")
        return Target("agent", name)
    if kind == "case":
        return Target("case", name)
    if kind == "record":
        return Target("record", name)
    return Target("activation", _activation(name, model) or name)


def _activation(beginning: str, model: Model) -> str:
    """The id of the one activation that begins so, ``""`` where none or several do."""
    key = ACTIVATIONS + beginning
    found = [record.key for record in model.activations.values() if record.key.startswith(key)]
    return found[0].removeprefix(ACTIVATIONS) if len(found) == 1 else ""
