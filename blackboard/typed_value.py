"""What a value means that a person types: JSON where it looks like it, else a text."""

from __future__ import annotations

import re
from typing import Any, Final

from blackboard.strict_json import parse_json

MEANT_AS_JSON: Final = re.compile(
    r"""[{\["] | -?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?\Z | (?:true|false|null|NaN|-?Infinity)\Z""",
    re.VERBOSE,
)


def parse_value(text: str, *, place: str = "VALUE") -> Any:
    """The value that ``text`` says, which was typed at ``place``.

    What begins with ``{``, ``[`` or ``"``, and what is a number, true, false or null, is read as JSON, and refused
    with :class:`~blackboard.errors.InvalidInput` where it is none.  Anything else is a text, ``007`` too.
    """
    bare = text.strip()
    return parse_json(bare, place=place) if MEANT_AS_JSON.match(bare) else text
