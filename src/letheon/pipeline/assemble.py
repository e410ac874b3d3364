"""From the library and a patient to what the body needs: plasma systems, parameters, rates.

Written for one patient; `typical` looks a typical value up by ``home.name`` under the patient's draw, so a calibration
can put traced values in its place.
"""

from collections.abc import Callable, Mapping
from typing import NamedTuple

from letheon import library
from letheon.arrays import Array, jax, jnp
from letheon.body import compartments, memory, pain, slow_site
from letheon.body.compartments import System
from letheon.body.course import Body, Plasma
from letheon.body.response import Readout
from letheon.library.records import PkModel
from letheon.patients.population import People
from letheon.patients.uncertainty import RIVAL
from letheon.patients.variability import individual_pk, logit_normal_mean, truncated_lognormal
from letheon.pipeline.plan import ArmData, Part, Structure, choose_enantiomer
from letheon.scenario import Scenario
from letheon.streams import normals

__all__ = ["Switches", "TypicalValues", "body_of", "molar_masses", "patient_values", "plasmas_of", "rates_of"]

TypicalValues = Callable[[str], Array]
_OCCASIONS = 64  # drawn for each patient; later ones begin anew
_SHORTEST_HALF_LIFE_H = 1 / 60  # an effect site faster than a minute is plasma itself


class Switches(NamedTuple):
    """Numbers that a scenario sets for all arms or one; data, not program."""

    seed: int  # of the stream of occasions
    flares: float  # 1 if flares happen, else 0
    expectancy: float  # relief from unblinding in this arm [NRS]
    norketamine: float  # weight of norketamine in the block

    @classmethod
    def of(cls, scenario: Scenario, drug: str) -> "Switches":
        """Return those of a scenario's arms with a drug."""
        models = scenario.models
        expectancy = models.expectancy if drug != "placebo" else 0.0  # nothing to see through
        return cls(scenario.seed, float(models.flares), expectancy, models.norketamine)


def patient_values(draws: Mapping[str, Array], people: People) -> TypicalValues:
    """Return the lookup of a patient's typical values, from ``home.name`` to the value in canonical units.

    `draws` holds arrays of shape (draw,).
    """
    return lambda name: draws[name][people.draw]


def molar_masses() -> dict[str, float]:
    """Return the molar mass [g/mol] of each substance that blocks the receptor."""
    receptor = library.receptor()
    names = ("ketamine", "norketamine")
    return {f"{side}{name}": receptor[f"molar_mass_{name}"].canonical for side in ("es", "ar") for name in names}


def rates_of(arm: ArmData, people: People, pushes: bool = True) -> Array:
    """Return a patient's infusion rates by piece of the schedule [mg/h], shape (piece + 1,); the first is 0."""
    rates = jnp.minimum(arm.absolute + arm.per_kg * people.weight_kg, arm.ceiling)
    trait = jnp.where(arm.by_age, people.age_years, people.weight_kg)
    rates = jnp.where((arm.low <= trait) & (trait < arm.high), rates, 0.0)
    return (rates if pushes else jnp.where(arm.pushed, 0.0, rates)).sum(axis=1)


def plasmas_of(
    structure: Structure,
    typical: TypicalValues,
    people: People,
    switches: Switches,
    arm: ArmData,
    number: Array,
    harms: bool = False,
) -> tuple[Plasma, ...]:
    """Return a patient's plasma systems with their effect sites, one for each part of the structure.

    `number` is the patient's, for the stream of occasions. `harms` adds the effect site of the psychedelic load, which
    relief has no use for.
    """
    constants = {name: n.canonical for name, n in library.receptor().items() if n.name.startswith("molar")}
    slow = slow_site.rate(typical("slow_site.half_life"))
    acute = slow_site.rate(jnp.maximum(typical("acute.half_life"), _SHORTEST_HALF_LIFE_H))
    psychedelic = slow_site.rate(typical("psychedelic.half_life")) if harms else None
    plasmas = []
    for part in structure.parts:
        model = library.pk_model(part.model)
        base = {name: typical(f"{model.id}.{p.same_as or name}") for name, p in model.parameters.items()}
        etas = {
            name: normals(switches.seed, f"occasion {name}", number, _OCCASIONS)[arm.epoch_occasion % _OCCASIONS]
            for name in (model.iov if structure.occasions else ())
        }
        values = individual_pk(model, base, people, borrow=structure.borrow, occasion_etas=etas)
        values = {name: jnp.broadcast_to(v, arm.epoch_induction.shape) for name, v in values.items()}
        values = choose_enantiomer(values, part.enantiomer)
        if "cln" in values:
            values["cln"] = values["cln"] * arm.epoch_induction

        def system_of(values: Mapping[str, Array], part: Part = part, model: PkModel = model) -> System:
            system = compartments.build(model.structure, values, part.enantiomer, constants)
            parent = system.readouts[0][0]
            if "levels" in part.drives and part.enantiomer == "s":
                system = compartments.with_effect_site(system, "slow", parent, slow)
            if "acute" in part.drives:
                system = compartments.with_effect_site(system, "acute", parent, acute)
            system = system if "levels" in part.drives else system.only_upstream_of("acute")
            if psychedelic is not None and "acute" in part.drives:
                system = compartments.with_effect_site(system, "psychedelic", parent, psychedelic)
            return system

        plasmas.append(Plasma(jax.vmap(system_of)(values), part.enantiomer, part.share, part.drives))
    return tuple(plasmas)


def _readout(typical: TypicalValues, people: People) -> Readout:
    """Return how lasting relief becomes pain in a patient under one pain model."""
    return Readout(
        c50_acute=typical("acute.c50") * jnp.exp(typical("acute.c50.sd") * people.eta["c50_acute"]),
        arketamine_weight=typical("acute.arketamine_weight"),
        placebo=logit_normal_mean(typical("placebo.fall"), typical("placebo.patient_sd"), people.eta["placebo"]),
        tau_on=typical("placebo.tau_on"),
        tau_off=typical("placebo.tau_off"),
        odds=jnp.exp(typical("between.effect")),
    )


def body_of(typical: TypicalValues, people: People, switches: Switches) -> Body:
    """Return everything else about a patient: memory, receptor, acute effect, placebo, flares."""
    a, n = typical("memory.a"), typical("memory.n")
    ceiling = memory.folds(a, n)[3]
    quantile = jax.scipy.special.ndtr(people.eta["theta"])
    theta = truncated_lognormal(quantile, typical("memory.theta"), typical("memory.theta.sd"), ceiling)

    def personal(name: str, role: str) -> Array:
        return typical(name) * jnp.exp(typical(f"{name}.sd") * people.eta[role])

    rate = typical("flares.rate") * switches.flares
    return Body(
        memory=memory.Memory(
            theta=theta,
            tau_s=personal("memory.tau_s", "tau_s"),
            a=a,
            n=n,
            gamma=typical("memory.gamma"),
            k_g=typical("memory.k_g"),
            tau_g=typical("memory.tau_g"),
        ),
        responds=(people.quantile["class"] >= typical("memory.p_nonresponse")).astype(float),
        slow_responds=(people.quantile["slow_class"] < typical("slow_site.p_response")).astype(float),
        kappa=personal("receptor.kappa", "kappa"),
        hill=typical("receptor.hill"),
        fu=typical("receptor.fu"),
        inhibition={
            s: typical(f"receptor.ki_{s}") for s in ("esketamine", "arketamine", "esnorketamine", "arnorketamine")
        },
        norketamine_weight=switches.norketamine,
        readout=_readout(typical, people),
        readout_slow=_readout(lambda name: typical(RIVAL + name), people),
        expectancy=switches.expectancy,
        c50_slow=typical("slow_site.c50"),
        baseline=people.baseline,
        flare_rise=typical("flares.rise"),
        flares=pain.flare_days(people.flare_u, rate, typical("flares.duration")),
    )
