"""Numbers, counts and rows of harms in the library: derived again from what they rest on; what the readers refuse."""

from __future__ import annotations

import math
import re

import numpy as np
import pytest
from scipy import stats

from letheon import library
from letheon.patients.uncertainty import _LATER as LATER
from letheon.patients.uncertainty import _SEED as SEED
from letheon.patients.uncertainty import DRAWS, latin_hypercube, named_numbers, prior_values, quantile
from letheon.units import to_canonical


def test_psychedelic_numbers_follow_from_their_sources():
    p = library.harms("psychedelic")
    ketamine = library.receptor()["molar_mass_ketamine"].value
    assert p["c50"].value == pytest.approx(0.51 * ketamine, abs=0.5)  # nmol/mL
    assert p["half_life"].spread["sd"] == pytest.approx(math.log(13.0 / 5.1) / 3.92, abs=1e-3)
    assert p["c50"].spread["sd"] > math.log(157 / 90) / 3.92  # wider than one study's interval, for two disagree
    low, high = p["c50"].range
    assert low < 0.3 * ketamine < high
    for name, (events, n) in {"background": (5, 28), "treated": (22, 29)}.items():
        a, b = p[name].spread["a"], p[name].spread["b"]
        assert (a, b) == (events, n - events)
        assert a / (a + b) == pytest.approx(p[name].value, abs=2e-3)
    share = p["spontaneous_share"]
    assert share.range[0] == pytest.approx(6 / 101 / 0.76, abs=3e-3) and share.range[1] == pytest.approx(
        0.22 / 0.76, abs=0.015
    )
    assert share.value == pytest.approx(sum(share.range) / 2)


def test_circulation_and_comedication_follow_from_their_sources():
    c = library.harms("circulation")
    assert c["output_slope"].value == pytest.approx(0.45 / 320, abs=1e-5)
    assert c["output_slope"].range == pytest.approx((0.40 / 320, 0.50 / 320), abs=1e-5)
    assert c["systolic_rise"].range == (3.28, 12.61) and c["diastolic_rise"].range == (3.17, 8.49)
    assert c["reference_level"].value == 185 / 2
    m = library.harms("comedication")
    assert m["clonidine_pressure"].range[0] == pytest.approx(39 / 55, abs=2e-3)
    assert m["clonidine_pulse"].range[0] == pytest.approx(20 / 46, abs=6e-3)


# Numbers with a range that no draw varies, and why.
FIXED = {
    "psychedelic.noticeable": "a definition: which load counts as noticed",
    "mood.reference_dose": "what the trials gave; the range says up to where its effect may hold",
    "bladder.floor": "held while the laws were fitted",
    "bladder.k_inj_most": "held while the laws were fitted",
    "receptor.norketamine_induction_cap": "of a switch that is off unless asked for",
}


def test_a_bound_with_a_range_has_a_spread():
    """Red when results stop at a number that nobody knows exactly, as if it were known."""
    for name, number in named_numbers().items():
        bound = re.search(r"(_most|_cap|\.floor)$|^(psychedelic|circulation|mood)\.", name)
        if bound and number.range[0] < number.range[1]:
            assert (number.spread["kind"] == "none") == (name in FIXED), name


def test_spreads_added_later_move_no_other_draw():
    """The last columns of the hypercube: the shipped fits were made with what stands before them."""
    first = latin_hypercube(DRAWS, 5, 1)
    assert (latin_hypercube(DRAWS, 9, 1)[:, :5] == first).all()
    named = {name: number for name, number in named_numbers().items() if name in prior_values()}
    earlier = sorted(
        name
        for name, n in named.items()
        if n.spread["kind"] != "none" and name not in LATER and not n.spread_is_assumed
    )
    u = latin_hypercube(DRAWS, len(earlier), SEED)
    for k in (0, len(earlier) - 1):
        number = named[earlier[k]]
        drawn = np.clip(quantile(number, u[:, k]), *number.range)
        assert prior_values()[earlier[k]] == pytest.approx([to_canonical(v, number.unit) for v in drawn], rel=1e-12)
    assert all(np.ptp(prior_values()[name]) > 0 for name in LATER)


def test_priors_of_the_bladder_do_not_rest_on_what_they_are_fitted_to():
    """Red when a prior is centred on a row that the fit uses, which would count it twice."""
    fitted_to = {key for row in library.bladder_rows() if row.role == "calibrate" for key in row.sources}
    scored_on = {key for row in library.bladder_rows() for key in row.sources} - fitted_to
    for name, number in library.harms("bladder").items():
        if number.spread["kind"] != "none":
            assert not set(number.sources) & (fitted_to | scored_on), name


def test_rows_follow_from_their_sources():
    """Ratios, groups and standard errors worked out again; red when a digit is off."""
    rows = {row.id: row for row in library.bladder_rows()}
    assert {key for row in rows.values() for key in row.sources} <= set(library.sources())
    assert rows["volume_while_using"].observed == pytest.approx((203.2 + 199.6 + 189.5) / 3 / 450, abs=2e-3)
    assert rows["volume_after_a_year_off"].observed == pytest.approx(387 / 450, abs=1e-3)
    assert rows["volume_just_quit"].observed == pytest.approx(243 / 450, abs=1e-3)
    assert rows["volume_after_months_off"].observed == pytest.approx(274.4 / 401.9, abs=3e-3)
    assert rows["recent_quitters"].observed == pytest.approx(253.3 / 401.9, abs=1e-3)
    assert rows["cystometric"].observed == pytest.approx(115 / 401.9, abs=5e-3)
    assert rows["cystometric"].se == pytest.approx(66.6 / math.sqrt(30) / 402, abs=1e-3)
    for id, (a, sd_a), (b, sd_b) in (
        ("anaesthetic_by_dose", (191.3, 68.5), (299.0, 99)),
        ("anaesthetic_by_duration", (219.0, 59.7), (325.5, 104.5)),
    ):
        assert rows[id].observed == pytest.approx(a / b, abs=4e-3)
        relative = math.hypot(sd_a / a, sd_b / b) / math.sqrt(15)
        assert rows[id].se / rows[id].observed == pytest.approx(relative, abs=2e-3)
    assert rows["functional_by_dose"].log_se == pytest.approx(66.6 / 115 * math.sqrt(2 / 15), abs=2e-3)
    drug, placebo = 16 / 573, 3 / 447
    assert rows["pollakiuria"].observed == pytest.approx(drug - placebo, abs=5e-4)
    error = math.sqrt(drug * (1 - drug) / 573 + placebo * (1 - placebo) / 447)
    assert rows["pollakiuria"].se == pytest.approx(error, abs=1e-4)
    assert rows["odds_per_use_day"].observed == pytest.approx(math.log(1.016), abs=2e-4)
    assert rows["latency_users"].se == pytest.approx(26.36 / math.sqrt(106), abs=5e-3)
    # doses of the two groups: means of a lognormal (3.2, SD 2.0) above and below 5 g/day
    spread = math.sqrt(math.log1p((2.0 / 3.2) ** 2))
    centre = math.log(3.2) - spread**2 / 2
    cut = (math.log(5) - centre) / spread
    above = 3.2 * stats.norm.sf(cut - spread) / stats.norm.sf(cut)
    below = 3.2 * stats.norm.cdf(cut - spread) / stats.norm.cdf(cut)
    assert (rows["anaesthetic_by_dose"].pattern.g, rows["anaesthetic_by_dose"].against.g) == pytest.approx(
        (above, below), abs=0.06
    )
    months = (
        39 + 20.8 * stats.truncnorm.mean((36 - 39) / 20.8, 10),
        39 + 20.8 * stats.truncnorm.mean(-39 / 20.8, (36 - 39) / 20.8),
    )
    row = rows["anaesthetic_by_duration"]
    assert (row.pattern.months, row.against.months) == pytest.approx(months, abs=2)


def test_counts_are_complete_and_recalled_ones_have_no_weight():
    counts = library.harm_counts()
    assert {c.source for c in counts} <= set(library.sources())
    recalled = [c for c in counts if c.verified == "recall"]
    assert len(recalled) == 5 and all(c.weight == 0 and "recall" in c.note for c in recalled)
    six, fifty_two = (
        next(c for c in counts if (c.source, c.n) == key) for key in (("noppers2011liver", 6), ("lee2025", 52))
    )
    assert six.n == 6 and (fifty_two.events, fifty_two.n) == (0, 52)
    # shares that were printed as per cent fit the counts that stand for them
    printed = {("psychomimetic", "drug"): 0.76, ("psychomimetic", "comparison"): 0.18}
    for (effect, arm), share in printed.items():
        result = [c for c in counts if (c.effect, c.arm, c.verified) == (effect, arm, "derived")]
        assert result[0].events / result[0].n == pytest.approx(share, abs=5e-3)
    for source, shares in {
        "sustain3": {"nausea": 0.344, "headache": 0.374, "sedation": 0.236, "dizziness": 0.347},
        "esketaminetiming": {"nausea": 0.14, "sedation": 0.038, "dizziness": 0.206},
    }.items():
        for c in counts:
            if c.source == source:
                assert c.events / c.n == pytest.approx(shares[c.effect], abs=1e-3), (source, c.effect)
