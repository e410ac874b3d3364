"""What every output says of relief: shares of patients and days, on a named day, with patients and placebo beside.

How patients differ (the median patient and the range of 90 % of them) and how well a mean is known (its 90 % interval)
never share brackets.
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from letheon.pipeline.result import Endpoint, RunResult
from letheon.views.document import numbers
from letheon.views.figures.curves import endpoint_days, is_placebo, placebo_of
from letheon.views.subjects.names import endpoint_name

NO_PLACEBO = "no placebo arm"
REMISSION = "remission"
_NAMED_DAY = 28  # pain four weeks after the start is what most trials report
_INTERVAL = "90 % interval"


class Statement(NamedTuple):
    """What is said of one endpoint of one arm."""

    label: str  # what it is, and when
    value: str  # the number that leads
    aside: str  # behind it, in brackets
    more: tuple[str, ...]  # the mean with its interval, then placebo and what the arm has over it
    support: str
    basis: tuple[str, ...]

    @property
    def sentence(self) -> str:
        """All but the label, as one piece of text."""
        return "; ".join([f"{self.value} {self.aside}".rstrip(), *self.more])


def named_day(days: Sequence[int]) -> int | None:
    """Return the day on which responders are reported first: the one nearest to four weeks, the earlier of two."""
    return min(days, key=lambda day: (abs(day - _NAMED_DAY), day), default=None)


def keys(endpoints: Iterable[str]) -> list[str]:
    """Return the endpoints of relief that lead, in order: responders on the named day, days, remission."""
    known = list(endpoints)
    day = named_day(endpoint_days(known, "responder_30"))
    return [key for key in (f"responder_30_day_{day}", "relief_days", REMISSION) if key in known]


def statement(result: RunResult, name: str, key: str) -> Statement:
    """Say one endpoint of an arm: a share of patients, or a number of days."""
    arm = result.arms[name]
    entry = arm.endpoint(key)
    assert entry is not None
    if entry.unit == "share":
        day = key.rpartition("_day_")[2]
        value, aside = numbers.of_100(entry.mean), _known(entry.mean_interval, entry.unit)
        mean = "the course is still running" if day.isdigit() and int(day) < arm.course_end_day else ""
    else:
        value, aside, mean = typical(entry)
        value += f" of {numbers.general(result.follow_up_days)}"
    more = tuple(part for part in (mean, *_against(result, name, key)) if part)
    return Statement(endpoint_name(key), value, aside, more, entry.support or "", entry.basis or ())


def typical(entry: Endpoint) -> tuple[str, str, str]:
    """Say a number that patients differ in: the median patient, the range of 90 % of them, then the mean.

    >>> typical(Endpoint(mean=31.2, q05=0.0, q50=2.0, q95=83.0, mean_interval=(17.0, 46.0), unit="days"))
    ('median patient 2', '(90 % of patients 0 to 83)', 'mean 31 (90 % interval 17 to 46)')
    """
    values = (entry.q50, entry.q05, entry.q95)
    middle, low, high = (numbers.amount(v or 0.0, entry.unit).removesuffix(".0") for v in values)
    mean = f"mean {numbers.amount(entry.mean, entry.unit)} {_known(entry.mean_interval, entry.unit)}".rstrip()
    return f"median patient {middle}", f"(90 % of patients {low} to {high})", mean


def excess(entry: Endpoint) -> str:
    """Say how much more an arm has than placebo, with its interval."""
    difference = entry.against.mean if entry.against else 0.0
    size = numbers.change(abs(difference), entry.unit).removesuffix(" points").removeprefix("+")
    known = entry.against.mean_interval if entry.against else None
    interval = f"({_INTERVAL} {numbers.change_interval(known, entry.unit)})" if known else ""
    return f"{size} {'fewer' if difference < 0 else 'more'} {interval}".rstrip()


def _known(interval: Sequence[float] | object, unit: str) -> str:
    if not isinstance(interval, Sequence):
        return ""
    return f"({_INTERVAL} {numbers.interval(interval, unit).removesuffix(' %')})"


def _against(result: RunResult, name: str, key: str) -> tuple[str, ...]:
    """Say what placebo has, and how much more the arm has; nothing for an arm on placebo."""
    arm = result.arms[name]
    if is_placebo(arm):
        return ()
    entry, sham = arm.endpoint(key), placebo_of(result, name)
    beside = result.arms[sham].endpoint(key) if sham else None
    if entry is None or beside is None:
        return (f"{NO_PLACEBO} in this scenario",)
    share = entry.unit == "share"
    value = numbers.of_100(beside.mean) if share else f"mean {numbers.amount(beside.mean, entry.unit)}"
    return f"{value} on placebo", excess(entry)
