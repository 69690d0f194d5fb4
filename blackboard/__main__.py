"""``python -m blackboard``."""

from __future__ import annotations

import sys

from blackboard.cli import main

if __name__ == "__main__":
    sys.exit(main())
