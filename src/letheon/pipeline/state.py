"""State of the patients in a simulation: constants, clock, running sums, plasma and records."""

from typing import NamedTuple

from letheon.arrays import Array
from letheon.body.course import Plasma
from letheon.body.response import Body, DrugEffects, PainState
from letheon.pipeline.clinic import Chart, Reach

__all__ = [
    "DAILY",
    "PROFILE",
    "Clock",
    "Exposure",
    "Intake",
    "Log",
    "Patient",
    "PatientState",
    "PlasmaState",
    "RecordSizes",
    "Tally",
    "Watch",
]

DAILY = ("pain", "pain_slow", "dose_mg", "hours")
PROFILE = ("nmda_block", "sensitisation", "growth", "slow_site_effect", "nrs", "nrs_slow")


class Patient(NamedTuple):
    """Constants of one patient."""

    body: Body
    s_chronic: Array  # chronic sensitisation
    plasmas: tuple[Plasma, ...]
    tables: list  # their propagators, shape (level, epoch, row, column), by system and branch
    rates: Array  # shape (piece + 1,): rates as written [mg/h], pushes included
    pump_rates: Array  # the same without pushes
    reach: Reach  # what titration may do to them
    noise: Array  # shape (7 + day,): noise of the diary [NRS]
    bedside_noise: Array  # shape (assessment,): noise of scores at the bedside [NRS]
    report_threshold: Array  # a psychedelic effect is reported where its probability exceeds this
    load_c50: Array  # psychedelic load: half effect [ng/mL]
    load_weight: Array  # weight of arketamine
    slope: Array  # link from load to incidence, with the next
    background: Array
    spontaneous: Array  # share reported spontaneously
    noticeable: Array  # load that is noticed [%]
    booster_mg: Array  # shape (rung,): what a booster gives [mg]
    interval_u: Array  # shape (booster,): numbers by which the days to each are drawn
    push_mg: Array | None  # shape (piece + 1,): what the push gives that begins with a piece [mg]; None without limits
    watch: "Watch | None" = None  # None where no exposure is asked for


class Clock(NamedTuple):
    """Where a patient is in time: whole numbers, in ticks except for the indices."""

    tick: Array  # now
    since: Array  # ticks since the last change of rate
    day: Array  # days that have ended
    edge: Array  # next entry of the timetable
    origin: Array  # what its ticks count from
    resume_edge: Array  # where the timetable goes on after a booster
    epoch: Array  # present epoch of the parameters
    save: Array  # next time to save
    next_titration: Array  # next assessment of the rate
    resume: Array  # end of a pause of the infusion; `NEVER` outside one
    dosed_until: Array  # until when the dose has been added up


class Tally(NamedTuple):
    """Running sums of a patient."""

    piece: Array  # int: piece of the timetable; 0 for none
    written: Array  # its rate without pushes, as written [mg/h]
    pump_rate: Array  # the same as it runs
    rate: Array  # rate as it runs, pushes included [mg/h]
    area: Array  # integral of pain up to the last midnight [NRS h]
    area_slow: Array  # the same under the slow site
    dose_mg: Array  # drug today [mg]
    hours: Array  # hours of it [h]
    load: Array  # psychedelic load now [%]
    load_hours: Array  # hours in which it was noticed [h]
    peak: Array  # its maximum [%]
    session_peak: Array  # that since the last session began
    peaks: Array  # sum of those of earlier sessions
    plasma: Array  # highest level of esketamine [ng/mL]
    sessions: Array  # int: sessions begun
    assessments: Array  # int: assessments made
    final: Array  # last rate of the arm's own sessions, pushes and weaning apart [mg/h]
    wean_from: Array  # rate from which the weaning goes down [mg/h]


class Log(NamedTuple):
    """What was decided for a patient, axis (slot,): boosters from the front, all else from the back, latest first."""

    time_h: Array
    kind: Array  # key of `letheon.pipeline.clinic.EVENTS`; 0 for nothing
    value: Array  # dose of a booster [mg] or new rate [mg/h]


class Intake(NamedTuple):
    """What limits of dose let through; see `letheon.pipeline.intake`."""

    pump: Array  # rate of the pump as it runs [mg/h]
    push: Array  # that of a push
    push_left_mg: Array  # what is still to come of it [mg]
    left_out: Array  # bool: whether the last push was left out
    limited: Array  # bool: whether the pump runs slower than it would without limits
    stopped: Array  # bool: whether it stands still
    next_cut: Array  # when a limit is reached [ticks]; `NEVER` where the pump stands still


class Watch(NamedTuple):
    """How exposure follows from the states of plasma."""

    # of each plasma system, shape (epoch, own level, state): from changes of its states to areas under its own levels
    areas: list
    mix: Array  # shape (substance, own level): 1 where the level of a system is part of that of a substance


class Exposure(NamedTuple):
    """Exposure so far, shape (substance,)."""

    level: Array  # in plasma, now [ng/mL]
    auc: Array  # area under it [ng h/mL]
    cmax: Array  # its maximum [ng/mL]
    ctrough: Array  # that at the start of the last session of the first course [ng/mL]
    above: Array  # shape (substance, level): hours above each level that is asked for [h]


class RecordSizes(NamedTuple):
    """Sizes of the records of each patient: days of the diary, times of the profile, lines of the log."""

    days: int
    saves: int
    slots: int


class PlasmaState(NamedTuple):
    """Plasma of all patients of a block, patient last, so that a row is a vector of patients.

    The propagators of a quarter of each patient's last step stand in a row, which leaves the compiler no choice of
    layout: it would put the patient first, as in the tables, and that takes three times as long.
    """

    states: list  # by system, `Branched` of shape (state, patient)
    quarter: list  # by system and branch, shape (row * column * patient,)
    place: Array  # int, shape (2, patient): level of that step, and its epoch


class PatientState(NamedTuple):
    """The state of one patient between two steps."""

    clock: Clock
    pain_state: PainState
    effects: DrugEffects
    tally: Tally
    chart: Chart
    daily: Array  # shape (day, 4), columns `DAILY`: latent pain under both models [NRS], dose [mg], hours of drug [h]
    profile: Array  # shape (time, quantity): levels [ng/mL], then `PROFILE`
    log: Array  # shape (slot, 3): fields of `Log`
    intake: Intake | None  # None in arms without limits
    exposure: Exposure | None = None  # None where it is not asked for
