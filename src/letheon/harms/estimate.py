"""What is known about one harm: an estimate or none, an interval, how far to trust it, and why."""

from dataclasses import dataclass

from scipy import special

from letheon.errors import InputError

__all__ = ["Estimate", "exact_interval", "jeffreys_interval"]


@dataclass(frozen=True, slots=True)
class Estimate:
    """One harm of one regimen."""

    estimate: float | None  # best value [unit]; None where the evidence gives none
    interval: tuple[float, float]  # where it may lie [unit]
    support: str  # randomised, uncontrolled, volunteer, animal, assumed or not identified
    sources: tuple[str, ...]  # keys in sources.bib
    note: str  # what a reader must know
    unit: str = "share"


def _beta_interval(events: int, n: int, level: float, added: float) -> tuple[float, float]:
    if not (0 <= events <= n and n > 0 and 0.0 < level < 1.0):
        raise InputError(f"a share needs 0 <= events <= n and a level within 0 and 1; got {events} of {n} at {level}")
    tail = (1.0 - level) / 2.0
    low = 0.0 if events == 0 else float(special.betaincinv(events + added, n - events + 1 - added, tail))
    high = 1.0 if events == n else float(special.betaincinv(events + 1 - added, n - events + added, 1.0 - tail))
    return low, high


def exact_interval(events: int, n: int, level: float = 0.95) -> tuple[float, float]:
    """Return the exact (Clopper-Pearson) interval of a share: so many `events` in `n` patients.

    Raises
    ------
    InputError
        If there are more events than patients.

    Examples
    --------
    >>> [round(end, 3) for end in exact_interval(3, 6)]
    [0.118, 0.882]
    """
    return _beta_interval(events, n, level, 0.0)


def jeffreys_interval(events: int, n: int, level: float = 0.95) -> tuple[float, float]:
    """Return the Jeffreys interval of a share; shorter than the exact one, and open to 0 and to 1 at the ends.

    >>> [round(end, 3) for end in jeffreys_interval(0, 52)]
    [0.0, 0.047]
    """
    return _beta_interval(events, n, level, 0.5)
