"""Tapers: which sessions of a timetable run as written, and in which stretches a titration sets the rate."""

from collections.abc import Sequence
from itertools import groupby

from letheon.dosing.regimen import Infusion
from letheon.units import REFERENCE_WEIGHT_KG

__all__ = ["tapers", "titrated_spans"]

_EQUAL = 1e-9  # relative; rates are sums of what was written


def _counts(infusion: Infusion) -> bool:
    return not (infusion.is_push or infusion.rate.is_zero or infusion.duration_ms <= 0)


def tapers(infusions: Sequence[Infusion]) -> tuple[bool, ...]:
    """Say which sessions are written lower than what ran before them, and so run as written under a titration.

    What ran before is the sum of the written rates just before the session starts, or before the last pause. Sessions
    that start together count as one, pushes and pauses not at all. A session that goes on at the rate of a taper, right
    after it, belongs to that taper. Rates are compared at 70 kg, so that a taper is a taper for every patient.

    >>> from letheon.dosing.regimen import Rate
    >>> tapers([Infusion.create(0, 48, Rate(per_kg_mg_h=0.1)), Infusion.create(48, 8, Rate(per_kg_mg_h=0.03))])
    (False, True)
    """
    result = [False] * len(infusions)
    counted = [k for k, one in enumerate(infusions) if _counts(one)]
    running: list[int] = []
    for start, together in groupby(counted, lambda k: infusions[k].start_ms):
        starting = list(together)
        last = min(start, max((infusions[k].stop_ms for k in running), default=start))
        running = [k for k in running if infusions[k].stop_ms >= last]
        before, now = (sum(infusions[k].rate.at(REFERENCE_WEIGHT_KG) for k in some) for some in (running, starting))
        goes_on = last == start and bool(running) and all(result[k] for k in running)
        lower = now < before * (1 - _EQUAL) or (goes_on and now <= before * (1 + _EQUAL))
        for k in starting:
            result[k] = lower
        running += starting
    return tuple(result)


def titrated_spans(infusions: Sequence[Infusion]) -> tuple[tuple[int, int], ...]:
    """List the stretches in which a titration sets the rate; in all others drug runs as written.

    >>> from letheon.dosing.regimen import Rate
    >>> sessions = [Infusion.create(0, 48, Rate(per_kg_mg_h=0.1)), Infusion.create(48, 8, Rate(per_kg_mg_h=0.03))]
    >>> [(start / 3_600_000, stop / 3_600_000) for start, stop in titrated_spans(sessions)]
    [(0.0, 48.0)]
    """
    spans: list[tuple[int, int]] = []
    for one, taper in zip(infusions, tapers(infusions), strict=True):
        if taper or not _counts(one):
            continue
        if spans and one.start_ms <= spans[-1][1]:
            spans[-1] = (spans[-1][0], max(spans[-1][1], one.stop_ms))
        else:
            spans.append((one.start_ms, one.stop_ms))
    return tuple(spans)
