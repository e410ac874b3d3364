"""Harms in the terminal's table, and the names that table and report give them."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from letheon.library.evidence import STUDY_LABELS
from letheon.views.spans import ends

__all__ = [
    "COUNTED",
    "by_session",
    "groups",
    "has_harms",
    "interval",
    "is_nothing",
    "laws",
    "support_words",
    "unknowns",
    "value",
]

COUNTED = ("nausea", "headache", "night_terrors", "hallucination", "sedation", "dizziness")
_NOTHING = "-"
_OPEN = "not identified"
_LEAST = 0.1  # what is below it, but more than nothing, is not written as 0

Row = tuple[str, list[str]]
Arms = Sequence[Mapping[str, Any]]


def has_harms(document: Mapping[str, Any]) -> bool:
    """Return whether a result holds harms.

    Parameters
    ----------
    document : mapping
        A result document.

    Returns
    -------
    bool

    Examples
    --------
    >>> has_harms({"arms": {"a": {"harms": {}}}})
    False
    """
    return any(arm["harms"] for arm in document["arms"].values())


def value(number: float | None, unit: str) -> str:
    """Write an estimate: shares in per cent, what is next to nothing as such.

    Parameters
    ----------
    number : float or None
        The estimate.
    unit : str
        Its unit.

    Returns
    -------
    str

    Examples
    --------
    >>> value(0.7487, "share"), value(0.0004, "share"), value(0.0, "share"), value(385.03, "mL"), value(9.909, "mmHg")
    ('75', '<0.1', '0', '385', '9.9')
    """
    if number is None:
        return _NOTHING
    if unit == "share":
        percent = 100.0 * number
        if 0.0 < percent < 0.05:
            return "<0.1"
        return f"{percent:.1f}" if 0.0 < percent < 9.95 else f"{percent:.0f}"
    return f"{number:z.1f}" if abs(number) < 99.95 and number != 0 else f"{number:z.0f}"


def interval(entry: Mapping[str, Any], unit: str) -> str:
    """Write an interval, or that nothing is known where it spans every share.

    Parameters
    ----------
    entry : mapping
        With ``interval``.
    unit : str
        Its unit.

    Returns
    -------
    str

    Examples
    --------
    >>> interval({"interval": [0.0, 1.0]}, "share"), interval({"interval": [0.118, 0.882]}, "share")
    ('not identified', '12 to 88')
    """
    low, high = entry["interval"]
    if unit == "share" and (low, high) == (0.0, 1.0):
        return _OPEN
    return ends(value(low, unit), value(high, unit), zero_step=_LEAST)


def is_nothing(entry: Mapping[str, Any], unit: str) -> bool:
    """Return whether a size is exactly 0, as in an arm without drug; a share of 0 is one that was not seen.

    Examples
    --------
    >>> nothing = {"estimate": 0.0, "interval": [0.0, 0.0]}
    >>> is_nothing(nothing, "mmHg"), is_nothing(nothing, "share")
    (True, False)
    """
    return unit != "share" and entry["estimate"] == 0.0 and not any(entry["interval"])


def _cell(entry: Mapping[str, Any] | None, unit: str = "") -> str:
    if not entry:
        return _NOTHING
    unit = unit or entry["unit"]
    if entry["estimate"] is None:
        return interval(entry, unit)
    if is_nothing(entry, unit):
        return "0"
    low, high = entry["interval"]
    middle = ("+" if entry.get("beyond_placebo") else "") + value(entry["estimate"], unit)
    return f"{middle} [{ends(value(low, unit), value(high, unit), ', ', _LEAST)}]"


def by_session(arms: Arms) -> bool:
    """Return whether the psychedelic load of a session is another than that of the whole run, in any arm.

    Parameters
    ----------
    arms : sequence of mapping
        Arms of a result document.

    Returns
    -------
    bool

    Examples
    --------
    >>> once = {"psychedelic_load": {"estimate": 60.0}, "psychedelic_load_session": {"estimate": 60.0}}
    >>> by_session([{"harms": {"entries": once}}])
    False
    """
    entries = [arm["harms"]["entries"] for arm in arms if arm["harms"]]
    loads = [[one.get(f"psychedelic_load{part}", {}).get("estimate") for part in ("", "_session")] for one in entries]
    return any(whole != single for whole, single in loads)


def _row(label: str, name: str, arms: Arms) -> Row:
    return label, [_cell(arm["harms"]["entries"].get(name)) for arm in arms]


def support_words(entry: Mapping[str, Any], prefix: str = "") -> str:
    """Return a label with the studies that it rests on.

    Examples
    --------
    >>> support_words({"support": "randomised", "basis": ["sigtermans2009"]}), support_words({})
    ('randomised: sigtermans2009', '-')
    """
    label, basis = entry.get(f"{prefix}support", _NOTHING), entry.get(f"{prefix}basis", ())
    return f"{label}: {', '.join(basis)}" if basis and label in STUDY_LABELS else label


def _support(name: str, arms: Arms) -> Row:
    return "  support", [support_words(arm["harms"]["entries"].get(name, {})) for arm in arms]


def _exposure(arms: Arms) -> Iterator[Row]:
    given = [arm["harms"]["exposure"] for arm in arms]
    for label, name in (("hours on the drip", "hours"), ("days with drug", "infusion_days")):
        yield label, [f"{one[name]:g}" for one in given]
    yield "courses", [f"{one['courses']:g}" for one in given]
    yield "  a year", [f"{one['courses_a_year']:.3g}" for one in given]
    if any("urine_l_day" in one for one in given):
        yield "urine, L a day", [f"{one['urine_l_day']:.3g}" for one in given]


def _acute(arms: Arms) -> Iterator[Row]:
    yield _row("psychedelic load, %", "psychedelic_load", arms)
    if by_session(arms):
        yield _row("  mean of sessions, %", "psychedelic_load_session", arms)
    yield _support("psychedelic_load", arms)
    yield _row("noticed if asked, %", "psychomimetic_elicited", arms)
    yield _support("psychomimetic_elicited", arms)
    yield _row("told unasked, %", "psychomimetic_spontaneous", arms)
    yield _support("psychomimetic_spontaneous", arms)
    for effect in COUNTED:
        yield _row(f"{effect.replace('_', ' ')}, %", f"counted_{effect}", arms)
        yield _support(f"counted_{effect}", arms)


def _circulation(arms: Arms) -> Iterator[Row]:
    yield _row("cardiac output, %", "cardiac_output", arms)
    yield _support("cardiac_output", arms)
    yield _row("systolic, mmHg", "systolic_pressure", arms)
    yield _row("diastolic, mmHg", "diastolic_pressure", arms)
    yield _row("pulse, beats/min", "pulse", arms)
    yield _support("pulse", arms)


def _bladder(arms: Arms) -> Iterator[Row]:
    for title, name in (("lasting loss, %", "bladder_lasting_loss"), ("symptoms, %", "bladder_symptoms")):
        entries = [arm["harms"]["entries"].get(name) for arm in arms]
        yield title, [_cell(one) for one in entries]
        for law in laws(arms):
            yield (
                f"  {law.replace('_', ' ')}",
                [_cell(one["laws"][law], one["unit"]) if one else _NOTHING for one in entries],
            )
        yield _support(name, arms)


def laws(arms: Iterable[Mapping[str, Any]]) -> list[str]:
    """Return the names of the bladder's laws that arms were reckoned under.

    Parameters
    ----------
    arms : iterable of mapping
        Arms of a result document that hold harms.

    Returns
    -------
    list of str
        In their order.
    """
    return list(dict.fromkeys(law for arm in arms for law in arm["harms"]["entries"]["bladder_symptoms"]["laws"]))


def groups(arms: Arms) -> Iterator[tuple[str, list[Row]]]:
    """Yield the groups of rows about harms, each with its title.

    Parameters
    ----------
    arms : sequence of mapping
        Arms of a result document that hold harms.

    Yields
    ------
    tuple
        Title and rows.
    """
    yield "Exposure", list(_exposure(arms))
    yield "Acute harms", list(_acute(arms))
    yield "Circulation, rise over rest", list(_circulation(arms))
    yield "Liver injury", [_row("enzymes 3 x limit, %", "liver_injury", arms), _support("liver_injury", arms)]
    yield "Bladder, by injury law", list(_bladder(arms))
    mood = [_row("fall, MADRS", "mood_fall", arms), _row("  nobody could tell", "mood_masked", arms)]
    yield "Mood, if depressed", [*mood, _support("mood_fall", arms)]


def unknowns(document: Mapping[str, Any]) -> list[str]:
    """Return the plain sentences on what is not known, each once, if any arm gives drug.

    Parameters
    ----------
    document : mapping
        A result document.

    Returns
    -------
    list of str

    Examples
    --------
    >>> unknowns({"arms": {"a": {"harms": {}}}})
    []
    """
    found: dict[str, None] = {}
    for arm in document["arms"].values():
        if arm["harms"] and arm["harms"]["exposure"]["infusion_days"]:
            said = (entry.get("unknown") for entry in arm["harms"]["entries"].values())
            found |= dict.fromkeys(text for text in said if text)
    return list(found)
