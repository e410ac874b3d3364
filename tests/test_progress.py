"""Progress: rate and time left from a clock of the test's own, and a stream that may go away."""

import errno
import io

import pytest

from letheon.views.progress import Meter


class Screen(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        """Return true."""
        return True


def test_progress_in_plain_lines_comes_every_few_seconds() -> None:
    stream, seconds = io.StringIO(), iter([0, 1, 3, 5, 6, 9.9, 10])
    with Meter(stream=stream, clock=lambda: next(seconds)) as meter:
        for done in (100, 200, 300, 400, 500, 600):
            meter(done, 1000, "esketamine")
    lines = stream.getvalue().splitlines()
    # 200 in 4 s, then 500 in 9 s
    assert lines == [
        "letheon: 300 of 1000 patient courses done, 50 a second, 14 s left (esketamine)",
        "letheon: 600 of 1000 patient courses done, 56 a second, 7 s left (esketamine)",
    ]


def test_quiet_progress_is_silent_and_a_lost_stream_ends_no_run() -> None:
    stream = io.StringIO()
    with Meter(quiet=True, stream=stream, every_s=0) as meter:
        meter(1, 2, "a")
    assert stream.getvalue() == ""

    class Gone(io.StringIO):
        def write(self, text: str) -> int:
            raise BrokenPipeError(errno.EPIPE, "Broken pipe")

    with Meter(stream=Gone(), every_s=0) as meter:
        meter(1, 2, "a")
        meter(2, 2, "a")


def test_progress_in_a_terminal_is_a_bar(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm-256color")
    screen = Screen()
    with Meter(stream=screen) as meter:
        meter(10, 100, "esketamine")
        meter(50, 100, "esketamine")
    assert "50 %" in screen.getvalue() and "left" in screen.getvalue()
