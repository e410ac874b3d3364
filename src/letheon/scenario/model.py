"""The records of a scenario that was read: plain, frozen, in canonical units."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from itertools import product

from letheon import library
from letheon.dosing.other_drugs import OtherDrug
from letheon.dosing.policy import Policy
from letheon.dosing.regimen import DRUGS, Regimen
from letheon.dosing.weaning import with_weaning
from letheon.units import plain


@cache
def pk_choices() -> Mapping[str, tuple[str, ...]]:
    """Return which drugs each pharmacokinetic model of the library describes; ``auto`` picks by drug."""
    drugs = tuple(drug for drug in DRUGS if drug != "placebo")
    return {"auto": drugs} | {model: library.pk_model(model).drugs for model in library.pk_models()}


@dataclass(frozen=True, slots=True)
class Spread:
    """A mean and a standard deviation between patients, both in the unit of their field; an SD of 0 makes all alike."""

    mean: float
    sd: float = 0.0


@dataclass(frozen=True, slots=True)
class Population:
    """Who is treated."""

    n: int = 1000  # virtual patients in each arm
    weight: Spread = Spread(79.0, 19.0)  # body weight [kg], lognormal
    baseline_nrs: Spread = Spread(7.3, 2.0)  # baseline pain [NRS], parent of a truncated normal on 4 to 10
    age: Spread = Spread(46.0, 12.0)  # [years]
    asian: float = 0.0  # share of patients with Asian ancestry, 0 to 1; only one pharmacokinetic model uses it
    # flow of urine [L/h]; None for that of the people on whom the bladder's laws were calibrated
    urine: float | None = None


@dataclass(frozen=True, slots=True)
class Models:
    """Which models run, and which of their switches are on."""

    pk: str = "auto"  # pharmacokinetic model, a key of `pk_choices`; `auto` picks one set for all drugs of the run
    # `average` of both mechanisms by their weights, or one alone: `memory`, the self-sustaining pain memory, or
    # `slow_site`, the linear one
    pain: str = "average"
    flares: bool = True  # whether flares may end a remission
    expectancy: float = 0.0  # extra fall of pain from guessing the treatment [NRS]; a sensitivity
    norketamine: float = 0.0  # weight of norketamine in the receptor block that acts on pain; a sensitivity
    induction: bool = False  # whether the formation of norketamine rises during long infusions
    occasions: bool = False  # whether a patient's pharmacokinetics vary from occasion to occasion
    borrow_variability: bool = False  # whether models without published variability borrow that of simons2022


@dataclass(frozen=True, slots=True)
class Beside:
    """Other drugs given beside the infusions whose effects are computed; 0 for none."""

    clonidine_mg: float = 0.0  # by mouth before each infusion
    midazolam_mg: float = 0.0  # with each infusion; only whether it is given matters: no size by dose is known


@dataclass(frozen=True, slots=True)
class BagStrength:
    """The strength of what runs, in free base: the same for everybody, or by body weight; and the volume, if stated."""

    mg_per_ml: float
    mg_kg_per_ml: float = 0.0  # [mg/kg/mL]
    ml: float | None = None

    def at(self, weight_kg: float) -> float:
        """Return the strength for one patient [mg/mL].

        >>> BagStrength(0.0, 0.06, 50.0).at(50.0)
        3.0
        """
        return self.mg_per_ml + self.mg_kg_per_ml * weight_kg


@dataclass(frozen=True, slots=True)
class Responder:
    """What makes a responder: so much less pain than at baseline, in per cent of it or in points of the scale.

    >>> Responder(30.0, "%").name, Responder(1.5, "points").name
    ('responder_30', 'responder_1_5pt')
    """

    amount: float
    unit: str  # % or points

    @property
    def name(self) -> str:
        """Name of the endpoint, without its day."""
        return f"responder_{plain(self.amount).replace('.', '_')}{'' if self.unit == '%' else 'pt'}"

    @property
    def text(self) -> str:
        """Amount and unit, as a file writes them."""
        return f"{plain(self.amount)} {'point' if (self.amount, self.unit) == (1.0, 'points') else self.unit}"

    @property
    def limit(self) -> tuple[float, float]:
        """The pain that is left at most: a share of baseline, and points taken from that [NRS]."""
        return ((100.0 - self.amount) / 100.0, 0.0) if self.unit == "%" else (1.0, self.amount)


@dataclass(frozen=True, slots=True)
class OwnEndpoints:
    """What a scenario reads from diary and levels beside the standard days and thresholds."""

    days: tuple[int, ...] = ()  # ascending
    responders: tuple[Responder, ...] = ()
    weekly: bool = False  # whether the mean of each week is read
    area: bool = False  # whether the area under the pain curve is
    exposure: bool = False  # whether AUC, Cmax and Ctrough of each substance in plasma are
    above: tuple[float, ...] = ()  # levels in plasma whose time above is read [ng/mL], ascending


_FIXED = Policy()


@dataclass(frozen=True, slots=True)
class Arm:
    """One arm: a name and its regimen.

    Attributes
    ----------
    name : str
        Lower-case name, which is the key of the arm in results.
    drug : str
        ``racemic``, ``esketamine``, ``arketamine`` or ``placebo``.
    regimen : Regimen
        Infusions, in mg of free base; for placebo, the sham sessions. Weaning is not among them.
    like : str or None
        For placebo, the arm whose sessions, other drugs and policy it copies.
    policy : Policy
        Boosters, titration and what ends them.
    bag : BagStrength or None
        What rates in mL/h and doses in mL were written for.
    also : tuple of OtherDrug
        Further drugs, of which no effect is computed.
    """

    name: str
    drug: str
    regimen: Regimen
    like: str | None = None
    beside: Beside = Beside()
    policy: Policy = _FIXED
    bag: BagStrength | None = None
    also: tuple[OtherDrug, ...] = ()

    def of(self, weight_kg: float | None = None, age_year: float | None = None) -> "Arm":
        """Return the arm of a patient's classes; what goes by an unknown weight or age stays as it is."""
        regimen, policy = self.regimen.of(weight_kg, age_year), self.policy.of(weight_kg, age_year)
        return replace(self, regimen=regimen, policy=policy)

    def each_class(self) -> "list[Arm]":
        """Return the arm of each class, or of each two where some go by weight and some by age; else the arm itself."""
        weights, ages = self.limits("kg"), self.limits("year")
        if not (weights or ages):
            return [self]
        return [self.of(*who) for who in product((0.0, *weights), (0.0, *ages))]

    def limits(self, unit: str) -> tuple[float, ...]:
        """Return where classes of body weight [kg] or age [year] begin in sessions, boosters and titration."""
        boosters, rule = self.policy.boosters, self.policy.titration
        later = Regimen("racemic", boosters.infusions if boosters else ())
        rates = [rate.classes for rate in (rule.step, rule.lowest, rule.highest)] if rule else []
        ruled = (limit for one in rates if one.unit == unit for limit in one.limits)
        return tuple(sorted({*self.regimen.limits(unit), *later.limits(unit), *ruled}))

    @property
    def given(self) -> Regimen:
        """The timetable with its weaning, from the rate that is written for its end."""
        return with_weaning(self.regimen, self.policy.wean)


@dataclass(frozen=True, slots=True)
class Scenario:
    """A whole scenario with every default filled in.

    Attributes
    ----------
    title : str
        One line.
    follow_up_h : float
        End of the observation, from the scenario's origin [h].
    seed : int
        Seed of the named random streams.
    arms : tuple of Arm
        In the order of the file.
    warnings : tuple of str
        Sentences about entries that are allowed but should be checked.
    against : str or None
        Name of the arm that every other one is compared with; ``placebo`` for the placebo arm like each; None where the
        file does not say.
    endpoints : OwnEndpoints
        Days and responders beside the standard ones.

    Examples
    --------
    >>> from letheon.scenario import loads
    >>> scenario = loads('''
    ... letheon: 1
    ... title: one infusion
    ... follow_up: 8 weeks
    ... arms:
    ...   ketamine: {drug: racemic, sessions: [{at: day 1, dose: 0.5 mg/kg, for: 40 min}]}
    ... ''')
    >>> scenario.follow_up_h, scenario.arms[0].regimen.schedule().dose_mg(70.0)
    (1344.0, 35.0)
    """

    title: str
    population: Population
    follow_up_h: float
    seed: int
    models: Models
    arms: tuple[Arm, ...]
    warnings: tuple[str, ...] = ()
    against: str | None = None
    endpoints: OwnEndpoints = OwnEndpoints()

    def arm(self, name: str) -> Arm:
        """Return the arm of that name; raise KeyError if there is none."""
        for arm in self.arms:
            if arm.name == name:
                return arm
        raise KeyError(name)
