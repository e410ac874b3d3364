"""Harms of one patient under one arm, inside the compiled block: acute effects, circulation, bladder, mood.

What goes by the days of dosing (bladder, mood) is worked out from what each patient was given, day by day, put together
into stretches of equal days; a policy, titration or a plain timetable all arrive here in the same form.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from letheon.arrays import Array, jax, jnp
from letheon.harms import acute, circulation, mood
from letheon.harms.bladder import laws as bladder
from letheon.patients.population import People
from letheon.pipeline.state import Tally

__all__ = [
    "KINDS",
    "SECTIONS",
    "DosingHistory",
    "Kind",
    "Sizes",
    "after_dosing",
    "dosing_history",
    "during_infusions",
    "rounded",
]

_DAY_H = 24.0
_SHARES = ("elicited", "spontaneous", "output", "symptoms", "symptoms_end")
# groups of harms, and the sections of the library with their numbers
SECTIONS = {"acute": "psychedelic", "circulation": "circulation", "mood": "mood"}


class Kind(NamedTuple):
    """A harm that is simulated by patient: its column, its unit, and the numbers of the library behind it."""

    group: str
    column: str  # a key of what `during_infusions` and `after_dosing` return
    unit: str
    support: str
    numbers: str  # their names in the section of the group, with spaces between
    note: str


_LOAD = "Maximum over the run. A per cent of a rating scale, not a share of patients."
_SESSION = "Mean over a patient's sessions of the greatest load in each, with the time after it until the next."
_LASTS = "Hours with more than 10 % of the scale; the effect leaves with a half-life of minutes once plasma has fallen."
_ELICITED = (
    "Any psychomimetic effect in the session with the greatest load, if patients are asked. The link from load to "
    "incidence rests on one arm of one trial (76 % against 18 % on placebo)."
)
_SPONTANEOUS = "The same, reported spontaneously: 8 to 30 % of what asking finds."
_OUTPUT = "Rise of cardiac output at the highest arterial level, as a share of rest; the line ends at 50 %."
_PRESSURE = "Mean rise at the highest level, in mmHg; two large series at one dose disagree fourfold."
_PULSE = "Mean rise at the highest level, in beats a minute; some studies saw none."
_AT_THE_END = "At the end of the follow-up."
_LOAD_NUMBERS = "c50 half_life arketamine_weight"
_FALL = "In those who have depression: fall of the MADRS beyond a comparison. No study measured it in CRPS."

KINDS = {
    "psychedelic_load": Kind("acute", "load", "%", "volunteer", _LOAD_NUMBERS, _LOAD),
    "psychedelic_load_session": Kind("acute", "load_session", "%", "volunteer", _LOAD_NUMBERS, _SESSION),
    "psychedelic_hours": Kind("acute", "load_hours", "h", "volunteer", "c50 half_life", _LASTS),
    "psychomimetic_elicited": Kind("acute", "elicited", "share", "assumed", "background treated c50", _ELICITED),
    "psychomimetic_spontaneous": Kind("acute", "spontaneous", "share", "assumed", "spontaneous_share", _SPONTANEOUS),
    "cardiac_output": Kind("circulation", "output", "share", "volunteer", "output_slope", _OUTPUT),
    **{
        f"{name}_pressure": Kind("circulation", name, "mmHg", "assumed", f"{name}_rise mean_pressure_most", _PRESSURE)
        for name in ("systolic", "diastolic")
    },
    "pulse": Kind("circulation", "pulse", "beats/min", "assumed", "pulse_rise pulse_most", _PULSE),
    "mood_fall": Kind(
        "mood", "mood", "MADRS", "assumed", "fall fall_most", f"{_FALL} A day after dosing, at its most."
    ),
    "mood_fall_end": Kind("mood", "mood_end", "MADRS", "assumed", "fall half_life", f"{_FALL} {_AT_THE_END}"),
}


class Sizes(NamedTuple):
    """Room for the stretches of equal days, and for the days with drug."""

    stretches: int
    doses: int


class DosingHistory(NamedTuple):
    """What one patient was given, by stretch of equal days and by dosing day; padding has no length and no dose."""

    drives: Array  # shape (stretch,): mean rate over the days of a stretch [mg/h]
    lengths: Array  # shape (stretch,): its length [h]
    doses: Array  # shape (dosing day,): dose of the day [mg]
    noons: Array  # shape (dosing day,): its noon [h]
    read_at: Array  # shape (dosing day + 1,): a day after each of these noons, and the end of the follow-up [h]


def dosing_history(dose_mg: Array, days: Array, sizes: Sizes) -> DosingHistory:
    """Put the days of a patient together.

    `dose_mg` has shape (day,) and may be padded; `days` of them count.

    >>> days = dosing_history(jnp.array([100.0, 100.0, 0.0, 0.0, 50.0]), 5, Sizes(4, 4))
    >>> days.lengths.tolist(), days.noons.tolist()
    ([48.0, 48.0, 24.0, 0.0], [12.0, 36.0, 108.0, 120.0])
    """
    counted = jnp.arange(len(dose_mg)) < days
    dose_mg = jnp.where(counted, dose_mg, 0.0)
    row = jnp.cumsum(jnp.concatenate([jnp.zeros(1, bool), dose_mg[1:] != dose_mg[:-1]]))
    kept_rows = jnp.where(counted, row, sizes.stretches)
    drives = jnp.zeros(sizes.stretches).at[kept_rows].set(dose_mg / _DAY_H, mode="drop")
    lengths = jnp.zeros(sizes.stretches).at[kept_rows].add(_DAY_H, mode="drop")
    dosed = dose_mg > 0.0
    place = jnp.where(dosed, jnp.cumsum(dosed) - 1, sizes.doses)
    doses = jnp.zeros(sizes.doses).at[place].set(dose_mg, mode="drop")
    last = _DAY_H * jnp.asarray(days, float)
    # A day's dose counts from its noon, whatever the hour: one more session on that day moves no other effect.
    noon = _DAY_H * (jnp.arange(len(dose_mg)) + 0.5)
    noons = jnp.full(sizes.doses, last).at[place].set(noon, mode="drop")
    return DosingHistory(drives, lengths, doses, noons, jnp.minimum(jnp.append(noons + _DAY_H, last), last))


def during_infusions(tally: Tally, typical: Callable[[str], Array]) -> dict[str, Array]:
    """Return a patient's acute harms by name, maxima over the run unless said otherwise.

    ``load`` [%], ``load_session`` (mean over the sessions of each one's greatest) [%], ``load_hours`` in which it is
    noticed [h], ``elicited`` and ``spontaneous`` incidence, ``output`` [share of rest], ``systolic``, ``diastolic``
    [mmHg], ``pulse`` [beats/min].
    """
    elicited = acute.incidence(tally.peak, acute.leiden_slope(typical), typical("psychedelic.background"))
    rises = circulation.rises(tally.plasma, typical)
    return {
        "load": tally.peak,
        "load_session": (tally.peaks + tally.session_peak) / jnp.maximum(tally.sessions, 1),
        "load_hours": tally.load_hours,
        "elicited": elicited,
        "spontaneous": acute.spontaneous(elicited, typical("psychedelic.spontaneous_share")),
        **rises._asdict(),
    }


def after_dosing(history: DosingHistory, typical: Callable[[str], Array], people: People) -> dict[str, Array]:
    """Return what dosing days do to a patient's bladder under both injury laws, and to the mood of the depressed.

    For each of `bladder.variants` (``bladder_variant_…``) the least ``capacity`` and ``anaesthetic``
    capacity, the most that was ``lost`` and what is lost at the end (``lost_end``) [mL], ``lasting``, ``symptoms``,
    ``symptoms_end``; and ``mood``, ``mood_end`` [MADRS].
    """
    out = {}
    for name, law, by_urine in bladder.variants(people.urine_l_h is not None):
        values = bladder.typical_values(law)
        bladder_values = lambda name, values=values: jnp.asarray(values[name])[people.draw]  # noqa: E731
        person = bladder.tissue(bladder_values, people.eta["bladder_d50"], people.eta["bladder_capacity"])
        drives = bladder.by_urine(history.drives, bladder_values, people.urine_l_h) if by_urine else history.drives
        states = bladder.follow(law, person, drives, history.lengths)
        held, ill = bladder.functional_capacity(person, states), bladder.symptoms(person, states)
        lost = bladder.loss(person, states).max()
        out |= {
            f"bladder_{name}_capacity": 1000.0 * held.min(),
            f"bladder_{name}_anaesthetic": 1000.0 * bladder.anaesthetic_capacity(person, states).min(),
            f"bladder_{name}_lost": 1000.0 * (held[0] - held.min()),
            f"bladder_{name}_lost_end": 1000.0 * (held[0] - held[-1]),
            f"bladder_{name}_lasting": (lost > person.threshold).astype(float),
            f"bladder_{name}_symptoms": ill.max(),
            f"bladder_{name}_symptoms_end": ill[-1],
        }
    weights = mood.session_weight(history.doses / people.weight_kg, typical("mood.reference_dose"))
    # One look after another: all at once would take the square of the dosing days in memory, for every patient.
    fall = jax.lax.map(lambda hour: mood.fall(hour[None], history.noons, weights, typical)[0], history.read_at)
    return out | {"mood": fall.max(), "mood_end": fall[-1]}


def rounded(name: str, values: np.ndarray) -> np.ndarray:
    """Round a harm for keeping: the last of 16 digits may differ with the number of threads, and bytes must not.

    Shares are rounded to a millionth, all else to a ten-thousandth of its unit.

    >>> rounded("elicited", np.array([0.75864123456])).tolist(), rounded("load", np.array([61.23456789])).tolist()
    ([0.758641], [61.2346])
    """
    return np.round(values, 6 if name.endswith(_SHARES) else 4)
