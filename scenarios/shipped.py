"""The scenarios that come with this package."""

from __future__ import annotations

from pathlib import Path
from typing import Final

PACKAGE: Final = Path(__file__).resolve().parent
FILE_NAME: Final = "scenario.yaml"


def shipped_scenarios() -> tuple[str, ...]:
    """Their names: the folders of this package that hold a ``scenario.yaml``."""
    return tuple(sorted(file.parent.name for file in PACKAGE.glob(f"*/{FILE_NAME}")))
