"""Runs a command that takes a while, and tells in one line how far it is."""

import queue
import shutil
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import IO, TextIO

SECONDS_BETWEEN_LINES = 30
"""How often a line is printed where it cannot be rewritten, as in the log of a pipeline."""


class ToolError(Exception):
    """A task cannot go on; the text says why, and what to do about it."""


class ProgressLine:
    """One line, rewritten in place on a terminal, and printed now and then elsewhere.

    Args:
        title: What is being done.
        stream: Where the line goes.
        clock: Seconds that only ever grow.
    """

    def __init__(
        self, title: str, stream: TextIO, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._title = title
        self._stream = stream
        self._clock = clock
        self._start = clock()
        self._printed: float | None = None

    def show(self, state: str) -> None:
        """Shows the elapsed time and what is being done now."""
        if self._stream.isatty():
            # Cut, because a line that wraps could not be rewritten.
            width = shutil.get_terminal_size().columns - 1
            self._stream.write(f"\r{self._line(state)[:width]:<{width}}")
        elif self._printed is None or self._clock() - self._printed >= SECONDS_BETWEEN_LINES:
            self._printed = self._clock()
            self._stream.write(f"{self._line(state)}\n")
        self._stream.flush()

    def finish(self, state: str) -> None:
        """Shows how it ended."""
        if self._stream.isatty():
            self.show(state)
            self._stream.write("\n")
        else:
            self._stream.write(f"{self._line(state)}\n")
        self._stream.flush()

    def _line(self, state: str) -> str:
        minutes, seconds = divmod(int(self._clock() - self._start), 60)
        return f"{self._title}: {state} ({minutes}:{seconds:02})"


def run_with_progress(
    command: Sequence[str | Path],
    title: str,
    describe: Callable[[str], str],
    *,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    timeout_seconds: float | None = None,
    stream: TextIO = sys.stderr,
) -> None:
    """Runs a command behind one progress line.

    Args:
        command: Program and arguments.
        title: What is being done, for a person.
        describe: Makes of each line of the command's output what it is doing now.
        cwd: Where it runs.
        env: Its environment; this process's by default.
        timeout_seconds: When it is ended.
        stream: Where the line goes.

    Raises:
        ToolError: The command failed, or took too long; the text holds the end of its output.
    """
    progress = ProgressLine(title, stream)
    last_lines: deque[str] = deque(maxlen=15)
    deadline = None if timeout_seconds is None else time.monotonic() + timeout_seconds
    state = "starting"
    with subprocess.Popen(
        command,
        cwd=cwd,
        env=env,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        errors="replace",
    ) as process:
        try:
            lines = _lines_of(process.stdout)
            while True:
                progress.show(state)
                try:
                    line = lines.get(timeout=1)
                except queue.Empty:
                    if deadline is not None and time.monotonic() > deadline:
                        raise ToolError(f"no end after {timeout_seconds:.0f} seconds") from None
                    continue
                if line is None:
                    break
                last_lines.append(line)
                state = describe(line)
        except BaseException:
            process.kill()
            progress.finish("stopped")
            raise
    if process.returncode:
        progress.finish("failed")
        raise ToolError("\n".join(last_lines) or f"exit code {process.returncode}, no output")
    progress.finish("done")


def _lines_of(pipe: IO[str] | None) -> queue.Queue[str | None]:
    """The lines of a pipe as they come, then ``None``: a pipe cannot be read with a time-out."""
    lines: queue.Queue[str | None] = queue.Queue()

    def read() -> None:
        for line in pipe or ():
            lines.put(line.rstrip())
        lines.put(None)

    threading.Thread(target=read, daemon=True).start()
    return lines
