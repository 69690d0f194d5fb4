"""Workers of one target, one after the other where an input ends them, and what they found."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, Final, NamedTuple

from tests.fuzz.minimising import minimised

_GRACE_SECONDS: Final = 60.0
_MINIMISE_SECONDS: Final = 20.0
_RESTARTS: Final = 50


class Saved(NamedTuple):
    """A finding on disk: ``file`` holds the input, the report is beside it."""

    kind: str
    file: Path


class Campaign:
    """All that is done with one target; nothing is written but for findings."""

    def __init__(self, name: str, seed: int, seconds: float, saved_under: Path) -> None:
        self.name = name
        self.seed = seed
        self.seconds = seconds
        self.inputs = 0
        self.outcomes = 0
        self.saved: list[Saved] = []
        self._saved_under = saved_under

    def run(self) -> None:
        """Fuzz for the time given; a worker that dies is a finding, and another goes on with another seed."""
        deadline = time.monotonic() + self.seconds
        with tempfile.TemporaryDirectory(prefix="bbfuzz-") as folder:
            current = Path(folder) / "current"
            for attempt in range(_RESTARTS):
                left = deadline - time.monotonic()
                if left <= 0:
                    return
                seed = f"{self.seed} {self.name} {attempt}"
                ended = self._one_worker(["--worker", self.name, seed, f"{left:.3f}", str(current)], left)
                if ended == 0:
                    return
                self._died(ended, current.read_bytes() if current.is_file() else b"", seed)

    def _one_worker(self, arguments: list[str], seconds: float) -> int:
        """The exit code of a worker, after what it said was taken in."""
        worker = subprocess.Popen(
            [sys.executable, "-m", "tests.fuzz", *arguments],
            stdout=subprocess.PIPE,
            stdin=subprocess.DEVNULL,
            text=True,
        )
        try:
            said, _ = worker.communicate(timeout=seconds + _GRACE_SECONDS)
        except subprocess.TimeoutExpired:
            worker.kill()  # it waits for something: no processor time ends that
            said, _ = worker.communicate()
        for line in said.splitlines():
            told: dict[str, Any] = json.loads(line)
            if "kind" in told:
                self._save(told["kind"], told["report"], bytes.fromhex(told["input"]), arguments[2])
            else:
                self.inputs += told["inputs"]
                self.outcomes += told["outcomes"]
        return worker.returncode

    def _died(self, code: int, data: bytes, seed: str) -> None:
        kind = f"ended by {signal.Signals(-code).name}" if code < 0 else f"ended with {code}"

        def still_dies(shorter: bytes) -> bool:
            return again(self.name, shorter).returncode == code

        if still_dies(data):
            data = minimised(data, still_dies, _MINIMISE_SECONDS)
            self._save(kind, "the process that read it ended", data, seed)
        else:
            self._save(kind, "the process ended, though not when it read this input alone", data, seed)

    def _save(self, kind: str, report: str, data: bytes, seed: str) -> None:
        if any(saved.kind == kind for saved in self.saved):
            return
        self._saved_under.mkdir(parents=True, exist_ok=True)
        file = self._saved_under / f"{self.name}-{hashlib.sha256(data).hexdigest()[:12]}.input"
        file.write_bytes(data)
        file.with_suffix(".txt").write_text(
            f"{kind}\nseed: {seed}\n{report}\n", encoding="utf-8", errors="backslashreplace"
        )
        self.saved.append(Saved(kind, file))


def again(name: str, data: bytes) -> subprocess.CompletedProcess[bytes]:
    """Read one input in a process of its own: 0 where all is well, 1 for a finding, else what ended it."""
    descriptor, path = tempfile.mkstemp(prefix=f"{name}-", suffix=".input")
    try:
        with os.fdopen(descriptor, "wb") as opened:
            opened.write(data)
        return subprocess.run([sys.executable, "-m", "tests.fuzz", path], capture_output=True, check=False, timeout=120)
    finally:
        Path(path).unlink()
