"""What every output says of relief: shares of patients and days, on a named day, with patients and placebo beside.

Terminal, report and page take the rows, their order and their words from here. How patients differ (the median patient
and the range of 90 % of them) and how well a mean is known (its 90 % interval) never share brackets.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from letheon.views import plots
from letheon.views.report import words

__all__ = ["NO_PLACEBO", "REMISSION", "Told", "excess", "keys", "named_day", "told", "typical"]

NO_PLACEBO = "no placebo arm"
REMISSION = "remission"
_NAMED_DAY = 28  # pain four weeks after the start is what most trials report
_INTERVAL = f"90{words.THIN}% interval"
_MOST = f"90{words.THIN}% of patients"
_RUNNING = "the course is still running"

Document = Mapping[str, Any]


class Told(NamedTuple):
    """What is said of one endpoint of one arm, as plain text.

    Attributes
    ----------
    label : str
        What it is, and when.
    value : str
        The number that leads: a share as patients of 100, days as those of the median patient.
    aside : str
        Behind it, in brackets: interval of the share, or range of patients.
    more : tuple of str
        After it: the mean with its interval, then placebo and what the arm has over it.
    support : mapping
        Label of support and the studies behind it, as an endpoint holds them.
    """

    label: str
    value: str
    aside: str
    more: tuple[str, ...]
    support: Mapping[str, Any]

    @property
    def sentence(self) -> str:
        """All but the label, as one piece of text."""
        return "; ".join([f"{self.value} {self.aside}".rstrip(), *self.more])


def named_day(days: Sequence[int]) -> int | None:
    """Return the day on which responders are reported first: the one nearest to four weeks.

    Parameters
    ----------
    days : sequence of int
        Days on which the follow-up has endpoints.

    Returns
    -------
    int or None
        The earlier of two that are equally near; None if there are none.

    Examples
    --------
    >>> named_day([1, 7, 14, 28, 35, 84]), named_day([1, 3, 7, 14]), named_day([])
    (28, 14, None)
    """
    return min(days, key=lambda day: (abs(day - _NAMED_DAY), day), default=None)


def keys(endpoints: Mapping[str, Any]) -> list[str]:
    """Return the endpoints of relief that are told first, in order: responders on the named day, days, remission.

    Parameters
    ----------
    endpoints : mapping
        Endpoints of an arm.

    Returns
    -------
    list of str

    Examples
    --------
    >>> keys({"remission": {}, "responder_30_day_7": {}, "responder_30_day_14": {}, "relief_days": {}})
    ['responder_30_day_14', 'relief_days', 'remission']
    """
    day = named_day(plots.endpoint_days(endpoints, "responder_30"))
    return [key for key in (f"responder_30_day_{day}", "relief_days", REMISSION) if key in endpoints]


def told(document: Document, name: str, key: str) -> Told:
    r"""Say one endpoint of an arm.

    Parameters
    ----------
    document : mapping
        The result document.
    name : str
        The arm.
    key : str
        A share of patients, or a number of days.

    Returns
    -------
    Told

    Examples
    --------
    >>> share = {"mean": 0.43, "mean_interval": [0.33, 0.55], "unit": "share", "support": "assumed"}
    >>> arm = {"drug": "racemic", "course_end_day": 5.0, "endpoints": {"responder_30_day_28": share}}
    >>> document = {"arms": {"ward": arm}, "follow_up_days": 84}
    >>> told(document, "ward", "responder_30_day_28").sentence.replace("\u202f", " ")
    '43 of 100 (90 % interval 33 to 55); no placebo arm in this scenario'
    """
    arm = document["arms"][name]
    entry = arm["endpoints"][key]
    unit = entry["unit"]
    if unit == "share":
        day = key.rpartition("_day_")[2]
        running = day.isdigit() and int(day) < arm.get("course_end_day", 0)
        value, aside = words.of_100(entry["mean"]), _known(entry.get("mean_interval"), unit)
        mean = _RUNNING if running else ""
    else:
        value, aside, mean = typical(entry)
        value += f" of {document['follow_up_days']:g}"
    more = tuple(part for part in (mean, *_against(document, name, key)) if part)
    support = {name: entry[name] for name in ("support", "basis") if name in entry}
    return Told(words.endpoint_name(key), value, aside, more, support)


def typical(entry: Mapping[str, Any]) -> tuple[str, str, str]:
    r"""Say a number that patients differ in: the median patient, the range of 90 % of them, then the mean.

    Parameters
    ----------
    entry : mapping
        An endpoint with quantiles over patients.

    Returns
    -------
    tuple of str
        Three pieces.

    Examples
    --------
    >>> entry = {"q05": 0.0, "q50": 2.0, "q95": 83.0, "mean": 31.2, "mean_interval": [17.0, 46.0], "unit": "days"}
    >>> [piece.replace("\u202f", " ") for piece in typical(entry)]
    ['median patient 2', '(90 % of patients 0 to 83)', 'mean 31 (90 % interval 17 to 46)']
    """
    unit = entry["unit"]
    middle, low, high = (words.amount(entry[key], unit).removesuffix(".0") for key in ("q50", "q05", "q95"))
    known = _known(entry.get("mean_interval"), unit)
    return (
        f"median patient {middle}",
        f"({_MOST} {low} to {high})",
        f"mean {words.amount(entry['mean'], unit)} {known}".rstrip(),
    )


def _known(interval: Sequence[float] | None, unit: str, differs: bool = False) -> str:
    if interval is None:
        return ""
    ends = [words.change(end, unit) if differs else words.amount(end, unit) for end in interval]
    low, high = (end.removesuffix(words.POINTS).removesuffix(f"{words.THIN}%") for end in ends)
    return f"({_INTERVAL} {low} to {high})"


def _against(document: Document, name: str, key: str) -> tuple[str, ...]:
    """Say what placebo has, and how much more the arm has; nothing for an arm on placebo."""
    arm = document["arms"][name]
    if plots.is_placebo(arm):
        return ()
    entry, sham = arm["endpoints"][key], plots.placebo_of(document, name)
    if sham is None:
        return (f"{NO_PLACEBO} in this scenario",)
    beside, unit = document["arms"][sham]["endpoints"][key]["mean"], entry["unit"]
    said = words.of_100(beside) if unit == "share" else f"mean {words.amount(beside, unit)}"
    return f"{said} on placebo", excess(entry)


def excess(entry: Mapping[str, Any]) -> str:
    r"""Say how much more an arm has than placebo, with its interval.

    Parameters
    ----------
    entry : mapping
        An endpoint with ``minus_placebo``.

    Returns
    -------
    str

    Examples
    --------
    >>> said = excess({"minus_placebo": 0.31, "minus_placebo_interval": [0.2, 0.41], "unit": "share"})
    >>> said.replace("\u202f", " ")
    '31 more (90 % interval +20 to +41)'
    """
    unit, difference = entry["unit"], entry["minus_placebo"]
    size = words.change(abs(difference), unit).removesuffix(words.POINTS).removeprefix("+")
    side = "fewer" if difference < 0 else "more"
    known = _known(entry.get("minus_placebo_interval"), unit, differs=True)
    return f"{size} {side} {known}".rstrip()
