"""The tree of errors: each carries the exit code that a command ends with."""

from collections.abc import Iterable


class LetheonError(Exception):
    """Root of every error that Letheon raises on purpose."""

    exit_code = 1


class InputError(LetheonError):
    """Bad input or an unusable output folder, found before any work starts."""

    exit_code = 2

    def __init__(self, sentence: str = "", place: tuple[int, str] = (0, ""), *, once: bool = False) -> None:
        super().__init__(sentence)
        self.place = place  # line from 1, and field, in a scenario file
        self.once = once  # whether there can be only one refusal at this place


class RunError(LetheonError):
    """A failure during a run, such as a full disk or a lost worker."""

    exit_code = 1


class Interrupted(RunError):
    """A run that was stopped from outside; its finished blocks are kept."""

    exit_code = 130


class LetheonWarning(UserWarning):
    """Something that does not stop a run but changes how far to trust it."""


def near_word(word: str, known: Iterable[str], cutoff: float = 0.6) -> str | None:
    """Return the known word that a slip of the pen could have made this from: close, and with no other digits."""
    import difflib  # only a refusal needs it

    def digits(text: str) -> str:
        return "".join(filter(str.isdigit, text))  # otto2020 is another paper than otto2021

    alike = [name for name in known if not digits(word) or digits(name) in {"", digits(word)}]
    return next(iter(difflib.get_close_matches(word.lower(), alike, n=1, cutoff=cutoff)), None)


def instead(word: str, known: Iterable[str]) -> str:
    """Say what to write in place of an unknown word: the nearest of the known ones, else any.

    >>> instead("hourz", ["hours", "days"]), instead("?", ["hours", "days"])
    ('write hours if you meant that', 'write one of hours, days')
    """
    known = tuple(known)
    near = near_word(word, known)
    return f"write {near} if you meant that" if near else f"write one of {', '.join(known)}"


def near_hint(word: str, known: Iterable[str], otherwise: str = "") -> str:
    """Name the nearest of the known words, or say `otherwise`, or else list them all."""
    known = tuple(known)
    near = near_word(word, known)
    return f"the nearest is {near}" if near else otherwise or f"choose among {', '.join(known)}"
