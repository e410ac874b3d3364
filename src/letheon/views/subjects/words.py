"""Names, captions and fixed paragraphs of all outputs, read from ``words.toml``, which says what each is for."""

from importlib import resources

import msgspec
from msgspec import Struct


class HarmName(Struct, frozen=True):
    """What a harm is called in its table."""

    key: str
    name: str
    note: str = ""
    brief: bool = True  # whether the first look in the terminal has it


class HarmTable(Struct, frozen=True):
    """Harms that stand in one table."""

    group: str  # of the harms in a result
    title: str
    rows: tuple[HarmName, ...]
    aside: str = ""
    two_models: bool = False  # whether each harm has a row for either model of injury


class Texts(Struct, frozen=True):
    """Captions and fixed paragraphs."""

    # of a run
    average: str
    weight: str
    no_weight: str
    weight_in_short: str
    brief_brackets: str
    brief_exposure: str
    brief_against: str
    brief_disagree: str
    one_mechanism: str
    disagree: str
    one_clear: str
    mechanisms: str
    brackets: str
    exposure: str
    range: str
    interval: str
    use: str
    pain: str
    comparison: str
    apart: str
    thin: str
    differences: str
    block: str
    flares: str
    no_flares: str
    placebo: str
    no_expectancy: str
    harms: str
    also: str
    # of calibrations, validations and searches
    trial: str
    contraction: str
    predicted: str
    movement: str
    timing: str
    search: tuple[str, ...]
    search_average: str
    search_alone: str
    search_figure: str


class Words(Struct, frozen=True):
    """The whole file."""

    support: dict[str, str]
    endpoints: dict[str, str]
    responders: dict[str, str]
    measures: dict[str, str]
    parameters: dict[str, str]
    predictions: dict[str, tuple[str, str, str]]  # study, name, unit
    states: dict[str, tuple[str, str]]  # heading, caption
    brief: dict[str, str]
    texts: Texts
    harms: tuple[HarmTable, ...]
    harm_headlines: dict[str, tuple[str, str]]  # label, aside


WORDS = msgspec.toml.decode(
    (resources.files("letheon.views.subjects") / "words.toml").read_text(encoding="utf-8"), type=Words
)
TEXTS = WORDS.texts
