"""The records of a scenario that was read: plain, frozen, in canonical units."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from letheon import library
from letheon.dosing.policy import Policy
from letheon.dosing.regimen import DRUGS, Regimen


@cache
def pk_choices() -> Mapping[str, tuple[str, ...]]:
    """Return which drugs each pharmacokinetic model of the library describes; ``auto`` picks by drug."""
    drugs = tuple(drug for drug in DRUGS if drug != "placebo")
    return {"auto": drugs} | {model: library.pk_model(model).drugs for model in library.pk_models()}


@dataclass(frozen=True, slots=True)
class Spread:
    """A mean and a standard deviation between patients, both in the unit of their field.

    Parameters
    ----------
    mean : float
        Mean.
    sd : float
        Standard deviation; with 0 all patients are alike.
    """

    mean: float
    sd: float = 0.0


@dataclass(frozen=True, slots=True)
class Population:
    """Who is treated.

    Parameters
    ----------
    n : int
        Number of virtual patients in each arm.
    weight : Spread
        Body weight [kg], lognormal.
    baseline_nrs : Spread
        Baseline pain [NRS]: mean and SD of a normal distribution before truncation to 4 to 10.
    age : Spread
        Age [years].
    asian : float
        Share of patients with Asian ancestry, 0 to 1; only one pharmacokinetic model uses it.
    urine : float or None
        Urine flow [L/h]; None for the flow assumed in the calibration of the bladder models.
    """

    n: int = 1000
    weight: Spread = Spread(79.0, 19.0)
    baseline_nrs: Spread = Spread(7.3, 2.0)
    age: Spread = Spread(46.0, 12.0)
    asian: float = 0.0
    urine: float | None = None


@dataclass(frozen=True, slots=True)
class Models:
    """Which models run, and which of their switches are on.

    Parameters
    ----------
    pk : str
        Pharmacokinetic model, a key of `pk_choices`; ``auto`` picks one set for all drugs of the run.
    pain : str
        ``memory`` (the self-sustaining pain memory) or ``slow_site`` (the linear alternative).
    rival : bool
        Whether the other pain model is simulated as well.
    flares : bool
        Whether flares may end a remission.
    expectancy : float
        Additional fall in pain from guessing the treatment [NRS], for sensitivity analyses.
    norketamine : float
        Weight of norketamine in the receptor block that acts on pain, for sensitivity analyses.
    induction : bool
        Whether the formation of norketamine rises during long infusions.
    occasions : bool
        Whether a patient's pharmacokinetics vary from occasion to occasion.
    borrow_variability : bool
        Whether models without published variability borrow that of simons2022.
    """

    pk: str = "auto"
    pain: str = "memory"
    rival: bool = True
    flares: bool = True
    expectancy: float = 0.0
    norketamine: float = 0.0
    induction: bool = False
    occasions: bool = False
    borrow_variability: bool = False


@dataclass(frozen=True, slots=True)
class Beside:
    """Other drugs given with the infusions.

    Parameters
    ----------
    clonidine_mg : float
        Clonidine by mouth before each infusion [mg]; 0 for none.
    midazolam_mg : float
        Midazolam with each infusion [mg]; 0 for none. The dose does not matter: no relation to it is known.
    """

    clonidine_mg: float = 0.0
    midazolam_mg: float = 0.0


_FIXED = Policy()


@dataclass(frozen=True, slots=True)
class Arm:
    """One arm: a name and its regimen.

    Parameters
    ----------
    name : str
        Lower-case name, which is the key of the arm in results.
    drug : str
        ``racemic``, ``esketamine``, ``arketamine`` or ``placebo``.
    regimen : Regimen
        Infusions, in mg of free base; for placebo, the sham sessions.
    like : str or None
        For placebo, the arm whose sessions it copies.
    beside : Beside
        Other drugs given with the infusions; for placebo, those of the arm that it copies.
    policy : Policy
        Boosters, titration and stopping rules; for placebo, those of the arm that it copies.
    """

    name: str
    drug: str
    regimen: Regimen
    like: str | None = None
    beside: Beside = Beside()
    policy: Policy = _FIXED


@dataclass(frozen=True, slots=True)
class Scenario:
    """A whole scenario with every default filled in.

    Parameters
    ----------
    title : str
        One line.
    population : Population
        Who is treated.
    follow_up_h : float
        End of the observation, from the scenario's origin [h].
    seed : int
        Seed of the named random streams.
    models : Models
        Which models run.
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
