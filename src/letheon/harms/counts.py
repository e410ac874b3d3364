"""Harms that were only counted: a regimen gets the counts of studies that gave as much, elicited or spontaneous.

No relation to concentration was found for nausea, headache, night terrors, sedation or dizziness, so none is drawn:
outside the doses and hours that were counted there is a range (`letheon.harms.bounds`), or nothing is identified. Where
studies do not overlap there is no one estimate, and the interval spans them all. Where no infusion was counted, pooled
trials of chronic pain stand in, as what comes on top of placebo; where these have nothing either, the effect is `not
identified` and the interval says so. A recalled value weighs nothing, but where it comes from the trial of this very
regimen and lies outside the interval, the estimate is withdrawn.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from letheon import library
from letheon.harms.bounds import Bounds, bounds, count_interval, group, hull, inside
from letheon.harms.estimate import Estimate
from letheon.harms.exposure import Intensity, Stretch
from letheon.library import HarmCount

__all__ = ["BEYOND", "EFFECTS", "estimate_of", "is_long"]

EFFECTS = ("psychomimetic", "hallucination", "night terrors", "nausea", "headache", "sedation", "dizziness")
BEYOND = "Beyond placebo"  # how the note of a difference begins
_INFUSIONS = ("long", "sessions")


def is_long(runs: Iterable[Stretch]) -> bool:
    """Say whether a regimen has an infusion that goes on for a day or more.

    >>> is_long([Stretch(0.0, 4.0), Stretch(24.0, 28.0)]), is_long([Stretch(0.0, 100.0)]), is_long([])
    (False, True, False)
    """
    longest = max((run.hours for run in runs), default=0.0)
    return longest >= library.harms("liver")["long_course"].canonical


def _count_text(count: HarmCount) -> str:
    author = count.source
    if count.events is None:
        low, high = count_interval(count)
        return f"{author}: {100 * (count.share or 0):.0f} % ({100 * low:.0f}-{100 * high:.0f}) beyond placebo"
    return f"{author}: {count.events} of {count.n}"


def _pooled(counts: Sequence[HarmCount]) -> float | None:
    """Return the pooled share of counts that agree with each other, else None."""
    if any(count.events is None for count in counts):
        return counts[0].share if len(counts) == 1 else None
    ends = [count_interval(count) for count in counts]
    if max(low for low, _ in ends) > min(high for _, high in ends):
        return None
    return sum(count.events or 0 for count in counts) / sum(count.n or 0 for count in counts)


def _counts(effect: str, style: str, arm: str, kinds: Sequence[str] = ()) -> list[HarmCount]:
    """Return counts of an effect in an arm, those that were only recalled among them."""
    return [
        c
        for c in library.harm_counts()
        if (c.effect, c.style) == (effect, style) and c.arm == arm and (not kinds or c.kind in kinds)
    ]


def estimate_of(effect: str, regimen: Intensity, style: str = "elicited") -> Estimate:
    """Return the share of patients with one of `EFFECTS` under a regimen.

    It is what comes on top of placebo where the note begins with `BEYOND`. `style` is ``elicited``, where patients were
    asked, or ``spontaneous``.

    >>> result = estimate_of("psychomimetic", Intensity(0.3, 100.0))
    >>> round(result.estimate, 2), result.support
    (0.76, 'randomised')
    >>> estimate_of("psychomimetic", Intensity(5.0, 100.0)).estimate is None
    True
    """
    if not regimen.hours:
        return _without_drug(effect)
    of_infusions = [c for c in _counts(effect, style, "drug", _INFUSIONS) if c.weight > 0]
    pooled = [c for c in _counts(effect, style, "difference") if c.weight > 0]
    if of_infusions or pooled:
        return _conflict(_counted(effect, regimen, style, of_infusions or pooled), effect, regimen, style)
    if style == "spontaneous":  # spontaneous reports are part of the elicited ones, and may be none
        elicited = estimate_of(effect, regimen)
        support = "not identified" if elicited.support == "not identified" else "assumed"
        beyond = f"{BEYOND}. " if elicited.note.startswith(BEYOND) else ""
        note = f"{beyond}Nobody counted spontaneous reports; they are part of what asking finds: {elicited.note}"
        return Estimate(None, (min(0.0, elicited.interval[0]), elicited.interval[1]), support, elicited.sources, note)
    elsewhere = [c for c in _counts(effect, style, "drug") if c.weight > 0]
    text = f"Nobody counted this under infusions. Elsewhere: {_summary(elsewhere)}.{_recalled(effect, style)}"
    return Estimate(None, (0.0, 1.0), "not identified", _sources(elsewhere), text)


def _counted(effect: str, regimen: Intensity, style: str, counts: Sequence[HarmCount]) -> Estimate:
    """Return what the counts of infusions say, or pooled differences where there are none."""
    kinds = dict.fromkeys(c.kind for c in counts)
    beyond = counts[0].arm == "difference"
    groups = [group([c for c in counts if c.kind == kind]) for kind in kinds]
    comparison = [] if beyond else [c for c in _counts(effect, style, "comparison", _INFUSIONS) if c.weight > 0]
    floor = min((count_interval(c)[0] for c in comparison), default=0.0)
    result = bounds(regimen, groups, floor=floor)
    like = [c for g in result.inside for c in g.counts]
    estimate = _pooled(like) if like else None
    text = f"{_summary(like or counts)}.{_recalled(effect, style)}"
    prefix = f"{BEYOND}, from pooled trials of ketamine for chronic pain. " if beyond else ""
    why = f"{result.why} " if result.why else ""
    sources = _sources(like or counts)
    return Estimate(estimate, (result.low, result.high), _support(result, like, floor), sources, f"{prefix}{why}{text}")


def _support(result: Bounds, like: Sequence[HarmCount], floor: float) -> str:
    if like:
        return max((c.support for c in like), key=library.SUPPORT_LABELS.index)
    return "not identified" if result.low <= floor and result.high == 1.0 else "assumed"


def _conflict(result: Estimate, effect: str, regimen: Intensity, style: str) -> Estimate:
    """Withdraw an estimate that a recalled value of the trial of this regimen contradicts.

    The trial's own read count comes before what is recalled of the same trial.
    """
    beyond = result.note.startswith(BEYOND)
    low, high = result.interval
    for count in _counts(effect, style, "drug", _INFUSIONS):
        if count.verified != "recall" or count.source in result.sources or not inside(regimen, group([count])):
            continue
        value = _share(count)
        if beyond:
            others = [c for c in _counts(effect, style, "comparison", (count.kind,)) if c.source == count.source]
            value = value - _share(others[0]) if others else low
        if low <= value <= high:
            continue
        note = (
            f"{result.note} No estimate: {100 * value:.0f} % is recalled of the trial of such a regimen "
            f"({count.source}), outside the {100 * low:.0f} to {100 * high:.0f} % above; it was not read."
        )
        low, high = min(low, value), max(high, value)
        sources = (*result.sources, count.source)
        result = replace(
            result, estimate=None, interval=(low, high), support="not identified", sources=sources, note=note
        )
    return result


def _share(count: HarmCount) -> float:
    return (count.events or 0) / count.n if count.n else float(count.share or 0.0)


def _summary(counts: Sequence[HarmCount]) -> str:
    return "; ".join(map(_count_text, counts))


def _recalled(effect: str, style: str) -> str:
    result = [c for c in _counts(effect, style, "drug", _INFUSIONS) if c.verified == "recall"]
    return "".join(f" Recalled, not read, without weight: {_count_text(count)}." for count in result)


def _sources(counts: Iterable[HarmCount]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(count.source for count in counts))


def _without_drug(effect: str) -> Estimate:
    counts = [c for c in library.harm_counts() if c.effect == effect and c.arm == "comparison" and c.weight > 0]
    if not counts:
        note = "Without drug; no count on a comparison was read."
        return Estimate(None, (0.0, 1.0), "not identified", (), note)
    note = f"Without drug, on a comparison: {_summary(counts)}."
    return Estimate(_pooled(counts), hull(counts), "assumed", _sources(counts), note)
