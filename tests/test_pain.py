"""Pain: placebo, flares, the diary, and what is read from it, against plain Python day by day."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from letheon.arrays import jax
from letheon.body.pain import Course, diary, flare_days, placebo_shape, read_diary
from letheon.definitions import BASELINE_DAYS
from letheon.scenario import Responder
from letheon.scenario.measures import AREA, WHOLE, responders

READ = jax.jit(read_diary)
FLARES = jax.jit(flare_days)


@pytest.mark.parametrize(("on", "off"), [(24.0, 672.0), (6.0, 168.0), (100.0, 1e9)])
def test_placebo_rises_and_fades(on, off):
    """The written formula, nothing at 0, and its top where the derivative of the product vanishes."""
    t = np.linspace(0.0, 2000.0, 7)
    np.testing.assert_allclose(placebo_shape(t, on, off), (1 - np.exp(-t / on)) * np.exp(-t / off), rtol=1e-13)
    top = on * np.log1p(off / on)
    assert abs(float(jax.grad(placebo_shape)(top, on, off))) < 1e-12
    assert float(placebo_shape(0.0, on, off)) == 0.0
    assert float(placebo_shape(1e-9, on, off)) == pytest.approx(1e-9 / on, rel=1e-9)


def flares_by_hand(u, rate, hours) -> list[float]:
    """Day by day: an onset lasts `length` days; one during a flare extends it to its own end."""
    length, left, result = max(round(hours / 24), 1), 0, []
    for x in u:
        if x < 1 - np.exp(-24 * rate):
            left = length
        result.append(1.0 if left > 0 else 0.0)
        left -= 1
    return result


@settings(max_examples=40)
@given(
    u=st.lists(st.floats(1e-9, 1.0, exclude_max=True), min_size=30, max_size=30),
    a_day=st.floats(0.001, 0.8),
    days=st.sampled_from([0.2, 1.0, 3.0, 7.0, 14.0]),
)
def test_flares_day_by_day(u, a_day, days):
    """Red when an overlapping flare adds its length, or restarts nothing."""
    result = FLARES(np.array(u), a_day / 24, 24 * days)
    assert result.tolist() == flares_by_hand(u, a_day / 24, 24 * days)


def test_entries_are_rounded_half_up_and_clipped():
    """Red when a half goes to the even neighbour, or an entry leaves the scale."""
    latent = np.array([-3.0, 0.49, 0.5, 2.5, 3.5, 6.49999, 9.5, 14.0])
    assert diary(latent, np.zeros(8), 1.0, 0.5).tolist() == [0, 0, 1, 3, 4, 6, 10, 10]


def test_noise_is_a_stationary_autoregression():
    """Read through a wide scale: SD and lags 1 to 3 of the noise, from the first day on."""
    z = np.random.default_rng(2).normal(size=(300, 3000))
    scale, rho = 0.8, 0.6
    entries = np.asarray(diary(np.full((300, 3000), 5.0), z, scale, rho))
    rounding = 1 / 12  # variance that rounding adds
    for day in (0, 1, 50, 299):
        assert entries[day].var() == pytest.approx(scale**2 + rounding, rel=0.1)
    assert entries.var() == pytest.approx(scale**2 + rounding, rel=0.02)
    assert entries.mean() == pytest.approx(5.0, abs=0.01)
    off = entries - 5.0
    for lag in (1, 2, 3):
        assert (off[lag:] * off[:-lag]).mean() == pytest.approx(scale**2 * rho**lag, abs=0.02)


def read_by_hand(entries, days, course_end, at) -> dict:
    """Endpoints of one diary in exact fractions, since ties are common; day d is entry 6 + d."""
    entries = [Fraction(int(e)) for e in entries]
    base = sum(entries[:BASELINE_DAYS]) / BASELINE_DAYS
    share_30, share_50, share_85 = Fraction(7, 10), Fraction(1, 2), Fraction(17, 20)

    def entry(d):
        return entries[BASELINE_DAYS - 1 + d]

    def recent(d):
        return (entry(d) + entry(d - 1) + entry(d - 2)) / 3

    result = {
        "baseline": float(base),
        "nrs": [float(entry(min(d, days))) for d in at],
        "responder": [
            [float(recent(min(d, days)) <= share_30 * base) for d in at],
            [float(recent(min(d, days)) <= share_50 * base) for d in at],
            [float(base - recent(min(d, days)) >= 2) for d in at],
            [float(5 * recent(min(d, days)) <= 4 * base) for d in at],
            [float(2 * (base - recent(min(d, days))) >= 3) for d in at],
        ],
        "weekly": [
            float(sum(entry(7 * week + d) for d in range(1, 8) if 7 * week + d <= days) / 7)
            for week in range(PADDED // 7)
        ],
        "pain_area": float(sum(entry(d) for d in range(1, days + 1))),
        "pain_area_change": float(sum(entry(d) - base for d in range(1, days + 1))),
        "relief_days": float(sum(entry(d) <= share_30 * base for d in range(1, days + 1))),
        "pain_free_days": float(sum(entry(d) <= 1 for d in range(1, days + 1))),
    }
    window = [d for d in range(1, days + 1) if course_end <= d <= course_end + 14 and recent(d) <= share_30 * base]
    result["remission"] = float(bool(window))
    result["relapse_day"] = np.inf
    if window:
        for d in range(window[0] + 1, days + 1):
            if sum(entry(d - k) >= share_85 * base for k in range(7)) >= 5:
                result["relapse_day"] = float(d)
                break
    return result


PADDED = 40
AT = (1, 3, 7, 14, 28, 84)
THRESHOLDS = np.array([one.limit for one in responders((Responder(20.0, "%"), Responder(1.5, "points")))])


def assert_read(entries, days, course_end) -> None:
    result = READ(np.array(entries, float), days, course_end, np.array(AT), THRESHOLDS)
    for name, value in read_by_hand(entries, days, course_end, AT).items():
        np.testing.assert_allclose(getattr(result, name), value, rtol=1e-12, atol=1e-12, err_msg=name)


@settings(max_examples=150)
@given(
    before=st.lists(st.integers(4, 10), min_size=7, max_size=7),
    levels=st.lists(st.tuples(st.integers(0, 10), st.integers(1, 12)), min_size=4, max_size=12),
    noise=st.lists(st.integers(-1, 1), min_size=PADDED, max_size=PADDED),
    days=st.integers(3, PADDED),
    course_end=st.floats(0.2, 20.0),
)
def test_reading_against_plain_python(before, levels, noise, days, course_end):
    """Plateaus of relief and of pain with noise; whatever stands behind the last day must not count."""
    after = [level for level, length in levels for _ in range(length)][:PADDED]
    after += [after[-1]] * (PADDED - len(after))
    entries = before + [min(max(a + b, 0), 10) for a, b in zip(after, noise, strict=True)]
    assert_read(entries, days, course_end)


@pytest.mark.parametrize("shift", [0, 1, 2])
@pytest.mark.parametrize("course_end", [4.17, 5.0, 5.01])
def test_edges_of_remission_and_relapse(shift, course_end):
    """Relief begins around the end of the course, and returns for exactly five of seven days."""
    after = [8] * (3 + shift) + [2] * 12 + [8, 8, 2, 8, 8, 8] + [2] * (PADDED - 21 - shift)
    assert_read([8] * 7 + after, PADDED, course_end)


@pytest.mark.parametrize(("total", "level"), [(70, 7), (60, 6), (50, 5), (40, 4)])
def test_an_entry_at_exactly_the_share_counts(total, level):
    """Six is 30 % less than 60/7; red when rounding or a strict sign takes it away."""
    before = [total // 7 + (k < total % 7) for k in range(7)]
    entries = np.array(before + [level] * PADDED, float)
    result = READ(entries, 20, 1.0, np.array(AT), THRESHOLDS)
    assert result.relief_days == 20 and result.responder[0].tolist() == [0, 1, 1, 1, 1, 1] and result.remission == 1


def test_every_endpoint_is_declared():
    """Red when a reading of the diary is no measure: it would be in no result."""
    declared = {"nrs", "weekly", "responder", *(measure.name for measure in (*WHOLE, *AREA))}
    assert set(Course._fields) - {"baseline", "relapse_day"} == declared
