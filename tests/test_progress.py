"""Progress: rate and time left from a clock of the test's own, and a stream that may go away."""

import io
from collections.abc import Callable

import pytest

from letheon.views.commands.progress import Progress


def lines(clock: list[float], report: Callable[[Progress], None], unit: str = "") -> list[str]:
    """Return the plain lines of reports that come at given times [s]."""
    stream, seconds = io.StringIO(), iter(clock)
    with Progress(unit=unit, stream=stream, clock=lambda: next(seconds)) as progress:
        report(progress)
    return stream.getvalue().splitlines()


def test_lines_come_every_few_seconds_whatever_is_worked_on() -> None:
    def report(progress: Progress) -> None:
        for done, arm in zip((0, 100, 200, 300, 400, 500), "aaabbb", strict=True):
            progress(arm, done, 1000)

    # 300 in 6 s, then 500 in 10 s
    assert lines([10, 12, 14, 16, 19, 21], report, "patient courses") == [
        "letheon: a: 0 of 1000 patient courses",
        "letheon: b: 300 of 1000 patient courses, 50 a second, 14 s left",
        "letheon: b: 500 of 1000 patient courses, 45 a second, 11 s left",
    ]


def test_stages_are_shown_at_once_and_earlier_work_is_not_in_the_rate() -> None:
    def report(progress: Progress) -> None:
        progress.about = "memory"
        progress("preparing trials", 0, 1)
        progress("sampling", 0, 1000)
        progress("sampling", 400, 1000)  # within the first second: left by an earlier call
        progress("sampling", 500, 1000)
        for done in (501, 502, 506, 514):  # calls that follow one another closely count all the same
            progress("sampling", done, 1000)
        progress("checking", 0, 1)

    assert lines([0, 10, 10.5, 10.9, 11.4, 12, 14, 16.5, 60], report) == [
        "letheon: memory: preparing trials",
        "letheon: memory: sampling: 0 of 1000",
        "letheon: memory: sampling: 514 of 1000, 2 a second, 3 min left",
        "letheon: memory: checking",
    ]


def test_quiet_is_silent_and_a_lost_stream_ends_no_work() -> None:
    stream = io.StringIO()
    with Progress(quiet=True, stream=stream) as progress:
        progress("a", 1, 2)
    assert stream.getvalue() == ""

    class Gone(io.StringIO):
        def write(self, text: str) -> int:
            raise BrokenPipeError(32, "Broken pipe")

    with Progress(stream=Gone()) as progress:
        progress("a", 1, 2)
        progress("b", 1, 3)


def test_a_terminal_gets_a_bar(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm-256color")
    screen = io.StringIO()
    monkeypatch.setattr(screen, "isatty", lambda: True, raising=False)
    seconds = iter([0, 2, 4])
    with Progress(stream=screen, clock=lambda: next(seconds)) as progress:
        for done in (10, 30, 50):
            progress("esketamine", done, 100)
    assert "50 %" in screen.getvalue() and "left" in screen.getvalue()
