"""State of the patients in a simulation: constants, clock, running sums, plasma and records."""

from typing import NamedTuple

from letheon.arrays import Array
from letheon.body.course import Plasma
from letheon.body.response import Body, DrugEffects, PainState
from letheon.pipeline.clinic import Chart, Reach

__all__ = ["DAILY", "PROFILE", "Clock", "Log", "Patient", "PatientState", "PlasmaState", "RecordSizes", "Tally"]

DAILY = ("pain", "pain_slow", "dose_mg", "hours")
PROFILE = ("nmda_block", "sensitisation", "growth", "slow_site_effect", "nrs", "nrs_slow")


class Patient(NamedTuple):
    """Constants of one patient.

    Attributes
    ----------
    body : Body
        The patient.
    s_chronic : array
        Chronic sensitisation.
    plasmas : tuple of Plasma
        Plasma systems.
    tables : list of list of array
        Their propagators, shape (level, epoch, row, column), by system and branch.
    rates, pump_rates : array, shape (piece + 1,)
        Rates as written [mg/h], with pushes and without.
    reach : Reach
        What titration may do to them.
    noise : array, shape (7 + day,)
        Noise of the diary [NRS].
    bedside_noise : array, shape (assessment,)
        Noise of scores at the bedside [NRS].
    report_threshold : array
        A psychedelic effect is reported where its probability exceeds this.
    load_c50, load_weight, slope, background, spontaneous, noticeable : array
        Psychedelic load: half effect, weight of arketamine, link to incidence, share reported spontaneously, load that
        is noticed.
    booster_mg : array
        What a booster gives [mg].
    """

    body: Body
    s_chronic: Array
    plasmas: tuple[Plasma, ...]
    tables: list
    rates: Array
    pump_rates: Array
    reach: Reach
    noise: Array
    bedside_noise: Array
    report_threshold: Array
    load_c50: Array
    load_weight: Array
    slope: Array
    background: Array
    spontaneous: Array
    noticeable: Array
    booster_mg: Array


class Clock(NamedTuple):
    """Where a patient is in time; in ticks except for the indices.

    Attributes
    ----------
    tick, since, day : int array
        Now; ticks since the last change of rate; days that have ended.
    edge, origin, resume_edge : int array
        Next entry of the timetable, what its ticks count from, and where the timetable goes on after a booster.
    epoch, save, next_titration : int array
        Present epoch of the parameters, next time to save, next assessment of the rate.
    dosed_until : int array
        Until when the dose has been added up.
    """

    tick: Array
    since: Array
    day: Array
    edge: Array
    origin: Array
    resume_edge: Array
    epoch: Array
    save: Array
    next_titration: Array
    dosed_until: Array


class Tally(NamedTuple):
    """Running sums of a patient.

    Attributes
    ----------
    piece : int array
        Piece of the timetable; 0 for none.
    written, pump_rate : array
        Its rate without pushes, as written and as it runs [mg/h].
    rate : array
        Rate as it runs, with pushes [mg/h].
    area, area_slow : array
        Integrals of pain up to the last midnight [NRS h].
    dose_mg, hours : array
        Drug given today [mg], and hours of it.
    load, load_hours : array
        Psychedelic load now [%]; hours in which it was noticed.
    peak, session_peak, peaks : array
        Its maximum, that since the last session began, and the sum of those of earlier sessions [%].
    plasma : array
        Highest level of esketamine [ng/mL].
    sessions, assessments : int array
        Sessions begun, assessments made.
    final : array
        Last rate of the arm's own sessions, pushes apart [mg/h].
    """

    piece: Array
    written: Array
    pump_rate: Array
    rate: Array
    area: Array
    area_slow: Array
    dose_mg: Array
    hours: Array
    load: Array
    load_hours: Array
    peak: Array
    session_peak: Array
    peaks: Array
    plasma: Array
    sessions: Array
    assessments: Array
    final: Array


class Log(NamedTuple):
    """What was decided for a patient: boosters from the front, all else from the back, the latest first.

    Attributes
    ----------
    time_h, kind, value : array, shape (slot,)
        Time [h], key of `letheon.pipeline.clinic.EVENTS` (0: nothing), dose of a booster [mg] or new rate [mg/h].
    """

    time_h: Array
    kind: Array
    value: Array


class RecordSizes(NamedTuple):
    """Sizes of the records of each patient.

    Attributes
    ----------
    days, saves, slots : int
        Days of the diary, times of the profile, lines of the log.
    """

    days: int
    saves: int
    slots: int


class PlasmaState(NamedTuple):
    """Plasma of all patients of a block, patient last, so that a row is a vector of patients.

    Attributes
    ----------
    states : list of Branched, shape (state, patient)
        States of the plasma systems.
    quarter : list of list of array, shape (row * column * patient,)
        Propagators of a quarter of each patient's last step, by system and branch. In a row, which leaves the
        compiler no choice of layout: it would put the patient first, as in the tables, and that takes three times as
        long.
    place : int array, shape (2, patient)
        Level of that step, and its epoch.
    """

    states: list
    quarter: list
    place: Array


class PatientState(NamedTuple):
    """The state of one patient between two steps.

    Attributes
    ----------
    clock : Clock
        Where the patient is.
    pain_state : PainState
        Memory and pain.
    effects : DrugEffects
        What the drug does now.
    tally : Tally
        Running sums.
    chart : Chart
        What the clinic knows.
    daily : array, shape (day, 4)
        Columns `DAILY`: mean latent pain under both models [NRS], dose [mg], hours of drug.
    profile : array, shape (time, quantity)
        Levels [ng/mL], then `PROFILE`, at the times to keep.
    log : array, shape (slot, 3)
        Fields of `Log`.
    """

    clock: Clock
    pain_state: PainState
    effects: DrugEffects
    tally: Tally
    chart: Chart
    daily: Array
    profile: Array
    log: Array
