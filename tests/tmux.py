"""A real terminal without a window: a command runs in tmux, keys are typed into it, and what it shows is read."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Final, Self

import pytest

from tests.conftest import _die_with_parent
from tests.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from types import TracebackType

ROOT: Final = Path(__file__).resolve().parent.parent
OLDEST: Final = (3, 2)
"""the first tmux whose server stays in the foreground where asked, so that it ends with who started it"""
SECONDS: Final = 30.0
LOOK_EVERY_S: Final = 0.05
"""each look is a process of its own"""
PANE: Final = "it:0.0"
AROUND: Final = """\
here={directory}
trap : INT
stty -g > $here/before
env {variables} sh -c 'echo $$ > "$0/pid"; exec "$@"' $here {command}
code=$?
stty -g > $here/after
echo $code > $here/code.new && mv $here/code.new $here/code
exec cat > /dev/null
"""
"""what runs in the pane: the command, and then nothing more, so that the screen stays as it was left; Ctrl-C is for it"""


def reason_to_skip() -> str:
    """Why no terminal can be had here; empty where one can."""
    if shutil.which("tmux") is None:
        return "tmux is not on the PATH"
    said = subprocess.run(["tmux", "-V"], capture_output=True, text=True, check=False).stdout
    found = re.search(r"(\d+)\.(\d+)", said)
    if found is not None and (int(found[1]), int(found[2])) < OLDEST:
        return f"{said.strip()} is older than {OLDEST[0]}.{OLDEST[1]}"
    return ""


needs_tmux: Final = pytest.mark.skipif(bool(reason_to_skip()), reason=reason_to_skip())


class Terminal:
    """One command in one pane of a tmux server of its own; what it left on the screen stays to be read when it ends.

    ``term`` is what the command is told its terminal is; ``environment`` is what it sees besides this process's.
    """

    def __init__(
        self,
        command: Sequence[str | Path],
        *,
        width: int = 80,
        height: int = 24,
        term: str = "tmux-256color",
        environment: Mapping[str, str] | None = None,
        folder: Path | None = None,
    ) -> None:
        base = tempfile.gettempdir()  # a socket's path has at most 107 bytes
        self._directory = Path(tempfile.mkdtemp(prefix="bbtmux-", dir=base if len(base) < 60 else "/tmp"))
        self._socket = self._directory / "tmux.sock"
        settings = self._directory / "tmux.conf"
        settings.write_text("set -g status off\nset -g escape-time 0\nset -g set-clipboard on\n", encoding="utf-8")
        script = self._directory / "around"
        variables = {"PYTHONPATH": str(ROOT), **(environment or {}), "TERM": term}
        text = AROUND.format(
            directory=shlex.quote(str(self._directory)),
            variables=shlex.join(f"{name}={value}" for name, value in variables.items()),
            command=shlex.join(map(str, command)),
        )
        script.write_text(text, encoding="utf-8")
        outer = {name: text for name, text in os.environ.items() if name not in ("TMUX", "TMUX_PANE", "NO_COLOR")}
        self._server = subprocess.Popen(
            ["tmux", "-D", "-u", "-S", self._socket, "-f", settings],
            env={**outer, "LC_ALL": "C.UTF-8", "TERM": "xterm-256color"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            preexec_fn=_die_with_parent(),  # noqa: PLW1509 - as the session's server
        )
        try:
            wait_until(self._socket.exists, "tmux has started", SECONDS)
            line = shlex.join(["sh", str(script)])
            size = ("-x", str(width), "-y", str(height))
            self._tmux("new-session", "-d", "-s", "it", *size, "-c", str(folder or ROOT), line)
        except BaseException:
            self.close()
            raise

    def send(self, *keys: str) -> None:
        """Press keys by tmux's names: ``q``, ``Enter``, ``Escape``, ``C-c``, ``Up``, ``Tab``."""
        self._tmux("send-keys", "-t", PANE, *keys)

    def write(self, text: str) -> None:
        """Type ``text`` as it is; also a sequence that a terminal sends, such as one of the mouse."""
        self._tmux("send-keys", "-t", PANE, "-l", "--", text)

    def click(self, column: int, row: int) -> None:
        """Press and release the left button on a cell, counted from 0, as a terminal reports it."""
        self.write(f"\x1b[<0;{column + 1};{row + 1}M\x1b[<0;{column + 1};{row + 1}m")

    def resize(self, width: int, height: int) -> None:
        """Give the terminal another size; the command is told by SIGWINCH."""
        self._tmux("resize-window", "-t", "it", "-x", str(width), "-y", str(height))

    def screen(self, *, styled: bool = False) -> list[str]:
        """The lines that are shown now, without trailing blanks; ``styled`` with the sequences that colour them."""
        return self._tmux("capture-pane", "-p", "-t", PANE, *(["-e"] if styled else [])).splitlines()

    @property
    def here(self) -> str:
        """The line that the viewer's keys act on."""
        return next((line.partition("▌")[2].strip() for line in self.screen() if "▌" in line), "")

    @property
    def title(self) -> str:
        """What the command named the terminal's window; at first the machine's name."""
        return self._tmux("display-message", "-p", "-t", PANE, "#{pane_title}").rstrip("\n")

    @property
    def modes(self) -> dict[str, bool]:
        """What is set in the terminal: the other screen, a cursor that is seen, a mouse that is reported, a keypad."""
        names = ("alternate_on", "cursor_flag", "mouse_any_flag", "mouse_sgr_flag", "keypad_flag", "wrap_flag")
        told = self._tmux("display-message", "-p", "-t", PANE, " ".join(f"#{{{name}}}" for name in names))
        return dict(zip(names, (flag == "1" for flag in told.split()), strict=True))

    def clipboard(self) -> str:
        """What the command put into the clipboard last, ``""`` before it did."""
        return self._tmux("list-buffers", "-F", "x") and self._tmux("show-buffer")

    def says(self, text: str) -> bool:
        """Whether a line of the screen holds ``text`` now."""
        return any(text in line for line in self.screen())

    def wait_for(self, text: str, seconds: float = SECONDS) -> None:
        """Return as soon as a line of the screen holds ``text``; else fail with the screen."""
        self._wait(lambda: self.says(text), f"{text!r} never came", seconds)

    def wait_until(self, holds: Callable[[], object], what: str, seconds: float = SECONDS) -> None:
        """Return as soon as ``holds`` does; else fail with ``what`` and the screen."""
        self._wait(holds, f"it did not hold that {what}", seconds)

    def wait_until_gone(self, text: str, seconds: float = SECONDS) -> None:
        """Return as soon as no line of the screen holds ``text``; else fail with the screen."""
        self._wait(lambda: not self.says(text), f"{text!r} never went", seconds)

    def ended(self) -> int | None:
        """The exit code of the command, 128 and the signal where that ended it; ``None`` while it runs."""
        try:
            return int((self._directory / "code").read_text(encoding="utf-8"))
        except FileNotFoundError:
            return None

    def wait_for_end(self, seconds: float = SECONDS) -> int:
        """The exit code, when the command has ended."""
        self._wait(lambda: self.ended() is not None, "the command has not ended", seconds)
        code = self.ended()
        assert code is not None
        return code

    @property
    def pid(self) -> int:
        """The process of the command."""
        return int((self._directory / "pid").read_text(encoding="utf-8"))

    def left_as_found(self) -> bool:
        """Whether the terminal of the command that ended echoes, cooks and signals as it did before."""
        before, after = ((self._directory / name).read_text(encoding="utf-8") for name in ("before", "after"))
        return before == after

    def close(self) -> None:
        """End the command with its terminal, and remove what was made for it."""
        self._server.terminate()
        try:
            self._server.wait(timeout=SECONDS)
        except subprocess.TimeoutExpired:
            self._server.kill()
            self._server.wait()
        shutil.rmtree(self._directory, ignore_errors=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _wait(self, holds: Callable[[], object], failure: str, seconds: float) -> None:
        try:
            wait_until(holds, "", seconds, every_s=LOOK_EVERY_S)
        except AssertionError:
            raise AssertionError(f"within {seconds:g} s {failure}; the screen:\n{self._picture()}") from None

    def _picture(self) -> str:
        return "\n".join(f"|{line}" for line in self.screen())

    def _tmux(self, *words: str) -> str:
        done = subprocess.run(
            ["tmux", "-u", "-S", self._socket, *words],
            capture_output=True,
            text=True,
            encoding="utf-8",
            check=False,
            timeout=SECONDS,
            env={**os.environ, "LC_ALL": "C.UTF-8"},
        )
        assert done.returncode == 0, f"tmux {words[0]}: {done.stderr}"
        return done.stdout
