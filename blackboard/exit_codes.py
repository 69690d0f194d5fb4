"""What a command ends with: a contract with whoever calls it from a script."""

from __future__ import annotations

from typing import Final

OK: Final = 0
FAILED: Final = 1
"""an expectation failed, or a guard did not hold"""
USAGE: Final = 2
INVALID: Final = 3
"""a file, pattern, name or value that does not parse"""
NO_BACKEND: Final = 4
"""no server answers, or it refuses, or what it holds cannot be trusted"""
NOTHING_SELECTED: Final = 5
"""what was named is not there"""
NO_REST: Final = 6
"""a time-out, or a run that did not come to rest"""
INTERNAL: Final = 70
INTERRUPTED: Final = 130
"""as by SIGINT"""
OUTPUT_CLOSED: Final = 141
"""the reader of the output went away, as by SIGPIPE, or the output could not be written"""
