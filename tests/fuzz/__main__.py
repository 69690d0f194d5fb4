"""Throws made-up input at everything that reads input from outside.

``python -m tests.fuzz [--seconds 60] [--seed 1] [--target NAME …]`` fuzzes, every target at once.
``python -m tests.fuzz FILE …`` reads saved inputs again.  Exits 1 where an input raised what none may raise,
ended its process, or took more than a second of processor time or 100 MB.
"""

from __future__ import annotations

import argparse
import importlib
import os
import sys
import tempfile
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Final

from tests.fuzz.limits import bind_process, judge
from tests.fuzz.supervision import Campaign
from tests.fuzz.worker import work

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.fuzz.target import Target

NAMES: Final = ("loader", "predicate", "codec", "lines", "frames")


def target_of(name: str) -> Target:
    """The target called so; its module is loaded only where it is run."""
    found: Target = importlib.import_module(f"tests.fuzz.{name}").TARGET
    return found


def say(text: str) -> None:
    """Print a line at once, whatever characters are in it."""
    sys.stdout.write(text.encode("utf-8", "backslashreplace").decode() + "\n")
    sys.stdout.flush()


def fuzz(names: Sequence[str], seed: int, seconds: float) -> int:
    """Run a campaign for each target, all at once; the exit code."""
    say(f"seed {seed}: {', '.join(names)}, {seconds:g} s each, all at once")
    named = os.environ.get("BLACKBOARD_SAVED")
    saved_under = Path(named) / "fuzz" if named else Path(tempfile.gettempdir()) / f"bbfuzz-{os.getpid()}"
    campaigns = [Campaign(name, seed, seconds, saved_under) for name in names]
    threads = [threading.Thread(target=campaign.run, name=campaign.name) for campaign in campaigns]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    say(f"{'target':<12}{'inputs':>10}{'outcomes':>10}{'findings':>10}")
    for each in campaigns:
        say(f"{each.name:<12}{each.inputs:>10,}{each.outcomes:>10,}{len(each.saved):>10}")
    for saved in [saved for each in campaigns for saved in each.saved]:
        say(
            f"\n{saved.file.with_suffix('.txt').read_text(encoding='utf-8')}read it again: python -m tests.fuzz {saved.file}"
        )
    return int(any(each.saved or not each.inputs for each in campaigns))


def read_again(files: Sequence[Path]) -> int:
    """Say what becomes of each input, whose file's name begins with its target's; the exit code."""
    bind_process()
    failed = False
    for file in files:
        target = target_of(file.name.partition("-")[0])
        told, finding = judge(target.take, file.read_bytes())
        say(f"{file}: {told if finding is None else finding.kind}")
        if finding is not None:
            failed = True
            say(finding.report)
    return int(failed)


def main() -> int:
    """What the command line asks for; the exit code."""
    if sys.argv[1:2] == ["--worker"]:
        name, seed, seconds, current = sys.argv[2:6]
        work(target_of(name), seed, float(seconds), Path(current))
        return 0
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz")
    parser.add_argument("files", nargs="*", type=Path, metavar="FILE", help="inputs to read again instead")
    parser.add_argument("--seconds", type=float, default=60.0, help="for each target; %(default)g")
    parser.add_argument("--seed", type=int, default=int(os.environ.get("BLACKBOARD_SEED") or 1))
    parser.add_argument("--target", action="append", choices=NAMES, help="only this; may be said again")
    given = parser.parse_args()
    if given.files:
        return read_again(given.files)
    return fuzz(given.target or NAMES, given.seed, given.seconds)


if __name__ == "__main__":
    sys.exit(main())
