"""How much each pain model counts: scores of trials left out, and the weight that follows from them."""

import math

import numpy as np
import pytest
from scipy import integrate, stats

from letheon import library
from letheon.arrays import jnp
from letheon.study.calibrate.document import TrialScore
from letheon.study.calibrate.left_out import score
from letheon.study.calibrate.parameters import parameters
from letheon.study.calibrate.trials import FITS, titrated_rates
from letheon.study.regimens import study
from letheon.study.validate.weights import model_weights, weight_of


def trial(memory: float, slow: float, exponent: float = 1.0, id: str = "x") -> TrialScore:
    both = {"memory": memory, "slow_site": slow}
    return TrialScore(study=id, exponent=exponent, log_score=both, error=dict.fromkeys(both, 0.0), method={})


def test_the_weight_is_the_mean_of_its_posterior() -> None:
    """Against the integral; red for a wrong exponent, prior or sum instead of mixture."""
    trials = [trial(-3.0, -5.0), trial(-8.5, -7.0), trial(-2.0, -9.0, 0.5)]

    def likelihood(w: float) -> float:
        return math.prod(
            (w * math.exp(t.log_score["memory"]) + (1 - w) * math.exp(t.log_score["slow_site"])) ** t.exponent
            for t in trials
        )

    mass = integrate.quad(likelihood, 0, 1)[0]
    mean, (low, high) = weight_of(trials)
    assert mean == pytest.approx(integrate.quad(lambda w: w * likelihood(w), 0, 1)[0] / mass, abs=2e-4)
    assert integrate.quad(likelihood, 0, low)[0] / mass == pytest.approx(0.05, abs=2e-3)
    assert integrate.quad(likelihood, high, 1)[0] / mass == pytest.approx(0.05, abs=2e-3)


@pytest.mark.parametrize("n", [1, 7])
def test_trials_that_speak_for_one_model_leave_the_other_a_share(n) -> None:
    """A Beta(n + 1, 1): n trials however clear leave 1 / (n + 2) on average."""
    mean, _ = weight_of([trial(0.0, -800.0)] * n)
    assert mean == pytest.approx((n + 1) / (n + 2), abs=2e-4)
    assert weight_of([trial(-800.0, 0.0)] * n)[0] == pytest.approx(1 / (n + 2), abs=2e-4)


def test_a_weight_without_a_trial_does_not_know_it() -> None:
    trials = [trial(-1.0, -4.0, id="a"), trial(-6.0, -2.0, id="b")]
    weights = model_weights(trials)
    assert weights.without == {"a": weight_of(trials[1:])[0], "b": weight_of(trials[:1])[0]}


def test_a_reweighted_score_is_that_of_the_fit_without_the_trial() -> None:
    """A normal mean with known error: exact predictive density of one value, from draws that saw it."""
    rng = np.random.default_rng(3)
    draws = stats.norm.rvs(0.4, math.sqrt(1 / 3), size=40_000, random_state=rng)  # prior N(0, 1), values 0.5 and 0.7
    log_p = stats.norm.logpdf(0.7, draws, 1.0)
    result, error = score(log_p, -log_p)
    exact = stats.norm.logpdf(0.7, 0.25, math.sqrt(1.5))  # the fit to 0.5 alone: N(0.25, 1/2)
    assert abs(result - exact) < 5 * error < 0.05
    again = stats.norm.rvs(0.25, math.sqrt(0.5), size=40_000, random_state=rng)
    assert score(stats.norm.logpdf(0.7, again, 1.0), np.zeros(40_000))[0] == pytest.approx(exact, abs=0.02)


@pytest.mark.parametrize("fit", FITS)
def test_no_prior_rests_on_a_trial_that_is_fitted_or_scored(fit) -> None:
    """Dahan's estimates are the slow site's data from the Leiden trial, so they alone may stand in its priors."""
    seen = {one.source for one in library.studies() if one.role in ("calibrate", "hold_out")}
    data = {"slow_site.half_life", "slow_site.c50", "slow_site.p_response"} if fit == "slow_site" else set[str]()
    named = {f"{home.split('[')[-1].rstrip(']')}.{number.name}": number for home, number in library.numbers()}
    for parameter in parameters(fit):
        name = parameter.name.split("@")[0].removesuffix(".sd")
        vague = f"vague.{name.split('.')[-1]}"
        number = named.get(name) if name in data else named.get(vague, named.get(name))
        if number is not None and name not in data:
            assert not seen & {*number.sources}, name
    assert not any(number.sources for number in library.pain("vague").values())


@pytest.mark.parametrize(("id", "arm"), [("sigtermans2009", "esketamine_titrated"), ("goldberg2010", "racemic")])
def test_a_titrated_arm_is_the_middle_of_what_is_not_known(id, arm) -> None:
    """Rates of the file against the mean of an even rise, by quadrature; red for a wrong rise, start or piece."""
    fitted = next(one for one in study(id).arms if one.name == arm)
    hours, reached = (sum(ends) / 2 for ends in (fitted.titration.hours, fitted.titration.reached))
    start = fitted.titration.start
    rates = np.asarray(titrated_rates(fitted, jnp.array(hours), jnp.array([reached])))[:, 0]
    for (begin, length, written), rate in zip(fitted.infusions, rates, strict=True):
        rise = integrate.quad(lambda t: min(t / hours, 1.0), begin, begin + length, points=[hours])[0] / length
        assert rate == pytest.approx(start + (reached - start) * rise, rel=1e-6)
        assert written == pytest.approx(rate, abs=6e-4)
