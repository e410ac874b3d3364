"""Which plasma models a run uses, and what they describe: one set for all arms, so that levels can be compared."""

from collections.abc import Iterable, Mapping

from letheon import library
from letheon.scenario import Scenario

__all__ = ["chosen_models", "common_models", "models_sentence", "substances"]

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


def substances(scenario: Scenario) -> tuple[str, ...]:
    """Return the substances in plasma of a run: both enantiomers together where its arms give both, and each alone.

    >>> from letheon.scenario import loads
    >>> arm = "{drug: racemic, sessions: [{at: 0 h, rate: 5 mg/h, for: 1 h}]}"
    >>> substances(loads(f"{{letheon: 1, title: x, follow_up: 1 day, models: {{pk: kamp2020}}, arms: {{a: {arm}}}}}"))
    ('ketamine', 'esketamine', 'arketamine')
    """
    drugs = {arm.drug for arm in scenario.arms}
    sides = [side for side, drug in (("es", "esketamine"), ("ar", "arketamine")) if drugs & {drug, "racemic"}]
    analytes = library.pk_model(common_models(scenario)["levels"]).analytes
    stems = dict.fromkeys(name.removeprefix("es").removeprefix("ar") for name in analytes)
    both = [""] if len(sides) == 2 else []
    return tuple(f"{side}{stem}" for stem in stems for side in (*both, *sides))


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
