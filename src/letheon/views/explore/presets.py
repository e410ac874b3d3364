"""Published regimens for the page: infusions from the library's studies, with plain words about each."""

from collections.abc import Mapping
from importlib import resources

import msgspec

from letheon import library
from letheon.dosing.regimen import Infusion, Rate
from letheon.units import REFERENCE_WEIGHT_KG
from letheon.views.explore.reading import SessionRow, rows

_MINUTE_MS = 60_000


class Preset(msgspec.Struct, frozen=True):
    """A row of ``presets.toml``."""

    study: str  # of the library
    arms: tuple[str, ...]  # those of the study's that make the regimen up
    name: str  # of the arm in a scenario
    title: str
    words: str


class PublishedRegimen(msgspec.Struct, frozen=True):
    """A published regimen as the page shows it."""

    id: str
    name: str
    title: str
    words: str
    drug: str
    sessions: list[SessionRow]
    design: str  # of the study
    source: str


_TEXT = (resources.files("letheon.views.explore") / "presets.toml").read_text(encoding="utf-8")
PRESETS = msgspec.toml.decode(_TEXT, type=dict[str, tuple[Preset, ...]])["preset"]


def presets() -> list[PublishedRegimen]:
    """Return the published regimens.

    >>> presets()[0].sessions
    [SessionRow(at_h=0.0, hours=4.0, rate=25.0, by_weight=False, max=None, every_h=24.0, times=10)]
    """
    studies, sources = {study.id: study for study in library.studies()}, library.sources()
    return [_regimen(preset, studies[preset.study], sources) for preset in PRESETS]


def _regimen(preset: Preset, study: library.Study, sources: Mapping[str, library.Source]) -> PublishedRegimen:
    arms = [next(arm for arm in study.arms if arm.name == name) for name in preset.arms]
    sessions = rows(_infusion(arm, *infusion) for arm in arms for infusion in arm.infusions)
    name, source = preset.name, sources[study.source].citation
    return PublishedRegimen(name, name, preset.title, preset.words, arms[0].drug, sessions, study.design, source)


def _infusion(arm: library.StudyArm, start_h: float, hours: float, rate: float) -> Infusion:
    # studies state hours to three decimals: whole minutes are meant
    start, length = (round(60 * value) * _MINUTE_MS for value in (start_h, hours))
    return Infusion(start, length, Rate(0.0, rate / REFERENCE_WEIGHT_KG) if arm.by_weight else Rate(rate))
