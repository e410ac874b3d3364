"""Harms of one patient under one arm, inside the compiled block: acute effects, circulation, bladder, mood.

What goes by the days of dosing (bladder, mood) is prepared once for an arm as `Dosing`; new doses and dates are data.
"""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from letheon.arrays import Array, jnp
from letheon.body.mesh import padded_size
from letheon.dosing.regimen import Schedule
from letheon.harms import acute, bladder, circulation, mood
from letheon.harms.exposure import daily_hours, day_pieces
from letheon.patients.population import People
from letheon.units import MS_PER_HOUR

__all__ = ["Dosing", "after_dosing", "dosing_of", "during_infusions", "kept", "widen"]

_SMALLEST, _SMALLEST_PARTS = 64, 256
_DAY_H = 24.0
_SHARES = ("elicited", "spontaneous", "output", "symptoms", "symptoms_end")


class Dosing(NamedTuple):
    """The dosing days of an arm as data, padded; hours belong to a piece of the schedule, 0 being none.

    Attributes
    ----------
    day_row, day_piece : int array, shape (part,)
        Stretch of equal days, and the piece of the schedule that runs in it.
    day_hours : array, shape (part,)
        Hours of that piece on each of these days.
    stretch_h : array, shape (stretch,)
        Length of each stretch of equal days [h]; 0 is padding.
    session_row, session_piece : int array, shape (part,)
        Dosing day, and the piece that runs on it.
    session_hours : array, shape (part,)
        Hours of that piece on that day.
    session_end_h : array, shape (dosing day,)
        When drug last runs on each dosing day, since the origin [h].
    looks_h : array, shape (3,)
        A day after the first and after the last dosing day, and the end of the follow-up [h].
    """

    day_row: np.ndarray
    day_piece: np.ndarray
    day_hours: np.ndarray
    stretch_h: np.ndarray
    session_row: np.ndarray
    session_piece: np.ndarray
    session_hours: np.ndarray
    session_end_h: np.ndarray
    looks_h: np.ndarray


def _parts(hours: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """List what is not zero in a table (row, piece): rows, pieces counted from 1, hours; padded."""
    row, piece = np.nonzero(hours)
    room = padded_size(len(row), _SMALLEST_PARTS) - len(row)
    found = row.astype(np.int32), (piece + 1).astype(np.int32), hours[row, piece]
    return tuple(np.pad(values, (0, room)) for values in found)  # type: ignore[return-value]


def dosing_of(schedule: Schedule, days: int) -> Dosing:
    """Return the dosing days of a schedule as data.

    Parameters
    ----------
    schedule : Schedule
        The schedule.
    days : int
        Days of follow-up.

    Returns
    -------
    Dosing
        Padded arrays.

    Examples
    --------
    >>> from letheon.dosing.regimen import Infusion, Rate, Regimen
    >>> drips = [Infusion.create(24 * day, 4, Rate(absolute_mg_h=25.0)) for day in range(10)]
    >>> dosing_of(Regimen.create("racemic", drips).schedule(), 84).session_end_h[:3].tolist()
    [4.0, 28.0, 52.0]
    """
    running = np.array([bool(terms) for terms in schedule.terms], bool)
    hours = daily_hours(schedule, days)[:, : len(running)] * running
    dosed = np.flatnonzero(hours.any(axis=1))
    stops = np.array(schedule.edges_ms[1:], float) / MS_PER_HOUR
    ends = [min(stops[np.flatnonzero(hours[day])[-1]], _DAY_H * (day + 1)) for day in dosed]
    pieces = day_pieces(schedule, days)
    stretches = padded_size(len(pieces.days), _SMALLEST)
    session_room = padded_size(len(dosed), _SMALLEST) - len(dosed)
    last = _DAY_H * days
    looks = [min(end + _DAY_H, last) for end in (ends[0], ends[-1])] if ends else [last, last]
    return Dosing(
        *_parts(pieces.hours[:, : len(running)] * running),
        np.pad(pieces.days * _DAY_H, (0, stretches - len(pieces.days))),
        *_parts(hours[dosed]),
        np.pad(np.array(ends, float), (0, session_room)),
        np.array([*looks, last]),
    )


def widen(dosings: list[Dosing]) -> list[Dosing]:
    """Pad the dosing of several arms to common sizes, so that they share one compiled program.

    Parameters
    ----------
    dosings : list of Dosing
        One for each arm.

    Returns
    -------
    list of Dosing
        The same, longer.
    """
    sizes = [max(len(values) for values in column) for column in zip(*dosings, strict=True)]

    def longer(dosing: Dosing) -> Dosing:
        padded = (np.pad(values, (0, size - len(values))) for values, size in zip(dosing, sizes, strict=True))
        return Dosing(*padded)

    return [longer(dosing) for dosing in dosings]


def during_infusions(sites: Mapping[str, Array], step_h: Array, own, people: People) -> dict[str, Array]:
    """Return a patient's acute harms: load at its greatest, how long it is noticed, incidence, circulation.

    Parameters
    ----------
    sites : mapping of str to array, shape (step + 1,)
        Levels along the trajectory, as `letheon.body.course.Trajectory.sites` has them.
    step_h : array, shape (step,)
        Lengths of the steps [h]; 0 for padding.
    own : callable
        From ``home.name`` to a typical value under the patient's draw.
    people : People
        The patient.

    Returns
    -------
    dict of str to array
        ``load`` [%], ``load_hours`` [h], ``elicited``, ``spontaneous``, ``output``, ``systolic``, ``diastolic``,
        ``pulse``; all maxima over the run but for the hours.
    """
    none = jnp.zeros(len(step_h) + 1)
    c50 = own("psychedelic.c50") * jnp.exp(own("psychedelic.c50.sd") * people.eta["c50_psychedelic"])
    s, r = (sites.get(f"psychedelic_{side}", none) for side in "sr")
    effect = acute.load(s, r, c50, own("psychedelic.arketamine_weight"))
    peak = effect.max()
    elicited = acute.incidence(peak, acute.leiden_slope(own), own("psychedelic.background"))
    time_h = jnp.concatenate([jnp.zeros(1), jnp.cumsum(step_h)])
    rises = circulation.rises(sites.get("plasma_s", none).max(), own)
    return {
        "load": peak,
        "load_hours": acute.hours_above(time_h, effect, 100.0 * own("psychedelic.noticeable")),
        "elicited": elicited,
        "spontaneous": acute.spontaneous(elicited, own("psychedelic.spontaneous_share")),
        **rises._asdict(),
    }


def after_dosing(dosing: Dosing, rates: Array, own, people: People) -> dict[str, Array]:
    """Return what dosing days do to a patient's bladder under both injury laws, and to the mood of the depressed.

    Parameters
    ----------
    dosing : Dosing
        Dosing days of the arm.
    rates : array, shape (piece + 1,)
        The patient's infusion rates [mg/h]; the first is zero.
    own : callable
        From ``home.name`` to a typical value under the patient's draw.
    people : People
        The patient.

    Returns
    -------
    dict of str to array
        For each law (``bladder_law_…``) the least ``capacity`` and ``anaesthetic`` capacity, the most that was ``lost``
        and what is lost at the end (``lost_end``) [mL], ``lasting``, ``symptoms``, ``symptoms_end``; and ``mood``,
        ``mood_end`` [MADRS].
    """

    def daily(row, piece, hours, size: int) -> Array:
        return jnp.zeros(size).at[row].add(rates[piece] * hours)

    drives = daily(dosing.day_row, dosing.day_piece, dosing.day_hours, len(dosing.stretch_h)) / _DAY_H
    out = {}
    for law in bladder.LAWS:
        values = bladder.typical_values(law)
        person = bladder.tissue(
            lambda name, values=values: jnp.asarray(values[name])[people.draw],
            people.eta["bladder_d50"],
            people.eta["bladder_capacity"],
        )
        states = bladder.follow(law, person, drives, dosing.stretch_h)
        held, ill = bladder.functional_capacity(person, states), bladder.symptoms(person, states)
        lost = bladder.loss(person, states).max()
        out |= {
            f"bladder_{law}_capacity": 1000.0 * held.min(),
            f"bladder_{law}_anaesthetic": 1000.0 * bladder.anaesthetic_capacity(person, states).min(),
            f"bladder_{law}_lost": 1000.0 * (held[0] - held.min()),
            f"bladder_{law}_lost_end": 1000.0 * (held[0] - held[-1]),
            f"bladder_{law}_lasting": (lost > person.threshold).astype(float),
            f"bladder_{law}_symptoms": ill.max(),
            f"bladder_{law}_symptoms_end": ill[-1],
        }
    doses = daily(dosing.session_row, dosing.session_piece, dosing.session_hours, len(dosing.session_end_h))
    weights = mood.session_weight(doses / people.weight_kg, own("mood.reference_dose"))
    fall = mood.fall(dosing.looks_h, dosing.session_end_h, weights, own)
    return out | {"mood": fall.max(), "mood_end": fall[-1]}


def kept(name: str, values: np.ndarray) -> np.ndarray:
    """Round a harm for keeping: the last of 16 digits may differ with the number of threads, and bytes must not.

    Parameters
    ----------
    name : str
        Name of the harm.
    values : array
        Its values.

    Returns
    -------
    array
        Shares to a millionth, all else to a ten-thousandth of its unit.

    Examples
    --------
    >>> kept("elicited", np.array([0.75864123456])).tolist(), kept("load", np.array([61.23456789])).tolist()
    ([0.758641], [61.2346])
    """
    return np.round(values, 6 if name.endswith(_SHARES) else 4)
