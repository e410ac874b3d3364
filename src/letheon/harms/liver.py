"""The liver: what is known goes by the pattern of a regimen, not by its dose; two small groups of patients speak.

Six patients had 100 hours of esketamine twice, 16 days apart, and three of them injured their livers, mostly the second
time. Fifty-two had four hours a day for seven to ten days and boosters, and none did. That is a difference between
patterns, not a curve.
"""

from collections.abc import Sequence
from itertools import pairwise

from letheon import library
from letheon.harms.bounds import bounds, group
from letheon.harms.exposure import Intensity, Stretch
from letheon.harms.finding import Finding

__all__ = ["PATTERNS", "finding", "pattern"]

PATTERNS = ("none", "short sessions", "one long course", "long course again later", "long course again within weeks")
_UNKNOWN = "A pattern, not a prediction: no dose, level or waiting time is known to be safe or unsafe."
_SIX = "three of six patients with a second 100-hour infusion 16 days after the first (Noppers 2011)"
_FIFTY_TWO = "none of fifty-two patients with 4 hours a day for 7-10 days and boosters (Lee 2025)"
_NOTES = {
    "none": "Without drug.",
    "short sessions": f"Seen: {_FIFTY_TWO}; the injuries were {_SIX}.",
    "one long course": (
        "Seen: enzymes rose, but in none of 101 as far as clinically relevant (Colina 2023); at most one of six with a "
        f"first 100-hour infusion, {_SIX}; and {_FIFTY_TWO}."
    ),
    "long course again later": (
        "Seen: two patients whose enzymes rose within two days of a course seven months and more after the first, "
        f"without a count of all treated; {_SIX}; and {_FIFTY_TWO}."
    ),
    "long course again within weeks": f"Seen: {_SIX}; and {_FIFTY_TWO}.",
}


def _joined(runs: Sequence[Stretch], pause_h: float) -> list[Stretch]:
    result: list[Stretch] = []
    for run in runs:
        if result and run.start_h - result[-1].stop_h <= pause_h:
            result[-1] = Stretch(result[-1].start_h, run.stop_h)
        else:
            result.append(run)
    return result


def pattern(runs: Sequence[Stretch]) -> str:
    """Name the pattern of a regimen.

    Parameters
    ----------
    runs : sequence of Stretch
        Its infusions, in order; pauses of up to ``liver.pause`` do not part them.

    Returns
    -------
    str
        One of `PATTERNS`.

    Examples
    --------
    >>> pattern([Stretch(0.0, 100.0), Stretch(484.0, 584.0)])
    'long course again within weeks'
    """
    numbers = library.harms("liver")
    if not runs:
        return "none"
    long = [run for run in _joined(runs, numbers["pause"].canonical) if run.hours >= numbers["long_course"].canonical]
    if not long:
        return "short sessions"
    gaps = [later.start_h - earlier.stop_h for earlier, later in pairwise(long)]
    if not gaps:
        return "one long course"
    return "long course again within weeks" if min(gaps) <= numbers["soon"].canonical else "long course again later"


def finding(runs: Sequence[Stretch], regimen: Intensity) -> Finding:
    """Return how often the liver is injured: enzymes at least three times the upper limit of normal.

    Parameters
    ----------
    runs : sequence of Stretch
        Infusions of the regimen.
    regimen : Intensity
        How strong and how long it runs.

    Returns
    -------
    Finding
        An interval without an estimate; 0 without drug.

    Examples
    --------
    >>> result = finding([Stretch(24.0 * day, 24.0 * day + 4.0) for day in range(10)], Intensity(0.18, 4.0))
    >>> result.estimate is None, [round(end, 3) for end in result.interval], result.support
    (True, [0.0, 0.068], 'uncontrolled')
    """
    name = pattern(runs)
    if name == "none":
        return Finding("liver injury", 0.0, (0.0, 0.0), "1", "assumed", (), _NOTES[name])
    counts = [count for count in library.harm_counts() if count.effect == "liver" and count.weight > 0]
    kinds = [kind for kind in PATTERNS if any(c.kind == kind for c in counts)]
    groups = [group([c for c in counts if c.kind == kind], PATTERNS.index(kind)) for kind in kinds]
    result = bounds(regimen, groups, PATTERNS.index(name))
    sources = tuple(dict.fromkeys(count.source for count in counts))
    if name == "long course again later":
        sources = (*sources, "aapractice2020")
    support = "assumed"
    if result.inside and name in ("short sessions", "long course again within weeks"):
        support = "uncontrolled"
    elif (result.low, result.high) == (0.0, 1.0):
        support = "not identified"
    between = name == "long course again later" and result.high < 1.0  # its note says so
    why = f" {result.why}" if result.why and not between else ""
    note = f"{_NOTES[name]}{why} {_UNKNOWN}"
    return Finding("liver injury", None, (result.low, result.high), "1", support, sources, note)
