"""One way to run the tests of the board: on which server, over which protocol, with which parser, from where."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Literal, NamedTuple

if TYPE_CHECKING:
    from tests.matrix.servers import Server

ROOT = Path(__file__).parents[2]
WITNESS = "tests/matrix/test_witness.py"
EXPECTED = "BLACKBOARD_MATRIX_EXPECTED"
"""the variable that tells the witness what runs here, as JSON"""
CHOSEN = (
    *(
        f"tests/integration/test_{name}.py"
        for name in (
            "commit",
            "store",
            "board",
            "log",
            "replica",
            "once",
            "expiry",
            "mutate",
            "history_lost",
            "connect",
        )
    ),
    "tests/faults/test_connection.py",
    "tests/scenarios/test_first_agent.py",
)
"""the tests of what depends on a server, a protocol or a parser"""
WITHIN_S = 900.0


class Combination(NamedTuple):
    """``server`` of ``None`` is fakeredis, in the process of the tests; ``hiredis`` whether it may be imported."""

    server: Server | None
    protocol: Literal["2", "3"] = "2"
    hiredis: bool = True
    python: Path = Path(sys.executable)
    root: Path = ROOT
    installed: bool = False
    """the package is a wheel's, in the site-packages of ``python``"""

    @property
    def columns(self) -> tuple[str, ...]:
        """Server, protocol, parser and package in words."""
        package = "installed" if self.installed else "source"
        if self.server is None:
            return ("fakeredis", "none", "none", package)
        return (str(self.server), f"RESP{self.protocol}", "hiredis" if self.hiredis else "redis-py", package)

    def environment(self, folder: Path) -> dict[str, str]:
        """The variables under which the tests, and every process that they start, run so."""
        expected = {
            "server": str(self.server.binary.version) if self.server is not None else "fakeredis",
            "protocol": int(self.protocol),
            "hiredis": self.hiredis,
            "installed": self.installed,
        }
        here = {key: value for key, value in os.environ.items() if not key.startswith(("PYTEST_", "COV_", "COVERAGE"))}
        here |= {"BLACKBOARD_PROTOCOL": self.protocol, EXPECTED: json.dumps(expected)}
        here.pop("PYTHONPATH", None)
        if not self.hiredis:
            here["PYTHONPATH"] = str(self.root / "tests/matrix/without_hiredis")
        if self.server is not None:
            here["PATH"] = self.server.first_on_path(folder)
        return here

    def run(self, folder: Path, chosen: tuple[str, ...] = CHOSEN) -> Outcome:
        """Run the ``chosen`` tests after the witness, which fails where anything else runs than was asked for."""
        command: list[str | Path] = [self.python, "-m", "pytest", "-q", "-p", "no:cacheprovider", WITNESS, *chosen]
        if self.server is None:
            command += ["-k", "memory or witness"]
        began = time.monotonic()
        try:
            done = subprocess.run(
                command, cwd=self.root, env=self.environment(folder), stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace", timeout=WITHIN_S,
                check=False,
            )  # fmt: skip
        except subprocess.TimeoutExpired as error:
            said = error.output if isinstance(error.output, str) else (error.output or b"").decode(errors="replace")
            return Outcome(self, False, f"not done within {WITHIN_S:g} s", time.monotonic() - began, said)
        last = done.stdout.strip().rpartition("\n")[2]
        tally = re.sub(r" in [\d.]+s.*", "", last.strip("= ")) or f"exit {done.returncode}"
        return Outcome(self, done.returncode == 0, tally, time.monotonic() - began, done.stdout)


class Outcome(NamedTuple):
    """How the tests of a combination ended; ``output`` is all that they printed."""

    combination: Combination
    passed: bool
    tally: str
    seconds: float
    output: str
