"""The liver: risk depends on the pattern of a regimen, not on its dose; the evidence is two small groups of patients.

Six patients had 100 hours of esketamine twice, 16 days apart, and three of them injured their livers, mostly the second
time. Fifty-two had four hours a day for seven to ten days and boosters, and none did. That is a difference between
patterns, not a curve.
"""

from collections.abc import Sequence
from itertools import pairwise

from letheon import library
from letheon.harms.bounds import bounds, group
from letheon.harms.estimate import Estimate
from letheon.harms.exposure import Intensity, Stretch, joined

__all__ = ["PATTERNS", "estimate_of", "pattern"]

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


def pattern(runs: Sequence[Stretch]) -> str:
    """Name the pattern of a regimen, one of `PATTERNS`, from its infusions in order.

    Pauses of up to ``liver.pause`` do not part them.

    >>> pattern([Stretch(0.0, 100.0), Stretch(484.0, 584.0)])
    'long course again within weeks'
    """
    numbers = library.harms("liver")
    if not runs:
        return "none"
    long = [run for run in joined(runs, numbers["pause"].canonical) if run.hours >= numbers["long_course"].canonical]
    if not long:
        return "short sessions"
    gaps = [later.start_h - earlier.stop_h for earlier, later in pairwise(long)]
    if not gaps:
        return "one long course"
    return "long course again within weeks" if min(gaps) <= numbers["soon"].canonical else "long course again later"


def estimate_of(runs: Sequence[Stretch], regimen: Intensity) -> Estimate:
    """Return how often the liver is injured: enzymes at least three times the upper limit of normal.

    `runs` are the infusions of the regimen. There is an interval without an estimate; 0 without drug.

    >>> result = estimate_of([Stretch(24.0 * day, 24.0 * day + 4.0) for day in range(10)], Intensity(0.18, 4.0))
    >>> result.estimate is None, [round(end, 3) for end in result.interval], result.support
    (True, [0.0, 0.068], 'uncontrolled')
    """
    name = pattern(runs)
    if name == "none":
        return Estimate(0.0, (0.0, 0.0), "assumed", (), _NOTES[name])
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
    return Estimate(None, (result.low, result.high), support, sources, note)
