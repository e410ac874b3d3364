"""Which sessions run as written under a titration, judged by hand."""

import pytest

from letheon.dosing.regimen import Infusion, Rate
from letheon.dosing.titration import tapers, titrated_spans

KG = Rate(per_kg_mg_h=0.1)


def infusion(start: float, hours: float, mg_h: float) -> Infusion:
    return Infusion.create(start, hours, Rate(absolute_mg_h=mg_h))


BY_HAND = {
    "one session": ([(0, 48, 10)], [False], [(0, 48)]),
    "a taper": ([(0, 48, 10), (48, 8, 3)], [False, True], [(0, 48)]),
    "a taper after a pause": ([(0, 4, 25), (24, 4, 20)], [False, True], [(0, 4)]),
    "equal and higher": ([(0, 4, 25), (24, 4, 25), (48, 4, 30)], [False] * 3, [(0, 4), (24, 28), (48, 52)]),
    "down and up again": ([(0, 24, 10), (24, 24, 5), (48, 24, 8)], [False, True, False], [(0, 24), (48, 72)]),
    "a taper written in two halves": ([(0, 24, 10), (24, 4, 5), (28, 4, 5)], [False, True, True], [(0, 24)]),
    "the same again after a pause": ([(0, 4, 25), (24, 4, 20), (48, 4, 20)], [False, True, False], [(0, 4), (48, 52)]),
    "two bags at once, then fewer": ([(0, 48, 10), (0, 48, 5), (48, 8, 12)], [False, False, True], [(0, 48)]),
    "a taper that begins early": ([(0, 48, 10), (47, 9, 3)], [False, True], [(0, 48)]),
    "extra drug on top, then fewer": (
        [(0, 100, 10), (24, 4, 5), (100, 20, 7)],
        [False, True, True],
        [(0, 100)],
    ),
    "pushes do not count": ([(0, 1 / 60, 900), (0, 24, 2), (24, 24, 2)], [False] * 3, [(0, 48)]),
    "nor does a pause written out": ([(0, 24, 10), (24, 24, 0), (48, 24, 5)], [False, False, True], [(0, 24)]),
}


@pytest.mark.parametrize("case", BY_HAND)
def test_sessions_written_lower_run_as_written(case: str) -> None:
    written, lower, spans = BY_HAND[case]
    infusions = [infusion(*one) for one in written]
    assert list(tapers(infusions)) == lower
    assert [(a / 3_600_000, b / 3_600_000) for a, b in titrated_spans(infusions)] == spans


def test_rates_by_weight_and_for_everybody_are_compared_at_70_kg() -> None:
    weighed = Infusion.create(0, 4, KG)
    assert tapers([weighed, infusion(4, 4, 6.9), infusion(8, 4, 7.1)]) == (False, True, False)
