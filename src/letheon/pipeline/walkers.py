"""Who walks through an arm: patients, where they are, what they carry and what is kept of them."""

from typing import NamedTuple

from letheon.arrays import Array
from letheon.body.course import Plasma
from letheon.body.response import Body, Signals, State
from letheon.pipeline.bedside import Reach
from letheon.pipeline.clinic import Chart

__all__ = ["DAILY", "PROFILE", "Clock", "Drip", "Log", "Patient", "Room", "Tally", "Walker"]

DAILY = ("pain", "pain_slow", "dose_mg", "hours", "last_h")
PROFILE = ("nmda_block", "sensitisation", "growth", "slow_site_effect", "nrs", "nrs_slow")


class Patient(NamedTuple):
    """What does not change on the way: one patient's body and chances.

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
    rates, drips : array, shape (piece + 1,)
        Rates as written [mg/h], with pushes and without.
    reach : Reach
        What titration may do to them.
    noise : array, shape (7 + day,)
        Noise of the diary [NRS].
    bedside : array, shape (look,)
        Noise of scores told at the bedside [NRS].
    candour : array
        A psychedelic effect is reported where its probability exceeds this.
    load_c50, load_weight, slope, background, spontaneous, noticeable : array
        Psychedelic load: half effect, weight of arketamine, link to incidence, share that is told unasked, load that
        is noticed.
    booster_mg : array
        What a booster gives [mg].
    """

    body: Body
    s_chronic: Array
    plasmas: tuple[Plasma, ...]
    tables: list
    rates: Array
    drips: Array
    reach: Reach
    noise: Array
    bedside: Array
    candour: Array
    load_c50: Array
    load_weight: Array
    slope: Array
    background: Array
    spontaneous: Array
    noticeable: Array
    booster_mg: Array


class Clock(NamedTuple):
    """Where a patient is; all in ticks but for the indices.

    Attributes
    ----------
    tick, since, day : int array
        Now; ticks since the last change of rate; days that have ended.
    edge, origin, home : int array
        Next entry of the timetable, what its ticks count from, and where the timetable goes on after a booster.
    epoch, save, look : int array
        Present epoch of the parameters, next time to keep, next look at the rate.
    fed : int array
        When the dose was last added up.
    """

    tick: Array
    since: Array
    day: Array
    edge: Array
    origin: Array
    home: Array
    epoch: Array
    save: Array
    look: Array
    fed: Array


class Tally(NamedTuple):
    """Running sums of a patient.

    Attributes
    ----------
    piece : int array
        Piece of the timetable; 0 for none.
    written, drip : array
        Its rate without pushes, as written and as it runs [mg/h].
    rate : array
        Rate as it runs, with pushes [mg/h].
    area, area_slow : array
        Integrals of pain up to the last midnight [NRS h].
    dose_mg, hours, last_h : array
        Drug given today [mg], hours of it, and when drug last ran [h].
    load, load_hours : array
        Psychedelic load now [%]; hours in which it was noticed.
    peak, session_peak, peaks : array
        Its maximum, that since the last session began, and the sum of those of earlier sessions [%].
    plasma : array
        Highest level of esketamine [ng/mL].
    sessions, looks : int array
        Sessions begun, looks taken.
    final : array
        Last rate of the arm's own sessions, pushes apart [mg/h].
    """

    piece: Array
    written: Array
    drip: Array
    rate: Array
    area: Array
    area_slow: Array
    dose_mg: Array
    hours: Array
    last_h: Array
    load: Array
    load_hours: Array
    peak: Array
    session_peak: Array
    peaks: Array
    plasma: Array
    sessions: Array
    looks: Array
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


class Room(NamedTuple):
    """Sizes of what is kept for each patient.

    Attributes
    ----------
    days, saves, slots : int
        Days of the diary, times of the profile, lines of the log.
    """

    days: int
    saves: int
    slots: int


class Drip(NamedTuple):
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


class Walker(NamedTuple):
    """What changes from step to step.

    Attributes
    ----------
    clock : Clock
        Where the patient is.
    state : State
        Memory and pain.
    now : Signals
        What acts now.
    tally : Tally
        Running sums.
    chart : Chart
        What the clinic knows.
    daily : array, shape (day, 5)
        Columns `DAILY`: mean latent pain under both models [NRS], dose [mg], hours of drug, when it last ran [h].
    profile : array, shape (time, quantity)
        Levels [ng/mL], then `PROFILE`, at the times to keep.
    log : array, shape (slot, 3)
        Fields of `Log`.
    """

    clock: Clock
    state: State
    now: Signals
    tally: Tally
    chart: Chart
    daily: Array
    profile: Array
    log: Array
