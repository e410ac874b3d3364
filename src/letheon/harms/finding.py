"""What is said about one harm: an estimate or none, an interval, how far to trust it, and why."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from scipy import special

from letheon.errors import InputError

__all__ = ["Finding", "exact_interval", "jeffreys_interval"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One harm of one regimen.

    Parameters
    ----------
    name : str
        The harm.
    estimate : float or None
        Best value [`unit`]; None where the evidence gives none.
    interval : tuple of float
        Where it may lie [`unit`].
    unit : str
        Unit.
    support : str
        ``randomised``, ``uncontrolled``, ``volunteer``, ``animal``, ``assumed`` or ``not identified``.
    sources : tuple of str
        Keys in ``sources.bib``.
    note : str
        What a reader must know.
    laws : mapping of str to Finding
        Where rival laws fit equally well: each by its name, with no estimate above them.

    Examples
    --------
    >>> Finding("nausea", None, (0.0, 0.2), "1", "assumed", ("colina2023",)).document()["estimate"] is None
    True
    """

    name: str
    estimate: float | None
    interval: tuple[float, float]
    unit: str
    support: str
    sources: tuple[str, ...]
    note: str = ""
    laws: Mapping[str, "Finding"] = field(default_factory=dict)

    def document(self) -> dict[str, Any]:
        """Return what a result document says about this harm.

        Returns
        -------
        dict
            Keys ``estimate``, ``interval``, ``unit``, ``support``, ``sources``, ``note``; ``laws`` if there are any.
        """
        plain: dict[str, Any] = {
            "estimate": self.estimate,
            "interval": list(self.interval),
            "unit": self.unit,
            "support": self.support,
            "sources": list(self.sources),
            "note": self.note,
        }
        return plain | ({"laws": {name: law.document() for name, law in self.laws.items()}} if self.laws else {})


def _checked(events: int, n: int, level: float) -> None:
    if not (0 <= events <= n and n > 0 and 0.0 < level < 1.0):
        raise InputError(f"a share needs 0 <= events <= n and a level within 0 and 1; got {events} of {n} at {level}")


def exact_interval(events: int, n: int, level: float = 0.95) -> tuple[float, float]:
    """Return the exact (Clopper-Pearson) interval of a share.

    Parameters
    ----------
    events, n : int
        Patients with the harm, of how many.
    level : float
        Coverage.

    Returns
    -------
    tuple of float
        Low and high end.

    Raises
    ------
    InputError
        If there are more events than patients.

    Examples
    --------
    >>> [round(end, 3) for end in exact_interval(3, 6)]
    [0.118, 0.882]
    """
    _checked(events, n, level)
    tail = (1.0 - level) / 2.0
    low = 0.0 if events == 0 else float(special.betaincinv(events, n - events + 1, tail))
    high = 1.0 if events == n else float(special.betaincinv(events + 1, n - events, 1.0 - tail))
    return low, high


def jeffreys_interval(events: int, n: int, level: float = 0.95) -> tuple[float, float]:
    """Return the Jeffreys interval of a share; shorter than the exact one, and open to 0 and to 1 at the ends.

    Parameters
    ----------
    events, n : int
        Patients with the harm, of how many.
    level : float
        Coverage.

    Returns
    -------
    tuple of float
        Low and high end.

    Raises
    ------
    InputError
        If there are more events than patients.

    Examples
    --------
    >>> [round(end, 3) for end in jeffreys_interval(0, 52)]
    [0.0, 0.047]
    """
    _checked(events, n, level)
    tail = (1.0 - level) / 2.0
    low = 0.0 if events == 0 else float(special.betaincinv(events + 0.5, n - events + 0.5, tail))
    high = 1.0 if events == n else float(special.betaincinv(events + 0.5, n - events + 0.5, 1.0 - tail))
    return low, high
