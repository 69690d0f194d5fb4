"""Run by every Python that is started with this folder on PYTHONPATH: hiredis cannot be imported there."""

from __future__ import annotations

import sys

sys.modules["hiredis"] = None  # type: ignore[assignment]  # what Python itself puts for "cannot be imported"
