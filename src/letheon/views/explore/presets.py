"""Published regimens for the page: infusions from the library's studies, with plain words about each."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from letheon import library
from letheon.dosing.regimen import Infusion, Rate
from letheon.units import REFERENCE_WEIGHT_KG
from letheon.views.explore.reading import rows

__all__ = ["PRESETS", "Preset", "presets"]

_MINUTE_MS = 60_000


@dataclass(frozen=True, slots=True)
class Preset:
    """One published regimen: where it stands in the library, and what people call it.

    Parameters
    ----------
    study, arms : str and tuple of str
        A study of the library and those of its arms that make the regimen up.
    name : str
        Name of the arm in a scenario.
    title, words : str
        What the page says.
    """

    study: str
    arms: tuple[str, ...]
    name: str
    title: str
    words: str


PRESETS = (
    Preset(
        "schwartzman2009",
        ("racemic",),
        "ten_days",
        "Ten outpatient days",
        "Four hours a day for ten days, going home at night. The schedule of one small trial against saline.",
    ),
    Preset(
        "sigtermans2009",
        ("esketamine_slow",),
        "hundred_hours",
        "100 hours in hospital",
        "One drip without a break for four days, a little more each day. The trial that most of the evidence rests on.",
    ),
    Preset(
        "goldberg2010",
        ("racemic",),
        "five_days",
        "Five days in hospital",
        "One drip for five days, raised every day. Sixteen patients, no comparison group.",
    ),
    Preset(
        "duration357",
        ("racemic_3d",),
        "three_days",
        "Three outpatient days",
        "Six hours a day for three days: the shortest of a trial that compared three, five and seven.",
    ),
    Preset(
        "duration357",
        ("racemic_7d",),
        "seven_days",
        "Seven outpatient days",
        "Six hours a day for seven days: the longest of that trial, and no better than five.",
    ),
    Preset(
        "ketcrps2",
        ("continuous",),
        "six_days",
        "Six days in hospital",
        "One arm of a trial without results so far.",
    ),
    Preset(
        "ketcrps2",
        ("intermittent",),
        "every_two_weeks",
        "A day every two weeks",
        "The other arm of that trial: six single days over ten weeks.",
    ),
    Preset(
        "boosterpractice",
        ("outpatient_10d", "booster_ladder"),
        "with_boosters",
        "Ten days and booster sessions",
        "As some infusion services do it: ten days, then sessions further and further apart. No trial tested the "
        "boosters.",
    ),
    Preset(
        "pickering2020",
        ("racemic",),
        "one_infusion",
        "One short infusion",
        "Forty minutes, once, as given for depression. Studied in other kinds of pain, where nothing was left after "
        "days.",
    ),
)


def presets() -> list[dict[str, Any]]:
    """Return the published regimens as the page shows them.

    Returns
    -------
    list of dict
        ``id``, ``name``, ``title``, ``words``, ``drug``, ``sessions`` as the editor's rows, ``design`` and ``source``
        of the study.

    Examples
    --------
    >>> presets()[0]["sessions"]  # doctest: +ELLIPSIS
    [{'at_h': 0.0, 'hours': 4.0, 'rate': 25.0, 'by_weight': False, 'max': None, 'every_h': 24.0, 'times': 10}]
    """
    studies, sources = {study.id: study for study in library.studies()}, library.sources()
    return [_told(preset, studies[preset.study], sources) for preset in PRESETS]


def _told(preset: Preset, study: library.Study, sources: Mapping[str, library.Source]) -> dict[str, Any]:
    arms = [next(arm for arm in study.arms if arm.name == name) for name in preset.arms]
    infusions = [_infusion(arm, *given) for arm in arms for given in arm.infusions]
    return {
        "id": preset.name,
        "name": preset.name,
        "title": preset.title,
        "words": preset.words,
        "drug": arms[0].drug,
        "sessions": rows(infusions),
        "design": study.design,
        "source": sources[study.source].citation,
    }


def _infusion(arm: library.StudyArm, start_h: float, hours: float, rate: float) -> Infusion:
    # studies state hours to three decimals: whole minutes are meant
    start, length = (round(60 * value) * _MINUTE_MS for value in (start_h, hours))
    return Infusion(start, length, Rate(0.0, rate / REFERENCE_WEIGHT_KG) if arm.by_weight else Rate(rate))
