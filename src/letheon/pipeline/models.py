"""Which plasma models a run uses: one set for all its arms, so that their levels can be compared."""

from collections.abc import Iterable, Mapping

from letheon import library
from letheon.scenario import Scenario

__all__ = ["chosen_models", "common_models", "models_sentence"]

_ANY = {"levels": "pair", "acute": "pair"}  # describes every drug
_ALONE = {"esketamine": {"levels": "otto2021", "acute": "simons2022"}}


def chosen_models(drugs: Iterable[str], pk: str) -> Mapping[str, str]:
    """Return the model that gives levels and block, and the one that gives the acute effect.

    >>> chosen_models({"esketamine"}, "auto")["levels"]
    'otto2021'
    >>> chosen_models({"esketamine", "racemic"}, "auto")["levels"]
    'pair'
    """
    if pk != "auto":
        return {"levels": pk, "acute": pk}
    sets = [_ALONE.get(drug, _ANY) for drug in sorted(set(drugs))]
    return sets[0] if sets and all(one == sets[0] for one in sets) else _ANY


def common_models(scenario: Scenario) -> Mapping[str, str]:
    """Return the models of all arms of a scenario, as `chosen_models`."""
    return chosen_models((arm.drug for arm in scenario.arms if arm.drug != "placebo"), scenario.models.pk)


def models_sentence(scenario: Scenario) -> str | None:
    """Say which models an arm would have had alone, where the others made it take another."""
    used = common_models(scenario)
    moved = {
        arm.drug: alone
        for arm in scenario.arms
        if arm.drug != "placebo" and (alone := chosen_models([arm.drug], scenario.models.pk)) != used
    }
    if not moved:
        return None
    alternatives = "; ".join(
        f"alone, {drug} would have {library.pk_model(alone['levels']).label} (levels and block) and"
        f" {library.pk_model(alone['acute']).label} (acute effect)"
        for drug, alone in moved.items()
    )
    return (
        f"Arms with different drugs share one plasma model, {library.pk_model(used['levels']).label}, so that levels,"
        f" block and pain can be compared; {alternatives}. Arterial and venous levels differ two- to threefold in the"
        " first hour: do not compare this run's levels with those of a run of one drug."
    )
