"""What an agent's error says to people."""

from __future__ import annotations

import os
import re
import traceback
from pathlib import Path
from typing import Final

from blackboard.errors import BlackboardError
from knowledge_sources import declaration

_FOLDER_PACKAGE: Final = re.compile(r"\bblackboard_agents_[0-9a-f]{16}\.")
"""what a file of agents is imported under, which says nothing to a person"""
_OWN_CODE: Final = tuple(str(Path(path).parent) + os.sep for path in (__file__, declaration.__file__))
"""where errors pass through that come out of an agent"""


def told(error: BaseException) -> str:
    """An agent's error for its record: what it says first, then where it came from."""
    if isinstance(error, BlackboardError):  # its message says all, its class is the failure's
        said = str(error)
    else:
        said = _FOLDER_PACKAGE.sub("", "".join(traceback.format_exception_only(error)).strip())
    frames = traceback.extract_tb(error.__traceback__)
    inside = [frame for frame in frames if not frame.filename.startswith(_OWN_CODE)]
    place = f"\n  at {inside[-1].filename}:{inside[-1].lineno} in {inside[-1].name}" if inside else ""
    return (said + place)[:4000]
