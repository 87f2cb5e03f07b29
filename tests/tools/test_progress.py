import io
import os
import sys

import pytest

from tools.progress import ProgressLine, ToolError, run_with_progress


class Clock:
    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


class TestALogStaysShort:
    def test_a_line_is_printed_at_once_and_then_every_half_minute(self) -> None:
        clock, stream = Clock(), io.StringIO()
        line = ProgressLine("Building", stream, clock)
        for clock.seconds in range(0, 71):
            line.show(f"package {clock.seconds}")
        assert stream.getvalue().splitlines() == [
            "Building: package 0 (0:00)",
            "Building: package 30 (0:30)",
            "Building: package 60 (1:00)",
        ]

    def test_the_end_is_always_printed(self) -> None:
        clock, stream = Clock(), io.StringIO()
        line = ProgressLine("Building", stream, clock)
        line.show("starting")
        clock.seconds = 5
        line.finish("done")
        assert stream.getvalue().splitlines()[-1] == "Building: done (0:05)"


class TestATerminalShowsOneLine:
    def test_each_state_overwrites_the_one_before(self) -> None:
        stream = Terminal()
        line = ProgressLine("Building", stream, Clock())
        line.show("a long state")
        line.show("short")
        line.finish("done")
        first, second, last = stream.getvalue().split("\r")[1:]
        assert first.rstrip() == "Building: a long state (0:00)"
        assert second.rstrip() == "Building: short (0:00)"
        assert last.rstrip(" ") == last
        assert len(second) == len(first)
        assert last.endswith("\n")

    def test_no_line_wraps(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("shutil.get_terminal_size", lambda: os.terminal_size((20, 5)))
        stream = Terminal()
        ProgressLine("Building", stream, Clock()).show("x" * 100)
        assert stream.getvalue() == "\rBuilding: xxxxxxxxx"


class TestACommandIsWatched:
    def test_the_line_says_what_the_output_means(self) -> None:
        described: list[str] = []

        def describe(line: str) -> str:
            described.append(line)
            return line

        run_with_progress(
            [sys.executable, "-c", "print('one'); import sys; print('two', file=sys.stderr)"],
            "Working",
            describe,
            stream=io.StringIO(),
        )
        assert sorted(described) == ["one", "two"]

    def test_a_failure_shows_the_end_of_the_output(self) -> None:
        stream = io.StringIO()
        program = "[print('line', number) for number in range(100)]; raise SystemExit(3)"
        with pytest.raises(ToolError) as failed:
            run_with_progress([sys.executable, "-c", program], "Working", str, stream=stream)
        assert str(failed.value).splitlines() == [f"line {number}" for number in range(85, 100)]
        assert "Working: failed" in stream.getvalue()

    def test_a_failure_without_output_shows_the_exit_code(self) -> None:
        with pytest.raises(ToolError, match="exit code 3, no output"):
            run_with_progress(
                [sys.executable, "-c", "raise SystemExit(3)"], "Working", str, stream=io.StringIO()
            )

    def test_what_does_not_end_is_ended(self) -> None:
        # Unless the command is ended, this waits for it.
        with pytest.raises(ToolError, match="no end after 0 seconds"):
            run_with_progress(
                [sys.executable, "-c", "import time; time.sleep(600)"],
                "Working",
                str,
                timeout_seconds=0,
                stream=io.StringIO(),
            )
