"""Small results of a calibration, a validation and a sensitivity analysis, made by hand for tests."""

import copy
from typing import Any

SETTINGS = {"chains": 2, "warmup": 10, "samples": 20, "patients": 8, "starts": 3, "tree_depth": 4, "seed": 7}


def _parameter(unit: str, median: float, low: float, high: float, spread: float, shift: float = 0.0) -> dict[str, Any]:
    told = {"unit": unit, "median": median, "interval_90": [low, high], "sd_over_prior": spread, "shift": shift}
    told |= {"contraction": 1.0 - spread**2, "identified": spread <= 0.8}
    return told | {"rhat": 1.004, "ess_bulk": 812.0, "ess_tail": 640.0}


def _told(median: float, low: float, high: float, trial: list[float] | None = None) -> dict[str, Any]:
    told: dict[str, Any] = {"median": median, "interval_90": [low, high]}
    return told if trial is None else told | {"of_a_trial_90": trial}


def _check(reported: dict | None, prior: tuple, posterior: tuple) -> dict[str, Any]:
    return {"reported": reported, "prior": _told(*prior), "posterior": _told(*posterior)}


def memory() -> dict[str, Any]:
    """Return the report of a calibration that converged: two modes, one value outside."""
    return copy.deepcopy(
        {
            "letheon": "0.1.0",
            "pain": "memory",
            "settings": SETTINGS,
            "modes": [
                {"log_posterior": -20.25, "log_mass": -5.0, "starts": 2, "at": {"memory.tau_s": 2.5}},
                {"log_posterior": -23.5, "log_mass": -6.0986, "starts": 1, "at": {"memory.tau_s": 9.5}},
            ],
            "sampler": {
                **{"chains": 2, "iterations": 20, "rhat_worst": 1.004, "ess_bulk_worst": 512.4},
                **{"ess_tail_worst": 431.0, "divergences": 0, "bfmi_worst": 0.87},
                **{"accept_mean": 0.86, "steps_mean": 14.2},
            },
            "parameters": {
                "memory.tau_s": _parameter("day", 2.961, 1.0931, 4.142, 0.62, -1.1),
                "memory.tau_s.sd": _parameter("1", 0.3489, 0.193, 0.5261, 0.97),
                "acute.c50": _parameter("ng/mL", 1236.2, 617.2, 2707.0, 0.7, 2.2),
                "placebo.fall@goldberg2010": _parameter("fraction", 0.0182, 0.00105, 0.1007, 0.7, -0.8),
            },
            "full_mesh": {"draws": 40, "pareto_k": 0.31, "effective": 39.5, "largest_change_of_log_likelihood": 0.02},
            "checks": {
                "leiden drug week 1": _check(
                    {"value": 2.68, "se": 0.51}, (5.02, 2.89, 7.37), (3.2, 2.6, 3.8, [2.25, 4.33])
                ),
                "leiden placebo week 1": _check(
                    {"value": 5.45, "se": 0.48}, (6.55, 4.39, 8.77), (7.0, 6.6, 7.4, [6.1, 7.9])
                ),
                "leiden difference overall": _check(
                    {"low": None, "high": -1.696}, (-0.62, -3.42, -0.08), (-1.81, -2.6, -1.15)
                ),
                "goldberg relief day 1": _check({"low": 0.0, "high": 0.15}, (0.25, 0.14, 0.44), (0.1, 0.07, 0.13)),
                "goldberg relief day 2": _check(None, (0.48, 0.3, 0.7), (0.25, 0.18, 0.3)),
                "noppers drug day 7": _check(
                    {"value": 1 / 6, "count": 2, "n": 12}, (0.13, 0.03, 0.49), (0.15, 0.07, 0.29, [0.0, 0.52])
                ),
            },
        }
    )


def slow_site() -> dict[str, Any]:
    """Return the report of a calibration that did not converge and was not fitted to the Leiden means."""
    report = memory()
    told = {"pain": "slow_site", "modes": report["modes"][:1]}
    told["modes"][0]["at"] = {"slow_site.c50": 10.7}
    report["sampler"] |= {"rhat_worst": 1.264, "ess_bulk_worst": 6.1, "divergences": 3}
    report["full_mesh"]["pareto_k"] = None
    told["parameters"] = {
        "slow_site.c50": _parameter("ng/mL", 10.6, 6.01, 17.9, 0.91),
        "placebo.fall@goldberg2010": _parameter("fraction", 0.02, 0.001, 0.11, 0.9),
    }
    told["checks"] = copy.deepcopy(report["checks"])
    told["checks"]["leiden drug week 1"] = _check(None, (3.7, 2.6, 5.4), (4.28, 3.31, 5.32))
    told["checks"]["leiden placebo week 1"] = _check(None, (6.7, 5.5, 7.9), (6.68, 5.95, 7.48))
    told["checks"]["leiden difference overall"] = _check(None, (-1.1, -1.8, -0.6), (-0.91, -1.42, -0.53))
    return report | told


def _quantity(name: str, seen: str, median: float, half: float, inside: str, chance: float) -> dict[str, Any]:
    reach = {"50": half, "90": 2.5 * half}
    return {
        **{"quantity": name, "unit": "1", "observed": seen, "median": median, "chance": chance},
        "intervals": {level: [median - width, median + width] for level, width in reach.items()},
        "inside": {"50": inside == "50", "90": inside in ("50", "90")},
    }


def _entry(chance: float, score: float, *quantities: dict[str, Any]) -> dict[str, Any]:
    return {"chance": chance, "log_score": score, "mc_se": 0.004, "quantities": list(quantities)}


def validation() -> dict[str, Any]:
    """Return a validation in which one study is missed by both models, and the difference tells nothing."""
    lower, none = "lower, p < 0.05", "no effect"
    return copy.deepcopy(
        {
            "letheon": "0.1.0",
            "posterior": {},
            "studies": [
                {
                    "study": "schwartzman2009",
                    "event": "pain lower than before (p < 0.05) on ketamine, not on placebo",
                    "models": {
                        "memory": _entry(
                            0.141,
                            -1.96,
                            _quantity("t of the change on racemic", lower, -1.42, 0.8, "90", 0.2),
                            _quantity("t of the change on placebo", none, -0.74, 1.0, "50", 0.85),
                        ),
                        "slow_site": _entry(
                            0.354,
                            -1.04,
                            _quantity("t of the change on racemic", lower, -2.22, 0.9, "50", 0.47),
                            _quantity("t of the change on placebo", none, -0.38, 0.8, "50", 0.86),
                        ),
                    },
                },
                {
                    "study": "kiefer2008pilot",
                    "event": "none of four responds",
                    "models": {
                        "memory": _entry(0.0234, -3.75, _quantity("responders of four", "0", 3.0, 1.0, "", 0.02)),
                        "slow_site": _entry(0.0052, -5.26, _quantity("responders of four", "0", 2.9, 0.9, "", 0.0)),
                    },
                },
            ],
            "total": {
                "log_score": {"memory": -5.71, "slow_site": -6.3},
                "telling": 1.0986122886681098,
                "difference": 0.59,
                "expected_if": {"memory": 0.2, "slow_site": -0.34},
            },
            "timing": [
                {
                    **{"course": "correll2004, first course", "observed": "most still relieved at 90 days"},
                    **{"model": model, "relieved_at_end": 0.456, "median_days_to_return": day},
                    "relieved_at_90_days": 0.0079,
                }
                for model, day in (("memory", 33.0), ("slow_site", None))
            ],
        }
    )


def sensitivity() -> dict[str, Any]:
    """Return a tornado of two assumptions for one model and outcome, the narrow one first."""
    row = {"model": "memory", "outcome": "relief_days"}
    return copy.deepcopy(
        {
            "outcomes": {"relief_days": "days of relief in 12 weeks, more than on placebo"},
            "baseline": {"memory": {"relief_days": 18.2}},
            "rows": [
                row | {"assumption": "flares", "low_label": "none", "high_label": "more", "low": 19.1, "high": 16.2},
                row
                | {"assumption": "receptor scale", "low_label": "-0.2", "high_label": "1", "low": 26.1, "high": 9.3},
            ],
        }
    )


def between_studies() -> dict[str, Any]:
    """Return main results and held-out scores at three spreads between studies, for one model."""
    row = {"model": "memory", "quantity": "pain minus placebo, week 1", "unit": "NRS", "reported": -2.77}
    score = {"model": "memory", "chances": {"kiefer2008pilot": 0.02}}
    widths = {"0": 1.2, "fitted": 1.4, "0.6": 1.8}
    return copy.deepcopy(
        {
            "patients": 30,
            "fitted_sd": {"memory": {"median": 0.21, "interval_90": [0.02, 0.61]}},
            "rows": [
                row | {"sd": sd, "median": -2.4, "interval_90": [-2.4 - width, -2.4 + width]}
                for sd, width in widths.items()
            ],
            "scores": [score | {"sd": sd, "log_score": -width} for sd, width in widths.items()],
        }
    )
