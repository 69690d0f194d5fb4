"""The commands that a page shows, and whether what they say now is what the page says, numbers apart."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

LEFT_OUT = "…"


def commands_of(page: Path) -> list[tuple[str, list[str]]]:
    """Each command of the page with the lines under it."""
    found: list[tuple[str, list[str]]] = []
    for console in re.findall(r"^```console\n(.*?)^```$", page.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE):
        for line in console.splitlines():
            if line.startswith("$ blackboard "):
                found.append((line.removeprefix("$ blackboard "), []))
            else:
                found[-1][1].append(line)
    return found


def says(wanted: str, shown: list[str]) -> bool:
    """Whether one of the ``shown`` lines is ``wanted``, or begins with it where its end is left out."""
    if wanted == LEFT_OUT:
        return True
    if wanted.strip().startswith(("not chosen then", "chosen at")):  # who else was eligible is a matter of timing
        wanted = wanted.partition(":" if "not" in wanted else ",")[0] + LEFT_OUT
    cut = wanted.endswith(LEFT_OUT)
    looked_for = _blurred(wanted.removesuffix(LEFT_OUT))
    lines = [_blurred(line) for line in shown]
    return any(line.startswith(looked_for) for line in lines) if cut else looked_for in lines


def _blurred(line: str) -> str:
    """``line`` without what differs between two runs: ids, numbers, units of time, the width of columns, who raced."""
    line = re.sub(r"\b[0-9a-f]{8,24}\b", "ID", line)
    line = re.sub(r"[0-9][0-9.,]*( ms| s)?", "0", line)
    line = re.sub(r"\brefund_[ab]\b", "refund_x", line.replace("-0", "0"))
    return re.sub(r" +", " ", line).strip()
