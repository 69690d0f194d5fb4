"""How much one input may cost, and what is said of one that costs more or raises what it must not."""

from __future__ import annotations

import resource
import signal
import time
import traceback
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable

MAX_SECONDS: Final = 1.0
"""of processor time"""
MAX_GROWTH: Final = 100 << 20
"""bytes that the process may grow by"""
_HANG_SECONDS: Final = 5.0
_ROOM: Final = 1 << 30
_STATUS: Final = Path("/proc/self/status")
_CLEAR_REFS: Final = Path("/proc/self/clear_refs")


class Finding(NamedTuple):
    """``kind`` names it so that the same is not told twice; ``report`` is for whoever mends it."""

    kind: str
    report: str


def bind_process() -> None:
    """End this process, instead of the machine, where an input takes very much memory."""
    size = _kilobytes("VmSize") << 10
    resource.setrlimit(resource.RLIMIT_AS, (size + _ROOM, resource.RLIM_INFINITY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def judge(take: Callable[[bytes], str], data: bytes) -> tuple[str, Finding | None]:
    """What ``take`` says of ``data``, and what is wrong with that.

    Where it hangs in C code, or for long, the process is ended with SIGPROF.
    """
    told, finding, seconds = _measured(take, data)
    if finding is None and seconds > MAX_SECONDS:
        again = _measured(take, data)[2]  # a machine that is busy makes a process look slow once
        if again > MAX_SECONDS:
            finding = Finding("slow", f"{min(seconds, again):.1f} s of processor time")
    return told, finding


def _measured(take: Callable[[bytes], str], data: bytes) -> tuple[str, Finding | None, float]:
    began = time.process_time()
    signal.setitimer(signal.ITIMER_PROF, _HANG_SECONDS)  # its signal ends the process, also in the middle of C code
    _CLEAR_REFS.write_text("5", encoding="ascii")  # the peak is now what there is
    before = _kilobytes("VmRSS")
    told, finding = "", None
    try:
        told = take(data)
    except Exception as error:  # noqa: BLE001 - whatever it is, it is the finding
        finding = Finding(_kind_of(error), traceback.format_exc(limit=-12))
    signal.setitimer(signal.ITIMER_PROF, 0)
    growth = (_kilobytes("VmHWM") - before) << 10
    if finding is None and growth > MAX_GROWTH:
        finding = Finding("memory", f"grew by {growth >> 20} MB")
    return told, finding, time.process_time() - began


def _kind_of(error: BaseException) -> str:
    """The error's class and the line that raised it."""
    frame = traceback.extract_tb(error.__traceback__)[-1]
    return f"{type(error).__name__} in {Path(frame.filename).name}:{frame.name}:{frame.lineno}"


def _kilobytes(name: str) -> int:
    status = _STATUS.read_text(encoding="ascii", errors="replace")
    return int(status[status.index(f"{name}:") :].split(maxsplit=2)[1])
