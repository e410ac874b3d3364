"""The tree of errors: each carries the exit code that a command ends with."""


class LetheonError(Exception):
    """Root of every error that Letheon raises on purpose."""

    exit_code = 1


class InputError(LetheonError):
    """Bad input or an unusable output folder, found before any work starts."""

    exit_code = 2


class RunError(LetheonError):
    """A failure during a run, such as a full disk or a lost worker."""

    exit_code = 1


class Interrupted(RunError):
    """A run that was stopped from outside; its finished blocks stay."""

    exit_code = 130


class LetheonWarning(UserWarning):
    """Something that does not stop a run but changes how far to trust it."""
