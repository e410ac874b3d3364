"""The records of a scenario that was read: plain, frozen, in canonical units."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from letheon import library
from letheon.dosing.policy import Policy
from letheon.dosing.regimen import DRUGS, Regimen
from letheon.dosing.weaning import with_weaning


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
    """Other drugs given beside the infusions; 0 for none."""

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
    """

    name: str
    drug: str
    regimen: Regimen
    like: str | None = None
    beside: Beside = Beside()
    policy: Policy = _FIXED
    bag: BagStrength | None = None

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

    def arm(self, name: str) -> Arm:
        """Return the arm of that name; raise KeyError if there is none."""
        for arm in self.arms:
            if arm.name == name:
                return arm
        raise KeyError(name)
