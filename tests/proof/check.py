"""Judge a saved run again: ``python -m tests.proof.check DIR``.  Ends with 1 where an oracle finds something."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from tests.proof.oracles import check
from tests.proof.saved import load
from tests.proof.stored import state_digest


def main(arguments: list[str]) -> int:
    """Print what the run was and what every oracle finds in it."""
    if len(arguments) != 1:
        sys.stderr.write(f"{__doc__}\n")
        return 2
    directory = Path(arguments[0])
    about, run = json.loads((directory / "run.json").read_text()), load(directory)
    violations = check(run)
    sys.stdout.write(f"command  {about['command']}\n")
    sys.stdout.write(f"history  {run.history.summary()}\n")
    sys.stdout.write(f"board    {run.dump.name} at {run.dump.revision}, {state_digest(run.dump.all_records())}\n")
    for violation in violations:
        sys.stdout.write(f"{violation.oracle}: {violation.sentence}\n")
    sys.stdout.write(f"{len(violations)} violations; {len(about['violations'])} when it was saved\n")
    return 1 if violations else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
