"""Harms that were only counted: a regimen gets the counts of its kind, asked for or told unasked, with exact intervals.

No relation to concentration was found for nausea, headache, night terrors, sedation or dizziness, so none is drawn.
Where studies of one kind do not overlap there is no one estimate, and the interval spans them all. Where a kind was
never counted, pooled trials of chronic pain stand in, as what comes on top of placebo; where these have nothing
either, the effect is `not identified` and the interval says so.
"""

from collections.abc import Iterable, Sequence

from letheon import library
from letheon.harms.exposure import Stretch
from letheon.harms.finding import Finding, exact_interval
from letheon.library import HarmCount

__all__ = ["EFFECTS", "count_interval", "finding", "regimen_kind"]

EFFECTS = ("psychomimetic", "hallucination", "night terrors", "nausea", "headache", "sedation", "dizziness")


def regimen_kind(runs: Iterable[Stretch]) -> str:
    """Say what kind of regimen a schedule is, for looking up counts.

    Parameters
    ----------
    runs : iterable of Stretch
        Its infusions.

    Returns
    -------
    str
        ``long`` if one goes on for a day or more, ``sessions`` if all are shorter, ``none`` without any.

    Examples
    --------
    >>> regimen_kind([Stretch(0.0, 4.0), Stretch(24.0, 28.0)]), regimen_kind([Stretch(0.0, 100.0)]), regimen_kind([])
    ('sessions', 'long', 'none')
    """
    longest = max((run.hours for run in runs), default=0.0)
    if longest == 0.0:
        return "none"
    return "long" if longest >= library.harms("liver")["long_course"].canonical else "sessions"


def count_interval(count: HarmCount) -> tuple[float, float]:
    """Return the 95 % interval of a count: exact, or as published for a difference.

    Parameters
    ----------
    count : HarmCount
        A count of the library.

    Returns
    -------
    tuple of float
        Low and high end, as shares.

    Examples
    --------
    >>> lee = next(c for c in library.harm_counts() if c.source == "lee2025")
    >>> [round(end, 4) for end in count_interval(lee)]
    [0.0, 0.0685]
    """
    if count.interval is not None:
        return count.interval
    assert count.events is not None and count.n is not None
    return exact_interval(count.events, count.n)


def _told(count: HarmCount) -> str:
    author = count.source
    if count.events is None:
        low, high = count_interval(count)
        return f"{author}: {100 * (count.share or 0):.0f} % ({100 * low:.0f}-{100 * high:.0f}) beyond placebo"
    return f"{author}: {count.events} of {count.n}"


def _hull(counts: Sequence[HarmCount]) -> tuple[float, float]:
    ends = [count_interval(count) for count in counts]
    return min(low for low, _ in ends), max(high for _, high in ends)


def _pooled(counts: Sequence[HarmCount]) -> float | None:
    """Return the pooled share of counts that agree with each other, else None."""
    if any(count.events is None for count in counts):
        return None
    ends = [count_interval(count) for count in counts]
    if max(low for low, _ in ends) > min(high for _, high in ends):
        return None
    return sum(count.events or 0 for count in counts) / sum(count.n or 0 for count in counts)


def _recalled(effect: str, kind: str) -> str:
    found = [c for c in library.harm_counts() if c.effect == effect and c.kind == kind and c.verified == "recall"]
    return "".join(f" Recalled, not read, without weight: {_told(count)} ({count.style})." for count in found)


def finding(effect: str, kind: str, style: str = "elicited") -> Finding:
    """Return how often an effect is met under a kind of regimen.

    Parameters
    ----------
    effect : str
        One of `EFFECTS`.
    kind : str
        ``long``, ``sessions``, ``single``, ``nasal`` or ``none``.
    style : str
        ``elicited`` (asked for) or ``spontaneous``.

    Returns
    -------
    Finding
        Share of patients; where the note says so, beyond placebo.

    Examples
    --------
    >>> found = finding("psychomimetic", "long")
    >>> round(found.estimate, 2), found.support
    (0.76, 'randomised')
    >>> finding("headache", "long").estimate is None
    True
    """
    known = [c for c in library.harm_counts() if c.effect == effect and c.weight > 0]
    if kind == "none":
        return _without_drug(effect, [c for c in known if c.arm == "comparison"])
    given = [c for c in known if c.arm != "comparison"]
    exact = [c for c in given if (c.kind, c.style, c.arm) == (kind, style, "drug")]
    if exact:
        support = max((c.support for c in exact), key=library.SUPPORT_LABELS.index)
        note = "; ".join(_told(c) for c in exact) + "." + _recalled(effect, kind)
        return Finding(effect, _pooled(exact), _hull(exact), "1", support, _sources(exact), note)
    if style == "spontaneous":  # what is told unasked is part of what asking finds, and may be nothing
        asked = finding(effect, kind, "elicited")
        support = "not identified" if asked.support == "not identified" else "assumed"
        note = f"Nobody counted what is told unasked; it is part of what asking finds: {asked.note}"
        return Finding(effect, None, (0.0, asked.interval[1]), "1", support, asked.sources, note)
    return _elsewhere(effect, [c for c in given if c.style == "elicited"], _recalled(effect, kind))


def _sources(counts: Iterable[HarmCount]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(count.source for count in counts))


def _without_drug(effect: str, counts: Sequence[HarmCount]) -> Finding:
    if not counts:
        note = "Without drug; no count on a comparison was read."
        return Finding(effect, None, (0.0, 1.0), "1", "not identified", (), note)
    note = f"Without drug, on a comparison: {'; '.join(_told(count) for count in counts)}."
    return Finding(effect, _pooled(counts), _hull(counts), "1", "assumed", _sources(counts), note)


def _elsewhere(effect: str, counts: Sequence[HarmCount], recalled: str) -> Finding:
    """Say what is known of an effect that nobody counted under such a regimen."""
    told = f"Nobody counted this under such a regimen. Elsewhere: {'; '.join(_told(c) for c in counts)}.{recalled}"
    differences = [c for c in counts if c.arm == "difference"]
    if differences:  # pooled trials of chronic pain, infusions among them, come nearest
        (pooled,) = differences
        note = f"Beyond placebo, from pooled trials of ketamine for chronic pain. {told}"
        return Finding(effect, pooled.share, count_interval(pooled), "1", "assumed", _sources(counts), note)
    return Finding(effect, None, (0.0, 1.0), "1", "not identified", _sources(counts), told)
