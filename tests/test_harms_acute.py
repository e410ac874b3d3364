"""Psychedelic load and incidence, circulation, other drugs beside: published tables, identities, monotone in exposure."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import expit, logit, ndtri

from letheon import library
from letheon.arrays import jax
from letheon.harms import acute, circulation, comedication, liver, mood
from letheon.harms.counts import estimate_of
from letheon.harms.estimate import exact_interval
from letheon.harms.exposure import Intensity, Stretch
from letheon.patients.uncertainty import DRAWS, typical_values

LEVELS = st.floats(0.0, 5000.0)
SLOPE = jax.jit(acute.incidence_slope)


def typical(name: str) -> float:
    section, key = name.split(".")
    return library.harms(section)[key].canonical


# ---- the load


@pytest.mark.parametrize(
    ("weight", "expected"),
    [(0.0, (17.1, 29.2, 38.3, 45.2)), (0.5, (23.7, 38.3, 48.2, 55.4))],
)
def test_load_of_the_racemate_at_the_levels_of_volunteers(weight, expected):
    """The evidence's table, S = R = half of 50, 100, 150, 200 ng/mL; red when a half, a weight or the C50 is lost."""
    half = np.array([25.0, 50.0, 75.0, 100.0])
    c50 = library.harms("psychedelic")["c50"].value
    assert np.asarray(acute.load(half, half, c50, weight)) == pytest.approx(expected, abs=0.1)


def test_load_lies_where_volunteers_rated_it():
    """37-89 % of the scale at 200 ng/mL of the racemate, for every weight of arketamine that the library allows."""
    number = library.harms("psychedelic")["arketamine_weight"]
    loads = [float(acute.load(100.0, 100.0, 121.0, w)) for w in number.range]
    assert 37 <= min(loads) <= max(loads) <= 89


@given(LEVELS, LEVELS, st.floats(0.0, 1000.0), st.floats(30.0, 300.0), st.floats(0.0, 0.6))
def test_load_stays_on_the_scale_and_never_falls_with_exposure(s, r, more, c50, weight):
    load = float(acute.load(s, r, c50, weight))
    assert 0.0 <= load < 100.0
    assert float(acute.load(s + more, r, c50, weight)) >= load
    assert float(acute.load(s, r + more, c50, weight)) >= load
    assert float(acute.load(0.0, 0.0, c50, weight)) == 0.0


def hours_above(t, effect, level):
    return float((acute.share_above(effect[:-1], effect[1:], level) * np.diff(t)).sum())


def test_time_above_a_level_is_that_of_the_curve():
    """Exact for straight lines; close to the exact time of an exponential; red when one side of the level is counted."""
    t = np.linspace(0.0, 10.0, 2001)
    assert hours_above(t, 100 * np.exp(-t), 10.0) == pytest.approx(math.log(10), abs=1e-3)
    assert hours_above(t, np.full_like(t, 20.0), 10.0) == pytest.approx(10.0)
    assert hours_above(t, np.full_like(t, 10.0), 10.0) == 0.0


def test_effect_ends_within_an_hour():
    """At a site of half-life 8.3 min, 60 % of the scale is under the noticeable tenth within an hour of plasma at 0."""
    minutes = library.harms("psychedelic")["half_life"].value
    c50, start = 121.0, 121.0 * 0.6 / 0.4
    t = np.linspace(0.0, 4.0, 4001)
    site = start * 0.5 ** (t * 60 / minutes)
    lasting = hours_above(t, np.asarray(acute.load(site, 0.0, c50, 0.0)), 100 * typical("psychedelic.noticeable"))
    exact = minutes / 60 * math.log2(start * 9 / c50)
    assert lasting == pytest.approx(exact, abs=2e-3)
    assert lasting < 1.0


# ---- incidence


def test_slope_without_spread_is_the_one_by_hand():
    by_hand = (math.log(0.76 / 0.24) - math.log(0.18 / 0.82)) / (100 * 250 / 371)
    assert float(acute.incidence_slope(250.0, 121.0, 0.0, 0.18, 0.76)) == pytest.approx(by_hand, rel=1e-12)


@given(st.floats(20, 800), st.floats(60, 230), st.floats(0, 0.8), st.floats(0.05, 0.4), st.floats(0.5, 0.95))
def test_slope_gives_back_the_arm_that_it_was_derived_from(level, c50, sd, background, treated):
    """Averaged over patients by an independent rule (10,001 middles of equal strata)."""
    slope = float(SLOPE(level, c50, sd, background, treated))
    loads = 100 * expit(np.log(level / c50) + sd * ndtri((np.arange(10_001) + 0.5) / 10_001))
    assert expit(logit(background) + slope * loads).mean() == pytest.approx(treated, abs=2e-4)


def test_slope_of_the_leiden_trial_is_derived_at_its_plateau():
    """250 ng/mL, the published figure of the model that drives acute effects; red when the rate or clearance is lost."""
    p = {name: float(values[0]) for name, values in typical_values().items()}
    numbers = {f"psychedelic.{name}": number.canonical for name, number in library.harms("psychedelic").items()}
    model = library.pk_model("simons2022")
    own = {**p, **numbers, "simons2022.cl": model.parameters["cl"].canonical}
    plateau = 1000 * own["psychedelic.leiden_rate"] * 70 / own["simons2022.cl"]
    assert plateau == pytest.approx(model.checks["plateau_22_2_mg_h_ng_ml"], rel=0.002)
    spread = math.hypot(own["psychedelic.c50.sd"], own["simons2022.cl.sd"])
    expected = float(acute.incidence_slope(plateau, 121.0, spread, 0.18, 0.76))
    assert float(acute.leiden_slope(own.__getitem__)) == pytest.approx(expected, rel=1e-12)
    assert 0.03 < expected < 0.06


def test_incidence_in_the_leiden_trial_elicited_and_unasked():
    """76 % when asked; unasked, what uncontrolled series of long infusions and of sessions report."""
    draws = typical_values()

    def one(k):
        own = lambda name: draws[name][k]  # noqa: E731
        level = 1000 * own("psychedelic.leiden_rate") * 70 / own("simons2022.cl")
        spread = math.hypot(own("psychedelic.c50.sd"), own("simons2022.cl.sd"))
        z = np.linspace(-4, 4, 81)
        w = np.exp(-(z**2) / 2) / np.exp(-(z**2) / 2).sum()
        peak = 100 * expit(np.log(level / own("psychedelic.c50")) + spread * z)
        p = acute.incidence(peak, acute.leiden_slope(own), own("psychedelic.background"))
        elicited = float((w * np.asarray(p)).sum())
        return elicited, float(acute.spontaneous(elicited, own("psychedelic.spontaneous_share")))

    elicited, spontaneous = np.array([one(k) for k in range(0, DRAWS, 4)]).T
    low, high = exact_interval(22, 29)
    assert np.median(elicited) == pytest.approx(0.76, abs=0.03)
    assert np.mean((elicited > low) & (elicited < high)) > 0.9
    for events, n in ((0, 16), (6, 101), (11, 50)):
        low, high = exact_interval(events, n)
        assert low <= np.quantile(spontaneous, 0.95) and high >= np.quantile(spontaneous, 0.05), (events, n)


@given(st.floats(0, 99), st.floats(0, 50), st.floats(0, 0.1), st.floats(0.05, 0.4))
def test_incidence_is_never_below_background_and_never_falls(peak, more, slope, background):
    p = float(acute.incidence(peak, slope, background))
    assert p >= background * (1 - 1e-12)
    assert float(acute.incidence(peak + more, slope, background)) >= p * (1 - 1e-12)
    assert float(acute.incidence(0.0, slope, background)) == background
    assert float(acute.spontaneous(p, 0.08)) < p


# ---- circulation


@given(LEVELS, st.floats(0, 2000))
def test_rises_start_at_nothing_and_never_fall_with_exposure(level, more):
    here, there = (circulation.rises(x, typical) for x in (level, level + more))
    for low, high in zip(here, there, strict=True):
        assert 0.0 <= float(low) <= float(high)
    assert [float(x) for x in circulation.rises(0.0, typical)] == [0.0] * 4


def test_rises_are_the_published_ones():
    """40-50 % at 320 ng/mL; both studies of blood pressure inside the draws; 27 % and 43.5 % under anaesthesia."""
    low, high = (circulation.output_rise(320.0, s, 0.5) for s in library.harms("circulation")["output_slope"].range)
    assert float(low) == pytest.approx(0.40, abs=1e-9) and float(high) == pytest.approx(0.50, abs=3e-3)
    draws = typical_values()
    levels = draws["circulation.reference_level"]  # where the studies were made, not exactly known either
    at = [circulation.rises(levels[k], lambda name, k=k: draws[name][k]) for k in range(DRAWS)]
    systolic = np.array([float(r.systolic) for r in at])
    assert systolic.min() < 3.4 and systolic.max() > 12.4
    assert systolic.mean() == pytest.approx(7.945, abs=0.05)
    top = circulation.rises(1959.0, typical)
    assert float(top.systolic) == pytest.approx(0.27 * 125) and float(top.pulse) == pytest.approx(0.435 * 72)


# ---- clonidine and midazolam


def test_comedication_has_the_direction_of_the_evidence():
    """0.1 mg of clonidine slows the pulse and leaves the pressure alone; red when the two doses are exchanged."""
    assert comedication.clonidine(0.0) == dict.fromkeys(("pulse", "pressure", "night terrors"), (1.0, 1.0))
    low, high = comedication.clonidine(0.1), comedication.clonidine(0.3)
    assert low["pressure"] == (1.0, 1.0) and low["pulse"][0] < 1.0 and low["night terrors"] == (1.0, 1.0)
    assert high["pressure"][0] == pytest.approx(39 / 55, abs=2e-3) and high["pulse"][0] == pytest.approx(
        20 / 46, abs=6e-3
    )
    assert high["night terrors"] == (0.0, 1.0)
    assert comedication.midazolam(False) == {"psychomimetic": (1.0, 1.0), "sedation": (1.0, 1.0)}
    assert comedication.midazolam(True)["psychomimetic"][1] == 1.0 <= comedication.midazolam(True)["sedation"][1]


@given(st.floats(0, 1), st.floats(0, 1), st.floats(0, 1), st.floats(0, 1))
def test_comedication_widens_but_never_goes_below_background(a, b, background, factor):
    interval = (min(a, b), max(a, b))
    low, high = comedication.scaled_excess(interval, background, (factor, 1.0))
    assert low <= high <= max(interval[1], background)
    assert low >= min(interval[0], background)
    assert comedication.scaled_excess(interval, background, (1.0, 1.0)) == pytest.approx(interval)
    low, high = comedication.scaled_odds(interval, (1.0, 4.0))
    assert low == pytest.approx(interval[0]) and interval[1] - 1e-12 <= high <= 1.0


# ---- counts


LONG, SESSIONS = Intensity(0.3, 100.0), Intensity(0.18, 4.0)  # 100 h of esketamine; 25 mg/h of the racemate for 4 h


def test_counts_of_a_regimen_of_its_kind():
    elicited, spontaneous = estimate_of("psychomimetic", LONG), estimate_of("psychomimetic", LONG, "spontaneous")
    assert elicited.support == "randomised" and elicited.estimate == pytest.approx(22 / 29)
    assert elicited.interval == exact_interval(22, 29)
    assert "28 of 30" in elicited.note and "without weight" in elicited.note  # the recalled count is shown and flagged
    most = pytest.approx(exact_interval(11, 50)[1])  # a long infusion is not milder than sessions of hours
    assert spontaneous.estimate == pytest.approx(6 / 117) and spontaneous.interval == (0.0, most)
    sessions = estimate_of("psychomimetic", SESSIONS, "spontaneous")
    assert sessions.estimate is None  # 11 of 50 and 0 of 63 do not overlap
    assert sessions.interval == (0.0, most)


@pytest.mark.parametrize("effect", ["hallucination", "night terrors", "headache"])
@pytest.mark.parametrize("regimen", [LONG, SESSIONS])
def test_uncounted_effects_are_not_identified(effect, regimen):
    """Red when a count of another kind, or a recalled one, is passed off as an estimate."""
    result = estimate_of(effect, regimen)
    assert result.estimate is None and result.support == "not identified" and result.interval == (0.0, 1.0)
    assert "Nobody counted" in result.note


def test_pooled_trials_stand_in_as_what_comes_on_top_of_placebo():
    expected = {"nausea": (0.12, (0.05, 0.25)), "sedation": (0.27, (0.12, 0.5)), "dizziness": (0.11, (0.01, 0.4))}
    for effect, (share, interval) in expected.items():
        result = estimate_of(effect, SESSIONS)
        assert (result.estimate, result.interval, result.support) == (share, interval, "assumed")
        assert result.note.startswith("Beyond placebo")
        spontaneous = estimate_of(effect, SESSIONS, "spontaneous")
        most = exact_interval(4, 101)[1] if effect == "nausea" else interval[1]
        assert spontaneous.estimate is None and spontaneous.interval == (0.0, most)
    assert estimate_of("nausea", LONG, "spontaneous").interval == exact_interval(4, 101)


def test_without_drug_the_comparison_speaks():
    nothing = Intensity(0.0, 0.0)
    assert estimate_of("psychomimetic", nothing).estimate == pytest.approx(5 / 28)
    assert estimate_of("hallucination", nothing).estimate == 0.0
    assert estimate_of("headache", nothing).support == "not identified"


# ---- the page


def test_the_page_tells_the_numbers_of_the_code(root):
    """Load, slope and liver intervals in docs/harms.md; red when one is changed without the other."""
    page = " ".join((root / "docs" / "harms.md").read_text(encoding="utf-8").split())
    half = np.array([25.0, 50.0, 75.0, 100.0])
    for weight, words in ((0.0, "arketamine does not count"), (0.5, "arketamine counts half")):
        loads = np.asarray(acute.load(half, half, typical("psychedelic.c50"), weight))
        assert f"| E, {words} | {' | '.join(f'{load:.1f}' for load in loads)} |" in page
    numbers = {f"psychedelic.{name}": number.canonical for name, number in library.harms("psychedelic").items()}
    clearance = library.pk_model("simons2022").parameters["cl"]
    own = numbers | {
        "psychedelic.c50.sd": math.sqrt(library.harms("psychedelic")["c50"].omega),
        "simons2022.cl": clearance.canonical,
        "simons2022.cl.sd": math.sqrt(clearance.omega),
    }
    assert f"{float(acute.leiden_slope(own.__getitem__)):.3f} log odds" in page
    weeks = (Stretch(0, 100), Stretch(484, 584))
    for pattern, runs in {
        "short sessions": [Stretch(0, 4)],
        "one long course": weeks[:1],
        "long course again later": [Stretch(0, 100), Stretch(6000, 6100)],
        "long course again within weeks": weeks,
    }.items():
        assert liver.pattern(runs) == pattern
        like = SESSIONS if pattern == "short sessions" else Intensity(0.25, 100.0)
        low, high = (100 * end for end in liver.estimate_of(runs, like).interval)
        cell = f"{low:.0f} to {high:.1f} %" if high < 10 else f"{low:.0f} to {high:.0f} %"
        assert f"| {pattern} | {cell} |" in page
    masked = mood.masked()
    low, high = masked.interval
    assert f"(−{-masked.estimate:.1f} points, 95 % interval −{-low:.1f} to {high:.1f})" in page
