"""A board as a stream: each change one line, for pipes and files."""

from __future__ import annotations

import asyncio
import sys
from collections import deque
from typing import TYPE_CHECKING, Final

from blackboard.control_records import RUN
from blackboard.control_shapes import checked
from controller.viewer.snapshot import line_of

if TYPE_CHECKING:
    from blackboard.log import Change
    from controller.viewer.watching import Watch

EVERY_S: Final = 0.05


class Stream:
    """Writes on stdout what the board of ``watch`` does from now on, and on stderr when its server is away."""

    def __init__(self, watch: Watch, *, as_json: bool) -> None:
        self._watch = watch
        self._as_json = as_json
        self._changes: deque[Change] = deque()
        self._away = False

    async def follow(self, *, until_end: bool) -> None:
        """Write until the run has ended, or for ever; raises where the board is gone."""
        self._tell_of_ended_run(until_end=until_end)
        replica = self._watch.replica
        unsubscribe = replica.subscribe(self._changes.append)
        try:
            while True:
                self._watch.check()
                run = replica.get(RUN)
                self._write()
                if until_end and run is not None and checked(run).value["status"] != "running":
                    return
                await asyncio.sleep(EVERY_S)
        finally:
            unsubscribe()

    def _tell_of_ended_run(self, *, until_end: bool) -> None:
        """Say on stderr that the run on the board is over, where it is: nothing more may come for ever."""
        run = self._watch.replica.get(RUN)
        if run is None or checked(run).value["status"] == "running":
            return
        told = "there is nothing to wait for" if until_end else "waiting for other changes; --until-end ends at once"
        name, status = self._watch.board.name, run.value["status"]
        sys.stderr.write(f"blackboard: the run on {name} has ended ({status}): {told}\n")

    def _write(self) -> None:
        while self._changes:
            sys.stdout.write(line_of(self._changes.popleft(), as_json=self._as_json) + "\n")
        sys.stdout.flush()
        away = self._watch.silent_s > 0
        if away != self._away:
            self._away = away
            told = "does not answer; connecting again" if away else "answers again"
            sys.stderr.write(f"blackboard: {self._watch.board.backend.url} {told}\n")
